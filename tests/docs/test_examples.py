"""Every block of Python on the pages is run, and does what the page says; slow ones are run smaller."""

import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from claims.catalogue import REGISTRY
from claims.examine import examine
from simulations import digits
from tests.docs.pages import FENCED, PAGES, python

(MEASURE,) = python("README.md")
UNDRAWN, HISTOGRAM = python("docs/engines.md")
(SWEEP,) = python("docs/sweeps.md")
(PROFILE,) = python("docs/profile.md")
NETWORK, INPUTS, IMAGES, CHECKED, PARAMETERS, LAW, LAYER, ACTIVATION, PROPERTY, CLAIM = python("docs/own-work.md")
(DERIVATION,) = python("CONTRIBUTING.md")
EXPONENTS, STARTS, COLLAPSE, REVERSALS = python("docs/transformers.md")
MODEL, AUDITED = python("docs/audit.md")
RUN = [
    MEASURE, UNDRAWN, HISTOGRAM, SWEEP, PROFILE, NETWORK, INPUTS, IMAGES, CHECKED, PARAMETERS, LAW, LAYER, ACTIVATION,
    PROPERTY, CLAIM, DERIVATION, EXPONENTS, STARTS, COLLAPSE, REVERSALS, MODEL, AUDITED,
]  # fmt: skip


def run(code: str, name: str = "__main__") -> dict[str, object]:
    names: dict[str, object] = {"__name__": name}
    exec(compile(code, "a page", "exec"), names)
    return names


def test_there_is_no_other_block() -> None:
    assert sorted(RUN) == sorted(code for page in PAGES for code in python(page))


def test_what_is_measured_is_beside_its_closed_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Within six standard errors; the stream is fixed, so this fails always or never."""
    record = run(MEASURE)["record"]
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(int(row[2]), int(row[4])) for row in rows] == [(2**l - 1, 2 ** (6 - l)) for l in range(7)]  # noqa: E741
    for measured, closed, draws in ((1, 2, record.variances), (3, 4, record.gradient_square_norms)):  # type: ignore[attr-defined]
        error = draws.std(axis=0) / draws.mean(axis=0).clip(1e-300) / len(draws) ** 0.5
        assert error.max() < 0.03
        for row, size in zip(rows, error, strict=True):
            assert abs(float(row[measured]) - float(row[closed])) <= 6 * size * float(row[closed]) + 0.005


def test_active_units_are_counted_by_size(capsys: pytest.CaptureFixture[str]) -> None:
    """About half of 4,096 units in each of two draws, fewer the larger they are; all constants to seven deviations."""
    run(HISTOGRAM)
    counts, squares = (
        [float(one) for one in line.strip("[]").split()] for line in capsys.readouterr().out.splitlines()
    )
    assert sum(counts) == pytest.approx(4_096, abs=7 * 4_096**0.5 / 2**0.5)
    assert counts == sorted(counts, reverse=True)
    assert all(0.3 < square < 2 for square in squares)


def test_fans_are_those_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    run(LAYER)
    assert capsys.readouterr().out.split() == ["512", "2048", "1/4", "1/4"]
    assert all(f"# {said}" in LAYER for said in ("512 2048", "1/4: the mean square", "1/4: attention's"))


def test_activations_are_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    run(ACTIVATION)
    gelu, leaky, sine = capsys.readouterr().out.splitlines()
    assert f'"{gelu}"' in " ".join(PAGES["docs/own-work.md"].split())
    assert "gain 1.4072 keeps q = 2, neutral: slope 1;" in leaky
    assert sine.startswith("[FixedPoint(variance=0.7968")


def test_a_wide_network_keeps_its_norms(capsys: pytest.CaptureFixture[str]) -> None:
    """At a tenth of the page's width: log norms have a standard deviation of sqrt(20 * 5 / 1e5) at most."""
    names = run(UNDRAWN.replace("1_000_000", "100_000"))
    assert capsys.readouterr().out.startswith("undrawn")
    record = names["record"]
    assert abs(record.second_moment - 1).max() < 6 * (20 * 5 / 1e5) ** 0.5  # type: ignore[attr-defined]


