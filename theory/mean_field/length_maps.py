"""Mean-field maps of ReLU layers with biases: the length q, and chi, at which nearby inputs part and gradients grow.

Weights have variance s_w^2 / fan_in, biases s_b^2; q is the variance of a pre-activation. For ReLU the length map is
linear, so the mean of q obeys it at every width, in depth too; the rest is exact over one layer.

- q' = s_w^2 q/2 + s_b^2 (`length_map`); it keeps q* = s_b^2 / (1 - s_w^2/2) for s_w^2 < 2 (`fixed_point`).
- q_l = q* + (q_0 - q*) (s_w^2/2)^l (`in_depth`); at s_w^2 = 2, q_0 + l s_b^2 (`critical`).
- Squared gradients grow by chi = s_w^2/2 a layer (`chi`), squared distances of nearby inputs as well (`parting`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.mean_field import angles
from theory.rules import equal, limit, recursion, solving, substituting
from theory.symbols import DEPTH, THETA, Q
from theory.written_out import WrittenOut, at_sizes, flipped, matrix, rectified, symmetric

WEIGHT, BIAS, START = sp.symbols("s_w^2 s_b^2 q_0", nonnegative=True)
PRE = sp.Symbol("z'", real=True)
"""The next pre-activation."""
BELOW, ABOVE = sp.Symbol("(W^{T}Dv)_1", real=True), sp.Symbol("E[v^2]", positive=True)
"""An entry of the cotangent below a layer, and the mean square of one above."""
FIXED = sp.Symbol("q^*", positive=True)


@cache
def length_map() -> Derivation:
    """Derive the variance of the next pre-activation."""
    return Derivation.begin("Length map of ReLU", "Square the pre-activation w.r + b of one unit.", PRE**2).then(
        "Average over weights of variance s_w^2 / n, the bias and n inputs r = relu(z), z normal of variance q.",
        WEIGHT * Q / 2 + BIAS,
        at_sizes(_unit, (1,), (2,), (3,)),
    )


def _unit(fan_in: int) -> WrittenOut:
    w, weights = matrix("w", fan_in, 1, symmetric(WEIGHT / fan_in))
    r, inputs = matrix("r", fan_in, 1, rectified(Q))
    b = sp.Symbol("b", real=True)
    return WrittenOut({PRE: w.dot(r) + b}, [*weights, *inputs, symmetric(BIAS)(b)])


@cache
def fixed_point() -> Derivation:
    """Derive the length that a layer keeps, for s_w^2 below 2."""
    kept = length_map().result.subs(Q, FIXED)
    return Derivation.begin("Fixed point of the ReLU length map", "A layer keeps this q.", sp.Eq(kept, FIXED)).then(
        "Solve; it is positive below s_w^2 = 2 only.",
        sp.Eq(FIXED, BIAS / (1 - WEIGHT / 2)),
        solving(FIXED),
    )


def _iterated(title: str, map_: sp.Expr, says: str, solution: sp.Expr) -> Derivation:
    q = sp.Function("q")
    begun = Derivation.begin(
        title,
        "The map is linear in q, so means obey it layer after layer.",
        sp.Eq(q(DEPTH + 1), map_.subs(Q, q(DEPTH))),
    )
    return begun.then(says, sp.Eq(q(DEPTH), solution), recursion(DEPTH, START))


@cache
def in_depth() -> Derivation:
    """Derive q after l layers, away from s_w^2 = 2."""
    fixed = fixed_point().result
    return _iterated(
        "Length of ReLU nets in depth",
        length_map().result,
        "Solve from q_0: the distance to the fixed point shrinks, or grows, by s_w^2 / 2 a layer.",
        fixed + (START - fixed) * (WEIGHT / 2) ** DEPTH,
    )


@cache
def critical() -> Derivation:
    """Derive q after l layers at s_w^2 = 2, He's."""
    return _iterated(
        "Length of He ReLU nets with biases",
        length_map().result.subs(WEIGHT, 2),
        "Solve from q_0: every layer adds the variance of its biases.",
        START + DEPTH * BIAS,
    )


