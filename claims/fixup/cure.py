"""Fixup, section 3: the cure. Zero last layers make the first step exact and the tangent kernel depth-free."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.fixup.scale import BRANCHES, RATE, SLOPE, X, sizes_of_inputs
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, rate
from simulations import he, lecun, measure, residual_mlp
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fixup import scalar_branch as fixup_scalar_branch
from theory.fixup import scale as fixup
from theory.residual import tangent_kernel


@claim(
    "F6",
    paper=FIXUP,
    where="section 3, rule 1 with rule 2",
    states=r"a_m=0,\ a_{i<m}=L^{-\frac1{2m-2}}\ \Longrightarrow\ \Delta F=-\frac{\eta\,\ell'x^2}{L}\quad\text{exactly}",
    derivation=[fixup_scalar_branch.zeroed, fixup_scalar_branch.zeroed_fixup],
    mutants=[
        mutant(
            "m times as much",
            "All m layers move only if none is zero; with the last at zero it alone has a gradient.",
            update=lambda branches, m, x, s, eta: m * fixup_scalar_branch.fixup_update(branches, x, s, eta),
        ),
        mutant(
            "1 / L^2",
            "The scale enters the gradient and the step: squared it gives 1/L already.",
            update=lambda branches, m, x, s, eta: fixup_scalar_branch.fixup_update(branches, x, s, eta) / branches,
        ),
        mutant(
            "last layer scaled, not zero",
            "The simulated last layer starts at Fixup's scale: then all layers move, and to all orders.",
            last=1.0,
        ),
    ],
)
def zeroed_branch_moves_exactly(
    run: Run,
    *,
    update: Callable[[sp.Expr, int, sp.Expr, sp.Expr, sp.Expr], sp.Expr] = lambda branches, m, x, s, eta: (
        fixup_scalar_branch.fixup_update(branches, x, s, eta)
    ),
    last: float = 0.0,
) -> Finding:
    """With its last layer at zero a Fixup branch moves by exactly -eta l' x^2 / L.

    Exact in the learning rate (here 0.5, far from small). For m = 2 to 4 and L = 10 to 100,000.
    """
    findings, eta, slope = [], 0.5, 0.8
    branches_symbol = sp.Symbol("L", integer=True, positive=True)
    for m in (2, 3, 4):
        claimed = sp.lambdify([branches_symbol, X, SLOPE, RATE], update(branches_symbol, m, X, SLOPE, RATE))
        for branches, x in zip(BRANCHES, sizes_of_inputs(run, len(BRANCHES)), strict=True):
            scale = number(fixup.fixup_scale(int(branches), m))
            a = np.full((1, m), scale)
            a[:, -1] = last * scale
            moved = scalar_branch.branch(scalar_branch.branch_step(a, x, slope, eta), x) - scalar_branch.branch(a, x)
            expected = np.array([claimed(int(branches), x, slope, eta)])
            # Powers, products and the step: 2 m roundings in the scales, as many in each product, all relative.
            findings.append(
                identity(moved, expected, rounding=8 * m * EPS * eta * slope * x**2 / branches, chance=False)
            )
    return all_of(findings)


WIDTH, HIDDEN, BLOCKS = 3, 5, 3


def _trace(run: Run, first_scale: float, last_scale: float, draws: int) -> Array:
    """Summed squared gradients of a random readout in all branch weights, over ||v||^2 ||x_0||^2, (draws,)."""
    network = residual_mlp(
        WIDTH, BLOCKS, hidden=HIDDEN, init=he.scaled(first_scale), last_layer=lecun.scaled(last_scale)
    )
    record = measure(
        network,
        run.inputs.narrowed(WIDTH),
        draws=draws,
        rng=run.rng("trace"),
        backward=True,
        extras=("variances", "weight_gradients"),
    )
    starts = record.square_norms[:, 0] * record.gradient_square_norms[:, -1]
    total: Array = sum(record.weight_gradients.values()) / starts
    return total


def _rules(blocks: int) -> dict[str, tuple[float, float]]:
    """First and last scale of a branch of two layers under the rules that the trace tells apart."""
    fixup_scale = number(fixup.fixup_scale(blocks, 2))
    return {
        "Fixup": (fixup_scale, 0.0),
        "standard": (1.0, 1.0),
        "all layers scaled": (fixup_scale, fixup_scale),
        "zero last layer": (1.0, 0.0),
    }


@claim(
    "F8",
    paper=FIXUP,
    where="section 3; exact trace derived here",
    states=r"\mathbb E\operatorname{tr}K=L\,(1+a_1^2a_2^2)^{L-1}\Bigl[a_1^2\tfrac "
    r"hn+\tfrac{a_2^2}2\Bigr]\|v\|^2\|x_0\|^2,\quad\text{Fixup: }\tfrac hn",
    derivation=tangent_kernel.DERIVATIONS,
    mutants=[
        mutant(
            "L counted in layers",
            "Fixup's scale for 2 L branches: half the trace.",
            rules=lambda blocks: _rules(2 * blocks),
        ),
        mutant(
            "fans swapped",
            "n/h for h/n: the last layer's gradient sums over hidden units.",
            trace=lambda blocks, n, h, first, last: tangent_kernel.branch_trace(blocks, h, n, first, last),
        ),
        mutant(
            "growth added up",
            "1 + (L - 1) eta^2 for (1 + eta^2)^(L - 1): the two agree at two blocks.",
            trace=lambda blocks, n, h, first, last: (
                tangent_kernel.branch_trace(1, n, h, first, last)
                * blocks
                * (1 + (blocks - 1) * (sp.sympify(first) * last) ** 2)
            ),
        ),
        mutant(
            "growth forgotten",
            "The blocks' own terms added up, without the stream and the gradient that grow between them.",
            trace=lambda blocks, n, h, first, last: blocks * tangent_kernel.branch_trace(1, n, h, first, last),
        ),
        mutant(
            "the last layers alone",
            "Only the zeroed layers counted: right for Fixup, where they alone have a gradient.",
            trace=lambda blocks, h, n, first, last: (
                tangent_kernel.branch_trace(blocks, h, n, first, last)
                * sp.sympify(first) ** 2
                / (sp.sympify(first) ** 2 + sp.sympify(last) ** 2 / 2)
            ),
        ),
        mutant(
            "zero last layers alone",
            "The simulated branches are zeroed but not scaled: the trace grows like L.",
            confuse={"Fixup": "zero last layer"},
        ),
        mutant(
            "scaled but not zeroed",
            "The simulated branches are scaled on all layers: half as much again.",
            confuse={"Fixup": "all layers scaled"},
        ),
    ],
)
def branch_tangent_kernel(
    run: Run,
    *,
    trace: Callable[[int, int, int, float, float], sp.Expr] = tangent_kernel.branch_trace,
    rules: Callable[[int], dict[str, tuple[float, float]]] = _rules,
    confuse: dict[str, str] | None = None,
) -> Finding:
    """The branches' mean tangent-kernel trace is L 2^(L-1) (h/n + 1/2) as usual, h/n under Fixup.

    Averages over Gaussian weights and a readout of random signs at fixed input; exact at any width. Three blocks of
    width 3 and hidden width 5.
    """
    true, findings = _rules(BLOCKS), []
    run = run.share(len(true) + 1)
    for name, scales in true.items():
        test = run.mean(
            tangent_kernel.branch_trace(BLOCKS, WIDTH, HIDDEN, *scales),
            variance=tangent_kernel.branch_trace_variance_bound(BLOCKS, WIDTH, HIDDEN, *scales),
            error=0.02,
        )
        samples = run.once(_trace, *true[(confuse or {}).get(name, name)], test.draws)
        findings.append(test(samples, expected=trace(BLOCKS, WIDTH, HIDDEN, *rules(BLOCKS)[name])))
        if name == "Fixup":
            findings.append(test(samples, expected=tangent_kernel.fixup().at(n=WIDTH, h=HIDDEN)))
    return all_of(findings)


def _refuses(scale: Callable[[int, int], sp.Expr]) -> float:
    """1 if Fixup's scale for one layer a branch is refused with an error that names the reason, else 0."""
    try:
        scale(10, 1)
    except ValueError as error:
        return float("layers_per_branch" in str(error))
    return 0.0


