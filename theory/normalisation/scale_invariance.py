"""Weights whose scale does not matter, f(c w) = f(w): those below a normalisation. Their gradient, rate and norm.

Gradient descent of rate eta with weight decay lambda; g is the gradient at w / ||w||. Exact at every rate but for the
last line; nothing is averaged.

- The gradient is orthogonal to w (`orthogonal`) and has degree -1 (`gradient`), so a step only lengthens w.
- The direction of w moves with the rate eta / ||w||^2 (`effective_rate`).
- Decay and gradient balance at ||w||^4 = eta ||g||^2 / (2 lambda - eta lambda^2) (`equilibrium`); the slope of a step
  there is 2 (1 - eta lambda)^2 - 1, between -1 and 1 (`attracting`).
- As eta tends to 0, ||w||^4 / eta tends to ||g||^2 / (2 lambda) (`small_rate`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive
from theory.rules import Rule, differentiated, equal, limit, naming, solving, substituting
from theory.symbols import RATE, C

DECAY, GRADIENT = sp.symbols(r"lambda \|g\|^2", positive=True)
"""Weight decay, and the squared norm of the gradient at w / ||w||."""
NORM, FOURTH = sp.symbols(r"\|w\|^2 \|w\|^4", positive=True)


@cache
def orthogonal() -> Derivation:
    """Derive <w, grad f(w)> = 0, for two weights; more add like terms."""
    v, w = sp.symbols("v w", real=True)
    f = sp.Function("f")
    along = v * sp.Derivative(f(v, w), v) + w * sp.Derivative(f(v, w), w)
    return Derivation.begin(
        "Gradient of scale-invariant weights",
        "The scale of the weights does not matter.",
        sp.Eq(f(C * v, C * w), f(v, w)),
    ).then("Differentiate in c at c = 1: Euler's identity at degree 0.", sp.Eq(along, 0), differentiated(C, 1))


@cache
def gradient() -> Derivation:
    """Derive the gradient at c w from that at w."""
    w, f = sp.Symbol("w", real=True), sp.Function("f")
    there, here = sp.symbols("f'(cw) f'(w)", real=True)
    names = {sp.diff(f(C * w), w): C * there, sp.diff(f(w), w): here}

    def differentiated_in_w(before: sp.Basic, now: sp.Basic) -> str:
        equal(*(side.subs(C, 1) for side in before.args))  # a constant would be lost
        return equal(sp.Eq(*(sp.diff(side, w).subs(names) for side in before.args), evaluate=False), now)

    return (
        Derivation.begin(
            "Gradient at another scale",
            "One coordinate of the weights, all of which are scaled by c.",
            sp.Eq(f(C * w), f(w)),
        )
        .then("Differentiate in w: by the chain rule c comes out.", sp.Eq(C * there, here), differentiated_in_w)
        .then("The gradient has degree -1.", sp.Eq(there / here, 1 / C), _over(C * here))
    )


def _over(factor: sp.Expr) -> Rule:
    """Check that this is the previous equation divided by `factor`."""
    return lambda before, now: equal(sp.Eq(*(side / factor for side in before.args), evaluate=False), now)


@cache
def effective_rate() -> Derivation:
    """Derive the rate with which a step of gradient descent moves the direction u = w / ||w||."""
    u, g, size = sp.symbols(r"u g \|w\|", positive=True)
    return (
        Derivation.begin(
            "Effective learning rate",
            "A step from w = ||w|| u, where the gradient is that at u divided by ||w||.",
            size * u - RATE * g / size,
        )
        .then(
            "Divide by ||w||, which does not change the network.",
            u - RATE / size**2 * g,
            lambda before, now: equal(before / size, now),
        )
        .then(
            "It is a step from u with another rate.",
            RATE / size**2,
            lambda before, now: equal(-sp.diff(before, g), now),
        )
    )


@cache
def equilibrium() -> Derivation:
    """Derive the norm that a step with weight decay leaves as it is."""
    inner = sp.Symbol("<w,g>", real=True)
    kept = 1 - RATE * DECAY
    after = kept**2 * NORM + RATE**2 * GRADIENT / NORM
    return (
        Derivation.begin(
            "Equilibrium of weight decay and gradient",
            "Square norm after the step w' = (1 - eta lambda) w - eta grad f(w), whose gradient is that at w / ||w|| "
            "divided by ||w||.",
            kept**2 * NORM - 2 * kept * RATE * inner + RATE**2 * GRADIENT / NORM,
        )
        .then("The gradient is orthogonal to the weights.", after, substituting({inner: sp.S.Zero}))
        .then(
            "Ask that the norm stay, and multiply by it.",
            sp.Eq(NORM**2, kept**2 * NORM**2 + RATE**2 * GRADIENT),
            lambda before, now: equal(sp.Eq(NORM**2, sp.expand(before * NORM), evaluate=False), now),
        )
        .then(
            "Name the fourth power of the norm.",
            sp.Eq(FOURTH, kept**2 * FOURTH + RATE**2 * GRADIENT),
            naming({FOURTH: NORM**2}),
        )
        .then("Solve for it.", sp.Eq(FOURTH, RATE * GRADIENT / (2 * DECAY - RATE * DECAY**2)), solving(FOURTH))
    )


@cache
def attracting() -> Derivation:
    """Derive how fast the square norm nears its equilibrium: the slope there of one step's map."""
    step = equilibrium().steps[1].statement
    share, balance = RATE * DECAY, sp.sqrt(equilibrium().result)

    def slope(before: sp.Basic, now: sp.Basic) -> str:
        equal(before.subs(NORM, balance), balance)
        return equal(sp.diff(before, NORM), now)

    return (
        Derivation.begin(
            "Stability of the equilibrium",
            "The square norm after a step, in that before it; at the equilibrium they are equal.",
            step,
        )
        .then("Its slope.", (1 - share) ** 2 - RATE**2 * GRADIENT / NORM**2, slope)
        .then(
            "At the equilibrium: between -1 and 1 for 0 < eta lambda < 2, so the norm is drawn to it.",
            2 * (1 - share) ** 2 - 1,
            substituting({NORM: balance}),
        )
    )


