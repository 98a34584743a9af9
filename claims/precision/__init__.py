"""What numbers of a few bits hold of a deep net, and what taking logarithms helps.

Papers: He et al. 2015, IEEE 754-2019, Higham 2008, Zhang et al. 2023.
Claims: D1 to D4.
"""
