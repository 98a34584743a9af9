"""What theory says of one block of a network, given the state before it. Squared norms are in base-2 logarithms.

*exact* means: at this width, for the mean over the block's weights given the state before. Where all steps so far are
exact and `affine`, the mean over all weights in depth is exact, too; else iterating it is the wide limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from simulations.numbers.arrays import Array

Reading = Literal["exact", "wide limit", "none"]
Along = Callable[[Array], Array]
Logs = Callable[[], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One block; where theory is silent the field is None.

    Attributes
    ----------
    theory : str
        The module that it is taken from, or why there is no closed form.
    reading : "exact", "wide limit" or "none"
        Of `forward`.
    forward : function
        From log2 ||x||^2 to log2 of the mean of ||y||^2 given x.
    spread : function
        From log2 ||x||^2 to the variance of ||y||^2 over its squared mean, given x; or a bound above it.
    affine : bool
        Whether the mean of ||y||^2 is affine in ||x||^2, so that means obey it in depth.
    bounds : pair of float
        Where `forward` is a limit: exact bounds of the mean of ||y||^2 / ||x||^2.
    mean_share, keeps : float or None
        Of ||E y||^2, E over all weights: it is the share `mean_share` of E||y||^2 where pre-activations are normal, or
        `keeps` times ||E x||^2.
    normal : bool
        Whether pre-activations are normal given x.
    backward, backward_spread : float
        The mean of ||v||^2 before the block over that behind it, and the relative variance of that ratio, or a bound.
    apart : triple of float
        (a, b, s): half the squared distance D of twins becomes a D + b A on average, A the mean of their squared norms
        before; s bounds its relative variance.
    log_slope : function
        Returns the mean of log2 ||y||^2 / ||x||^2 of nets that are alive, and a bound on the error of that.
    log_slope_back : function
        The same of the cotangent: log2 of ||v||^2 before the block over that behind it.
    alive : float
        The probability that a state that is not 0 stays so.
    """

    theory: str
    reading: Reading = "none"
    forward: Along | None = None
    spread: Along | None = None
    affine: bool = True
    bounds: tuple[float, float] | None = None
    mean_share: float | None = None
    keeps: float | None = None
    normal: bool = True
    backward: float | None = None
    backward_spread: float | None = None
    apart: tuple[float, float, float] | None = None
    log_slope: Logs | None = field(default=None, compare=False)
    log_slope_back: Logs | None = field(default=None, compare=False)
    alive: float = 1.0


def constant(value: float) -> Along:
    """Return the function that is this number at every x."""
    return lambda logs: np.full_like(logs, value)


def times(factor: float) -> Along:
    """Return the function that multiplies a squared norm by `factor`."""
    with np.errstate(divide="ignore"):
        log2 = float(np.log2(factor))
    return lambda logs: logs + log2


def scaled(step: Step, factor: float) -> Step:
    """Return the step of a block whose output is multiplied by `factor` behind it."""
    if factor == 1 or step.forward is None:
        return step
    square, ahead = factor**2, step.forward
    log2 = float(np.log2(square))

    return replace(
        step,
        forward=lambda before: ahead(before) + log2,
        bounds=None if step.bounds is None else (step.bounds[0] * square, step.bounds[1] * square),
        keeps=None if step.keeps is None else step.keeps * square,
        backward=None if step.backward is None else step.backward * square,
        apart=None if step.apart is None else (step.apart[0] * square, step.apart[1] * square, step.apart[2]),
        log_slope=_shifted(step.log_slope, log2),
        log_slope_back=_shifted(step.log_slope_back, log2),
    )


def _shifted(logs: Logs | None, by: float) -> Logs | None:
    return None if logs is None else lambda: (logs()[0] + by, logs()[1])


IDENTITY = Step(
    theory="theory.fixup.rules: branches that start at zero",
    reading="exact",
    forward=times(1.0),
    spread=constant(0.0),
    keeps=1.0,
    backward=1.0,
    backward_spread=0.0,
    apart=(1.0, 0.0, 0.0),
    log_slope=lambda: (0.0, 0.0),
    log_slope_back=lambda: (0.0, 0.0),
)
"""A block that passes its input on as it is."""
ZERO = Step(
    theory="theory.fixup.rules: a readout of zeros",
    reading="exact",
    forward=times(0.0),
    spread=constant(0.0),
    mean_share=0.0,
    backward=0.0,
    backward_spread=0.0,
    apart=(0.0, 0.0, 0.0),
)
"""A block whose output is zero."""
