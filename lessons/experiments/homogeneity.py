"""Lesson 7: degrees of homogeneity, the two lower bounds on gradients, and where the bounds say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from figures.tools.table import Table, stacked
from lessons.tools.exercise import Exercise
from simulations import Tanh, gaussian, lecun, mlp, one_hot, residual_mlp, softmax_loss, stream
from simulations.layers.dense import Layer
from simulations.networks.blocks import RELU
from simulations.probe import probe_states
from theory.homogeneity import bounds, degrees, maximum
from theory.homogeneity.gaussian_logits import expected_loss_minus_entropy
from theory.residual import norms as residual

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

CLASSES, WIDTH = 10, 32
WHAT = ("input", "first", "all")
Degree = Callable[[int | None], int | None]
ACTIVATIONS: dict[str, tuple[Layer, Degree]] = {
    "relu": (RELU, degrees.rectifier_degree),
    "tanh": (Tanh(), degrees.tanh_degree),
}
FACTORS = np.exp2(np.arange(-4, 4.5, 0.5))


def _table(**columns: object) -> Table:
    return stacked(dict.fromkeys(columns, "1"), dict(columns))


def degree(what: str, activation: str, bias: float, layers: int) -> int | None:
    """Return the logits' degree in the input, in the first layer's weights or in all weights, by theory's rules."""
    found: int | None = int(what == "input")
    for layer in range(layers):
        scaled = what == "all" or (what == "first" and layer == 0)
        found = degrees.dense_degree(found, scaled, False if bias else None)
        if layer < layers - 1:
            found = ACTIVATIONS[activation][1](found)
    return found


def scaling(what: str, activation: str, bias: float, layers: int, seed: int) -> Table:
    """Multiply the input, or weights, of one net by factors, and measure the norm of its logits, over that at 1."""
    network = mlp([WIDTH] * layers, activation=ACTIVATIONS[activation][0], classes=CLASSES, bias_deviation=bias or None)
    rng = stream(seed, "lesson 7", "scaling")
    parameters, x = network.draw(rng, 1), rng.normal(size=(1, 1, WIDTH))
    weights = [dense.weight for dense in network.weights()]
    chosen = {"input": [], "first": weights[:1], "all": weights}[what]
    norms = []
    for factor in (1.0, *FACTORS):
        changed = parameters | {name: factor * parameters[name] for name in chosen}
        norms.append(np.linalg.norm(network.run(changed, factor * x if what == "input" else x).output))
    found = degree(what, activation, bias, layers)
    law = {} if found is None else {"expected": FACTORS**found}
    return _table(factor=FACTORS, measured=np.array(norms[1:]) / norms[0], **law)


