"""Fixup, section 3: what one SGD step does to a branch of m scalars, and the scale that makes it of order 1/L.

Nothing is drawn here but test points: scales, real inputs and loss slopes. Where a statement is of first order in the
learning rate, its remainder is bounded: with relative changes r_i of the scales, |prod(1 - r_i) - 1 + sum r_i| <=
prod(1 + |r_i|) - 1 - sum |r_i|.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality, rate
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.fixup import scalar_branch as fixup_scalar_branch
from theory.fixup import scale as fixup

X, SLOPE, RATE = sp.symbols("x s eta", positive=True)
POINTS = 200
BRANCHES = np.array([10, 100, 1000, 10_000, 100_000])


def sizes_of_inputs(run: Run, count: int) -> Array:
    """Quantiles of the norms of real rows over their median, so that learning rates mean the same everywhere."""
    sizes = norm(run.inputs.nonzero())
    quantiles: Array = np.quantile(sizes, np.linspace(0.05, 0.95, count)) / np.median(sizes)
    return quantiles


def _second_order(a: Array, x: float, step: float) -> Array:
    """Bound on what the first order leaves out of a step of size ``|rate * loss_slope|``, and on rounding."""
    value = scalar_branch.branch(a, x)
    changes = np.abs(step * x * scalar_branch.products_of_others(a) / a)
    rest = np.prod(1 + changes, axis=-1) - 1 - changes.sum(axis=-1)
    bound: Array = np.abs(value) * (np.maximum(rest, 0) + 8 * a.shape[-1] * EPS * np.prod(1 + changes, axis=-1))
    return bound


def _update(scales: Sequence[sp.Expr], x: sp.Expr, slope: sp.Expr, rate: sp.Expr) -> sp.Expr:
    return fixup_scalar_branch.branch_update(scales, x, slope, rate)


@claim(
    "F3",
    paper=FIXUP,
    where="section 3, scalar branches; in theorem 4, appendix B (number not checked with the text)",
    states=r"\Delta F=-\eta\,\ell'F^2\sum_{i=1}^m a_i^{-2}+O(\eta^2),\qquad \frac{F^2}{A^2}\le F^2\sum_i a_i^{-2}\le "
    r"m\frac{F^2}{A^2},\ A=\min_i a_i",
    derivation=fixup_scalar_branch.DERIVATIONS,
    exact=False,
    mutants=[
        mutant(
            "the sum of squares",
            "sum a_i^2 for sum 1 / a_i^2: the gradient in a_i is the product of the others.",
            update=lambda a, x, s, eta: -eta * s * (sp.prod(a) * x) ** 2 * sum(scale**2 for scale in a),
        ),
        mutant(
            "the largest scale",
            "A is the smallest scale, the one with the largest gradient; with the largest the upper bound fails.",
            smallest=lambda a: a.max(axis=-1),
        ),
        mutant("half a step", "The simulated step is half as long.", step_length=0.5),
    ],
)
def scalar_branch_update(
    run: Run,
    *,
    update: Callable[[Sequence[sp.Expr], sp.Expr, sp.Expr, sp.Expr], sp.Expr] = _update,
    smallest: Callable[[Array], Array] = lambda a: a.min(axis=-1),
    step_length: float = 1.0,
) -> Finding:
    """One SGD step moves a scalar branch by -eta l' F^2 sum 1/a_i^2, which its smallest scale rules.

    First order in eta, with the remainder bounded; the sandwich is exact. For 2, 3 and 4 unequal scales and 200 points
    each.
    """
    findings, eta = [], 1e-4
    for m in (2, 3, 4):
        a = run.rng("scales", m).uniform(0.2, 2, (POINTS, 1, m))
        slopes, sizes = run.rng("slopes", m).uniform(0.5, 1.5, POINTS), sizes_of_inputs(run, POINTS)
        names = sp.symbols(f"a_1:{m + 1}", positive=True)
        claimed = sp.lambdify([names, X, SLOPE, RATE], update(names, X, SLOPE, RATE))
        moved, expected, left_out = (np.empty(POINTS) for _ in range(3))
        for i, (scales, slope, x) in enumerate(zip(a, slopes, sizes, strict=True)):
            after = scalar_branch.branch_step(scales, x, slope, step_length * eta)
            moved[i] = (scalar_branch.branch(after, x) - scalar_branch.branch(scales, x))[0]
            expected[i] = claimed(scales[0], x, slope, eta)
            left_out[i] = _second_order(scales, x, eta * slope)[0]
        size = -moved / (eta * slopes)
        square = scalar_branch.branch(a, 1.0)[:, 0] ** 2 * sizes**2 / smallest(a)[:, 0] ** 2
        findings += [
            identity(moved, expected, rounding=left_out),
            inequality(m * square, size, rounding=left_out / (eta * slopes)),
            inequality(size, square, rounding=left_out / (eta * slopes)),
        ]
    return all_of(findings)


EXPONENTS: dict[int, list[tuple[float, ...]]] = {
    2: [(0.5, 0.5), (0.5, 0.9), (0.25, 0.25), (0.3, 0.6)],
    3: [(0.25, 0.25, 0.25), (0.1, 0.4, 0.8), (0.2, 0.2, 0.5), (0.5, 0.5, 0.5)],
    4: [(1 / 6,) * 4, (0.1, 0.1, 0.3, 0.7), (0.0, 0.0, 0.2, 0.4)],
}
"""By number of layers, exponents e with a_k = L^-e_k; the condition (all but the largest sum to 1/2) is met by some."""


@claim(
    "F4",
    paper=FIXUP,
    where="theorem 4, appendix B, the condition on a branch (number not checked with the text)",
    states=r"\Delta F=\Theta(\eta/L)\iff\Bigl(\prod_{k\ne j}a_k\Bigr)x=\Theta\bigl(1/\sqrt L\bigr),\quad "
    r"j=\operatorname{argmin}_k a_k",
    derivation=fixup.order,
    exact=False,
    mutants=[
        mutant(
            "the product of all",
            "The smallest scale is left out: its gradient is the product of the others.",
            exponent=lambda e: -2 * sum(e),
        ),
        mutant(
            "1 / L",
            "The product enters squared, so 1 / sqrt L is enough; without the square the update falls half as fast.",
            exponent=lambda e: -(sum(e) - max(e)),
        ),
        mutant(
            "the largest scale left out",
            "j is the argmin of the scales, not the argmax.",
            exponent=lambda e: -2 * (sum(e) - min(e)),
        ),
        mutant("growing scales", "The simulated scales grow with L where they should shrink.", sign=1.0),
    ],
)
def update_order_of_a_branch(
    run: Run, *, exponent: Callable[[Sequence[float]], sp.Expr] = fixup.update_exponent, sign: float = -1.0
) -> Finding:
    """A branch moves by order 1/L if and only if the product of all scales but the smallest is of order 1/sqrt L.

    Asymptotic in L, first order in eta: slopes of the logarithm of how far one SGD step moves a branch, over eta, at
    1e6 to 1e12 branches and three sizes of real inputs. The smallest scale's term leads; the others' share of the sum
    is below (m - 1) L^(-2 gap). Rates are such that the branch moves by about 1e-4 of itself, and what lies beyond the
    first order is bounded; both bound the bias. Zeros, constants and longer steps: F21.
    """
    logs = np.linspace(6, 12, 13)
    weights = np.abs(logs - logs.mean()) / np.square(logs - logs.mean()).sum()
    findings = []
    for m in (2, 3, 4):
        for e in EXPONENTS[m]:
            gap = min((max(e) - other for other in e if other < max(e)), default=np.inf)
            share = np.log10(1 + (m - 1) * 10 ** (-2 * gap * logs[0])) / 2
            expected = number(sp.sympify(exponent(e)))
            for x in sizes_of_inputs(run, 3):
                steps = [_step_over_rate(10 ** (sign * log * np.array([e])), x) for log in logs]
                moved, beyond = np.array(steps).T
                bias = float(((share + beyond) * weights).sum())
                findings.append(rate(logs, np.log10(moved)[None, :], expected=expected, bias=bias, chance=False))
    return all_of(findings)


def _step_over_rate(a: Array, x: float) -> tuple[float, float]:
    """How far one step moves the branch of scales (1, m), over its rate, and by how many decades that may be off."""
    before = scalar_branch.branch(a, x)
    eta = float(1e-4 * np.square(a).min() / np.abs(before[0]))
    moved = np.abs(scalar_branch.branch(scalar_branch.branch_step(a, x, 1.0, eta), x) - before)[0]
    beyond = _second_order(a, x, eta)[0] / moved
    return float(moved / eta), float(-np.log10(1 - beyond))


def _scaled(scale: Callable[[int, int], sp.Expr], branches: int, m: int, where: str) -> Array:
    """Scales (1, m) of one branch: on every layer, or on the last alone."""
    a = np.ones((1, m))
    a[:, -1 if where == "last" else slice(None)] = number(scale(branches, m))
    return a


@claim(
    "F5",
    paper=FIXUP,
    where="section 3, rule 2",
    states=r"a_i=L^{-\frac{1}{2m-2}}\ \Longrightarrow\ \Delta F=-m\,\frac{\eta\,\ell'x^2}{L}+O(\eta^2)",
    derivation=[fixup.exponent, fixup_scalar_branch.all_scaled],
    exact=False,
    mutants=[
        mutant(
            "the minus sign lost",
            "L^(+1/(2m-2)), as a much-copied page prints it: the branches grow with depth.",
            scale=lambda branches, m: 1 / fixup.fixup_scale(branches, m),
        ),
        mutant(
            "a variance",
            "The exponent applied to the variance: standard deviations shrink half as fast as they must.",
            scale=lambda branches, m: sp.sqrt(fixup.fixup_scale(branches, m)),
        ),
        mutant(
            "L^(-1/m)",
            "All m layers share 1/L; the truth at m = 2, where it is usually tested.",
            scale=lambda branches, m: sp.Integer(branches) ** sp.Rational(-1, m),
        ),
        mutant(
            "L^(-1/(2m))",
            "All m layers share 1/sqrt L; but the smallest one is left out of the product.",
            scale=lambda branches, m: sp.Integer(branches) ** sp.Rational(-1, 2 * m),
        ),
        mutant(
            "1/sqrt(2L)",
            "GPT-2's constant, with the right rate at m = 2 and half the update.",
            scale=lambda branches, m: (2 * sp.Integer(branches)) ** sp.Rational(-1, 2 * m - 2),
        ),
        mutant(
            "L counts layers",
            "L is the number of residual branches, not of layers.",
            scale=lambda branches, m: fixup.fixup_scale(m * branches, m),
        ),
        mutant(
            "on the last layer only",
            "The simulated branch scales its last layer alone; all of its layers share the factor.",
            where="last",
        ),
    ],
)
def fixup_scale(run: Run, *, scale: Callable[[int, int], sp.Expr] = fixup.fixup_scale, where: str = "all") -> Finding:
    """Scaling every layer by L^(-1/(2m-2)) makes each of L branches that are products of m layers move by order 1/L.

    First order in eta, with the remainder bounded; the constant m is tested too. For m = 2 to 6 and L = 10 to 100,000.
    A branch of attention is a product of two layers, values and output: queries and keys are behind a softmax.
    """
    findings, eta = [], 1e-4
    sizes = sizes_of_inputs(run, len(BRANCHES))
    for m in (2, 3, 4, 5, 6):
        claimed = sp.lambdify(
            [X, SLOPE, RATE, sp.Symbol("L")], fixup_scalar_branch.all_scaled_update(sp.Symbol("L"), m, X, SLOPE, RATE)
        )
        for branches, x in zip(BRANCHES, sizes, strict=True):
            a = _scaled(scale, int(branches), m, where)
            moved = scalar_branch.branch(scalar_branch.branch_step(a, x, 1.0, eta), x) - scalar_branch.branch(a, x)
            findings.append(
                identity(
                    moved, np.array([claimed(x, 1.0, eta, branches)]), rounding=_second_order(a, x, eta), chance=False
                )
            )
    return all_of(findings)
