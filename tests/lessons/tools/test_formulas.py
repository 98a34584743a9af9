"""What a student may write, and what is said of the rest."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons.tools.formulas import FormulaError, read, read_list

VALUES = {"L": 3.0, "n": 64.0, "eta": 0.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2^L", 8), ("2**L", 8), ("5L/n", 15 / 64), ("2(L+1)", 8), ("(3/2)^L", 27 / 8), ("nL", 192), ("L n", 192),
        ("√(2/n)", math.sqrt(2 / 64)), ("√2 L", 3 * math.sqrt(2)), ("-2**2", -4), ("1e3", 1000), (".5", 0.5),
        ("eta^2", 0.25), ("2 eta L", 3), ("exp(5L/n)", math.exp(15 / 64)), ("ln(e)", 1), ("2π", 2 * math.pi),
        ("3 × 4 − 2·5", 2), ("n²", 4096), ("(1+eta)(1-eta)", 0.75), ("+L", 3), ("log(n)/log(2)", 6),
        ("（１＋eta）＊２", 3), ("２＾Ｌ", 8), ("0。5", 0.5), ("　L　", 3),
    ],
)  # fmt: skip
def test_formulas_are_read(text: str, value: float) -> None:
    assert read(text, VALUES)(VALUES) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "empty"), ("  ", "empty"), ("1" * 201, "long"), ("0,5", "comma"), ("0，5", "comma"), ("x", "name"),
        ("cos(1)", "name"),
        ("3 4", "grammar"), ("2^", "grammar"), ("(" * 150, "grammar"), ("50%", "grammar"), ("L[0]", "grammar"),
        ("__import__('os')", "grammar"), ("L.real", "grammar"), ("lambda: 1", "grammar"), ("1/0", "value"),
        ("9^9^9^9", "value"), ("(-1)^.5", "value"), ("log(0)", "value"), ("1e999", "value"), ("sqrt", "name"),
        ("1;2", "grammar"), ("<script>", "grammar"), ("0^(-1)", "value"), ("1e308*10", "value"),
        ("sqrt((-8)^.5)", "value"), ("exp((-1)^.5)", "value"), ("True", "grammar"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(text: str | None, kind: str) -> None:
    with pytest.raises(FormulaError) as error:
        read(text, VALUES)(VALUES)
    assert error.value.kind == kind


@pytest.mark.slow
@given(st.text(max_size=250))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        value = read(text, VALUES)(VALUES)
    except FormulaError:
        return
    assert math.isfinite(value)


def _written() -> st.SearchStrategy[tuple[str, float]]:
    def join(parts: tuple[tuple[str, float], str, tuple[str, float]]) -> tuple[str, float]:
        (left, a), sign, (right, b) = parts
        return f"({left} {sign} {right})", {"+": a + b, "-": a - b, "*": a * b}[sign]

    numbers = st.integers(0, 99).map(lambda value: (str(value), float(value)))
    names: st.SearchStrategy[tuple[str, float]] = st.sampled_from(sorted(VALUES.items()))
    return st.recursive(
        numbers | names, lambda one: st.tuples(one, st.sampled_from("+-*"), one).map(join), max_leaves=8
    )


@pytest.mark.slow
@given(_written())
def test_arithmetic_is_arithmetic(case: tuple[str, float]) -> None:
    text, value = case
    values: Mapping[str, float] = VALUES
    if len(text) <= 200:
        assert read(text, values)(values) == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2, 4, 4, 1e3", [2, 4, 4, 1000]), ("2,4,4", [2, 4, 4]), ("2；4、4，2^10", [2, 4, 4, 1024]), ("7", [7]),
        (" 1/2 , sqrt(4) ,", [0.5, 2]), ("0.5; 1000", [0.5, 1000]), ("-1, 0", [-1, 0]), ("2,4, ", [2, 4]),
    ],
)  # fmt: skip
def test_lists_are_read(text: str, values: list[float]) -> None:
    assert read_list(text) == values


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        (None, "empty", 0), (" , ; ", "empty", 0), ("1,000, 20", "thousands", 0), ("0,5, 2", "thousands", 0),
        ("2, x, 4", "name", 2), ("2 4, 3", "grammar", 1), ("1, 1/0", "value", 2), ("1, 2, " + "9" * 201, "long", 3),
        ("__import__('os'), 2", "grammar", 1), ("1, 1e999", "value", 2),
    ],
)  # fmt: skip
def test_the_entry_that_cannot_be_read_is_named(text: str | None, kind: str, place: int) -> None:
    with pytest.raises(FormulaError) as caught:
        read_list(text)
    assert (caught.value.kind, caught.value.place) == (kind, place)
