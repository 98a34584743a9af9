"""A derivation is data: statements in order, each with a sentence, each checked by machine against the one before.

The first statement is a definition and carries the meaning; every later one names the rule by which it follows
(`theory.rules`). `Derivation.check` applies the rules and says of each step whether SymPy proved it ("exact") or both
sides agreed to 30 digits at rational points ("30 digits"). Claims, reports and lessons take numbers and formulas from
the statements; nothing is retyped. Every module of a subject lists its own in DERIVATIONS, which the tests check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from theory.rules import DerivationError, Rule, equal

Value: TypeAlias = sp.Expr | int | float
"""What theory functions take: numbers or symbols."""


@dataclass(frozen=True)
class Step:
    """One statement (an expression or an equation), the sentence that justifies it and the rule that checks it."""

    says: str
    statement: sp.Basic
    rule: Rule | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Derivation:
    """Steps from a definition to a result; grow one with ``Derivation.begin(...).then(...)``.

    Examples
    --------
    >>> from theory.rules import solving
    >>> n, v = sp.symbols("n v", positive=True)
    >>> he = Derivation.begin(
    ...     "He's variance",
    ...     "A ReLU layer with n inputs and weights of variance v multiplies the mean square by n v / 2: ask for 1.",
    ...     sp.Eq(n * v / 2, 1),
    ... ).then("Solve for the variance.", sp.Eq(v, 2 / n), solving(v))
    >>> he.check()
    ('definition', 'exact')
    >>> he.result, he.at(n=100)
    (2/n, 1/50)
    >>> he.then("A wrong step.", sp.Eq(v, 1 / n)).check()
    Traceback (most recent call last):
        ...
    theory.rules.DerivationError: He's variance: “A wrong step.”: 2/n is not 1/n: at {n: 3/7} they are ...
    """

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
            If no statement of the derivation has a symbol of that name; one that the result has lost is ignored.
        """
        wanted = {symbol.name: value for symbol, value in (values or {}).items()} | named
        swaps = {self._symbols[name]: sp.sympify(value) for name, value in wanted.items()}
        return self.result.xreplace(swaps)  # `subs` looks for more than symbols, and takes a hundred times as long

    @cached_property
    def _symbols(self) -> dict[str, sp.Symbol]:
        """The free symbols of all statements by name; for one that is not free in the result, one that is nowhere."""
        free = self.result.free_symbols
        statements = (*(step.statement for step in self.steps), self.result)
        found = {symbol.name: symbol for statement in statements for symbol in statement.free_symbols}
        return {name: symbol if symbol in free else symbol.as_dummy() for name, symbol in found.items()}

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
