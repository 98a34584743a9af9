"""How Transformers start: streams, initialisers as shipped, and what keeps the first step free of depth.

Papers: Vaswani et al. 2017, Zhang et al. 2019 (Fixup), Wang et al. 2022 (DeepNet), Su et al. 2021 (RoPE).
Claims: V10 to V22.
"""
