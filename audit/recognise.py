"""By which rule a parameter was drawn, with its true fans; and if by none, which wrong reading of the fans explains it.

The variance has a confidence interval at any law of independent entries whose kurtosis is at most 3
(`evidence.initialisers.ratio`). A rule is one that the interval allows, so a sound parameter is called unsound with at
most the probability that the interval misses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from audit.fans import Part
from audit.measured import ENTRIES, Array, Measured
from audit.rules import NUMBERS, RULES, SCALED, Claim, Depth, Rule
from audit.statement import Statement, Verdict
from evidence import MeanTest, Stated
from evidence.initialisers.causes import causes
from evidence.initialisers.dependent import ROUNDINGS, orthogonality
from evidence.initialisers.ratio import interval
from evidence.initialisers.stated import CDF, TRUNCATED

TESTS = 2
"""Of a weight: its variance and its mean."""
WIDEST = 1.5
"""Ends of an interval that are further apart tell no rule from another."""
REFERENCE = Stated(1, 1, variance=1.0)


@dataclass(frozen=True)
class Recognised:
    """What is said of a parameter, and the variance that a rule gives it, if one does."""

    statement: Statement
    variance: float = math.nan
    allowed: Mapping[str, float] = field(default_factory=dict)
    """The variances of all rules that fit, by their names, where no claim says which it is."""
    part: Part | None = None
    ends: tuple[float, float] = (math.nan, math.nan)
    """The interval of the variance, where no claim was made and entries are independent."""


def recognise(part: Part, found: Measured, claim: Claim | None, share: float, depth: Depth) -> Recognised:
    """Test a parameter's entries against a claim, or find the rule that they allow; `depth` is for rules that count."""
    if claim and claim.fans:
        part = replace(part, role="weight", fan_in=claim.fans[0], fan_out=claim.fans[1])
    arrays = [one.astype(np.float64) for one in found.entries[part.parameter]]
    entries = np.concatenate([one[slice(*part.rows)].ravel() if one.ndim else one.ravel() for one in arrays])
    entries = entries[:: math.ceil(entries.size / ENTRIES)]
    if (entries == entries[0]).all():
        return _constant(part, float(entries[0]), claim)
    if part.role in ("bias", "other"):
        return _said(part, "sound" if part.role == "bias" else "note", _plain(part, entries))
    if (turned := _orthogonal(part, arrays, claim)) is not None:
        return turned
    low, high = interval(REFERENCE, entries, share)
    mean = MeanTest(0.0, variance=high, error=0.1, alpha=share, unit=math.sqrt(high))(entries)
    if mean.verdict == "refuted":
        words = f"the mean of the entries is {float(mean.measured):.3g} at a deviation of {entries.std():.3g}"
        return _said(part, "against", words, "entries are not centred", 1.0)
    if high > WIDEST * low:
        return _said(
            part, "unsure", f"variance {low:.3g} to {high:.3g}: too few entries to tell rules apart; more seeds"
        )
    law = _law(entries)
    if claim:
        shape = found.entries[part.parameter][0].shape
        return _claimed(part, entries, (low, high), claim, law, shape)
    return replace(_found(part, (low, high), law, depth), part=part, ends=(low, high))


def _claimed(
    part: Part, entries: Array, ends: tuple[float, float], claim: Claim, law: str, shape: tuple[int, ...]
) -> Recognised:
    fans = part.fan_in, part.fan_out
    meant = claim.rule(*fans)
    if meant == 0:
        return _said(part, "against", f"{law}, variance {ends[0]:.3g} to {ends[1]:.3g}", "claimed to be zero", math.inf)
    seen = f"{law}, variance {_times(ends, meant)} times the claimed {meant:.3g}"
    if ends[0] <= meant <= ends[1]:
        return _said(part, "sound", seen, variance=meant)
    told = [words for words, value in claim.mistakes(fans).items() if _in(value, ends)]
    if not told:
        readings = _readings(part, claim.rule, law)
        told = [f"{words}: {value / meant:.3g}" for words, value in readings if _in(value, ends)]
    if not told:
        told = list(_consistent(part, entries, ends, meant, claim, shape))
    cause = "; ".join(told) or "fits no cause known here"
    return _said(part, "against", seen, cause, abs(math.log(ends[0] * ends[1]) / 2 - math.log(meant)), meant)


