"""What a claim must bring with it, and what the catalogue requires of the registry."""

import pytest

from claims.catalogue import REGISTRY
from claims.registry import claim, mutant

REQUIRED = "A1 A4 B1 B2 C1 C3 C8 C10 X1 X2 R1 R2 R3 R4 R8 P1 P2 P4 P5 P6 P7 P8 P9 P10 F3 F4 F5 F6 F8 F15"


def test_the_headline_claims_are_registered() -> None:
    assert {code for one in REGISTRY.values() for code in one.codes} >= set(REQUIRED.split())


@pytest.mark.parametrize("one", REGISTRY.values(), ids=REGISTRY)
def test_a_claim_says_what_it_averages_over_and_is_derived(one) -> None:  # type: ignore[no-untyped-def]
    assert one.words.endswith(".")
    assert len((one.check.__doc__ or "").split("\n\n")) >= 2
    assert one.states
    assert one.derivations
    assert all(m.why.endswith(".") for m in one.mutants)


@pytest.mark.parametrize(
    ("mutants", "message"),
    [
        ([], "at least two mutants"),
        ([mutant("a", "why", wrong=1)], "at least two mutants"),
        ([mutant("a", "why", wrong=1), mutant("a", "why", wrong=2)], "its own name"),
        ([mutant("a", "why", wrong=1), mutant("b", "why", other=2)], "changes \\['other'\\]"),
        ([mutant("a", "why", wrong=1), mutant("b", "why")], "changes nothing"),
    ],
)
def test_a_claim_without_proper_mutants_is_refused(mutants, message: str) -> None:  # type: ignore[no-untyped-def]
    def some_claim(run: object, *, wrong: int = 0) -> None:
        """Say something."""

    with pytest.raises(ValueError, match=message):
        claim("T1", paper="p", where="w", states="s", mutants=mutants)(some_claim)  # type: ignore[arg-type]
    assert not any(key.endswith("some_claim") for key in REGISTRY)


def test_a_pattern_matches_id_code_or_paper() -> None:
    one = REGISTRY["residual.residual_stream_doubles"]
    assert all(one.matches(pattern) for pattern in ("r2", "RESIDUAL.*", "zhang*", "*doubles"))
    assert not any(one.matches(pattern) for pattern in ("R", "R3", "growth"))
