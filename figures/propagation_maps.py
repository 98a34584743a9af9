"""Maps of lengths and correlations through one wide layer of tanh or ReLU units, with their fixed points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, stacked
from simulations import LeakyReLU, Tanh, he, lecun, mlp, stream
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from simulations.weights.undrawn import undrawn
from theory.mean_field import angles, tanh_correlation, tanh_maps

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="ReLU keeps lengths and aligns inputs; wide tanh nets do neither",
    finding=(
        "He ReLU layers keep every length and take every correlation to 1, where their map touches the diagonal. Tanh "
        "layers of gain 1.5 settle at variance 0.79 and those of gain 2 at 2.12; there they turn inputs apart, to the "
        "correlation 0. At gain 1 lengths fall to 0."
    ),
    alt=(
        "Two charts. Left: variance of the next pre-activation against this one's: ReLU on the diagonal, tanh of gains "
        "1, 1.5 and 2 below or across it, fixed points ringed. Right: change of the correlation of two inputs against "
        "the correlation: ReLU above zero with its fixed point at 1, tanh below zero with its own at 0. Points of "
        "layers 50,000 units wide lie on the curves."
    ),
    source="Poole et al. 2016, figure 1; Schoenholz et al. 2017; Cho & Saul 2009 (ReLU)",
    parameters={"width": 50_000, "gains": [1.0, 1.5, 2.0], "draws": 20},
    tolerance=1e-6,
    key=KEY | {"line": "closed form for wide layers, fixed points ringed"},
)
UNITS = {"panel": "", "layer": "", "gain": "1", "before": "1", "expected": "1", "measured": "1", "error": "1"}


def _pairs(layer: Layer, gain: float, variance: float, cosine: float, width: int, draws: int, rng: Any) -> Array:
    """Return the next variance, and the next correlation, of pre-activations of this variance and correlation."""
    init = he.scaled(gain / np.sqrt(2)) if isinstance(layer, LeakyReLU) else lecun.scaled(gain)
    network = mlp([width, width], init=init, activation=layer)
    one, other = np.ones(width), np.resize([1.0, -1.0], width)
    x = np.stack([one, cosine * one + np.sqrt(1 - cosine**2) * other])[None] * (np.sqrt(variance) / gain)
    found = []
    for _ in range(draws):
        y = network.run(network.draw(rng, 1, undrawn()), x).output[0]
        lengths = np.square(y).sum(axis=1)
        found.append([gain**2 * lengths[0] / width, y[0] @ y[1] / np.sqrt(lengths.prod())])
    return np.array(found)


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure one layer at two inputs, and integrate what it should do."""
    width, draws = parameters["width"], max(20, int(DRAWS[effort] * parameters["draws"]))
    layers: list[tuple[str, Layer, float]] = [("ReLU", LeakyReLU(), np.sqrt(2))]
    layers += [("tanh", Tanh(), gain) for gain in parameters["gains"]]
    groups: list[dict[str, object]] = []
    nothing = {"measured": np.nan, "error": np.nan}
    for name, layer, gain in layers:
        settled = tanh_maps.fixed_point(gain) if name == "tanh" and gain > 1 else 1.0
        shared = {"layer": name, "gain": gain}

        def length(q: float, name: str = name, gain: float = gain) -> float:
            return tanh_maps.next_variance(gain, q) if name == "tanh" else q

        def correlation(c: float, name: str = name, gain: float = gain, settled: float = settled) -> float:
            if name == "tanh":
                return round(tanh_correlation.next_correlation(gain, settled, c), 12) + 0.0  # 0 on every machine
            return float(angles.next_cosine(np.arccos(c)))

        for panel, known, curve, some in (
            ("length", length, np.linspace(0, 2.4, 25), np.linspace(0.3, 2.4, 6)),
            ("correlation", correlation, np.linspace(0, 1, 26), np.linspace(0, 0.95, 6)),
        ):
            if panel == "correlation" and gain <= 1:
                continue  # there is no length to settle at
            values = [known(float(one)) for one in curve]
            groups.append(shared | nothing | {"panel": panel, "before": curve, "expected": values})
            for one in some:
                rng = stream(seed, "propagation_maps", name, str(gain), panel, str(round(float(one), 3)))
                at = (float(one), 0.5) if panel == "length" else (settled, float(one))
                column = _pairs(layer, gain, *at, width, draws, rng)[:, int(panel == "correlation")]
                seen = {"measured": column.mean(), "error": column.std(ddof=1) / np.sqrt(draws)}
                groups.append(shared | seen | {"panel": panel, "before": one, "expected": known(float(one))})
        fixed = {"length": settled if gain > 1 else 0.0, "correlation": float(name == "ReLU")}
        for panel, one in fixed.items():
            if panel == "length" if name == "tanh" and gain <= 1 else name == "tanh" or panel == "correlation":
                groups.append(shared | nothing | {"panel": f"fixed {panel}", "before": one, "expected": one})
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw each map, its points and its fixed point."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2)
    names = list(dict.fromkeys(zip(table["layer"].tolist(), table["gain"].tolist(), strict=True)))
    labels = {"length": [(0.87, 1.3), (1.6, 0.34), (1.85, 0.97), (0.3, 1.9)],
              "correlation": [(0.3, 0.24), (0, 0), (0.28, 0.01), (0.3, -0.085)]}  # fmt: skip
    for axes, (panel, places) in zip(panels, labels.items(), strict=True):
        looks = zip(names, "os^D", ("--", "-", "-", "-."), plt.rcParams["axes.prop_cycle"], places, strict=False)
        for (layer, gain), marker, line, color, place in looks:
            rows = table.where(panel=panel, layer=layer, gain=gain)
            if not len(rows):
                continue
            before, points = rows.numbers("before"), np.isfinite(rows.numbers("measured"))
            less = before if panel == "correlation" else np.zeros(len(rows))
            axes.plot(before[~points], (rows.numbers("expected") - less)[~points], linestyle=line, **color)
            seen = (rows.numbers("measured") - less)[points]
            axes.errorbar(before[points], seen, 3 * rows.numbers("error")[points], fmt=marker, capsize=2, **color)
            for one in table.where(panel=f"fixed {panel}", layer=layer, gain=gain).numbers("before"):
                ring = {"markersize": 11 - 4 * (gain > 1.6), "markerfacecolor": "none", "clip_on": False, "zorder": 5}
                axes.plot(one, one if panel == "length" else 0, "o", **ring, **color)
            axes.annotate("ReLU" if layer == "ReLU" else f"tanh, $g = {gain:g}$", place, **color)
    panels[0].axline((0, 0), slope=1, color="0.6", linewidth=1, zorder=0)
    panels[1].axhline(0, color="0.6", linewidth=1, zorder=0)
    panels[0].set(xlabel="variance $q$", ylabel="next variance $q'$", xlim=(0, 2.5), ylim=(0, 2.5))
    panels[1].set(xlabel="correlation $c$", ylabel="change in a layer $c' - c$", xlim=(0, 1), ylim=(-0.11, 0.34))
    return picture
