"""Products of random matrices: typical against mean-square growth, and the singular values that depth spreads."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.compounds import log_singular_values
from figures.tools.drawing import beside, joined, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, row, stacked
from simulations import Initialiser, lecun, measure, mlp, stream
from simulations.weights.orthogonal import haar
from theory.spectra import lyapunov_spectrum, matrix_products

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Typical matrix products stay far below their mean square",
    finding=(
        "A hundred 4 x 4 matrices of N(0, 1) entries typically stretch a vector 10^24 fold, their root mean square "
        "says 10^30, and that of 1,000 products misses it. At variance 1/n the logarithms of the singular values "
        "fall along four Lyapunov exponents, -0.135 to -1.328; those of orthogonal products stay at 0."
    ),
    alt=(
        "Two charts. Left: size of a product on a logarithmic axis against the number of matrices, up to 100: grey "
        "single products around a line to 10^24, and a dashed line to 10^30 above all of them. Right: logarithm of "
        "each singular value per matrix against depth from 1 to 256: points settle on four lines, squares stay at 0."
    ),
    source="Beyond Zhang et al. 2023 (Dive into Deep Learning), section 5.4; Newman 1986 (the exponents)",
    parameters={"width": 4, "matrices": 100, "draws": 1000, "depths": [2**k for k in range(9)], "spectra": 200},
    tolerance=1e-6,
    key=KEY | {"join": "joins points of one product"},
)
UNITS = {"panel": "", "series": "", "index": "1", "depth": "1", "expected": "1", "measured": "1", "error": "1"}
UNIT = Initialiser(lambda fan_in, fan_out: 1.0)


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Measure the sizes of products from a fixed vector, and the singular values of others."""
    width, last = parameters["width"], parameters["matrices"]
    draws, spectra = (max(20, int(DRAWS[effort] * parameters[name])) for name in ("draws", "spectra"))
    groups: list[dict[str, object]] = []
    network, vector = mlp([width] * (last + 1), init=UNIT, activation=None), np.eye(width)[:1]
    record = measure(network, vector, draws=draws, rng=stream(seed, "matrix_products"), extras=())
    norms, steps = record.square_norms, np.arange(last + 1.0)
    logs, half = np.log10(norms) / 2, np.log10(norms.mean(axis=0)) / 2
    growth = (float(rate(width)) * steps / np.log(10) for rate in (matrix_products.lyapunov, matrix_products.annealed))
    error = logs.std(axis=0, ddof=1) / np.sqrt(len(logs))
    groups.append(row(UNITS, "size", "typical", 0, steps, next(growth), logs.mean(axis=0), error))
    groups.append(row(UNITS, "size", "root mean square", 0, steps, next(growth), half, np.nan))
    groups += [row(UNITS, "size", "one", one, steps, np.nan, logs[one], np.nan) for one in range(12)]
    for name, init in {"Gaussian": lecun, "orthogonal": lecun.with_law(haar)}.items():
        depths, rng = parameters["depths"], stream(seed, "matrix_products", name)
        rates = log_singular_values(init, width, depths, spectra, rng) / np.array(depths)[:, None, None]
        rates = rates.round(12) + 0  # zeros are zeros on every machine
        for index, exponent in enumerate(lyapunov_spectrum.lyapunov(width, one + 1) for one in range(width)):
            error = rates[:, :, index].std(axis=1, ddof=1) / np.sqrt(spectra)
            expected, means = float(exponent) if name == "Gaussian" else 0.0, rates[:, :, index].mean(axis=1)
            groups.append(row(UNITS, "spectrum", name, index + 1, depths, expected, means, error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw sizes on the left and spectra on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2)
    sizes, last = table.where(panel="size"), parameters["matrices"]
    for one in np.unique(sizes.where(series="one").numbers("index")):
        rows = sizes.where(series="one", index=one)
        joined(left, rows["depth"], rows["measured"], color="0.6")
    looks = {"typical": ("C0", "-", "o"), "root mean square": ("C1", "--", "s")}
    for series, (color, line, marker) in looks.items():
        rows = sizes.where(series=series)
        left.plot(rows["depth"], rows["expected"], linestyle=line, color=color)
        left.plot(rows["depth"][::10], rows["measured"][::10], marker, color=color)
    left.annotate("root mean square", (55, 20.5), ha="right", color="C1")
    left.annotate("typical", (74, 14), color="C0")
    left.set(xlabel="matrices", ylabel=r"size $\log_{10}\,\|M_k \cdots M_1 x\|\,/\,\|x\|$", xlim=(0, last + 3))
    left.set_ylim(-1, 32)
    marks = {"Gaussian": ("o", "C0"), "orthogonal": ("s", "C1")}
    for series, index in product(marks, range(1, parameters["width"] + 1)):
        marker, color = marks[series]
        rows = table.where(panel="spectrum", series=series, index=index)
        right.axhline(rows.numbers("expected")[0], color=color, linewidth=1)
        measured(right, rows, "depth", marker, color=color)
        if series == "Gaussian":
            here = (rows.numbers("depth")[-1], rows.numbers("expected")[-1])
            beside(right, rf"$\lambda_{index}$", here, (9, 0), color=color)
    right.annotate("orthogonal", (2**4.5, 0.06), color="C1")
    right.annotate("Gaussian", (1.6, -2.1), color="C0")
    right.set_xscale("log", base=2)
    right.set(xlabel="depth $L$, matrices", ylabel=r"$\mathbb{E}\,\log\,\sigma_i\,/\,L$")
    return picture
