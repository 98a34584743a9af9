"""Replies to answers and guesses."""

from pathlib import Path

import pytest

from lessons.tools.exercise import Exercise, guessed
from lessons.tools.prose import Prose, ProseError, typeset

WORDS = """<!-- labels -->
depth: depth L

<!-- one -->
How large?

<!-- one right -->
Right.

<!-- one added -->
You added.

<!-- guess close -->
close [[guess]]

<!-- guess small -->
small: [[guess]], [[truth]], [[factor]]

<!-- guess large -->
large: [[factor]]
"""
DOUBLING = Exercise("one", lambda L: 2**L, at=[{"L": 1}, {"L": 5}], misconceptions={"added": lambda L: 2 * L})


@pytest.fixture
def prose(tmp_path: Path) -> Prose:
    (tmp_path / "words.md").write_text(WORDS, encoding="utf-8")
    return Prose("words", tmp_path)


@pytest.mark.parametrize("answer", ["2^L", "2**L", "4^(L/2)", "2*2^(L-1)", "exp(L log(2))"])
def test_every_form_of_a_right_answer_is_right(answer: str, prose: Prose) -> None:
    reply = DOUBLING.check(answer, prose)
    assert (reply.kind, reply.text) == ("right", "Right.")


def test_a_misconception_has_its_own_reply(prose: Prose) -> None:
    reply = DOUBLING.check("2L", prose)
    assert (reply.kind, reply.text) == ("wrong", "You added.")


@pytest.mark.parametrize(
    ("answer", "says"),
    [("3^L", "At L = 1 your answer is 3, too large by a factor of 1.5"), ("2", "At L = 5 your answer is 2, too small"),
     ("-2", "look at its sign"), ("0", "look at its sign"), ("1e-310", "any factor")],
)  # fmt: skip
def test_another_wrong_answer_is_told_where_and_how_far_it_is_off(answer: str, says: str, prose: Prose) -> None:
    reply = DOUBLING.check(answer, prose)
    assert reply.kind == "wrong"
    assert says in reply.text


def test_a_right_answer_that_is_zero_somewhere(prose: Prose) -> None:
    exercise = Exercise("one", lambda L: L - 1, at=[{"L": 1}, {"L": 5}])
    assert exercise.check("L-1", prose).kind == "right"
    assert "the right one is zero there" in exercise.check("L", prose).text


@pytest.mark.parametrize("answer", ["", None, "abc", "1/0", "0,5", "1" * 300, "2^K"])
def test_what_cannot_be_read_is_said_to_be_so(answer: str | None, prose: Prose) -> None:
    assert DOUBLING.check(answer, prose).kind == "unreadable"


@pytest.mark.parametrize(
    ("guess", "kind", "text"),
    [
        ("10", "right", "close 10"),
        ("12", "right", "close 12"),
        ("12.6", "wrong", "large: 1.26"),
        ("7.9", "wrong", "small: 7.9"),
        ("1", "wrong", "small: 1, 10, 10"),
        ("0", "wrong", "any factor"),
        ("1e-310", "wrong", "any factor"),
        ("-5", "wrong", "small"),
        ("1e300", "wrong", "large: 1 × 10²⁹⁹"),
        ("", "unreadable", "Write something"),
        ("ten", "unreadable", "don't know"),
    ],
)
def test_guesses(guess: str, kind: str, text: str, prose: Prose) -> None:
    reply = guessed(guess, 10.0, prose, "guess")
    assert reply.kind == kind
    assert text in reply.text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1.5, "1.5"), (-2, "−2"), (13780.6, "13,800"), (1.27e30, "1.27 × 10³⁰"), (3e-9, "3 × 10⁻⁹"),
     (0.00012, "0.00012"), (999999, "1,000,000"), (12.345, "12.3"), (float("inf"), "inf")],
)  # fmt: skip
def test_numbers_are_written_for_people(value: float, text: str) -> None:
    assert typeset(value) == text


def test_missing_words_are_named(prose: Prose) -> None:
    with pytest.raises(ProseError, match="two"):
        prose.text("two")
    with pytest.raises(ProseError, match="width"):
        prose.label("width")
    with pytest.raises(ProseError, match="guess"):
        prose.text("guess close")


def test_two_sections_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.md").write_text("<!-- a -->\nx\n\n<!-- a -->\ny\n", encoding="utf-8")
    with pytest.raises(ProseError, match="two sections"):
        Prose("twice", tmp_path).text("a")
