"""Numbers in and out of closed forms.

Public functions check their arguments with `positive_integer`, `positive`, `nonnegative` and `real`, which return them
as SymPy expressions: a number must lie in the domain, a symbol passes unless SymPy knows it to be wrong. Anything else
raises a ValueError that names the argument. `number` turns what comes out into a float.
"""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from theory.derivation import Value


@lru_cache(maxsize=1 << 12)
def number(expression: sp.Expr) -> float:
    """Return the value of a SymPy expression without free symbols, as the nearest float."""
    return float(sp.N(expression))


def positive_integer(name: str, value: Value, least: int = 1) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be an integer of at least `least`."""
    given = _given(name, value, f"an integer of at least {least}")
    if given.is_integer is False or (given - least).is_negative or given.is_finite is False:
        raise ValueError(f"{name} is {value}; expected an integer of at least {least}")
    return sp.Integer(int(given)) if given.is_Float else given


def positive(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be positive and finite."""
    return _real(name, value, "a positive number", strict=True)


def nonnegative(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be finite and not negative."""
    return _real(name, value, "a number of at least 0", strict=False)


def real(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be real and finite."""
    given = _given(name, value, "a finite real number")
    if given.is_extended_real is False or given.is_finite is False:
        raise ValueError(f"{name} is {value}; expected a finite real number")
    return given


def _real(name: str, value: Value, expected: str, *, strict: bool) -> sp.Expr:
    given = _given(name, value, expected)
    wrong_sign = given.is_nonpositive if strict else given.is_negative
    if wrong_sign or given.is_extended_real is False or given.is_finite is False:
        raise ValueError(f"{name} is {value}; expected {expected}")
    return given


def _given(name: str, value: Value, expected: str) -> sp.Expr:
    """Return `value` as a SymPy expression unless it is NaN, of which SymPy does not know whether it is finite."""
    given = None if isinstance(value, str) else sp.sympify(value)
    if not isinstance(given, sp.Expr) or given is sp.nan:
        raise ValueError(f"{name} is {value!r}; expected {expected}")
    return given
