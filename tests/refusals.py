"""Commands that must refuse: status 2, nothing on standard output, one line on standard error."""

from collections.abc import Callable

import pytest


def refused(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Call a command line with arguments that it must refuse, and return its one line."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = int(stop.code or 0)
    out, errors = capsys.readouterr()
    assert (status, out, len(errors.splitlines())) == (2, "", 1), errors
    return errors
