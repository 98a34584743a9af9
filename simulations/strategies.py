"""Hypothesis strategies: awkward inputs, labels and networks, so that a theorem can be property-tested in ten lines.

Needs the `test` extra (Hypothesis), which nothing else in `simulations` imports. Theorem 1 of Fixup, for example:

>>> from hypothesis import given, settings
>>> from simulations.probe import probe_states
>>> from simulations.strategies import cases
>>> @settings(max_examples=20, derandomize=True, deadline=None, database=None)
... @given(cases(homogeneous=True))
... def theorem_1(case):
...     one = case.alone()
...     probe = probe_states(one.network, one.parameters, one.x, one.targets)
...     excess = probe.loss.loss - probe.loss.entropy
...     assert (abs(probe.inner - excess) <= probe.rounding).all()
...     assert (probe.gradient_norms * probe.state_norms >= excess - probe.rounding).all()
>>> theorem_1()

Range: an entry of `inputs` is 0 or between 1e-150 and 1e150 in size. A network has at most 21 dense layers, of width 6
or less and with weights that rarely exceed 10, and a readout scaled by 1e-3 to 1e3: sizes change by factors far from
1e150, so neither states nor gradients nor <gradient, state> overflow, and what underflows is far below rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from simulations.attention.masks import Mask
from simulations.layers.dense import LeakyReLU, Parameters, Tanh
from simulations.layers.losses import one_hot
from simulations.layers.network import Network
from simulations.networks.mlp import mlp, residual_mlp
from simulations.numbers.arrays import Array
from simulations.numbers.streams import stream
from simulations.weights.initialisers import glorot, he, lecun, rademacher, uniform, zero

WIDTHS = st.integers(1, 6)
DEPTHS = st.integers(1, 6)
INITIALISERS = [he, lecun, glorot, he.with_law(uniform), he.with_law(rademacher)]
RECTIFIERS = st.sampled_from([LeakyReLU(slope) for slope in (0.0, 0.01, 0.3, 1.0)])


def seeds() -> st.SearchStrategy[int]:
    """Roots for `simulations.stream`."""
    return st.integers(0, 2**32 - 1)


def factors() -> st.SearchStrategy[float]:
    """Positive factors to scale by, from 1e-3 to 1e3."""
    return st.floats(1e-3, 1e3)


@st.composite
def inputs(draw: st.DrawFn, *, features: int = 4, samples: int | None = None) -> Array:
    """Batches (samples, features): huge, tiny and zero rows, duplicates, multiples of each other, ties within a row.

    Rows are multiples of a few base rows, so the batch may have any rank. Without `samples` there are 1 to 5. They make
    awkward logits, too.
    """
    count = draw(st.integers(1, 5)) if samples is None else samples
    entries = st.sampled_from([0.0, 1.0, -1.0, 0.5]) | st.floats(1e-10, 1.0) | st.floats(-1.0, -1e-10)
    rank = draw(st.integers(1, count))
    base = draw(arrays(np.float64, (rank, features), elements=entries, fill=st.nothing()))
    again = draw(st.lists(st.integers(0, rank - 1), min_size=count - rank, max_size=count - rank))
    ordinary, extreme = (st.floats(*powers).map(lambda power: 10.0**power) for powers in ((-2, 2), (-140, 150)))
    scales = st.sampled_from([1.0, 0.0, 1e150, 1e-140]) | ordinary | extreme
    scaled: Array = (
        base[[*range(rank), *again]] * np.array(draw(st.lists(scales, min_size=count, max_size=count)))[:, None]
    )
    return scaled


@st.composite
def labels(draw: st.DrawFn, *, samples: int, classes: int = 3) -> Array:
    """Targets (samples, classes) whose rows sum to 1: one-hot, or soft with zeros among them."""
    hard = one_hot(np.array(draw(st.lists(st.integers(0, classes - 1), min_size=samples, max_size=samples))), classes)
    soft = draw(arrays(np.float64, (samples, classes), elements=st.just(0.0) | st.floats(1e-10, 1.0)))
    # Where all drawn weights of a row are 0, the hard label stands.
    soft = np.where(soft.any(axis=1, keepdims=True), soft, hard)
    return hard if draw(st.booleans()) else soft / soft.sum(axis=1, keepdims=True)


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    features: int = 4,
    classes: int = 3,
    homogeneous: bool | None = True,
    residual: bool | None = None,
) -> Network:
    """Plain and residual classifiers: 1 to 6 blocks, 1 to 3 layers a branch, perhaps a stem and a projecting shortcut.

    Parameters
    ----------
    homogeneous : bool or None
        True for networks of degree 1 in their input; False for biases, tanh or both; None for all of these.
    residual : bool or None
        True or False for residual or plain networks only.
    """
    if homogeneous is None:
        homogeneous = draw(st.booleans())
    biased, bent = (
        (False, False) if homogeneous else draw(st.sampled_from([(True, False), (False, True), (True, True)]))
    )
    activation = Tanh() if bent else draw(RECTIFIERS)
    readout = draw(st.sampled_from([*INITIALISERS, zero])).scaled(draw(st.sampled_from([1.0, 1e-3, 1e3])))
    init, bias = draw(st.sampled_from(INITIALISERS)), draw(st.sampled_from([0.1, 1.0, 10.0])) if biased else None
    if not (draw(st.booleans()) if residual is None else residual):
        hidden = draw(st.lists(WIDTHS, min_size=1, max_size=6))
        return mlp(
            [features, *hidden], init=init, activation=activation, classes=classes, readout=readout, bias_deviation=bias
        )
    stem = draw(st.booleans())
    return residual_mlp(
        draw(WIDTHS) if stem else features,
        draw(DEPTHS),
        hidden=draw(WIDTHS),
        layers_per_branch=draw(st.integers(1, 3)),
        init=init,
        last_layer=draw(st.sampled_from([*INITIALISERS, zero])),
        activation=activation,
        stem=features if stem else None,
        classes=classes,
        readout=readout,
        bias_deviation=bias,
        project=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Case:
    """A classifier with its weights and a labelled batch; arrays have a leading axis of draws."""

    network: Network
    parameters: Parameters
    x: Array
    """(draws, batch, features)"""
    targets: Array
    """(draws, batch, classes)"""

    def alone(self) -> Case:
        """Return every sample as a batch of its own, one a draw, under the same weights."""
        draws, batch = self.x.shape[:2]
        return Case(
            self.network,
            {name: np.repeat(value, batch, axis=0) for name, value in self.parameters.items()},
            self.x.reshape(draws * batch, 1, -1),
            self.targets.reshape(draws * batch, 1, -1),
        )


@st.composite
def cases(draw: st.DrawFn, *, homogeneous: bool | None = True, residual: bool | None = None) -> Case:
    """Networks with one draw of their weights and a labelled batch: what most theorems are about."""
    features, classes = draw(WIDTHS), draw(st.integers(2, 5))
    network = draw(networks(features=features, classes=classes, homogeneous=homogeneous, residual=residual))
    x = draw(inputs(features=features))
    targets = draw(labels(samples=len(x), classes=classes))
    return Case(network, network.draw(stream(draw(seeds()), "weights"), 1), x[None], targets[None])


@st.composite
def masks(draw: st.DrawFn, *, batch: int, queries: int, keys: int) -> Mask:
    """Masks (draws or 1, batch or 1, heads = 1, queries or 1, keys) that leave every query at least one key.

    Scattered, or padding behind (and before) the tokens, or both; sometimes nothing is hidden.
    """
    rows = draw(st.sampled_from([1, queries])), draw(st.sampled_from([1, batch]))
    seen = draw(arrays(np.bool_, (1, rows[1], 1, rows[0], keys), elements=st.booleans(), fill=st.nothing()))
    if draw(st.booleans()):  # a stretch of tokens that count
        seen |= ~draw(arrays(np.bool_, (1, rows[1], 1, 1, 1)))
        start, end = sorted(draw(st.tuples(st.integers(0, keys), st.integers(0, keys))))
        seen[..., :start] = seen[..., end:] = False
    always = draw(arrays(np.int64, (1, rows[1], 1, rows[0], 1), elements=st.integers(0, keys - 1)))
    np.put_along_axis(seen, always, True, axis=-1)
    return seen


@st.composite
def tokens(draw: st.DrawFn, *, kinds: int = 7, batch: int | None = None) -> NDArray[np.int64]:
    """Sequences (1 to 4 or `batch`, 1 to 6 positions) of at least one token, from 1 on, with 0 behind their ends."""
    count, longest = draw(st.integers(1, 4)) if batch is None else batch, draw(st.integers(1, 6))
    numbers = draw(arrays(np.int64, (count, longest), elements=st.integers(1, kinds - 1), fill=st.nothing()))
    ends = draw(arrays(np.int64, (count, 1), elements=st.integers(1, longest), fill=st.nothing()))
    return np.where(np.arange(longest) < ends, numbers, 0)


@dataclass(frozen=True)
class Heads:
    """Queries, keys and values (draws, batch, heads, positions, features), and a mask."""

    queries: Array
    keys: Array
    values: Array
    mask: Mask


@st.composite
def heads(draw: st.DrawFn) -> Heads:
    """Sequences of 1 to 5 positions, 1 to 4 heads with as many heads of keys or fewer; logits from tiny to hundreds."""
    draws, batch, positions, sources = (draw(st.integers(1, most)) for most in (2, 3, 5, 5))
    key_heads, group = draw(st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 2), (4, 1)]))
    size, out = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng, scales = stream(draw(seeds()), "heads"), st.sampled_from([1.0, 1e-3, 30.0])
    shapes = {
        "queries": (draws, batch, key_heads * group, positions, size),
        "keys": (draws, batch, key_heads, sources, size),
        "values": (draws, batch, key_heads, sources, out),
    }
    mask = draw(masks(batch=batch, queries=positions, keys=sources))
    return Heads(mask=mask, **{name: draw(scales) * rng.normal(size=shape) for name, shape in shapes.items()})
