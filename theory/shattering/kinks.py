r"""Where the gradient of a deep ReLU net jumps: how often units switch around a circle of inputs.

The circle has its centre at 0 and lies in any plane; Gaussian weights of any variance, no biases. Between the angles at
which a unit switches the net is linear and its gradient constant; at each of them the gradient jumps. Means over the
weights, exact at every width; switches of a layer are counted while the layer below it is alive.

- A unit changes sign between two states at the angle theta with probability theta/pi (`switch`), so along a curve of
  states that turns by s in all it switches s/pi times on average, as short pieces of a curve are nearly straight.
- While K units are active, their state turns at sqrt(T'/T) of the rate of the state below, T' and T chi-square with
  K - 1 and K degrees of freedom and independent: on average at the same rate if K >= 2 (`turning`), else not at all.
- So a layer of n units keeps 1 - (n + 1) 2^-n of the turn (`kept`), of 2 pi at the input: a unit of layer l switches
  2 (1 - (n + 1) 2^-n)^(l - 1) times (`switches`). The number of jumps is linear in the depth of wide nets; and as a
  layer's share of the mean square jumps with each of its units, the gradient is brown noise below one layer
  (`theory.shattering.brown`), and between given points the whiter the deeper the net.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import chi_square
from theory.mean_field import angles
from theory.rules import equal, recursion
from theory.symbols import DEPTH, THETA, N

DEGREES = sp.Symbol("j", integer=True, positive=True)
"""K - 1: the dimensions in which a state with K active units can turn."""
TURN = sp.Function("s")
"""The mean angle that the states of layer l turn by around the circle."""
SIZE, SPEED, ACTIVE = (
    sp.Symbol("t", positive=True),
    sp.Symbol("omega", positive=True),
    sp.Symbol("k", integer=True, nonnegative=True),
)


@cache
def switch() -> Derivation:
    """Derive the probability that a unit has other signs at two states at an angle."""
    return Derivation.begin(
        "Probability that a unit switches",
        "It is active at one of two states and not at both; each is as likely.",
        2 * (sp.Rational(1, 2) - angles.coactivation().result),
    ).then("In proportion to the angle.", THETA / sp.pi)


@cache
def turning() -> Derivation:
    """Derive the mean of sqrt(T'/T), the rate of turning behind K = j + 1 active units over that before."""
    k = DEGREES + 1
    density = SIZE ** (k / 2 - 1) * sp.exp(-SIZE / 2) / (2 ** (k / 2) * sp.gamma(k / 2))
    root = SPEED * chi_square().at(k=DEGREES, a=sp.Rational(1, 2))
    return (
        Derivation.begin(
            "Rate of turning behind a ReLU layer",
            "The rate below, times the mean of sqrt T', T' the squared speed across the state, and of 1 / sqrt T, T "
            "its squared norm.",
            root * sp.Integral(density / sp.sqrt(SIZE), (SIZE, 0, sp.oo)),
        )
        .then(
            "Euler's integral.",
            root * sp.gamma(DEGREES / 2) / (sp.sqrt(2) * sp.gamma((DEGREES + 1) / 2)),
            lambda before, now: equal(before.doit(), now),
        )
        .then("The state turns as fast as before.", SPEED)
    )


@cache
def kept() -> Derivation:
    """Derive the share of the turn that a layer keeps: the probability of two active units at least."""
    return Derivation.begin(
        "Turn that a ReLU layer keeps",
        "At every angle the masks are coins: add up the probabilities of k >= 2 active units.",
        sp.Sum(sp.binomial(N, ACTIVE) / 2**N * turning().result / SPEED, (ACTIVE, 2, N)),
    ).then("All but none and one.", 1 - (N + 1) / 2**N, _at_widths)


def _at_widths(before: sp.Basic, now: sp.Basic) -> str:
    for width in range(2, 8):
        equal(before.subs(N, width).doit(), now.subs(N, width))
    return "6 sizes"


@cache
def switches() -> Derivation:
    """Derive how often a unit above l layers of one width switches around the circle."""
    share = kept().result
    return (
        Derivation.begin(
            "Switches around a circle of inputs",
            "Every layer keeps its share of the turn, whatever the states below.",
            sp.Eq(TURN(DEPTH + 1), share * TURN(DEPTH)),
        )
        .then("Solve from a whole turn.", sp.Eq(TURN(DEPTH), 2 * sp.pi * share**DEPTH), recursion(DEPTH, 2 * sp.pi))
        .then(
            "A unit switches once for every angle pi on average.",
            2 * share**DEPTH,
            lambda before, now: equal(before.rhs * switch().result / THETA, now),
        )
    )


def unit_switches(widths_below: Sequence[Value]) -> sp.Expr:
    """Return how often a unit switches around a circle of inputs, above layers of these widths. Exact in the mean.

    Two times the product of 1 - (n + 1) 2^-n, for Gaussian weights without biases; 2 in the first layer, exactly.
    """
    shares = (kept().at(n=positive_integer("widths_below", n)) for n in widths_below)
    return switches().at(l=0) * sp.prod(shares)


def gradient_jumps(widths: Sequence[Value]) -> sp.Expr:
    """Return how often a unit of any layer of these widths switches around a circle: near 2 sum n_l. Exact."""
    return sum((n * unit_switches(widths[:layer]) for layer, n in enumerate(widths)), sp.S.Zero)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (switch, turning, kept, switches)