def test_a_sweep_agrees_with_its_closed_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a block of each cell: 310,000 nearly normal logarithms, whose variance has a relative deviation of 0.0026.

    False alarm: three times beyond six deviations.
    """
    monkeypatch.chdir(tmp_path)
    names = run(SWEEP.replace("500_000", "1"))
    last = capsys.readouterr().out.splitlines()[-1]
    exact = [float(number) for number in last.strip("[]").split(",")]
    found = names["variance"].sel(width=64, depth=20, position=[5, 10, 20]).values  # type: ignore[attr-defined]
    assert abs(found / exact - 1).max() < 6 * 0.0026 + 0.005 / min(exact)  # they are printed to two digits
    assert (tmp_path / "depths.db").exists()
    assert last in PAGES["docs/sweeps.md"]


def test_a_profile_has_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    run(PROFILE)
    verdict, *rows = capsys.readouterr().out.splitlines()
    assert verdict == "held"
    expected = [float(row.split()[1]) for row in rows]
    assert [row.split()[-1] for row in rows] == ["held"] * 5  # at the input, of its gradient
    assert [round(number - expected[0], 9) for number in expected] == [0, 1, 2, 3, 4]


def test_a_network_of_ones_own_is_measured() -> None:
    record = run(NETWORK)["record"]
    assert record.square_norms.shape == record.gradient_square_norms.shape == (2000, 3)  # type: ignore[attr-defined]
    assert (record.second_moment > 0).all()  # type: ignore[attr-defined]


def test_inputs_of_ones_own_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(INPUTS)
    assert "mine.npz (raw scale), 256 of 300 rows" in capsys.readouterr().out


@pytest.mark.slow
def test_blocks_of_images_grow_between_their_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    """The stream is fixed, so this fails always or never; bounds are those of ``test_resnet_without_norm.py``."""
    record = run(IMAGES)["record"]
    blocks = [line.split() for line in capsys.readouterr().out.splitlines() if line[0].isdigit()]
    assert [block for block, *_ in blocks] == ["0", "1", "3", "5", "7"]
    assert all(float(low) < float(growth) < float(high) for _, low, growth, high in blocks)
    growths = [float(growth) for _, _, growth, _ in blocks]
    assert 1.2 < min(growths) < max(growths) < 2.6
    stem, last = record.second_moment[[1, 9]]  # type: ignore[attr-defined]
    assert abs(stem - 5) < 0.3
    assert abs(last - 400) < 100


def test_the_initialiser_check_passes_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    report = run(CHECKED.replace("default_rng()", "default_rng(0)"))["report"]
    assert report.passed  # type: ignore[attr-defined]
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("mean", "variance", "symmetry", "same sign"))
    assert not run(CHECKED.replace("(2 / fan_in)", "(1 / fan_in)"))["report"].passed  # type: ignore[attr-defined]


def test_the_parameters_of_a_model_are_checked_and_the_cause_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    run(PARAMETERS)
    printed = capsys.readouterr().out
    assert printed.startswith("1 of 2 parameters passed\nFAILED  depthwise: variance / stated 0.03")
    assert "fan_out counted over 32 groups (channels, of a depthwise" in printed


def test_an_initialiser_of_ones_own_is_measured() -> None:
    """Its variance is 3/100, and a ReLU halves the mean square of 50 units: 3/4 a layer."""
    names = run(LAW)
    draws = names["record"].square_norms / 50  # type: ignore[attr-defined]
    error = draws.std(axis=0) / len(draws) ** 0.5
    assert (abs(draws.mean(axis=0) - [0.75**depth for depth in range(11)]) <= 6 * error).all()


def test_the_property_test_runs_and_finds_counterexamples() -> None:
    run(PROPERTY)
    wrong = PROPERTY.replace("homogeneous=True", "homogeneous=False").replace("deadline", "database=None, deadline")
    with pytest.raises(AssertionError):
        run(wrong)


@pytest.fixture
def registry() -> Iterator[None]:
    yield
    REGISTRY.pop("mine.one_block_doubles", None)


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("effort", ["quick", "standard"])
def test_a_claim_of_ones_own_holds_and_is_attacked(effort: str) -> None:
    run(CLAIM, "mine")
    result = examine("mine.one_block_doubles", digits(), 0, effort)  # type: ignore[arg-type]
    assert result.passed, result


@pytest.mark.usefixtures("registry")
def test_a_mutant_that_is_true_is_seen_as_the_page_says() -> None:
    assert "change the 4 of the second mutant into 2" in PAGES["docs/own-work.md"]
    run(CLAIM.replace("factor=lambda: 4", "factor=lambda: 2"), "mine")
    assert not examine("mine.one_block_doubles", digits(), 0, "quick").passed


def test_a_derivation_of_ones_own_checks(capsys: pytest.CaptureFixture[str]) -> None:
    run(DERIVATION)
    assert capsys.readouterr().out == "('definition', 'exact')\n"
    assert "`('definition', 'exact')`" in PAGES["CONTRIBUTING.md"]


def test_exponents_of_a_transformer(capsys: pytest.CaptureFixture[str]) -> None:
    run(EXPONENTS)
    sets, *lines = capsys.readouterr().out.splitlines()
    assert sets == "(frozenset({'readout.weight'}),)"
    assert len(lines) == 7
    assert all(line.endswith("True") for line in lines)
    assert any(line.startswith("1 ") for line in lines)


def test_starts_of_a_transformer(capsys: pytest.CaptureFixture[str]) -> None:
    run(STARTS)
    exponent, constants, shipped, moves = capsys.readouterr().out.splitlines()
    assert exponent == "-1/2"
    depth = 6 ** (5 / 16)
    assert [float(one) for one in constants[1:-1].split(",")] == pytest.approx(
        [0.8138 * depth, 0.8689 / depth], rel=1e-4
    )
    assert shipped == "1/1024 1/4 8/25"
    assert moves.startswith("{'output layer': 1")
    assert moves.endswith("'encoder, inside': 4}")


@pytest.mark.slow
def test_post_ln_decoders_collapse(capsys: pytest.CaptureFixture[str]) -> None:
    """As the page rounds it; the stream is fixed, so this fails always or never."""
    run(COLLAPSE)
    lines = [line.split(" ", 3) for line in capsys.readouterr().out.splitlines()]
    apart = {(recipe, int(layers)): float(distance) for recipe, layers, distance, _ in lines}
    squares = {(recipe, int(layers)): literal_eval(rest) for recipe, layers, _, rest in lines}
    first, last, pre = ("post", 1), ("post", 16), ("pre", 16)
    assert [round(apart[one], 2) for one in (first, last, pre)] == [2.66, 0.03, 1.72]
    assert [squares[one]["query"] for one in (first, last, pre)] == pytest.approx([370, 0.012, 190])
    assert [squares[one]["value"] for one in (first, last)] == pytest.approx([2800, 9300])


@pytest.mark.slow
def test_reversals_are_learnt(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(REVERSALS)
    assert capsys.readouterr().out.startswith("step 400 of 400: loss")
    source, trained = names["source"], names["run"]
    found = names["greedy"](trained.translator, trained.parameters, source, longest=6)  # type: ignore[operator,attr-defined]
    right = sum(one == row[::-1] for one, row in zip(found, source.tolist(), strict=True))  # type: ignore[attr-defined]
    assert right > 0.9 * len(found)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the audited model a module, as the page tells its reader to."""
    pytest.importorskip("torch")
    mine = ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", mine)
    exec(compile(MODEL, "a page", "exec"), vars(mine))


@pytest.mark.usefixtures("model")
def test_a_model_of_ones_own_is_audited(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError, match="does not start as it should"):
        run(AUDITED)
    assert capsys.readouterr().out.startswith("False ['fan_out counted over 3 blocks drawn as one (q, k and v)")


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_the_audit_prints_what_the_page_shows(capsys: pytest.CaptureFixture[str]) -> None:
    from audit.__main__ import main

    (shown,) = (text for language, text in FENCED.findall(PAGES["docs/audit.md"]) if language == "text")
    assert main(["mine:make_model", "--shape", "8x5x32"]) == 1
    assert capsys.readouterr().out == shown
