"""The table of verdicts: at 80 columns, too, words have room."""

import io

import pytest
from rich.console import Console

from claims.catalogue import REGISTRY, SUBJECTS
from claims.examine import Result
from claims.reports import terminal
from evidence import Finding

WRONG = Finding(
    kind="mean", verdict="refuted", p_value=1e-09, expected=1.0, measured=0.5, detectable=0.06, effect=0.5, miss=1e-11
)
LONGEST = Finding(
    kind="identity + inequality + mean",
    verdict="held",
    p_value=0.5,
    expected="no violation",
    measured="gap 100% of tolerance",
    detectable="4e-15 to 12.7%",
    effect=0.0,
    miss=1.0,
    non_vacuous=0.5,
)
RESULTS = [
    Result(claim.id, LONGEST, tuple((m.name, WRONG) for m in claim.mutants), 12.3)
    for claim in REGISTRY.values()
    if claim.subject in SUBJECTS
]


def printed(width: int) -> list[str]:
    out = io.StringIO()
    Console(width=width, file=out, highlight=False).print(terminal.table(RESULTS, wide=width >= terminal.WIDE))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, terminal.WIDE, 160])
def test_no_column_starves_another(width: int) -> None:
    lines = printed(width)
    assert max(map(len, lines)) <= width
    columns = [len(column) for column in lines[1].strip("┃").split("┃")]
    assert columns[0] >= 36
    assert "…" not in "".join(lines), "nothing is cut"


def test_every_word_and_number_is_there_at_any_width() -> None:
    for width in (80, 160):
        text = "".join("".join(line.strip("│").split("│")[0].split()) for line in printed(width))
        assert all("".join(REGISTRY[result.claim_id].words.split()) in text for result in RESULTS)
    assert "100% of bound" in " ".join(printed(160))
    narrow = "".join("".join(line.strip("│").split("│")[0].split()) for line in printed(80))
    assert "expectednoviolation,measuredgap100%ofbound,50%notvacuous,sees4e-15to12.7%,12.3s" in narrow


def test_the_reason_of_a_refutation_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from simulations import digits

    claim = REGISTRY["residual.residual_stream_doubles"]
    bad = Result(claim.id, WRONG, tuple((m.name, WRONG) for m in claim.mutants), 1.0)
    terminal.show([bad], digits(), 0, "quick", 1.0)
    out = capsys.readouterr().out
    assert "residual.residual_stream_doubles is refuted: expected 1, measured 0.5, where errors of 6.0% are seen" in out
