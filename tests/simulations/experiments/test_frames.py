"""Frames carried through products, against determinants and singular values of the product."""

from __future__ import annotations

import numpy as np
import pytest

from simulations import lecun, stream
from simulations.experiments.frames import carried


def test_lengths_multiply_to_volumes() -> None:
    found = carried(lecun, 3, 4, draws=5, rng=stream(0, "frames"))
    first, second, third, fourth = np.moveaxis(found.factors, 1, 0)
    np.testing.assert_allclose(found.product, fourth @ third @ second @ first, rtol=1e-12)
    np.testing.assert_allclose(found.lengths[..., 0].prod(axis=1), np.linalg.norm(found.product[:, :, 0], axis=1))
    np.testing.assert_allclose(found.lengths.prod(axis=(1, 2)), np.abs(np.linalg.det(found.product)), rtol=1e-9)
    two = found.product[:, :, :2]
    area = np.sqrt(np.linalg.det(two.swapaxes(1, 2) @ two))
    np.testing.assert_allclose(found.lengths[..., :2].prod(axis=(1, 2)), area, rtol=1e-9)


def test_nothing_to_multiply() -> None:
    with pytest.raises(ValueError, match="at least one draw and one matrix, got draws=3 and matrices=0"):
        carried(lecun, 3, 0, draws=3, rng=stream(0, "frames"))
