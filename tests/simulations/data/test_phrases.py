"""The phrases that Fathom ships: what their page says of them, their parts, and a user's own pairs."""

import lzma
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import InputError
from simulations.data.phrases import LANGUAGES, PHRASES, Corpus, own_pairs, phrases, tokens_of
from simulations.translate.task import Task

ROWS = [line.split("\t") for line in lzma.decompress(PHRASES.read_bytes()).decode().splitlines()]
PAGE = PHRASES.with_name("phrases.md").read_text()


def parts(corpus: Corpus) -> list[list[tuple[str, str]]]:
    four = corpus.training, corpus.validation, corpus.test, corpus.longer
    return [[(" ".join(source), " ".join(target)) for source, target in part] for part in four]


def test_the_file_is_what_its_page_says() -> None:
    assert len(ROWS) == 20_000
    assert {len(row) for row in ROWS} == {1 + len(LANGUAGES)}
    assert all(text.strip() == text != "" for row in ROWS for text in row)
    kinds = Counter(row[0].split()[0] for row in ROWS)
    for names, count in re.findall(r"^\| ([a-z ,]+?)(?: of 1 to 4 names)? \| ([\d,]+) \|", PAGE, re.M):
        assert sum(kinds.pop(name.removesuffix("s")) for name in names.split(", ")) == int(count.replace(",", ""))
    assert not kinds
    english = {row[1]: row[2] for row in ROWS}
    for source, target in re.findall(r"\| ([^|]+) → ([^|]+) \|", PAGE):
        assert english[source] == target


def test_the_notice_stays_with_the_phrases() -> None:
    """As their licence asks, whole: from its copyright to its name."""
    notice = PAGE.split("```")[1]
    assert "Copyright © 2004-2025 Unicode, Inc." in notice
    assert "provided that either (a)\nthis copyright and permission notice appear with all copies" in notice
    assert notice.strip().endswith("Unicode-3.0")


def test_no_two_sources_have_the_same_tokens() -> None:
    assert len({tuple(tokens_of(row[1])) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_parts_are_apart_and_copies_as_good_as_the_page_says(language: str) -> None:
    corpus = phrases(language)
    found = parts(corpus)
    assert [len(part) for part in found[1:]] == [500] * 3
    assert len(set().union(*found)) == sum(map(len, found))  # none in two parts
    assert sum(map(len, found[:3])) == sum(row[0] != "list 4" for row in ROWS)
    score = Task(corpus).score(corpus.test, [["nothing"]] * 500)
    assert score.exact == score.bleu == 0
    place = LANGUAGES.index(language) - 1
    said = " ".join(PAGE.split())
    assert round(score.copied_bleu) == int(
        re.findall(r"(\d+) for (?:German|French|Spanish|Chinese|Japanese)", said)[place]
    )
    (rights,) = re.findall(r"it gets ([\d., and]+) %", said)
    assert f"{100 * score.copied_exact:.1f}" == re.split(r", | and ", rights)[place]


def test_longer_lists_are_in_no_other_part() -> None:
    """Four names or more in English have three commas, but names may have one of their own; so by the file's kinds."""
    fours = {" ".join(tokens_of(row[1])) for row in ROWS if row[0] == "list 4"}
    training, validation, test, longer = ({source for source, _ in part} for part in parts(phrases("de")))
    assert longer <= fours
    assert not fours & (training | validation | test)


@pytest.mark.slow
def test_the_seed_parts_them() -> None:
    one, again, other = (parts(phrases("fr", seed)) for seed in (0, 0, 1))
    assert one == again
    assert one[2] != other[2]
    assert one[3] == other[3]


@pytest.mark.parametrize(
    ("text", "words", "characters"),
    [
        ("14. Sept. – 3:05 Uhr", "14 . Sept . – 3 : 05 Uhr", "14.Sept.–3:05Uhr"),
        ("2036/01/29", "2036 / 01 / 29", "2036/01/29"),
        ("co-official_name", "co - official _ name", "co-official_name"),
    ],
)
def test_tokens(text: str, words: str, characters: str) -> None:
    """Digits and marks are tokens of their own."""
    expected = [part for word in words.split() for part in (word if word.isdigit() else [word])]
    assert tokens_of(text) == expected
    assert tokens_of(text, characters=True) == list(characters)


@given(st.text())
def test_no_character_is_lost_but_spaces(text: str) -> None:
    for characters in (False, True):
        assert "".join(tokens_of(text, characters=characters)) == re.sub(r"\s", "", text)


def test_a_language_that_is_not_there() -> None:
    for language in ("en", "it"):
        with pytest.raises(InputError, match=f"no phrases in '{language}'; expected one of de, fr"):
            phrases(language)


def test_own_pairs(tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text("\ufeff" + "\r\n".join(f"the {n}.\tdie {n}." for n in range(30)) + "\n\n")
    found = parts(own_pairs(file))
    assert [len(part) for part in found] == [24, 3, 3, 0]
    assert sorted(set().union(*found)) == sorted(
        (f"the {' '.join(str(n))} .", f"die {' '.join(str(n))} .") for n in range(30)
    )
    assert own_pairs(file, characters=True).training[0][0][:3] == ["t", "h", "e"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a\tb\n" * 5 + "a b\n" + "a\tb\n" * 9, r"line 6: expected a source, a tab and a target, got 'a b'"),
        ("a\tb\n" * 12 + "a\tb\tc", r"line 13: .* got 'a\\tb\\tc'"),
        ("a\t \n" + "a\tb\n" * 12, r"line 1: .* got 'a\\t '"),
        ("\n\na\tb\n\n\tb" + "\na\tb" * 12, r"line 5"),
        ("a\tb\n" * 9, "has 9 pairs; expected 10 at least"),
        ("", "has 0 pairs"),
    ],
)
def test_bad_pairs(tmp_path: Path, lines: str, message: str) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text(lines)
    with pytest.raises(InputError, match=message):
        own_pairs(file)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.tsv").write_bytes("für\tfor\n".encode("latin-1"))
    for name in ("none.tsv", "latin.tsv", "."):
        with pytest.raises(InputError, match=r"cannot read pairs from .*expected lines of source, tab, target"):
            own_pairs(tmp_path / name)


@pytest.mark.slow
def test_the_maker_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    babel = pytest.importorskip("babel")
    if babel.__version__ != "2.19.0":
        pytest.skip("another version of Babel holds other phrases")
    from benchmarks import phrases as maker

    monkeypatch.setattr(maker, "PHRASES", tmp_path / "phrases.tsv.xz")
    assert maker.main() == 0
    text = lzma.decompress((tmp_path / "phrases.tsv.xz").read_bytes())
    assert text == lzma.decompress(PHRASES.read_bytes())  # compressors may differ
