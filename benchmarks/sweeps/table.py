"""The part `sweeps` of docs/sweeps.md: two tables, and what 1,000 cores would do on paper."""

from __future__ import annotations

from typing import Any

from benchmarks.sweeps.runs import ENGINES

VERDICTS = {True: "met", False: "**missed**"}
SPEED_UP, OVERHEAD, MEGABYTES = 1.7, 0.05, 500
"""Targets: at least, below, below."""
CORES = 1_000
BUSY = 1.0
"""A load average that says that others use the cores too."""

Results = dict[str, Any]


def text(results: Results) -> str:
    """Return the part as Markdown."""
    about = results["machine"]
    lines = [
        "| networks a second | block | 1 worker | 2 workers | Dask, 2 workers | moments in a block |",
        "|---|---|---|---|---|---|",
        *(_throughput(engine, results["throughput"][engine]) for engine in ENGINES),
        "",
        "| what | measured (rounds) | target | |",
        "|---|---|---|---|",
        *(row for case in results["speed-up"] for row in _targets(case)),
        *(_large(one) for one in results["large"]),
        "",
        f"{about['date'][:10]}, {about['processor']}, {about['cores']} cores; Python {about['python']}, "
        f"numpy {about['versions']['numpy']}. {_loads(results['loads'])}",
        "",
        *_wrapped(paper(results)),
    ]
    return "\n".join(lines)


def _loads(loads: dict[str, float]) -> str:
    """Say how busy the machine was with other work, which takes from rates and speed-ups but not from memory."""
    values = ", ".join(f"{load:.1f} ({part})" for part, load in loads.items())
    busy = max(loads.values()) >= BUSY
    return f"Load of the machine before: {values}{'; **it was busy with other work**' if busy else ''}."


def _throughput(engine: str, case: Results) -> str:
    rates = " | ".join(f"{_short(case[name]['rate'])}" for name in ("1 worker", "2 workers", "Dask"))
    block = case["1 worker"]["block"]
    return f"| {engine} | {case['draws']:,} in {block:.2f} s | {rates} | {case['moments']:.0%} |"


def _targets(case: Results) -> list[str]:
    block = f"{case['engine']}, blocks of {case['block'] * 1e3:,.0f} ms"
    beside = case["block, 2 workers"] / case["block"]
    middle, low, high = case["speed-up"]
    rows = [
        f"| speed-up by a second worker, {block} ({beside:.2f} times that side by side) "
        f"| {middle:.2f} ({low:.2f} to {high:.2f}) | at least {SPEED_UP} | {VERDICTS[middle >= SPEED_UP]} |"
    ]
    middle, low, high = case["overhead"]
    return [
        *rows,
        f"| overhead on a block, one worker, {block} | {middle:.1%} ({low:.1%} to {high:.1%}) | below {OVERHEAD:.0%} "
        f"| {VERDICTS[middle < OVERHEAD]} |",
    ]


def _large(case: Results) -> str:
    ends = case["sum by fifths"]
    return (
        f"| memory of {_power(case['networks'])} {case['name']} networks, {case['seconds']:.0f} s on 2 cores "
        f"| {case['sum']:.0f} MB in all, {case['largest']:.0f} MB the largest process; first fifth {ends[0]:.0f} MB, "
        f"last {ends[-1]:.0f} MB | below {MEGABYTES} MB | {VERDICTS[case['sum'] < MEGABYTES]} |"
    )


def limits(results: Results) -> dict[str, float]:
    """Return how many blocks a second each part that there is only one of can take."""
    dask, store = results["dask"], results["store"]
    waiting = store["seconds"] - store["processor"]
    return {
        "store": 1 / store["seconds"],
        "driver": 1 / (dask["driver"] + waiting),
        "Dask scheduler": 1 / dask["scheduler"],
    }


def paper(results: Results) -> str:
    """Say what 1,000 cores would do in an hour, from the rates of two."""
    rates, store, dask = limits(results), results["store"], results["dask"]
    most = min(rates.values())
    slowest = min(rates, key=lambda part: rates[part])
    blocks = {engine: results["throughput"][engine]["Dask"]["block"] for engine in ENGINES}
    asked = {engine: CORES / seconds for engine, seconds in blocks.items()}
    done = {e: min(asked[e], most) * results["throughput"][e]["draws"] * 3600 for e in ENGINES}
    share = min(1.0, most / max(asked.values()))
    busy = most * min(blocks.values())
    counts = ", ".join(f"{_power(done[engine])} {engine}" for engine in ENGINES)
    end = (
        f"so the {slowest} saturates first: one driver feeds about {busy:,.0f} cores, and {CORES:,} cores with one "
        f"driver would finish in an hour {counts} networks, at the least {share:.0%} of what they could. "
        f"Beyond that a grid is cut "
        f"by its cells into {-(-CORES // max(1, int(busy)))} sweeps, each with its driver and its store"
        if share < 1
        else f"so none saturates, and {CORES:,} cores would finish in an hour {counts} networks; the {slowest} would "
        f"be the first to, at {busy:,.0f} cores"
    )
    low, high = min(asked.values()), max(asked.values())
    return (
        f"**{CORES:,} cores, on paper.** They would finish {low:,.0f} to {high:,.0f} blocks a second. Only one of each "
        f"handles them all: the store commits {rates['store']:,.0f} blocks a second "
        f"({store['seconds'] * 1e3:.1f} ms for a synchronised transaction on this disk), the driver takes in "
        f"{rates['driver']:,.0f} ({dask['driver'] * 1e3:.1f} ms of processor to send a block over Dask, unpack and "
        f"store it, and the wait for the disk), the Dask scheduler passes on {rates['Dask scheduler']:,.0f} "
        f"({dask['scheduler'] * 1e3:.1f} ms); {end}."
    )


def _power(number: float) -> str:
    digits, exponent = f"{number:.1e}".split("e")
    base = f"10^{int(exponent)}"
    return base if digits == "1.0" else f"{digits} {base}".replace(" ", " * ")


def _short(number: float) -> str:
    return f"{number / 1e6:.2f} million" if number >= 1e6 else f"{float(f'{number:.3g}'):,.0f}"


def _wrapped(words: str, width: int = 158) -> list[str]:
    lines = [""]
    for word in words.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines
