"""Fixup's promise: networks of 10,000 layers learn without normalisation."""

from __future__ import annotations

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, at_least
from simulations.data.splits import digits_split
from simulations.layers.dense import Parameters
from simulations.layers.network import Network
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.rivals import build
from simulations.training.optimiser import Descent
from simulations.training.run import train
from simulations.training.trainer import Plan, Trainer
from theory.fixup import scale as fixup

WIDTH, BATCH, RATE = 32, 64, 0.1
SCALARS = 1e-3
"""The rate of scalars over that of weights. The authors' 1/10 lets biases move the function with the depth."""


def _correct(run: Run, blocks: int, init: str, exponent: float | None) -> tuple[int, int]:
    """How many test images a net names after one epoch, and of how many; none of them if training diverged."""
    data = digits_split().flattened()
    features = data.training.x.shape[1]
    plain = {"width": WIDTH, "blocks": blocks, "features": features, "classes": data.classes}
    network: Network = (
        fixup_mlp(WIDTH, blocks, stem=features, classes=data.classes, rules=FixupRules(scaled=False))
        if init == "fixup"
        else build(init, **plain)
    )
    parameters = network.draw(run.rng("start", init), 1)
    if exponent is not None:
        parameters = _scaled(parameters, blocks**exponent)
    result = train(Trainer(network, parameters, data, Descent(RATE, 0.0, 0.0, SCALARS), Plan(BATCH, 1, run.seed)))
    trials = len(data.test)
    return round((result.accuracy or 0.0) * trials), trials


def _scaled(parameters: Parameters, factor: float) -> Parameters:
    """Scale the first layer of every branch of two, whose last layer is zero."""
    first = ".layer0.weight"
    return {name: factor * value if name.endswith(first) else value for name, value in parameters.items()}


@claim(
    "T1",
    paper=FIXUP,
    where="section 4.1, figure 3, on other data",
    states=r"P(\text{a test image is named}\mid 10{,}000\text{ layers, one epoch})\ge\tfrac12,\qquad"
    r"\text{chance: }\tfrac1{10}",
    derivation=fixup.exponent,
    exact=False,
    mutants=[
        mutant(
            "rule 2 dropped",
            "Zeros alone: every one of L branches moves the function by order eta, and together they overshoot.",
            exponent=None,
        ),
        mutant(
            "the minus sign lost",
            "L^(+1/(2m-2)), as a much-copied page prints the exponent: branches that grow with the depth.",
            exponent=0.5,
        ),
        mutant(
            "standard initialisation",
            "He on every layer of every branch: the stream triples per block, and the first loss is not finite.",
            init="he",
        ),
    ],
)
def fixup_trains_deep_nets(run: Run, *, init: str = "fixup", exponent: float | None = -0.5) -> Finding:
    """A Fixup net of 10,000 layers names more than half of unseen digits after one epoch, without normalisation.

    Of 297 test images, taken as independent; given one start and one order of the training images, both from the seed.
    One epoch of plain SGD on 1,300 of the shipped digits (whatever the inputs of the run), width 32, float32, rate 0.1,
    scalars at a thousandth of it. At quick effort 1,000 layers. That it is one half is no law of nature: chance is a
    tenth, and what was measured is three quarters at either depth.
    """
    blocks = 499 if run.effort == "quick" else 4999  # (N - 2) / m
    scale = exponent if init == "fixup" else None
    successes, trials = run.once(_correct, blocks, init, scale)
    return at_least(successes, trials, share=0.5, error=0.5, alpha=run.alpha)
