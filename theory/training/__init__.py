"""What training cannot undo: hidden units that start alike stay alike, and layers that start in balance stay in it.

- `symmetry`: the first step of two such units; `equal_units`: what they are together.
- `balance`: the squared norms of layers; `first_move`: the square norm at each depth in the first step.

That Fixup trains 10,000 layers (T1) is measured, at the scale of `theory.fixup.scale`.

Papers: Goodfellow et al. 2016, Du et al. 2018, Zhang et al. 2019 (Fixup).
Claims: S1, S5, T1 to T4.
"""
