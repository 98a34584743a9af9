"""How a residual stream grows, and what its rivals to normalisation do about it.

- `block`: one block written out entry by entry, over which the others average.
- `norms`, `total_variance`: means; `fluctuations`, `logs`, `twins`: around them; `paths`: by the branches gone through.
- `branch_gains`, `rivals`: scaled branches; `tangent_kernel`: what their gradients add up to.
- `post_addition`, `rectified_branches`, `tanh_branches`, `scalar_branches`, `correlated_branches`: other blocks.

Papers: Zhang et al. 2019 (Fixup), De & Smith 2020, Bachlechner et al. 2020, Shao et al. 2020, Brock et al. 2021,
Yang & Schoenholz 2017, Hanin 2018, Hanin & Rolnick 2018.
Claims: M6, R1 to R11, R13 to R18.
"""
