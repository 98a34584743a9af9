"""A derivation is data: statements in order, each with a sentence, each checked by machine against the one before.

The first statement is a definition and carries the meaning; every later one names the rule by which it follows.
``check`` applies the rules and says of each step whether SymPy proved it ("exact") or whether both sides agreed to
30 digits at rational points ("30 digits"). Reports and lessons typeset the statements; nothing is retyped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy.core.relational import Relational

Rule = Callable[[sp.Basic, sp.Basic], str]
"""Takes the previous and the current statement; returns how the step was verified or raises `DerivationError`."""


Value = sp.Expr | int | float
"""What theory functions take: numbers or symbols."""


class DerivationError(ValueError):
    """A statement does not follow from the one before by the rule that it names."""


@dataclass(frozen=True)
class Step:
    """One statement (an expression or an equation), the sentence that justifies it and the rule that checks it."""

    says: str
    statement: sp.Basic
    rule: Rule | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Derivation:
    """Steps from a definition to a result; grow one with ``Derivation.begin(...).then(...)``."""

    title: str
    steps: tuple[Step, ...]

    @classmethod
    def begin(cls, title: str, says: str, statement: sp.Basic) -> Derivation:
        """Start from a definition, the one statement that nothing checks."""
        return cls(title, (Step(says, statement),))

    def then(self, says: str, statement: sp.Basic, rule: Rule | None = None) -> Derivation:
        """Append a statement that follows from the last by `rule` (by default: it equals it)."""
        return Derivation(self.title, (*self.steps, Step(says, statement, rule or equal)))

    @property
    def result(self) -> sp.Expr:
        """The last statement; of an equation or an inequality, its right-hand side."""
        last = self.steps[-1].statement
        return last.rhs if isinstance(last, Relational) else last

    def at(self, values: Mapping[sp.Symbol, Value] | None = None, /, **named: Value) -> sp.Expr:
        """Evaluate the result with symbols, given themselves or by name, replaced by numbers or expressions.

        Raises
        ------
        KeyError
            If a name is not that of a free symbol of the result.
        """
        symbols = {symbol.name: symbol for symbol in self.result.free_symbols}
        wanted = {symbol.name: value for symbol, value in (values or {}).items()} | named
        swaps = {symbols[name]: sp.sympify(value) for name, value in wanted.items()}
        return self.result.subs(swaps, simultaneous=True)

    def check(self) -> tuple[str, ...]:
        """Check every step against the one before and return how each was verified.

        Raises
        ------
        DerivationError
            If a step does not follow; the message names the derivation and the sentence.
        """
        verified = ["definition"]
        for before, step in zip(self.steps, self.steps[1:], strict=False):
            assert step.rule is not None
            try:
                verified.append(step.rule(before.statement, step.statement))
            except DerivationError as error:
                raise DerivationError(f"{self.title}: “{step.says}”: {error}") from None
        return tuple(verified)


def equal(before: sp.Basic, now: sp.Basic) -> str:
    """Two expressions agree, or two relations of one kind agree side by side."""
    if isinstance(before, Relational) and isinstance(now, Relational) and before.func == now.func:
        return _weaker(_same(before.lhs, now.lhs), _same(before.rhs, now.rhs))
    if isinstance(before, Relational) or isinstance(now, Relational):
        raise DerivationError(f"{now} is not a statement of the same kind as {before}")
    return _same(before, now)


def numerically(before: sp.Basic, now: sp.Basic) -> str:
    """Two expressions agree to 30 digits at rational points; for integrals and sums SymPy cannot do."""
    _same_digits(before, now)
    return "30 digits"


def solving(unknown: sp.Symbol) -> Rule:
    """The equation now states the one solution of the previous equation for `unknown` that its assumptions allow."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if not isinstance(now, sp.Equality) or now.lhs != unknown:
            raise DerivationError(f"expected an equation for {unknown}")
        solutions = sp.solve(before, unknown)
        if len(solutions) != 1:
            raise DerivationError(f"{len(solutions)} solutions for {unknown}: {solutions}")
        return _same(solutions[0], now.rhs)

    return rule


