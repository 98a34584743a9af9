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
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evidence.finding import POWER, UNSURE, Finding, Verdict, inconclusive

Array = NDArray[np.float64]

_BOUND = 2 * math.sqrt(2) / 3


def influence(u: Array) -> Array:
    """Apply Catoni and Giulini's psi: the identity near 0, constant beyond +-sqrt 2."""
    clipped = np.clip(u, -math.sqrt(2), math.sqrt(2))
    value: Array = clipped * (1 - clipped * clipped / 6)
    return value


def draws_for_mean(variance: float, *, error: float, alpha: float) -> int:
    """Return how many draws of a quantity see a shift of its mean by `error` at level `alpha` with probability 0.999.

    Raises
    ------
    ValueError
        If `variance` is negative or infinite, or `error` or `alpha` is not positive.
    """
    if not (0 <= variance < math.inf and error > 0 and alpha > 0):
        raise ValueError(f"expected finite variance >= 0, error > 0, alpha > 0; got {variance}, {error}, {alpha}")
    draws = max(2, math.ceil(4 * _nats(alpha) * variance / error**2))
    while variance > 0 and smallest_shift(draws, variance, alpha) > error:
        draws = math.ceil(1.02 * draws)
    return draws


def smallest_shift(draws: int, variance: float, alpha: float) -> float:
    """Return the smallest shift of the mean that `draws` draws see at level `alpha` with probability 0.999."""
    rate = _rate(draws, variance, alpha)
    # Solve N (lambda d - lambda^2 (2 v + d^2) / 2) = A + B for its smaller root d.
    product = 2 * _nats(alpha) / draws + 2 * rate**2 * variance
    discriminant = 1 - product
    return math.inf if discriminant < 0 else product / (rate * (1 + math.sqrt(discriminant)))


def mean(
    samples: Array,
    *,
    expected: float,
    variance: float,
    error: float,
    alpha: float,
    truth: float | None = None,
    unit: float | None = None,
) -> Finding:
    """Test that independent `samples` have mean `expected`, given that their variance is at most `variance`.

    Parameters
    ----------
    samples : array (draws,)
    error : float
        The error that must be seen, relative to `unit`.
    alpha : float
        The probability of refuting a true claim.
    truth : float, optional
        What theory says the mean is, where `expected` may be a wrong version of it; the power against that version
        then has a closed form.
    unit : float, optional
        What errors are relative to; by default |truth|.
    """
    if samples.ndim != 1:
        raise ValueError(f"expected one sample a draw, got shape {samples.shape}")
    truth = expected if truth is None else truth
    unit = abs(truth) if unit is None else unit
    if samples.size == 0 or not (math.isfinite(expected) and unit > 0 and math.isfinite(variance) and variance > 0):
        return inconclusive("mean", f"{samples.size} samples, expected {expected}, unit {unit}, variance {variance}")
    if not np.isfinite(samples).all():
        return inconclusive("mean", "samples that are NaN or infinite", expected=expected)
    rate, threshold = _rate(samples.size, variance, alpha), _threshold(samples.size, variance, alpha)
    influences = influence(rate * (samples - expected))
    total = float(influences.sum())
    p_value = min(1.0, alpha * math.exp(min(700.0, threshold - abs(total))))
    detectable = smallest_shift(samples.size, variance, alpha) / unit
    measured = robust_mean(samples, rate)
    verdict: Verdict = (
        "refuted" if abs(total) >= threshold else "held" if detectable <= error * (1 + 1e-9) else "inconclusive"
    )
    miss = 1.0
    if verdict == "refuted":
        as_told = truth != expected and abs(float(influence(rate * (samples - truth)).sum())) < threshold
        miss = (
            _miss_of_shift(truth - expected, samples.size, variance, alpha)
            if as_told
            else _miss_seen(influences, threshold)
        )
    return Finding(
        "mean",
        verdict,
        p_value,
        expected,
        measured,
        detectable,
        effect=abs(measured - expected) / unit,
        miss=miss,
        note="too few draws for the stated error" if verdict == "inconclusive" else "",
    )


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
