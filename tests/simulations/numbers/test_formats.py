"""Stored numbers against rounding by definition."""

import numpy as np
import pytest

from simulations.numbers.formats import STORES, running

FORMATS = {"float16": (11, 15), "bfloat16": (8, 127), "float32": (24, 127)}


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_rounded_to_the_nearest(name: str) -> None:
    bits, top = FORMATS[name]
    rng = np.random.default_rng(0)
    # Of 24 bits, so that they are exact in float32 and rounding happens once; ties and subnormals among them.
    values = np.ldexp(rng.integers(-(2**23), 2**23, 4000).astype(float), rng.integers(-top - 24, top - 24, 4000))
    exponents = np.maximum(np.frexp(values)[1] - 1, 1 - top)
    steps = np.ldexp(1.0, exponents - (bits - 1))
    assert np.array_equal(STORES[name](values), np.rint(values / steps) * steps)


@pytest.mark.parametrize("name", FORMATS)
def test_ties_go_to_the_even_one_and_the_ends_are_where_they_should_be(name: str) -> None:
    bits, top = FORMATS[name]
    store = STORES[name]
    largest, smallest = (2 - 2.0 ** (1 - bits)) * 2.0**top, 2.0 ** (2 - top - bits)
    given = np.array([1 + 2.0**-bits, 1 + 3 * 2.0**-bits, largest, smallest, smallest / 2, 1.5 * smallest, np.inf])
    kept = [1, 1 + 2.0 ** (2 - bits), largest, smallest, 0, 2 * smallest, np.inf]
    assert store(given).tolist() == kept
    assert store(np.array([largest + 2.0 ** (top - bits)])).tolist() == [np.inf]


def test_running() -> None:
    assert running(STORES["float16"], lambda x: 2 * x, 1.0, 16).tolist() == [*(2.0**k for k in range(16)), np.inf]
