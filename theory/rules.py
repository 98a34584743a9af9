"""The rules by which one statement of a derivation follows from another, and how they are verified.

A rule takes the previous and the current statement and returns how the step was verified: "exact" if SymPy proved it,
"30 digits" if both sides agreed to 30 digits at rational points, "9 sizes" if a mean was computed in networks of 9
small sizes, "cited: ..." if it is a theorem that is taken from elsewhere. Otherwise it raises `DerivationError`. A
module may write its own, as a function of both statements; those that several need stand here, those about averages in
`theory.expectation` and `theory.written_out`.

- The same expression, or side by side the same relation: `equal`, `numerically`, `naming`, `substituting`.
- Solved equations: `solving`, `recursion`.
- Analysis: `limit`, `leading`, `differentiated`, `primitive`; within a sum or integral, `termwise`.
- Bounds: `dropping`, with `at_least` and `at_most` to state them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

Rule = Callable[[sp.Basic, sp.Basic], str]
"""Takes the previous and the current statement; returns how the step was verified or raises `DerivationError`."""


class DerivationError(ValueError):
    """A statement does not follow from the one before by the rule that it names."""


def equal(before: sp.Basic, now: sp.Basic) -> str:
    """Check that two expressions agree, or two relations of one kind agree side by side."""
    if isinstance(before, Relational) and isinstance(now, Relational) and before.func == now.func:
        return _weaker(_same(before.lhs, now.lhs), _same(before.rhs, now.rhs))
    if isinstance(before, Relational) or isinstance(now, Relational):
        raise DerivationError(f"{now} is not a statement of the same kind as {before}")
    return _same(before, now)


def numerically(before: sp.Basic, now: sp.Basic) -> str:
    """Check that two expressions agree to 30 digits at rational points; for integrals and sums SymPy cannot do."""
    _same_digits(before, now)
    return "30 digits"


def solving(unknown: sp.Symbol) -> Rule:
    """Check that the equation is the only solution of the previous one for `unknown` under its assumptions."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not isinstance(now, sp.Equality) or now.lhs != unknown:
            raise DerivationError(f"expected an equation for {unknown}")
        solutions = sp.solve(before, unknown)
        if len(solutions) != 1:
            raise DerivationError(f"{len(solutions)} solutions for {unknown}: {solutions}")
        return _same(solutions[0], now.rhs)

    return rule


def substituting(values: Mapping[sp.Basic, sp.Basic]) -> Rule:
    """Check that the statement is the previous one with `values` put in."""
    return lambda before, now: equal(_put(before, values), now)


def recursion(index: sp.Symbol, start: sp.Expr) -> Rule:
    """Check that ``a(index) = ...`` solves the previous recursion for ``a(index + 1)`` from ``a(0) = start``."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not (isinstance(before, sp.Equality) and isinstance(now, sp.Equality)):
            raise DerivationError("a recursion and its solution are both equations")
        unknown, solution = now.lhs, sp.Lambda(index, now.rhs)
        stepped = before.replace(unknown.func, lambda position: solution(position))
        if stepped is sp.false:
            raise DerivationError(f"{now} does not satisfy {before}")
        step = "exact" if stepped is sp.true else _same(stepped.lhs, stepped.rhs)
        return _weaker(step, _same(solution(0), start))

    return rule


def limit(symbol: sp.Symbol, point: sp.Expr) -> Rule:
    """Check that this is the limit of the previous expression as `symbol` tends to `point`."""
    return lambda before, now: _same(sp.limit(before, symbol, point), now)


def differentiated(symbol: sp.Symbol, point: sp.Expr, order: int = 1, value: sp.Expr | None = None) -> Rule:
    """Check that this is the derivative in `symbol` at `point` of the previous expression, or equation side by side.

    An equation must hold at the point; an expression must have the given value there (1 for a transform of a law).
    """

    def slope(side: sp.Expr) -> sp.Expr:
        return sp.diff(side, symbol, order).subs(symbol, point).doit()

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if isinstance(before, sp.Equality):
            _same(*(side.subs(symbol, point) for side in before.args))
            return equal(sp.Eq(slope(before.lhs), slope(before.rhs), evaluate=False), now)
        if value is not None:
            _same(before.subs(symbol, point), value)
        return equal(slope(before), now)

    return rule


def leading(symbol: sp.Symbol, order: int) -> Rule:
    """Check that this is the Taylor polynomial in `symbol` at 0 of the previous expression, to the given order."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        terms = (sp.diff(before, symbol, k).subs(symbol, 0) * symbol**k / sp.factorial(k) for k in range(order + 1))
        return _same(sum(terms), now)

    return rule


