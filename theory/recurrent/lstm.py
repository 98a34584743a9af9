"""The direct path through the cell of an LSTM: c_t = f_t c_(t-1) + i_t g_t, with the gates held fixed.

Gates are sigmoids of the input and of the last output h, so the full Jacobian has further paths, from a cell through h
into later gates; they are not on the direct path. Exact; nothing is averaged.

- dc_t/dc_0 = f_1 ... f_t (`direct`); (1 + exp(-b))^-T over T steps if no weight leads into the forget gates, b their
  bias (`biased`).
- The bias log(T - 1) keeps (1 - 1/T)^T over T steps, which tends to 1/e (`chrono`): at most 1/e at every T (`below`),
  and at least 1/e over T - 1 steps (`above`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.rules import DerivationError, Rule, at_least, at_most, equal, limit, naming, substituting
from theory.symbols import X

STEPS = sp.Symbol("T", integer=True, positive=True)
STEP = sp.Symbol("t", integer=True, nonnegative=True)
"""All steps, and the steps so far."""
K, BEFORE = sp.symbols("k n", integer=True, positive=True)
"""An index of steps, and n = T - 1."""
START, BIAS, OUTPUT, W, U, Y = sp.symbols("s b h w u y", real=True)
FORGET, INPUT, NEW, CELL, PATH = (sp.Function(name) for name in ("f", "i", "g", "c", "D"))


@cache
def direct() -> Derivation:
    """Derive the derivative of a cell in its start, along the path that no gate is on."""
    slope, later = (sp.Derivative(CELL(step, START), START) for step in (STEP, STEP + 1))
    step = FORGET(STEP + 1) * CELL(STEP, START) + INPUT(STEP + 1) * NEW(STEP + 1)
    return (
        Derivation.begin(
            "Direct path through the cell of an LSTM",
            "A step keeps a share f of the cell and adds a share i of what is new, g; differentiate it in the start s.",
            sp.Eq(later, sp.Derivative(step, START), evaluate=False),
        )
        .then("The gates are held fixed.", sp.Eq(later, FORGET(STEP + 1) * slope, evaluate=False))
        .then(
            "Call the derivative D.",
            sp.Eq(PATH(STEP + 1), FORGET(STEP + 1) * PATH(STEP)),
            naming({PATH(STEP): slope, PATH(STEP + 1): later}),
        )
        .then(
            "Every step multiplies by its forget gate, from D(0) = 1.",
            sp.Eq(PATH(STEP), sp.Product(FORGET(K), (K, 1, STEP))),
            _multiplying,
        )
    )


@cache
def biased() -> Derivation:
    """Derive the direct path over T steps if no weight leads into the forget gates."""
    return (
        Derivation.begin(
            "Direct path through forget gates without weights",
            "A forget gate is a sigmoid of input, output and bias.",
            1 / (1 + sp.exp(-(W * X + U * OUTPUT + BIAS))),
        )
        .then("Without weights it is constant.", 1 / (1 + sp.exp(-BIAS)), substituting({W: sp.S.Zero, U: sp.S.Zero}))
        .then("T equal gates multiply.", (1 + sp.exp(-BIAS)) ** -STEPS, _repeated)
    )


@cache
def chrono() -> Derivation:
    """Derive what the bias log(T - 1) keeps over T steps, as T grows."""
    return (
        Derivation.begin("Chrono initialisation", "The direct path over T steps.", biased().result)
        .then("Put in the bias log(T - 1).", (1 - 1 / STEPS) ** STEPS, substituting({BIAS: sp.log(STEPS - 1)}))
        .then("Let T grow.", sp.exp(-1), limit(STEPS, sp.oo))
    )


@cache
def below() -> Derivation:
    """Derive that the gates (T - 1)/T keep at most 1/e over T steps, for T = n + 1."""
    return _bracket("Chrono initialisation over T steps", -1 / (BEFORE + 1), BEFORE / (BEFORE + 1), BEFORE + 1, at_most)


@cache
def above() -> Derivation:
    """Derive that the gates (T - 1)/T keep at least 1/e over T - 1 steps, for T = n + 1."""
    return _bracket("Chrono initialisation over T - 1 steps", 1 / BEFORE, (BEFORE + 1) / BEFORE, -BEFORE, at_least)


def _bracket(
    title: str, point: sp.Expr, tangent: sp.Expr, power: sp.Expr, relation: Callable[[sp.Expr, sp.Expr], sp.Basic]
) -> Derivation:
    return (
        Derivation.begin(title, "The exponential function.", sp.exp(Y))
        .then("It is convex, so above its tangent at 0.", at_least(sp.exp(Y), 1 + Y), _above_tangent)
        .then(f"Put in y = {point}.", at_least(sp.exp(point), tangent), substituting({Y: point}))
        .then("Raise to a power that leaves 1/e.", relation(tangent**power, sp.exp(-1)), _raised(power))
    )


def _multiplying(before: sp.Basic, now: sp.Basic) -> str:
    """Check that a product up to t, empty at 0, grows from t to t + 1 by the factor that the recursion says."""
    product = now.rhs
    if not isinstance(product, sp.Product) or product.limits != (sp.Tuple(K, 1, STEP),):
        raise DerivationError(f"{product} is not a product from 1 to {STEP}")
    return equal(
        before, sp.Eq(now.lhs.subs(STEP, STEP + 1), product.function.subs(K, STEP + 1) * now.lhs, evaluate=False)
    )


def _repeated(before: sp.Basic, now: sp.Basic) -> str:
    """Check that this is the direct path over T steps if every gate is the previous expression."""
    return equal(direct().result.subs(STEP, STEPS).replace(FORGET, lambda step: before).doit(), now)


def _above_tangent(before: sp.Basic, now: sp.Basic) -> str:
    """Check that the inequality bounds the previous function of y, which SymPy knows to be convex, by its tangent."""
    if not sp.diff(before, Y, 2).is_nonnegative:
        raise DerivationError(f"{before} is not known to be convex")
    tangent = before.subs(Y, 0) + Y * sp.diff(before, Y).subs(Y, 0)
    return equal(at_least(before, tangent), now)


def _raised(power: sp.Expr) -> Rule:
    """Check that both sides of the previous ``a >= b > 0`` are raised to a power, and written the other way round."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not (isinstance(before, sp.Ge) and before.rhs.is_positive and (power.is_positive or power.is_negative)):
            raise DerivationError(f"{before} with an unknown sign on the right, or of the power {power}")
        relation = at_most if power.is_positive else at_least
        return equal(relation(before.rhs**power, before.lhs**power), now)

    return rule


def direct_path(gates: Sequence[Value]) -> sp.Expr:
    """Return dc_T/dc_0 along the direct path through forget gates f_1, ..., f_T = `gates`: their product. Exact.

    A cell without forget gates has gates of 1 (Hochreiter and Schmidhuber 1997).
    """
    values = dict(enumerate((real("gate", gate) for gate in gates), start=1))
    return direct().at(t=len(values)).doit().replace(FORGET, lambda step: values[int(step)])


def biased_path(bias: Value, steps: Value) -> sp.Expr:
    """Return sigma(bias)^steps, the direct path if no weight leads into the forget gates. Exact."""
    return biased().at(b=real("bias", bias), T=positive_integer("steps", steps))


def chrono_bias(span: Value) -> sp.Expr:
    """Return log(span - 1), the forget gates' bias for dependencies over `span` >= 2 steps (Tallec & Ollivier 2018)."""
    return sp.log(positive_integer("span", span, least=2) - 1)


def chrono_share() -> sp.Expr:
    """Return 1/e, what that bias keeps over `span` steps as the span grows.

    At no span does it keep more over `span` steps, or less over `span - 1`.
    """
    return chrono().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (direct, biased, chrono, below, above)
