"""What a Transformer is at the start: streams, initialisers as shipped, and what keeps its first step free of depth.

Papers: Vaswani et al. 2017, Xiong et al. 2020, Radford et al. 2019 (GPT-2), Shazeer 2020, Zhang et al. 2019 (Fixup),
Wang et al. 2022 (DeepNet), Su et al. 2021 (RoPE).
Claims: V1 to V22.
"""
