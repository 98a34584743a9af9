"""The languages against each other: the same files, sections, labels, places and formulas; no words outside the prose.

What the figures of every lesson look like in every language is drawn in `test_notebooks`.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font

from lessons.tools import lettering, untranslated
from lessons.tools.exercise import Exercise
from lessons.tools.language import ENGLISH, LANGUAGES, accepted, of_request, spoken, switch
from lessons.tools.prose import FOLDER, PLACE, Prose, ProseError, translated
from lessons.tools.server import HERE, notebooks

OTHERS = sorted(LANGUAGES.keys() - {ENGLISH})
FILES = sorted(path.stem for path in (FOLDER / ENGLISH).glob("*.md"))
CODE, FORMULA = re.compile(r"`([^`]+)`"), re.compile(r"\$[^$]+\$")
CHINESE = r"[\u3400-\u9fff\u3001\u3002\u201c\u201d\uff00-\uffef]"
"""A Chinese character or a Chinese punctuation mark."""
MISPLACED = re.compile(
    rf"(?<={CHINESE})[,;:?!](?!\w*`)|[,;:?!](?={CHINESE})|[\u4e00-\u9fff]\.(?=\s|$)|\uff0c\s|\u3002 "
)
"""Punctuation of Latin letters beside a Chinese character, or a blank behind Chinese punctuation."""


def _pair(name: str, language: str) -> tuple[Prose, Prose]:
    return Prose(name, language=ENGLISH), Prose(name, language=language)


def _places(text: str) -> Counter[str]:
    return Counter(PLACE.findall(text))


def _code(text: str) -> Counter[str]:
    return Counter(one.replace("prose/zh", "prose/en") for one in CODE.findall(text))


def test_every_language_has_the_same_files() -> None:
    for language in OTHERS:
        assert {path.stem for path in (FOLDER / language).glob("*.md")} == set(FILES) | untranslated.SHOWN.keys()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", FILES)
def test_languages_have_the_same_sections_in_order_and_the_same_labels(name: str, language: str) -> None:
    english, other = _pair(name, language)
    assert list(other.sections) == list(english.sections)
    assert other.labels.keys() == english.labels.keys()
    assert all(other.sections.values()), "a section without text"


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", FILES)
def test_languages_have_the_same_places_formulas_and_code(name: str, language: str) -> None:
    english, other = _pair(name, language)
    for section in english.sections.keys() - {"labels"}:
        one, two = english.sections[section], other.sections[section]
        assert _places(one) == _places(two), section
        assert len(FORMULA.findall(one)) == len(FORMULA.findall(two)), section
        assert _code(one) == _code(two), section
    for label, text in english.labels.items():
        assert text.count("{}") == other.labels[label].count("{}"), label
        assert text.count("$") == other.labels[label].count("$"), label


@pytest.mark.parametrize("name", sorted(path.stem for path in (FOLDER / "zh").glob("*.md")))
def test_chinese_is_punctuated_as_chinese(name: str) -> None:
    for section, text in Prose(name, language="zh").sections.items():
        lines = [line.partition(":")[2] for line in text.splitlines()] if section == "labels" else [text]
        for line in lines:
            bare = CODE.sub("`", FORMULA.sub("$", line))
            wrong = [bare[max(0, one.start() - 12) : one.end() + 12] for one in MISPLACED.finditer(bare)]
            assert not wrong, (section, wrong)


@pytest.mark.parametrize(
    "text", ["方差,均值", "方差 1,均值", "你说：对, 再来", "它是方差.", "方差， 均值", "对。 再来"]
)
def test_the_search_for_punctuation_finds_it(text: str) -> None:
    assert MISPLACED.search(text)


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("kind", untranslated.SHOWN)
def test_sentences_of_other_parts_are_translated(kind: str, language: str) -> None:
    """What a lesson shows in English elsewhere has a translation, and no translation is of something else."""
    stale = Prose(kind, language=language).sections.keys() - set(untranslated.shown(kind))
    assert not stale, f"prose/{language}/{kind}.md translates what no lesson shows (any more)"
    assert not untranslated.missing(kind, language), f"python -m lessons.tools.untranslated {kind}"


def test_a_sentence_without_translation_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert translated("Nobody has\n translated this.", "claims", "zh") == "Nobody has\n translated this."
    assert untranslated.main(["nothing"]) == 2
    assert "expected some of derivations" in capsys.readouterr().err


def test_numbers_of_findings_return_to_their_places() -> None:
    assert translated("gap 99% of tolerance", "findings", "zh") == "差距是容许值的 99%"
    assert translated("distance 3e-05 in residual, gradient 1", "findings", "zh").count("3e-05") == 1
    assert translated("gap 99% of tolerance", "findings", "en") == "gap 99% of tolerance"


def _bypassing(source: str) -> Iterator[str]:
    """Return texts with words that code hands to Matplotlib or to marimo, and not from the prose."""
    shown = {"label", "title", "xlabel", "ylabel", "xticklabels", "yticklabels", "s", "text"}
    calls = {"set_title", "set_xlabel", "set_ylabel", "text", "annotate", "suptitle", "md", "Html", "set_xticks"}
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in {"text", "Prose"} and isinstance(call.func, ast.Attribute) and _is(call.func.value, "text", "prose"):
            continue
        given = [one.value for one in call.keywords if one.arg in shown]
        for node in given + (call.args if name in calls | {"set_yticks"} else []):
            yield from (one for one in _words(node) if re.search(r"[A-Za-z\u4e00-\u9fff]{2}", FORMULA.sub("", one)))


def _is(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _words(node: ast.AST) -> Iterator[str]:
    """Return the texts in an expression, but for keys: what stands in square brackets or is given to a call."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    kept = node.func if isinstance(node, ast.Call) else node.value if isinstance(node, ast.Subscript) else None
    for child in [kept] if kept is not None else ast.iter_child_nodes(node):
        yield from _words(child)


