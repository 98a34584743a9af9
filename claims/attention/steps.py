"""One step on W_Q and W_K of one logit, by SGD and by Adam."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI, Products, compared, drawn, head, tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import logits
from theory.attention import steps as theory
from theory.domain import number
from theory.symbols import RATE as RATE_SYMBOL

YANG = "Yang et al. 2022 (muP)"
DRAWS, WIDTH, HEAD, RATE = 128, 7, 4, 0.3
DIRECTION = 1.0
"""The slope of the loss in the logit for which a step is taken."""
Move = Callable[[], sp.Expr]


@dataclass(frozen=True)
class Step:
    """A logit q.k, divided by nothing, before and after a step; what its move is made of, (draws,) each."""

    before: Products
    moved: Array
    x: Array
    """The tokens of the query and of the key, (draws, 2, width)."""

    @property
    def vectors(self) -> tuple[Array, Array]:
        """The query and the key of the logit, (draws, head)."""
        return self.before.queries[:, 0], self.before.keys[:, 1]

    @property
    def rounding(self) -> Array:
        """A bound on the rounding of the move: products of as many terms as there are features, all sizes added."""
        (q, k), rate = self.vectors, RATE
        sizes = [np.abs(vector).sum(axis=1) for vector in (self.x[:, 0], self.x[:, 1], q, k)]
        whole = (sizes[2] + rate * sizes[0] * (sizes[0] + 1) * (1 + sizes[3])) * (
            sizes[3] + rate * sizes[1] * (sizes[1] + 1) * (1 + sizes[2])
        )
        bound: Array = 16 * EPS * (WIDTH + HEAD + 8) * whole
        return bound


def _sgd() -> sp.Expr:
    return theory.sgd().result


def _adam() -> sp.Expr:
    return theory.adam().result


def _step(run: Run, signs: bool, temperature: float) -> Step:
    """Move W_Q and W_K by SGD downhill on the logit over `temperature`, or uphill by signs as Adam does at first."""
    layer = head(HEAD, 2, width=WIDTH)
    x = tokens(run, "step", DRAWS, 2, WIDTH)
    x /= np.linalg.norm(x, axis=2, keepdims=True) * [[[1], [2]]]  # norms that tell the two tokens apart
    parameters = drawn(run, "step", layer, DRAWS)
    before = compared(layer, parameters, x)
    cotangent = np.zeros_like(before.logits)
    cotangent[:, 0, 1] = DIRECTION / temperature
    slopes = {name: gradient.array for name, gradient in before.gradients(cotangent).items()}
    move = {name: np.sign(slope) if signs else -slope for name, slope in slopes.items()}
    after = compared(layer, parameters | {name: parameters[name] + RATE * move[name] for name in move}, x)
    return Step(before, (after.logits - before.logits)[:, 0, 1], x)


def _evaluated(expression: sp.Expr, values: dict[sp.Symbol, Array | float]) -> Array:
    return np.asarray(sp.lambdify(list(values), expression, "numpy")(*values.values()))


def _by_sgd(step: Step, temperature: float, move: sp.Expr) -> Array:
    (q, k), (x, y) = step.vectors, (step.x[:, 0], step.x[:, 1])
    values: dict[sp.Symbol, Array | float] = {
        theory.TEMPERATURE: temperature, RATE_SYMBOL: RATE, theory.SLOPE: DIRECTION, logits.LOGIT: np.vecdot(q, k),
        logits.FIRST: np.vecdot(x, x), logits.SECOND: np.vecdot(y, y),
        theory.QUERY_NORM: np.vecdot(q, q), theory.KEY_NORM: np.vecdot(k, k),
    }  # fmt: skip
    return _evaluated(move, values)


@claim(
    "Q4",
    paper=VASWANI,
    where="section 3.2.1; the step derived here",
    states=r"\Delta\ell=-\tfrac{\eta g}{\tau^2}\bigl(\|x\|^2\|k\|^2+\|y\|^2\|q\|^2\bigr)+\tfrac{(\eta g)^2}{\tau^3}"
    r"\|x\|^2\|y\|^2\,q^{\mathsf T}k,\qquad\ell=q^{\mathsf T}k/\tau",
    derivation=[theory.sgd, theory.kernel],
    mutants=[
        mutant(
            "the first order alone",
            "Both matrices move at once, so that the step has a second order, of the size of the logit.",
            move=lambda: theory.sgd().result.subs(RATE_SYMBOL**2, 0),
        ),
        mutant(
            "tau for tau squared",
            "The gradient is divided by tau, and so is what the step does to the logit.",
            move=lambda: theory.sgd().result * theory.TEMPERATURE,
        ),
        mutant(
            "norms of the own side",
            "The query moves along the key: ||x||^2 goes with ||k||^2.",
            move=lambda: theory.sgd().result.subs(
                {theory.QUERY_NORM: theory.KEY_NORM, theory.KEY_NORM: theory.QUERY_NORM}, simultaneous=True
            ),
        ),
    ],
)
def a_step_moves_a_logit_by_its_kernel(run: Run, *, move: Move = _sgd) -> Finding:
    """One step of SGD on W_Q and W_K moves a logit by its tangent kernel, and by a second order that is exact too.

    No average: every draw, at every width. The kernel's mean is d_k (s_q^2 + s_k^2) ||x||^2 ||y||^2 / tau^2 (tested:
    its law, a multiple of chi-square with 2 d_k degrees for Gaussian weights and tokens of norm 1).
    """
    temperature = math.sqrt(HEAD)
    step = run.once(_step, False, temperature)
    moved = step.moved / temperature
    same = identity(moved, _by_sgd(step, temperature, move()), rounding=step.rounding)
    test = run.share(2).chi_square(2 * HEAD, error=0.1)
    norms = run.once(_kernels, test.draws)
    told = number(theory.mean_kernel(HEAD, 1 / WIDTH, 1 / WIDTH, 1, 1, temperature))
    return all_of([same, test(norms / told * 2 * HEAD)])


def _kernels(run: Run, draws: int) -> Array:
    """Squared gradients, in W_Q and W_K, of logits over sqrt(d_k)."""
    layer = head(HEAD, 2, width=WIDTH)
    x = tokens(run, "kernel", draws, 2, WIDTH)
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    found = compared(layer, drawn(run, "kernel", layer, draws), x)
    cotangent = np.zeros_like(found.logits)
    cotangent[:, 0, 1] = 1 / math.sqrt(HEAD)
    return sum((gradient.square_norm for gradient in found.gradients(cotangent).values()), np.zeros(draws))


def _by_adam(step: Step, move: sp.Expr) -> Array:
    (q, k), x = step.vectors, np.abs(step.x).sum(axis=2)
    sums = (x[:, 0], x[:, 1], np.abs(q).sum(axis=1), np.abs(k).sum(axis=1))
    names = (*theory.TOKEN_SUMS, *theory.HEAD_SUMS)
    signs = np.vecdot(np.sign(q), np.sign(k))
    return _evaluated(move, {**dict(zip(names, sums, strict=True)), RATE_SYMBOL: RATE, theory.SIGNS: signs})


@claim(
    "Q5",
    paper=YANG,
    where="appendix on 1/d attention; the step derived here",
    states=r"\Delta(q^{\mathsf T}k)=\eta\bigl(\|x\|_1\|k\|_1+\|y\|_1\|q\|_1\bigr)+\eta^2\|x\|_1\|y\|_1\,"
    r"\operatorname{sgn}(q)^{\mathsf T}\operatorname{sgn}(k)",
    derivation=[theory.adam, theory.absolute_entry],
    mutants=[
        mutant(
            "Euclidean norms",
            "A step of signs goes with sums of absolute values: of d equal entries sqrt d times the norm.",
            move=None,
        ),
        mutant(
            "the first order alone",
            "Both matrices move at once: where query and key agree in sign the step helps itself.",
            move=lambda: theory.adam().result.subs(theory.SIGNS, 0),
        ),
        mutant("a step of SGD", "The simulated step follows the gradient and not its signs.", signs=False),
    ],
)
def a_first_step_of_adam_moves_a_logit_by_sums(run: Run, *, move: Move | None = _adam, signs: bool = True) -> Finding:
    """Adam's first step on W_Q and W_K moves q.k by sums of absolute values, of the query and key times the tokens'.

    No average: every draw, at every width; eps = 0 and one example, so that each weight moves by the rate. At a rate of
    order 1/d the move grows like d_k: hence muP divides logits by d_k, for the step and not for their start.
    """
    step = run.once(_step, signs, 1.0)
    if move is None:
        (q, k), x = step.vectors, np.linalg.norm(step.x, axis=2)
        told = RATE * (x[:, 0] * np.linalg.norm(k, axis=1) + x[:, 1] * np.linalg.norm(q, axis=1))
    else:
        told = _by_adam(step, move())
    return identity(step.moved, told, rounding=step.rounding)
