"""Vocabularies and scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulations import stream
from simulations.data.phrases import Corpus
from simulations.training.pairs import Pairs
from simulations.translate.task import Task, exact
from simulations.translate.vocabulary import UNKNOWN, Vocabulary

WORDS = st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=5), min_size=1, max_size=9)
TRAINING = [(list("abca"), list("xyz")), (list("bc"), list("zz")), (["a"], ["x"])]
TASK = Task(Corpus(TRAINING, TRAINING[:1], [(["b", "q"], ["q", "x"]), (["c"], ["c"])], [], characters=False))


def test_numbers_are_given_by_frequency() -> None:
    found = Vocabulary.of([list("bba"), list("cac"), list("cd")])
    assert found.words[4:] == ("c", "a", "b", "d")
    assert found.numbers([["d", "e"], ["a"]]).tolist() == [[7, UNKNOWN], [5, 0]]
    assert found.numbers([["d", "e"], []], framed=True).tolist() == [[1, 7, UNKNOWN, 2], [1, 2, 0, 0]]


@given(WORDS)
def test_numbers_lead_back_to_the_words(sentences: list[list[str]]) -> None:
    vocabulary = Vocabulary.of(sentences)
    rows = vocabulary.numbers(sentences, framed=True)
    Pairs(rows[:, 1:], rows)  # which refuses what is not framed and padded as it must be
    for sentence, row in zip(sentences, rows, strict=True):
        assert vocabulary.sentence(row[1 : 1 + len(sentence)]) == sentence
        assert row[1 + len(sentence) :].tolist() == [2] + [0] * (len(row) - 2 - len(sentence))


@pytest.mark.parametrize("word", ["", "<start>", "<end>", "<unknown>"])
def test_words_of_a_text_are_no_marks(word: str) -> None:
    vocabulary = Vocabulary(("", "<start>", "<end>", "<unknown>", "a"))
    assert vocabulary.numbers([[word]]).tolist() == [[UNKNOWN]]


def test_vocabularies_are_of_training_pairs_alone() -> None:
    assert set(TASK.source.words[4:]) == set("abc")
    assert set(TASK.target.words[4:]) == set("xyz")
    pairs = TASK.pairs(TASK.corpus.test)
    assert pairs.source.tolist() == [[TASK.source.words.index("b"), UNKNOWN], [TASK.source.words.index("c"), 0]]


def test_exact_match_is_of_whole_sentences() -> None:
    references = [["a", "b"], ["c"], ["d"], []]
    assert exact([["a", "b"], ["c", "c"], ["D"], []], references) == 0.5


def test_scores_stand_beside_those_of_copies() -> None:
    score = TASK.score(TASK.corpus.test, [["q", "x"], ["d"]])
    assert (score.pairs, score.exact, score.copied_exact) == (2, 0.5, 0.5)
    japanese = Task(Corpus(TRAINING, TRAINING, TRAINING, [], characters=True))
    assert japanese.score([(["ab", "1"], list("ab1"))], [["a"]]).copied_exact == 1
    assert (TASK.written(["x", "y"]), japanese.written(["x", "y"])) == ("x y", "xy")


@pytest.mark.parametrize("beams", [1, 3])
def test_many_sentences_are_translated_in_parts(monkeypatch: pytest.MonkeyPatch, beams: int) -> None:
    """Padding does not matter: the same translations come out alone and together."""
    network = TASK.network("pre", 1, width=8, heads=2)
    parameters = network.draw(stream(0, "test"), 1)
    sources = [list("abcab"[:n]) for n in (1, 5, 2, 4, 3)]
    together = TASK.translate(network, parameters, sources, beams)
    monkeypatch.setattr("simulations.translate.task.AT_ONCE", 2)
    assert TASK.translate(network, parameters, sources, beams) == together
    alone = [TASK.translate(network, parameters, [source], beams)[0] for source in sources]
    assert alone == together
    assert all(len(one) <= 6 for one in together)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"dropout": np.nan}, "dropout must be at least 0 and below 1, got nan"),
        ({"width": 0}, "width"),
        ({"heads": 3, "width": 8}, "heads"),
        ({"recipe": "fixups"}, "unknown recipe 'fixups'; expected one of pre, post"),
        ({"layers": -1}, "layers must be at least 0"),
    ],
)
def test_networks_that_cannot_be(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TASK.network(**({"recipe": "pre", "layers": 1} | options))  # type: ignore[arg-type]
