"""The loss at the start: against log C of a guess among C classes, with what makes it larger.

Cross-entropy is that of each row of logits with its target, averaged. Random targets are independent of the logits, so
the loss is the mean of log-sum-exp less a label's logit of mean 0. Were the logits of a row independent N(0, s^2), it
would be `theory.homogeneity.gaussian_logits.expected_loss(C, s)`, an integral without expansion; s is measured. Where
inputs are tokens at every row, the logit of a row's own token is looked at apart: a head that is tied to the embedding
makes it large, since the stream still is the token's embedding.

The mean over seeds has Student's interval, which is approximate.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from audit.measured import Array, Measured
from audit.statement import Statement, Verdict
from theory.homogeneity.gaussian_logits import expected_loss

HARM = {"cross_entropy": 2.0, "mse": 10.0}
"""A loss surely above so many times that of a guess is against the model."""
WORSE = 1.0
"""A cross-entropy surely so many nats above a guess is noted."""
EXPLAINED = 0.1
"""A cause explains a loss if what it leaves is within this share of it."""


def at_start(found: Measured, share: float) -> list[Statement]:
    """Say how the loss compares with that of a guess, and why."""
    if "loss" not in found.losses:
        return []
    seen, guess = found.losses["loss"], float(found.losses["guess"].mean())
    low, high = _ends(seen, share)
    entropy = "classes" in found.losses
    limit = HARM["cross_entropy" if entropy else "mse"] * guess
    verdict: Verdict = "against" if low > limit else "note" if entropy and low > guess + WORSE else "sound"
    if low <= limit < high and high - low > guess:
        verdict = "unsure"
    what = "log C, a guess" if entropy else "the mean square of the targets, which outputs of 0 have"
    words = f"loss at the start {seen.mean():.4g} ({low:.4g} to {high:.4g}); {what}: {guess:.4g}"
    numbers = {"loss": float(seen.mean()), "low": low, "high": high, "guess": guess}
    cause = _cause(found, numbers) if entropy else f"outputs have mean square {found.losses['outputs'].mean():.3g}"
    return [
        Statement(
            kind="loss", where="output", verdict=verdict, words=words, cause=cause,
            severity=math.log(max(float(seen.mean()) / guess, 1.0)), numbers=numbers,
        )
    ]  # fmt: skip


def _cause(found: Measured, numbers: dict[str, float]) -> str:
    """Say what deviation of the logits, and what logit of the own token, make of the loss."""
    rows, classes = found.losses, int(found.losses["classes"][0])
    scale = math.sqrt(float(rows["variance"].mean()))
    numbers["deviation of logits"], numbers["gaussian"] = scale, expected_loss(classes, scale)
    plain = f"logits have deviation {scale:.3g}: independent Gaussian ones have loss {numbers['gaussian']:.4g} in mean"
    if "own" not in rows:
        return plain
    own, without = float(rows["own"].mean()), float(rows["without own"].mean())
    numbers["own logit"], numbers["without own"] = own, without
    if numbers["loss"] - without <= EXPLAINED * numbers["loss"]:
        return plain
    tied = ", as the head is tied to the embedding" if found.tied else ""
    return (
        f"the logit of the row's own token is {own:.4g} in mean, {own / scale:.3g} deviations of the logits{tied}; "
        f"without it the loss is {without:.4g}"
    )


def _ends(seen: Array, share: float) -> tuple[float, float]:
    half = float(stats.t.ppf(1 - share / 2, seen.size - 1) * seen.std(ddof=1) / math.sqrt(seen.size))
    return float(np.mean(seen)) - half, float(np.mean(seen)) + half
