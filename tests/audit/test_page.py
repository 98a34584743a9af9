"""The page of an audit: verdicts worst first with their causes, and pictures of what was measured and no more."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("torch")

from audit import Report, audit
from audit.picture import HEIGHT, along, picture, predictions
from tests.audit.nets import chain, inputs, residual

EIGHT = inputs(8, 32)


@pytest.fixture(scope="module")
def faulty() -> Report:
    """Audit a stream without its norm, its first layer claimed to be half of what it is."""
    return audit(lambda: residual(norm=False, blocks=4), EIGHT, seeds=10, claim={"0.first.*": "lecun"})


def test_everything_but_the_sound_is_said_worst_first_with_its_cause(faulty: Report) -> None:
    text = ElementTree.tostring(_parsed(faulty.as_html("a <model>")), encoding="unicode", method="text")
    assert "Audit of a <model>" in text
    for one in faulty.statements:
        assert one.where in text
        if one.verdict == "against":
            assert f"{one.words}" in text or one.kind != "depth"
            assert one.cause in text
    verdicts = [one.text for one in _parsed(faulty.as_html("")).iter("span") if "badge" in one.get("class", "")]
    order = ["against", "unsure", "note", "sound"]
    assert verdicts == sorted(verdicts, key=lambda one: order.index(str(one)))


def test_it_fetches_nothing(faulty: Report) -> None:
    page = faulty.as_html("mine")
    assert not re.search(r"<(script|img|iframe)|url\(|@import", page)
    assert set(re.findall(r'(?:href|src)="([^"]*)', page)) - {"data:,"} == set(re.findall(r'href="(#[^"]*)', page))
    places = set(re.findall(r'id="([^"]+)', page))
    assert {link[1:] for link in re.findall(r'href="(#[^"]*)', page)} <= places


def test_a_column_stands_where_its_medians_are(faulty: Report) -> None:
    for what in ("output", "gradient"):
        drawn = ElementTree.fromstring(picture(faulty, what, "title", {}))
        ticks = {_power(str(one.text)): float(one.get("y", "")) - 4 for one in drawn.findall("div/svg[1]/text")}
        low, high = min(ticks), max(ticks)
        for column, one in zip(drawn.findall("div/svg[2]/g"), faulty.measured.in_order(), strict=True):
            share = (np.log10(np.median(one.moments[f"{what} mean square"])) - low) / (high - low)
            expected = ticks[low] + share * (ticks[high] - ticks[low])
            assert float(column.find("circle").get("cy")) == pytest.approx(expected, abs=0.2)  # type: ignore[union-attr,arg-type]


def test_predictions_are_drawn_where_there_are_some_and_only_there(faulty: Report) -> None:
    promised = predictions(faulty)
    exact = {one.where for one in faulty.statements if one.kind == "exact, given the input"}
    assert promised.keys() == exact == {f"{block}.{layer}" for block in range(4) for layer in ("first", "second")}
    squares = (EIGHT.astype(np.float32) ** 2).mean()
    assert promised["0.first"][1] == pytest.approx(squares, rel=1e-5)  # LeCun's, as claimed
    assert promised["1.first"][1] == pytest.approx(
        faulty.measured.modules["1.first"].mean("output mean square"), rel=0.1
    )
    assert picture(faulty, "output", "", {}).count('class="predicted"') == 8
    assert picture(faulty, "gradient", "", {}).count('class="predicted"') == 0


def test_layers_with_a_bias_have_no_prediction_of_what_is_behind_it() -> None:
    report = audit(lambda: chain(bias=0.5, layers=2), EIGHT, seeds=3)
    assert predictions(report).keys() == {"4"}


@dataclass(frozen=True)
class Place:
    """What is predicted of a place of the whole net."""

    name: str
    predicted: float
    reading: str = "exact"

    def as_numbers(self) -> dict[str, Any]:
        wide = 0.5 if self.reading == "exact" else np.nan
        low, high = self.predicted * (1 - wide), self.predicted * (1 + wide)
        return {"name": self.name, "predicted": self.predicted, "low": low, "high": high, "reading": self.reading}


def test_predictions_of_the_whole_net_are_a_line_with_a_band_where_a_report_has_them(faulty: Report) -> None:
    assert len(along(faulty)) > 1
    assert "whole" in picture(faulty, "output", "", {})
    assert "whole" not in picture(faulty, "gradient", "", {})
    assert "whole" not in picture(replace(faulty, places=()), "output", "", {})
    places: Any = (
        Place("0", 2.0),
        Place("before 2", 8.0),
        Place("the output", 1e6, "mean field"),
        Place("nowhere", 1.0),
    )
    told = replace(faulty, places=places)
    drawn = ElementTree.fromstring(picture(told, "output", "", {})).findall("div/svg[2]/line")
    names = [one.name for one in faulty.measured.in_order()]
    across = [100 * share / len(names) for share in (names.index("0") + 0.5, names.index("2"), names.index("") + 0.5)]
    lines = [one for one in drawn if "whole" in one.get("class", "")]
    assert [one.get("class") for one in lines] == ["whole", "whole field"]
    assert [float(one.get("x1", "")[:-1]) for one in lines] == pytest.approx(across[:2], abs=0.01)
    assert float(lines[1].get("x2", "")[:-1]) == pytest.approx(across[2], abs=0.01)
    assert float(lines[1].get("y2", "")) < float(lines[1].get("y1", ""))
    assert len([one for one in drawn if one.get("class") == "band"]) == 2
    assert "broken where it is mean field" in told.as_html("")


def test_columns_lead_to_what_is_said_of_them(faulty: Report) -> None:
    (link,) = set(re.findall(r'<a class="refuted" href="#(s\d+)" aria-label="\d+\. 0\.first', faulty.as_html("")))
    article = next(one for one in _parsed(faulty.as_html("")).iter("article") if one.get("id") == link)
    assert "0.first" in str(article.findtext("h3"))


def test_zeros_and_what_was_never_seen() -> None:
    report = audit(lambda: chain(head=lambda weight: weight.detach().zero_(), layers=2), EIGHT, seeds=3)
    drawn = ElementTree.fromstring(picture(report, "output", "", {}))
    (dot,) = [one for one in drawn.iter("circle") if float(one.get("r", "")) < 3][:1]
    assert HEIGHT - 20 < float(dot.get("cy", "")) < HEIGHT
    for one in report.measured.modules.values():
        one.moments.clear()
    assert picture(report, "output", "", {}) == ""


def _parsed(page: str) -> Any:
    """Parse a page as XML, which asks for more than HTML does: nothing is left open, nothing not escaped."""
    body = re.sub(r"<(meta|link)[^>]*>|<!doctype html>|<style>.*?</style>", "", page, flags=re.S)
    return ElementTree.fromstring(body.replace("<br>", ""))


def _power(label: str) -> int:
    return int(label.removeprefix("10").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
