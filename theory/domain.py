"""Numbers in and out of closed forms.

Arguments of the public functions are checked: a number must lie in the domain, a symbol passes unless SymPy knows it to
be wrong.
"""

from __future__ import annotations

import sympy as sp

from theory.derivation import Value


def number(expression: sp.Expr) -> float:
    """Evaluate a SymPy expression without free symbols."""
    return float(sp.N(expression))


def positive_integer(name: str, value: Value, least: int = 1) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be an integer of at least `least`."""
    number = sp.sympify(value)
    if number.is_integer is False or (number - least).is_negative or number.is_finite is False:
        raise ValueError(f"{name} is {value}; expected an integer of at least {least}")
    return sp.Integer(int(number)) if number.is_Float else number


def positive(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be positive and finite."""
    return _real(name, value, "a positive number", strict=True)


def nonnegative(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be finite and not negative."""
    return _real(name, value, "a number of at least 0", strict=False)


def real(name: str, value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be real and finite."""
    number = sp.sympify(value)
    if number.is_extended_real is False or number.is_finite is False:
        raise ValueError(f"{name} is {value}; expected a finite real number")
    return number


def _real(name: str, value: Value, expected: str, *, strict: bool) -> sp.Expr:
    number = sp.sympify(value)
    wrong_sign = number.is_nonpositive if strict else number.is_negative
    if wrong_sign or number.is_extended_real is False or number.is_finite is False:
        raise ValueError(f"{name} is {value}; expected {expected}")
    return number
