"""ResNet-18 without batch norm: how far the mean square grows in a block, beside what theory says of it.

Asked in public: "without batch norm it gives NaN". At its start it does not; it grows by 1.2 to 2.6 a block with an
identity shortcut, the less the smaller the image, and by some hundreds altogether.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulations import Network, he, measure, stream
from simulations.networks.imagenet_resnet import resnet18
from theory.convolution.padding import axis_shares
from theory.residual.post_addition import growth_bounds

NETWORK = resnet18(width=8, batch_norm=None, init=he, classes=10)
IMAGE = stream(0, "without norm").normal(size=(1, 64, 64, 3))
DRAWS = 1000


@pytest.mark.slow
@pytest.mark.parametrize(("block", "pixels"), [(0, 16), (1, 16), (3, 8), (5, 4), (7, 2)])
def test_blocks_grow_between_their_bounds(block: int, pixels: int) -> None:
    """From a given state a block multiplies the square norm by 1 + g/2 to 1 + g, on average over its weights.

    The branch has g = 2 times the share of the state that the padding leaves: of every pixel its share after two
    windows. Exact at any width. Within six standard errors: false alarm below 1e-8.
    """
    parameters = NETWORK.draw(stream(block, "without norm"), 1)
    state = NETWORK.run(parameters, np.moveaxis(IMAGE, 3, 1)[None]).states[block + 1][0]
    assert state.shape[2:] == (pixels, pixels)
    record = measure(
        Network((NETWORK.layers[block + 1],)),
        np.moveaxis(state, 1, 3),
        draws=DRAWS,
        rng=stream(block, "growth"),
        extras=(),
    )
    growths = record.square_norms[:, 1] / record.square_norms[:, 0]
    mean, error = growths.mean(), growths.std() / DRAWS**0.5
    shares = np.array(axis_shares(pixels, 3, 1, layers=2), dtype=float)
    kept = np.average(np.outer(shares, shares), weights=np.square(state).sum(axis=(0, 1)))
    low, high = (float(bound) for bound in growth_bounds(2 * kept))
    assert error < 0.05
    assert low - 6 * error < mean < high + 6 * error
    if pixels < 8:  # as if the padding took nothing
        assert mean < float(growth_bounds(2)[0]) - 6 * error
