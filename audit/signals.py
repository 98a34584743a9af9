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
        elif np.isinf(row).any():
            cause = "such as the root, or the norm, of zeros"
            yield _against("gradient", key, f"NaN or infinite under {np.isinf(row).sum()} of {row.size} seeds", cause)
        elif (np.nan_to_num(row) == 0).all():
            dead.append(key)
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
    return array.size > 1 and bool((array != array.flat[0]).any()) and len(np.unique(array)) > min(8, array.size - 1)


def _against(kind: str, where: str, words: str, cause: str, severity: float = math.inf) -> Statement:
    return Statement(kind=kind, where=where, verdict="against", words=words, cause=cause, severity=severity)  # type: ignore[arg-type]


def tested(parts: list[Part]) -> list[Part]:
    """Return the parts whose initialiser is tested: weights and embeddings."""
    return [one for one in parts if one.role in ("weight", "embedding")]
