"""Pairs of phrases to translate: 20,000 of the Unicode CLDR in six languages, or the user's own; and their tokens.

The phrases are dates, times, intervals, durations, quantities, amounts of money and lists of names, as the CLDR writes
them in each language (``phrases.md`` says how they were made, and under which licence). Words, digits and marks are
tokens; of Chinese and Japanese, single characters.
"""

from __future__ import annotations

import lzma
import re
from dataclasses import dataclass
from pathlib import Path

from simulations.data.inputs import InputError
from simulations.numbers.streams import stream

LANGUAGES = ("en", "de", "fr", "es", "zh", "ja")
PHRASES = Path(__file__).with_name("phrases.tsv.xz")
LONGER = "list 4"
"""The kind that is held out as a composition: lists of four names, where training has up to three."""
LEAST, MOST_HELD_OUT = 10, 500
"""Pairs that a corpus must have, and of which no more are held out for validation, nor for test."""
WORDS, CHARACTERS = re.compile(r"[^\W\d_]+|\S"), re.compile(r"\S")

Sentence = list[str]
Sentences = list[tuple[Sentence, Sentence]]
"""Pairs of source and target."""


@dataclass(frozen=True)
class Corpus:
    """Pairs by part."""

    training: Sentences
    validation: Sentences
    test: Sentences
    longer: Sentences
    """Compositions that training does not have; empty for a user's own pairs."""
    characters: bool
    """Whether the tokens of targets are characters, which are written without spaces."""


def tokens_of(text: str, *, characters: bool = False) -> Sentence:
    """Part a text into words, digits and marks, or into characters; spaces go."""
    return (CHARACTERS if characters else WORDS).findall(text)


def phrases(language: str, seed: int = 0) -> Corpus:
    """Return English phrases with their translations; validation and test have 500 pairs each, and so has `longer`.

    Raises
    ------
    InputError
        If there are no translations into this language.
    """
    if language not in LANGUAGES[1:]:
        raise InputError(f"no phrases in {language!r}; expected one of {', '.join(LANGUAGES[1:])}")
    column, characters = 1 + LANGUAGES.index(language), language in ("zh", "ja")
    trained, longer = Sentences(), Sentences()
    for line in lzma.decompress(PHRASES.read_bytes()).decode().splitlines():
        row = line.split("\t")
        pair = tokens_of(row[1]), tokens_of(row[column], characters=characters)
        (longer if row[0] == LONGER else trained).append(pair)
    return _parted(trained, longer[:MOST_HELD_OUT], seed, characters)


def own_pairs(path: Path, seed: int = 0, *, characters: bool = False) -> Corpus:
    """Read pairs from a text file, a source and a target a line with a tab between; empty lines are left out.

    A tenth of them (500 at most) is held out for validation, and as many for test.

    Raises
    ------
    InputError
        If the file can't be read, is not UTF-8, has too few pairs, or a line has not just two texts; the message names
        the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read pairs from {path}: {error}; expected lines of source, tab, target") from None
    pairs = Sentences()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        texts = [tokens_of(text, characters=characters) for text in line.split("\t")]
        if len(texts) != 2 or not all(texts):
            raise InputError(f"{path}, line {number}: expected a source, a tab and a target, got {line[:60]!r}")
        pairs.append((texts[0], texts[1]))
    if len(pairs) < LEAST:
        raise InputError(f"{path} has {len(pairs)} pairs; expected {LEAST} at least, as some are held out")
    return _parted(pairs, Sentences(), seed, characters)


def _parted(pairs: Sentences, longer: Sentences, seed: int, characters: bool) -> Corpus:
    held_out = min(MOST_HELD_OUT, len(pairs) // 10)
    order = stream(seed, "phrases", "parts").permutation(len(pairs))
    mixed = [pairs[i] for i in order.tolist()]
    return Corpus(mixed[2 * held_out :], mixed[:held_out], mixed[held_out : 2 * held_out], longer, characters)
