"""How Transformers start: streams, initialisers as shipped, and what keeps the first step free of depth.

- `starts`: weights as PyTorch ships them; `positions`: sinusoids and rotations; `tied_readout`: what a start predicts.
- `value_path`: Fixup's exponent for attention; `first_moves`: which of its parameters move at which step.
- `deepnorm`, `branch_scales`, `scaled_inputs`: other constants and gains, of branches and of inputs (T-Fixup).
- `coordinate_check`: steps by the width.
- `shared_keys`: heads that share their keys.

Papers: Vaswani et al. 2017, Zhang et al. 2019 (Fixup), Wang et al. 2022 (DeepNet), Su et al. 2021 (RoPE).
Claims: V10 to V22.
"""
