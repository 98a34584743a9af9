"""Logarithms of singular values from compound matrices, against NumPy's decomposition."""

import numpy as np

from figures.tools import compounds
from simulations import lecun, stream


def test_compounds_give_the_singular_values() -> None:
    found = compounds.log_singular_values(lecun, 4, [1, 2], 3, stream(0, "here"))
    first, second = (lecun.draw(rng, 3, 4, 4) for rng in [stream(0, "here")] for _ in range(2))
    for product, logs in zip((first, first @ second), found, strict=True):
        np.testing.assert_allclose(logs, np.log(np.linalg.svd(product, compute_uv=False)), atol=1e-10)