def _consistent(
    part: Part, entries: Array, ends: tuple[float, float], meant: float, claim: Claim, shape: tuple[int, ...]
) -> Iterator[str]:
    """Yield the causes that `evidence` knows, where the fans are whole numbers; of claimed fans also by the shape."""
    if part.fan_in == int(part.fan_in):
        sides = shape if claim.fans else None
        stated = Stated(int(part.fan_in), int(part.fan_out), variance=claim.rule, shape=sides)
        yield from causes(stated, entries / math.sqrt(meant), (ends[0] / meant, ends[1] / meant))


def _found(part: Part, ends: tuple[float, float], law: str, depth: Depth) -> Recognised:
    allowed = [(name, words, rule(part.fan_in, part.fan_out)) for name, (words, rule) in RULES.items()]
    fitting = [(name, words, value) for name, words, value in allowed if _in(value, ends)]
    fitting = [one for one in fitting if one[0] != "he_average" or len(fitting) == 1]  # the same of a square matrix
    if part.role == "weight" and fitting:
        words = " or ".join(words for _, words, _ in fitting)
        value = fitting[0][2]
        untouched = all(name == "pytorch" for name, _, _ in fitting)
        kept = f"; keeps {value * part.fan_in:.3g} of the mean square of its input" if untouched else ""
        told = _said(part, "note" if untouched else "sound", f"{law}: {words}{kept}", variance=value)
        return replace(told, allowed={name: value for name, _, value in fitting})
    for words, value in _constants(part):
        if _in(value, ends):
            return _said(part, "note", f"{law}: {words}", variance=value)
    counted = [(words, value) for words, value in _counted(part, depth) if _in(value, ends)]
    for _, (name, rule) in RULES.items():
        meant = rule(part.fan_in, part.fan_out)
        for words, value in _readings(part, rule, law):
            if _in(value, ends) and counted:
                either = f"{law}: either {counted[0][0]}, or {name}, with {words}"
                return _said(part, "unsure", either, "both give this variance; claim which is meant")
            if _in(value, ends):
                ratio = value / meant
                said = f"{law}: {name}, with {ratio:.3g} of the variance that its true fans give"
                return _said(part, "against", said, f"{words}{_logits(part, ratio)}", abs(math.log(ratio)), value)
    if counted:
        return _said(part, "note", f"{law}: {' or '.join(words for words, _ in counted)}", variance=counted[0][1])
    return _said(part, "note", f"{law}, variance {ends[0]:.3g} to {ends[1]:.3g}: no rule known here")


def _counted(part: Part, depth: Depth) -> Iterator[tuple[str, float]]:
    """Yield the rules that count blocks, of a weight in a net that has some."""
    if part.role == "weight" and depth.layers >= 2:
        for scaled in SCALED.values():
            meant = scaled.rule(depth)(part.fan_in, part.fan_out)
            yield f"{scaled.words}, here {depth.blocks}", meant


def _readings(part: Part, rule: Rule, law: str) -> Iterator[tuple[str, float]]:
    for reading in part.readings:
        if reading.only and rule is not RULES[reading.only][1]:
            continue
        value = rule(reading.fan_in, reading.fan_out)
        if not math.isclose(value, rule(part.fan_in, part.fan_out)):
            yield reading.words, value
    if law == "truncated":
        yield "cut off at two deviations, and not corrected for it", TRUNCATED * rule(part.fan_in, part.fan_out)


def _constants(part: Part) -> Iterator[tuple[str, float]]:
    yield from NUMBERS.items()
    if part.hidden:
        yield f"PyTorch's default, uniform within 1 / sqrt({part.hidden} units)", 1 / (3 * part.hidden)
    if part.role == "embedding":
        yield "1 / width", 1 / part.fan_out


def _logits(part: Part, ratio: float) -> str:
    if part.what != "q, k and v":
        return ""
    return f"; each of q, k and v has {ratio:.3g} of its variance, so attention logits have {ratio**2:.3g} of theirs"


