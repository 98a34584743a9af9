"""The runner: the same numbers for any number of workers, and no failure that passes for a verdict."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sympy as sp

from claims.catalogue import REGISTRY
from claims.examine import Result, examine, passed, run_claims, share_of_alpha
from claims.registry import Claim, Mutant
from claims.run import Run
from evidence import Finding, identity
from simulations import digits
from theory.derivation import Derivation

CHEAP = (
    "homogeneity.theorem_1",
    "residual.residual_stream_doubles",
    "plain.glorot_conditions",
    "plain.norm_product",
)


def run(ids: tuple[str, ...], workers: int, seed: int = 3) -> list[Result]:
    return run_claims([REGISTRY[name] for name in ids], inputs=digits(seed), seed=seed, effort="quick", workers=workers)


@pytest.mark.slow
def test_results_do_not_depend_on_workers_or_selection() -> None:
    alone, together = run(CHEAP, 1), run(CHEAP, 2)
    assert [(one.finding, one.mutants) for one in alone] == [(one.finding, one.mutants) for one in together]
    assert run(CHEAP[2:3], 1)[0].finding == alone[2].finding
    assert passed(alone)


@pytest.mark.slow
def test_another_seed_gives_other_numbers() -> None:
    assert run(CHEAP[1:2], 1, seed=4)[0].finding.measured != run(CHEAP[1:2], 1)[0].finding.measured


@pytest.fixture
def toy() -> Iterator[Callable[..., None]]:
    """Register a claim with mutants that shift it, and with derivations if given."""

    def check(run: Run, *, shift: float = 0.0) -> Finding:
        if np.isinf(shift):
            raise ZeroDivisionError("nothing to divide")
        return identity(np.full(300, 1.0 + shift), np.ones(300), rounding=1e-15)

    def register(*shifts: float, derivations: tuple[Callable[[], Derivation], ...] = ()) -> None:
        mutants = tuple(Mutant(f"shift {shift}", "Shifted.", {"shift": shift}) for shift in shifts)
        REGISTRY["toy.claim"] = Claim("toy.claim", ("T",), "paper", "where", "1=1", True, derivations, check, mutants)

    yield register
    REGISTRY.pop("toy.claim", None)


def examined() -> Result:
    return examine("toy.claim", digits(), 0, "quick")


def test_a_mutant_that_survives_raises_or_is_nan_fails_the_run(toy: Callable[..., None]) -> None:
    toy(0.5, 1.0)
    assert passed([examined()])
    for shift, verdict in ((0.0, "held"), (np.inf, "inconclusive"), (np.nan, "inconclusive")):
        toy(0.5, shift)
        result = examined()
        assert result.mutants[1][1].verdict == verdict
        assert not passed([result])


def test_a_derivation_that_does_not_follow_fails_the_claim(toy: Callable[..., None]) -> None:
    x = sp.Symbol("x", positive=True)
    wrong = Derivation.begin("wrong", "Begin.", x**2).then("Lose a factor.", x)
    toy(0.5, 1.0, derivations=(lambda: wrong,))
    result = examined()
    assert result.finding.verdict == "inconclusive"
    assert "Lose a factor" in result.finding.note
    ((title, steps, trouble),) = result.derivations
    assert (title, steps) == ("wrong", ())
    assert "Lose a factor" in trouble
    assert not passed([result])


def test_a_result_says_how_each_step_was_verified(toy: Callable[..., None]) -> None:
    x = sp.Symbol("x", positive=True)
    right = Derivation.begin("right", "Begin.", x**2 / x**3).then("Cancel.", 1 / x)
    toy(0.5, 1.0, derivations=(lambda: right, lambda: 1 / 0))
    right_one, broken = examined().derivations
    assert right_one == ("right", (("Begin.", "definition"), ("Cancel.", "exact")), "")
    assert broken == ("", (), "ZeroDivisionError: division by zero")


def test_alpha_is_shared_by_all_registered_claims() -> None:
    assert share_of_alpha() * len(REGISTRY) == pytest.approx(1e-6)
