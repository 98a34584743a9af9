"""Examples in docstrings of theory run, and what docstrings name in backticks is there."""

import doctest
import importlib
import inspect
import pkgutil
import re
from types import ModuleType

import pytest

import theory

MODULES = sorted(module.name for module in pkgutil.walk_packages(theory.__path__, "theory."))
WITH_EXAMPLES = ("theory.derivation", "theory.expectation")


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name: str) -> None:
    ran = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert ran.attempted > 0
    assert ran.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_a_module_names_only_what_there_is(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__ is not None
    references = re.findall(r"`(theory\.[^`]+)`", inspect.getsource(module))
    for named in re.findall(r"`([^`]+)`", module.__doc__) + references:
        assert _found(module, named), f"{name} has no {named}"


def test_a_reference_to_what_is_not_there_is_seen() -> None:
    module = importlib.import_module("theory.plain.backward")
    assert _found(module, "theory.plain.norms.layer_factor")
    assert not _found(module, "theory.plain.layer_factor")
    assert not _found(module, "backward_factors")


def _found(module: ModuleType, named: str) -> bool:
    """Say whether a dotted name is there, from the package `theory` or in the module itself."""
    parts = named.split(".")
    value: object = theory if parts[0] == "theory" else module
    for part in parts[parts[0] == "theory" :]:
        if isinstance(value, ModuleType) and hasattr(value, "__path__") and not hasattr(value, part):
            try:
                importlib.import_module(f"{value.__name__}.{part}")
            except ModuleNotFoundError:
                return False
        value = getattr(value, part, None)
    return value is not None
