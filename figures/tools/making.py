"""Making one figure: what a worker process does."""

from __future__ import annotations

import time
from typing import Any

from figures.tools import manifest
from figures.tools.figure import Effort, load
from figures.tools.picture import Look, render

Made = tuple[dict[str, bytes], bytes, dict[str, Any], float]


def one(name: str, formats: tuple[str, ...], effort: Effort | None, seed: int, look: Look) -> Made:
    """Make a figure: the pictures by format, its data as CSV, its entry in the manifest, and the seconds it took."""
    start, module = time.perf_counter(), load(name)
    figure = module.FIGURE
    effort = effort or figure.effort
    table = module.data(figure.parameters, effort, seed)
    csv = table.csv().encode()
    files = dict(render(module, table, tuple(dict.fromkeys(("svg", *formats))), effort, look))
    entry = {
        "parameters": figure.parameters,
        "effort": effort,
        "seed": seed,
        "picture": manifest.digest(files["svg"]),
        "data": manifest.digest(csv),
        "versions": manifest.versions(),
        "machine": manifest.machine(),
    }
    return {suffix: files[suffix] for suffix in formats}, csv, entry, time.perf_counter() - start
