"""What attention does to tokens and to gradients at initialisation.

Papers: Vaswani et al. 2017, Dong, Cordonnier & Loukas 2021, Noci et al. 2022, Zhang et al. 2019 (Fixup).
Claims: Q1 to Q20.
"""
