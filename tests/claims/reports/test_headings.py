"""Headings have their mathematics set, and their words untouched."""

import re

import pytest

from claims.catalogue import REGISTRY
from claims.reports.headings import typeset


@pytest.mark.parametrize(
    ("words", "html"),
    [
        ("Rounding: a layer's mean-square, plain.", "Rounding: a layer&#x27;s mean-square, plain."),
        ("log ||x_L||^2 near 5 sum 1/n", "log ‖x<sub>L</sub>‖<sup>2</sup> near 5 sum 1/n"),
        ("exactly -eta l' x^2 / L", "exactly −η l&#x27; x<sup>2</sup> / L"),
        ("by L^(-1/(2m-2)) makes", "by L<sup>−1/(2m−2)</sup> makes"),
        ("in c^-B at least", "in c<sup>−B</sup> at least"),
        ("is sqrt(q / E phi(z)^2)", "is √(q / E φ(z)<sup>2</sup>)"),
        ("a < b", "a &lt; b"),
    ],
)
def test_what_is_set(words: str, html: str) -> None:
    assert typeset(words) == html


def test_no_heading_has_marks_of_typewriters() -> None:
    for claim in REGISTRY.values():
        text = re.sub(r"<[^>]+>", "", typeset(claim.words))
        assert not re.search(r"\^|\|\||\bsqrt\b|\b(eta|phi|pi|sigma)\b|[A-Za-z]_[A-Za-z]\b", text), text
