"""Pairs of token sequences to learn to translate, in batches that are no longer than their longest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.transformer.translator import PAD, START

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Sources (pairs, positions) and targets (pairs, positions) as integers, `PAD` behind their ends.

    Targets begin with `START`; that, and the tokens behind it, is what the decoder sees of them.

    Raises
    ------
    ValueError
        If numbers or shapes are not those, or a source is empty.
    """

    source: Tokens
    target: Tokens

    def __post_init__(self) -> None:
        for label, tokens in (("source", self.source), ("target", self.target)):
            if tokens.ndim != 2 or tokens.dtype.kind not in "iu":
                raise ValueError(f"{label} must be integers (pairs, positions), got {tokens.dtype} of {tokens.shape}")
            ended = tokens[:, :-1] == PAD
            if (ended & (tokens[:, 1:] != PAD)).any():
                raise ValueError(f"a {label} has padding ({PAD}) before its end; it belongs behind all tokens")
        if len(self.source) != len(self.target) or not len(self.source):
            raise ValueError(f"expected as many targets as sources, got {len(self.target)} and {len(self.source)}")
        if not (self.source[:, :1] != PAD).all():
            raise ValueError("a source has no tokens; leave such pairs out")
        if not (self.target[:, :1] == START).all() or self.target.shape[1] < 2 or (self.target[:, 1] == PAD).any():
            raise ValueError(f"every target must begin with the token {START}, with at least one token behind it")

    def __len__(self) -> int:
        return len(self.source)

    def some(self, rows: Tokens) -> Pairs:
        """Return some of the pairs, without columns that are padding in all of them."""
        source, target = self.source[rows], self.target[rows]
        return Pairs(*(tokens[:, (tokens != PAD).any(axis=0)] for tokens in (source, target)))
