"""The check itself, of one initialiser or of all parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from evidence.initialisers import dependent, independent
from evidence.initialisers.causes import causes
from evidence.initialisers.ratio import interval
from evidence.initialisers.report import InitialiserReport, ParametersReport
from evidence.initialisers.sample import Sample, one, sample
from evidence.initialisers.stated import Law, Layout, Stated, Variance

Sampler = Callable[[int, int], ArrayLike]
DEPENDENT = ("orthogonal", "zero")
MOST_ENTRIES = 1 << 27
"""Numbers of one initialiser that are held at a time, 1 GB."""


def check_initialiser(
    sampler: Sampler,
    fan_in: int,
    fan_out: int,
    *,
    variance: Variance,
    law: Law = "symmetric",
    kurtosis: float = 3.0,
    zeros: float = 0.0,
    layout: Layout = "in_out",
    shape: tuple[int, ...] | None = None,
    error: float = 0.02,
    alpha: float = 1e-6,
    draws: int | None = None,
) -> InitialiserReport:
    """Test that ``sampler(fan_in, fan_out)`` draws what is stated: by default independent symmetric entries of mean 0.

    Choose unequal fans, or a sampler that mixes them up will pass. Small ones are as telling as large ones, and faster.

    Parameters
    ----------
    sampler : callable
        Returns one array of weights a call, with fresh random numbers of its own.
    fan_in, fan_out, variance, law, kurtosis, zeros, layout, shape
        What is stated, see `Stated`.
    error : float
        The error that must be seen: of the mean relative to the standard deviation, of the variance relative to it, of
        symmetry and agreement as a difference of probabilities; of squared inner products and of the law's scale, five
        times as much. Of orthogonal arrays the variance is seen to rounding, and the mean to five times as much.
    alpha : float
        The probability of a failure if all is well.
    draws : int, optional
        How many arrays to draw; by default as many as `error` needs. With fewer, findings are inconclusive.

    Raises
    ------
    TypeError
        If `sampler` is not callable.
    ValueError
        If an option makes no sense, or the sampler returns a wrong shape, or numbers that are not real and finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def he(fan_in, fan_out):
    ...     return rng.normal(0, (2 / fan_in) ** 0.5, (fan_in, fan_out))
    >>> report = check_initialiser(he, 24, 16, variance=lambda fan_in, fan_out: 2 / fan_in)
    >>> report.passed
    True
    >>> report = check_initialiser(he, 24, 16, variance=2 / 16)
    >>> report.findings["variance / stated"].verdict
    'refuted'
    >>> "fan_in and fan_out swapped, in 2 / fan_out (He by fan_out): 0.6667" in report.causes
    True
    """
    if not callable(sampler):
        raise TypeError(f"sampler must be a function of fan_in and fan_out, got {type(sampler).__name__}")
    _validate(error, alpha, draws)
    stated = Stated(
        fan_in, fan_out, variance=variance, law=law, kurtosis=kurtosis, zeros=zeros, layout=layout, shape=shape
    )
    count = _draws(stated, error, alpha, draws)
    return _report(stated, [one(sampler(fan_in, fan_out), stated) for _ in range(count)], error, alpha)


def check_parameters(
    sampler: Callable[[], Mapping[str, ArrayLike]],
    stated: Mapping[str, Stated],
    *,
    error: float = 0.02,
    alpha: float = 1e-6,
    draws: int | None = None,
) -> ParametersReport:
    """Test the named parameters of a model, drawn together, against what is stated of each.

    Each parameter uses as many of the draws as it needs, and has an equal part of alpha. Dependence between parameters
    is not looked for. Small parameters, such as biases, need many draws unless they are stated to be zero.

    Parameters
    ----------
    sampler : callable
        Returns a new model's arrays by name; those of which nothing is stated are left alone.
    stated : mapping
        What is stated, by the same names.
    error, alpha, draws
        As in `check_initialiser`.

    Raises
    ------
    TypeError
        If `sampler` is not callable.
    ValueError
        If nothing is stated, a parameter is missing or does not fit; the message names it.
    """
    if not callable(sampler):
        raise TypeError(f"sampler must be a function that returns arrays by name, got {type(sampler).__name__}")
    _validate(error, alpha, draws)
    if not stated:
        raise ValueError("nothing is stated of any parameter; give what is stated by the parameter's name")
    share = alpha / len(stated)
    counts = {name: _draws(about, error, share, draws) for name, about in stated.items()}
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in stated}
    for number in range(max(counts.values())):
        for name, array in _named(sampler(), stated):
            if number < counts[name]:
                arrays[name].append(array)
    return ParametersReport({name: _report(about, arrays[name], error, share) for name, about in stated.items()})


def _named(model: Mapping[str, ArrayLike], stated: Mapping[str, Stated]) -> Iterator[tuple[str, np.ndarray]]:
    for name, about in stated.items():
        if name not in model:
            raise ValueError(f"the sampler returned no parameter {name!r}; it has {', '.join(map(str, model))}")
        try:
            yield name, one(model[name], about)
        except ValueError as error:
            raise ValueError(f"parameter {name!r}: {error}") from None


def _draws(stated: Stated, error: float, alpha: float, draws: int | None) -> int:
    count = int(draws or (dependent if stated.law in DEPENDENT else independent).draws(stated, error, alpha))
    if count * stated.inputs * stated.outputs > MOST_ENTRIES:
        raise ValueError(
            f"{count:,} draws of {stated.inputs * stated.outputs:,} entries are more than memory should hold; check "
            f"the same initialiser at smaller fans, or give a larger error, or draws"
        )
    return count


def _report(stated: Stated, arrays: Sequence[np.ndarray], error: float, alpha: float) -> InitialiserReport:
    drawn = sample(arrays, stated)
    weights = drawn.weights
    if stated.law == "zero":
        found, ratio = dependent.findings(stated, drawn, error, alpha), (1.0, 1.0)
    elif stated.law == "orthogonal":
        found = dependent.findings(stated, drawn, error, alpha)
        ratio = (1.0, 1.0) if found["variance / stated"].verdict == "held" else interval(stated, weights)
    else:
        found, ratio = independent.findings(stated, weights, error, alpha), interval(stated, weights)
    report = InitialiserReport(stated.fan_in, stated.fan_out, len(arrays), found, ratio)
    if report.passed or stated.law == "zero":
        return report
    return replace(report, causes=tuple(causes(stated, weights, ratio)), notes=tuple(_notes(stated, drawn)))


def _notes(stated: Stated, drawn: Sample) -> Iterator[str]:
    """Yield what the sample is instead, where that can be seen without doubt."""
    weights = drawn.weights
    zeros = float((weights == 0).mean())
    if zeros == 1:
        yield "every entry is 0: if that is meant, state law='zero' and variance=0"
        return
    if zeros > 0.05 and stated.law != "sparse":
        yield f"a share of {zeros:.3g} of the entries is 0: if that is meant, state law='sparse' and zeros={zeros:.3g}"
    _, gaps = dependent.orthogonality(weights)
    exact = dependent.ROUNDINGS * max(weights.shape[1:]) * drawn.spacing
    if stated.law != "orthogonal" and min(weights.shape[1:]) > 1 and (gaps <= exact).all():
        yield "every array has orthonormal rows or columns, up to a factor: if that is meant, state law='orthogonal'"


def _validate(error: float, alpha: float, draws: int | None) -> None:
    if draws is not None and not (isinstance(draws, Integral) and draws >= 2):
        raise ValueError(f"expected at least 2 draws, a whole number, got {draws}")
    for name, value, high in (("error", error, 1 / independent.COARSER), ("alpha", alpha, 1.0)):
        if not 0 < value < high:
            raise ValueError(f"{name} must be above 0 and below {high}, got {value}")