@cache
def small_rate() -> Derivation:
    """Derive the usual form of the equilibrium, that of small eta lambda."""
    whole = equilibrium().result / RATE
    return Derivation.begin("Equilibrium at small rates", "The fourth power of the norm over the rate.", whole).then(
        "Let the rate tend to 0.", GRADIENT / (2 * DECAY), limit(RATE, sp.S.Zero)
    )


def gradient_factor(scale: Value) -> sp.Expr:
    """Return 1/c, by which the gradient at c w differs from that at w. Exact."""
    return gradient().at({C: positive("scale", scale)})


def rate_of_direction(rate: Value, norm: Value) -> sp.Expr:
    """Return eta / ||w||^2, the rate with which a step at `rate` moves w / ||w||. Exact, at any rate."""
    return effective_rate().at(
        {RATE: positive("rate", rate), sp.Symbol(r"\|w\|", positive=True): positive("norm", norm)}
    )


def equilibrium_fourth_power(rate: Value, decay: Value, square_gradient: Value) -> sp.Expr:
    """Return the ||w||^4 that a step keeps, for the squared norm of the gradient at w / ||w||. Exact, at any rate.

    Where that gradient's norm varies from step to step, its mean square gives the norm that is kept to first order in
    rate times decay.

    Raises
    ------
    ValueError
        If rate or decay is not positive, `square_gradient` is negative, or rate times decay is 2 or more.
    """
    share = positive("rate", rate) * positive("decay", decay)
    if (share - 2).is_nonnegative:
        raise ValueError(f"rate times decay is {share}; expected less than 2")
    return equilibrium().at({RATE: rate, DECAY: decay, GRADIENT: nonnegative("square_gradient", square_gradient)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    orthogonal,
    gradient,
    effective_rate,
    equilibrium,
    attracting,
    small_rate,
)
