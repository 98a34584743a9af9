"""Functions of theory replaced by wrong ones while a claim is examined, wherever references to them are kept.

A claim may hold a function as a default argument, in a table or under another name, so the code object is exchanged,
not the name. Only calls made from a file of claims are falsified: what theory asks of itself stays right.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import sympy as sp

import theory

Change = Callable[[Any], Any]


def public_functions() -> dict[str, FunctionType]:
    """Return all public functions of theory's subjects but those that make derivations, by their full names."""
    found = {}
    for info in pkgutil.walk_packages(theory.__path__, "theory."):
        module = importlib.import_module(info.name)
        makers = {_plain(getattr(one, "func", one)) for one in getattr(module, "DERIVATIONS", ())}
        for name, value in vars(module).items():
            function = _plain(value)
            own = isinstance(function, FunctionType) and function.__module__ == info.name
            if own and not name.startswith("_") and function not in makers and info.name.count(".") == 2:
                found[f"{info.name}.{name}"] = function
    return found


def _plain(value: Any) -> Any:
    return inspect.unwrap(value) if isinstance(value, FunctionType | functools._lru_cache_wrapper) else value


@contextlib.contextmanager
def intercepted(function: FunctionType, change: Change) -> Iterator[None]:
    """Let `change` see, and replace, what `function` returns to any caller in a file of claims."""
    kept = function.__code__, function.__defaults__, function.__kwdefaults__
    original = FunctionType(kept[0], function.__globals__, function.__name__, kept[1])
    original.__kwdefaults__ = kept[2]

    def hook(arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        caller = sys._getframe(2).f_globals.get("__name__", "")
        result = original(*arguments, **named)
        return change(result) if caller.startswith("claims.") else result

    name = f"_intercepted_{function.__name__}"
    namespace: dict[str, Any] = {}
    exec(f"def wrapper(*arguments, **named):\n    return {name}(arguments, named)\n", namespace)
    function.__globals__[name] = hook
    function.__code__, function.__defaults__, function.__kwdefaults__ = namespace["wrapper"].__code__, None, None
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = kept
        del function.__globals__[name]


def altered(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change the numbers that a function returned: an expression, a float, or those in a sequence or dataclass."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, sp.Expr | int | float):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(altered(one, change) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{name: altered(one, change) for name, one in vars(value).items()})
    if callable(value):
        return lambda *arguments, **named: altered(value(*arguments, **named), change)
    return value
