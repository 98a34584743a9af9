"""Tokens as numbers: of 0 to 3 the meanings are fixed, then follow the tokens of the training pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.data.phrases import Sentence
from simulations.training.pairs import Tokens
from simulations.transformer.translator import END, PAD, START

UNKNOWN = 3
"""The number of every token that is not in the vocabulary; 0 to 2 are padding, start and end."""
MOST = 30_000


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of one language, each at the place of its number."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, sentences: Iterable[Sentence]) -> Vocabulary:
        """Give the `MOST` most frequent tokens numbers, the most frequent first; ties go by the alphabet."""
        counts = Counter(token for sentence in sentences for token in sentence)
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(("", "<start>", "<end>", "<unknown>", *ordered[:MOST]))

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def _known(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words) if number > UNKNOWN}

    def numbers(self, sentences: Sequence[Sentence], *, framed: bool = False) -> Tokens:
        """Return integers (sentences, positions); `framed` puts a start before and an end behind each."""
        rows = [[self._known.get(token, UNKNOWN) for token in sentence] for sentence in sentences]
        rows = [[START, *row, END] if framed else row for row in rows]
        table = np.full((len(rows), max(map(len, rows))), PAD)
        for row, numbers in zip(table, rows, strict=True):
            row[: len(numbers)] = numbers
        return table

    def sentence(self, numbers: Iterable[int]) -> Sentence:
        """Return the tokens with these numbers."""
        return [self.words[number] for number in numbers]
