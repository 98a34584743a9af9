"""Which layers keep a degree of positive homogeneity, and what a degree says of the gradient of a loss.

Scale what is scaled by c > 0; a quantity of degree k is multiplied by c^k. In one pass through a network every layer
turns the degree of its input, d, into that of its output, or has none (None in `dense_degree` and its like). Exact.

- A dense layer has degree d + e, e that of its weights (`dense`); a leaky rectifier d (`rectifier`).
- A bias of degree e keeps d only if e = d (`biased`); tanh has a degree only if d = 0 (`hyperbolic`).
- Logits of joint degree k in theta: <dl/dtheta, theta> = k (l - H) for the softmax loss l, H the entropy
  (`loss_of_a_set`), k z (z - y) for the squared one (`squared_loss`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.homogeneity.bounds import EXCESS
from theory.rules import Rule, differentiated, equal, naming
from theory.symbols import C

K, D, E = sp.symbols("k d e", real=True)
W, X, B = sp.symbols("w x b", positive=True)


def degree_of(value: sp.Expr) -> Rule:
    """Check that this is the degree in c of the previous expression, which is `value` at c = 1."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        equal(before.subs(C, 1), value)
        return equal((sp.diff(before, C) / value).subs(C, 1), now)

    return rule


@cache
def dense() -> Derivation:
    """Derive the degree of a product of a weight and an input; a dense layer adds such products."""
    return (
        Derivation.begin(
            "Degree of a dense layer",
            "One product of a dense layer: the weight has degree e (1 if it is scaled, else 0), its input degree d.",
            (C**E * W) * (C**D * X),
        )
        .then("Powers of one base multiply.", C ** (D + E) * W * X)
        .then("Read the degree off.", D + E, degree_of(W * X))
    )


@cache
def rectifier() -> Derivation:
    """Derive the degree of a leaky rectifier, ((1 + a) x + (1 - a) |x|) / 2 for slope a."""
    slope, x = sp.symbols("a x", real=True)

    def activation(z: sp.Expr) -> sp.Expr:
        return (1 + slope) / 2 * z + (1 - slope) / 2 * sp.Abs(z)

    return (
        Derivation.begin(
            "Degree of a rectifier", "A leaky rectifier of slope a at an input of degree d.", activation(C**D * x)
        )
        .then("A positive factor comes out of |x|.", C**D * activation(x))
        .then("The degree is that of the input: a rectifier is scale-equivariant.", D, degree_of(activation(x)))
    )


@cache
def biased() -> Derivation:
    """Derive the local degree of a sum z + b of parts with degrees d and e."""
    return (
        Derivation.begin("Degree of a sum with a bias", "z has degree d and the bias b degree e.", C**D * X + C**E * B)
        .then("The local degree: the logarithmic derivative in log c.", (D * X + E * B) / (X + B), degree_of(X + B))
        .then("It is d plus what the bias changes: a constant at all z only if e = d.", D + (E - D) * B / (X + B))
    )


@cache
def hyperbolic() -> Derivation:
    """Derive the local degree of tanh."""
    return (
        Derivation.begin("Degree of the hyperbolic tangent", "tanh at an input of degree d.", sp.tanh(C**D * X))
        .then("The local degree.", D * X * (1 - sp.tanh(X) ** 2) / sp.tanh(X), degree_of(sp.tanh(X)))
        .then(
            "It falls from d to 0 as x grows: tanh has a degree only if its input is constant.",
            2 * D * X / sp.sinh(2 * X),
        )
    )


@cache
def loss_of_a_set() -> Derivation:
    """Derive <dl/dtheta, theta> for logits of joint degree k in theta; two classes, more add terms of the same kind."""
    z, w, y = sp.symbols("z_1 z_2 y", real=True)
    power, total = C**K, sp.exp(z) + sp.exp(w)
    loss = sp.log(sp.exp(power * z) + sp.exp(power * w)) - power * (y * z + (1 - y) * w)
    excess = (z * sp.exp(z) + w * sp.exp(w)) / total - y * z - (1 - y) * w
    return (
        Derivation.begin(
            "Gradient of the loss along a set of degree k",
            "Scaling the set by c multiplies the logits by c^k; the loss is then lse(c^k z) - y^T c^k z.",
            loss,
        )
        .then(
            "Its derivative at c = 1 is <dl/dtheta, theta>.",
            K * excess,
            differentiated(C, 1, value=sp.log(total) - y * z - (1 - y) * w),
        )
        .then("By the softmax identity p^T z - y^T z is l - H.", K * EXCESS, naming({EXCESS: excess}))
    )


@cache
def squared_loss() -> Derivation:
    """Derive <dl/dtheta, theta> for the squared loss (z - y)^2 / 2 of one output; more add."""
    z, y = sp.symbols("z y", real=True)
    return Derivation.begin(
        "Gradient of the squared loss along a set of degree k",
        "Scaling the set by c multiplies the output by c^k.",
        (C**K * z - y) ** 2 / 2,
    ).then(
        "Its derivative at c = 1 is <dl/dtheta, theta>.", K * z * (z - y), differentiated(C, 1, value=(z - y) ** 2 / 2)
    )


def whole(degree: sp.Expr) -> int:
    """Return a degree as an integer.

    Raises
    ------
    ValueError
        If it is none: `int` would hide that.
    """
    if degree != int(degree):
        raise ValueError(f"the degree is {degree}; expected an integer")
    return int(degree)


@cache
def dense_degree(incoming: int | None, weight_scaled: bool, bias_scaled: bool | None = None) -> int | None:
    """Return the degree of ``x W + b``, or None; `bias_scaled` is None without a bias."""
    if incoming is None:
        return None
    outgoing = whole(dense().at(d=incoming, e=int(weight_scaled)))
    if bias_scaled is None or biased().at(d=outgoing, e=int(bias_scaled)) == outgoing:
        return outgoing
    return None


@cache
def rectifier_degree(incoming: int | None) -> int | None:
    """Return the degree of a leaky rectifier of any slope: that of its input."""
    return None if incoming is None else whole(rectifier().at(d=incoming))


@cache
def tanh_degree(incoming: int | None) -> int | None:
    """Return the degree of tanh: 0 of a constant, else None."""
    return 0 if incoming is not None and hyperbolic().at(d=incoming) == 0 else None


def sum_degree(left: int | None, right: int | None) -> int | None:
    """Return the degree of a sum: the common one, or None."""
    return left if left == right else None


def loss_gradient_along(degree: Value, loss: Value, entropy: Value) -> sp.Expr:
    """Return <dl/dtheta, theta> = k (l - H) for the softmax loss of logits of joint degree `degree` in theta. Exact.

    With a temperature, loss and entropy are those of the scaled logits, and the degree is the same.
    """
    k = positive_integer("degree", degree, least=0)
    return loss_of_a_set().at({EXCESS: real("loss", loss) - real("entropy", entropy)}, k=k)


def squared_loss_gradient_along(degree: Value, output: Value, target: Value) -> sp.Expr:
    """Return <dl/dtheta, theta> = k z (z - y) of one output z for the loss (z - y)^2 / 2; outputs add. Exact."""
    return squared_loss().at(k=positive_integer("degree", degree, least=0), z=real("output", output), y=target)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    dense,
    rectifier,
    biased,
    hyperbolic,
    loss_of_a_set,
    squared_loss,
)
