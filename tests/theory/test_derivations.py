"""Every derivation checks, and no step can be altered without a check that fails."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
import sympy as sp
from sympy.core.relational import Relational

import theory
from theory.derivation import Derivation, Step
from theory.rules import DerivationError

MODULES = [
    importlib.import_module(info.name) for info in pkgutil.walk_packages(theory.__path__, "theory.") if not info.ispkg
]
MAKERS = [maker for module in MODULES for maker in getattr(module, "DERIVATIONS", ())]
DERIVATIONS = [maker() for maker in MAKERS]
STEPS = [
    pytest.param(derivation, position, id=f"{derivation.title}-{position}")
    for derivation in DERIVATIONS
    for position in range(len(derivation.steps))
]


def corruptions(statement: sp.Basic) -> Iterator[sp.Basic]:
    """Double a statement and add 1; of a relation change the right side, of a sum or integral the terms."""
    if isinstance(statement, Relational):
        for side in (2 * statement.rhs, statement.rhs + 1):
            if side != statement.rhs:
                yield statement.func(statement.lhs, side, evaluate=False)
        return
    if isinstance(statement, sp.Sum | sp.Integral):
        yield from (statement.func(factor * statement.function, *statement.limits) for factor in (-1, 2))
    else:
        yield from (wrong for wrong in (2 * statement, statement + 1) if wrong != statement)


@pytest.mark.slow
@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda derivation: derivation.title)
def test_every_step_is_verified(derivation: Derivation) -> None:
    verified = derivation.check()
    assert verified[0] == "definition"
    assert set(verified[1:]) <= {"exact", "30 digits"}
    assert len(verified) == len(derivation.steps) >= 2
    assert all(step.says.endswith(".") for step in derivation.steps)


@pytest.mark.slow
@pytest.mark.parametrize(("derivation", "position"), STEPS)
def test_a_wrong_step_is_refuted(derivation: Derivation, position: int) -> None:
    """The rule of the altered step refutes it; for a definition, the rule of the next step."""
    near = derivation.steps[max(position - 1, 0) : max(position - 1, 0) + 2]
    altered = min(position, 1)
    for wrong in corruptions(near[altered].statement):
        steps = list(near)
        steps[altered] = Step(near[altered].says, wrong, near[altered].rule)
        with pytest.raises(DerivationError, match="“"):
            Derivation(derivation.title, tuple(steps)).check()


def test_titles_are_unique() -> None:
    titles = [derivation.title for derivation in DERIVATIONS]
    assert len(titles) == len(set(titles))


def test_every_module_with_public_functions_lists_derivations() -> None:
    bare = {module.__name__ for module in MODULES if not getattr(module, "DERIVATIONS", ())}
    assert bare == {"theory.derivation", "theory.domain", "theory.rules", "theory.symbols"}


def test_a_derivation_can_be_evaluated_at_swapped_symbols() -> None:
    x, y = sp.symbols("x y", positive=True)
    derivation = Derivation.begin("A quotient", "Divide.", x / y)
    assert derivation.at(x=y, y=x) == y / x
    with pytest.raises(KeyError):
        derivation.at(z=1)
