"""By how much one SGD step moves a residual net, and how Fixup makes that independent of depth.

Papers: Zhang et al. 2019 (Fixup).
Claims: F1 to F11, F13, F15 to F22.
"""
