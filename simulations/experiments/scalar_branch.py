"""The scalar-branch residual chain ``f = prod_l (1 + prod_i a[l, i]) x``: forward, gradients and SGD steps.

Each residual branch is a product of m scalars: the simplest network in which Fixup's rule for scaling m layers can be
seen (Zhang, Dauphin & Ma 2019, section 3). Arrays `a` are (..., branches, m).
"""

from __future__ import annotations

import numpy as np

from simulations.numbers.arrays import Array


def forward(a: Array, x: float) -> Array:
    """Return f at `x`, shape (...)."""
    value: Array = np.prod(1 + np.prod(_checked(a), axis=-1), axis=-1) * x
    return value


def states(a: Array, x: float) -> Array:
    """Return the chain's state at every depth, from `x` to f, shape (..., branches + 1)."""
    factors = 1 + np.prod(_checked(a), axis=-1)
    ones = np.ones_like(factors[..., :1])
    along: Array = np.cumprod(np.concatenate([ones, factors], axis=-1), axis=-1) * x
    return along


def cotangents(a: Array) -> Array:
    """Return df/dstate at every depth, from the input to f, shape (..., branches + 1)."""
    factors = 1 + np.prod(_checked(a), axis=-1)
    ones = np.ones_like(factors[..., :1])
    along: Array = np.cumprod(np.concatenate([ones, factors[..., ::-1]], axis=-1), axis=-1)[..., ::-1]
    return along


def branch(a: Array, x: float) -> Array:
    """Return the branches' outputs ``prod_i a_i x`` at a common input, shape (..., branches)."""
    value: Array = np.prod(_checked(a), axis=-1) * x
    return value


def products_of_others(a: Array) -> Array:
    """Return, for every entry of `a`, the product of the others along the last axis; right where entries are zero."""
    ones = np.ones_like(a[..., :1])
    before = np.cumprod(np.concatenate([ones, a[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, a[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    others: Array = before * after
    return others


def gradient(a: Array, x: float) -> Array:
    """Return df/da, of the shape of `a`."""
    factors = 1 + np.prod(_checked(a), axis=-1)
    return x * products_of_others(factors)[..., None] * products_of_others(a)


def branch_step(a: Array, x: float, loss_slope: float, rate: float) -> Array:
    """Take one SGD step on every branch alone, with dl/dF = `loss_slope`: ``a - rate * dl/da``."""
    return a - rate * loss_slope * x * products_of_others(_checked(a))


def step(a: Array, x: float, loss_slope: float, rate: float) -> Array:
    """Take one SGD step on the whole chain, with dl/df = `loss_slope`: ``a - rate * dl/da``."""
    return a - rate * loss_slope * gradient(a, x)


def _checked(a: Array) -> Array:
    if a.ndim < 2 or 0 in a.shape:
        raise ValueError(f"a must have shape (..., branches, m) with at least one of each, got {a.shape}")
    return a
