"""The rules by which weights are drawn: a name and the variance as a function of the fans."""

from __future__ import annotations

from collections.abc import Callable

from audit.statement import AuditError

Rule = Callable[[float, float], float]
RULES: dict[str, tuple[str, Rule]] = {
    "he_fan_in": ("He, 2 / fan_in", lambda fan_in, fan_out: 2 / fan_in),
    "lecun": ("LeCun, 1 / fan_in", lambda fan_in, fan_out: 1 / fan_in),
    "glorot": ("Glorot, 2 / (fan_in + fan_out)", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "he_fan_out": ("He, 2 / fan_out", lambda fan_in, fan_out: 2 / fan_out),
    "lecun_fan_out": ("1 / fan_out", lambda fan_in, fan_out: 1 / fan_out),
    "pytorch": (
        "PyTorch's default, 1 / (3 fan_in): kaiming_uniform_ with a = sqrt 5",
        lambda fan_in, fan_out: 1 / (3 * fan_in),
    ),
}
"""By the name that --claim takes."""
KEPT = "kept"
"""What is claimed of modules, not of weights: that they keep the mean square of their input."""
NUMBERS: dict[str, float] = {
    "deviation 0.02 (BERT, GPT-2)": 0.02**2,
    "deviation 0.01": 0.01**2,
    "deviation 1": 1.0,
}


def named(name: str) -> Rule:
    """Return the rule of this name.

    Raises
    ------
    AuditError
        If there is none.
    """
    if name not in RULES:
        raise AuditError(f"no rule is called {name!r}; expected one of {', '.join((*RULES, KEPT))}")
    return RULES[name][1]
