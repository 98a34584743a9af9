"""Generated parts of the pages: what stands between ``<!-- name -->`` and ``<!-- /name -->``.

Every part has one page. Commands that measure write their own part; ``python -m docs`` writes all of them again.
"""

from __future__ import annotations

import re
from pathlib import Path

from simulations import files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "excerpt": "README.md",
    "scope": "docs/claims.md",
    "papers": "docs/papers.md",
    "lessons": "docs/teaching.md",
    "bench": "docs/engines.md",
    "depth": "docs/training.md",
    "sweeps": "docs/sweeps.md",
    "translate": "docs/translate.md",
    "rivals": "docs/audit.md",
    "gallery": "docs/gallery-of-audits.md",
}


def shown(name: str) -> str:
    """Return what the page of the part `name` has between its markers.

    Raises
    ------
    ValueError
        If the page does not have that part exactly once.
    """
    found = _pattern(name).findall((ROOT / PAGES[name]).read_text())
    if len(found) != 1:
        raise ValueError(f"{PAGES[name]} has {len(found)} parts between <!-- {name} --> and <!-- /{name} -->, not one")
    return str(found[0]).removesuffix("\n")


def write(name: str, part: str) -> None:
    """Put `part` in the place of what its page has between the markers, and leave the rest of the page alone.

    Raises
    ------
    ValueError
        If the page does not have that part exactly once; nothing is written then.
    """
    shown(name)
    page = ROOT / PAGES[name]
    text = f"<!-- {name} -->\n{part}\n<!-- /{name} -->"
    files.write(page, _pattern(name).sub(lambda _: text, page.read_text()))


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", re.S)
