"""The rules by which weights are drawn: a name and the variance as a function of the fans.

Some rules take a number (``deviation:0.05``, ``siren:30``), some count residual blocks. The latter take their counts
from the claim (``gpt2_residual:12``, ``fixup:54:2``) or from the blocks that were found. Fans that cannot be known, as
of a kernel for einsum, are claimed as well: ``glorot@64x64``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audit.statement import AuditError

Rule = Callable[[float, float], float]
RULES: dict[str, tuple[str, Rule]] = {
    "he_fan_in": ("He, 2 / fan_in", lambda fan_in, fan_out: 2 / fan_in),
    "lecun": ("LeCun, 1 / fan_in", lambda fan_in, fan_out: 1 / fan_in),
    "glorot": ("Glorot, 2 / (fan_in + fan_out)", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "he_fan_out": ("He, 2 / fan_out", lambda fan_in, fan_out: 2 / fan_out),
    "lecun_fan_out": ("1 / fan_out", lambda fan_in, fan_out: 1 / fan_out),
    "he_average": ("He by the average of the fans", lambda fan_in, fan_out: 4 / (fan_in + fan_out)),
    "pytorch": (
        "PyTorch's default, 1 / (3 fan_in): kaiming_uniform_ with a = sqrt 5",
        lambda fan_in, fan_out: 1 / (3 * fan_in),
    ),
}
"""By the name that --claim takes; these are also looked for without a claim."""
SAME = {"caffe": "lecun", "lecun_average": "glorot", "mup": "lecun"}
"""Other names: Caffe's Xavier is uniform of variance 1 / fan_in; muP's hidden layers are LeCun's."""
ONLY_CLAIMED: dict[str, tuple[str, Rule]] = {
    "mup_output": ("muP's output, 1 / fan_in^2", lambda fan_in, fan_out: 1 / fan_in**2),
    "siren_first": ("SIREN's first layer, uniform within 1 / fan_in", lambda fan_in, fan_out: 1 / (3 * fan_in**2)),
    "zero": ("zero", lambda fan_in, fan_out: 0.0),
}
WITH_NUMBER: dict[str, tuple[float, Callable[[float], Rule]]] = {
    "deviation": (0.02, lambda deviation: lambda fan_in, fan_out: deviation**2),
    "siren": (30.0, lambda frequency: lambda fan_in, fan_out: 2 / (fan_in * frequency**2)),
}
"""Rules that take a number, and the number without one. SIREN: uniform within sqrt(6 / fan_in) / frequency."""
KEPT = "kept"
"""What is claimed of modules, not of weights: that they keep the mean square of their input."""
NUMBERS: dict[str, float] = {
    "deviation 0.02 (BERT, GPT-2)": 0.02**2,
    "deviation 0.01": 0.01**2,
    "deviation 1": 1.0,
}


@dataclass(frozen=True)
class Depth:
    """Residual blocks, and layers with weights in each, as they were found or claimed; 0 of what is not known."""

    blocks: int = 0
    layers: int = 0


@dataclass(frozen=True)
class Scaled:
    """A rule whose deviation is that of another times a power of the depth."""

    words: str
    base: Rule
    formula: str
    """How the deviation is written: {} stands for that of the base."""
    scale: Callable[[Depth], float]
    missing: str
    """What is missing where the scale is."""
    slips: tuple[tuple[str, Callable[[Depth], float]], ...] = ()
    """Scales that are taken for this one."""

    def rule(self, depth: Depth) -> Rule:
        """Return the variance as a function of the fans."""
        return lambda fan_in, fan_out: self.base(fan_in, fan_out) * self.scale(depth) ** 2

    def told(self, depth: Depth, fans: tuple[float, float]) -> str:
        """Return the claimed deviation, in numbers."""
        base = f"{math.sqrt(self.base(*fans)):.3g}"
        return self.formula.format(base, N=depth.blocks, L=depth.blocks, twice=2 * depth.blocks, m=depth.layers)

    def mistakes(self, depth: Depth, fans: tuple[float, float]) -> Mapping[str, float]:
        """Return variances by what went wrong."""
        base, scale, claimed = self.base(*fans), self.scale(depth), self.told(depth, fans)
        wrong = {f"{self.missing} is missing": 1.0, "the scale was put on the variance": math.sqrt(scale)}
        wrong |= {words: slip(depth) for words, slip in self.slips}
        return {
            f"std is {math.sqrt(base) * factor:.3g} where {claimed} was claimed: {words}": base * factor**2
            for words, factor in wrong.items()
        }


def _fixup(depth: Depth) -> float:
    """Fixup's L^(-1 / (2 m - 2)), of the layers before the last of a branch of m."""
    return float(depth.blocks ** (-1 / (2 * depth.layers - 2)))


def _power(factor: float, exponent: float) -> Callable[[Depth], float]:
    return lambda depth: float((factor * depth.blocks) ** exponent)


