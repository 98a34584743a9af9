"""The engines: weights that are never drawn, and chains of norms alone, against weights that are drawn.

Both sides of a claim are simulated on streams of their own and compared in a list of statistics that is fixed in
advance; products and ratios are among them because the joint law must agree, not only the law of each number.
"""

from __future__ import annotations

import numpy as np

from claims.independence.batch_statistics import LOUD, Statistics, samples, unit_rows
from claims.independence.norm_chains import WrongChain, statistics
from claims.independence.wrong_weights import forgetful, half_learning, independent_backward, unlearning, unprojected
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, draws_for_same_law, same_law
from simulations import Dense, LeakyReLU, Network, Sampling, Sequential, he, measure, mlp, residual_mlp, uniform
from simulations.engines.choice import Engine
from simulations.weights.initialisers import Initialiser
from simulations.weights.kinds import Kind, Weights, arrays, drawn
from simulations.weights.undrawn import undrawn
from theory.independence import conditioning

HERE = "Fathom's engines"
DRAWN, UNDRAWN = drawn(), undrawn()


def _uniform(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Weights:
    return DRAWN(init.with_law(uniform), rng, draws, fan_in, fan_out)


def _compare(run: Run, cases: tuple[str, ...], standard: float, first: Kind, second: Kind) -> Finding:
    error = min(run.error(standard), 0.12)
    number = len(run.once(samples, cases, first, "names", 2))
    draws = draws_for_same_law(number, error=error, alpha=run.alpha)
    sides = (run.once(samples, cases, kind, side, draws) for kind, side in ((first, "drawn"), (second, "undrawn")))
    return same_law(*sides, error=error, alpha=run.alpha)


@claim(
    "U1",
    paper=HERE,
    where="simulations/weights/undrawn.py, where it is derived",
    states=r"(q_iW,\;p_jW^{\mathsf T})_{ij}\text{ answered by }qW=qC^{\mathsf T}P+z(1-P^{\mathsf T}P)"
    r"\text{ has the law of }W_{ij}\sim N(0,\sigma^2)",
    derivation=[conditioning.answer, conditioning.answer_and_known, conditioning.orthogonal],
    mutants=[
        mutant(
            "the gradient-independence assumption",
            "Backward weights independent of the forward ones: then the two passes no longer have one inner product of "
            "state and gradient at all depths.",
            kind=independent_backward(UNDRAWN),
        ),
        mutant(
            "the forward part not projected off",
            "What the forward pass knows of a row is added to fresh normals that fill its whole length already.",
            kind=unprojected,
        ),
        mutant(
            "entries of another law",
            "Uniform entries of the same variance on the drawn side: only Gaussian weights have answers without "
            "entries, and at small width the law shows.",
            entries=_uniform,
        ),
        mutant("every product anew", "A matrix that forgets between the passes what it has answered.", kind=forgetful),
    ],
)
def undrawn_equals_drawn(run: Run, *, kind: Kind = UNDRAWN, entries: Kind = DRAWN) -> Finding:
    """Weights that are never drawn give the same law as drawn ones.

    A plain and a residual net of width 6, forwards and back, in batches of three: a real row, a random one, and the
    first again (plain) or an axis (residual). Norms, inner products between inputs, norms of gradients and of the
    weights' gradients, loss, and products and ratios of these, the inner product of state and gradient among them.
    Exact at any width for Gaussian weights; the error is the distance between two cdfs.
    """
    return _compare(run, ("plain", "residual"), 0.06, entries, kind)


@claim(
    "U1",
    paper=HERE,
    where="simulations/weights/undrawn.py, where it is derived; steps of gradient descent add Q^T S P",
    states=r"h_{t+1}=\mathrm{relu}(h_tW),\qquad W\leftarrow W-\eta\,x^{\mathsf T}\delta\;:\;"
    r"\text{answers have the law of }W_{ij}\sim N(0,\sigma^2)",
    derivation=[conditioning.answer, conditioning.answer_and_known, conditioning.orthogonal],
    mutants=[
        mutant(
            "reused weights treated as fresh",
            "Each use of the matrix is answered as if it were the first.",
            kind=forgetful,
        ),
        mutant(
            "the forward part not projected off",
            "What earlier questions tell of a row is added to fresh normals that fill its whole length already.",
            kind=unprojected,
        ),
        mutant("steps forgotten", "The weights stay as drawn: the loss does not fall.", kind=unlearning),
        mutant(
            "steps seen by the forward pass only",
            "Cotangents pass back through the initial weights: feedback alignment, not back-propagation.",
            kind=half_learning,
        ),
    ],
)
def undrawn_weights_are_used_again(run: Run, *, kind: Kind = UNDRAWN) -> Finding:
    """Weights that are never drawn may be used again and trained, with the same law as drawn ones.

    A recurrent net of width 6 that asks one matrix three times, forwards and back; and three losses of a plain net, on
    one batch, between which two steps of gradient descent move all weights. Of the matrix used again, the
    gradient is that of its first use. Statistics and exactness as in `undrawn_equals_drawn`.
    """
    return _compare(run, ("recurrent", "learning"), 0.08, arrays, kind)


PLAIN, CLASSES = (4, 2, 2, 4), 2
RESIDUAL = Network(
    (
        Sequential((Dense("stem", PLAIN[0], 3, he), LeakyReLU())),
        *residual_mlp(3, 2, hidden=2, classes=CLASSES, readout=LOUD).layers,
    )
)
TARGET = np.eye(CLASSES)[:1]


def _norms(run: Run, engine: Engine | WrongChain, draws: int) -> Statistics:
    """The statistics of a plain and of a residual net at inputs of length 1; a wrong chain is of the plain one."""
    plain = mlp(PLAIN, classes=CLASSES, readout=LOUD)
    if isinstance(engine, WrongChain):
        record = engine.record(
            PLAIN, LOUD.deviation(PLAIN[-1], CLASSES), np.repeat(TARGET, draws, axis=0), run.rng("radial", "plain")
        )
        residual = {name: one for name, one in run.once(_norms, "radial", draws).items() if name.startswith("residual")}
        return {f"plain, {name}": one for name, one in statistics(record).items()} | residual
    found: Statistics = {}
    rows = unit_rows(run, PLAIN[0])
    for name, network in (("plain", plain), ("residual", RESIDUAL)):
        record = measure(
            network,
            rows,
            draws=draws,
            rng=run.rng(engine, name),
            backward=True,
            targets=np.repeat(TARGET, len(rows), axis=0),
            engine=engine,
            extras=("active", "weight_gradients"),
            sampling=Sampling(same_input=False),
        )
        found |= {f"{name}, {key}": one for key, one in statistics(record).items()}
    return found


@claim(
    "U2",
    paper=HERE,
    where="simulations/engines/radial_steps.py, where it is derived",
    states=r"K_l\sim\mathrm{Bin}(n_l,\tfrac12)\,[x_{l-1}\ne0],\quad\|x_l\|^2=\sigma_l^2\|x_{l-1}\|^2\chi^2_{K_l},\quad"
    r"\|D_lg_l\|^2=\frac{\rho^2}{\|x_l\|^2}+\sigma_{l+1}^2\|D_{l+1}g_{l+1}\|^2\chi^2_{K_l-1},\quad"
    r"\rho=\langle x_l,g_l\rangle",
    derivation=[conditioning.orthogonal, conditioning.open_square],
    mutants=[
        mutant(
            "dead layers revive",
            "K is binomial behind a dead layer too: but at a zero state no pre-activation is positive.",
            chain=WrongChain(revived=True),
        ),
        mutant(
            "chi^2_K on the way back",
            "The direction of the state is counted among the K open ones, where the gradient is known already.",
            chain=WrongChain(extra=1),
        ),
        mutant(
            "masks redrawn",
            "The way back counts open units of its own, as if its masks were others than those of the forward pass.",
            chain=WrongChain(redrawn=True),
        ),
        mutant(
            "the gradient-independence assumption",
            "K fresh directions and no component along the state: the backward pass forgets the forward one.",
            chain=WrongChain(along=False),
        ),
    ],
)
def radial_equals_drawn(run: Run, *, chain: Engine | WrongChain = "radial") -> Finding:
    """Norms alone, radial chains, have the same law as drawn weights.

    A plain net of widths 4, 2, 2, 4, in which nearly half of the draws die, and a residual one of width 3 with two
    hidden units behind a ReLU layer, at single real inputs scaled to length 1: norms of states, gradients and weights'
    gradients, losses, their products and ratios, and in the plain net counts of active units. Exact at any width for
    Gaussian weights without biases; the error is the distance between two cdfs.
    """
    error = min(run.error(0.03), 0.05)
    number = len(run.once(_norms, "radial", 2))
    draws = draws_for_same_law(number, error=error, alpha=run.alpha)
    draws += draws % 2  # measured in pairs
    sides = (run.once(_norms, engine, draws) for engine in ("drawn", chain))
    return same_law(*sides, error=error, alpha=run.alpha)
