"""Fixup, section 2: the two lower bounds on gradients (theorems 1 and 2), and the bound on the entropy in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import BATCH, DRAWS, Shapes, biased, homogeneous, rows
from evidence import Finding, all_of, identity, inequality
from simulations import softmax_loss
from simulations.numbers.arrays import Array
from simulations.probe import SetProbe, StateProbe, probe_sets, probe_states
from theory.homogeneity import bounds, softmax
from theory.homogeneity import euler as homogeneity

LOSS, ENTROPY, NORM = sp.symbols("l H n", positive=True)
Reading = Literal["at least", "equal", "at most"]
Bound = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]


def _compared(size: Array, bound: Array, reading: Reading, rounding: Array) -> Finding:
    """Test that sizes are at least the bound, or as a wrong reading has it."""
    if reading == "equal":
        return identity(size, bound, rounding=rounding)
    larger, smaller = (size, bound) if reading == "at least" else (bound, size)
    return inequality(larger, smaller, rounding=rounding)


def _states(run: Run, shapes: Shapes) -> dict[str, StateProbe]:
    """Every shape at raw scale, and one at inputs a millionth as large with a readout that makes up for it."""
    probes = {}
    for name, network in shapes(run.inputs).items():
        x, targets = rows(run, name, DRAWS, 1)
        parameters = network.draw(run.rng("weights", name), DRAWS)
        probes[name] = probe_states(network, parameters, x, targets)
        if name == "plain, uneven widths":
            small = parameters | {"readout.weight": 1e6 * parameters["readout.weight"]}
            probes["small inputs"] = probe_states(network, small, 1e-6 * x, targets)
    return probes


@claim(
    "P5",
    paper=FIXUP,
    where="section 2, theorem 1",
    states=r"\Bigl\|\frac{\partial\ell}{\partial x_{i-1}}\Bigr\|\ge\frac{\ell(z,y)-H(p)}{\|x_{i-1}\|},\qquad"
    r"\Bigl\langle\frac{\partial\ell}{\partial x_{i-1}},x_{i-1}\Bigr\rangle=\ell-H",
    derivation=[homogeneity.euler, softmax.identity, bounds.input_gradient],
    mutants=[
        mutant(
            "divided by the squared norm",
            "Cauchy and Schwarz give one factor ||x||; below norm 1 the wrong bound is too large.",
            bound=lambda loss, entropy, norm: bounds.theorem_1(loss, entropy, norm**2),
        ),
        mutant(
            "without the entropy",
            "The loss alone: but a uniform prediction has loss log c and no gradient to speak of.",
            bound=lambda loss, entropy, norm: bounds.theorem_1(loss, 0, norm),
        ),
        mutant(
            "entropy added",
            "l + H, a sign lost in -sum p log p.",
            bound=lambda loss, entropy, norm: bounds.theorem_1(loss, -entropy, norm),
        ),
        mutant(
            "large in the later blocks",
            "The norms of the states in the reverse order: a residual stream grows with depth, so the bound is large "
            "in the lower blocks, where ||x|| is small.",
            upside_down=True,
        ),
        mutant(
            "an equality",
            "The bound quoted as the size of the gradient: it counts only the part along x.",
            reading="equal",
        ),
        mutant(
            "an upper bound",
            "Read as saying that gradients cannot explode where l - H is small.",
            reading="at most",
        ),
        mutant(
            "a network with biases",
            "With biases the logits are not homogeneous in x, and Euler's identity fails.",
            shapes=biased,
        ),
    ],
)
def theorem_1(
    run: Run,
    *,
    bound: Bound = bounds.theorem_1,
    shapes: Shapes = homogeneous,
    upside_down: bool = False,
    reading: Reading = "at least",
) -> Finding:
    """At every block input the gradient norm is at least (loss - entropy) / ||x||.

    Exact for every sample where the map to the logits is p.h. of degree 1 (compared as ||g|| ||x|| >= l - H). With the
    equality behind the bound, <dl/dx,
    x> = l - H.
    """
    evaluate = sp.lambdify([LOSS, ENTROPY, NORM], bound(LOSS, ENTROPY, NORM))
    columns: list[tuple[Array, ...]] = []
    for probe in run.once(_states, shapes).values():
        loss, entropy = probe.loss.loss, probe.loss.entropy
        norms = np.where(probe.state_norms > 0, probe.state_norms, np.inf)  # at a dead state the theorem says nothing
        excess = np.broadcast_to(evaluate(loss, entropy, 1.0), norms.shape)
        rounding = np.broadcast_to(probe.rounding, norms.shape)
        columns.append(
            (
                probe.gradient_norms * probe.state_norms,
                evaluate(loss, entropy, norms[:, ::-1] if upside_down else norms) * probe.state_norms,
                probe.inner,
                excess,
                rounding,
            )
        )
    size, claimed, inner, excess, rounding = (np.concatenate(column, axis=1) for column in zip(*columns, strict=True))
    return all_of([_compared(size, claimed, reading, rounding), identity(inner, excess, rounding=rounding)])


@claim(
    "P6",
    paper=FIXUP,
    where="section 2, after theorem 1",
    states=r"H(p)\le\log c",
    derivation=[softmax.stationary_entropy, softmax.concavity],
    mutants=[
        mutant(
            "a lower bound",
            "H >= log c, the inequality as popular write-ups print it: log c is the entropy of the uniform "
            "prediction, the largest.",
            reverse=True,
        ),
        mutant(
            "one class fewer",
            "log(c - 1), as if the label's class had been excluded.",
            bound=lambda c: softmax.entropy_bound(c - 1),
        ),
    ],
)
def entropy_is_at_most_log_c(
    run: Run, *, bound: Callable[[int], sp.Expr] = softmax.entropy_bound, reverse: bool = False
) -> Finding:
    """The entropy of a prediction is at most log c, so l - log c gives a weaker bound.

    Exact for every prediction; on the logits of all shapes. A readout of zeros, as under Fixup, attains it.
    """
    losses = [probe.loss for probe in run.once(_states, homogeneous).values()]
    entropies = np.concatenate([loss.entropy for loss in losses], axis=1)
    log_c = np.full(entropies.shape, float(bound(run.inputs.classes)))
    rounding = np.concatenate([loss.rounding for loss in losses], axis=1)
    network, (x, targets) = homogeneous(run.inputs)["residual, 2 layers a branch"], rows(run, "uniform", DRAWS, 1)
    parameters = network.draw(run.rng("uniform"), DRAWS)
    silent = parameters | {"readout.weight": 0 * parameters["readout.weight"]}
    uniform = softmax_loss(network.run(silent, x).output, targets)
    return all_of(
        [
            inequality(*((entropies, log_c) if reverse else (log_c, entropies)), rounding=rounding),
            identity(uniform.entropy, log_c[0, 0], rounding=uniform.rounding),
        ]
    )


def _sets(run: Run, shapes: Shapes) -> list[SetProbe]:
    """Every p.h. set that the bias-free networks list for themselves, on minibatches."""
    listed = homogeneous(run.inputs)
    probes: list[SetProbe] = []
    for name, network in shapes(run.inputs).items():
        x, targets = rows(run, name, DRAWS, BATCH)
        parameters = network.draw(run.rng("weights", name), DRAWS)
        probes += probe_sets(network, parameters, x, targets, listed[name].homogeneous_sets()).values()
    return probes


@claim(
    "P7",
    paper=FIXUP,
    where="section 2, theorem 2, first part",
    states=r"\Bigl\|\frac{\partial\ell_{avg}}{\partial\theta_{ph}}\Bigr\|\ge\frac{1}{M\|\theta_{ph}\|}\sum_{m=1}^{M}\bigl(\ell_m-H(p_m)\bigr)=:G",
    derivation=[homogeneity.euler, partial(bounds.minibatch, 3)],
    mutants=[
        mutant(
            "M times too large", "The sum over the minibatch without the 1 / M of the average loss.", times=float(BATCH)
        ),
        mutant("without the entropy", "The loss alone.", entropy_weight=0.0),
        mutant("degree 2", "Twice the excess: the law of a set that holds two layers of one path.", times=2.0),
        mutant(
            "an equality",
            "The bound quoted as the size of the gradient: it counts only the part along theta.",
            reading="equal",
        ),
        mutant(
            "an upper bound",
            "Read as saying that gradients cannot explode where l - H is small.",
            reading="at most",
        ),
        mutant(
            "networks with biases",
            "A bias outside the set is not scaled with it, so the set is not p.h.",
            shapes=biased,
        ),
    ],
)
def theorem_2(
    run: Run,
    *,
    times: float = 1.0,
    entropy_weight: float = 1.0,
    shapes: Shapes = homogeneous,
    reading: Reading = "at least",
) -> Finding:
    """For every p.h. set the minibatch gradient is at least the mean of (loss - entropy) over the set's norm.

    Exact for every minibatch and every set the networks list. With the equality behind it, <dl/dtheta, theta> = mean(l
    - H).
    """
    losses, entropies = (sp.symbols(f"{name}_1:{BATCH + 1}", positive=True) for name in ("l", "H"))
    evaluate = sp.lambdify([losses, entropies, NORM], bounds.theorem_2(losses, entropies, NORM))
    columns = []
    for probe in run.once(_sets, shapes):
        excess = times * evaluate(probe.loss.loss.T, entropy_weight * probe.loss.entropy.T, 1.0)
        columns.append((probe.gradient_norm * probe.parameter_norm, probe.inner, excess, probe.rounding))
    size, inner, excess, rounding = (np.stack(column, axis=1) for column in zip(*columns, strict=True))
    return all_of([_compared(size, excess, reading, rounding), identity(inner, excess, rounding=rounding)])
