"""What Transformers' streams are at initialisation, forwards and backwards.

Papers: Vaswani et al. 2017, Xiong et al. 2020, Radford et al. 2019 (GPT-2), Shazeer 2020.
Claims: V1 to V9.
"""
