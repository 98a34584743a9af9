"""By how much one SGD step moves a residual net, and how Fixup makes that independent of depth.

- `scale`: the exponent of L, and the condition behind it; `in_sync`: why the moves of branches add up.
- `scalar_branch`, `scalar_resnet`, `one_step`: one branch, the kernel and the whole function, in scalar nets.
- `rules`, `zeros`: the scalars, and what starts at 0; `recipe`: the first three steps from there.
- `smallest_scale`: how far a branch moves, for any scales.
- `stable_rate`, `start_kernel`: how large a rate may be, by depth, in scalar nets and in nets of vectors.
- `kernel_norms`: how far a step moves several outputs; `parameter_counts`: what the scalars cost.

Papers: Zhang et al. 2019 (Fixup).
Claims: F1 to F11, F13, F15 to F22.
"""
