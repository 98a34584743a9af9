"""Six ways to start a residual net, and how far a step of SGD should move the function of each."""

from __future__ import annotations

from dataclasses import replace

from simulations import Network, Residual, Sequential, lecun, residual_mlp, zero
from simulations.layers.dense import Layer
from simulations.layers.scalars import ScalarMultiplier
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.weights.initialisers import Initialiser
from theory.fixup.one_step import bias_count
from theory.residual import norms as residual
from theory.residual.tangent_kernel import branch_trace, fixup_trace

STANDARD = "standard: He, then LeCun"


def _rezero(width: int, blocks: int) -> Network:
    """He-then-LeCun branches, each with a multiplier that starts at 0, and a linear readout."""
    *branches, readout = residual_mlp(width, blocks, classes=1).layers

    def silenced(layer: Layer, position: int) -> Layer:
        assert isinstance(layer, Residual)
        return Residual(Sequential((layer.branch, ScalarMultiplier(f"block{position}.multiplier", 0.0))))

    return Network((*(silenced(layer, position) for position, layer in enumerate(branches)), readout))


def nets(width: int, blocks: int, scalars: float) -> dict[str, tuple[Network, float]]:
    """Each way to start, with the mean of what a step moves f by; all but the standard ones have zero branches.

    The change of f = v^T x_L is the sum of its squared derivatives. Those in the readout v are ||x_L||^2, those in the
    branches their tangent kernel, over v of mean square norm 1. A bias has (1^T v)^2, of mean 1, and so have the two at
    the readout; a multiplier has (v^T F)^2, of mean ||F||^2 / n. All are divided by ||x_0||^2 = n.
    """

    def expected(first: float, last: float) -> float:
        growth = residual.second_moment_growth(residual.branch_gain(first, last), blocks)
        return float(branch_trace(blocks, width, width, first, last) + growth)

    def plain(last: Initialiser = lecun) -> Network:
        return residual_mlp(width, blocks, last_layer=last, classes=1)

    def fixup(with_scalars: bool) -> Network:
        rules = FixupRules(zero_readout=False)
        rules = rules if with_scalars else replace(rules, bias=None, multiplier=None)
        return fixup_mlp(width, blocks, classes=1, rules=rules)

    flat = float(1 + fixup_trace(width, width))
    biases, multipliers = int(bias_count(blocks)) + 2, blocks * float(residual.branch_gain(1, 1))
    return {
        STANDARD: (plain(), expected(1, 1)),
        r"branches by $1/\sqrt{L}$": (plain(lecun.scaled(blocks**-0.5)), expected(1, blocks**-0.5)),
        "zero last layers": (plain(zero), expected(1, 0)),
        "ReZero": (_rezero(width, blocks), 1 + multipliers / width),
        "Fixup, scalars at 1/10": (fixup(True), flat + scalars * biases / width),
        "Fixup, no scalars": (fixup(False), flat),
    }
