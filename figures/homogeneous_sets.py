"""Sets of weights in which a residual net is positively homogeneous, and how its output scales with each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.figure import Effort, Figure
from figures.table import Table, stacked
from simulations import Dense, Residual, Sequential, residual_mlp, stream
from simulations.layers import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Scaling a homogeneous set scales the output; one branch layer does not",
    finding=(
        "In a dense analogue of figure 2, a residual net with a projection in its first block, the output is "
        "proportional to the stem, to the readout, and to the projection together with either layer of its branch: the "
        "p.h. sets of degree 1. Stem and readout together have degree 2; a layer of a branch alone has no degree."
    ),
    alt=(
        "Above, a diagram of a residual net, its weights marked with the sets A to D they are in. Below, on "
        "logarithmic axes, output norm against scale factor from 1/16 to 16: the points of A to D share a line of "
        "slope 1, stem and readout together have slope 2, and a branch layer alone follows a curve."
    ),
    source=(
        "A dense analogue of Zhang, Dauphin & Ma 2019, figure 2, which shows convolutions and a max-pool; definition 1"
    ),
    parameters={"width": 32, "blocks": 2, "features": 16, "classes": 10},
    tolerance=1e-6,
)
UNITS = {"row": "", "set": "", "layer": "", "path": "", "degree": "1", "factor": "1", "expected": "1", "measured": "1"}


def _walk(layer: Layer, path: str) -> Iterator[tuple[str, Dense]]:
    """Yield the linear layers with the block and path that each is on."""
    match layer:
        case Residual():
            yield from _walk(layer.branch, f"{path} branch")
            yield from _walk(layer.shortcut, f"{path} shortcut")
        case Sequential():
            for part in layer.layers:
                yield from _walk(part, path)
        case Dense():
            yield path, layer


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Find the sets by the layers' rules of degrees, and scale each in a drawn network, whose output is exact."""
    sizes = {"stem": parameters["features"], "classes": parameters["classes"]}
    network = residual_mlp(parameters["width"], parameters["blocks"], project=True, **sizes)
    rng, inputs = stream(seed, "homogeneous_sets"), stream(seed, "homogeneous_sets", "input")
    weights, x = network.draw(rng, 1), inputs.standard_normal((1, 1, parameters["features"]))
    letters = dict(zip("ABCD", network.homogeneous_sets(2), strict=True))
    more = {"A and B": letters["A"] | letters["B"], "one layer": frozenset({"block1.layer0.weight"})}
    at_one = np.linalg.norm(network.run(weights, x).output)
    groups: list[dict[str, object]] = []
    empty = {"factor": np.nan, "expected": np.nan, "measured": np.nan}
    for position, layer in enumerate(network.layers):
        for path, dense in _walk(layer, str(position)):
            inside = ", ".join(letter for letter, names in letters.items() if dense.weight in names)
            groups.append(
                {"row": "layer", "set": inside, "layer": dense.weight, "path": path, "degree": np.nan} | empty
            )
    for shift, (name, scaled) in enumerate((letters | more).items()):
        degree = network.degree(0, scaled)
        some = 2.0 ** (np.arange(-4, 4) + 0.25 * (shift % 4)) if degree == 1 else 2.0 ** np.arange(-4, 4.5, 0.5)
        measured = []
        for factor in some:
            with_scaled = weights | {one: factor * weights[one] for one in scaled}
            measured.append(np.linalg.norm(network.run(with_scaled, x).output) / at_one)
        words = {"row": "scaling", "set": name, "layer": " ".join(sorted(scaled)), "path": ""}
        power = np.nan if degree is None else float(degree)
        groups.append(words | {"degree": power, "factor": some, "expected": some**power, "measured": measured})
    return stacked(UNITS, *groups)


def _diagram(axes: Axes, rows: Table) -> None:
    """Draw the net from left to right: branches below, shortcuts above, and the sets of each weight."""
    line: dict[str, Any] = {"color": "0.25", "linewidth": 1}
    x = 0.0
    parts = list(zip(*(rows[name].tolist() for name in ("set", "layer", "path")), strict=True))

    def box(x: float, y: float, name: str, letters: str) -> None:
        color = "#FBE3B5" if letters else "0.92"
        style = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "0.25", "linewidth": 0.8}
        label = f"{name}\n{letters or '–'}"
        axes.text(x, y, label, ha="center", va="center", fontsize=8, bbox=style)

    for position in dict.fromkeys(path.split()[0] for _, _, path in parts):
        here = [(letters, name, path) for letters, name, path in parts if path.split()[0] == position]
        branch = [one for one in here if "branch" in one[2]]
        for letters, name, path in here:
            label = name.removesuffix(".weight").rpartition(".")[2].replace("shortcut", "projection")
            place = branch.index((letters, name, path)) if "branch" in path else max(0, len(branch) - 1) / 2
            box(x + 1.2 * place + (0.35 if branch else 0), 0.75 if "shortcut" in path else 0, label, letters)
        if branch:
            after = x + 1.2 * len(branch) + 0.1
            axes.plot([x - 0.4, x - 0.4, after, after], [0, 0.75, 0.75, 0.1], **line, zorder=0)
            style = {"boxstyle": "circle,pad=0.2", "facecolor": "1", "edgecolor": "0.25", "linewidth": 0.8}
            axes.text(after, 0, "$+$", ha="center", va="center", fontsize=8, bbox=style)
            x = after + 0.95
        else:
            x += 1.3
    axes.annotate("", (x - 0.3, 0), (-0.85, 0), arrowprops={"arrowstyle": "-|>", "mutation_scale": 8, **line}, zorder=0)
    axes.text(-1, 0, "$x$", ha="center", va="center")
    axes.text(x - 0.15, 0, "$z$", ha="center", va="center")
    axes.set(xlim=(-1.15, x), ylim=(-0.45, 1.2), xticks=[], yticks=[])
    axes.axis("off")


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the net with its sets above, and the scaling of the output below."""
    import matplotlib.pyplot as plt

    picture, (above, axes) = plt.subplots(2, figsize=(6.4, 4.6), height_ratios=(1, 2))
    _diagram(above, table.where(row="layer"))
    scaling, markers = table.where(row="scaling"), iter("osD^vP")
    for name, color in zip(dict.fromkeys(scaling["set"].tolist()), plt.rcParams["axes.prop_cycle"], strict=False):
        rows, marker = scaling.where(set=name), next(markers)
        degree = rows.numbers("degree")[0]
        style = ":" if np.isnan(degree) else ""
        axes.plot(rows["factor"], rows["measured"], marker, linestyle=style, **color)
        says = f"{name}: degree {degree:g}"
        if np.isnan(degree):
            axes.annotate("one branch layer: no degree", (1 / 16, 1.8), va="center", **color)
        elif degree == 1:
            axes.plot([], [], marker, label=name, **color)
        if degree == 2 or name == "D":
            axes.annotate(f"degree {degree:g}" if name == "D" else says, (16, 16**degree), (8, 0),
                          textcoords="offset points", va="center", color="k")  # fmt: skip
    for degree in (1.0, 2.0):
        ends = np.array([1 / 16, 16])
        axes.plot(ends, ends**degree, color="0.6", linewidth=1, zorder=0)
    axes.legend(loc="upper left", ncols=2)
    axes.set_xscale("log", base=2)
    axes.set(yscale="log", xlabel="factor $a$ on all weights of a set", xlim=(1 / 18, 17))
    axes.set_ylabel(r"output $\|z(a)\|\,/\,\|z(1)\|$")
    picture.suptitle(FIGURE.title, x=0.01, ha="left", fontsize=11)
    return picture
