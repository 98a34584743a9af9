"""How mean squares scatter from seed to seed: bounds on E ||x||^4 / (E ||x||^2)^2 at a place.

A place is a sample; of an image, a position. A layer of n units multiplies the bound by 1 + c/n at entries of kurtosis
3 or less, c = 2 if linear and 5 for a ReLU (`theory.fluctuations.weight_laws`). Of x + F, F = W h, W with n rows that x
does not depend on, the cross term C has E C^2 = E ||x||^2 ||F||^2 / n and is uncorrelated with the rest, as turning the
sign of W turns it alone. So `theory.residual.branch_gains.deep_ratio` holds where F is a homogeneous branch from x;
else ||x||^2 + ||F||^2 is bounded by the triangle inequality of root mean squares. A mean over places has at most the
spread of the worst of them, by the same inequality.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from audit.state import Flips, State
from theory.fluctuations import weight_laws
from theory.residual import branch_gains

FLIPS = 8
"""Sets of weights that are kept."""


@cache
def widened(rows: int, slope: float) -> float:
    """Return by how much a layer of so many rows widens the spread, with the leaky ReLU behind it."""
    return 1 + float(weight_laws.layer_relative_variance(rows, slope))


def both(x: State, f: State) -> Flips:
    """Return the sets that turn two summands at once."""
    pairs = [(one, other) for one in x.turns for other in f.turns]
    fit = [one | other for one, other in pairs if not (other - one) & x.depends and not (one - other) & f.depends]
    return tuple(dict.fromkeys(fit))[:FLIPS]


def fresh(x: State, f: State) -> tuple[float, int] | None:
    """Return what is known of w.x + u.y, row by row one linear map of x and y."""
    if x.fresh is None or f.fresh is None or x.fresh[1] != f.fresh[1] or not both(x, f):
        return None
    return max(x.base * x.fresh[0], f.base * f.fresh[0]), x.fresh[1]


def summed(x: State, f: State) -> float:
    """Bound the spread of x + F (see the module)."""
    own = f.turns[0] if f.turns else x.depends
    if f.fresh is None or own & x.depends or not own or not math.isfinite(x.second * f.second):
        return math.inf
    rows = f.fresh[1]
    if x.root and x.root == f.root and x.spread == 1 and x.gain > 0:
        gain = f.gain / x.gain
        return x.base * float(_deep(rows, gain, f.spread)) / (1 + gain) ** 2
    if f.axis is None:
        return math.inf
    whole = (x.squares + f.squares).sum(axis=f.axis)
    share = np.divide(f.squares.sum(axis=f.axis), whole, out=np.zeros_like(whole), where=whole > 0)
    product = 1.0 if 1 in (x.second, f.second) else math.sqrt(x.second * f.second)  # a fixed one is independent
    bound = (1 - share) ** 2 * x.second + share**2 * f.second + (2 + 4 / rows) * share * (1 - share) * product
    return float(bound.max())


@cache
def _deep(rows: int, gain: float, spread: float) -> float:
    """Return E R^2 of a block; `spread` has the last layer's 1 + 2/rows in it."""
    return float(branch_gains.deep_ratio().at(n=rows, eta=math.sqrt(gain), kappa=spread / widened(rows, 1.0)))
