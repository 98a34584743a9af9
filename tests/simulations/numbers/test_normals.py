"""Standard normals in large fills, against the exact law. Each stochastic test has a false-alarm rate of 1e-6."""

import numpy as np
import pytest
from scipy import stats

from simulations import stream
from simulations.numbers.arrays import Array
from simulations.numbers.normals import CHUNK, SHORT, fill_normal
from simulations.weights.initialisers import gaussian

ALPHA = 1e-6
COUNT = 2**20
TYPES = [np.float64, np.float32]


def normals(dtype: type, size: int = COUNT, name: str = "normals") -> Array:
    return fill_normal(stream(0, name, np.dtype(dtype).name), np.empty(size, dtype))


def halves(dtype: type) -> tuple[Array, Array]:
    """The two normals of each pair, in double precision: all chunks are full."""
    chunks = normals(dtype, name="halves").reshape(-1, 2, CHUNK[np.dtype(dtype)] // 2).astype(float)
    return chunks[:, 0].ravel(), chunks[:, 1].ravel()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("half", [0, 1])
def test_law(dtype: type, half: int) -> None:
    assert stats.kstest(halves(dtype)[half], "norm").pvalue > ALPHA / 2


@pytest.mark.parametrize("dtype", TYPES)
def test_moments(dtype: type) -> None:
    x = normals(dtype).astype(float)
    moments = [1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395]
    limit = stats.norm.isf(ALPHA / 2 / 6)
    for power in range(1, 7):
        deviation = np.sqrt((moments[2 * power] - moments[power] ** 2) / COUNT)
        assert abs((x**power).mean() - moments[power]) < limit * deviation


@pytest.mark.parametrize("dtype", TYPES)
def test_tails_have_their_mass_and_their_end(dtype: type) -> None:
    x = normals(dtype)
    cuts = [3, 4, 4.5]
    for cut in cuts:
        for beyond in (x > cut, x < -cut):
            count = int(np.count_nonzero(beyond))
            assert stats.binomtest(count, COUNT, stats.norm.sf(cut)).pvalue > ALPHA / (2 * len(cuts))
    assert np.abs(x).max() < (8.6 if dtype == np.float64 else 6.8)
    assert np.count_nonzero(x) >= COUNT - 10  # single precision: u rounds to 1 once in 3e7, expected 0.03 (1e-20)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
def test_the_halves_of_a_pair_are_independent(dtype: type) -> None:
    one, other = halves(dtype)
    checks = {
        "radius": stats.kstest((one**2 + other**2) / 2, "expon").pvalue,
        "angle": stats.kstest(np.arctan2(other, one) / (2 * np.pi) + 0.5, "uniform").pvalue,
        "sum": stats.kstest((one + other) / np.sqrt(2), "norm").pvalue,
        "angle and radius": stats.pearsonr(np.arctan2(other, one), one**2 + other**2).pvalue,
        "sizes": stats.pearsonr(one**2, other**2).pvalue,
        "neighbours": stats.pearsonr(one[1:], one[:-1]).pvalue,
    }
    assert min(checks.values()) > ALPHA / len(checks), checks


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", [1, 2, SHORT - 1, SHORT, SHORT + 1, (1 << 15) + 1, (1 << 16) + 3, (1 << 17) - 1])
def test_every_entry_is_filled_and_none_twice(dtype: type, size: int) -> None:
    out: Array = np.full(size + 2, np.nan, dtype)
    returned = fill_normal(stream(1, "sizes", size), out[1:-1])
    assert np.isnan(out[[0, -1]]).all()
    assert np.isfinite(returned).all()
    assert np.shares_memory(returned, out)
    if dtype == np.float64:  # single precision has equal normals by chance
        assert len(np.unique(returned)) == size


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("words", [np.random.MT19937, np.random.PCG64, np.random.Philox])
def test_other_generators_give_the_same_law(dtype: type, words: type) -> None:
    x = fill_normal(np.random.Generator(words(1)), np.empty(100_000, dtype))
    assert stats.kstest(x.astype(float), "norm").pvalue > ALPHA


def test_any_shape_is_filled_in_place_and_again_the_same() -> None:
    out = np.empty((3, 50, 100))
    assert fill_normal(stream(2, "shape"), out) is out
    assert np.array_equal(out.ravel(), fill_normal(stream(2, "shape"), np.empty(15_000)))
    assert fill_normal(stream(2, "shape"), np.empty((4, 0, 3))).shape == (4, 0, 3)
    assert gaussian(stream(2, "shape"), (0, 5)).shape == (0, 5)


@pytest.mark.parametrize("size", [10, 3 * SHORT])
def test_what_cannot_be_filled_is_refused(size: int) -> None:
    rng = stream(3, "refused")
    for view in (np.empty((size, 2))[:, 0], np.empty((size, 2)).T, np.empty(2 * size)[::2]):
        with pytest.raises(ValueError, match=r"C-contiguous arrays only, got strides .* copy it"):
            fill_normal(rng, view)
    for dtype in (np.float16, np.int64, np.complex128):
        with pytest.raises(ValueError, match=f"float64 and float32 only, got {np.dtype(dtype)}"):
            fill_normal(rng, np.empty(size, dtype))
