"""The list of claims, and the catalogue that is made of it."""

from pathlib import Path

import pytest

import paper_checks
from claims.catalogue import LETTERS, REGISTRY, SUBJECTS, question
from claims.reports import listing

ROOT = Path(__file__).parents[3]
CLAIMS = [claim for claim in REGISTRY.values() if claim.subject in SUBJECTS]


def test_the_catalogue_is_current() -> None:
    """Write it anew with: python paper_checks.py --list --markdown > docs/catalogue.md."""
    assert (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8") == listing.markdown(CLAIMS)


def test_every_link_of_the_catalogue_is_a_file() -> None:
    addresses = [one.partition(")")[0] for one in listing.markdown(CLAIMS).split("](")[1:]]
    assert len(addresses) > 2 * len(CLAIMS)
    for address in set(addresses):
        assert (ROOT / "docs" / address).is_file(), address


def test_every_row_has_every_column() -> None:
    rows = [line for line in listing.markdown(CLAIMS).splitlines() if line.count("](../") >= 2]
    assert len(rows) == len(CLAIMS)
    assert {row.replace("\\|", "").count("|") for row in rows} == {len(listing.COLUMNS) + 1}


def test_every_letter_and_every_subject_is_explained() -> None:
    assert set(LETTERS) == {code[0] for claim in CLAIMS for code in claim.codes}
    text = "\n".join(listing.lines(CLAIMS))
    assert all(f"\n{subject}: {question(subject)}\n" in text for subject in SUBJECTS)
    assert all(f"  {letter}  {meaning}\n" in text for letter, meaning in LETTERS.items())


def test_markdown_is_a_form_of_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        paper_checks.main(["--markdown"])
    assert "expected --list --markdown" in capsys.readouterr().err
    assert paper_checks.main(["--list", "--markdown", "--only", "R2"]) == 0
    assert capsys.readouterr().out.count("`residual.") == 1
