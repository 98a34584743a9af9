"""One pre-activation z = w.x + b at a fixed input x: a product, a sum of products, a bias; moments up to the fourth.

Weights have mean 0, variance sigma^2 and kurtosis kappa = E w^4 / sigma^4, the bias mean 0 and variance sigma_b^2.
Over weights and bias; exact at every fan-in n.

- Var(w x) = v_w v_x + v_w m_x^2 + m_w^2 v_x for independent w and x of any means m and variances v (`product`).
- E z^4 = sigma^4 (3 ||x||^4 + (kappa - 3) sum x_j^4), independent weights, no bias (`fourth`); kappa is 9/5 for
  uniform ones (`uniform_kurtosis_ratio`).
- E z^2 = sigma^2 ||x||^2 + sigma_b^2 (`with_bias`); by PyTorch's default, a third of the inputs' mean square plus
  1/(3n) (`torch_linear`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.expectation import averaged
from theory.layer import one_layer
from theory.rules import naming, substituting
from theory.symbols import SQUARE_NORM, VARIANCE, N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

KURTOSIS = sp.Symbol("kappa", positive=True)
"""E w^4 / (E w^2)^2 of the entries of a weight matrix."""
FOURTHS = sp.Symbol(r"\sum_jx_j^4", positive=True)
"""Sum of the fourth powers of the fixed input."""
BIAS = sp.Symbol("sigma_b^2", nonnegative=True)
"""Variance of a bias."""


@cache
def product() -> Derivation:
    """Derive the variance of a product of two independent variables."""
    w, x, w_other, x_other = sp.symbols("w x w' x'", real=True)
    w_mean, x_mean = sp.symbols("m_w m_x", real=True)
    w_spread, x_spread = sp.symbols("v_w v_x", nonnegative=True)
    weight, value = (1, w_mean, w_mean**2 + w_spread), (1, x_mean, x_mean**2 + x_spread)
    return (
        Derivation.begin(
            "Variance of a product",
            "A variance is half the mean squared distance of two independent copies.",
            (w * x - w_other * x_other) ** 2 / 2,
        )
        .then(
            "Average over all four, which are independent: w and x because weights are drawn without a look at x.",
            weight[2] * value[2] - (w_mean * x_mean) ** 2,
            averaged({w: weight, w_other: weight, x: value, x_other: value}),
        )
        .then("Expand.", w_spread * x_spread + w_spread * x_mean**2 + w_mean**2 * x_spread)
    )


@cache
def fourth() -> Derivation:
    """Derive E z^4 of a sum z = w_1 x_1 + ... + w_n x_n, by induction over its terms."""
    z, w, x = sp.symbols("z w x", real=True)
    w_third, z_third = sp.symbols("mu_3 nu_3", real=True)
    norm, fourths = sp.symbols("N Q", nonnegative=True)
    above = 3 * norm**2 + (KURTOSIS - 3) * fourths
    entry = (1, 0, VARIANCE, w_third, KURTOSIS * VARIANCE**2)
    total = (1, 0, VARIANCE * norm, z_third, VARIANCE**2 * above)
    collected = VARIANCE**2 * (3 * (norm + x**2) ** 2 + (KURTOSIS - 3) * (fourths + x**4))
    return (
        Derivation.begin(
            "Fourth moment of a pre-activation",
            "Add one more product w x to a sum z of independent ones, and take the fourth power.",
            (z + w * x) ** 4,
        )
        .then(
            "Average over w, of mean 0, variance sigma^2 and kurtosis kappa.",
            z**4 + 6 * VARIANCE * x**2 * z**2 + 4 * w_third * x**3 * z + KURTOSIS * VARIANCE**2 * x**4,
            averaged({w: entry}),
        )
        .then(
            "Average over z; let the statement hold for it (it does for no products at all), N its square norm and Q "
            "its sum of fourth powers.",
            VARIANCE**2 * (above + 6 * x**2 * norm + KURTOSIS * x**4),
            averaged({z: total}),
        )
        .then("Complete the square.", collected)
        .then(
            "N + x^2 and Q + x^4 are the sums with x: the statement holds for them too, hence for any number.",
            VARIANCE**2 * (3 * SQUARE_NORM**2 + (KURTOSIS - 3) * FOURTHS),
            naming({SQUARE_NORM: norm + x**2, FOURTHS: fourths + x**4}),
        )
    )


@cache
def uniform_kurtosis_ratio() -> Derivation:
    """Derive the kurtosis of a uniform law."""
    return Derivation.begin(
        "Kurtosis of the uniform law",
        "Divide its fourth moment by its squared variance.",
        one_layer.uniform_fourth().result / one_layer.uniform_second().result ** 2,
    ).then("The bound cancels.", sp.Rational(9, 5))


@cache
def with_bias() -> Derivation:
    """Derive E z^2 of a pre-activation with a bias."""
    pre = sp.Symbol("z", real=True)
    return Derivation.begin("Second moment with a bias", "Square the pre-activation z = w.x + b.", pre**2).then(
        "Average over the weights and the bias, which have mean 0 and are independent.",
        VARIANCE * SQUARE_NORM + BIAS,
        at_sizes(partial(_biased, pre), (1,), (2,), (3,)),
    )


def _biased(pre: sp.Symbol, fan_in: int) -> WrittenOut:
    w, groups = matrix("w", fan_in, 1, symmetric(VARIANCE))
    x, b = sp.Matrix(sp.symbols(f"x_1:{fan_in + 1}", real=True)), sp.Symbol("b", real=True)
    return WrittenOut({pre: w.dot(x) + b, SQUARE_NORM: x.dot(x)}, [*groups, symmetric(BIAS)(b)])


@cache
def torch_linear() -> Derivation:
    """Derive E z^2 of PyTorch's default linear layer."""
    square = sp.Symbol(r"\overline{x^2}", nonnegative=True)
    default = one_layer.uniform_variance(1 / sp.sqrt(N))
    return (
        Derivation.begin(
            "Second moment of PyTorch's default linear layer",
            "A pre-activation with a bias.",
            with_bias().result,
        )
        .then(
            "Weights and bias are uniform between -1/sqrt n and 1/sqrt n, and the n inputs have this mean square.",
            default * N * square + default,
            substituting({VARIANCE: default, BIAS: default, SQUARE_NORM: N * square}),
        )
        .then("Collect: n sigma^2 = 1/3, and the bias adds 1/(3n).", square / 3 + 1 / (3 * N))
    )


