"""The mean of a heavy-tailed quantity whose variance theory knows, without a central limit theorem.

Squared norms of deep networks are nearly log-normal, so at the levels used here normal tails are off by orders of
magnitude. Instead: with the bounded influence function of Catoni and Giulini (2017), psi(u) = u - u^3/6 for |u| <=
sqrt 2, every u satisfies
-log(1 - u + u^2/2) <= psi(u) <= log(1 + u + u^2/2). So for independent X_i of mean mu and variance at most v, at any
sample size,

    P(+-sum psi(lambda (X_i - mu)) >= t + N lambda^2 v / 2) <= exp(-t),

which gives a p-value; if the mean is mu + d instead, the sum is below N (lambda d - lambda^2 (v + d^2)/2) - t with
probability at most exp(-t), which gives the power. Both are best near lambda = sqrt((A + B) / (N v)) with A =
log(2/alpha), B = log(1/0.001).

All of this stands on v, so v is tested on the same samples (`evidence.stated_variance`), at a hundredth of alpha: the
mean has the rest.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import SupportsFloat

import numpy as np

from evidence.arrays import Array, real
from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged
from evidence.stated_variance import chance_of_variance

OF_VARIANCE = 0.01
"""The share of alpha with which a true bound on the variance may be refused."""
MOST_DRAWS = 1e15
_BOUND = 2 * math.sqrt(2) / 3


def influence(u: Array) -> Array:
    """Apply Catoni and Giulini's psi: the identity near 0, constant beyond +-sqrt 2."""
    clipped = np.clip(u, -math.sqrt(2), math.sqrt(2))
    value: Array = clipped * (1 - clipped * clipped / 6)
    return value


def smallest_shift(draws: int, variance: float, alpha: float) -> float:
    """Return the smallest shift of the mean that `draws` draws see at level `alpha` with probability 0.999."""
    rate = _rate(draws, variance, alpha)
    # Solve N (lambda d - lambda^2 (2 v + d^2) / 2) = A + B for its smaller root d.
    product = 2 * _nats(alpha) / draws + 2 * rate**2 * variance
    discriminant = 1 - product
    return math.inf if discriminant < 0 else product / (rate * (1 + math.sqrt(discriminant)))