EXPERIMENTS = sorted((HERE / "experiments").glob("*.py"))


@pytest.mark.parametrize("path", [*EXPERIMENTS, *notebooks().values()], ids=lambda path: path.stem)
def test_no_words_bypass_the_prose(path: Path) -> None:
    assert not list(_bypassing(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "source",
    ['axes.set_title("Two nets")', 'axes.plot(x, label=f"width {n}")', 'mo.md("Look here")', 'axes.set(xlabel="实测")',
     'axes.text(0, 1, "empty" if x else labels["full"])', 'axes.set_xticks(x, ["ten", "one"])'],
)  # fmt: skip
def test_the_search_for_words_outside_the_prose_finds_them(source: str) -> None:
    assert list(_bypassing(source))


@pytest.mark.parametrize("path", notebooks().values(), ids=lambda path: path.stem)
def test_every_lesson_begins_with_the_way_to_its_other_language(path: Path) -> None:
    calls = re.findall(r"\b(?:kit|show)\.\w+", path.read_text(encoding="utf-8"))
    assert calls[0] == "kit.opening"


@pytest.mark.parametrize(
    ("query", "cookie", "default", "header", "language"),
    [
        ("", "", None, "", "en"), ("zh", "en", "en", "en", "zh"), ("", "zh", "en", "en", "zh"),
        ("", "", "zh", "en-GB,en;q=0.9", "zh"), ("", "", None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("xx", "yy", None, "fr", "en"), ("", "", None, "fr,zh;q=0.3,en;q=0.2", "zh"),
    ],
)  # fmt: skip
def test_the_address_goes_before_the_last_choice_the_command_and_the_browser(
    query: str, cookie: str, default: str | None, header: str, language: str
) -> None:
    assert of_request({"language": query}, {"language": cookie}, {"accept-language": header}, default) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [("", None), ("*", None), ("de", None), ("en-GB", "en"), ("ZH-Hant;q=0.5, en;q=0.4", "zh"), ("zh;q=0,en", "en"),
     ("zh;q=x,en;q=0.1", "en"), ("en;q=0.5,zh;q=0.5", "en"), (";;;q=,,", None)],
)  # fmt: skip
def test_browsers_say_what_their_readers_like(header: str, language: str | None) -> None:
    assert accepted(header) == language


def test_outside_lessons_the_language_is_english() -> None:
    assert spoken() == ENGLISH
    assert Prose("common").path == FOLDER / "en" / "common.md"


def test_the_switch_leads_to_the_other_language() -> None:
    assert 'href="?language=zh"' in switch("en", "Language")
    assert "中文" in switch("en", "Language")
    assert 'lang="en"' in switch("zh", "语言")
    assert 'aria-label="&lt;&quot;"' in switch("en", '<"')


def test_replies_are_in_the_language_of_their_question() -> None:
    prose = Prose("residual_streams", language="zh")
    exercise = Exercise("exercise 1", lambda s, L: (1 + s**2) ** L, at=[{"s": 0.5, "L": 2}])
    assert exercise.check("（１＋s^2）^L", prose).text.startswith("对")
    assert exercise.check("s^2", prose).text.startswith("还不对。当 s = 0.5, L = 2 时，你的答案是 0.25")
    assert exercise.check("", prose).text.startswith("请先写点什么")


def test_a_language_without_a_file_is_named() -> None:
    with pytest.raises(ProseError, match=r"prose/zh/nothing\.md"):
        Prose("nothing", language="zh").text("question")


def test_a_character_without_a_glyph_is_named() -> None:
    assert lettering.families(["mean square", "η²"]) == ["DejaVu Sans"]
    assert lettering.families(["均方值"])[0] == lettering.FAMILY
    with pytest.raises(ProseError, match=r"no glyphs for 龘.*lessons\.tools\.font"):
        lettering.families(["均方值", "龘"])


@pytest.mark.parametrize("path", sorted((FOLDER / "zh").glob("*.md")), ids=lambda path: path.stem)
def test_the_shipped_font_has_every_character_of_the_prose(path: Path) -> None:
    """So that any word can become a label; what Noto lacks, such as a raised minus, is in Matplotlib's font."""
    written = {one for one in path.read_text(encoding="utf-8") if one.isprintable()}
    known = [FT2Font(findfont(one)).get_charmap() for one in lettering.families(written)]
    assert not [one for one in written if not any(ord(one) in font for font in known)]


def test_the_shipped_font_is_small() -> None:
    assert lettering.FONT.stat().st_size < 300_000
    assert "SIL Open Font License" in (lettering.FONT.parent / "OFL.txt").read_text(encoding="utf-8")
