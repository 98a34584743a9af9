"""Public functions used wrongly: an error that names what was wrong and what was expected, never a silent number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

import evidence
import simulations
from evidence import (
    ChiSquareTest,
    CountTest,
    MeanTest,
    at_least,
    binomial_degrees,
    check_initialiser,
    draws_for_same_law,
    draws_for_symmetry,
    identity,
    law,
    rate,
    same_law,
    symmetry,
)
from simulations import (
    Dense,
    Initialiser,
    InputError,
    LeakyReLU,
    Network,
    Residual,
    Sampling,
    Sequential,
    digits,
    he,
    load,
    measure,
    mlp,
    one_hot,
    radial,
    residual_mlp,
    softmax_loss,
    stream,
)
from theory.convolution import padding
from theory.domain import nonnegative, positive, positive_integer, real
from theory.fixup import one_step, scale
from theory.layer import one_layer
from theory.normalisation import batch_norm
from theory.residual import norms

X, NET = np.ones((3, 8)), mlp([8, 8])


def measured(network: Any = NET, inputs: Any = X, **options: Any) -> Any:
    settings: dict[str, Any] = {"draws": 4, "rng": stream(0, "wrong use")}
    return measure(network, inputs, **(settings | options))


MEAN: dict[str, Any] = {"variance": 2.0, "error": 0.1, "alpha": 1e-6}
ALPHA: dict[str, Any] = {"error": 0.1, "alpha": 1e-6}
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    # simulations
    "no network": (lambda: measured(network=5), "expected a Network, as mlp"),
    "a layer for a network": (lambda: measured(network=Dense("a", 8, 8)), "expected a Network"),
    "inputs of None": (lambda: measured(inputs=None), "expected real inputs"),
    "NaN inputs": (lambda: measured(inputs=X * math.nan), r"inputs must be finite .*, got nan at \(0, 0\)"),
    "no inputs": (lambda: measured(inputs=np.empty((0, 8))), "at least one row of inputs"),
    "digits of another width": (lambda: measured(inputs=digits()), r"take inputs.narrowed\(8\)"),
    "no draws": (lambda: measured(draws=0), "at least one draw, got draws=0"),
    "half a draw": (lambda: measured(draws=2.5), "a whole number of draws, got draws=2.5"),
    "draws in words": (lambda: measured(draws="4"), "a whole number of draws, got draws='4'"),
    "more draws than memory": (lambda: measured(draws=10**18), "more than this machine has; ask for fewer"),
    "a seed for a stream": (lambda: measured(rng=0), "rng must be a numpy Generator, such as stream"),
    "old random numbers": (lambda: measured(rng=np.random.RandomState(0)), "got RandomState"),
    "a number for sampling": (lambda: measured(sampling=3), r"sampling must be Sampling\(batch"),
    "half an input a batch": (lambda: Sampling(2.5), "a whole number of inputs, got batch=2.5"),  # type: ignore[arg-type]
    "a word for backward": (lambda: measured(backward="yes"), "backward must be True, False or a law"),
    "labels for targets": (lambda: measured(targets=[0, 1, 2]), r"one_hot\(labels, classes\) makes them"),
    "half precision": (lambda: measured(dtype=np.float16), "the precision is np.float64 or np.float32"),
    "an unknown engine": (lambda: measured(engine="fast"), "unknown engine 'fast'"),
    "a width for widths": (lambda: mlp(8), "widths must be a list"),  # type: ignore[arg-type]
    "widths in words": (lambda: mlp("88"), "widths must be a list"),  # type: ignore[arg-type]
    "a broken width": (lambda: mlp([8, 2.5]), "fan_out of layer 'layer0' must be a whole number, got 2.5"),  # type: ignore[list-item]
    "0 layers": (lambda: residual_mlp(8, 0), "blocks must be at least 1, got 0"),
    "half a block": (lambda: residual_mlp(8, 2.5), "blocks must be a whole number, got 2.5"),  # type: ignore[arg-type]
    "an initialiser by name": (lambda: mlp([8, 8], init="he"), "must be an Initialiser, such as he"),  # type: ignore[arg-type]
    "an activation by name": (lambda: mlp([8, 8], activation="relu"), "expected a tuple of layers"),  # type: ignore[arg-type]
    "a layer for layers": (lambda: Network(Dense("a", 8, 8)), "expected a tuple of layers"),  # type: ignore[arg-type]
    "a name for a layer": (lambda: Sequential(("relu",)), "expected a tuple of layers"),  # type: ignore[arg-type]
    "a branch of another width": (
        lambda: measured(network=Network((Residual(Dense("a", 8, 4)),))),
        "the branch of a residual block returns",
    ),
    "a slope of NaN": (lambda: LeakyReLU(math.nan), "slope of a LeakyReLU must be a finite number"),
    "a negative variance": (
        lambda: measured(network=mlp([8, 8], init=Initialiser(lambda fan_in, fan_out: -1.0))),
        "the variance of an initialiser must be finite and not negative, got -1",
    ),
    "a number for a variance": (lambda: Initialiser(0.1), "a variance that is a function of fan_in"),  # type: ignore[arg-type]
    "no fan": (lambda: he.draw(stream(0), 1, 0, 4), "fans of at least 1, got 1, 0 and 4"),
    "a seed of None": (lambda: stream(None), "a seed must be a whole number, got None"),  # type: ignore[arg-type]
    "an address of 1.5": (lambda: stream(0, 1.5), "an address has names and whole numbers"),  # type: ignore[arg-type]
    "width 0": (lambda: digits().narrowed(0), "a width of at least 1"),
    "a file that is missing": (lambda: load("missing.csv"), "cannot read missing.csv: No such file"),
    "a folder for a file": (lambda: load("/"), "cannot read /: Is a directory"),
    "a label of -1": (lambda: one_hot(np.array([-1, 2]), 3), "whole labels from 0 to 2, got -1 to 2"),
    "a label too large": (lambda: one_hot(np.array([5]), 3), "whole labels from 0 to 2, got 5 to 5"),
    "targets of another shape": (lambda: softmax_loss(np.ones((2, 3)), np.ones((2, 4))), "3 logits but 4 targets"),
    "negative squared norms": (lambda: radial(NET, -np.ones(2), rng=stream(0)), "none negative, got shape"),
    "radial without a stream": (lambda: radial(NET, np.ones(2), rng=3), "rng must be a numpy Generator"),  # type: ignore[arg-type]
    # evidence
    "a negative variance of samples": (lambda: MeanTest(1.0, **MEAN | {"variance": -1}).draws, "finite variance"),
    "a level of 2": (lambda: MeanTest(1.0, **MEAN | {"alpha": 2.0}).draws, "alpha between 0 and 1"),
    "an error too small for any sample": (
        lambda: MeanTest(1.0, **MEAN | {"error": 1e-200}).draws,
        "no sample is large",
    ),
    "complex samples": (lambda: MeanTest(1.0, **MEAN)(1j * np.ones(5)), "samples that are real numbers"),  # type: ignore[arg-type]
    "half a success": (lambda: CountTest(0.5, **ALPHA)(1.5, 2), "expected whole numbers"),  # type: ignore[arg-type]
    "more successes than trials": (lambda: CountTest(0.5, **ALPHA)(3, 2), "got 3 successes in 2 trials"),
    "a level of NaN": (lambda: CountTest(0.5, error=0.1, alpha=math.nan).trials, "an alpha between 0 and 1"),
    "a probability too small": (lambda: CountTest(1e-12, error=1e-3, alpha=0.1).trials, "no number of trials"),
    "a share of half successes": (lambda: at_least(1.5, 2, share=0.5, **ALPHA), "expected whole numbers"),  # type: ignore[arg-type]
    "no degrees of freedom": (lambda: ChiSquareTest(np.array([]), **ALPHA).draws, "finite degrees of freedom"),
    "a negative error": (lambda: ChiSquareTest(3, error=-0.5, alpha=0.1).draws, "a positive error"),
    "no units": (lambda: binomial_degrees(0), "a whole number of units"),
    "sides of two shapes": (lambda: identity(np.ones(3), np.ones(4), rounding=0.0), "two sides of one shape"),
    "sides in words": (lambda: identity("a", 1.0, rounding=0.0), "two sides that are real numbers"),  # type: ignore[arg-type]
    "a law of two axes": (
        lambda: law(np.ones((3, 2)) / 2, measured=1.0, distance_of=abs, **ALPHA),
        "expected one sample a draw",
    ),
    "rows over other points": (
        lambda: rate(np.array([1.0, 2.0]), np.ones((3, 3)), expected=1.0, bias=0.0),
        r"expected rows over 2 points \(draws, points\), got shape \(3, 3\)",
    ),
    "symmetry of a matrix": (lambda: symmetry(np.ones((3, 2)), **ALPHA), "expected one sample a draw"),
    "symmetry without an error": (lambda: draws_for_symmetry(error=0, alpha=0.1), "a positive error"),
    "a distance of NaN": (lambda: draws_for_same_law(1, error=math.nan, alpha=0.1), "no plan for 1 statistics"),
    "the same law in words": (lambda: same_law({"a": ["x"]}, {"a": ["x"]}, **ALPHA), "samples of a that are real"),  # type: ignore[dict-item]
    "a matrix for a sampler": (lambda: check_initialiser(X, 3, 2, variance=1.0), "sampler must be a function"),  # type: ignore[arg-type]
    "a sampler of nothing": (
        lambda: check_initialiser(lambda a, b: None, 3, 2, variance=1.0),  # type: ignore[arg-type,return-value]
        r"the sampler returned shape \(\)",
    ),
    "a sampler of ragged rows": (
        lambda: check_initialiser(lambda a, b: [[1.0], [1.0, 2.0]], 3, 2, variance=1.0),
        "no array of numbers",
    ),
    # theory
    "a width of NaN": (lambda: one_layer.second_moment(math.nan, 1, 1), "is nan; expected"),
    "a width in words": (lambda: norms.block_growth("a"), "is 'a'; expected"),
    "an infinite depth": (lambda: scale.fixup_exponent(math.inf), "expected an integer"),
    "nothing for a number": (lambda: positive("eta", None), "eta is None; expected a positive number"),
    "a truth value for a number": (lambda: real("x", sp.true), "x is True; expected a finite real number"),
    "a negative share": (lambda: nonnegative("share", -1), "share is -1; expected a number of at least 0"),
    "a broken count": (lambda: positive_integer("n", 2.5), "n is 2.5; expected an integer of at least 1"),
    "a step of NaN": (lambda: one_step.fixup_change(math.nan, 1), "is nan; expected"),
    "a shift of NaN": (lambda: batch_norm.output_shift(math.nan), "is nan; expected"),
    "no windows": (lambda: padding.axis_windows(3, 1, 0, 0), "is 0; expected an integer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_raises_an_error_that_says_so(name: str) -> None:
    call, says = WRONG[name]
    with pytest.raises((ValueError, TypeError, MemoryError), match=says):
        call()


def test_every_public_name_is_there() -> None:
    for module in (simulations, evidence):
        assert all(hasattr(module, name) for name in module.__all__)
    assert issubclass(InputError, ValueError)


def test_an_overflow_of_the_variances_alone_names_its_block() -> None:
    """A stream that triples leaves float32 at a known depth; the twins' difference may do so one block earlier."""
    told = []
    for depth in range(70, 80):
        network = residual_mlp(8, depth, last_layer=he)  # He last: a block triples the mean square
        with pytest.raises(OverflowError) as caught:
            measured(network, 1e4 * X, draws=200, dtype=np.float32)
        told.append(str(caught.value))
    assert all("block" in one for one in told)
