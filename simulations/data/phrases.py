"""Pairs of phrases to translate: 20,000 of the Unicode CLDR in six languages, or the user's own; and their tokens.

The phrases are dates, times, intervals, durations, quantities, amounts of money and lists of names, as the CLDR writes
them in each language (``phrases.md`` says how they were made, and under which licence). Words, digits and marks are
tokens; of Chinese and Japanese, single characters.
"""

from __future__ import annotations

import lzma
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulations.data.inputs import InputError
from simulations.numbers.streams import stream
from simulations.training.pairs import Pairs, Tokens
from simulations.transformer.translator import END, PAD, START

LANGUAGES = ("en", "de", "fr", "es", "zh", "ja")
PHRASES = Path(__file__).with_name("phrases.tsv.xz")
UNKNOWN = 3
"""The number of every token that is not in a vocabulary; 0 to 2 are padding, start and end."""
LONGER = "list 4"
"""The kind that is held out as a composition: lists of four names, where training has up to three."""
WORDS, CHARACTERS = re.compile(r"[^\W\d_]+|\S"), re.compile(r"\S")

Sentence = list[str]


@dataclass(frozen=True)
class Corpus:
    """Sentences by part, each pair (source, target)."""

    training: list[tuple[Sentence, Sentence]]
    validation: list[tuple[Sentence, Sentence]]
    test: list[tuple[Sentence, Sentence]]
    longer: list[tuple[Sentence, Sentence]]
    """Compositions that training does not have; empty for a user's own pairs."""


def tokens_of(text: str, language: str = "") -> Sentence:
    """Part a text into words, digits and marks; of Chinese and Japanese into characters."""
    return (CHARACTERS if language in ("zh", "ja") else WORDS).findall(text)


def phrases(language: str, seed: int = 0, held_out: int = 500) -> Corpus:
    """Return English phrases with their translations; validation and test have `held_out` pairs each.

    Raises
    ------
    InputError
        If the language is not one of `LANGUAGES`, or English.
    """
    if language not in LANGUAGES[1:]:
        raise InputError(f"no phrases in {language!r}; expected one of {', '.join(LANGUAGES[1:])}")
    rows = [line.split("\t") for line in lzma.decompress(PHRASES.read_bytes()).decode().splitlines()]
    column = 1 + LANGUAGES.index(language)
    pairs = [(row[0], (tokens_of(row[1]), tokens_of(row[column], language))) for row in rows]
    longer = [pair for kind, pair in pairs if kind == LONGER]
    return _parted([pair for kind, pair in pairs if kind != LONGER], longer[:held_out], seed, held_out)


def own_pairs(path: Path, seed: int = 0, *, characters: bool = False) -> Corpus:
    """Read pairs from a text file, a source and a target a line with a tab between; a tenth each is held out.

    Raises
    ------
    InputError
        If the file can't be read, is not UTF-8, or a line has not just two texts; the message names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read pairs from {path}: {error}; expected lines of source, tab, target") from None
    language, pairs = "zh" if characters else "", []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        texts = [tokens_of(text, language) for text in line.split("\t")]
        if len(texts) != 2 or not all(texts):
            raise InputError(f"{path}, line {number}: expected a source, a tab and a target, got {line[:60]!r}")
        pairs.append((texts[0], texts[1]))
    if len(pairs) < 10:
        raise InputError(f"{path} has {len(pairs)} pairs; expected at least 10, to train on most and to hold some out")
    return _parted(pairs, [], seed, min(500, len(pairs) // 10))


def _parted(
    pairs: list[tuple[Sentence, Sentence]], longer: list[tuple[Sentence, Sentence]], seed: int, held_out: int
) -> Corpus:
    order = stream(seed, "phrases", "parts").permutation(len(pairs))
    mixed = [pairs[i] for i in order.tolist()]
    return Corpus(mixed[2 * held_out :], mixed[:held_out], mixed[held_out : 2 * held_out], longer)


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of one language by number; of 0 to 3 the meanings are fixed."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[Sentence], most: int = 30_000) -> Vocabulary:
        """Number the tokens, the most frequent first."""
        counts = Counter(token for sentence in sentences for token in sentence)
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(("", "<start>", "<end>", "<unknown>", *ordered[:most]))

    def __len__(self) -> int:
        return len(self.words)

    def numbers(self, sentences: Sequence[Sentence], *, framed: bool = False) -> Tokens:
        """Return integers (sentences, positions); `framed` puts a start before and an end behind each."""
        known = {word: number for number, word in enumerate(self.words)}
        rows = [[known.get(token, UNKNOWN) for token in sentence] for sentence in sentences]
        rows = [[START, *row, END] if framed else row for row in rows]
        table = np.full((len(rows), max(map(len, rows))), PAD)
        for row, numbers in zip(table, rows, strict=True):
            row[: len(numbers)] = numbers
        return table

    def sentence(self, numbers: Iterable[int]) -> Sentence:
        """Return the tokens with these numbers."""
        return [self.words[number] for number in numbers]


def as_pairs(sentences: Sequence[tuple[Sentence, Sentence]], source: Vocabulary, target: Vocabulary) -> Pairs:
    """Return sentences as numbers, for training."""
    return Pairs(
        source.numbers([one for one, _ in sentences]), target.numbers([other for _, other in sentences], framed=True)
    )
