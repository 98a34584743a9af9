"""What wide nets make of lengths and angles, layer by layer.

- `angles`: of two inputs of a ReLU net; `length_maps`: lengths, with biases.
- `tanh_maps`, `tanh_slopes`: lengths of tanh nets; `tanh_correlation`, `correlation_length`: two inputs of them.

Papers: Cho & Saul 2009, Glorot & Bengio 2010, Poole et al. 2016, Schoenholz et al. 2017.
Claims: B4, B5, M1 to M5, X5.
"""
