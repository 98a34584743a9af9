"""Numbers and sentences of a profile, for table and picture alike."""

from __future__ import annotations

import math
from collections.abc import Iterator

from profiles.loss import Loss
from profiles.record import Column, Profile
from profiles.slope import CONFIDENCE, Slope
from profiles.verdicts import ALPHA

MOST_LINES = 64
MARKS = {"exact": "", "wide limit": "~", "none": ""}


def size(log2: float) -> str:
    """Return a number that is given by its base-2 logarithm; nothing where there is none."""
    if math.isnan(log2):
        return "–"
    if log2 == -math.inf:
        return "0"
    return f"{2.0**log2:.4g}" if abs(log2) < 1000 else f"2^{log2:.5g}"


def expected(column: Column, position: int) -> str:
    """Return a closed form, with ~ before it where it is that of wide layers."""
    return MARKS[column.readings[position]] + size(column.expected[position])


def verdict(found: Profile, position: int) -> str:
    """Return the verdict at a position; the input has none, unless gradients were judged there."""
    here = found.at(position)
    return "" if position == 0 and here == "not judged" else here


def sees(found: Profile, position: int) -> str:
    """Return the smallest error of a step that was seen."""
    detectable = found.sees(position)
    return "" if detectable is None else "any" if detectable < 1e-9 else f"{detectable:.1%}"


def shown(found: Profile) -> list[int]:
    """Choose positions: all, or of deep networks some, with all that were refuted."""
    count = len(found.widths)
    every = -(-count // MOST_LINES)
    return [p for p in range(count) if p % every == 0 or p == count - 1 or found.at(p) == "refuted"]


def sentences(found: Profile) -> Iterator[str]:
    """Yield what there is to say of a profile as a whole."""
    counts = [found.at(position) for position in range(1, len(found.widths))]
    told = [
        f"{counts.count(word)} {word}" for word in ("held", "refuted", "too few draws", "not judged") if word in counts
    ]
    yield (
        f"{found.name}: {found.verdict} ({', '.join(told)})"
        if len(set(counts)) > 1
        else f"{found.name}: {found.verdict}"
    )
    yield from (f"refuted: {line}" for line in refutations(found))
    for theory in dict.fromkeys(step.theory for step in found.steps):
        at = _ranges([number for number, step in enumerate(found.steps, 1) if step.theory == theory])
        yield f"{'closed form' if not theory.startswith('no closed form') else 'none'}, block {at}: {theory}"
    for name, one in (("squared norm", found.forward_slope), ("squared norm of the gradient", found.gradient_slope)):
        if one is not None:
            yield _slope(name, one)
    if found.rarity is not None and found.rarity > found.draws / 10:
        yield (
            "the mean over draws is made by draws too rare to be among these, so that measured means fall behind it; "
            "verdicts rest on the steps from one depth to the next"
        )
    if found.state_draws == 0:
        yield "states leave float64 at this depth: no variances, means and active units"
    yield (
        f"{found.draws:,} draws"
        + (f", of states {found.state_draws:,}" if found.state_draws not in (0, found.draws) else "")
        + f" ({found.engine})"
    )


def _ranges(numbers: list[int]) -> str:
    """Write numbers in order as ranges, such as 1 to 3, 5."""
    starts = [number for number in numbers if number - 1 not in numbers]
    ends = [number for number in numbers if number + 1 not in numbers]
    return ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True))


def refutations(found: Profile) -> Iterator[str]:
    """Yield what was refuted, the first at each position."""
    seen = set[int]()
    for test, finding in found.findings:
        if finding.verdict == "refuted" and test.position not in seen:
            seen.add(test.position)
            if len(seen) > 5:
                yield "and at further positions, see the table"
                return
            ratio = f"{finding.measured:.4g}" if isinstance(finding.measured, float) else finding.measured
            told = f"{finding.expected:.4g}" if isinstance(finding.expected, float) else finding.expected
            yield f"{test.what} at position {test.position}: {ratio} times what theory says, expected {told}"


def _slope(name: str, one: Slope) -> str:
    text = f"log2 of the {name}, one draw: {one.measured:+.5f} ± {one.half_width:.5f} a block ({CONFIDENCE:.0%})"
    if one.expected is None or one.off is None:
        return f"{text}; theory has no mean logarithm here"
    off = f" to within {one.off:.1g}" if one.off > 1e-6 else ""
    return f"{text}; theory {one.expected:+.5f}{off}" + ("" if one.agrees else ", outside")


def of_loss(loss: Loss) -> Iterator[str]:
    """Yield the loss at the start and what the bounds say."""
    theory = "no closed form" if loss.expected is None else f"theory {loss.expected:.5g} ({loss.reading})"
    yield f"loss at the start: {loss.measured:.5g} ± {3 * loss.error:.2g} (three standard errors); {theory}"
    if not loss.bounds:
        yield "theorems 1 and 2 (Fixup): not asked, the logits are not homogeneous in states or single matrices"
    for bound in loss.bounds:
        tight = "" if math.isnan(bound.tightness) else f", elsewhere {bound.tightness:.0%} of the norm (median)"
        broken = f"; BROKEN in {bound.broken} draws" if bound.broken else ""
        yield (
            f"theorem {bound.theorem}, gradient {bound.what}: vacuous in {bound.vacuous:.0%} of {loss.draws} draws"
            f"{tight}{broken}"
        )


def error_rate() -> str:
    """Say what a refutation means."""
    return (
        f"false alarms: at most {ALPHA:g} a run, over all depths and tests (Bonferroni); ~ is the limit of wide layers"
    )
