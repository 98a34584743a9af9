"""Gradients through layer and root-mean-square normalisation: what is lost, and how large the rest is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.normalisation.layer_norm import NORMS, Kind
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.layers.losses import EPS
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.normalisation import layer_norm, norm_gradients

PAPER = "Ba, Kiros & Hinton 2016; Xu, Sun, Zhang, Zhao & Lin 2019 (Understanding and Improving Layer Normalization)"
DRAWS, WIDTH, DEVIATION = 100, 10, 0.7
NORM = sp.Symbol("N", positive=True)


@dataclass(frozen=True)
class _Fixed(LayerNorm):
    """Statistics that pass no gradient back."""

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        y, _ = super()._normal(x)
        deviation = x.std(axis=2, keepdims=True)
        return y, lambda dy: (dy - dy.mean(axis=2, keepdims=True)) / deviation


def _jacobians(run: Run, width: int, kind: Kind) -> tuple[Array, Array]:
    """Real rows (DRAWS, width) and the Jacobians there, (DRAWS, width, width)."""
    rows = run.inputs.narrowed(width)
    rows = rows[np.ptp(rows, axis=1) > 0]
    x = rows[run.rng("rows", width).integers(len(rows), size=DRAWS)]
    x = x / np.abs(x).max(axis=1, keepdims=True)
    _, pullback = kind("norm", width, 0.0).forward({}, np.repeat(x[:, None], width, axis=1))
    return x, pullback(np.broadcast_to(np.eye(width), (DRAWS, width, width)), None)


@claim(
    "L4",
    paper=PAPER,
    where="the Jacobian, without gain and bias; its singular values derived here",
    states=r"J=\frac1\sigma\Bigl(P-\frac{yy^{\mathsf T}}d\Bigr),\ \sigma=\frac{\|Px\|}{\sqrt d}:\quad d-2\text{ "
    r"singular values }\tfrac1\sigma,\text{ two }0;\quad J\mathbf 1=Jx=0;\quad\text{RMSNorm: }P=I,\ d-1\text{ and }1",
    derivation=[*norm_gradients.DERIVATIONS[:4]],
    mutants=[
        mutant(
            "the norm of x",
            "sqrt d / ||x|| is RMSNorm's: LayerNorm divides by what is left without the mean, and is larger.",
            centred=False,
        ),
        mutant(
            "the mean alone is lost",
            "d - 1 singular values, without the direction of y: scaling the input changes nothing.",
            lost=lambda takes_mean: int(takes_mean),
        ),
        mutant(
            "one over the norm",
            "Without the sqrt d of the mean over features.",
            largest=lambda width, square: 1 / sp.sqrt(square),
        ),
        mutant("statistics held fixed", "The simulated norm passes nothing back through its variance.", layer=_Fixed),
    ],
)
def norms_project_gradients(
    run: Run,
    *,
    largest: Callable[[int, sp.Expr], sp.Expr] = norm_gradients.largest_singular_value,
    lost: Callable[[bool], int] = lambda takes_mean: 1 + int(takes_mean),
    centred: bool = True,
    layer: Kind = LayerNorm,
) -> Finding:
    """Backwards LayerNorm is 1/sigma times a projection that loses the mean and the direction of x; RMSNorm loses x.

    Nothing is averaged; exact at epsilon 0, so gradients below are orthogonal to the ones and to x. All singular values
    of the Jacobian at real rows.
    """
    findings = []
    for width in run.widths(2, least=3, most=10):
        for takes_mean, kind in ((True, layer), (False, NORMS[1])):
            x, jacobian = run.once(_jacobians, width, kind)
            moved = x - x.mean(axis=1, keepdims=True) if takes_mean and centred else x
            known = x - x.mean(axis=1, keepdims=True) if takes_mean else x
            sizes = sp.lambdify(NORM, largest(width, NORM))(np.square(moved).sum(axis=1))
            nonzero = np.arange(width) < width - lost(takes_mean)
            deviation = known.std(axis=1) if takes_mean else np.sqrt(np.square(x).mean(axis=1))
            rounding = 32 * width**2 * EPS / deviation**2
            values = np.linalg.svd(jacobian, compute_uv=False)
            along = np.einsum("dij,dj->di", jacobian, x)
            # One more of each, so that zeros are compared with something.
            one, size = 1 / deviation[:, None], np.linalg.norm(x, axis=1, keepdims=True) / deviation[:, None]
            findings.append(identity(one + values, one + sizes[:, None] * nonzero, rounding=rounding[:, None]))
            findings.append(identity(size + along, size, rounding=rounding[:, None]))
    return all_of(findings)


def _passed(run: Run, kind: Kind, fixed: bool, draws: int) -> Array:
    """Square norms of standard normal cotangents behind a norm, at one input or at normal ones, (draws,)."""
    rng = run.rng("cotangents", str(fixed))
    x = DEVIATION * rng.standard_normal((1 if fixed else draws, 1, WIDTH))
    if fixed:
        x = np.repeat(_fixed_input(), draws, axis=0)
    _, pullback = kind("norm", WIDTH, 0.0).forward({}, x)
    squares: Array = np.square(pullback(rng.standard_normal((draws, 1, WIDTH)), None)).sum(axis=(1, 2))
    return squares


def _fixed_input() -> Array:
    """An input whose mean is not 0, so that its variance is not its mean square."""
    return np.linspace(0, 2, WIDTH).reshape(1, 1, WIDTH)


Through = Callable[[int, sp.Expr, bool], sp.Expr]


@claim(
    "L5",
    paper=PAPER,
    where="the mean square of a gradient behind a norm; derived here",
    states=r"\mathbb E\,gg^{\mathsf T}=I:\ \mathbb E\|Jg\|^2=\frac{d-2}{\sigma^2},\quad x\sim N(0,\tau^2I):\ "
    r"\frac{d(d-2)}{\tau^2(d-3)};\qquad\text{RMSNorm: }\frac{d-1}{\sigma^2},\ \frac{d(d-1)}{\tau^2(d-2)}",
    derivation=[*norm_gradients.DERIVATIONS[4:]],
    mutants=[
        mutant(
            "d - 1 directions",
            "RMSNorm's number: LayerNorm loses the mean as well as the direction of x.",
            fixed=lambda width, deviation, mean: sp.Integer(width - 1) / deviation,
        ),
        mutant(
            "all directions",
            "d / sigma^2: a division by sigma that is held fixed.",
            fixed=lambda width, deviation, mean: sp.Integer(width) / deviation,
        ),
        mutant(
            "the mean of sigma^2",
            "One over the mean for the mean of one over: too small by (d - 3)/(d - 1).",
            random=lambda width, variance, mean: (
                norm_gradients.norm_through(width, variance, mean) * (sp.Integer(width) / (width - 1) if mean else 1)
            ),
        ),
        mutant(
            "1 / (d - 2)",
            "The mean of one over a chi-square variable with d degrees; LayerNorm's has d - 1.",
            random=lambda width, variance, mean: (
                norm_gradients.norm_through_at_random(width, variance, mean)
                * (sp.Rational(width - 3, width - 2) if mean else 1)
            ),
        ),
        mutant("statistics held fixed", "The simulated norm passes nothing back through its variance.", layer=_Fixed),
    ],
)
def norms_divide_gradients(
    run: Run,
    *,
    fixed: Through = norm_gradients.norm_through,
    random: Through = norm_gradients.norm_through_at_random,
    layer: Kind = LayerNorm,
) -> Finding:
    """Behind LayerNorm a gradient keeps d - 2 of its d directions and is divided by sigma; behind RMSNorm d - 1.

    Averages over normal cotangents at one input, then over normal inputs too; exact at every width (10 here), epsilon
    0. Variances are exact: that of chi-square variables, and of one over them.
    """
    run, findings = run.share(4), []
    for mean, kind in ((True, layer), (False, NORMS[1])):
        x = _fixed_input()
        deviation = float(x.var() if mean else np.square(x).mean())
        kept = int(layer_norm.free_directions(WIDTH, mean))
        truth = number(norm_gradients.norm_through(WIDTH, deviation, mean))
        test = run.mean(truth, variance=2 * truth**2 / (kept - 1), error=0.025, at_most=0.025)
        findings.append(test(run.once(_passed, kind, True, test.draws), expected=fixed(WIDTH, deviation, mean)))
        truth = number(norm_gradients.norm_through_at_random(WIDTH, DEVIATION**2, mean))
        # E (chi^2_{k-1})^2 E (1/chi^2_k)^2 over the square of the mean, k = kept
        relative = (kept + 1) * (kept - 2) / ((kept - 1) * (kept - 4)) - 1
        test = run.mean(truth, variance=truth**2 * relative, error=0.04, at_most=0.045)
        findings.append(test(run.once(_passed, kind, False, test.draws), expected=random(WIDTH, DEVIATION**2, mean)))
    return all_of(findings)
