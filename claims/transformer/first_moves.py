"""Which parameters of a Fixup encoder-decoder move at which of the first steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, identity
from simulations import one_hot
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array
from simulations.transformer.translator import translator
from theory.transformer import first_moves as theory

WIDTH, TOKENS, LENGTH, STEPS, RATE, DRAWS = 4, 8, 3, 4, 0.01, 96
HIDDEN = 40
"""So that in all draws some unit is on: a perceptron all of whose units are off, 1 in 2^40, stays where it is."""
Moves = dict[str, int]


def _group(name: str) -> str:
    """Say to which of `theory.GROUPS` a parameter belongs."""
    half, _, place = name.partition(".")
    if place.startswith("readout.") and place.endswith(("weight", "bias")):
        return "output layer"
    adds = place.endswith(("output.weight", "mlp.layer1.weight")) or place.startswith(("embedding", "readout"))
    behind = place.endswith("after") and not place.endswith("mlp.layer0.after")
    return f"{half}, {'adding' if adds or behind else 'inside'}"


def _first_moves(run: Run, readout: bool) -> dict[str, Array]:
    """The step, from 1, at which each parameter has its first gradient, by name (draws,); one more than all if none."""
    network = translator(WIDTH, (2, 2), "fixup", hidden=HIDDEN, tokens=(TOKENS, TOKENS))
    parameters = network.draw(run.rng("weights"), DRAWS)
    if readout:
        own = parameters["decoder.readout.weight"]
        parameters["decoder.readout.weight"] = run.rng("readout").standard_normal(own.shape)
    source, target = run.rng("tokens").integers(3, TOKENS, size=(2, DRAWS, 2, LENGTH))
    labels = one_hot(run.rng("labels").integers(TOKENS, size=(DRAWS, 2 * LENGTH)), TOKENS)
    first = {name: np.full(DRAWS, STEPS + 1) for name in network.parameter_names()}
    for step in range(1, STEPS + 1):
        both = network.run(parameters, source, target)
        slopes = both.gradients(softmax_loss(both.output, labels).logit_gradient)
        for name, slope in slopes.items():
            moves = (slope != 0).reshape(DRAWS, -1).any(axis=1)
            first[name] = np.where(moves, np.minimum(first[name], step), first[name])
        parameters = {name: value - RATE * slopes[name] for name, value in parameters.items()}
    return first


@claim(
    "V18",
    paper=FIXUP,
    where="section 3, rule 1, in an encoder-decoder; derived here",
    states=r"\text{output layer: step }1;\quad W_O,W_2\text{, biases behind branches, embeddings of the decoder: }2;"
    r"\quad\text{rest of the decoder, and those of the encoder: }3;\quad\text{rest of the encoder: }4",
    derivation=theory.slopes,
    mutants=[
        mutant(
            "all by step 3",
            "As in a residual net: but the encoder is heard through cross-attention, which begins at 0 too.",
            moves=lambda: {name: min(step, 3) for name, step in theory.first_moves().items()},
        ),
        mutant(
            "both halves at once",
            "The encoder moves as the decoder does, as if it had an output of its own.",
            moves=lambda: {
                name: theory.first_moves()[name.replace("encoder", "decoder")] for name in theory.first_moves()
            },
        ),
        mutant("the output layer is drawn", "The simulated readout does not start at 0.", readout=True),
    ],
)
def the_encoder_moves_last(
    run: Run, *, moves: Callable[[], Moves] = theory.first_moves, readout: bool = False
) -> Finding:
    """A Fixup encoder-decoder moves its output layer at step 1, and all but the inside of the encoder by step 3.

    The inside of the encoder's branches follows at step 4. No average: every draw; a gradient counts as soon as it is
    not exactly 0. Two layers a side, scalars included, untied embeddings, a small learning rate; no unit or
    softmax is so far off that it passes nothing on, as all may be after steps at a large rate.
    """
    first, told = run.once(_first_moves, readout), moves()
    found = np.stack(list(first.values()), axis=1).astype(float)
    return identity(found, np.array([float(told[_group(name)]) for name in first])[None], rounding=0.0)
