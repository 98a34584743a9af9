"""How the backward norm of a plain ReLU net fluctuates: its second moment, for a random readout at the last layer.

Gaussian weights, fan-in He, at a fixed input; exact at every width. A readout is of random signs, or standard normal.

- E||d_0||^4 / (E||d_0||^2)^2 = (1 + 2/n_0) (1 + 1/n_L) rho below a readout of random signs, 5/n_L for 1/n_L if it is
  normal (`fluctuation`); rho is the forward ratio of the layers between,
  `theory.fluctuations.norms.fourth_moment_ratio`. For one layer rho = 1 (`one_layer_fluctuation`).
- One layer, ||W^T D v||^2 over ||v||^2 at a normal v: E R^2 / (E R)^2 = (1 + 2/m) F / (1 + 2/n), m inputs, n units,
  F the relative second moment of the forward ratio of the layer (`layer_ratio`). Leaky ReLU of any slope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Literal

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.fluctuations import norms as fluctuations
from theory.fluctuations import weight_laws
from theory.rules import substituting
from theory.written_out import WrittenOut, at_sizes, flipped, matrix, normal, sign

BOTTOM, TOP = (sp.Symbol(name, integer=True, positive=True) for name in ("n_0", "n_L"))
FORWARD = sp.Symbol("F", positive=True)
BELOW = sp.Symbol(r"\|W^{T}Dv\|^2", nonnegative=True)


@cache
def one_layer_fluctuation(readout: str) -> Derivation:
    """Derive E||W^T D v||^4 of one ReLU layer, fan-in He, Gaussian weights, a random readout v."""
    growth = {"signs": 1, "gaussian": 5}[readout]
    return Derivation.begin(
        f"Fourth moment of the backward norm of one layer, readout of {readout}",
        "The square of ||W^T D v||^2.",
        BELOW**2,
    ).then(
        "Average over the weights, of variance 2/n_0, their masks at the input, and v.",
        TOP**2 * (1 + growth / TOP) * (1 + 2 / BOTTOM),
        at_sizes(partial(_pulled_back, readout), *((bottom, top) for bottom in (1, 2, 3) for top in (1, 2, 3))),
    )


def _pulled_back(readout: str, bottom: int, top: int) -> WrittenOut:
    """Write out the cotangent below one layer of `top` units at an input along the first axis."""
    v, groups = matrix("v", top, 1, {"signs": sign, "gaussian": normal(sp.S.One)}[readout])
    rows = sp.Matrix(top, bottom, lambda i, j: sp.Symbol(f"w_{i + 1}{j + 1}", real=True))
    masks = sp.symbols(f"d_1:{top + 1}", nonnegative=True)
    law = normal(sp.Rational(2, bottom))
    units = [flipped(tuple(rows.row(j)), masks[j], law) for j in range(top)]
    below = rows.T * sp.diag(*masks) * v
    return WrittenOut({BELOW: below.dot(below), BOTTOM: sp.Integer(bottom), TOP: sp.Integer(top)}, [*groups, *units])


@cache
def fluctuation(readout: str) -> Derivation:
    """Derive E||d_0||^4 / (E||d_0||^2)^2 for a random readout at the last ReLU layer, fan-in He, Gaussian weights."""
    rho = sp.Symbol("rho", positive=True)
    growth = {"signs": 1, "gaussian": 5}[readout]
    return Derivation.begin(
        f"Relative second moment of the backward square norm, readout of {readout}",
        "The signs of a cotangent's entries are independent and absorb those of the rows of W, so the pullback "
        "through W is Gaussian and independent of the masks: ||d_0||^2 is that of one layer times R, a product of "
        "L - 1 ratios with the law of the forward ones, of second moment rho. Over the squared mean n_L^2.",
        one_layer_fluctuation(readout).result * rho / TOP**2,
    ).then("Collect.", (1 + growth / TOP) * rho * (1 + 2 / BOTTOM))


@cache
def layer_ratio() -> Derivation:
    """Derive E R^2 / (E R)^2 of R = ||W^T D v||^2 / ||v||^2 across one layer, D the slopes, v normal."""
    slope = sp.Symbol("c", positive=True)
    mean_square = TOP * slope
    return (
        Derivation.begin(
            "Ratio of the square norms of a cotangent across one layer",
            "The direction of a normal v does not depend on its norm, so E R^2 = E||W^T D v||^4 / E||v||^4, and "
            "E||v||^4 = n (n + 2). Its entries' signs absorb those of the rows of W, so W^T D v has m normal entries "
            "given ||D v||, whose square has the law of a forward square norm: mean n c, c the mean squared slope, and "
            "mean square F times that squared. Over the squared mean m c.",
            BOTTOM * (BOTTOM + 2) * FORWARD * mean_square**2 / (TOP * (TOP + 2)) / (BOTTOM * slope) ** 2,
        )
        .then("Collect.", (1 + 2 / BOTTOM) * FORWARD / (1 + 2 / TOP))
        .then(
            "For ReLU F is 1 + 5/n: as for a layer below a normal readout, over what the norm of the readout does.",
            one_layer_fluctuation("gaussian").result / (TOP * (TOP + 2)),
            substituting({FORWARD: 1 + 5 / TOP}),
        )
    )


def layer_relative_variance(fan_in: Value, fan_out: Value, slope: Value = 0) -> sp.Expr:
    """Return Var R / (E R)^2 of R = ||W^T D v||^2 / ||v||^2 across one Gaussian leaky ReLU layer, v normal. Exact.

    Over weights and v, which is independent of them; also of a v that is pulled back from a normal one through layers
    above. Slope 1 is linear.
    """
    sizes = {BOTTOM: positive_integer("fan_in", fan_in), TOP: positive_integer("fan_out", fan_out)}
    forward = 1 + weight_laws.layer_relative_variance(fan_out, slope)
    return layer_ratio().steps[1].statement.subs({**sizes, FORWARD: forward}) - 1


def backward_relative_variance(
    widths: Sequence[Value], input_width: Value, readout: Literal["signs", "gaussian"] = "signs"
) -> sp.Expr:
    """Return Var||d_0||^2 / (E||d_0||^2)^2 of the cotangent d_0 at the input of ReLU layers n_1, ..., n_L = `widths`.

    Exact for Gaussian weights of variance 2 / fan_in and a readout at x_L that is independent of them: random signs or
    N(0, I).

    Raises
    ------
    ValueError
        If there are no widths or the readout is neither of the two.
    """
    if not widths:
        raise ValueError("widths is empty; expected the width of at least one ReLU layer")
    if readout not in ("signs", "gaussian"):
        raise ValueError(f"readout is {readout!r}; expected 'signs' or 'gaussian'")
    ends = {"n_0": positive_integer("input_width", input_width), "n_L": positive_integer("widths", widths[-1])}
    return fluctuation(readout).at(rho=fluctuations.fourth_moment_ratio(widths[:-1]), **ends) - 1


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    *(partial(one, readout) for readout in ("signs", "gaussian") for one in (one_layer_fluctuation, fluctuation)),
    layer_ratio,
)