def product_variance(weight_mean: Value, weight_variance: Value, mean: Value, variance: Value) -> sp.Expr:
    """Return Var(w x) for independent w and x; with weights of mean 0 it is Var(w) E x^2, not Var(w) Var(x)."""
    return product().at(
        m_w=real("weight_mean", weight_mean),
        v_w=nonnegative("weight_variance", weight_variance),
        m_x=real("mean", mean),
        v_x=nonnegative("variance", variance),
    )


def fourth_moment(kurtosis: Value, fourth_powers: Value, square_norm: Value = 1, variance: Value = 1) -> sp.Expr:
    """Return E z^4 of z = w.x at fixed x, for independent weights of mean 0 and the given variance and kurtosis.

    Exact at every fan-in. `fourth_powers` is the sum of x_j^4.

    Raises
    ------
    ValueError
        If `kurtosis` is below 1, or another argument is negative.
    """
    nonnegative("kurtosis - 1", sp.sympify(kurtosis) - 1)
    values = {
        KURTOSIS: kurtosis,
        FOURTHS: nonnegative("fourth_powers", fourth_powers),
        SQUARE_NORM: nonnegative("square_norm", square_norm),
        VARIANCE: nonnegative("variance", variance),
    }
    return fourth().at(values)


def uniform_kurtosis() -> sp.Expr:
    """Return the kurtosis 9/5 of every uniform law that is symmetric about 0."""
    return uniform_kurtosis_ratio().result


def torch_second_moment(fan_in: Value, mean_square: Value = 1) -> sp.Expr:
    """Return E z^2 of PyTorch's default Linear (bias included) at a fixed input with the given mean square."""
    square = {sp.Symbol(r"\overline{x^2}"): nonnegative("mean_square", mean_square)}
    return torch_linear().at(square, n=positive("fan_in", positive_integer("fan_in", fan_in)))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (product, fourth, uniform_kurtosis_ratio, with_bias, torch_linear)
