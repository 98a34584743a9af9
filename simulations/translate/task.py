"""What is to be learnt, pairs as numbers, and how well it was: exact match and BLEU, beside those of copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from simulations.data.phrases import Corpus, Sentence, Sentences
from simulations.layers.dense import Parameters
from simulations.training.pairs import Pairs
from simulations.transformer.bleu import bleu
from simulations.transformer.decoding import beam_search, greedy
from simulations.transformer.translator import Translator, translator
from simulations.translate.vocabulary import Vocabulary

AT_ONCE = 100
"""Sentences that are translated together."""


@dataclass(frozen=True)
class Score:
    """How good translations are: the share that is right in every token, and BLEU (0 to 100); the same of copies."""

    pairs: int
    exact: float
    bleu: float
    copied_exact: float
    copied_bleu: float


@dataclass(frozen=True)
class Task:
    """A corpus with the vocabularies of its training pairs."""

    corpus: Corpus

    @cached_property
    def source(self) -> Vocabulary:
        """The vocabulary of sources."""
        return Vocabulary.of(source for source, _ in self.corpus.training)

    @cached_property
    def target(self) -> Vocabulary:
        """The vocabulary of targets."""
        return Vocabulary.of(target for _, target in self.corpus.training)

    def pairs(self, sentences: Sentences) -> Pairs:
        """Return sentences as numbers."""
        sources, targets = zip(*sentences, strict=True)
        return Pairs(self.source.numbers(sources), self.target.numbers(targets, framed=True))

    def network(self, recipe: str, layers: int, *, width: int = 64, heads: int = 4, dropout: float = 0.0) -> Translator:
        """Build an encoder-decoder for the two vocabularies, of so many layers a side.

        Raises
        ------
        ValueError
            If the recipe is unknown, or a number does not fit.
        """
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout}")
        sizes = len(self.source), len(self.target)
        return translator(width, (layers, layers), recipe, heads=heads, tokens=sizes, keep=1 - dropout)

    def translate(
        self, network: Translator, parameters: Parameters, sources: Sequence[Sentence], beams: int = 1
    ) -> list[Sentence]:
        """Translate by the most probable token at each step, or by beam search with more than one beam."""
        search = greedy if beams == 1 else partial(beam_search, beams=beams)
        longest = 2 * max(len(target) for _, target in self.corpus.training)
        found: list[Sentence] = []
        with np.errstate(all="ignore"):  # of a network that is about to diverge
            for start in range(0, len(sources), AT_ONCE):
                numbers = self.source.numbers(sources[start : start + AT_ONCE])
                found += [self.target.sentence(row) for row in search(network, parameters, numbers, longest)]
        return found

    def score(self, sentences: Sentences, translations: list[Sentence]) -> Score:
        """Compare translations with the targets, and copies of the sources as well."""
        targets = [target for _, target in sentences]
        copies = [list("".join(source)) if self.corpus.characters else source for source, _ in sentences]
        scores = [(exact(some, targets), bleu(some, targets)) for some in (translations, copies)]
        return Score(len(targets), *scores[0], *scores[1])

    def written(self, sentence: Sentence) -> str:
        """Return a target as a line of text."""
        return ("" if self.corpus.characters else " ").join(sentence)


def exact(translations: Sequence[Sentence], references: Sequence[Sentence]) -> float:
    """Return the share of translations that are their references, token by token."""
    return sum(map(list.__eq__, translations, references)) / len(references)
