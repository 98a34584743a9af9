"""One pre-activation: products of weights and inputs, what a small fan-in leaves of their law, and a bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from claims.papers import GLOROT, HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, gaussian, lecun, mlp, rademacher, torch_default, uniform
from simulations.measure import batches
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Law
from theory.domain import number
from theory.expectation import fourth_central_moment
from theory.layer import pre_activations, rectifiers

UNITS = 16
"""Units of a layer: at a fixed input their pre-activations are independent."""


def _pre_activations(
    run: Run, fan_in: int, init: Initialiser, bias_deviation: float | None, count: int
) -> tuple[Array, Array]:
    """At least `count` pre-activations (draws, UNITS) at real rows scaled to mean square 1, and the rows."""
    rng, rows = run.rng("pre-activations"), run.inputs.narrowed(fan_in)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.sqrt(np.mean(rows**2, axis=1, keepdims=True))
    network = mlp([fan_in, UNITS], init=init, activation=None, bias_deviation=bias_deviation)
    outputs, inputs = [], []
    for draws in batches(network, 2 * -(-count // (2 * UNITS))):
        inputs.append(rows[rng.integers(len(rows), size=draws)])
        outputs.append(network.run(network.draw(rng, draws), inputs[-1][:, None, :]).output[:, 0])
    return np.concatenate(outputs), np.concatenate(inputs)


def _products(run: Run, weight_mean: float, coupled: bool, count: int) -> Array:
    """Products of rectified units at real rows, of pre-activation variance 1, and fresh weights of variance 1."""
    z, _ = _pre_activations(run, 4, lecun, None, count)
    units, _ = LeakyReLU().forward({}, z)
    weights = weight_mean + (z if coupled else run.rng("weights").standard_normal(z.shape))
    products: Array = (weights * units).ravel()
    return products


@claim(
    "A2",
    paper=GLOROT,
    where="section 4.2.1, equation 5, where inputs have mean 0",
    states=r"\operatorname{Var}(wx)=\operatorname{Var}w\operatorname{Var}x+\operatorname{Var}w\,(\mathbb Ex)^2"
    r"+(\mathbb Ew)^2\operatorname{Var}x",
    derivation=[pre_activations.product, rectifiers.leaky_power],
    mutants=[
        mutant(
            "the product of the variances",
            "Var w Var x needs inputs of mean 0; behind a ReLU it is E x^2 that counts, larger by pi / (pi - 1).",
            product_variance=lambda w_mean, w_variance, x_mean, x_variance: w_variance * x_variance,
        ),
        mutant(
            "the mean of the weights is free",
            "A mean of the weights multiplies the input's variance; only weights of mean 0 leave Var w E x^2.",
            product_variance=lambda w_mean, w_variance, x_mean, x_variance: w_variance * (x_variance + x_mean**2),
        ),
        mutant(
            "the second moment for the variance",
            "E w^2 E x^2 is the mean square of the product, from which its squared mean is still to be taken.",
            product_variance=lambda w_mean, w_variance, x_mean, x_variance: (
                (w_variance + w_mean**2) * (x_variance + x_mean**2)
            ),
        ),
        mutant(
            "weights that know their inputs",
            "The simulated weight is the pre-activation behind its input, as if weights were drawn after a look at x.",
            coupled=True,
        ),
    ],
)
def product_variance(
    run: Run,
    *,
    product_variance: Callable[[sp.Expr, sp.Expr, sp.Expr, sp.Expr], sp.Expr] = pre_activations.product_variance,
    coupled: bool = False,
) -> Finding:
    """The variance of a weight times an independent input is Var w E x^2 only if weights have mean 0.

    Averages over weights and over the inputs x, which are ReLU units with pre-activations N(0, 1); exact. Weights of
    variance 1 and mean 0 or 1; the variance is measured by half the squared distance of independent copies.
    """
    run = run.share(2)
    x_moments = [number(rectifiers.leaky_moment(order, 0, 1)) if order else 1.0 for order in range(5)]
    findings = []
    for weight_mean in (0, 1):
        truth = number(
            pre_activations.product_variance(weight_mean, 1, rectifiers.relu_mean(1), rectifiers.relu_variance(1))
        )
        w_moments = (
            1,
            weight_mean,
            weight_mean**2 + 1,
            weight_mean**3 + 3 * weight_mean,
            weight_mean**4 + 6 * weight_mean**2 + 3,
        )
        first, second, third, fourth = (w * x for w, x in zip(w_moments[1:], x_moments[1:], strict=True))
        central_fourth = number(fourth_central_moment(first, second, third, fourth))
        test = run.mean(truth, variance=(central_fourth + truth**2) / 2, error=0.05)
        products = run.once(_products, float(weight_mean), coupled, 2 * test.draws)
        claimed = product_variance(weight_mean, 1, rectifiers.relu_mean(1), rectifiers.relu_variance(1))
        findings.append(test((products[::2] - products[1::2]) ** 2 / 2, claimed))
    return all_of(findings)


@claim(
    "A3",
    paper=HE,
    where="behind section 2.2; exact form derived here",
    states=r"\mathbb Ez^4=\sigma^4\Bigl[3\|x\|^4+(\kappa-3)\sum_jx_j^4\Bigr],\qquad "
    r"\kappa=3\ \text{(normal)},\ \tfrac95\ \text{(uniform)},\ 1\ \text{(signs)}",
    derivation=[pre_activations.fourth, pre_activations.uniform_kurtosis_ratio],
    mutants=[
        mutant(
            "the central limit theorem makes it 3",
            "At a small fan-in the law of the weights still shows in the fourth moment.",
            fourth_moment=lambda kurtosis, fourths: sp.Integer(3),
        ),
        mutant(
            "kurtosis for excess kurtosis",
            "Fourth powers come with kappa - 3, what the law has beyond a normal one, not with kappa.",
            fourth_moment=lambda kurtosis, fourths: 3 + kurtosis * fourths,
        ),
        mutant(
            "random signs for normal weights",
            "Only normal weights give a normal pre-activation at a finite fan-in.",
            normal=rademacher,
        ),
    ],
)
def fourth_moment_at_small_fan_in(
    run: Run,
    *,
    fourth_moment: Callable[[sp.Expr, float], sp.Expr] = pre_activations.fourth_moment,
    normal: Law = gaussian,
) -> Finding:
    """The fourth moment of a pre-activation keeps the weights' kurtosis; only normal weights make it normal.

    Averages over weights at fixed inputs of 3 features; exact. Normal weights: the squared pre-activation is
    chi-square. Uniform weights and random signs: the mean fourth power, in units of a normal one's; their even moments
    are at most those of normal weights, term by term, so E z^8 is at most 105.
    """
    fan_in, run = 3, run.share(3)
    chi_square = run.chi_square(1, error=0.08)
    z, _ = run.once(_pre_activations, fan_in, lecun.with_law(normal), None, chi_square.draws)
    findings = [chi_square(z.ravel() ** 2)]
    for law, kurtosis in ((uniform, pre_activations.uniform_kurtosis()), (rademacher, sp.Integer(1))):
        spread = 105 - float(kurtosis) ** 2  # the mean is least with one feature other than 0: kappa
        plan = run.mean(pre_activations.fourth_moment(3, 1), variance=spread, error=0.05, at_most=0.09)
        z, rows = run.once(_pre_activations, fan_in, lecun.with_law(law), None, plan.draws)
        fourths = float(np.mean(np.sum(rows**4, axis=1))) / fan_in**2
        # What the mean is depends on the rows drawn; errors stay in units of a normal one's.
        test = replace(plan, truth=number(pre_activations.fourth_moment(kurtosis, fourths)), unit=plan.truth)
        findings.append(test(z.ravel() ** 4, fourth_moment(kurtosis, fourths)))
    return all_of(findings)


@claim(
    "A6",
    paper=HE,
    where="section 2.2, with a bias; the default of PyTorch's Linear",
    states=r"\mathbb Ez^2=\sigma^2\|x\|^2+\sigma_b^2;\qquad U(\pm n^{-1/2}):\ \tfrac13\,\overline{x^2}+\tfrac1{3n}",
    derivation=[pre_activations.with_bias, pre_activations.torch_linear],
    mutants=[
        mutant(
            "the bias adds nothing",
            "Biases are drawn too, from the law of the weights: one more input that is always 1.",
            second_moment=lambda fan_in: sp.Rational(1, 3),
        ),
        mutant(
            "the bound for the deviation",
            "A uniform law has a third of its squared bound as variance; 1 + 1/n takes the bound for the deviation.",
            second_moment=lambda fan_in: 1 + sp.Rational(1, fan_in),
        ),
        mutant(
            "1 / sqrt 3",
            "The standard deviation of the weights, not their variance, is 1/sqrt 3 of the bound.",
            second_moment=lambda fan_in: (1 + sp.Rational(1, fan_in)) / sp.sqrt(3),
        ),
        mutant("no bias", "The simulated layer starts its biases at 0, as most papers do.", bias=0.0),
    ],
)
def layer_with_bias(
    run: Run, *, second_moment: Callable[[int], sp.Expr] = pre_activations.torch_second_moment, bias: float = 1.0
) -> Finding:
    """PyTorch's default layer keeps a third of the mean square, and its bias adds 1 / (3n).

    Averages over weights and biases at a fixed input of mean square 1, fan-in 2; exact for every law of those
    variances. The simulated biases are normal, the weights uniform: the kurtosis of the sum is at most 3, so the
    squared pre-activation has at most the variance of a normal one's.
    """
    fan_in = 2
    truth = number(pre_activations.torch_second_moment(fan_in))
    test = run.mean(truth, variance=2 * truth**2, error=0.02)
    z, _ = run.once(_pre_activations, fan_in, torch_default, bias / float(np.sqrt(3 * fan_in)), test.draws)
    return test(z.ravel() ** 2, expected=second_moment(fan_in))