_GLOROT, _RESIDUAL = RULES["glorot"][1], "the scaling of residual projections"
_POWERS = "the scaling of the value path"
SCALED: dict[str, Scaled] = {
    "gpt2_residual": Scaled(
        "GPT-2's residual projections, 0.02 / sqrt(2 N) for N blocks", lambda fan_in, fan_out: 0.02**2,
        "{0}/sqrt({twice})", _power(2, -0.5), _RESIDUAL,
        (("N blocks have 2 N branches, and N was taken", _power(1, -0.5)),),
    ),
    "fixup": Scaled(
        "Fixup, He times L^(-1/(2 m - 2)) for L branches of m layers", RULES["he_fan_in"][1],
        "{0} * {L}^(-1/(2*{m}-2))", _fixup, "Fixup's scale",
        (("L^(-1/2), as of branches of two layers", _power(1, -0.5)),),
    ),
    "t_fixup_encoder": Scaled(
        "T-Fixup's encoder, Glorot times 0.67 N^(-1/4)", _GLOROT,
        "{0} * 0.67 * {N}^(-1/4)", lambda depth: 0.67 * _power(1, -0.25)(depth), _POWERS,
        (("the decoder's (9 N)^(-1/4)", _power(9, -0.25)),),
    ),
    "t_fixup_decoder": Scaled(
        "T-Fixup's decoder, Glorot times (9 N)^(-1/4)", _GLOROT,
        "{0} * (9*{N})^(-1/4)", _power(9, -0.25), _POWERS,
        (("the encoder's 0.67 N^(-1/4)", lambda depth: 0.67 * _power(1, -0.25)(depth)),),
    ),
    "deepnorm": Scaled(
        "DeepNorm's value path, Glorot times (8 N)^(-1/4) for N layers", _GLOROT,
        "{0} * (8*{N})^(-1/4)", _power(8, -0.25), _POWERS,
        (("the decoder's (12 N)^(-1/4)", _power(12, -0.25)),),
    ),
    "deepnorm_decoder": Scaled(
        "DeepNorm's decoder beside an encoder, Glorot times (12 N)^(-1/4)", _GLOROT,
        "{0} * (12*{N})^(-1/4)", _power(12, -0.25), _POWERS,
        (("(8 N)^(-1/4), as of a decoder alone", _power(8, -0.25)),),
    ),
}  # fmt: skip
"""Rules that count blocks."""


@dataclass(frozen=True)
class Claim:
    """What weights are claimed to be drawn by."""

    text: str
    rule: Rule
    scaled: Scaled | None = None
    depth: Depth = Depth()
    fans: tuple[float, float] | None = None

    def mistakes(self, fans: tuple[float, float]) -> Mapping[str, float]:
        """Return the variances that mistakes with this rule's scale give."""
        return self.scaled.mistakes(self.depth, fans) if self.scaled else {}


def names() -> tuple[str, ...]:
    """Return what can be claimed."""
    return (*RULES, *SAME, *ONLY_CLAIMED, *WITH_NUMBER, *SCALED)


def claimed(text: str, found: Depth = Depth()) -> Claim:
    """Return the claim that is written ``rule``, ``rule:number``, ``rule:blocks:layers`` or ``rule@fan_inxfan_out``.

    Raises
    ------
    AuditError
        If there is no such rule, a number makes no sense, or blocks were neither claimed nor found.
    """
    before, at, behind = text.partition("@")
    name, *given = before.split(":")
    fans = _numbers(text, behind.split("x"), 2, whole=True) if at else None
    pair = (fans[0], fans[1]) if fans else None
    if name in SCALED:
        counts = _numbers(text, given, 2 if name == "fixup" else 1, whole=True, most=True)
        depth = Depth(*(int(one) for one in counts), *(found.blocks, found.layers)[len(counts) :])
        _enough(name, depth)
        return Claim(text, SCALED[name].rule(depth), SCALED[name], depth, pair)
    if name in WITH_NUMBER:
        usual, with_number = WITH_NUMBER[name]
        (number,) = _numbers(text, given, 1) if given else (usual,)
        return Claim(text, with_number(number), fans=pair)
    rule = named(name)
    _numbers(text, given, 0)
    return Claim(text, rule, fans=pair)


def named(name: str) -> Rule:
    """Return the rule of this name, one that needs no number.

    Raises
    ------
    AuditError
        If there is none.
    """
    known = RULES | ONLY_CLAIMED
    if (name := SAME.get(name, name)) not in known:
        raise AuditError(f"no rule is called {name!r}; expected one of {', '.join((*names(), KEPT))}")
    return known[name][1]


def _enough(name: str, depth: Depth) -> None:
    least = 2 if name == "fixup" else 0
    if depth.blocks < 1 or depth.layers < least:
        form = f"{name}:{depth.blocks or 12}" + (":2" if name == "fixup" else "")
        raise AuditError(f"{name} counts residual blocks, and {depth.blocks} were found; say how many, as {form}")


def _numbers(text: str, given: list[str], count: int, *, whole: bool = False, most: bool = False) -> list[float]:
    """Return positive numbers, as many as `count`, or at most as many."""
    try:
        numbers = [float(one) for one in given]
    except ValueError:
        numbers = [math.nan]
    fine = all(0 < one < math.inf and (not whole or one == int(one)) for one in numbers)
    if not fine or not (len(numbers) == count or (most and len(numbers) < count)):
        kind = "whole numbers" if whole else "numbers"
        raise AuditError(f"claim {text!r}: expected {'at most ' * most}{count} positive {kind} behind the rule's name")
    return numbers
