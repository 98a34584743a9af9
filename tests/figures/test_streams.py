"""Streams: what is drawn as expected, and narrow stacks around it."""

import pytest

from tests.figures.agreement import changed, off

NARROW = {"width": 2000, "layers": 3}


def test_streams_grow_as_expected() -> None:
    rows = changed("streams", **NARROW, draws=40)
    ends = rows.where(branch=6)
    assert ends["expected"].tolist() == pytest.approx([2**6, 7, 2, 1])
    # A branch's mean square strays by sqrt(5/h + 2/d), of normal sums over thousands of features: 10 SE of 10 draws.
    assert (off(rows) <= 10 * (7 * 6 / 2000 / 10) ** 0.5 * rows.numbers("expected")).all()


def test_post_ln_is_exact() -> None:
    rows = changed("streams", **NARROW).where(start="$1$: norms behind (post-LN)")
    assert (off(rows) <= 1e-12).all()
