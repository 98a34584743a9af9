"""The examples in the docstrings of evidence do what they say."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["mean", "law", "counts", "initialisers.check"])
def test_examples(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"evidence.{module}"))
    assert found.attempted, "no example"
    assert not found.failed
