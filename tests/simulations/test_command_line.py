"""What all commands share: errors in one line, and whole numbers in a range."""

import pytest

from simulations.command_line import Parser, whole


@pytest.fixture
def parser() -> Parser:
    parser = Parser("prog", "What it does.")
    parser.add_argument("--draws", type=whole(1, 10))
    parser.add_argument("--seed", type=whole(0))
    return parser


def test_options_in_range_are_read(parser: Parser) -> None:
    options = parser.parse(["--draws", "10", "--seed", "0"])
    assert (options.draws, options.seed) == (10, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--draws", "0"], "argument --draws: expected a whole number from 1 to 10, got 0"),
        (["--draws", "11"], "argument --draws: expected a whole number from 1 to 10, got 11"),
        (["--draws", "2.5"], "argument --draws: expected a whole number from 1 to 10, got '2.5'"),
        (["--seed", "-1"], "argument --seed: expected a whole number of at least 0, got -1"),
        (["--sede", "1"], "unrecognized arguments: --sede 1; did you mean --seed?"),
        (["--see", "1"], "unrecognized arguments: --see 1; did you mean --seed?"),
        (["entirely", "else"], "unrecognized arguments: entirely else"),
    ],
)
def test_an_error_is_one_line_and_status_2(
    parser: Parser, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parser.parse(arguments)
    assert stop.value.code == 2
    assert tuple(capsys.readouterr()) == ("", f"error: {message}\n")


def test_an_error_of_several_lines_becomes_one(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.error("cannot read\n  the file")
    assert capsys.readouterr().err == "error: cannot read the file\n"
