"""What all commands of this house have in common: how they end, errors in one line, and readers of whole numbers.

It stands here, below everything, because simulations import nothing of ours outside themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from simulations.files import unwritable


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line on standard error, with exit status 2.

    Options are not abbreviated, and descriptions keep their lines.
    """

    def __init__(self, prog: str, description: str, usage: str | None = None, epilog: str = "") -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog, usage, description, epilog, formatter_class=form, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """End the program; `message` says what is wrong, what was expected and what to do."""
        self.exit(2, f"error: {' '.join(message.split())}\n")

    def parse(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Return the options; an unknown one ends the program, with the nearest that there is."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            near = difflib.get_close_matches(unknown[0], list(self._option_string_actions), n=1)
            self.error(f"unrecognized arguments: {' '.join(unknown)}" + (f"; did you mean {near[0]}?" if near else ""))
        return options


def run(work: Callable[[], int], program: str, interrupted: str = "interrupted") -> int:
    """Do a command's work and return its exit status, or that of how it was cut short.

    Nothing of this is a fault of the command, so none of it shows a traceback: 1 where nobody reads what it prints any
    more (silently, as ``head`` has seen enough) or standard output or memory is full, 130 after an interrupt.
    """
    try:
        status = work()
        sys.stdout.flush()  # or a full disk would show after the end
        return status
    except BrokenPipeError:
        _discard_output()
        return 1
    except KeyboardInterrupt:
        return _said(f"{program}: {interrupted}", 130)
    except MemoryError as error:
        return _said(f"error: not enough memory{f' ({error})' if str(error) else ''}; ask for something smaller", 1)
    except OSError as error:
        _discard_output()
        return _said(f"error: cannot write: {error.strerror or error}", 1)


def _said(line: str, status: int) -> int:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
    return status


def _discard_output() -> None:
    """Send what standard output still holds nowhere, so that it is not tried again when Python ends."""
    with contextlib.suppress(OSError, ValueError):  # where it is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def writable(text: str) -> Path:
    """Read the name of a file that can be written, for ``add_argument(type=...)``, so that no work is done in vain."""
    if reason := unwritable(Path(text)):
        raise argparse.ArgumentTypeError(f"cannot write {text}: {reason}; expected a file in a writable folder")
    return Path(text)


def numbers(least: int) -> Callable[[str], list[int]]:
    """Return a reader of whole numbers with commas between them, for ``add_argument(type=...)``."""
    read = whole(least)
    return lambda text: [read(part) for part in text.split(",")]


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a reader of whole numbers, for ``add_argument(type=...)``.

    Parameters
    ----------
    least, most : int
        Both allowed; without `most` there is no end.
    """
    expected = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {number}")
        return number

    return read
