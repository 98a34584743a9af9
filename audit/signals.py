"""Faults that need no rule: parameters without a gradient, units that never speak, weights that were drawn once."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from audit.fans import Part
from audit.measured import Measured, Module
from audit.statement import AuditError, Statement

SILENT = 2 / 3
"""The share of outputs that a rectifier may turn to 0, on average over seeds; half, if its inputs are symmetric."""
RECTIFIERS = {"ReLU", "ReLU6", "LeakyReLU", "Hardswish", "Hardtanh", "Threshold"}

ENDS = {"Tanh": (-1, 1), "Sigmoid": (0, 1), "Softsign": (-1, 1), "Hardtanh": (-1, 1), "Hardsigmoid": (0, 1)}
"""Where activations end. Within 1 / 200 of the range they are called saturated, as |tanh| > .99."""
SATURATED = 1 / 2
"""The share of outputs that may be saturated, on average over seeds."""
DEAD, INPUTS = 1 / 4, 16
"""A share of units that are 0 for all inputs, so many at least, which is noted."""

FIRST = 64
"""So many entries of a parameter, which show as a rule that it is drawn at random, are looked at first."""

STEPS = 20
"""Over so many steps what a forget gate keeps is told."""


def refuse_shared(found: Measured) -> None:
    """Raise AuditError if the factory returns the same random weights under every seed."""
    drawn = [key for key, arrays in found.entries.items() if _random(arrays[0]) and key not in found.frozen]
    if drawn and all(np.array_equal(found.entries[key][0], found.entries[key][1]) for key in drawn):
        raise AuditError(
            "the factory returned the same weights under different seeds; expected new ones at each call: "
            "it must not set a seed, load weights or keep a model"
        )


def draws(found: Measured) -> Iterator[Statement]:
    """Say which parameters are the same in every draw, and which are copies of each other."""
    first: dict[bytes, str] = {}
    copies = []
    for key, arrays in found.entries.items():
        if not _random(arrays[0]):
            continue
        if np.array_equal(arrays[0], arrays[1]) and key not in found.frozen:
            yield _against("draws", key, "the same numbers under every seed", "drawn from a seed of its own, or loaded")
        same = first.setdefault(arrays[0].tobytes(), key)
        if same != key:
            copies.append((key, same))
    if copies:
        some = ", ".join(f"{key} as {same}" for key, same in copies[:2])
        words = f"{len(copies)} parameters have the same numbers as others: {some}"
        yield _against("draws", copies[0][0], words, "a layer was copied after it was drawn, or a seed set twice")


def gradients(found: Measured) -> Iterator[Statement]:
    """Say which parameters have no gradient at the first step, whatever the seed."""
    dead, zero = [], set(zeros(found))
    for key, row in found.gradients.items():
        if key in found.frozen:
            continue
        if np.isnan(row).all():
            cause = "it is not used, or what it makes is detached"
            yield _against("gradient", key, "no path leads from the output back to it", cause)
        elif (np.nan_to_num(row) == 0).all():
            dead.append(key)
        elif np.isinf(row).any():
            cause = _first_bad(found)
            yield _against("gradient", key, f"NaN or infinite under {np.isinf(row).sum()} of {row.size} seeds", cause)
    alive = [key for key in found.gradients if key not in dead]
    cause = (
        f"all entries are 0 in {', '.join(sorted(zero)[:3])}"
        if zero
        else "a rectifier that never speaks, or a zero factor"
    )
    if dead and not found.reached:
        words = (
            f"no gradient at the first step, as {len(dead)} of {len(found.gradients)} parameters; {len(alive)} have one"
        )
        yield _against("gradient", dead[0], f"{words}, and none reaches the input", cause)
    elif dead:
        words = (
            f"no gradient at the first step: {len(dead)} of {len(found.gradients)} parameters, {', '.join(dead[:3])}"
        )
        yield Statement(kind="gradient", where=dead[0], verdict="note", words=words, cause=cause)


def _first_bad(found: Measured) -> str:
    """Name the first module on the way back at whose output the gradient is not finite, by what is behind it."""
    order = [one for one in found.in_order() if "gradient not finite" in one.moments][::-1]
    bad = next((number for number, one in enumerate(order) if one.mean("gradient not finite") > 0), None)
    if bad is None:
        return "the gradient is finite at every module's output"
    return f"the gradient is not finite at the output of {order[bad].name or 'the model'} ({order[bad].kind})"


def forgetting(found: Measured) -> Iterator[Statement]:
    """Say what an LSTM's forget gates keep, whose two biases add up, if either was set to a number."""
    lstms = {f"{one.name}.".lstrip(".") + "bias_ih" for one in found.in_order() if one.kind.startswith("LSTM")}
    for key in [one for one in found.entries if any(one.startswith(start) for start in lstms)]:
        pair = [found.entries[name][0] for name in (key, key.replace("bias_ih", "bias_hh"))]
        own = [one[len(one) // 4 : len(one) // 2] for one in pair]
        if any(_set(one) for one in own):
            total = float((own[0] + own[1]).mean())
            keeps = 1 / (1 + math.exp(-total))
            words = (
                f"the forget gate's two biases, {own[0].mean():.3g} and {own[1].mean():.3g}, add up to {total:.3g}: "
                f"without input a cell keeps {keeps:.3g} a step, {keeps**STEPS:.2g} over {STEPS}"
            )
            cause = "both biases were set" if all(_set(one) for one in own) else ""
            numbers = {"bias": total, "keeps a step": keeps, f"keeps over {STEPS}": keeps**STEPS}
            yield Statement(kind="recurrence", where=key, verdict="note", words=words, cause=cause, numbers=numbers)


def _set(gate: np.ndarray) -> bool:
    """Whether all entries are one number that is not 0."""
    return bool(gate[0] != 0 and (gate == gate[0]).all())


def zeros(found: Measured) -> list[str]:
    """Return the weights that are all 0."""
    weights = {one.parameter for one in found.parts if one.role == "weight"}
    return [key for key, arrays in found.entries.items() if key in weights and not any(one.any() for one in arrays)]


def rectifiers(found: Measured) -> list[Module]:
    """Return the modules that may turn their inputs to 0."""
    return [one for one in found.in_order() if one.kind in RECTIFIERS and "output zeros" in one.moments]


def silent(found: Measured, share: float) -> Iterator[Statement]:
    """Say which rectifiers turn more than two thirds of their inputs to 0.

    By Chernoff's bound (Hoeffding 1963, theorem 1) shares of independent seeds whose mean is at most p average to q or
    more with probability at most exp(-seeds KL(q || p)).
    """
    for module in rectifiers(found):
        fresh = np.clip(module.moments["output zeros"] - module.moments["input zeros"], 0, 1)
        average = float(fresh.mean())
        if average > SILENT and math.exp(-fresh.size * _divergence(average, SILENT)) <= share:
            words = f"a share of {average:.3g} of its inputs becomes 0; a half is usual"
            yield _against("activation", module.name, words, _before(module, found), average)


def saturating(found: Measured) -> list[Module]:
    """Return the modules whose outputs can saturate."""
    return [one for one in found.in_order() if "saturated" in one.moments]


def saturated(found: Measured, share: float) -> Iterator[Statement]:
    """Say which activations are mostly at an end of their range, by the bound of `silent`, and which units are dead."""
    for module in saturating(found):
        average = module.mean("saturated")
        if average > SATURATED and math.exp(-found.seeds * _divergence(average, SATURATED)) <= share:
            words = f"a share of {average:.3g} of its outputs is saturated"
            yield _against("activation", module.name, words, _before(module, found), average)
    for module in rectifiers(found):
        average, inputs = module.mean("dead units"), module.mean("inputs a unit")
        if average > DEAD and inputs >= INPUTS:
            words = f"a share of {average:.3g} of its units is 0 for all {inputs:.0f} inputs"
            cause = "no gradient reaches their weights from this batch"
            yield Statement(kind="activation", where=module.name, verdict="note", words=words, cause=cause)


def _before(module: Module, found: Measured) -> str:
    """Compare the mean and the deviation of what comes in, and name the bias of the layer before."""
    mean, square = module.mean("input mean"), module.mean("input mean square")
    deviation = math.sqrt(max(0.0, square - mean**2))
    earlier = [one for one in found.in_order() if one.squares is not None and one.order < module.order]
    key = f"{earlier[-1].name}.bias" if earlier else ""
    bias = f"; {key} is {float(np.mean(found.entries[key][0])):.3g} on average" if key in found.entries else ""
    return f"its input has mean {mean:.3g} and deviation {deviation:.3g}{bias}"


def _divergence(one: float, other: float) -> float:
    rest = (1 - one) * math.log((1 - one) / (1 - other)) if one < 1 else 0.0
    return one * math.log(one / other) + rest


def _random(array: np.ndarray) -> bool:
    few = min(8, array.size - 1)
    return any(len(np.unique(one)) > few > 0 for one in (array.reshape(-1)[:FIRST], array))


def _against(kind: str, where: str, words: str, cause: str, severity: float = math.inf) -> Statement:
    return Statement(kind=kind, where=where, verdict="against", words=words, cause=cause, severity=severity)  # type: ignore[arg-type]


def tested(parts: list[Part]) -> list[Part]:
    """Return the parts whose initialiser is tested: weights and embeddings."""
    return [one for one in parts if one.role in ("weight", "embedding")]