@dataclass(frozen=True)
class MeanTest:
    """A test of a mean: planned from what theory knows of it, then called with as many samples as it asks for.

    Parameters
    ----------
    truth : float
        What theory says the mean is.
    variance : float
        What theory says the variance of a sample is, or an upper bound on it. Samples that refute it are refused:
        the finding is inconclusive.
    error : float
        The error of the mean that must be seen with probability 0.999, in units of `unit`.
    alpha : float
        The probability of refuting a true claim, or of refusing a true variance.
    unit : float, optional
        What errors are relative to; by default |truth|. With 1 they are absolute.

    Examples
    --------
    The square of a standard normal variable has mean 1 and variance 2:

    >>> import numpy as np
    >>> test = MeanTest(1.0, variance=2.0, error=0.1, alpha=1e-6)
    >>> test.draws
    17485
    >>> squares = np.random.default_rng(0).standard_normal(test.draws) ** 2
    >>> test(squares).verdict
    'held'
    >>> test(squares, expected=1.2).verdict
    'refuted'
    """

    truth: float
    _: KW_ONLY
    variance: float
    error: float
    alpha: float
    unit: float | None = None

    @property
    def draws(self) -> int:
        """The number of samples with which the stated error is seen with probability 0.999.

        Raises
        ------
        ValueError
            If `variance` is negative or infinite, `alpha` is not positive, or `error` or its unit is not.
        """
        variance, alpha, shift = self.variance, self._alpha, self.error * self._unit
        if not (0 <= variance < math.inf and 0 < shift < math.inf and 0 < alpha < 1):
            raise ValueError(
                f"expected finite variance >= 0, finite error > 0, alpha between 0 and 1, and a unit if the mean is 0; "
                f"got {self}"
            )
        if not variance / shift / shift < MOST_DRAWS:
            raise ValueError(f"no sample is large enough to see so small an error at such a variance; got {self}")
        draws = max(2, math.ceil(4 * _nats(alpha) * variance / shift / shift))
        while variance > 0 and smallest_shift(draws, variance, alpha) > shift:
            draws = math.ceil(1.02 * draws)
        return draws

    def __call__(self, samples: Array, expected: SupportsFloat | None = None) -> Finding:
        """Test that the mean of independent `samples` (draws,) is `expected`, by default the truth.

        `expected` may be a wrong version of the truth; the power against it then has a closed form.

        Raises
        ------
        ValueError
            If there is not one sample a draw.
        """
        samples = real(samples, "samples")
        if samples.ndim != 1:
            raise ValueError(f"expected one sample a draw, got shape {samples.shape}")
        variance, alpha, unit = self.variance, self._alpha, self._unit
        told = self.truth if expected is None else float(expected)
        if samples.size == 0 or not (math.isfinite(told) and unit > 0 and math.isfinite(variance) and variance > 0):
            return inconclusive("mean", f"{samples.size} samples, expected {told}, unit {unit}, variance {variance}")
        if not np.isfinite(samples).all():
            return inconclusive("mean", "samples that are NaN or infinite", expected=told)
        rate, threshold = _rate(samples.size, variance, alpha), _threshold(samples.size, variance, alpha)
        influences = influence(rate * (samples - told))
        total = float(influences.sum())
        measured = robust_mean(samples, rate)
        refuted = abs(total) >= threshold
        vary_so = chance_of_variance(samples, variance)
        if not refuted and vary_so <= OF_VARIANCE * self.alpha:
            note = f"the samples' variance, {samples.var():.3g}, refutes the stated {variance:.3g}; state a true bound"
            return inconclusive("mean", note, expected=told, measured=measured)
        return judged(
            "mean",
            refuted=refuted,
            p_value=min(1.0, alpha * math.exp(min(700.0, threshold - abs(total)))),
            expected=told,
            measured=measured,
            detectable=smallest_shift(samples.size, variance, alpha) / unit,
            error=self.error,
            effect=abs(measured - told) / unit,
            miss=self._miss(samples, told, influences, vary_so) if refuted else 1.0,
        )

    def _miss(self, samples: Array, told: float, influences: Array, vary_so: float) -> float:
        """Bound it in closed form where theory explains the samples, else by what was seen."""
        rate = _rate(samples.size, self.variance, self._alpha)
        threshold = _threshold(samples.size, self.variance, self._alpha)
        explained = abs(float(influence(rate * (samples - self.truth)).sum())) < threshold
        if told != self.truth and explained and vary_so > OF_VARIANCE * self.alpha:
            return _miss_of_shift(self.truth - told, samples.size, self.variance, self._alpha)
        return _miss_seen(influences, threshold)

    @property
    def _alpha(self) -> float:
        """The part of alpha that the mean has."""
        return self.alpha * (1 - OF_VARIANCE)

    @property
    def _unit(self) -> float:
        return abs(self.truth) if self.unit is None else self.unit


def robust_mean(samples: Array, rate: float) -> float:
    """Return the sample mean after one step towards Catoni's M-estimate, the root of ``sum psi(rate (x - root))``."""
    start = float(samples.mean())
    return start + float(influence(rate * (samples - start)).mean()) / rate


def _nats(alpha: float) -> float:
    return math.log(2 / alpha) - math.log(1 - POWER)


def _rate(draws: int, variance: float, alpha: float) -> float:
    return math.sqrt(_nats(alpha) / (draws * variance))


def _threshold(draws: int, variance: float, alpha: float) -> float:
    return math.log(2 / alpha) + draws * _rate(draws, variance, alpha) ** 2 * variance / 2


def _miss_of_shift(shift: float, draws: int, variance: float, alpha: float) -> float:
    """Bound the probability of not refuting when the mean is off by `shift`, the variance as told (see the module)."""
    rate = _rate(draws, variance, alpha)
    shift = min(abs(shift), 1 / rate)  # psi grows with its argument, so a smaller shift is missed no less often
    drift = draws * (rate * shift - rate**2 * (variance + shift**2) / 2)
    return math.exp(min(0.0, _threshold(draws, variance, alpha) - drift))


def _miss_seen(influences: Array, threshold: float) -> float:
    """Bound it when nothing is known of the samples' law.

    Chernoff's bound, with an empirical Bernstein bound (Maurer & Pontil 2009) on E exp(-psi).
    """
    count = influences.size
    weights = np.exp(-math.copysign(1.0, float(influences.sum())) * influences)
    confidence = math.log(4 / UNSURE)  # for either sign
    spread = math.exp(_BOUND) - math.exp(-_BOUND)
    upper = float(weights.mean()) + math.sqrt(2 * float(weights.var(ddof=1)) * confidence / count)
    upper += 7 * spread * confidence / (3 * (count - 1))
    return min(1.0, math.exp(min(0.0, threshold + count * math.log(upper))) + UNSURE)
