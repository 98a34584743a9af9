"""The first-order change of a network's output in a step of gradient descent, and why all its parts lower the loss.

With J the Jacobian of the outputs in the parameters and g the gradient of the loss in the outputs, the step of rate eta
moves the parameters by -eta J^T g. Two parameters and two outputs stand for any number; more add like terms. First
order in eta; nothing is averaged.

- The outputs move by -eta K g, K = J J^T the tangent kernel (`change`).
- K is a sum over parameters, so over layers and branches, and each term is positive semi-definite (`semidefinite`;
  Fixup, theorem 3): each branch alone lowers the loss, g^T K g >= 0. Two of them may still move the outputs at an
  obtuse angle, as K g and K' g need not have a positive product.
- A dense layer's term is ||x||^2 d.e for its input x and the cotangents d, e of two outputs (`layer`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.rules import at_least, dropping, equal, naming, substituting
from theory.symbols import RATE

J11, J12, J21, J22 = sp.symbols("J_11 J_12 J_21 J_22", real=True)
G1, G2, K11, K12 = sp.symbols("g_1 g_2 K_11 K_12", real=True)


@cache
def change() -> Derivation:
    """Derive the slope in the rate of an output after one step."""
    s, t, a, b = sp.symbols("s t a b", real=True)
    f = sp.Function("f_1")
    names = {sp.diff(f(s, t), s): J11, sp.diff(f(s, t), t): J12}

    def slope(before: sp.Basic, now: sp.Basic) -> str:
        equal(before.subs(RATE, 0), f(s, t))
        return equal(sp.diff(before, RATE).subs(RATE, 0).doit().subs(names), now)

    return (
        Derivation.begin(
            "First-order change of an output",
            "The first output after a step of size eta a and eta b of the two parameters.",
            f(s - RATE * a, t - RATE * b),
        )
        .then("Its slope at eta = 0, by the chain rule.", -(a * J11 + b * J12), slope)
        .then(
            "The step is along the gradient of the loss, J^T g.",
            -(J11 * (J11 * G1 + J21 * G2) + J12 * (J12 * G1 + J22 * G2)),
            substituting({a: J11 * G1 + J21 * G2, b: J12 * G1 + J22 * G2}),
        )
        .then(
            "Collect the tangent kernel, K = J J^T: a sum over parameters.",
            -(K11 * G1 + K12 * G2),
            naming({K11: J11**2 + J12**2, K12: J11 * J21 + J12 * J22}),
        )
        .then("Times the rate.", -RATE * (K11 * G1 + K12 * G2), lambda before, now: equal(RATE * before, now))
    )


@cache
def semidefinite() -> Derivation:
    """Derive that K is positive semi-definite, whatever the parameters that its sum runs over."""
    v, w, k22 = sp.symbols("v_1 v_2 K_22", real=True)
    squares = (v * J11 + w * J21) ** 2 + (v * J12 + w * J22) ** 2
    kernel = {K11: J11**2 + J12**2, K12: J11 * J21 + J12 * J22, k22: J21**2 + J22**2}
    return (
        Derivation.begin(
            "Sign of the tangent kernel", "The quadratic form v^T K v.", v**2 * K11 + 2 * v * w * K12 + w**2 * k22
        )
        .then(
            "Put K = J J^T in: a square for each parameter.",
            squares,
            lambda before, now: equal(sp.expand(before.subs(kernel)), sp.expand(now)),
        )
        .then("Squares are not negative.", at_least(squares, sp.S.Zero), dropping(squares))
    )


@cache
def layer() -> Derivation:
    """Derive the term of a dense layer, from the input x that it sees and the cotangents d, e of two outputs."""
    x, y, d1, d2, e1, e2 = sp.symbols("x_1 x_2 d_1 d_2 e_1 e_2", real=True)
    square, inner = sp.symbols(r"\|x\|^2 d^{T}e", real=True)
    return (
        Derivation.begin(
            "Tangent kernel of a dense layer",
            "The derivative of an output in an entry of W is cotangent times input: add the products of two outputs.",
            sum(d * a * e * a for d, e in ((d1, e1), (d2, e2)) for a in (x, y)),
        )
        .then("Sort the factors.", (x**2 + y**2) * (d1 * e1 + d2 * e2))
        .then(
            "The squared norm of the input, times the product of the cotangents.",
            square * inner,
            naming({square: x**2 + y**2, inner: d1 * e1 + d2 * e2}),
        )
    )


def output_change(rate: Value, kernel: Value, gradient: Value) -> sp.Expr:
    """Return -eta K g, the first-order change of an output by one entry of K and of g; entries add."""
    entries = {K11: real("kernel", kernel), G1: real("gradient", gradient), K12: sp.S.Zero}
    return change().at({RATE: positive("rate", rate), **entries})


def layer_kernel(square_norm: Value, inner: Value) -> sp.Expr:
    """Return a dense layer's term of K for two outputs whose cotangents have the inner product `inner`. Exact."""
    values = {r"\|x\|^2": nonnegative("square_norm", square_norm), "d^{T}e": real("inner", inner)}
    return layer().at({sp.Symbol(name, real=True): value for name, value in values.items()})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (change, semidefinite, layer)
