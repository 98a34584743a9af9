"""The course: its solutions' numbers are computed anew, and both languages teach the same under the same numbers."""

import math
import re
from functools import cache
from statistics import NormalDist

import pytest
import sympy as sp

from docs.parts import ROOT
from tests.docs import course_layers, course_nets
from tests.docs.course_layers import LARGEST
from tests.docs.pages import PAGES, commands, links
from theory.fluctuations.norms import relative_variance
from theory.fluctuations.orthogonal_relu import orthogonal_ratio_moment
from theory.layer.pre_activations import product_variance
from theory.recurrent.lstm import biased_path
from theory.spectra.matrix_products import lyapunov

COURSE = ["docs/course.md", "docs/course.zh.md"]
SOLUTIONS = ["docs/course-solutions.md", "docs/course-solutions.zh.md"]
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


ANSWERS = course_layers.ANSWERS | course_nets.ANSWERS


def exercises(page: str) -> dict[str, str]:
    """Return the text of each exercise by its number."""
    parts = re.split(r"^- \*\*(?:Exercise|练习) (\d+\.\d)[.。]\*\*", PAGES[page], flags=re.M)
    return {number: re.split(r"\n(?=- |\n)", text)[0] for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def solutions(page: str) -> dict[str, str]:
    """Return the text of each solution by its number, without what stands between backticks."""
    parts = re.split(r"^### (\d+\.\d)$", re.sub(r"`[^`]*`", "", PAGES[page]), flags=re.M)
    return {number: text.split("\n## ")[0] for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def bold(text: str) -> list[str]:
    """Return the answers of a solution: the numbers that stand between two pairs of stars."""
    return re.findall(rf"\*\*({NUMBER.pattern})\*\*", text)


def long(text: str) -> set[str]:
    """Return the numbers of a text that are from 100 or have a point."""
    return {number for match in NUMBER.findall(text) if len(number := match.rstrip(",")) > 2}


def tenths(value: float) -> set[str]:
    return {f"{value:.1f}"}


def doubled(factor: float) -> float:
    """Return how often a factor must be taken to be 2."""
    return math.log(2) / math.log(factor)


@cache
def answers(number: str) -> list[str]:
    return ANSWERS[number]()


@cache
def on_the_way() -> dict[str, set[str]]:
    """Return the numbers of a solution that are neither answers nor given, from 100 or with a point."""
    return {
        "1.1": tenths(2 * math.log(LARGEST) / math.log(1.45**2 / 2)) | tenths(100 * (1.45 / math.sqrt(2) - 1)),
        "1.2": {f"{math.log(2):.4f}", f"{-20 * float(lyapunov(1)):.2f}"},
        "2.1": {f"{(0.01 + 0.1**2) * (0.25 + 1):g}", f"{float(product_variance(0.1, 0.01, 1, 0.25)):g}"},
        "3.2": {f"{512 + 32_000:,}", f"{2 * 512:,}"},
        "4.1": {f"{1 + 0.01**2:g}", f"{1 + 0.2**2:g}"},
        "4.2": {f"{2**10:,}"},
        "5.1": {"0.05", f"{0.05**2:g}", f"{1 / 0.05**2:g}"} | tenths(float(relative_variance([100] * 20)) / 0.05**2),
        "5.2": tenths(doubled(1 + 5 / 64)) | tenths(doubled(float(orthogonal_ratio_moment(2, 64)))),
        "7.1": {"0.1"},
        "8.3": {f"{1.9 - 1.4:.1f}"},
        "9.1": {f"{10**15 // (2 * 10**9):,}", f"{10**12:,}"},
        "10.1": {"0.01"}.union(*(tenths(math.log(0.01) / math.log(float(biased_path(bias, 1)))) for bias in (1, 3))),
        "10.2": {f"{4 * 0.04:g}"},
        "12.1": {f"{300 + 100}", f"{3 * 300}"},
        "12.2": {f"{64 * 64:,}"},
        "12.3": {"0.95", f"{-NormalDist().inv_cdf(1e-4 / 2):.2f}"},
    }


def on_the_way_in(course: str, page: str, number: str) -> set[str]:
    """Return the long numbers of a solution that are neither answers nor in the exercise."""
    text = solutions(page)[number]
    return long(re.sub(r"\*\*.*?\*\*", "", text)) - long(exercises(course)[number]) - set(bold(text))


@pytest.mark.parametrize("number", ANSWERS)
@pytest.mark.parametrize("page", SOLUTIONS)
def test_the_answers_are_right(page: str, number: str) -> None:
    assert bold(solutions(page)[number]) == answers(number)


@pytest.mark.parametrize("number", ANSWERS)
@pytest.mark.parametrize(("course", "page"), list(zip(COURSE, SOLUTIONS, strict=True)))
def test_the_numbers_on_the_way_are_right(course: str, page: str, number: str) -> None:
    assert on_the_way_in(course, page, number) == on_the_way().get(number, set())


@pytest.mark.parametrize(("right", "wrong"), [("**148.1**", "**148.2**"), ("**444**", "444"), ("443.8", "443.7")])
def test_a_wrong_number_is_seen(right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    course, page = COURSE[0], SOLUTIONS[0]
    assert right in PAGES[page]
    monkeypatch.setitem(PAGES, page, PAGES[page].replace(right, wrong))
    found = bold(solutions(page)["1.1"]), on_the_way_in(course, page, "1.1")
    assert found != (answers("1.1"), on_the_way()["1.1"])


@pytest.mark.parametrize("page", COURSE)
def test_constants_that_are_given_are_right(page: str) -> None:
    assert f"{LARGEST:,.0f}" in exercises(page)["1.1"]
    assert f"{LARGEST:,.0f}" in exercises(page)["6.1"]
    assert f"{float(sp.EulerGamma):.4f}" in exercises(page)["1.2"]


@pytest.mark.parametrize("pages", [COURSE, SOLUTIONS], ids=["course", "solutions"])
def test_both_languages_say_the_same(pages: list[str]) -> None:
    ours, theirs = pages
    assert set(commands(ours)) == set(commands(theirs))
    assert long("".join(exercises(ours).values())) == long("".join(exercises(theirs).values()))
    leading = [{link.replace(".zh", "") for link in links(page) if not link.startswith("#")} for page in pages]
    assert leading[0] == leading[1]


@pytest.mark.parametrize("page", COURSE)
def test_every_lesson_has_two_or_three_exercises_with_solutions(page: str) -> None:
    numbers = list(exercises(page))
    assert numbers == list(ANSWERS) == list(solutions(page.replace("course", "course-solutions")))
    of_lessons = [number.split(".")[0] for number in numbers]
    assert set(of_lessons) == {str(lesson) for lesson in range(1, 13)}
    assert all(2 <= of_lessons.count(lesson) <= 3 for lesson in of_lessons)


@pytest.mark.parametrize(("page", "language"), list(zip(COURSE + SOLUTIONS, ["en", "zh"] * 2, strict=True)))
def test_lessons_have_the_titles_of_the_notebooks(page: str, language: str) -> None:
    titles = re.findall(r"^##+ (\d+\. .*)$", PAGES[page], re.M)
    prose = (path.read_text(encoding="utf-8") for path in (ROOT / "lessons/prose" / language).glob("*.md"))
    notebooks = {found[1] for text in prose if (found := re.search(r"^title: (\d+\. .*)$", text, re.M))}
    assert len(titles) == 12
    assert notebooks <= set(titles)


@pytest.mark.parametrize("page", COURSE)
def test_the_lecture_takes_ninety_minutes_and_marks_are_a_hundred(page: str) -> None:
    times = [(int(start), int(end)) for start, end in re.findall(r"^\| (\d+)–(\d+) \|", PAGES[page], re.M)]
    assert [start for start, _ in times] == [0, *(end for _, end in times[:-1])]
    assert times[-1][1] == 90
    marks = PAGES[page].partition("\n### Marks\n" if page == COURSE[0] else "\n### 评分\n")[2].partition("\n### ")[0]
    assert sum(int(points) for points in re.findall(r"^\| (\d+) \|", marks, re.M)) == 100


@pytest.mark.parametrize(("page", "warning"), list(zip(SOLUTIONS, ["Students, try first", "只给教师看"], strict=True)))
def test_the_first_line_of_the_solutions_warns(page: str, warning: str) -> None:
    assert warning in PAGES[page].splitlines()[0]
