"""What may have happened where the variance is not the stated one: causes whose ratio the confidence interval allows.

All that fit are told, in no order of likelihood; each is consistent with the numbers and none is shown by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from evidence.arrays import Array
from evidence.initialisers.stated import TRUNCATED, Stated

Rule = Callable[[float, float], float]
RULES: dict[str, Rule] = {
    "1 / fan_in (LeCun)": lambda fan_in, fan_out: 1 / fan_in,
    "2 / fan_in (He)": lambda fan_in, fan_out: 2 / fan_in,
    "1 / fan_out": lambda fan_in, fan_out: 1 / fan_out,
    "2 / fan_out (He by fan_out)": lambda fan_in, fan_out: 2 / fan_out,
    "2 / (fan_in + fan_out) (Glorot)": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
}
DEFAULT = "1 / (3 fan_in) (PyTorch's default: kaiming_uniform_ with a = sqrt 5)"
FUSED = {2: "two gates, or k and v", 3: "q, k and v", 4: "an LSTM's gates"}


def causes(stated: Stated, weights: Array, interval: tuple[float, float]) -> Iterator[str]:
    """Yield the causes that fit, each with the ratio that it makes."""
    low, high = interval
    if low <= 1 <= high:
        return
    told = set()
    for ratio, cause in _candidates(stated, weights):
        if low <= ratio <= high and cause not in told:
            told.add(cause)
            yield f"{cause}: {ratio:.4g}"


def _candidates(stated: Stated, weights: Array) -> Iterator[tuple[float, str]]:
    for name, rule in _rules(stated):
        for reading, fan_in, fan_out in _readings(stated):
            if fan_in > 0 < fan_out:
                yield _evaluated(rule, fan_in, fan_out) / stated.claimed, f"{reading}{name}"
    fans = stated.fan_in, stated.fan_out
    yield from ((rule(*fans) / stated.claimed, f"variance {name}") for name, rule in RULES.items())
    yield from _scales(stated, weights)


def _rules(stated: Stated) -> Iterator[tuple[str, Rule]]:
    """Yield what the variance may be a function of: the function that was given, or the rules that make the number."""
    if callable(stated.variance):
        yield "", stated.variance  # type: ignore[misc]  # readings of the fans are whole numbers but for odd ones
        return
    known = {name: rule for name, rule in RULES.items() if math.isclose(rule(*_fans(stated)), stated.claimed)}
    if known:
        yield from ((f", in {name}", rule) for name, rule in known.items())
        return
    for name, rule in (("fan_in", RULES["1 / fan_in (LeCun)"]), ("fan_out", RULES["1 / fan_out"])):
        gain = stated.claimed / rule(*_fans(stated))
        yield f", in a rule by {name}", lambda a, b, rule=rule, gain=gain: gain * rule(a, b)  # type: ignore[misc]


def _readings(stated: Stated) -> Iterator[tuple[str, float, float]]:
    """Yield other numbers that may have been taken for the fans, and whose they are."""
    fan_in, fan_out = _fans(stated)
    yield "fan_in and fan_out swapped", fan_out, fan_in
    for count, example in FUSED.items():
        yield f"drawn in one block with others, {count} in all along the outputs ({example})", fan_in, count * fan_out
    for groups in _divisors(stated.outputs):
        yield f"fan_in counted over {groups} groups", groups * fan_in, fan_out
        yield f"fan_out counted over {groups} groups (channels, of a depthwise convolution)", fan_in, groups * fan_out
    shape = stated.sides
    if len(shape) < 3:
        return
    kernel = math.prod(shape[2:])
    yield f"fans as PyTorch counts them in {shape}", shape[1] * kernel, shape[0] * kernel
    kernel = math.prod(shape[:-2])
    yield f"fans as Keras counts them in {shape}", shape[-2] * kernel, shape[-1] * kernel
    kernel = math.prod(shape[2:] if stated.layout == "out_in" else shape[:-2])
    yield "the kernel's places left out of the fans", fan_in / kernel, fan_out / kernel


def _scales(stated: Stated, weights: Array) -> Iterator[tuple[float, str]]:
    """Yield mistakes of scale, some of which the largest entry rules out."""
    square, largest = float((weights**2).mean()), float(np.abs(weights).max())
    zeros = float((weights == 0).mean())
    if zeros == 1:
        yield 0, "every entry is 0"
        return
    if 0.95 < largest**2 / (3 * square) < 1 + max(0.01, 4 * math.sqrt(0.8 / weights.size)):  # as uniform entries have
        yield 1 / (3 * stated.fan_in * stated.claimed), f"variance {DEFAULT}"
        yield 1 / 3, "the deviation taken as the bound of a uniform law"
    if largest < 2.001:
        yield TRUNCATED, "cut off at two deviations, and not corrected for it"
    if largest > 2.3:
        yield 1 / TRUNCATED, "corrected for a cut at two deviations that did not take place"
        yield 3, "the bound of a uniform law taken as the deviation"
    if zeros > 0:
        yield 1 - zeros, f"a share of {zeros:.3g} of the entries is 0, and the others have the variance stated of all"
    yield 0.5, "a factor of 2 left out, such as the rectifier's gain"
    yield 2, "a factor of 2 too much, such as a rectifier's gain where there is none"
    yield stated.claimed, "the variance taken as the deviation"
    yield stated.claimed**-0.5, "the deviation taken as the variance"


def _fans(stated: Stated) -> tuple[int, int]:
    return stated.fan_in, stated.fan_out


def _evaluated(rule: Rule, fan_in: float, fan_out: float) -> float:
    """Return the variance by a rule, or NaN where a user's own rule does not take these fans."""
    try:
        return float(rule(fan_in, fan_out))
    except Exception:  # a rule may refuse any fans but its own
        return math.nan


def _divisors(number: int) -> list[int]:
    return [one for one in range(2, number + 1) if number % one == 0]
