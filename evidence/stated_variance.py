"""Whether samples can have the variance that is stated of them, tested at any law and without its fourth moment.

Half the squared difference of two independent samples has the variance as its mean, so cut off at c it is a number from
0 to c with a mean of at most v. For n such pairs Chernoff's bound (Hoeffding 1963, theorem 1) says that their mean
exceeds z c with probability at most exp(-n KL(z || v / c)), where KL is between coins. Small cuts see a variance that
is somewhat larger at light tails, large cuts see rare large samples; those here share the level.
"""

from __future__ import annotations

import math

import numpy as np

from evidence.arrays import Array

CUTS = (4.0, 16.0, 64.0, 256.0, 1024.0)
"""Where half squared differences are cut off, in units of the stated variance."""


def chance_of_variance(samples: Array, stated: float) -> float:
    """Bound the probability of samples (draws,) that vary so much, if their variance is at most `stated`."""
    even = samples.size // 2 * 2
    if even == 0:
        return 1.0
    with np.errstate(over="ignore"):  # what overflows is cut off
        halves = (samples[:even:2] - samples[1:even:2]) ** 2 / (2 * stated)
    least = min(_chance(float(np.minimum(halves, cut).mean()) / cut, 1 / cut, halves.size) for cut in CUTS)
    return min(1.0, len(CUTS) * least)


def _chance(mean: float, most: float, count: int) -> float:
    """Bound the probability that `count` numbers from 0 to 1, of expectation at most `most`, have so large a mean."""
    if mean <= most:
        return 1.0
    nats = mean * math.log(mean / most)
    if mean < 1:
        nats += (1 - mean) * math.log((1 - mean) / (1 - most))
    return math.exp(-count * nats)
