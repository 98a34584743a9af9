"""All claims, by subject and file, in the order of the reports; importing this registers them."""

from __future__ import annotations

from importlib import import_module

from claims.registry import REGISTRY

__all__ = ["LETTERS", "REGISTRY", "SUBJECTS", "question"]

LETTERS = {
    "A": "one layer",
    "B": "activations and their gains",
    "C": "plain deep nets",
    "D": "number formats and numerical stability",
    "F": "Fixup",
    "G": "gradients at two inputs, and how they shatter",
    "L": "layer and root-mean-square normalisation",
    "M": "mean field: lengths and angles in wide nets",
    "N": "recurrent nets",
    "O": "orthogonal weights, singular values and data-dependent starts",
    "P": "positive homogeneity and bounds on gradients",
    "Q": "attention: logits, softmax and what it averages",
    "R": "residual nets",
    "S": "symmetry, products of matrices and independence, as textbooks state them",
    "T": "training",
    "U": "undrawn and radial weights, active units",
    "V": "Transformers: streams, starts as shipped, scalings with depth",
    "X": "Xavier's initialisation and its compromise",
}
"""What the letter of a code is about; the number counts its claims. Claims with one code say one thing in two ways."""

SUBJECTS = {
    "layer": (
        "one_layer",
        "fans",
        "conventions",
        "stacks",
        "pre_activations",
        "rectifiers",
        "gains",
        "gain_stability",
        "pairs",
    ),
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
        "first_layer",
        "linear_gradients",
        "near_zero",
        "sigmoid_distances",
        "saturation",
    ),
    "fluctuations": (
        "norms",
        "log_moments",
        "width_and_depth",
        "weight_laws",
        "orthogonal_relu",
        "shape_collapse",
        "across_layers",
        "trainable",
    ),
    "mean_field": ("angles", "length_maps", "correlation_length", "tanh_slopes", "tanh_gain"),
    "spectra": (
        "isometry",
        "top_singular_value",
        "mean_singular_value",
        "lyapunov_spectrum",
        "matrix_products",
        "chains",
        "matrix_logs",
    ),
    "shattering": ("masks", "residual_pairs", "coin_blocks", "small_shares", "brown", "kinks", "looks_linear"),
    "residual": (
        "norms",
        "total_variance",
        "fluctuations",
        "branch_gains",
        "post_addition",
        "rectified_branches",
        "paths",
        "tanh_branches",
        "scalar_branches",
        "correlated_branches",
        "rivals",
        "zero_multipliers",
    ),
    "homogeneity": (
        "compositions",
        "degrees",
        "degrees_of_images",
        "degrees_of_joins",
        "sets",
        "softmax",
        "bounds",
        "expected_bounds",
        "threshold",
        "vacuous",
        "euler",
        "initial_loss",
        "vocabulary",
        "weighted_sets",
    ),
    "fixup": (
        "scale",
        "smallest_scale",
        "cure",
        "rules",
        "zeros",
        "scalar_gradients",
        "recipe",
        "stable_rate",
        "start_kernel",
        "kernel_norms",
        "parameter_counts",
        "scalar_resnet",
        "in_sync",
        "one_step",
        "step_of_biases",
    ),
    "normalisation": (
        "branches",
        "centred_weights",
        "lsuv",
        "scale_invariance",
        "multiplier",
        "batch_norm",
        "output_moments",
        "layer_norm",
        "norm_gradients",
        "query_key_norm",
    ),
    "recurrent": ("lstm", "tied_weights", "norms"),
    "attention": ("logits", "steps", "weights", "outputs", "rank_collapse", "diameters", "gradients", "balance"),
    "transformer": (
        "streams",
        "gpt2",
        "tokens",
        "stream_gradients",
        "post_ln",
        "perceptrons",
        "value_path",
        "first_moves",
        "deepnorm",
        "branch_scales",
        "scaled_inputs",
        "coordinate_check",
        "starts",
        "positions",
        "tied_readout",
        "shared_keys",
    ),
    "independence": ("engines", "active_units", "gradient_independence", "ones_in_depth", "assumptions"),
    "training": ("symmetry", "equal_units", "balance", "layer_norms", "first_move", "deep_training"),
    "precision": ("formats", "sums_of_logs", "log_series", "softmax"),
}
"""The files of each subject."""


def question(subject: str) -> str:
    """Return what a subject asks: the first line of its folder's docstring."""
    if subject not in SUBJECTS:
        return "Claims of your own."
    return (import_module(f"{__package__}.{subject}").__doc__ or subject).splitlines()[0]


for subject, files in SUBJECTS.items():
    for file in files:
        import_module(f"{__package__}.{subject}.{file}")

PLACES = {f"{__package__}.{subject}.{file}": (subject, file) for subject, files in SUBJECTS.items() for file in files}
for claim in sorted(REGISTRY.values(), key=lambda one: [*PLACES, one.check.__module__].index(one.check.__module__)):
    REGISTRY[claim.id] = REGISTRY.pop(claim.id)  # whatever was imported first, and a user's own claims last
