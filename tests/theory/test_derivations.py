"""Every derivation checks, and no step can be altered without a check that fails."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence

import pytest
import sympy as sp
from sympy.core.relational import Relational

import theory
from theory.derivation import Derivation, Step
from theory.rules import DerivationError, cited

MODULES = [
    importlib.import_module(info.name) for info in pkgutil.walk_packages(theory.__path__, "theory.") if not info.ispkg
]
MAKERS = [maker for module in MODULES for maker in getattr(module, "DERIVATIONS", ())]
DERIVATIONS = [maker() for maker in MAKERS]
STEPS = [
    pytest.param(number, position, id=f"{derivation.title}-{position}")
    for number, derivation in enumerate(DERIVATIONS)
    for position in range(len(derivation.steps))
]


KINDS: tuple[Callable[[sp.Expr], sp.Expr], ...] = (
    lambda value: 2 * value,
    lambda value: value + 1,
    lambda value: -value,
    lambda value: value**2,
)
"""A wrong factor, term, sign and exponent."""
OF_TERMS = (KINDS[0], KINDS[2])
"""What is done to the terms of a sum or an integral: the others would need one that SymPy cannot do."""


def corruptions(statement: sp.Basic, kinds: Sequence[Callable[[sp.Expr], sp.Expr]] = KINDS) -> Iterator[sp.Basic]:
    """Yield wrong versions of a statement; of a relation the right side is wrong, of a sum or integral its terms."""
    if isinstance(statement, Relational):
        sides = (kind(statement.rhs) for kind in kinds)
        yield from (statement.func(statement.lhs, side, evaluate=False) for side in sides if side != statement.rhs)
    elif isinstance(statement, sp.Sum | sp.Integral):
        yield from (statement.func(kind(statement.function), *statement.limits) for kind in OF_TERMS)
    else:
        yield from (wrong for wrong in (kind(statement) for kind in kinds) if wrong != statement)


def refuses(derivation: Derivation, position: int, wrong: sp.Basic) -> bool:
    """Whether the rule of an altered step refutes it; for a definition, the rule of the next step."""
    start = max(position - 1, 0)
    steps = list(derivation.steps[start : start + 2])
    altered = steps[position - start]
    steps[position - start] = Step(altered.says, wrong, altered.rule)
    try:
        Derivation(derivation.title, tuple(steps)).check()
    except DerivationError as error:
        return "“" in str(error)
    return False


def is_cited(derivation: Derivation, position: int) -> bool:
    """Whether the rule of a step (for a definition, of the next) takes a theorem from elsewhere, and checks nothing."""
    rule = derivation.steps[max(position, 1)].rule
    return getattr(rule, "__qualname__", "").startswith(f"{cited.__qualname__}.")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(DERIVATIONS)), ids=lambda number: DERIVATIONS[number].title)
def test_every_step_is_verified(number: int) -> None:
    derivation: Derivation = DERIVATIONS[number]
    ways = derivation.check()
    assert ways[0] == "definition"
    for position, how in enumerate(ways[1:], start=1):
        assert how.startswith("cited: ") == is_cited(derivation, position)
    assert all(re.fullmatch(r"exact|30 digits|\d+ sizes|cited: .+", how) for how in ways[1:])
    assert len(ways) == len(derivation.steps) >= 2
    assert all(step.says.endswith(".") for step in derivation.steps)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "position"), STEPS)
def test_a_wrong_step_is_refuted(number: int, position: int) -> None:
    """By a factor and a term; all but what is cited, which nothing checks. `make attack` tries signs and exponents."""
    derivation = DERIVATIONS[number]
    for wrong in corruptions(derivation.steps[position].statement, KINDS[:2]):
        assert refuses(derivation, position, wrong) != is_cited(derivation, position), wrong


def test_titles_are_unique() -> None:
    titles = [derivation.title for derivation in DERIVATIONS]
    assert len(titles) == len(set(titles))


def test_every_module_with_public_functions_lists_derivations() -> None:
    bare = {module.__name__ for module in MODULES if not getattr(module, "DERIVATIONS", ())}
    assert bare == {"theory.derivation", "theory.domain", "theory.rules", "theory.symbols", "theory.written_out"} | {
        "theory.residual.block", "theory.shattering.block",
        "theory.layer.fans", "theory.layer.panels", "theory.layer.any_activation",
    }  # fmt: skip


def test_a_derivation_can_be_evaluated_at_swapped_symbols() -> None:
    x, y = sp.symbols("x y", positive=True)
    derivation = Derivation.begin("A quotient", "Divide.", x / y)
    assert derivation.at(x=y, y=x) == y / x
    with pytest.raises(KeyError):
        derivation.at(z=1)
