"""What is kept and shown: a JSON file, written whole or not at all, and a Markdown table of ratios."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from simulations.files import write as write_file

VERDICTS = {True: "met", False: "**missed**", None: "-"}


def machine() -> dict[str, Any]:
    """Describe where and with what this was measured; a load well above 0 at the start means noise."""
    versions: dict[str, str | None] = {}
    for name in ("numpy", "torch", "jax"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "load at the start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line for line in lines if line.startswith("model name")).split(":")[1].strip()
        return model + (", AVX-512" if any(" avx512f" in line for line in lines) else "")
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def write(results: dict[str, Any], path: Path) -> None:
    """Write `results` as JSON, whole or not at all."""
    write_file(path, json.dumps(results, indent=1, allow_nan=False) + "\n")


def table(results: dict[str, Any]) -> str:
    """Return the part `bench` of docs/engines.md: a row a ratio or exponent."""
    about = results["machine"]
    versions = ", ".join(f"{name} {version or 'not installed'}" for name, version in about["versions"].items())
    rows = [row for case in results["cases"].values() for row in _rows(case)]
    return "\n".join(
        [
            "| work | slower | faster | ratio (rounds) | target | |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            f"{about['date'][:10]}, {about['processor']}, {about['cores']} cores; "
            f"Python {about['python']}, {versions}.",
        ]
    )


def _rows(case: dict[str, Any]) -> list[str]:
    if "axis" in case:
        span = f"{case['axis']} {case['sizes'][0]:,} to {case['sizes'][-1]:,}"
        return [
            f"| {one['of']} of undrawn, {span} | | | exponent {_plain(one['exponent'])} | at most {one['at most']} "
            f"| {VERDICTS[one['met']]} |"
            for one in case["exponents"]
        ]
    work, rows = case["work"], []
    size = f"n = {work['width']:,}, L = {work['layers']}, B = {work['batch']}, {work['precision']}"
    for one in case["ratios"]:
        target = f"at least {one['at least']:,g}" if one["at least"] is not None else f"at most {one['at most']:,g}"
        verdict = "**different work**" if case["different work"] else VERDICTS[one["met"]]
        slower, faster = (f"{name} {seconds(case['contestants'][name]['median'])}" for name in (one["of"], one["over"]))
        spread = " to ".join(_plain(end) for end in one["spread"])
        rows.append(f"| {size} | {slower} | {faster} | {_plain(one['ratio'])} ({spread}) | {target} | {verdict} |")
    rows += [f"| {size} | {name}: not installed | | | | |" for name in case["not installed"]]
    return rows


def seconds(value: float) -> str:
    """Write a time a draw with its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def _plain(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"
