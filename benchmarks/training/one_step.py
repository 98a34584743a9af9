"""How the change of the whole function in one SGD step grows with depth, for every way to start.

Measured is ||f(after) - f(before)|| / rate (simulations/experiments/function_change.py), the median over draws, with
classifiers that are not zero. The rate is the largest of a ladder that gives the median of the next rung within 10%.
Where none does, the depth is "unresolved", or "overflows" if not even the smallest rate gives a finite number; neither
enters the fit, least squares over the depths from 10 on. The verdict is that of the first rule that holds:

- exponential: a depth overflows (a power would have to be about L^12: a gradient above 1e18 at L = 1000);
- vanishes: the last change is below 1/1000 of the first;
- Theta(1): |slope| < 0.25, of log change against log L;
- exponential: a line in L leaves less than a quarter of the squares that a line in log L leaves;
- Theta(L): slope within 0.25 of 1; otherwise L^slope.

    python -m benchmarks.training.one_step [--depths 1,10,100] [--draws 8] [--json FILE]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

from simulations.command_line import Parser, numbers, run, whole, writable
from simulations.experiments.function_change import function_change
from simulations.files import write
from simulations.layers.losses import one_hot
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.lsuv import lsuv
from simulations.networks.rivals import INITS, build
from simulations.numbers.streams import stream
from simulations.weights.kinds import Kind, arrays, entries_of
from simulations.weights.undrawn import undrawn

DEPTHS, LEAST, WIDTH, BATCH, FEATURES, CLASSES = (1, 3, 10, 30, 100, 300, 1000), 10, 16, 4, 16, 10
RATES = tuple(10.0**-power for power in range(6, 19, 2))
BARE, WIDE, WIDE_DEPTHS = "fixup without scalars", 100_000, (1, 10)


def change(name: str, blocks: int, draws: int, width: int = WIDTH, kind: Kind = arrays) -> float | str:
    """Return the median change over draws and rate, or why there is none."""
    if name == BARE:
        bare = FixupRules(zero_readout=False, bias=None, multiplier=None)
        network = fixup_mlp(width, blocks, stem=FEATURES, classes=CLASSES, rules=bare)
    else:
        network = build(name, width=width, blocks=blocks, features=FEATURES, classes=CLASSES, zero_readout=False)
    before = np.nan
    for rate in RATES:
        rng = stream(0, "one step", name, blocks)  # the same start for every rate
        parameters, x = network.draw(rng, draws, kind), rng.normal(size=(draws, BATCH, FEATURES))
        targets = one_hot(rng.integers(CLASSES, size=(draws, BATCH)), CLASSES)
        with np.errstate(all="ignore"):  # what overflows is noticed in the median
            if name == "lsuv":
                parameters |= lsuv(network, {each: entries_of(parameters, each, x) for each in parameters}, x)
            now = float(np.median(function_change(network, parameters, x, targets, rate).change))
        if np.isfinite(before) and abs(before - now) <= 0.1 * now:
            return before
        before = now
    return "unresolved" if np.isfinite(before) else "overflows"


def line(x: Any, y: Any) -> tuple[float, float | None, float]:
    """Return the slope by least squares, its standard error (None for two points), and the squares left."""
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    left = float(np.square(y - slope * x).sum())
    return slope, float(np.sqrt(left / (len(x) - 2) / (x @ x))) if len(x) > 2 else None, left


def judge(depths: list[int], changes: list[float | str]) -> dict[str, Any]:
    """Fit and name the growth by the rules above."""
    deep = [(depth, one) for depth, one in zip(depths, changes, strict=True) if depth >= LEAST]
    sizes = [one for _, one in deep if not isinstance(one, str)]
    over = any(one == "overflows" for _, one in deep)
    at, seen = np.array([(depth, one) for depth, one in deep if not isinstance(one, str) and one]).reshape(-1, 2).T
    if len(at) < 2:
        return {"slope": None, "error": None, "verdict": "exponential" if over else "too few depths"}
    slope, error, left = line(np.log(at), np.log(seen))
    if over or (sizes[-1] >= 1e-3 * sizes[0] and abs(slope) >= 0.25 and line(at, np.log(seen))[2] < left / 4):
        verdict = "exponential"
    elif sizes[-1] < 1e-3 * sizes[0]:
        verdict = "vanishes"
    else:
        verdict = "Theta(1)" if abs(slope) < 0.25 else "Theta(L)" if abs(slope - 1) < 0.25 else f"L^{slope:.2f}"
    return {"slope": slope, "error": error, "verdict": verdict}


def table(rows: list[dict[str, Any]], depths: list[int]) -> str:
    """Return the results as Markdown."""
    heads = ["start", *(f"L = {one:,}" for one in depths), "slope", "verdict", f"width {WIDE:,}, L = 1, 10"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        changes, wide = ([x if isinstance(x, str) else f"{x:.3g}" for x in row[name]] for name in ("changes", "wide"))
        slope = " ± ".join(f"{row[name]:.2f}" for name in ("slope", "error") if row[name] is not None)
        lines.append(f"| {row['start']} | {' | '.join(changes)} | {slope} | {row['verdict']} | {', '.join(wide)} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table and write the numbers."""
    return run(_main, "python -m benchmarks.training.one_step")


def _main() -> int:
    parser = Parser(
        "python -m benchmarks.training.one_step", "The change of the function in one SGD step against depth."
    )
    parser.add_argument("--depths", type=numbers(1), default=",".join(map(str, DEPTHS)), help="residual blocks")
    parser.add_argument("--draws", type=whole(1), default=8)
    parser.add_argument(
        "--json", type=writable, default=Path(__file__).parents[1] / "results" / "one_step.json", metavar="FILE"
    )
    options = parser.parse()
    depths, rows = options.depths, []
    for name in (BARE, *INITS):
        changes = [change(name, depth, options.draws) for depth in depths]
        wide = [change(name, depth, 1, WIDE, undrawn()) for depth in WIDE_DEPTHS] if name == BARE else []
        rows.append({"start": name, "changes": changes, "wide": wide} | judge(depths, changes))
    text = json.dumps({"depths": depths, "draws": options.draws, "rows": rows}, indent=1, allow_nan=False)
    write(options.json, text + "\n")
    print(table(rows, depths))
    return 0


if __name__ == "__main__":
    sys.exit(main())
