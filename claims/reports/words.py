"""A finding in words and numbers, for the terminal and for the page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from claims.examine import Result
from evidence import Finding
from evidence.finding import POWER, percentage

MARKS = {"held": "✓", "refuted": "✗", "inconclusive": "?", "survived": "!"}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def status(result: Result) -> str:
    """Return the verdict of a claim, or "survived" if it held and one of its mutants was not refuted."""
    return "survived" if result.finding.verdict == "held" and not result.passed else result.finding.verdict


def text(value: float | str) -> str:
    """Return a number to four digits, a text as it is."""
    return value if isinstance(value, str) else f"{value:.4g}" if math.isfinite(value) else "none"


def size(value: float | str) -> str:
    """Return a detectable error as a percentage, a text as it is."""
    return value if isinstance(value, str) else percentage(value) if math.isfinite(value) else "no error"


def least_power(found: Finding) -> str:
    """Return the largest of the errors that may go unseen, in few letters: "13 %", or a power of ten of rounding."""
    if found.detectable == math.inf:
        return "none"
    largest = size(found.detectable).split(" to ")[-1].split(" ")[0]
    if largest.endswith("%"):
        return f"{float(largest[:-1]):.2g} %"
    return scientific(f"1e{math.ceil(math.log10(float(largest))):+d}") if float(largest) else "0"


def measured(found: Finding) -> str:
    """Return what was measured, in a few words."""
    says = "" if found.non_vacuous in (None, 1.0) else f", {found.non_vacuous:.0%} not vacuous"
    return re.sub(r"^gap (\d+%) of tolerance", r"gap \1 of bound", text(found.measured)) + says


def sentence(found: Finding) -> str:
    """Return what was measured as a sentence, or an empty text where it is a number that stands for itself."""
    if not isinstance(found.measured, str):
        return ""
    if agreement := re.fullmatch(r"gap (\d+)% of tolerance", found.measured):
        share = f"{agreement[1]}%" if agreement[1] != "0" else "less than 1%"
        return (
            f"Both sides agree within the bound derived for their difference, by rounding or by what the statement "
            f"leaves out: the largest difference is {share} of it."
        )
    if found.measured == "bit for bit":
        return "Both sides are equal, to the last bit."
    if tight := re.fullmatch(r"(\d+)% tight", found.measured):
        return f"No draw violates it; at the median the smaller side is {tight[1]}% of the larger one."
    return f"{found.measured[0].upper()}{found.measured[1:]}."


def wrongs(result: Result) -> Iterator[str]:
    """Yield what went wrong with a claim and with its mutants, each as a sentence about the claim."""
    if result.finding.verdict != "held":
        yield f"is {result.finding.verdict}: {reason(result.finding)}."
    for name, found in result.mutants:
        if found.verdict != "refuted":
            yield f"has a mutant “{name}” that is not refuted but {found.verdict}: {reason(found)}."
        elif found.miss > 1 - POWER:
            yield (
                f"has a mutant “{name}” too close to the truth to be admitted: with other draws it might survive with "
                f"probability {found.miss:.0e}."
            )


def reason(found: Finding) -> str:
    """Say in numbers, or as the evidence noted it, how a verdict came about."""
    if found.verdict == "inconclusive":
        return found.note or "nothing can be said"
    sees = (
        "where nothing is seen"
        if found.detectable == math.inf
        else f"where errors of {size(found.detectable)} are seen"
    )
    seen = f"expected {text(found.expected)}, measured {measured(found)}, {sees}"
    if found.verdict == "held":
        return seen
    chance = "never" if found.p_value is None else f"with probability {max(found.p_value, 1e-300):.0e} at most"
    return f"{seen}; a true claim is so far off {chance}" + (f"; {found.note}" if found.note else "")


def survival(found: Finding) -> str:
    """Return the probability that a mutant survives other draws, in words."""
    return "would never survive" if found.miss == 0 else f"survives with p ≤ {found.miss:.0e}"


def scientific(words: str) -> str:
    """Write the powers of ten of a text as people do: 2e-14 as 2 × 10⁻¹⁴."""

    def written(number: re.Match[str]) -> str:
        power = f"10{str(int(number[2])).translate(SUPERSCRIPTS)}"
        return "0" if float(number[1]) == 0 else power if number[1] == "1" else f"{number[1]} × {power}"

    return re.sub(r"\b(\d(?:\.\d+)?)e([+-]\d+)\b", written, words)


def spaced(words: str) -> str:
    """Write percentages, powers of ten and minus signs as books do, and keep what belongs together on a line."""
    words = re.sub(r"(?<=\d)%", "\u202f%", scientific(words))
    return re.sub(r"(?<![\w.)])-(?=\d)", "−", words).replace("p ≤ ", "p\u00a0≤\u00a0").replace(" × ", "\u00a0×\u00a0")
