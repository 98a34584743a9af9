"""Questions with answers: any correct answer is accepted, and a wrong one is told in which way it is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, SupportsFloat

from lessons.tools.formulas import FormulaError, read
from lessons.tools.prose import Prose, typeset

Truth = Callable[..., SupportsFloat]
"""A closed form as a function of the exercise's variables, by name."""
Kind = Literal["right", "wrong", "unreadable", "told"]


@dataclass(frozen=True)
class Reply:
    """The reply to an answer: what kind of answer it was, and the words."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Exercise:
    """A question whose answer is a number or a formula; its words are the prose's sections that begin with `key`.

    The prose has `key` (the question), `key right` (the reply to a right answer) and `key NAME` for each misconception.
    """

    key: str
    truth: Truth
    at: Sequence[Mapping[str, float]] = ({},)
    """Values of the variables at which answers are compared; one empty set for a number."""
    misconceptions: Mapping[str, Truth] = field(default_factory=dict)
    """Wrong answers that have a reply of their own, as functions of the same variables."""
    tolerance: float = 1e-6
    """Relative: 1e-6 for formulas, more for numbers that are read off or rounded."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(self.at[0])

    def check(self, answer: str | None, prose: Prose) -> Reply:
        """Judge an answer."""
        try:
            formula = read(answer, self.variables)
            given = [formula(values) for values in self.at]
        except FormulaError as error:
            names = ", ".join(self.variables) or prose.common.label("no variables")
            return Reply("unreadable", prose.common.text(f"unreadable {error.kind}", what=error.what, variables=names))
        return self.judged(given, prose)

    def judged(self, given: Sequence[float], prose: Prose) -> Reply:
        """Judge an answer by its values at `at`."""
        if self._agrees(given, self.truth):
            return Reply("right", prose.text(f"{self.key} right"))
        for name, wrong in self.misconceptions.items():
            if self._agrees(given, wrong):
                return Reply("wrong", prose.text(f"{self.key} {name}"))
        return Reply("wrong", self._how_far(given, prose.common))

    def accepts_its_own_answer(self, prose: Prose) -> bool:
        """Say whether the truth itself is judged right."""
        return self.judged([float(self.truth(**values)) for values in self.at], prose).kind == "right"

    def _agrees(self, given: Sequence[float], truth: Truth) -> bool:
        wanted = [float(truth(**values)) for values in self.at]
        return all(
            abs(one - other) <= self.tolerance * abs(other) + 1e-12 for one, other in zip(given, wanted, strict=True)
        )

    def _how_far(self, given: Sequence[float], common: Prose) -> str:
        """Say where, and by which factor, an answer is off, without giving the right one."""
        values, one, other = next(
            (values, one, float(self.truth(**values)))
            for values, one in zip(self.at, given, strict=True)
            if abs(one - float(self.truth(**values))) > self.tolerance * abs(float(self.truth(**values))) + 1e-12
        )
        where = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        where = common.text("where", values=where) if where else common.label("your")
        if other == 0 or one == 0 or one * other < 0:
            key = "wrong zero" if other == 0 else "wrong sign"
            return common.text(key, where=where, given=one)
        key = "wrong large" if abs(one) > abs(other) else "wrong small"
        factor = max(abs(one / other), abs(other / one))
        return common.text(key, where=where, given=one, factor=_written(factor, common))


def solution(one: Exercise, truth: Truth) -> str:
    """Return what an answer gives, in Markdown: the number, or the value of a formula at each set of its variables."""
    found = [(", ".join(f"{name} = {value:g}" for name, value in at.items()), float(truth(**at))) for at in one.at]
    return "; ".join(
        f"{where}: **{typeset(value, 4)}**" if where else f"**{typeset(value, 4)}**" for where, value in found
    )


def _written(factor: float, common: Prose) -> float | str:
    """Return the factor, or what is said of one beyond all numbers."""
    return factor if math.isfinite(factor) else common.label("any factor")


def guessed(guess: str | None, truth: float, prose: Prose, key: str, close: float = 1.25) -> Reply:
    """Answer a prediction of a positive number: within a factor `close`, too small or too large.

    The prose has `key` (the question), `key close`, `key small` and `key large`, with places for [[guess]], [[truth]]
    and [[factor]].
    """
    try:
        value = read(guess)({})
    except FormulaError as error:
        none = prose.common.label("no variables")
        text = prose.common.text(f"unreadable {error.kind}", what=error.what, variables=none)
        return Reply("unreadable", text)
    factor = math.inf if value <= 0 else max(value / truth, truth / value)
    verdict = "close" if factor <= close else "small" if value < truth else "large"
    values = {"guess": value, "truth": truth, "factor": _written(factor, prose.common)}
    return Reply("right" if verdict == "close" else "wrong", prose.text(f"{key} {verdict}", **values))
