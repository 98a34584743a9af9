"""The catalogue lists every claim there is, by subjects that theory has too, and it alone loads them."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import claims
import theory
from claims.catalogue import REGISTRY, SUBJECTS

MACHINERY = {"papers", "reports"}
"""Folders of claims/ that are no subject."""


def folders(package: ModuleType) -> dict[str, Path]:
    """The folders of a package by name."""
    return {path.parent.name: path.parent for path in Path(package.__path__[0]).glob("*/__init__.py")}


def test_subjects_have_the_same_names_in_claims_and_theory() -> None:
    assert set(SUBJECTS) == set(folders(claims)) - MACHINERY == set(folders(theory))


def test_every_file_that_registers_a_claim_is_listed_and_no_other() -> None:
    """All files of all subjects are imported, so that one which is not listed registers its claims now."""
    for subject, folder in folders(claims).items():
        if subject not in MACHINERY:
            for path in folder.glob("*.py"):
                import_module(f"claims.{subject}.{path.stem}")
    listed = {f"claims.{subject}.{file}" for subject, files in SUBJECTS.items() for file in files}
    assert listed == {one.check.__module__ for one in REGISTRY.values()}


def test_an_id_is_the_subject_and_the_function() -> None:
    for name, one in REGISTRY.items():
        _, subject, _ = one.check.__module__.split(".")
        assert name == one.id == f"{subject}.{one.check.__name__}"


def test_the_registry_alone_loads_no_claim() -> None:
    """In a fresh process, as this one has the catalogue."""
    code = "import sys, claims.registry as it; assert not it.REGISTRY; assert 'claims.catalogue' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=Path(claims.__path__[0]).parent, check=True)