STEP = 1e-9  # learning rate times input in F15: a zeroed branch moves by this share of its input


@claim(
    "F15",
    paper=FIXUP,
    where="section 3, at m = 1",
    states=r"m=1:\ \text{no exponent}\ -\tfrac1{2m-2};\qquad a_l=0\ \Longrightarrow\ "
    r"f_{\mathrm{new}}-f=x\bigl[(1-\eta\,\ell'x)^L-1\bigr]=\Theta(\eta L)",
    derivation=fixup.exponent,
    exact=False,
    mutants=[
        mutant(
            "an exponent for m = 1",
            "1/(2m - 2) is not defined there: the product of the other layers is empty.",
            scale=lambda branches, m: sp.Integer(branches) ** sp.Rational(-1, 2 * m),
        ),
        mutant(
            "bounded in depth",
            "The promise of Fixup for two or more layers; zeroing single layers moves f by order eta L.",
            exponent=0.0,
        ),
        mutant(
            "square root of the depth", "Steps of random sign would add like sqrt L; these are in step.", exponent=0.5
        ),
        mutant(
            "with the input scaled by 1/sqrt L",
            "The simulated chain has the cure: then the function moves by order eta.",
            cured=True,
        ),
    ],
)
def one_layer_branches_have_no_scale(
    run: Run, *, scale: Callable[[int, int], sp.Expr] = fixup.fixup_scale, exponent: float = 1.0, cured: bool = False
) -> Finding:
    """With one layer a branch Fixup's exponent is singular, and zeroed branches move the function by order eta L.

    The refusal is exact; the rate is asymptotic in small eta L: the step's second order bounds the bias of the slope.
    """
    logs, x = np.log10(BRANCHES), sizes_of_inputs(run, 20)
    moved = np.empty((x.size, logs.size))
    for i, size in enumerate(x):
        for j, branches in enumerate(BRANCHES):
            start = size * (branches**-0.5 if cured else 1.0)
            after = scalar_branch.step(np.zeros((int(branches), 1)), start, 1.0, STEP / size)
            moved[i, j] = abs(float(scalar_branch.forward(after, start)) - start) / size
    # |(1 - t)^L - 1| / (L t) lies in [1 - L t, 1] for L t < 1; rounding of the product adds L eps / (L t).
    bend = float(np.max(BRANCHES) * STEP + EPS / STEP) / np.log(10)
    centred = np.abs(logs - logs.mean())
    bias = 2 * bend * float(centred.sum() / np.square(centred).sum())
    return all_of(
        [
            rate(logs, np.log10(moved), expected=exponent, bias=bias, chance=False),
            identity(_refuses(scale), 1.0, rounding=0.0, chance=False, expected="raises ValueError"),
        ]
    )
