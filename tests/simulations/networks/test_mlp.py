"""The builders: what they build, layer by layer, and what they refuse."""

from collections.abc import Callable

import pytest

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun, mlp, residual_mlp, zero

RELU = LeakyReLU()


def test_plain_network() -> None:
    assert mlp([5, 4, 3], classes=2, bias_deviation=0.1) == Network(
        (
            Sequential((Dense("layer0", 5, 4, he, 0.1), RELU)),
            Sequential((Dense("layer1", 4, 3, he, 0.1), RELU)),
            Dense("readout", 3, 2, lecun, 0.1),
        )
    )
    assert mlp([5, 4], activation=None) == Network((Dense("layer0", 5, 4, he),))
    assert mlp([5], classes=2) == Network((Dense("readout", 5, 2, lecun),))


def test_residual_network() -> None:
    network = residual_mlp(
        4, 2, hidden=6, layers_per_branch=3, last_layer=zero, stem=7, classes=2, project=True, bias_deviation=0.1
    )
    first, second = (
        Sequential(
            (
                Dense(f"block{i}.layer0", 4, 6, he, 0.1),
                RELU,
                Dense(f"block{i}.layer1", 6, 6, he, 0.1),
                RELU,
                Dense(f"block{i}.layer2", 6, 4, zero, 0.1),
            )
        )
        for i in (0, 1)
    )
    assert network == Network(
        (
            Dense("stem", 7, 4, lecun, 0.1),
            Residual(first, Dense("block0.shortcut", 4, 4, lecun, 0.1)),
            Residual(second),
            Dense("readout", 4, 2, lecun, 0.1),
        )
    )


def test_a_branch_of_one_layer_starts_with_its_activation() -> None:
    branch = Sequential((RELU, Dense("block0.layer0", 4, 4, lecun)))
    assert residual_mlp(4, 1, layers_per_branch=1) == Network((Residual(branch),))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "no widths": (lambda: mlp([]), "at least one layer"),
    "no widths but classes": (lambda: mlp([], classes=3), "at least one layer"),
    "one width": (lambda: mlp([3]), "at least one layer"),
    "width 0": (lambda: mlp([3, 0, 2]), "fan_out of layer 'layer0' must be at least 1, got 0"),
    "input width 0": (lambda: mlp([0, 2]), "fan_in of layer 'layer0' must be at least 1, got 0"),
    "0 classes": (lambda: mlp([3], classes=0), "fan_out of layer 'readout'"),
    "residual width 0": (lambda: residual_mlp(0, 1), "width must be at least 1, got 0"),
    "0 blocks": (lambda: residual_mlp(3, 0), "blocks must be at least 1, got 0"),
    "0 layers a branch": (lambda: residual_mlp(3, 1, layers_per_branch=0), "layers_per_branch must be at least 1"),
    "hidden width 0": (lambda: residual_mlp(3, 1, hidden=0), "fan_out of layer 'block0.layer0'"),
    "stem of 0 features": (lambda: residual_mlp(3, 1, stem=0), "fan_in of layer 'stem'"),
}


@pytest.mark.parametrize(("build", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()