def primitive(symbol: sp.Symbol, start: sp.Expr) -> Rule:
    """Check that both have one derivative in `symbol` and agree at `start`; for integrals with a variable end."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        ends = _same(before.subs(symbol, start), now.subs(symbol, start))
        return _weaker(_same(sp.diff(before, symbol), sp.diff(now, symbol)), ends)

    return rule


def termwise(change: Callable[[sp.Expr], sp.Expr] = lambda term: term) -> Rule:
    """Check that a sum or integral has the range of the previous one, and its terms after `change`."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        (term, *ranges), (changed, *expected) = opened(before), opened(now)
        if ranges != expected:
            raise DerivationError(f"{now} is not over the same range as {before}")
        return _same(change(term), changed)

    return rule


def opened(statement: sp.Basic) -> tuple[sp.Basic, ...]:
    """Return what a sum or an integral adds, and its ranges."""
    if not isinstance(statement, sp.Sum | sp.Integral):
        raise DerivationError(f"expected a sum or an integral, not {type(statement).__name__}")
    return (statement.function, *statement.limits)


def naming(names: Mapping[sp.Basic, sp.Basic]) -> Rule:
    """Check that the statement is the previous one once every new name is replaced by what it stands for."""
    return lambda before, now: equal(before, _put(now, names))


def dropping(slack: sp.Expr) -> Rule:
    """Check that the inequality bounds the previous expression by leaving out `slack`, whose sign SymPy knows.

    ``E >= E - slack`` where ``slack >= 0``, ``E <= E - slack`` where ``slack <= 0``; after an inequality, E is its
    right side.
    """

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        signed = {sp.Ge: slack.is_nonnegative, sp.Le: slack.is_nonpositive}
        if not signed.get(now.func) or (isinstance(before, Relational) and before.func != now.func):
            raise DerivationError(f"the sign of {slack} does not give {now}")
        bounded, bound = before.args if isinstance(before, Relational) else (before, before)
        return _weaker(_same(bounded, now.lhs), _same(bound - slack, now.rhs))

    return rule


def cited(theorem: str) -> Rule:
    """Take the statement from a theorem that is cited and not derived; how it was verified says so."""
    return lambda before, now: f"cited: {theorem}"


def at_least(left: sp.Expr, right: sp.Expr) -> sp.Ge:
    """State ``left >= right`` without SymPy replacing it by True."""
    return sp.Ge(left, right, evaluate=False)


def at_most(left: sp.Expr, right: sp.Expr) -> sp.Le:
    """State ``left <= right`` without SymPy replacing it by True."""
    return sp.Le(left, right, evaluate=False)


def _put(statement: sp.Basic, values: Mapping[sp.Basic, sp.Basic]) -> sp.Basic:
    if isinstance(statement, Relational):
        return statement.func(*(side.subs(dict(values)) for side in statement.args), evaluate=False)
    return statement.subs(dict(values))


def _weaker(*ways: str) -> str:
    return "exact" if set(ways) == {"exact"} else "30 digits"


def _same(left: sp.Basic, right: sp.Basic) -> str:
    if left == right:
        return "exact"
    left, right = sp.sympify(left).doit(), sp.sympify(right).doit()
    difference = left - right
    if sp.expand(difference) == 0 or _numerator(difference) == 0:
        return "exact"
    undefined = left.has(AppliedUndef) or right.has(AppliedUndef)
    if not undefined:
        _same_digits(left, right)  # refutes a wrong step far faster than `simplify`
    if _numerator(difference.rewrite(sp.exp)) == 0 or sp.simplify(difference) == 0:
        return "exact"
    if undefined:
        raise DerivationError(f"{left} is not {right}")
    return "30 digits"


def _numerator(difference: sp.Expr) -> sp.Expr:
    """Bring an expression over one denominator, which shows most zeros in a fraction of the time of `simplify`."""
    return sp.expand(sp.fraction(sp.together(difference))[0])


def _same_digits(left: sp.Basic, right: sp.Basic) -> None:
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for shift in range(3 if symbols else 1):
        point = {s: _sample(s, i, shift) for i, s in enumerate(symbols)}
        a, b = (sp.N(_at(point, side).doit(), 40) for side in (left, right))
        if not (a.is_number and b.is_number and a.is_finite and b.is_finite):
            raise DerivationError(f"no number at {point}: {a} and {b}")
        if abs(a - b) > sp.Float(10, 40) ** -30 * (1 + abs(b)):
            raise DerivationError(f"{left} is not {right}: at {point} they are {sp.N(a, 8)} and {sp.N(b, 8)}")


def _at(point: Mapping[sp.Symbol, sp.Expr], side: sp.Basic) -> sp.Basic:
    return side.xreplace({symbol: point[symbol] for symbol in side.free_symbols})


def _sample(symbol: sp.Symbol, position: int, shift: int) -> sp.Expr:
    if symbol.is_integer:
        return sp.Integer(2 + position + 2 * shift)
    size = sp.Rational(3 + 2 * position + 4 * shift, 7 + position + shift)
    return size if symbol.is_nonnegative or (position + shift) % 2 else -size
