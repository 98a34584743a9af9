"""Log-normality: the law of one deep ReLU net's square norm, and how its spread depends on the widths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp
from scipy.special import comb

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.table import Table, stacked
from simulations import mlp, radial, stream
from simulations.numbers.arrays import Array
from theory import symbols
from theory.fluctuations import log_moments
from theory.fluctuations import norms as fluctuations

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="A deep ReLU net's square norm is nearly log-normal: typical nets shrink",
    finding=(
        "At width 32 and depth 32, beta = 5 sum 1/n = 5: the mean square norm is kept, but the mean "
        "logarithm is -2.64, and its variance is 5.68, near beta; the variance is 5 sum 1/n_l to "
        "leading order whatever the widths, which at width 128 is 3 % short and at width 8 a half."
    ),
    alt=(
        "Two panels. Left: histogram of the log square norm of 32 layers of width 32, on the exact density, a little "
        "wider and further left than the normal density of mean -2.5 and variance 5. Right: variance of the log norm "
        "against the sum of inverse widths, for widths 8 to 128 and a tapering net, at or above a line of slope 5."
    ),
    source="Hanin & Nica 2020; Hanin & Rolnick 2018; exact law beyond",
    parameters={"width": 32, "depth": 32, "draws": 160_000, "widths": [8, 16, 32, 128], "taper": [64, 32, 16, 8]},
)
UNITS = {"part": "", "net": "", "at": "1", "expected": "1", "leading": "1", "measured": "1", "error": "1"}
EDGES = np.linspace(-14, 8, 45)


def _logs(widths: list[int], draws: int, rng: np.random.Generator) -> Array:
    """Log ||x_L||^2 / ||x_0||^2 of the nets that are alive."""
    logs: Array = radial(mlp([widths[0], *widths]), np.ones(draws), rng=rng, log2=True).square_norms[:, -1] * np.log(2)
    return logs[np.isfinite(logs)]


def log_variance(width: int) -> float:
    """Var log r of one layer: theory's exact sums over the active units, in floating point."""
    moments = (one().result.function for one in (fluctuations.relu_logarithm, fluctuations.relu_squared_logarithm))
    terms = sp.lambdify([symbols.N, fluctuations.K], list(moments), "scipy")
    first, second = (term.sum() for term in terms(width, np.arange(1.0, width + 1)))
    return float(second - first**2)


def exact_probabilities(width: int, depth: int, edges: Array) -> Array:
    """Probabilities between `edges` of the sum of `depth` independent log r, from theory's E(r^a | k units active)."""
    t, k = np.linspace(0, 12, 6001)[1:], np.arange(1, width + 1)
    names = [symbols.N, fluctuations.K, symbols.ORDER]
    given = sp.lambdify(names, fluctuations.relu_logarithm().steps[1].statement, "scipy")
    transform = (comb(width, k) / (2.0**width - 1) @ given(width, k[:, None], 1j * t)) ** depth
    below = [0.5 - np.sum((transform * np.exp(-1j * t * edge)).imag / t) * (t[1] - t[0]) / np.pi for edge in edges]
    # Gil-Pelaez, by the trapezoidal rule: the end at 0 is the limit mean - edge.
    mean = depth * float(fluctuations.relu_lyapunov(width))
    probabilities: Array = np.diff(np.array(below) - (mean - edges) * (t[1] - t[0]) / (2 * np.pi))
    return probabilities


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Bin one net's log-norms, and take the variance of many nets'."""
    width, depth = parameters["width"], parameters["depth"]
    draws = max(1000, int(DRAWS[effort] * parameters["draws"]))
    logs, step = _logs([width] * depth, draws, stream(seed, "log_normality", "law")), EDGES[1] - EDGES[0]
    centres, beta = (EDGES[1:] + EDGES[:-1]) / 2, float(log_moments.leading_beta([width] * depth))
    expected = exact_probabilities(width, depth, EDGES)
    law = {
        "at": centres,
        "expected": expected / step,
        "leading": np.exp(-((centres + beta / 2) ** 2) / (2 * beta)) / np.sqrt(2 * np.pi * beta),
        "measured": np.histogram(logs, EDGES)[0] / len(logs) / step,
        "error": np.sqrt(expected * (1 - expected) / len(logs)) / step,
    }
    groups: list[dict[str, object]] = [{"part": "law", "net": f"{depth} of {width}", **law}]
    nets = {f"$n={n}$": [[n] * max(1, round(n * size)) for size in (0.25, 0.5, 1, 1.5)] for n in parameters["widths"]}
    nets["64 to 8"] = [parameters["taper"] * times for times in (1, 3, 6)]
    for net, choices in nets.items():
        for widths in choices:
            logs = _logs(widths, draws // 16, stream(seed, "log_normality", net, len(widths)))
            spread = {
                "at": float(sum(1 / n for n in widths)),
                "expected": sum(widths.count(n) * log_variance(n) for n in set(widths)),
                "leading": float(log_moments.leading_beta(widths)),
                "measured": logs.var(ddof=1),
                "error": np.std((logs - logs.mean()) ** 2, ddof=1) / np.sqrt(len(logs)),
            }
            groups.append({"part": "variance", "net": net, **spread})
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw the law on the left and the variances on the right."""
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, width_ratios=(1.15, 1))
    law, spread = (table.where(part=part) for part in ("law", "variance"))
    left.plot(law["at"], law["leading"], "C1--", law["at"], law["expected"], "C0")
    left.errorbar(law["at"], law["measured"], 3 * law.numbers("error"), fmt="ko", markersize=2.5, elinewidth=0.8)
    pointing = {"color": "C1", "arrowprops": {"arrowstyle": "-", "color": "C1"}}
    left.annotate("exact law", (-5.2, 0.105), (-13.5, 0.15), color="C0", arrowprops={"arrowstyle": "-", "color": "C0"})
    left.annotate("normal,\n$-\\beta/2$, $\\beta$", (-0.75, 0.132), (1.2, 0.15), **pointing)
    left.set(xlabel=r"$\log\,\|x_L\|^2/\|x_0\|^2$, $n=L=32$", ylabel="density", ylim=(0, None))
    end = spread.numbers("at").max() * 1.03
    right.plot([0, end], [0, 5 * end], "--", color="C1")
    right.annotate(r"$\beta=5\,\sum_l 1/n_l$", (0.62, 3.05), (0.55, 1.2), **pointing)
    for net, look in zip(dict.fromkeys(spread["net"].tolist()), ("oC0", "^C2", "sC3", "Dk", "vC5"), strict=True):
        rows, mark, color = spread.where(net=net), look[0], look[1:]
        right.plot([0, *rows["at"]], [0, *rows["expected"]], color=color, linewidth=1)
        right.errorbar(rows["at"], rows["measured"], 3 * rows.numbers("error"), fmt=mark, color=color, capsize=2)
        end_of_line = (rows["at"][-1], rows["expected"][-1])
        right.annotate(net, end_of_line, (6, 0), textcoords="offset points", va="center", color=color)
    right.set(xlabel=r"$\sum_l 1/n_l$", ylabel=r"variance of $\log\,\|x_L\|^2$", xlim=(0, end), ylim=(0, None))
    return picture
