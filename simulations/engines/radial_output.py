"""Where a radial chain turns round: cotangents at the output y that leave no direction preferred.

**Gaussian**: N(0, I), at any output. **Random signs**: behind a last linear layer of c units only, whose output has a
uniform direction, so that the signs' component along y is sqrt(c) N / sqrt(N^2 + chi^2_{c-1}), whatever they are. After
a ReLU or a shortcut the law would depend on axes. **The loss's own**, p - y: the c logits s ||x|| N(0, I_c) are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulations.engines.radial_chain import Step
from simulations.engines.radial_steps import Cotangent, Pullback, State, pass_dense, split_uniform
from simulations.engines.radial_twins import Twins
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import rescale
from simulations.weights.initialisers import gaussian

Law = Callable[[np.random.Generator, tuple[int, ...]], Array]


def output_cotangent(y: State, law: Law, rng: np.random.Generator) -> Cotangent:
    """Draw a cotangent of Gaussians or, at the output of a linear layer, of signs."""
    none, alive = np.zeros_like(y.norm), y.norm > 0
    if law is gaussian:
        return Cotangent(rng.standard_normal(len(alive)) * alive, *y.around(rng), np.zeros_like(y.exponents))
    along, rest = split_uniform(np.full(len(alive), float(y.width)), y.width, rng)
    return Cotangent(along * alive, np.where(alive, rest, y.width), none, np.zeros_like(y.exponents))


def pass_to_loss(
    step: Step, x: State, targets: Array, rng: np.random.Generator, twins: Twins | None = None
) -> tuple[State, Pullback, Array, Cotangent]:
    """Draw logits; return their state and pullback, the losses, and the losses' gradient as a cotangent."""
    normals = rng.standard_normal((len(x.norm), step.fan_out))
    lengths = np.sqrt(np.einsum("ij,ij->i", normals, normals))
    y, pullback = pass_dense(step, x, rng, step.deviation * lengths)
    with np.errstate(over="ignore"):
        logits = np.ldexp((step.deviation * x.norm)[:, None] * normals, x.exponents[:, None])
    if not np.isfinite(logits).all():
        raise OverflowError(f"{step.weight!r} returned logits that are not finite")
    if twins:
        twins.at(logits)
    loss = softmax_loss(logits, targets)
    directions = normals * ((y.norm > 0) / lengths)[:, None]
    gradient, exponents = rescale(loss.logit_gradient, np.zeros_like(x.exponents))
    along = np.einsum("ij,ij->i", gradient, directions)
    rest = gradient - along[:, None] * directions
    cotangent = Cotangent(along, np.einsum("ij,ij->i", rest, rest), np.zeros_like(along), exponents)
    return y, pullback, loss.loss, cotangent
