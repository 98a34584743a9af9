"""All claims, by subject and file, in the order of the reports; importing this registers them."""

from __future__ import annotations

from importlib import import_module

from claims.registry import REGISTRY

__all__ = ["REGISTRY", "SUBJECTS"]

SUBJECTS = {
    "layer": ("one_layer", "pre_activations", "rectifiers", "gains"),
    "convolution": ("padding", "fans"),
    "plain": (
        "norms",
        "rates",
        "weight_gradients",
        "jacobian_entries",
        "attenuation",
        "dropout",
        "glorot",
        "compromise",
    ),
    "fluctuations": ("norms", "log_moments", "width_and_depth", "weight_laws", "orthogonal_relu", "shape_collapse"),
    "mean_field": ("angles", "length_maps", "correlation_length", "tanh_slopes", "tanh_gain"),
    "spectra": ("isometry", "top_singular_value", "lyapunov_spectrum", "matrix_products", "matrix_logs", "chains"),
    "shattering": ("masks", "residual_pairs", "small_shares", "brown", "looks_linear"),
    "residual": (
        "norms",
        "total_variance",
        "fluctuations",
        "branch_gains",
        "post_addition",
        "rectified_branches",
        "paths",
        "tanh_branches",
        "rivals",
        "zero_multipliers",
    ),
    "homogeneity": (
        "compositions",
        "degrees",
        "degrees_of_images",
        "sets",
        "softmax",
        "bounds",
        "expected_bounds",
        "threshold",
        "vacuous",
        "euler",
        "initial_loss",
    ),
    "fixup": (
        "scale",
        "cure",
        "rules",
        "zeros",
        "scalar_gradients",
        "scalar_resnet",
        "in_sync",
        "one_step",
        "step_of_biases",
    ),
    "normalisation": ("branches", "centred_weights", "lsuv", "scale_invariance"),
    "recurrent": ("lstm", "tied_weights", "norms"),
    "independence": ("engines", "gradient_independence", "ones_in_depth", "assumptions"),
    "training": ("symmetry", "deep_training"),
}
"""The files of each subject."""

for subject, files in SUBJECTS.items():
    for file in files:
        import_module(f"{__package__}.{subject}.{file}")
