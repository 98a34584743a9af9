"""The front page of each subject of theory lists its files and the codes of its claims, all of them."""

import importlib
import pkgutil
import re

import pytest

import claims.catalogue  # noqa: F401  (registers the claims)
import theory
from claims.registry import REGISTRY

SUBJECTS = sorted(module.name for module in pkgutil.iter_modules(theory.__path__) if module.ispkg)


def _spelled_out(codes: str) -> set[str]:
    """Return the codes that a text like "A1 to A3, B2" stands for."""
    found = set()
    for letter, first, last in re.findall(r"([A-Z])(\d+)(?: to \1(\d+))?", codes):
        found |= {f"{letter}{number}" for number in range(int(first), int(last or first) + 1)}
    return found


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_lists_its_claims(subject: str) -> None:
    said = re.search(r"^Claims: (.*)\.$", str(importlib.import_module(f"theory.{subject}").__doc__), re.MULTILINE)
    assert said is not None
    registered = {code for claim in REGISTRY.values() if claim.id.startswith(f"{subject}.") for code in claim.codes}
    assert _spelled_out(said[1]) == registered


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_lists_its_files(subject: str) -> None:
    package = importlib.import_module(f"theory.{subject}")
    files = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert set(re.findall(r"`(\w+)`", str(package.__doc__))) == files
