"""Weight gradients of a linear net at uneven widths: Glorot's equation 7, entry by entry.

W_k is n_k x n_{k-1}, with independent entries of mean 0 and variance sigma_k^2; x is the input, v the cotangent of the
output, both fixed. Over the weights; exact at every width.

- Three layers: the gradient of the middle matrix is (W_3^T v) (W_1 x)^T, and its mean square norm is n_1 sigma_1^2
  n_2 sigma_3^2 ||x||^2 ||v||^2 (`middle`); that of an entry, in units of those of x and v, n_0 sigma_1^2 n_3 sigma_3^2.
- So a layer below adds its fan-in times its variance, a layer above its fan-out times its variance (`entry_gradient`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.rules import equal, substituting
from theory.written_out import WrittenOut, at_sizes, matrix, normal

WIDTHS = sp.symbols("n_0:4", integer=True, positive=True)
BELOW, ABOVE = sp.symbols("sigma_1^2 sigma_3^2", positive=True)
INPUT, COTANGENT = sp.symbols(r"\|x\|^2 \|v\|^2", positive=True)
INPUT_ENTRY, COTANGENT_ENTRY = sp.symbols("x^2 v^2", positive=True)
GRADIENT = sp.Symbol(r"\|G\|^2", positive=True)


def _three_layers(*widths: int) -> WrittenOut:
    """Write the gradient of the middle matrix out, with normal entries; of their law only the variance is used."""
    first, of_first = matrix("w", widths[1], widths[0], normal(BELOW))
    last, of_last = matrix("u", widths[3], widths[2], normal(ABOVE))
    x, v = (sp.Matrix(sp.symbols(f"{name}_1:{n + 1}", real=True)) for name, n in (("x", widths[0]), ("v", widths[3])))
    gradient = (last.T * v) * (first * x).T
    sizes = dict(zip(WIDTHS, map(sp.Integer, widths), strict=True))
    squares = {GRADIENT: sum((entry**2 for entry in gradient), sp.S.Zero), INPUT: x.dot(x), COTANGENT: v.dot(v)}
    return WrittenOut(squares | sizes, [*of_first, *of_last])


@cache
def middle() -> Derivation:
    """Derive the mean square of an entry of the middle matrix's gradient, in units of those of x and v."""
    norms = {INPUT: WIDTHS[0] * INPUT_ENTRY, COTANGENT: WIDTHS[3] * COTANGENT_ENTRY}
    whole = WIDTHS[1] * BELOW * WIDTHS[2] * ABOVE * INPUT * COTANGENT
    return (
        Derivation.begin("Weight gradient at uneven widths", "The square norm of (W_3^T v) (W_1 x)^T.", GRADIENT)
        .then(
            "Average over both matrices: there W_1 adds over its rows, W_3 over its columns.",
            whole,
            at_sizes(_three_layers, *product((1, 2), repeat=4)),
        )
        .then("Norms are widths times mean squares of entries.", whole.subs(norms), substituting(norms))
        .then(
            "Divide by the number of entries and by those mean squares.",
            WIDTHS[0] * BELOW * WIDTHS[3] * ABOVE,
            lambda before, now: equal(before / (WIDTHS[1] * WIDTHS[2] * INPUT_ENTRY * COTANGENT_ENTRY), now),
        )
    )


def entry_gradient(widths: Sequence[Value], variances: Sequence[Value], layer: int) -> sp.Expr:
    """Return the mean square of an entry of dC/dW_i over those of x and of v, i = `layer` from 1. Exact.

    `widths` are n_0, ..., n_d, `variances` those of the d layers.

    Source: Glorot and Bengio 2010, equation 7.

    Raises
    ------
    ValueError
        If there is no such layer, or not one variance a layer.
    """
    if len(variances) != len(widths) - 1 or not 1 <= layer < len(widths):
        raise ValueError(f"layer is {layer}; expected 1 to {len(widths) - 1}, with as many variances")
    n = [positive_integer("widths", width) for width in widths]
    s = [nonnegative("variances", variance) for variance in variances]
    none_above, none_below = {WIDTHS[3]: 1, ABOVE: 1}, {WIDTHS[0]: 1, BELOW: 1}
    below = (middle().at({WIDTHS[0]: n[k - 1], BELOW: s[k - 1]} | none_above) for k in range(1, layer))
    above = (middle().at({WIDTHS[3]: n[k], ABOVE: s[k - 1]} | none_below) for k in range(layer + 1, len(n)))
    return sp.prod((*below, *above))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (middle,)
