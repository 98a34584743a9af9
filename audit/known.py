"""What an audit knows of parameters for the whole net: the variances that rules give, and where only draws tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from audit.measured import Array, Measured
from audit.recognise import REFERENCE, Recognised
from audit.state import Known
from evidence.initialisers.ratio import interval


def knowledge(found: Measured, recognised: Mapping[str, list[Recognised]], share: float) -> Known:
    """Return what is known of a model's parameters and modules.

    Where several rules fit a weight, it is the one that fits most weights of the model; if that is not one, none is.
    """
    fitting = Counter(rule for group in recognised.values() for one in group for rule in one.allowed)

    def weight(name: str) -> tuple[float, str]:
        if name not in found.entries:
            return math.nan, ""
        arrays = found.entries[name]
        if not any(one.any() for one in arrays):
            return 0.0, ""
        variances = {value for one in recognised.get(name, []) for value in _variances(one, fitting)}
        variance = next(iter(variances), math.nan)
        if len(variances) != 1 or math.isnan(variance):
            return _square(arrays), f"not one rule alone fits {name}"
        if name in found.tied:
            return variance, f"{name} is tied to other weights"
        return variance, f"{name} is the same under every seed" if np.array_equal(arrays[0], arrays[1]) else ""

    def bias(name: str) -> tuple[float, float, str]:
        arrays = found.entries.get(name, []) if name else []
        if not arrays or constant(name):
            values = np.unique(arrays[0]) if arrays else np.zeros(1)
            return (0.0, float(values[0]), "") if values.size == 1 else (_square(arrays), 0.0, f"{name} is not drawn")
        square, fan_in = _square(arrays), next((one.fan_in for one in found.parts if one.name == name), math.nan)
        entries, most = np.concatenate([one.ravel() for one in arrays]).astype(np.float64), 1 / math.sqrt(fan_in)
        low, high = interval(REFERENCE, entries, share)
        usual = bool(np.abs(entries).max() <= most * (1 + 1e-6)) and low <= most**2 / 3 <= high
        return (most**2 / 3, 0.0, "") if usual else (square, 0.0, f"no rule draws {name}")

    def constant(name: str) -> bool:
        arrays = found.entries.get(name)
        return arrays is None or all(np.array_equal(one, arrays[0]) for one in arrays)

    def seen(name: str, side: str) -> float:
        module = found.modules.get(name)
        return module.mean(f"{side} mean square") if module is not None else math.nan

    return Known(weight, bias, constant, seen)


def _variances(one: Recognised, fitting: Counter[str]) -> set[float]:
    most = max((fitting[rule] for rule in one.allowed), default=0)
    return {value for rule, value in one.allowed.items() if fitting[rule] == most} or {one.variance}


def _square(arrays: list[Array]) -> float:
    return float(np.mean([np.mean(one.astype(np.float64) ** 2) for one in arrays]))