@cache
def chi() -> Derivation:
    """Derive the factor on the mean squared gradient."""
    return (
        Derivation.begin("Gradient factor of ReLU", "One entry of W^T D v, squared.", BELOW**2)
        .then(
            "Average over the weights, of variance s_w^2 / n, their masks, and a cotangent v of independent entries.",
            WEIGHT * ABOVE / 2,
            at_sizes(_pulled_back, (1,), (2,), (3,)),
        )
        .then(
            "Divide by the mean square of an entry of v: 1 at exactly s_w^2 = 2, at every q.",
            WEIGHT / 2,
            lambda before, now: equal(before / ABOVE, now),
        )
    )


def _pulled_back(width: int) -> WrittenOut:
    """Write out the first entry of the cotangent below `width` units of as many inputs."""
    v, groups = matrix("v", width, 1, symmetric(ABOVE))
    rows = sp.Matrix(width, width, lambda i, j: sp.Symbol(f"w_{i + 1}{j + 1}", real=True))
    masks = sp.symbols(f"d_1:{width + 1}", nonnegative=True)
    units = [flipped(tuple(rows.row(i)), masks[i], symmetric(WEIGHT / width)) for i in range(width)]
    return WrittenOut({BELOW: (rows.T * sp.diag(*masks) * v)[0]}, [*groups, *units])


@cache
def parting() -> Derivation:
    """Derive the factor on the squared distance of nearby inputs: q'/q times the slope of the correlation map at 1."""
    before, after = 1 - sp.cos(THETA), 1 - angles.cosine().result
    kept = sp.Symbol("k", nonnegative=True)
    return (
        Derivation.begin(
            "Distance of nearby inputs behind a ReLU layer",
            "Mean square distance behind the layer, over that in front: at norm 1 it is 2 - 2 cos theta in front, and "
            "behind s_w^2 / 2 times 2 - 2 k, k the cosine there.",
            WEIGHT / 2 * (2 - 2 * kept) / (2 * before),
        )
        .then("Put in k.", WEIGHT / 2 * after / before, substituting({kept: angles.cosine().result}))
        .then("Let the inputs meet: the factor of the gradient.", chi().result, limit(THETA, sp.S.Zero))
    )


def in_layers(weight: Value, bias: Value, start: Value, layers: Value) -> sp.Expr:
    """Return the mean of q after `layers` ReLU layers of weight variance weight / fan_in, from q_0. Exact at any width.

    q is twice the mean square of the ReLU units; q_0 is twice that of the input.
    """
    weight, bias, start = nonnegative("weight", weight), nonnegative("bias", bias), nonnegative("start", start)
    values = {BIAS: bias, START: start, DEPTH: positive_integer("layers", layers)}
    return critical().at(values) if weight == 2 else in_depth().at({**values, WEIGHT: weight})


def second_moments(weight: Value, bias: Value, start: Value, layers: Value, width: Value) -> list[sp.Expr]:
    """Return E q_l^2 for l = 1, ..., `layers` of Gaussian layers of this width, q_l twice the mean square. Exact.

    Given the layer below, units are independent: E q'^2 is (s_w^2 q/2 + s_b^2)^2 (1 + 5/n).
    """
    n, r = positive_integer("width", width), nonnegative("weight", weight) / sp.Integer(2)
    bias, found = nonnegative("bias", bias), []
    first = nonnegative("start", start)
    second = first**2
    for _ in range(int(layers)):
        second = (1 + 5 / n) * (r**2 * second + 2 * r * bias * first + bias**2)
        first = r * first + bias
        found.append(second)
    return found


def gradient_factor(weight: Value) -> sp.Expr:
    """Return chi = s_w^2 / 2 of a ReLU layer, at every q. Exact at any width for square layers."""
    return chi().at({WEIGHT: nonnegative("weight", weight)})


def distance_factor(weight: Value, angle: Value) -> sp.Expr:
    """Return the mean factor on the squared distance of two inputs of one norm at this angle. Exact at any width."""
    step = parting().steps[1].statement
    return step.subs({WEIGHT: nonnegative("weight", weight), THETA: positive("angle", angle)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (length_map, fixed_point, in_depth, critical, chi, parting)
