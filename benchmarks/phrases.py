"""Make ``simulations/data/phrases.tsv.xz``: phrases of the Unicode CLDR in six languages, composed by its own rules.

Babel, which holds the CLDR, is needed to make the file and not to use it: ``pip install Babel==2.19.0``, then ``python
-m benchmarks.phrases``. A phrase is a date, a time, an interval, a duration, a quantity with its unit, an amount of
money or a list of territories or languages; names, units, plurals and orders are the CLDR's. The same bytes come out
every time: what is chosen from is sorted, and all choices are from one seeded generator.
"""

from __future__ import annotations

import datetime
import lzma
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from babel import Locale
from babel.dates import format_date, format_interval, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_currency
from babel.units import format_unit

from simulations.data.phrases import LANGUAGES, PHRASES, tokens_of
from simulations.files import write

PAIRS, SEED = 20_000, 0
STYLES = ("short", "medium", "long", "full")
SPANS = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000
}  # fmt: skip
LOCALES: dict[str, Any] = {language: Locale.parse(language) for language in LANGUAGES}


def _shared(kind: str) -> list[str]:
    """Return the keys of names that all languages have."""
    return sorted(set.intersection(*(set(getattr(one, kind)) for one in LOCALES.values())))


def _units() -> list[str]:
    """Return the units that have a long pattern in all languages."""
    found = (
        {unit for unit, patterns in one._data["unit_patterns"].items() if "other" in patterns.get("long", {})}
        for one in LOCALES.values()
    )
    return sorted(set.intersection(*found))


class Maker:
    """Composes phrases: a function from a language to a text, and the kind that it is of."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.units, self.money = _units(), _shared("currencies")
        self.names = {
            "territories": [k for k in _shared("territories") if k.isalpha()],
            "languages": _shared("languages"),
        }
        self.kinds = (
            self.date, self.interval, self.time, self.duration, self.quantity, self.amount, self.listed, self.listed
        )  # fmt: skip

    def phrase(self) -> tuple[str, Callable[[str], str]]:
        """Compose a phrase of any kind."""
        return self.kinds[int(self.rng.integers(len(self.kinds)))]()

    def _of(self, some: list[str] | tuple[str, ...]) -> str:
        return some[int(self.rng.integers(len(some)))]

    def _day(self) -> datetime.date:
        return datetime.date(1900, 1, 1) + datetime.timedelta(days=int(self.rng.integers(73_000)))

    def _number(self, digits: float = 4) -> int:
        return int(10 ** self.rng.uniform(0, digits))

    def date(self) -> tuple[str, Callable[[str], str]]:
        """Compose a date."""
        day, style = self._day(), self._of(STYLES)
        return "date", lambda language: format_date(day, style, locale=language)

    def interval(self) -> tuple[str, Callable[[str], str]]:
        """Compose an interval of days."""
        first, style = self._day(), self._of(("yMMMd", "yMMMM", "MMMd", "yMd"))
        last = first + datetime.timedelta(days=int(self.rng.integers(1, 400)))
        return "interval", lambda language: format_interval(first, last, style, locale=language)

    def time(self) -> tuple[str, Callable[[str], str]]:
        """Compose a time of day."""
        hour, minute, second = (int(self.rng.integers(most)) for most in (24, 60, 60))
        clock, style = datetime.time(hour, minute, second), self._of(STYLES[:2])
        return "time", lambda language: format_time(clock, style, locale=language)

    def duration(self) -> tuple[str, Callable[[str], str]]:
        """Compose a time before or from now."""
        span, sign = self._of(tuple(SPANS)), 1 - 2 * int(self.rng.integers(2))
        ago = datetime.timedelta(seconds=sign * self._number(2) * SPANS[span])
        return "duration", lambda language: format_timedelta(
            ago, granularity=span, threshold=1e9, add_direction=True, locale=language
        )

    def quantity(self) -> tuple[str, Callable[[str], str]]:
        """Compose a number of units."""
        number, unit = self._number(), self._of(self.units)
        return "quantity", lambda language: format_unit(number, unit, "long", locale=language)

    def amount(self) -> tuple[str, Callable[[str], str]]:
        """Compose an amount of money, in words."""
        number, code = self._number(), self._of(self.money)
        return "amount", lambda language: format_currency(
            number, code, format_type="name", format="#,##0", currency_digits=False, locale=language
        )

    def listed(self) -> tuple[str, Callable[[str], str]]:
        """Compose a list of names."""
        kind, count = self._of(tuple(self.names)), int(self.rng.integers(1, 5))
        keys = [self._of(self.names[kind]) for _ in range(count)]
        return f"list {count}", lambda language: format_list(
            [getattr(LOCALES[language], kind)[key] for key in keys], locale=language
        )


def normal(text: str) -> str:
    """Return a text with ordinary spaces and one form of each character."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the kind of each phrase and its text in all languages, no English text twice."""
    maker, seen = Maker(np.random.default_rng(SEED)), set[tuple[str, ...]]()
    while len(seen) < PAIRS:
        kind, phrase = maker.phrase()
        texts = [normal(phrase(language)) for language in LANGUAGES]
        source = tuple(tokens_of(texts[0]))
        if source not in seen:
            seen.add(source)
            yield (kind, *texts)


def main() -> int:
    """Write the file and say what is in it."""
    text = "".join("\t".join(row) + "\n" for row in rows())
    write(PHRASES, lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    print(f"{PHRASES}: {text.count(chr(10))} phrases, {PHRASES.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
