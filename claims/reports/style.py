"""The style sheets that the report, the index of the lessons and the gallery share, for pages to contain."""

from __future__ import annotations

from pathlib import Path


def sheet(*names: str) -> str:
    """Return style sheets of this folder, one after the other."""
    return "\n".join(Path(__file__).with_name(f"{name}.css").read_text(encoding="utf-8") for name in names)
