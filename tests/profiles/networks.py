"""Small networks of every kind that theory knows, and the inputs that fit them."""

from typing import Any

import numpy as np

from profiles.families import Asked, network_of
from simulations import Network, digits
from simulations.numbers.arrays import Array

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "plain": ("plain", "he", {}),
    "linear": ("plain", "lecun", {"activation": "linear"}),
    "leaky": ("plain", "he", {"activation": "leaky_relu"}),
    "biased": ("plain", "glorot", {"bias": 0.5}),
    "uniform": ("plain", "he_uniform", {}),
    "signs": ("plain", "he_rademacher", {}),
    "tanh": ("plain", "lecun", {"activation": "tanh"}),
    "gelu": ("plain", "he", {"activation": "gelu"}),
    "residual": ("residual", "he_lecun", {}),
    "deep branch": ("residual", "he", {"branch": 3}),
    "tanh branch": ("residual", "lecun", {"activation": "tanh"}),
    "sqrt_half": ("residual", "sqrt_half", {}),
    "shao": ("residual", "shao", {}),
    "post_addition": ("residual", "post_addition", {}),
    "skipinit": ("residual", "skipinit", {}),
    "scalar": ("scalar", "lecun", {"width": 1}),
    "scalar signs": ("scalar", "he_rademacher", {"width": 1, "branch": 3}),
    "fixup": ("fixup", "fixup", {}),
    "fixup without rules": ("fixup", "he", {}),
    "fixup classifier": ("fixup", "fixup", {"classes": 10}),
    "resnet": ("resnet", "fixup", {"width": 2}),
}


def case(name: str, depth: int = 4, width: int = 4) -> tuple[Network, Array]:
    """Build a case and its inputs."""
    family, init, others = CASES[name]
    values: dict[str, Any] = {
        "depth": depth,
        "width": width,
        "activation": "relu",
        "bias": 0.0,
        "branch": 2,
        "classes": None,
    }
    _, network, rows = network_of(family, init, Asked(**(values | others)), digits())
    return network, np.asarray(rows)
