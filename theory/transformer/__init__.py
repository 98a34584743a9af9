"""What a Transformer is at the start: streams, initialisers as shipped, and what keeps its first step free of depth.

- `streams`: a pre-LN stream and GPT-2's scale; `tokens`: causal attention, with and without norms.
- `random_walk`: how far a stream's norm strays; `stream_gradients`: a block backwards, and the last layer's gradient.
- `post_ln`: what stands before a norm behind the addition; `perceptrons`: gated and GELU perceptrons.
- `starts`: weights as PyTorch ships them; `positions`: sinusoids and rotations; `tied_readout`: what a start predicts.
- `value_path`: Fixup's exponent for attention; `first_moves`: which of its parameters move at which step.
- `deepnorm`, `branch_scales`, `scaled_inputs`: other constants and gains, of branches and of inputs (T-Fixup).
- `coordinate_check`: steps by the width; `shared_keys`: heads that share their keys.

Papers: Vaswani et al. 2017, Xiong et al. 2020, Radford et al. 2019 (GPT-2), Shazeer 2020, Zhang et al. 2019 (Fixup),
Wang et al. 2022 (DeepNet), Su et al. 2021 (RoPE).
Claims: V1 to V22.
"""
