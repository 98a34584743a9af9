"""BLEU (Papineni et al. 2002) of a corpus: how many n-grams of the translations are in the references."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

Sentence = Sequence[Hashable]


def bleu(translations: Sequence[Sentence], references: Sequence[Sentence], longest: int = 4) -> float:
    """Return 100 times the geometric mean of the clipped precisions of 1- to 4-grams, times the brevity penalty.

    One reference a translation, no smoothing: if no 4-gram is right, the result is 0.

    Raises
    ------
    ValueError
        If there are not as many references as translations, or none.
    """
    if len(translations) != len(references) or not references:
        raise ValueError(f"expected a reference for each of {len(translations)} translations, got {len(references)}")
    logs = 0.0
    for n in range(1, longest + 1):
        right = given = 0
        for one, other in zip(translations, references, strict=True):
            found, wanted = (Counter(tuple(s[i : i + n]) for i in range(len(s) - n + 1)) for s in (one, other))
            right += (found & wanted).total()
            given += found.total()
        if not right:
            return 0.0
        logs += math.log(right / given) / longest
    length, wanted_length = (sum(map(len, some)) for some in (translations, references))
    return 100 * math.exp(logs + min(0.0, 1 - wanted_length / length))
