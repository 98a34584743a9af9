r"""Small networks written out entry by entry, so that an average is computed and not put in.

A quantity of a network is a polynomial in the entries of its weights, its masks and its cotangents. At given small
sizes each of them is a symbol with a law, and the mean is the sum over monomials of products of moments: Wick's theorem
for normal entries, odd powers vanish for symmetric ones. `at_sizes` turns that into a rule: the statement now must be
the mean of the statement before at every one of the sizes. The general form in the widths is checked at these sizes
alone: give more of them than it could have coefficients, and such at which its terms differ.

Entries of different groups are independent. Masks are not independent of the weights behind them, so they share a
group: that of a ReLU unit contains its row of weights, in coordinates in which the inputs lie along the first axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import sympy as sp
from sympy.polys.rings import PolyRing

from theory.rules import DerivationError, Rule, numerically

Powers = tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Random entries that may depend on each other, and the mean of any product of their powers."""

    entries: tuple[sp.Symbol, ...]
    moment: Callable[[Powers], sp.Expr] = field(compare=False)


@dataclass(frozen=True)
class WrittenOut:
    """A network at one size: what each symbol of a derivation stands for there, and the laws of the entries."""

    stands_for: Mapping[sp.Symbol, sp.Expr]
    groups: Sequence[Group]


def expectation(polynomial: sp.Expr, groups: Sequence[Group]) -> sp.Expr:
    """Average a polynomial in the entries of `groups`, which are independent of each other.

    Raises
    ------
    ValueError
        If a moment is needed that a law does not know.
    """
    entries = [entry for group in groups for entry in group.entries]
    total: dict[sp.Expr, sp.Expr] = {}
    for powers, coefficient in _terms(polynomial, entries):
        term, start = sp.S.One, 0
        for group in groups:
            end = start + len(group.entries)
            if any(powers[start:end]):
                term *= group.moment(powers[start:end])
            start = end
            if term == 0:
                break
        total[term] = total.get(term, sp.S.Zero) + coefficient
    return sp.expand(sp.Add(*(term * coefficient for term, coefficient in total.items())))


def _terms(polynomial: sp.Expr, entries: Sequence[sp.Symbol]) -> Iterable[tuple[Powers, sp.Expr]]:
    """Yield the powers of the entries and their coefficients; what is no polynomial in parameters gets a name first."""
    if not entries:  # what holds of one draw has nothing to average
        yield (), polynomial
        return
    random = set(entries)
    parts = polynomial.atoms(sp.Pow, sp.Function, sp.NumberSymbol)
    odd = [part for part in parts if not (part.is_Pow and part.exp.is_Integer and part.exp > 0)]
    names = {part: sp.Dummy() for part in odd if not part.free_symbols & random}
    meaning = {name: part for part, name in names.items()}
    named = polynomial.xreplace(names)
    others = sorted(named.free_symbols - random, key=str)
    count = len(entries)
    for powers, coefficient in PolyRing((*entries, *others), sp.QQ).from_expr(named).terms():
        rest = (meaning.get(other, other) ** power for other, power in zip(others, powers[count:], strict=True))
        yield powers[:count], sp.Rational(coefficient) * sp.prod(rest)


def at_sizes(write: Callable[..., WrittenOut], *sizes: tuple[int, ...]) -> Rule:
    """Return the rule: now is the mean of the previous expression, in the network that `write` writes at each size."""
    written = cache(lambda size: write(*size))

    @cache
    def mean(before: sp.Basic, size: tuple[int, ...]) -> sp.Expr:
        return expectation(before.xreplace(dict(written(size).stands_for)), written(size).groups)

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        for size in sizes:
            claimed = now.xreplace(dict(written(size).stands_for))
            try:
                found = mean(before, size)
            except ValueError as error:
                raise DerivationError(f"at the sizes {size} {before} has no mean here: {error}") from None
            try:
                if sp.expand(found - claimed) != 0:
                    numerically(found, claimed)
            except DerivationError:
                raise DerivationError(f"at the sizes {size} the mean of {before} is {found}, not {claimed}") from None
        return f"{len(sizes)} sizes"

    return rule


def matrix(name: str, rows: int, columns: int, law: Callable[[sp.Symbol], Group]) -> tuple[sp.Matrix, list[Group]]:
    """Return a matrix of entries that are independent and have one law, with their groups."""
    entries = sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))
    return entries, [law(entry) for entry in entries]


