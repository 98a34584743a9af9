"""Plain ReLU nets of 22 and 30 layers: the mean square, layer by layer, under the common initialisers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import Initialiser, glorot, he, lecun, measure, mlp, stream, torch_default
from theory.layer import one_layer, rectifiers
from theory.plain import norms as plain
from theory.plain.glorot import forward_variance, glorot_variance, he_variance

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Thirty ReLU layers: only He's factor 2 keeps the mean square",
    finding=(
        "Glorot and LeCun weights halve the mean square in every ReLU layer, to 2.4e-7 after 22 layers and 9.3e-10 "
        "after 30; PyTorch's default divides it by 6, to 4.5e-24 without biases, and with its biases what is left of "
        "the input drowns in their floor, 1/(5n); He keeps it at 1."
    ),
    alt=(
        "Line chart, logarithmic: mean square of a unit against the layer, up to 30, with layers 22 and 30 marked. He "
        "stays at 1, Glorot and LeCun fall together to 2^-30, PyTorch's default to 6^-30, or with biases to a floor "
        "near 10^-3. Points, measured at width 256, lie on the lines."
    ),
    source="He, Zhang, Ren & Sun 2015, figures 2 and 3: the scale behind their training curves, which are not redrawn",
    parameters={"width": 256, "layers": 30, "marked": [22, 30], "draws": 2000, "drawn": 120},
)
UNITS = {"start": "", "layer": "1", "expected": "1", "measured": "1", "error": "1"}
BIASED = "PyTorch with biases"
LABELS = {"He": "$1$: He", "PyTorch": "$6^{-l}$: PyTorch", BIASED: r"$\frac{1}{5n}$: PyTorch's biases"}


def _starts(width: int) -> dict[str, tuple[Initialiser, float, float | None]]:
    """Each way to start: its weights, the variance of an entry, and the variance of a bias if there is one."""
    torch = float(one_layer.uniform_variance(width**-0.5))
    return {
        "He": (he, float(he_variance(width)), None),
        "LeCun": (lecun, float(forward_variance(width)), None),
        "Glorot": (glorot, float(glorot_variance(width, width)), None),
        BIASED: (torch_default, torch, torch),
        "PyTorch": (torch_default, torch, None),
    }


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure each start from an input of ones; PyTorch's uniform entries have to be drawn, with fewer draws."""
    width, layers = parameters["width"], parameters["layers"]
    groups: list[dict[str, object]] = []
    for start, (init, variance, bias) in _starts(width).items():
        network = mlp((width,) * (layers + 1), init=init, bias_deviation=None if bias is None else bias**0.5)
        draws = max(20, int(DRAWS[effort] * parameters["drawn" if init is torch_default else "draws"]))
        rng = stream(seed, "plain_nets", start)
        squares = measure(network, np.ones((1, width)), draws=draws, rng=rng, extras=()).square_norms / width
        factor, added = float(plain.layer_factor(width, variance)), float(rectifiers.relu_second_moment(bias or 0))
        expected = [1.0]
        for _ in range(layers):
            expected.append(factor * expected[-1] + added)
        groups.append(
            {
                "start": start,
                "layer": np.arange(layers + 1),
                "expected": expected,
                "measured": squares.mean(axis=0),
                "error": squares.std(axis=0, ddof=1) / np.sqrt(len(squares)),
            }
        )
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the lines on a logarithmic axis; where LeCun and Glorot agree their points alternate."""
    import matplotlib.pyplot as plt

    picture, axes = plt.subplots()
    looks = {"He": "-o", "LeCun": "-s", "Glorot": "--^", BIASED: "-.v", "PyTorch": "-D"}
    for (start, look), cycle in zip(looks.items(), plt.rcParams["axes.prop_cycle"], strict=False):
        rows, color = table.where(start=start), cycle["color"]
        axes.plot(rows["layer"], rows["expected"], look[:-1], color=color)
        some = slice(2 if start == "Glorot" else 0, None, 4 if start in ("LeCun", "Glorot") else 3)
        layer, measured, error = (rows.numbers(column)[some] for column in ("layer", "measured", "error"))
        axes.errorbar(layer, measured, 3 * error, fmt=look[-1], color=color, capsize=2)
        label = LABELS.get(start, "$2^{-l}$: LeCun (squares),\nGlorot (triangles)" if start == "LeCun" else "")
        end = (parameters["layers"], rows["expected"][-1])
        axes.annotate(label, end, (7, 0), textcoords="offset points", va="center", color=color)
    for marked in parameters["marked"]:
        axes.axvline(marked, color="0.75", linewidth=0.8, zorder=0)
    axes.set(
        yscale="log",
        xlim=(0, parameters["layers"] + 0.3),
        xlabel="layer $l$",
        ylabel=r"mean square of a unit $\mathbb{E}\,\|x_l\|^2/\,n$",
        xticks=[0, 5, 10, 15, *parameters["marked"]],
    )
    return picture
