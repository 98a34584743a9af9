"""What windows, strides and padding make of the fans of a convolution.

Papers: He et al. 2015, Zhang et al. 2019 (Fixup).
Claims: A5, F12.
"""