def symmetric(variance: sp.Expr, *higher: sp.Expr) -> Callable[[sp.Symbol], Group]:
    """Return the law of an entry whose odd moments are 0: its variance, then its fourth, sixth, ... moment if known."""
    even = (sp.S.One, variance, *higher)

    def moment(powers: Powers) -> sp.Expr:
        (power,) = powers
        if power % 2:
            return sp.S.Zero
        if power // 2 >= len(even):
            raise ValueError(f"moment {power} of a symmetric entry is needed; it is known to {2 * len(even) - 2} only")
        return even[power // 2]

    return lambda entry: Group((entry,), moment)


def normal(variance: sp.Expr) -> Callable[[sp.Symbol], Group]:
    """Return the law N(0, variance) of an entry."""
    return lambda entry: Group((entry,), lambda powers: normal_moment(powers[0], variance))


def normal_moment(power: int, variance: sp.Expr) -> sp.Expr:
    """Return E w^power for w ~ N(0, variance)."""
    return sp.S.Zero if power % 2 else sp.factorial2(power - 1) * variance ** (power // 2)


def sign(entry: sp.Symbol) -> Group:
    """Return the law of an entry that is 1 or -1, as likely."""
    return Group((entry,), lambda powers: sp.Integer(1 - powers[0] % 2))


def rectified(variance: sp.Expr) -> Callable[[sp.Symbol], Group]:
    """Return the law of relu(z), z ~ N(0, variance)."""
    return lambda entry: Group((entry,), lambda powers: _rectified_moment(powers[0], variance))


def _rectified_moment(power: int, variance: sp.Expr) -> sp.Expr:
    return variance ** sp.Rational(power, 2) * in_the_plane(power, 0, True, False, sp.S.Zero)


def coin(probability: sp.Expr) -> Callable[[sp.Symbol], Group]:
    """Return the law of an entry that is 1 with this probability, else 0."""
    return lambda entry: Group((entry,), lambda powers: probability)


def flipped(row: Sequence[sp.Symbol], mask: sp.Symbol, law: Callable[[sp.Symbol], Group]) -> Group:
    """Return the group of a ReLU unit whose weights have a symmetric law without atoms, at any one input but 0.

    Turning the signs of the row turns the mask d into 1 - d and leaves even products of the weights alone: their mean
    with d is half of that without.
    """
    weights = [law(weight) for weight in row]

    def moment(powers: Powers) -> sp.Expr:
        *of_weights, active = powers
        if active and sum(of_weights) % 2:
            raise ValueError("an odd product of weights behind a mask depends on the input")
        unmasked = sp.prod(one.moment((power,)) for one, power in zip(weights, of_weights, strict=True))
        return unmasked / 2 if active else unmasked

    return Group((*row, mask), moment)


def normal_unit(row: Sequence[sp.Symbol], masks: Sequence[sp.Symbol], variance: sp.Expr, theta: sp.Expr) -> Group:
    """Return the group of a ReLU unit with normal weights and its masks at one input or at two.

    The first input lies along the first axis, the second at the angle `theta` from it in the plane of the first two.

    Raises
    ------
    ValueError
        If there are two masks and only one weight.
    """
    if len(masks) > 1 and len(row) < 2:
        raise ValueError("two inputs at an angle need a unit of at least two weights")

    def moment(powers: Powers) -> sp.Expr:
        weights, active = powers[: len(row)], [power > 0 for power in powers[len(row) :]]
        if not any(active):
            return sp.prod(normal_moment(power, variance) for power in weights)
        along, across, *rest = (*weights, 0) if len(row) == 1 else weights
        size = along + across
        turned = in_the_plane(along, across, active[0], len(active) > 1 and active[1], theta)
        return variance ** sp.Rational(size, 2) * turned * sp.prod(normal_moment(power, variance) for power in rest)

    return Group((*row, *masks), moment)


@cache
def in_the_plane(along: int, across: int, first: bool, second: bool, theta: sp.Expr) -> sp.Expr:
    """Average u^along v^across over the standard normal (u, v) that are active at the first input, the second, or both.

    In polar coordinates (r, phi) the unit is active at the first input for phi within a right angle of 0, at the second
    within one of theta.
    """
    phi, size = sp.Symbol("phi", real=True), along + across
    low, high = -sp.pi / 2, sp.pi / 2
    if second:
        low, high = (theta - sp.pi / 2, sp.pi / 2) if first else (theta - sp.pi / 2, theta + sp.pi / 2)
    radial = 2 ** sp.Rational(size, 2) * sp.gamma(sp.Rational(size, 2) + 1)
    primitive = _primitive(along, across, phi)
    return sp.expand(radial / (2 * sp.pi) * (primitive.subs(phi, high) - primitive.subs(phi, low)))


def _primitive(along: int, across: int, phi: sp.Symbol) -> sp.Expr:
    """Integrate cos^along sin^across by parts, over and over, which is a hundred times faster than SymPy's own way."""
    sine, cosine, size = sp.sin(phi), sp.cos(phi), along + across
    if across > 1:
        return ((across - 1) * _primitive(along, across - 2, phi) - cosine ** (along + 1) * sine ** (across - 1)) / size
    if across:
        return -(cosine ** (along + 1)) / size
    if along > 1:
        return ((along - 1) * _primitive(along - 2, 0, phi) + cosine ** (along - 1) * sine) / size
    return sine if along else phi
