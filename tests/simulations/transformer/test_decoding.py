"""Decoding with kept keys against whole runs; greedy against single beams, many beams against all translations."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.layers.dense import Parameters
from simulations.numbers.arrays import Array
from simulations.transformer.decoding import Steps, beam_search, greedy
from simulations.transformer.recipes import RECIPES
from simulations.transformer.translator import END, PAD, START, Translator, translator

SOURCE: Any = np.array([[5, 3, 4, 6], [3, 0, 0, 0], [6, 6, 0, 0]])


def made(recipe: str = "pre", tokens: int = 7, seed: int = 0, **options: Any) -> tuple[Translator, Parameters]:
    net = translator(8, (2, 2), recipe, heads=2, tokens=(8, tokens), **options)
    rng = stream(seed, "decoding")
    parameters = {name: value + 0.3 * rng.normal(size=value.shape) for name, value in net.draw(rng, 1).items()}
    parameters["decoder.readout.weight"] *= 3  # so that choices are clear
    return net, parameters


def logarithms(net: Translator, parameters: Parameters, source: Any, written: list[int]) -> Array:
    """Log-probabilities of what follows START and `written`, position by position, from a whole run."""
    given: Any = np.array([[[START, *written]]])
    logits = net.run(parameters, source[None, None], given).output[0]
    logits[:, [PAD, START]] = -np.inf
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


@pytest.mark.parametrize("options", [{"recipe": recipe} for recipe in RECIPES] + [{"rotary": 10.0, "key_heads": 1}])
def test_steps_equal_whole_runs(options: dict[str, Any]) -> None:
    """Also where sources go on in another order, or more than once."""
    net, parameters = made(**options)
    target: Any = np.concatenate([np.full((3, 1), START), stream(0, "target").integers(3, 7, (3, 5))], axis=1)
    whole = net.run(parameters, SOURCE[None], target[None]).output.reshape(3, 6, 7)
    steps = Steps(net, parameters, SOURCE)
    for position in range(3):
        found = steps.logits(target[:, position])
        assert (found[:, [PAD, START]] == -np.inf).all()
        np.testing.assert_allclose(found[:, 2:], whole[:, position, 2:], rtol=1e-10, atol=1e-10)
    order = np.array([2, 0, 2])
    steps.choose(order)
    for position in range(3, 6):
        found = steps.logits(target[order, position])
        np.testing.assert_allclose(found[:, 2:], whole[order, position, 2:], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_equals_a_single_beam_and_whole_runs(seed: int) -> None:
    net, parameters = made(seed=seed)
    found = greedy(net, parameters, SOURCE, 9)
    assert found == beam_search(net, parameters, SOURCE, 9, beams=1)
    for source, written in zip(SOURCE, found, strict=True):
        choices = logarithms(net, parameters, source[source != PAD], written).argmax(axis=1).tolist()
        assert choices[: len(written)] == written
        assert len(written) == 9 or choices[-1] == END


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_enough_beams_find_the_best_of_all(seed: int, penalty: float) -> None:
    """Three tokens, translations of up to three of them: all 40 are tried."""
    net, parameters = made(tokens=6, seed=seed)
    found = beam_search(net, parameters, SOURCE, 3, beams=1000, penalty=penalty)
    for source, written in zip(SOURCE, found, strict=True):
        scores = {}
        for some in (one for length in range(4) for one in product(range(3, 6), repeat=length)):
            logs = logarithms(net, parameters, source[source != PAD], list(some))
            total = sum(logs[at, token] for at, token in enumerate((*some, END)))
            scores[some] = total / ((5 + len(some) + 1) / 6) ** penalty
        assert tuple(written) == max(scores, key=lambda some: scores[some])


def test_more_beams_find_likelier_translations() -> None:
    """Of twenty nets, without a penalty; a beam may lose the greedy translation, but not as a rule."""
    better = worse = 0
    for seed in range(20):
        net, parameters = made(seed=seed)
        one, four = (beam_search(net, parameters, SOURCE, 5, beams=beams, penalty=0.0) for beams in (1, 4))
        for source, few, many in zip(SOURCE, one, four, strict=True):
            totals = []
            for some in (few, many):
                logs = logarithms(net, parameters, source[source != PAD], some)
                totals.append(sum(logs[at, token] for at, token in enumerate([*some, END])))
            better += totals[1] > totals[0] + 1e-9
            worse += totals[1] < totals[0] - 1e-9
    assert better > 5 * worse
    assert better > 5


def test_refused() -> None:
    net, parameters = made()
    with pytest.raises(ValueError, match="longest must be at least 1, got 0"):
        greedy(net, parameters, SOURCE, 0)
    with pytest.raises(ValueError, match="beams must be at least 1, got 0"):
        beam_search(net, parameters, SOURCE, 3, beams=0)
    with pytest.raises(ValueError, match="hides every key"):
        greedy(net, parameters, np.zeros((1, 3), np.int64), 3)
