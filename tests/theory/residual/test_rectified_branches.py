"""Branches that end in a ReLU, against integrals over one entry."""

import math

import pytest
from scipy import integrate, stats

from theory.residual import rectified_branches


@pytest.mark.parametrize("scale", [0.1, 1.0, 2.5])
@pytest.mark.parametrize("x", [(1.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.2, 3.0, 1.0)])
def test_rectified_branches_by_integrating(x: tuple[float, ...], scale: float) -> None:
    square, n = sum(a * a for a in x), len(x)
    spread = math.sqrt(2 * square / n)

    def moment(a: float, order: int) -> float:
        def entry(t: float) -> float:
            return float((a + scale * spread * max(t, 0.0)) ** order * stats.norm.pdf(t))

        return float(integrate.quad(entry, -12, 12, points=[0.0])[0])

    growth = sum(moment(a, 2) for a in x) / square
    flatness = sum(x) / math.sqrt(n * square)
    assert float(rectified_branches.block_growth(scale, flatness)) == pytest.approx(growth, rel=1e-7)
    variance = sum(moment(a, 4) - moment(a, 2) ** 2 for a in x) / square**2
    assert variance <= float(rectified_branches.relative_variance_bound(scale, n)) * growth


def test_domain_of_rectified_branches() -> None:
    with pytest.raises(ValueError, match="flatness"):
        rectified_branches.block_growth(1, 1.1)
    with pytest.raises(ValueError, match="scale"):
        rectified_branches.block_growth(-1, 1)
