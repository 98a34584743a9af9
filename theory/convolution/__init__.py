"""What windows, strides and padding make of the fans of a convolution.

- `padding`: edges, fans forwards and backwards, and the gradients of shared biases.

Papers: He et al. 2015, Zhang et al. 2019 (Fixup).
Claims: A5, F12.
"""
