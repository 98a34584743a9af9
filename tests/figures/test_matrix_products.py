"""The data of the figures on blocks, sets, products, recurrent nets and maps: measured against expected, and theory.

Bounds are quantiles of Student's t, 5 to 10 standard errors as draws are many or few: with another seed, normal means
leave one of them with probability 1e-6, and any of the 700 numbers that are compared with less than 1e-3.
"""

import math
from functools import cache

import numpy as np
import pytest
from scipy.stats import t

from claims.homogeneity import sets as figure_2
from figures import independence, top_singular_value
from figures.tools import compounds
from figures.tools.figure import load
from figures.tools.table import Table
from simulations import lecun, stream

FALSE_ALARM = 1e-6
"""Of one number that is compared; there are fewer than 1,000."""


@cache
def table(name: str) -> Table:
    module = load(name)
    return module.data(module.FIGURE.parameters, "quick", 1)


def within(rows: Table, draws: int, bias: float = 0.0) -> None:
    """Assert that measured is expected within what noise of `draws` draws makes, and a relative bias."""
    expected, measured, error = (rows.numbers(name) for name in ("expected", "measured", "error"))
    seen = np.isfinite(measured)
    assert seen.any()
    allowed = t.isf(FALSE_ALARM / 2, draws - 1) * error + bias * np.abs(expected) + 1e-12
    assert (np.abs(measured - expected) <= allowed)[seen].all(), f"{measured[seen]} for {expected[seen]}"


def test_blocks_start_as_they_say() -> None:
    rows = table("blocks")
    linear = rows.where(layer="linear")
    n = 20 * 64 * 64  # weights behind each mean square, of relative variance 2 / n
    assert (np.abs(linear.numbers("measured") - linear.numbers("expected")) <= 2 * 6 * math.sqrt(2 / n)).all()
    assert linear.where(block="Fixup")["expected"].tolist() == pytest.approx([2 / 16, 0])
    assert linear.where(block="batch norm")["expected"].tolist() == pytest.approx([2, 2])
    kinds = {name: rows.where(block=name)["layer"].tolist() for name in ("batch norm", "rescaled", "Fixup")}
    assert kinds["batch norm"] == ["linear", "batch norm", "ReLU", "linear", "batch norm"]
    assert kinds["rescaled"] == ["linear", "ReLU", "linear", "ReLU"]
    assert kinds["Fixup"].count("bias") == 4
    assert rows.where(layer="multiplier")["measured"].tolist() == [1]


def test_homogeneous_sets_scale_by_their_degree() -> None:
    rows = table("homogeneous_sets").where(row="scaling")
    known = np.isfinite(rows.numbers("degree"))
    np.testing.assert_allclose(rows.numbers("measured")[known], rows.numbers("expected")[known], rtol=1e-12)
    sets = {name: rows.where(set=name)["layer"][0] for name in "ABCD"}
    assert sets == {
        "A": "stem.weight",
        "B": "readout.weight",
        "C": "block1.layer0.weight block1.shortcut.weight",
        "D": "block1.layer1.weight block1.shortcut.weight",
    }
    claimed = {names - {figure_2.LAST} for names in figure_2.SETS.values()}  # here without a bias
    assert {frozenset(names.split()) for names in sets.values()} == claimed, "not the sets of claim P12"
    layers = table("homogeneous_sets").where(row="layer")
    marked = [(*path.split(), letters) for path, letters in zip(layers["path"], layers["set"], strict=True) if letters]
    assert marked == [("0", "trunk", "A"), ("2", "branch", "C"), ("2", "branch", "D"), ("2", "shortcut", "CD"),
                      ("3", "trunk", "B")]  # fmt: skip
    assert rows.where(set="A and B", factor=4.0)["expected"].tolist() == [16]
    alone = rows.where(set="one layer").numbers("measured")
    slopes = np.diff(np.log2(alone)) / 0.5
    assert slopes.min() < 0.1, "a branch layer alone looks homogeneous of degree 1"
    assert slopes.max() > 0.8, "a branch layer alone looks constant"


def test_independence_is_measured_as_derived() -> None:
    rows = table("independence")
    for width in independence.FIGURE.parameters["widths"]:
        within(rows.where(panel="width", width=width), 20 if width > 10_000 else 40)
    within(rows.where(panel="depth", width=64), 600)
    within(rows.where(panel="depth", width=10_000), 20)
    assert rows.where(panel="width", width=8)["expected"][0] == pytest.approx(1 + 7 / (8 * math.pi), rel=1e-12)
    wide = rows.where(panel="depth", width=np.inf).numbers("expected")
    np.testing.assert_allclose(wide, 1 + 1 / math.pi + 2 / math.pi * np.arange(32), rtol=1e-12)
    np.testing.assert_allclose(independence.in_depth(10**9, 32), wide, rtol=1e-6)


def test_gradient_of_ones_in_two_layers_of_one_unit() -> None:
    """By hand: one unit is on with probability 1/2 and then multiplies by a square of mean 2, so the mean stays 1."""
    np.testing.assert_allclose(independence.in_depth(1, 4), 1, rtol=1e-12)


def test_products_grow_as_derived() -> None:
    rows = table("matrix_products")
    within(rows.where(panel="size", series="typical"), 100)
    psi_2 = 1 - np.euler_gamma
    slope = (psi_2 + math.log(2)) / 2 / math.log(10)
    assert rows.where(panel="size", series="typical").numbers("expected")[-1] == pytest.approx(100 * slope, rel=1e-12)
    assert rows.where(panel="size", series="root mean square").numbers("expected")[-1] == pytest.approx(
        50 * np.log10(4)
    )
    known = rows.where(panel="spectrum", series="Gaussian", depth=1.0).numbers("expected")
    np.testing.assert_allclose(known, [-0.1352, -0.3283, -0.6352, -1.3283], atol=5e-5)


