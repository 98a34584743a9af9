"""Asking a classifier for its gradients: inner products and norms at every block input and for every set of parameters.

Rounding: each dense layer computes ``x @ W`` forwards and ``dy @ W.T`` backwards with at most fan_in + fan_out
roundings an entry, and an error of either moves an inner product <gradient, state> by at most that number times eps
times ``sum |x| |W| |dy|``, which is ``sum |W * dW|`` for a single sample. Summed over layers and doubled for terms of
second order, this bounds the whole error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Gradients, Parameters
from simulations.layers.losses import EPS, SoftmaxLoss, softmax_loss
from simulations.layers.network import Network, Run
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm


@dataclass(frozen=True)
class StateProbe:
    """Per draw, at the input of every block: arrays (draws, blocks); losses and entropies (draws, 1)."""

    inner: Array
    """<dl/dx, x>"""
    gradient_norms: Array
    state_norms: Array
    loss: SoftmaxLoss
    rounding: Array
    """Bound on the rounding error of ``inner - (loss - entropy)``, (draws, 1)."""


@dataclass(frozen=True)
class SetProbe:
    """Per draw, for a set of parameters: arrays (draws,); losses and entropies (draws, batch)."""

    inner: Array
    """<d(mean loss)/dtheta, theta>"""
    gradient_norm: Array
    parameter_norm: Array
    loss: SoftmaxLoss
    rounding: Array


def probe_states(network: Network, parameters: Parameters, x: Array, targets: Array) -> StateProbe:
    """Run one sample a draw, x (draws, 1, features) and targets (draws, 1, classes), and ask at every block input."""
    run, loss, cotangents, gradients = _backward(network, parameters, x, targets)
    pairs = list(zip(run.states[:-1], cotangents[:-1], strict=True))
    return StateProbe(
        inner=np.concatenate([(state * gradient).sum(-1) for state, gradient in pairs], axis=1),
        gradient_norms=np.concatenate([norm(gradient) for _, gradient in pairs], axis=1),
        state_norms=np.concatenate([norm(state) for state, _ in pairs], axis=1),
        loss=loss,
        rounding=loss.rounding + _rounding(network, parameters, run, cotangents, gradients)[:, None],
    )


def probe_sets(
    network: Network, parameters: Parameters, x: Array, targets: Array, sets: Sequence[frozenset[str]]
) -> dict[frozenset[str], SetProbe]:
    """Run a minibatch a draw, x (draws, batch, features), and ask for the mean loss's gradient in each of `sets`."""
    draws, batch = x.shape[:2]
    targets = np.broadcast_to(targets, (draws, batch, targets.shape[-1]))
    # Every sample runs by itself, gradient and bound in one run: sums taken in another order may round to the other
    # side of a kink.
    gradients: Parameters = {name: np.zeros_like(value) for name, value in parameters.items()}
    rounding, logits = np.zeros(draws), []
    for sample in range(batch):
        one = slice(sample, sample + 1)
        run, each, cotangents, single = _backward(network, parameters, x[:, one], targets[:, one])
        rounding += (_rounding(network, parameters, run, cotangents, single, batch) + each.rounding[:, 0]) / batch
        logits.append(run.output)
        for name, value in single.items():
            gradients[name] += value / batch
    loss = softmax_loss(np.concatenate(logits, axis=1), targets)
    return {
        names: SetProbe(
            inner=sum((_flat(gradients[n]) * _flat(parameters[n])).sum(-1) for n in sorted(names)),
            gradient_norm=norm(np.stack([norm(_flat(gradients[n])) for n in sorted(names)], axis=-1)),
            parameter_norm=norm(np.stack([norm(_flat(parameters[n])) for n in sorted(names)], axis=-1)),
            loss=loss,
            rounding=rounding,
        )
        for names in sets
    }


def probe_cotangents(
    network: Network, parameters: Parameters, x: Array, logit_gradient: Callable[[Array], Array]
) -> tuple[Array, Array, Array]:
    """Run one sample a draw for any loss, given as the map from its logits to its gradient in them.

    Returns
    -------
    tuple
        The logits (draws, 1, classes), <dl/dx, x> at the input of every block (draws, blocks), and a bound on the
        rounding of the latter beyond that of ``<dl/dz, z>`` (draws, 1).
    """
    run = network.run(parameters, x)
    gradients: Gradients = {}
    cotangents = run.backward(logit_gradient(run.output), gradients)
    pairs = list(zip(run.states[:-1], cotangents[:-1], strict=True))
    inner = np.concatenate([(state * gradient).sum(-1) for state, gradient in pairs], axis=1)
    return run.output, inner, _rounding(network, parameters, run, cotangents, _arrays(gradients))[:, None]


def _backward(
    network: Network, parameters: Parameters, x: Array, targets: Array
) -> tuple[Run, SoftmaxLoss, tuple[Array, ...], Parameters]:
    run = network.run(parameters, x)
    loss = softmax_loss(run.output, targets)
    gradients: Gradients = {}
    return run, loss, run.backward(loss.logit_gradient, gradients), _arrays(gradients)


def _arrays(gradients: Gradients) -> Parameters:
    return {name: gradient.array for name, gradient in gradients.items()}


def _rounding(
    network: Network,
    parameters: Parameters,
    run: Run,
    cotangents: Sequence[Array],
    gradients: Parameters,
    batch: int = 1,
) -> Array:
    total = np.zeros(len(run.output))
    for dense in network.weights():
        products = np.abs(_flat(parameters[dense.weight]) * _flat(gradients[dense.weight])).sum(-1)
        total += (dense.fan_in + dense.fan_out + batch + 4) * products
    for state, gradient in zip(run.states, cotangents, strict=True):
        total += (state.shape[-1] + 4) * np.abs(state * gradient).sum((1, 2))
    return 2 * EPS * total


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)
