"""What training cannot undo: hidden units that start alike stay alike.

- `symmetry`: the first step of two such units. That Fixup trains 10,000 layers (T1) is measured, at the scale of
  `theory.fixup.scale`.

Papers: Goodfellow et al. 2016, Zhang et al. 2019 (Fixup).
Claims: S1, T1.
"""
