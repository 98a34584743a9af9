"""Audits of networks that others wrote: python -m benchmarks.audit.gallery [--small] [--seeds 10] [--only NAME].

Needs torchvision and transformers (requirements/gallery.txt); networks whose package is missing are named and left out.
If all take part, the results are kept in benchmarks/results/audit_gallery.json and the table is put into
docs/gallery-of-audits.md.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import math
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from audit import Report, audit
from audit.depth import blocks
from benchmarks.audit.networks import NETWORKS, Network
from benchmarks.audit.tables import gallery_table
from docs import parts
from simulations.command_line import Parser, run, whole
from simulations.files import write

RESULTS = Path(__file__).parents[1] / "results" / "audit_gallery.json"
PACKAGES = ("torch", "torchvision", "transformers")


def audited(network: Network, seeds: int, small: bool) -> Report:
    """Audit one network."""
    return audit(partial(network.make, small), network.inputs(small), seeds=seeds, train=network.train)


def row(network: Network, report: Report, seconds: float) -> dict[str, Any]:
    """Return what is kept of an audit: the verdicts, each fault's cause once, and the stream along the blocks."""
    found = report.measured
    chain = [value for one in blocks(found) if math.isfinite(value := one.mean("output mean square"))]
    causes: dict[str, dict[str, Any]] = {}
    for one in report.statements:
        if one.verdict == "against":
            about = one.words if one.kind in ("depth", "gradient", "draws") else one.cause
            causes.setdefault(about, {"kind": one.kind, "where": one.where, "words": one.words, "cause": one.cause})
            causes[about]["times"] = causes[about].get("times", 0) + 1
    return {
        "title": network.title,
        "mode": "train" if report.train else "eval",
        "seeds": report.seeds,
        "parameters": sum(found.sizes.values()),
        "verdicts": report.counts(),
        "against": list(causes.values()),
        "depth": [one.words for one in report.statements if one.kind == "depth"],
        "blocks": chain,
        "output mean square": found.modules[""].mean("output mean square"),
        "output mean": found.modules[""].mean("output mean"),
        "loss": network.loss,
        "tied": sorted(found.tied),
        "seconds": round(seconds, 1),
    }


def gallery(names: list[str], seeds: int, small: bool) -> dict[str, Any]:
    """Audit the networks whose packages are installed, and return all results."""
    made: dict[str, Any] = {}
    for name in names:
        network = NETWORKS[name]
        if importlib.util.find_spec(network.needs) is None:
            print(f"{name}: {network.needs} is not installed; see requirements/gallery.txt", file=sys.stderr)
            continue
        start = time.process_time()
        report = audited(network, seeds, small)
        made[name] = row(network, report, time.process_time() - start)
        print(f"{name}: {made[name]['verdicts']}, {made[name]['seconds']} s", file=sys.stderr, flush=True)
    versions = {one: importlib.metadata.version(one) for one in PACKAGES if importlib.util.find_spec(one)}
    return {"versions": versions, "small": small, "networks": made}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m benchmarks.audit.gallery")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.audit.gallery", (__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="narrow networks on small inputs, in a minute or two")
    parser.add_argument("--seeds", type=whole(3), default=10, metavar="N", help="models of each (default: 10)")
    parser.add_argument(
        "--only", action="append", choices=NETWORKS, metavar="NAME", help="one network; nothing is kept"
    )
    options = parser.parse(arguments)
    results = gallery(options.only or list(NETWORKS), options.seeds, options.small)
    if results["networks"].keys() == NETWORKS.keys():
        write(RESULTS, json.dumps(results, indent=1, allow_nan=False) + "\n")
        parts.write("gallery", gallery_table(results))
    print(gallery_table(results))
    return 0 if results["networks"] else 1


if __name__ == "__main__":
    sys.exit(main())
