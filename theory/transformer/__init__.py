"""What Transformers' streams are at initialisation, forwards and backwards.

- `streams`: a pre-LN stream and GPT-2's scale; `tokens`: causal attention, with and without norms.
- `random_walk`: how far a stream's norm strays; `stream_gradients`: a block backwards, and the last layer's gradient.
- `post_ln`: what stands before a norm behind the addition.
- `perceptrons`: gated and GELU perceptrons.

Papers: Vaswani et al. 2017, Xiong et al. 2020, Radford et al. 2019 (GPT-2), Shazeer 2020.
Claims: V1 to V9.
"""
