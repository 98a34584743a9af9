"""The report as a professor projects it, a student reads it on a phone, and a printer prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from claims.catalogue import REGISTRY
from claims.examine import Result
from claims.reports.page import render
from evidence import inconclusive
from simulations import digits
from tests.browser.conftest import SCREENSHOTS, watch
from tests.browser.layout import faint, sideways, starved
from tests.claims.reports.made_up import finding, made_up

SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
R2 = "residual.residual_stream_doubles"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a report of all claims, one of them refuted, one inconclusive, one with a mutant that survives."""
    results = {result.claim_id: result for result in made_up()}
    refuted, doubtful, survived, measured, *_ = results.values()
    alive = (refuted.mutants[0][0], finding("mean", "held", 0.02, 0.0))
    numbers = replace(measured.finding, expected=2.0, measured=2.01, effect=0.005, detectable=0.06)
    for result in (
        replace(refuted, finding=finding("mean", "refuted", 0.02, 0.5)),
        replace(doubtful, finding=inconclusive("mean", "too few draws for the stated error")),
        replace(survived, mutants=(alive, *survived.mutants[1:])),
        Result(
            R2,
            numbers,
            tuple((m.name, replace(numbers, verdict="refuted", effect=0.3)) for m in REGISTRY[R2].mutants),
            1,
        ),
    ):
        results[result.claim_id] = result
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(list(results.values()), digits(), 0, "quick", 1.0), encoding="utf-8")
    return path


