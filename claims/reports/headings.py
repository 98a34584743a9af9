"""Sentences with mathematics in letters and signs, as docstrings have them, set for a page: powers, indices, Greek."""

from __future__ import annotations

import re
from html import escape

GREEK = {"eta": "η", "phi": "φ", "pi": "π", "sigma": "σ", "rho": "ρ", "chi": "χ", "alpha": "α", "lambda": "λ"}
POWER = re.compile(r"\^(\((?:[^()]|\([^()]*\))*\)|-?\w+)")
INDEX = re.compile(r"(?<=[A-Za-z)])_(\w)(?![a-z]{2})")


def typeset(words: str) -> str:
    """Return a sentence as HTML: ``||x_L||^2`` with a raised 2, a lowered L and double bars."""
    text = re.sub(rf"\b({'|'.join(GREEK)})\b", lambda name: GREEK[name[1]], escape(words).replace("||", "‖"))
    text = re.sub(r"\bsqrt ?(?=[\w(])", "√", text)
    text = POWER.sub(lambda power: f"<sup>{_bare(power[1])}</sup>", text)
    text = INDEX.sub(lambda index: f"<sub>{index[1]}</sub>", text)
    return re.sub(r"(?<![\w.)])-(?=[\wηφπ])| - ", lambda sign: sign[0].replace("-", "−"), text)


def _bare(power: str) -> str:
    """Return a power without the brackets around it, and with a minus sign."""
    return (power[1:-1] if power.startswith("(") else power).replace("-", "−")