def test_singular_values_follow_the_exponents() -> None:
    """The mean log of the product of the first i exceeds L times their exponents by at most a constant over depth.

    A volume in fixed directions has the exponents as its mean rate at every depth; that in the best directions is
    larger, but by no more than -log of a minor of a uniformly random orthogonal matrix: sums of log chi's.
    """
    rows, n, draws = table("matrix_products").where(panel="spectrum", series="Gaussian"), 4, 20

    def log_chi(k: int) -> float:
        from scipy.special import digamma

        return float(digamma(k / 2) / 2)

    total, rate, noise = np.zeros(9), 0.0, np.zeros(9)
    for index in range(1, n + 1):
        some = rows.where(index=index)
        total, rate = total + some.numbers("measured"), rate + some.numbers("expected")[0]
        noise = noise + t.isf(FALSE_ALARM, draws - 1) * some.numbers("error")
        most = sum(log_chi(n - j) - log_chi(index - j) for j in range(index)) / some.numbers("depth")
        assert (total >= rate - noise).all()
        assert (total <= rate + most + noise).all()
    haar = table("matrix_products").where(panel="spectrum", series="orthogonal")
    assert (haar.numbers("measured") == 0).all()


def test_compounds_give_the_singular_values() -> None:
    found = compounds.log_singular_values(lecun, 4, [1, 2], 3, stream(0, "here"))
    first, second = (lecun.draw(rng, 3, 4, 4) for rng in [stream(0, "here")] for _ in range(2))
    for product, logs in zip((first, first @ second), found, strict=True):
        np.testing.assert_allclose(logs, np.log(np.linalg.svd(product, compute_uv=False)), atol=1e-10)


def test_gradients_through_time() -> None:
    """Four steps, of which 20,000 draws make normal means; five and six have tails too heavy for that."""
    rows = table("recurrent")
    for series in dict.fromkeys(rows.where(panel="tied")["series"].tolist()):
        for step in range(4):
            within(rows.where(panel="tied", series=series, step=step), 20_000)
    cell = rows.where(panel="cell")
    np.testing.assert_allclose(cell.numbers("measured"), cell.numbers("expected"), rtol=1e-12)
    assert cell.where(series="$b = 1$", step=100)["expected"][0] == pytest.approx((1 + math.exp(-1)) ** -100)
    assert cell.where(series=r"$b = \log 99$", step=100)["expected"][0] == pytest.approx(0.99**100)


@pytest.mark.parametrize(("net", "bias"), [("no norm", 0.25), ("batch norm", 0.06), ("NF", 0.03)])
def test_signal_propagation(net: str, bias: float) -> None:
    """Expected is the limit of wide nets: at width 384 that is biased, by a few percent a block without norms."""
    rows = table("signal_propagation").where(net=net)
    for quantity in ("mean", "variance", "branch"):
        within(rows.where(quantity=quantity), 12, bias=0.15 if (net, quantity) == ("NF", "mean") else bias)
    book = table("signal_propagation").where(net="NF", quantity="variance").numbers("expected")
    assert book[[0, 2, 3, 12]].tolist() == pytest.approx(
        [one * (1 - 1 / 64) + 0 for one in (1.04, 1.12, 1.04, 1.24)], rel=0.01
    )


def test_maps_of_lengths_and_correlations() -> None:
    rows = table("propagation_maps")
    for panel in ("length", "correlation"):
        within(rows.where(panel=panel), 20)
    relu = rows.where(panel="correlation", layer="ReLU", before=0.0)
    assert relu["expected"].tolist() == pytest.approx([1 / math.pi] * 2)
    fixed = rows.where(panel="fixed length", layer="tanh", gain=1.5)["before"][0]
    z = np.random.default_rng(0).standard_normal(1_000_000)
    assert 1.5**2 * np.square(np.tanh(math.sqrt(fixed) * z)).mean() == pytest.approx(fixed, abs=6 * 2.25 * 0.35 / 1000)


def test_top_singular_values_lie_between_their_bounds() -> None:
    """Within 6 standard errors of at least 64 near-normal draws: of 8 means, one fails with probability 1e-6."""
    rows = table("top_singular_value")
    within(rows.where(series="fixed vector"), 64)
    within(rows.where(series="largest singular value", width=2), 2000)
    low, high, top = (rows.where(series=name) for name in ("low", "high", "largest singular value"))
    assert top["width"].tolist() == low["width"].tolist() == high["width"].tolist()
    margin = 6 * top.numbers("error")
    assert (low.numbers("expected") - margin < top.numbers("measured")).all()
    assert (top.numbers("measured") < high.numbers("expected") + margin).all()
    radius = rows.where(series="spectral radius")
    assert (radius.numbers("measured") < top.numbers("measured")).all()


def test_stretches_of_a_shear() -> None:
    """Eigenvalues 1, squared singular values (3 +- sqrt 5) / 2, and a first row that stays as it is."""
    found = top_singular_value.stretches(np.array([[[1.0, 0.0], [1.0, 1.0]]]))
    assert found["largest singular value"] == pytest.approx([(1 + 5**0.5) / 2], rel=1e-12)
    assert found["spectral radius"] == pytest.approx([1], rel=1e-6)
    assert found["fixed vector"] == pytest.approx([1], rel=1e-12)
