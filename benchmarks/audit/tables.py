"""The tables that the pages show, made from the results that are kept; this file needs no PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BANDS = (2.0, 10.0)
"""How far from 1 a scale that another tool prints may be, as a factor."""


def gallery_table(results: dict[str, Any]) -> str:
    """Return the part `gallery` of docs/gallery-of-audits.md."""
    lines = [
        "| network | against, unsure, note, sound | stream, first to last block | output | said against it |",
        "|---|---|---|---|---|",
    ]
    for one in results["networks"].values():
        stream = f"{one['blocks'][0]:.3g} to {one['blocks'][-1]:.3g} ({len(one['blocks'])})" if one["blocks"] else "-"
        output = f"loss {one['output mean']:.3g}" if one["loss"] else f"{one['output mean square']:.3g}"
        counts = ", ".join(str(number) for number in one["verdicts"].values())
        lines.append(
            f"| {one['title']}; {one['parameters'] / 1e6:.3g} million parameters, {one['seeds']} seeds, "
            f"{one['mode']} mode | {counts} | {stream} | {output} | {_against(one)} |"
        )
    size = "Narrow versions, on small inputs." if results["small"] else "As the packages size them."
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return "\n".join([*lines, "", f"Mean squares, averaged over seeds. {size} {versions}."])


def _against(one: dict[str, Any]) -> str:
    """Write every fault once, worst first: not more than three."""
    shown = [
        f"{fault['words'] if fault['kind'] in ('depth', 'gradient', 'draws') else fault['cause']}"
        + (f" ({fault['times']} weights)" if fault["times"] > 1 else "")
        for fault in one["against"]
    ]
    rest = f"; and {len(shown) - 3} more of the kind" if len(shown) > 3 else ""
    return ("; ".join(shown[:3]) + rest).replace("|", "/") or "nothing"


def rivals_table(results: dict[str, Any]) -> str:
    """Return the part `rivals` of docs/audit.md."""
    tools = list(next(iter(results["faults"].values())))
    head = ["planted fault", tools[0], *(f"{name}, [1/{band:g}, {band:g}]" for name in tools[1:] for band in BANDS)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in results["faults"].items():
        lines.append(f"| {' | '.join([name, *(_word(one) for one in _cells(row))])} |")
    for kind, title in (("faults", "**caught**"), ("sound", "**false alarms**")):
        rows = results[kind].values()
        columns = zip(*(list(_cells(row)) for row in rows), strict=True)
        counts = [f"{sum(cell is True for cell in column)} of {len(rows)}" for column in columns]
        lines.append(f"| {' | '.join([title, *counts])} |")
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> Iterator[bool | None]:
    """Yield whether each tool spoke, with each band; None where it could not run."""
    for name, one in row.items():
        if name == "Fathom":
            yield one["speaks"]
        else:
            yield from (None if one["failed"] else one[f"{band:g}"] for band in BANDS)


def _word(cell: bool | None) -> str:
    return {True: "yes", False: "-", None: "cannot run"}[cell]
