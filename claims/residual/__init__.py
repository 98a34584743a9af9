"""How a residual stream grows, and what its rivals to normalisation do about it.

Papers: Zhang et al. 2019 (Fixup), De & Smith 2020, Shao et al. 2020, Brock et al. 2021, Yang & Schoenholz 2017.
Claims: M6, R1 to R11, R13 to R18.
"""
