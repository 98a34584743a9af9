"""What all commands of this house have in common: errors in one line, and readers of whole numbers.

It stands here, below everything, because simulations import nothing of ours outside themselves.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import NoReturn


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
