"""Sets of weights in which a residual net for images is positively homogeneous, and how its logits scale with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.boxes import LINE, arrow, box, kind, walk
from figures.tools.drawing import beside
from figures.tools.figure import Effort, Figure
from figures.tools.table import Table, row, stacked
from simulations import Dense, Network, digits, stream
from simulations.layers.convolution import Convolution
from simulations.networks.fixup import NO_RULES
from simulations.networks.resnet import resnet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Scaling a homogeneous set scales the logits; one branch layer does not",
    finding=(
        "The logits of a convolutional residual net are proportional to the first convolution (A), to the linear "
        "layer (B), and to the convolution in a shortcut together with either one beside it (C, D): the p.h. sets of "
        "degree 1. A and B together have degree 2; a convolution beside an identity has no degree."
    ),
    alt=(
        "Above, a diagram of a residual net with two blocks, the second with a convolution in its shortcut; the sets A "
        "to D are written at their layers. Below, on logarithmic axes, norm of the logits against scale factor from "
        "1/16 to 16: points of A to D share a line of slope 1, A and B together have slope 2, and a branch layer alone "
        "follows a curve."
    ),
    source="Zhang, Dauphin & Ma 2019, figure 2 and definition 1",
    parameters={"stages": [8, 16], "side": 8, "max_pool": 2, "classes": 10, "alone": "block0.layer0.weight"},
    tolerance=1e-6,
    key={"line": "closed form", "point": "measured"},
)
UNITS = {"row": "", "set": "", "layer": "", "path": "", "degree": "1", "factor": "1", "expected": "1", "measured": "1"}


def _network(parameters: dict[str, Any]) -> Network:
    """Build the net of one block a stage, without biases."""
    image = (1, parameters["side"], parameters["side"])
    some = {"image": image, "classes": parameters["classes"], "max_pool": parameters["max_pool"]}
    return resnet(parameters["stages"], 1, rules=NO_RULES, shortcut="convolution", bias_deviation=None, **some)


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Find the sets by the layers' rules of degrees, and scale each in a drawn network, whose logits are exact."""
    network, side = _network(parameters), parameters["side"]
    weights = network.draw(stream(seed, "homogeneous_sets"), 1)
    image = digits().x[0].reshape(1, 1, 1, side, side)
    letters = dict(zip("ABCD", network.homogeneous_sets(2), strict=True))
    groups: list[dict[str, object]] = []
    for position, block in enumerate(network.layers):
        for path, layer in walk(block):
            own = layer.weight if isinstance(layer, Convolution | Dense) else ""
            inside = "".join(letter for letter, names in letters.items() if own in names)
            groups.append(row(UNITS, "layer", inside, kind(layer), f"{position} {path}", *[np.nan] * 4))
    at_one = np.linalg.norm(network.run(weights, image).output)
    more = {"A and B": letters["A"] | letters["B"], "one layer": frozenset({parameters["alone"]})}
    for shift, (name, scaled) in enumerate((letters | more).items()):
        degree = network.degree(0, scaled)
        some = 2.0 ** (np.arange(-4, 4) + 0.25 * (shift % 4)) if degree == 1 else 2.0 ** np.arange(-4, 4.5, 0.5)
        runs = [network.run(weights | {one: factor * weights[one] for one in scaled}, image) for factor in some]
        power = np.nan if degree is None else float(degree)
        measured = np.array([np.linalg.norm(run.output) for run in runs]) / at_one
        groups.append(row(UNITS, "scaling", name, " ".join(sorted(scaled)), "", power, some, some**power, measured))
    return stacked(UNITS, *groups)


def _diagram(axes: Axes, rows: Table) -> None:
    """Draw the net from left to right, shortcuts above, and at each layer the sets that it is in."""
    layers = zip(*(rows[name].tolist() for name in ("set", "layer", "path")), strict=True)
    drawn = [(letters, name, *path.split()) for letters, name, path in layers if name]
    x, above = 0.0, 1.4
    for position in dict.fromkeys(one[2] for one in drawn):
        here = [one for one in drawn if one[2] == position]
        inside = sum(path == "branch" for *_, path in here)
        start, joins = x + 0.5, x + inside + 1
        for letters, name, _, path in here:
            beneath = path != "shortcut"
            x += beneath
            at, height = (x, 0.0) if beneath else ((start + joins) / 2, above)
            box(axes, at, height, name, color="#FBE3B5" if letters else "1", turned=90 * beneath)
            for shift, letter in enumerate(letters):
                place = (at + 0.5 * (shift - (len(letters) - 1) / 2), -1.3 if beneath else above + 0.5)
                axes.text(*place, letter, ha="center", va="center", weight="bold", color=f"C{'ABCD'.index(letter)}")
            if path == "branch" and x == joins - 1:
                x = joins
                axes.plot([start, start, joins, joins], [0, above, above, 0.2], **LINE, zorder=0)
                box(axes, joins, 0, "$+$", shape="circle,pad=0.1")
    arrow(axes, (0.2, 0), (x + 0.8, 0))
    axes.text(0, 0, "$x$", ha="center", va="center")
    axes.text(x + 1, 0, "$z$", ha="center", va="center")
    axes.set(xlim=(-0.2, x + 1.2), ylim=(-1.5, 2.1), xticks=[], yticks=[])
    axes.axis("off")


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the net with its sets above, and the scaling of the logits below."""
    import matplotlib.pyplot as plt

    picture = plt.figure(figsize=(6.4, 5.7))
    above, below = picture.subfigures(2, 1, height_ratios=(2, 3), squeeze=False)[:, 0]
    _diagram(above.subplots(), table.where(row="layer"))
    axes = below.subplots()
    scaling = table.where(row="scaling")
    for degree in (1.0, 2.0):
        axes.axline((1, 1), (2, 2**degree), color="0.6", linewidth=1, zorder=0)
    for position, (name, marker) in enumerate(zip(dict.fromkeys(scaling["set"].tolist()), "osD^vP", strict=True)):
        rows = scaling.where(set=name)
        axes.plot(rows["factor"], rows["measured"], marker, color=f"C{position}", label=name)
    beside(axes, "degree 1", (16, 16))
    beside(axes, "A and B: degree 2", (16, 256))
    alone = scaling.where(set="one layer").numbers("measured")
    axes.annotate("one branch layer: no degree", (1 / 16, 1.5 * alone[0]), va="bottom", color="C5")
    marks, names = axes.get_legend_handles_labels()
    axes.legend(marks[:4], names[:4], loc="upper left", ncols=2)
    axes.set_xscale("log", base=2)
    axes.set(yscale="log", xlabel="factor $a$ on all weights of a set", xlim=(1 / 18, 17))
    axes.set_ylabel(r"logits $\|z(a)\|\,/\,\|z(1)\|$")
    return picture
