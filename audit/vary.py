"""How far one step of descent moves the function, against a size of the model: a coordinate check with a verdict.

A step of plain gradient descent is taken at every size under every seed, in double precision, and the root mean square
of what it changes in the output is measured. A seed gives one slope a of its logarithm against that of the size: the
change grows like size^a. The slopes' mean has Student's interval, which is approximate. The step is small, so that the
change is in proportion to the rate and the slope does not depend on it.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy import stats

from audit.measured import Array, Measured
from audit.report import Report
from audit.run import ALPHA
from audit.statement import AuditError, Statement, Verdict

EVEN = 0.25
"""A power between minus this and this is called even: a size four times as large changes the step by 1.4 at most."""
RATE = 1e-4


def vary(
    factory: Callable[..., Any],
    inputs: Any,
    keyword: str,
    sizes: Sequence[int],
    *,
    seeds: int = 10,
    first_seed: int = 0,
    train: bool = False,
    loss: str | None = None,
    targets: Any = None,
    alpha: float = ALPHA,
) -> Report:
    """Say by which power of a size one step of descent moves the function.

    Parameters
    ----------
    factory : callable
        Makes a new torch.nn.Module from one keyword, as ``make_model(width=64)``.
    inputs : array, or mapping of keywords to arrays
        What the model is called with, whatever its size.
    keyword : str
        Of the factory.
    sizes : sequence of int
        At least two positive ones that differ.
    seeds, first_seed, train, loss, targets
        As in `audit.audit`. Without a loss the step is that of the outputs times random signs, averaged.
    alpha : float
        The interval misses with this probability, if slopes are normal.

    Raises
    ------
    AuditError
        If no step can be taken.
    """
    if not (isinstance(seeds, Integral) and seeds >= 3):
        raise AuditError(f"expected at least 3 seeds, a whole number, got {seeds!r}")
    if len(set(sizes)) < 2 or not all(isinstance(one, Integral) and one >= 1 for one in sizes):
        raise AuditError(f"expected at least two sizes that differ, positive whole numbers, got {list(sizes)}")
    if importlib.util.find_spec("torch") is None:
        raise AuditError("the audit needs PyTorch, which is not installed; try: pip install 'fathom-init[torch]'")
    from audit.pytorch.step import moved  # here, as it takes seconds

    rows = [
        moved(lambda size=size: factory(**{keyword: size}), inputs, RATE, seeds=_apart(number, seeds, first_seed),
              train=train, loss=loss, targets=targets)
        for number, size in enumerate(sizes)
    ]  # fmt: skip
    statement = _slope(keyword, np.array(sizes, float), np.array(rows).T, alpha)
    return Report((statement,), int(seeds), train, alpha, {}, Measured(int(seeds), train=train))


def _apart(number: int, seeds: int, first_seed: int) -> range:
    """Return seeds that no other size has, so that what is measured at two sizes is independent."""
    return range(first_seed + number * int(seeds), first_seed + (number + 1) * int(seeds))


def _slope(keyword: str, sizes: Array, changes: Array, alpha: float) -> Statement:
    """Judge changes of shape (seeds, sizes)."""
    if not (np.isfinite(changes) & (changes > 0)).all():
        words = (
            f"a step does not move the function at {keyword} {sizes[~(changes > 0).all(axis=0)].astype(int).tolist()}"
        )
        cause = "its outputs, or their gradient, are 0 or not finite at the start"
        return Statement(kind="step", where=keyword, verdict="unsure", words=words, cause=cause)
    places = np.log(sizes) - np.log(sizes).mean()
    slopes = np.log(changes) @ places / (places @ places)
    half = float(stats.t.ppf(1 - alpha / 2, len(slopes) - 1) * slopes.std(ddof=1) / math.sqrt(len(slopes)))
    middle = float(slopes.mean())
    low, high = middle - half, middle + half
    verdict: Verdict = "unsure"
    if low > EVEN or high < -EVEN:
        verdict = "against"
    elif low >= -EVEN and high <= EVEN:
        verdict = "sound"
    grows = "grows" if middle > 0 else "shrinks"
    told = {"against": f"{grows} with", "sound": "does not depend on", "unsure": f"{grows} perhaps with"}[verdict]
    changed = ", ".join(f"{float(np.exp(row.mean())):.3g}" for row in np.log(changes).T)
    words = (
        f"the change of the function in one step {told} {keyword}: like {keyword}^{middle:.2f} ({low:.2f} to "
        f"{high:.2f}); at {', '.join(f'{size:.0f}' for size in sizes)} it is {changed}, at a rate of {RATE:.0e}"
    )
    return Statement(
        kind="step",
        where=keyword,
        verdict=verdict,
        words=words,
        cause=f"one rate for all sizes needs {keyword}^0: scale rates or outputs with it" * (verdict == "against"),
        severity=abs(middle),
        numbers={"power": middle, "low": low, "high": high},
    )