def substituting(values: Mapping[sp.Basic, sp.Basic]) -> Rule:
    """The previous statement with `values` put in."""
    return lambda before, now: equal(_put(before, values), now)


def recursion(index: sp.Symbol, start: sp.Expr) -> Rule:
    """The equation ``a(index) = ...`` now solves the previous recursion for ``a(index + 1)`` from ``a(0) = start``."""

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
    """The limit of the previous expression as `symbol` tends to `point`."""
    return lambda before, now: _same(sp.limit(before, symbol, point), now)


def differentiated(symbol: sp.Symbol, point: sp.Expr, order: int = 1) -> Rule:
    """The derivative of the previous expression, or of both sides of an equation, in `symbol` at `point`."""

    def slope(side: sp.Expr) -> sp.Expr:
        return sp.diff(side, symbol, order).subs(symbol, point).doit()

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        if isinstance(before, sp.Equality):
            return equal(sp.Eq(slope(before.lhs), slope(before.rhs), evaluate=False), now)
        return equal(slope(before), now)

    return rule


def leading(symbol: sp.Symbol, order: int) -> Rule:
    """The Taylor polynomial of the previous expression in `symbol` at 0, up to and with ``symbol**order``."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        terms = (sp.diff(before, symbol, k).subs(symbol, 0) * symbol**k / sp.factorial(k) for k in range(order + 1))
        return _same(sum(terms), now)

    return rule


def primitive(symbol: sp.Symbol, start: sp.Expr) -> Rule:
    """Both expressions have the same derivative in `symbol` and agree at `start`; for integrals with a variable end."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        ends = _same(before.subs(symbol, start), now.subs(symbol, start))
        return _weaker(_same(sp.diff(before, symbol), sp.diff(now, symbol)), ends)

    return rule


def naming(names: Mapping[sp.Basic, sp.Basic]) -> Rule:
    """The statement now says the same as the previous one, once every new name is replaced by what it stands for."""
    return lambda before, now: equal(before, _put(now, names))


def dropping(slack: sp.Expr) -> Rule:
    """The inequality now bounds the previous expression by what is left of it without `slack`, whose sign SymPy knows.

    ``E >= E - slack`` where ``slack >= 0``, ``E <= E - slack`` where ``slack <= 0``; after an inequality, E is its right side.
    """

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        signed = {sp.Ge: slack.is_nonnegative, sp.Le: slack.is_nonpositive}
        if not signed.get(now.func) or (isinstance(before, Relational) and before.func != now.func):
            raise DerivationError(f"the sign of {slack} does not give {now}")
        bounded, bound = before.args if isinstance(before, Relational) else (before, before)
        return _weaker(_same(bounded, now.lhs), _same(bound - slack, now.rhs))

    return rule


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
    if sp.expand(difference) == 0:
        return "exact"
    if not difference.has(sp.core.function.AppliedUndef):
        _same_digits(left, right)  # refutes a wrong step far faster than `simplify`
        return "exact" if sp.simplify(difference) == 0 else "30 digits"
    if sp.simplify(difference) != 0:
        raise DerivationError(f"{left} is not {right}")
    return "exact"


def _same_digits(left: sp.Basic, right: sp.Basic) -> None:
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for shift in range(3):
        point = {s: _sample(s, i, shift) for i, s in enumerate(symbols)}
        a, b = (sp.N(side.subs(point).doit(), 40) for side in (left, right))
        if not (a.is_number and b.is_number and a.is_finite and b.is_finite):
            raise DerivationError(f"no number at {point}: {a} and {b}")
        if abs(a - b) > sp.Float(10, 40) ** -30 * (1 + abs(b)):
            raise DerivationError(f"{left} is not {right}: at {point} they are {sp.N(a, 8)} and {sp.N(b, 8)}")


def _sample(symbol: sp.Symbol, position: int, shift: int) -> sp.Expr:
    if symbol.is_integer:
        return sp.Integer(2 + position + 2 * shift)
    size = sp.Rational(3 + 2 * position + 4 * shift, 7 + position + shift)
    return size if symbol.is_nonnegative or (position + shift) % 2 else -size
