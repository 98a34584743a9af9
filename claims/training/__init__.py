"""What training cannot undo, and how deep it reaches.

Papers: Goodfellow et al. 2016, Du et al. 2018, Zhang et al. 2019 (Fixup).
Claims: S1, S5, T1 to T4.
"""
