"""Results of all claims, with made-up findings of every shape of evidence: a whole report in a few seconds."""

from claims.catalogue import REGISTRY, SUBJECTS
from claims.examine import Result
from evidence.finding import Finding

SHAPES: tuple[tuple[str, float | str], ...] = (
    ("mean", 0.02),
    ("law + mean", "2.0% to 9.9%"),
    ("rate", "2e-14 (slope)"),
    ("identity", 0.0),
    ("inequality", 1e-9),
)


def finding(kind: str, verdict: str, detectable: float | str, effect: float) -> Finding:
    """Return a finding whose measured text must be escaped."""
    return Finding(
        kind=kind,
        verdict=verdict,  # type: ignore[arg-type]
        p_value=0.5,
        expected=1.0,
        measured="<measured>",
        detectable=detectable,
        effect=effect,
        miss=1e-11,
    )


def made_up() -> list[Result]:
    """Return a result a claim: all of them held, and all mutants were refuted."""
    results = []
    for i, claim in enumerate(claim for claim in REGISTRY.values() if claim.subject in SUBJECTS):
        kind, size = SHAPES[i % len(SHAPES)]
        wrong = tuple((m.name, finding(kind, "refuted", size, 0.5)) for m in claim.mutants)
        results.append(Result(claim.id, finding(kind, "held", size, 0.0), wrong, 0.1))
    return results
