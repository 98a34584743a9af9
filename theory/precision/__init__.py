"""What numbers of a few bits hold of a deep net, and what taking logarithms helps.

- `formats`: the depth at which powers leave float16, bfloat16 and float32; `softmax`: logits that do.
- `sums_of_logs`: how far sums of logarithms count; `log_series`: where the series of the matrix logarithm converges.

Papers: He et al. 2015, IEEE 754-2019, Higham 2008, Zhang et al. 2023.
Claims: D1 to D4.
"""