def draw_scaling(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the size of the logits against the factor; a degree is the slope of a straight line."""
    picture, axes = _axes(labels, "scaling")
    if "expected" in table.units:
        axes.plot(table["factor"], table["expected"], label=labels["expected"])
    axes.plot(table["factor"], table["measured"], "o", label=labels["measured"])
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.minorticks_off()
    axes.legend(loc="upper left")
    return picture


def _axes(labels: Mapping[str, str], key: str) -> tuple[Picture, Axes]:
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    axes.set(xlabel=labels[f"{key} across"], ylabel=labels[f"{key} up"], title=labels[f"{key} title"])
    return picture, axes


def theorem(scale: float, blocks: int, seed: int) -> Table:
    """Ask one residual net for its gradient at every block input; `scale` is the root mean square of its logits.

    The excess is the loss less the entropy of the prediction.
    """
    readout = lecun.scaled(scale / math.sqrt(residual.second_moment_growth(1, blocks)))
    network = residual_mlp(WIDTH, blocks, classes=CLASSES, readout=readout)
    rng = stream(seed, "lesson 7", "theorem")
    x = gaussian(rng, (1, 1, WIDTH))
    x *= np.sqrt(WIDTH / np.square(x).sum())
    probe = probe_states(network, network.draw(rng, 1), x, one_hot(rng.integers(CLASSES, size=(1, 1)), CLASSES))
    loss, entropy, norms = probe.loss.loss[0, 0], probe.loss.entropy[0, 0], probe.state_norms[0]
    bound = [float(bounds.theorem_1(loss, entropy, norm)) for norm in norms]
    return _table(
        block=np.arange(blocks + 1), gradient=probe.gradient_norms[0], bound=bound, norm=norms, loss=loss,
        entropy=entropy, inner=probe.inner[0], excess=loss - entropy,
    )  # fmt: skip


def draw_theorem(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the gradient and its bound at every block input; a bound below 0 is shaded, and named for what it is."""
    picture, axes = _axes(labels, "theorem")
    axes.locator_params(axis="x", integer=True)
    axes.plot(table["block"], table["gradient"], "o-", color="C0", label=labels["gradient"])
    if table["excess"][0] > 0:
        axes.plot(table["block"], table["bound"], "s--", color="C1", label=labels["bound"])
    else:
        axes.axvspan(-0.3, len(table) - 0.7, color="0.9", zorder=0)
        axes.text(0.5, 0.06, labels["says nothing"], transform=axes.transAxes, ha="center")
    axes.set_yscale("log")
    axes.legend(loc="upper right")
    return picture


SCALES = np.arange(0.25, 6.1, 0.25)


def vacuous(scale: float, classes: int, seed: int, draws: int = 2000) -> Table:
    """Draw last layers over a state of mean square 1, whose logits are normal of deviation s, for many s.

    Averages are over last layers; the label does not depend on them. The last row is at `scale`.
    """
    scales, rng = np.append(SCALES, scale), stream(seed, "lesson 7", "vacuous")
    network = mlp([8], classes=classes)
    logits = network.run(network.draw(rng, draws), np.ones((draws, 1, 8))).output[:, 0]
    targets = one_hot(np.zeros(draws, dtype=np.int64), classes)
    found = [softmax_loss(one * logits, targets) for one in scales]
    excess = np.array([one.loss - one.entropy for one in found])
    largest = float(maximum.expected_maximum(classes))
    return _table(
        scale=scales,
        law=[float(bounds.theorem_2_expected(one * largest, classes, 1)) for one in scales],
        largest=scales * logits.max(axis=-1).mean() - math.log(classes),
        excess=excess.mean(axis=1),
        negative=(excess < 0).mean(axis=1),
        now=expected_loss_minus_entropy(classes, scale),
    )


def draw_vacuous(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw both means against the logits' deviation, with all that is below 0, where a bound says nothing, shaded."""
    picture, axes = _axes(labels, "vacuous")
    lowest, highest = table.numbers("law").min(), max(table.numbers("law").max(), table.numbers("excess").max())
    axes.axhspan(1.15 * lowest, 0, color="0.9", zorder=0)
    axes.text(6, 0.5 * lowest, labels["says nothing"], ha="right", va="center")
    order = np.argsort(table["scale"])
    axes.plot(table["scale"][order], table["law"][order], color="C1", label=labels["law"])
    axes.plot(table["scale"][order][::2], table["largest"][order][::2], "s", color="C1", label=labels["largest"])
    axes.plot(table["scale"][order], table["excess"][order], "o", color="C0", label=labels["excess"])
    axes.plot(table["scale"][-1:], table["now"][-1:], "D", color="C0", fillstyle="none", ms=13, label=labels["now"])
    axes.axvline(table.numbers("scale")[-1], color="0.5", linewidth=1, zorder=0)
    axes.set_ylim(1.15 * lowest, 1.1 * highest)
    axes.legend(loc="upper left", frameon=True, framealpha=1, edgecolor="none")
    return picture


def guessed_threshold() -> float:
    """Return the deviation of ten logits from which theorem 2 in the mean says something."""
    return float(maximum.vacuous_below(CLASSES))


EXERCISES = (
    Exercise(
        "exercise 1",
        lambda c, L: c ** (degree("all", "relu", 0, int(L)) or 0),
        at=[{"c": 2, "L": 3}, {"c": 3, "L": 2}, {"c": 0.5, "L": 4}],
        misconceptions={"one": lambda c, L: c, "added": lambda c, L: L * c, "invariant": lambda c, L: 1},
    ),
    Exercise(
        "exercise 2",
        lambda loss, entropy, L: degrees.loss_gradient_along(int(L), loss, entropy),
        at=[
            {"loss": 3, "entropy": 1, "L": 2},
            {"loss": 1, "entropy": 2, "L": 3},
            {"loss": 2.5, "entropy": 0.5, "L": 5},
        ],
        misconceptions={
            "one": lambda loss, entropy, L: loss - entropy,
            "loss": lambda loss, entropy, L: L * loss,
            "shared": lambda loss, entropy, L: (loss - entropy) / L,
            "sign": lambda loss, entropy, L: L * (entropy - loss),
        },
    ),
    Exercise(
        "exercise 3",
        lambda: maximum.vacuous_below(2),
        misconceptions={
            "log c": lambda: math.log(2),
            "bits": lambda: math.sqrt(math.pi),
            "times": lambda: math.log(2) / math.sqrt(math.pi),
        },
        tolerance=0.005,
    ),
)