def _constant(part: Part, value: float, claim: Claim | None) -> Recognised:
    words = f"every entry is {value:.3g}"
    if part.role == "weight" and claim:
        if value == 0 and claim.rule(part.fan_in, part.fan_out) == 0:
            return _said(part, "sound", words)
        return _said(part, "against", words, "claimed to be drawn by a rule", math.inf)
    plain = part.role == "other" or (part.role == "bias" and value == 0)
    return _said(part, "sound" if plain else "note", words)


def _orthogonal(part: Part, arrays: list[Array], claim: Claim | None) -> Recognised | None:
    """Recognise matrices with orthonormal rows or columns, of one block or of a stack of blocks."""
    if (own := _gain([one[slice(*part.rows)] for one in arrays])) is None:
        if part.blocks == 1 or (whole := _gain(arrays)) is None:
            return None
        outputs, inputs = part.rows[1] - part.rows[0], arrays[0][0].size
        ratio = max(outputs, inputs) / max(len(arrays[0]), inputs)
        words = f"orthogonal with gain {whole[0]:.3g} over a stack; each block has {ratio:.3g} of the variance meant"
        cause = f"drawn as one matrix of {part.blocks} blocks ({part.what}){_logits(part, ratio)}"
        return _said(part, "against", words, cause, abs(math.log(ratio)))
    gain, square = own
    meant = claim.rule(part.fan_in, part.fan_out) if claim else square
    if not math.isclose(meant, square, rel_tol=1e-4):
        words = f"orthogonal, variance {square:.4g} against the claimed {meant:.4g}"
        return _said(part, "against", words, "drawn by another rule", 1.0)
    return _said(part, "sound", f"{'identity' if _identity(arrays[0], gain) else 'orthogonal'}, gain {gain:.3g}")


def _identity(array: Array, gain: float) -> bool:
    """Whether a matrix with orthonormal rows or columns keeps every input, or output, as it is."""
    kept = array[array != 0]
    return len(kept) == min(len(array), array[0].size) and bool(np.allclose(kept, gain))


def _gain(arrays: list[Array]) -> tuple[float, float] | None:
    """Return gain and mean square of matrices with orthonormal rows or columns, or None of others."""
    flat = np.stack([one.reshape(len(one), -1) for one in arrays[:2]])
    if min(flat.shape[1:]) < 2:
        return None
    longest = max(flat.shape[1:])
    rounding = ROUNDINGS * longest * float(np.finfo(np.float32).eps)
    norms = (flat**2).sum(axis=1 + int(np.argmax(flat.shape[1:])))
    if (np.ptp(norms, axis=1) > 2 * rounding * norms.mean(axis=1)).any():
        return None  # norms differ, which costs less to see than angles
    squares, gaps = orthogonality(flat)
    if (gaps > rounding).any():
        return None
    return math.sqrt(squares[0] * longest), float(squares[0])


def _plain(part: Part, entries: Array) -> str:
    return f"{_law(entries)}, mean {entries.mean():.3g}, deviation {entries.std():.3g}"


def _law(entries: Array) -> str:
    """Return the law that the entries, brought to variance 1, are least unlike, if they can have it."""
    some = entries[:: math.ceil(entries.size / 20_000)]
    scaled = (some - some.mean()) / some.std()
    fits = {name: stats.ks_1samp(scaled, cdf, mode="asymp").pvalue for name, cdf in CDF.items()}
    best = max(fits, key=lambda name: float(fits[name]))
    return best if fits[best] > 1e-3 else "another law"


def _in(value: float, ends: tuple[float, float]) -> bool:
    return ends[0] <= value <= ends[1]


def _times(ends: tuple[float, float], unit: float) -> str:
    return f"{ends[0] / unit:.3g} to {ends[1] / unit:.3g}"


def _said(
    part: Part, verdict: Verdict, words: str, cause: str = "", severity: float = 0.0, variance: float = math.nan
) -> Recognised:
    statement = Statement(
        kind="initialiser", where=part.name, verdict=verdict, words=words, cause=cause, severity=severity,
        numbers={"variance": variance},
    )  # fmt: skip
    return Recognised(statement, variance)