@pytest.fixture(params=SIZES)
def sized(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    """Open the report at both widths; errors and any request but the page itself fail the test."""
    with browser.new_context(viewport=SIZES[request.param]) as context:
        yield from _opened(context.new_page(), file)


@pytest.fixture
def report(browser: Browser, file: Path) -> Iterator[Page]:
    """Open the report on a wide screen."""
    with browser.new_context(viewport=SIZES["wide"]) as context:
        yield from _opened(context.new_page(), file)


def _opened(page: Page, file: Path) -> Iterator[Page]:
    troubles: list[str] = []
    watch(page, file.as_uri(), troubles)
    page.goto(file.as_uri())
    yield page
    assert not troubles


def shown(page: Page) -> int:
    """Count the cards that are shown."""
    return int(page.locator("article:visible").count())


def test_nothing_scrolls_sideways_and_no_column_starves(sized: Page) -> None:
    assert sideways(sized) <= 0
    assert starved(sized) == []
    sized.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert sideways(sized) <= 0
    assert starved(sized) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_dark(sized: Page, scheme: str) -> None:
    sized.emulate_media(color_scheme=scheme)
    dark = sized.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 128")
    assert dark is (scheme == "dark")
    assert faint(sized) == []
    SCREENSHOTS.mkdir(exist_ok=True)
    width = sized.viewport_size["width"] if sized.viewport_size else 0
    sized.screenshot(path=SCREENSHOTS / f"report_{width}_{scheme}.png")
    sized.locator(f'[id="{R2}"]').scroll_into_view_if_needed()
    sized.screenshot(path=SCREENSHOTS / f"card_{width}_{scheme}.png")


def test_the_summary_is_one_screen_and_leads_to_the_cards(report: Page) -> None:
    cells = report.locator("#glance a.cell")
    assert cells.count() == report.locator("article").count()
    report.locator(f'a.cell[href="#{R2}"]').click()
    assert report.evaluate("location.hash") == f"#{R2}"
    glance = report.locator("#glance").bounding_box()
    assert glance
    assert glance["height"] < 900


def test_a_cell_tells_its_claim_when_it_has_the_focus(report: Page) -> None:
    cell = report.get_by_role("link", name="R2 Every block adds a branch as large as its input")
    tip = cell.locator(".tip")
    expect(tip).to_have_css("opacity", "0")
    report.locator(".skip").focus()
    for _ in range(200):
        report.keyboard.press("Tab")
        if cell.evaluate("one => one === document.activeElement"):
            break
    expect(tip).to_have_css("opacity", "1")
    expect(tip).to_contain_text("sees errors of 6.0")


def test_search_and_filters(sized: Page) -> None:
    total = shown(sized)
    output = sized.locator("#filters output")
    search = sized.get_by_role("searchbox", name="Search")
    search.fill("r2")
    expect(output).to_contain_text(f" of {total} claims")
    assert 0 < shown(sized) < 15
    assert sized.locator(f'[id="{R2}"]').is_visible()
    search.fill("tanh xavier")
    assert 0 < shown(sized) < 10
    search.fill("nothing of the kind")
    expect(output).to_have_text("No claim fits.")
    assert sized.locator("main h2:visible").count() == 0
    sized.get_by_role("button", name="Clear").click()
    expect(output).to_have_text(f"{total} of {total} claims")
    sized.get_by_role("combobox", name="Subject").select_option("Residual")
    residual = sum(claim.subject == "residual" for claim in REGISTRY.values())
    assert shown(sized) == sized.locator("#glance li:visible").count() == residual
    sized.get_by_role("combobox", name="Paper").select_option("De & Smith 2020")
    assert 0 < shown(sized) < residual
    sized.get_by_role("button", name="Clear").click()
    for verdict, count in {"refuted": 1, "inconclusive": 1, "survived": 1, "held": total - 3}.items():
        sized.get_by_role("combobox", name="Verdict").select_option(verdict)
        assert shown(sized) == count


def test_a_reader_with_a_paper_finds_an_item(sized: Page) -> None:
    item = sized.locator('[id="fixup-theorem-2"]')
    expect(item).to_be_hidden()
    sized.get_by_role("link", name="one by one").click()
    sized.locator("#papers summary", has_text="Zhang, Dauphin & Ma 2019 (Fixup)").click()
    expect(item).to_be_visible()
    item.get_by_role("link", name="P8", exact=False).click()
    assert sized.evaluate("location.hash") == "#homogeneity.theorem_2_in_expectation"
    sized.get_by_role("searchbox", name="Search").fill("fixup theorem 2")
    assert 0 < sized.locator("#papers li:visible").count() < 15
    expect(item).to_be_visible()
    expect(sized.locator('[id="fixup-theorem-1"]')).to_be_hidden()
    sized.get_by_role("searchbox", name="Search").fill("no such statement")
    expect(sized.locator("#papers")).to_be_hidden()
    sized.get_by_role("button", name="Clear").click()
    expect(sized.locator("#papers")).to_be_visible()
    expect(item).to_be_hidden()


def test_an_address_of_an_item_unfolds_its_paper(report: Page) -> None:
    report.goto(report.url.partition("#")[0] + "#fixup-rule-2")
    expect(report.locator('[id="fixup-rule-2"]')).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_contents_can_be_read_in_light_and_dark(sized: Page, scheme: str) -> None:
    sized.emulate_media(color_scheme=scheme)
    sized.locator("#papers > details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    assert faint(sized) == []
    assert sideways(sized) <= 0


def test_without_a_script_everything_is_there_but_the_filters(browser: Browser, file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.locator("#filters").is_hidden()
        assert page.locator("article:visible").count() == page.locator("article").count() > 100


def test_the_keyboard_reaches_cards_mutants_and_derivations(report: Page) -> None:
    report.keyboard.press("Tab")
    report.keyboard.press("Enter")  # skip to the claims
    report.keyboard.press("Tab")
    first = next(iter(REGISTRY))
    assert report.evaluate("document.activeElement.getAttribute('href')") == f"#{first}"
    card = report.locator(f'[id="{R2}"]')
    card.locator("a.code").focus()
    names = card.locator(".evidence a.mutant .name")
    report.keyboard.press("Tab")  # the claim's own point
    report.keyboard.press("Tab")
    expect(names.first).to_have_css("opacity", "1")
    expect(names.first).to_have_text("amplitudes add")
    report.keyboard.press("Enter")
    assert report.evaluate("location.hash") == f"#{R2}.1"
    card.locator("summary").first.focus()
    report.keyboard.press("Enter")
    expect(card.locator("ol.steps").first).to_be_visible()


def test_a_screen_reader_hears_the_claim_and_its_mutants(report: Page) -> None:
    card = report.get_by_role("article").filter(has_text="so the mean square doubles per block")
    expect(card.get_by_role("heading", level=3)).to_have_text(
        "R2 Every block adds a branch as large as its input, so the mean square doubles per block."
    )
    claim = card.get_by_role("link", name="the claim: expected 2, measured 2.01")
    assert claim.count() == 1
    assert card.get_by_role("link", name="amplitudes add: expected").count() == 1
    assert card.get_by_role("listitem").filter(has_text="no shortcut").count() == 1
    assert report.get_by_role("search").count() == 1
    assert report.get_by_role("main").count() == 1


def test_print_opens_the_derivations(report: Page) -> None:
    steps = report.locator("details > ol")
    visible = (
        "all => all.filter(one => one.checkVisibility({contentVisibilityAuto: true}) && one.offsetHeight > 10).length"
    )
    assert steps.evaluate_all(visible) == 0
    report.emulate_media(media="print", color_scheme="dark")
    expect(report.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(report.locator("html")).to_have_css("color-scheme", "light")
    assert steps.evaluate_all(visible) == steps.count() > 100
    assert report.locator("#filters").is_hidden()


def test_formulas_are_typeset_and_long_ones_scroll_in_their_box(sized: Page) -> None:
    sized.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    flat = "all => all.filter(one => one.getBoundingClientRect().height < 8).length"
    assert sized.locator("math").evaluate_all(flat) == 0
    out = """all => all.filter(one => {
        const box = one.closest('.states, .scroll').getBoundingClientRect();
        return box.right > innerWidth || box.left < 0;
    }).length"""
    assert sized.locator("math").evaluate_all(out) == 0


def test_no_formula_is_cut_off_on_a_wide_screen(report: Page) -> None:
    """With all derivations open, one of some 1,500 formulas reaches beyond its box: a long fraction."""
    found = report.evaluate("""() => {
        document.querySelectorAll("details").forEach((one) => (one.open = true));
        return [...document.querySelectorAll("math")].map((one) => {
            const box = one.closest(".scroll, .states").getBoundingClientRect();
            return [one.closest("article").id, Math.round(one.getBoundingClientRect().right - box.right)];
        });
    }""")
    assert len(found) > 1500
    wide = {"fluctuations.log_norm_is_typical", "fluctuations.widths_add_up"}
    assert {one[0] for one in found if one[1] > 1} <= wide
    assert sum(one[1] > 1 for one in found) <= len(wide)
