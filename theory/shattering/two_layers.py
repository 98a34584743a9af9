"""Gradients of two orthogonal inputs in a real ReLU net of two layers: how far finite width is from the wide limit.

One layer is exact at any width (`theory.mean_field.angles.mask_overlap`). In two, both the overlap f of the gradients
below and the angle theta of the hidden states fluctuate, and the second layer's masks favour the plane of those states.
With M = J1 J2^T, J_a the Jacobians of the first layer, f = tr M / n, and averaged over the second layer,

    E (f' | first layer) = (1 - theta/pi) f + (sin theta / pi) rho,    rho = tr(R M) / n,

R the reflection that swaps the two states' directions. All widths are n, weights have variance 2/n. Exact at every
width; what both layers make together is bounded by elementary inequalities (`two_layers`).

- The factor sin theta / pi of the reflection (`reflection`).
- Var f = (3/4 + 2/n) / n (`overlap_variance`) and E||M||^2 / n^2 = (2n + 1) / n^2 (`frobenius`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.domain import positive_integer
from theory.mean_field import angles
from theory.mean_field.angles import PHI, wedge
from theory.rules import equal
from theory.shattering.block import FROBENIUS, TRACE, layer
from theory.symbols import THETA, N
from theory.written_out import WrittenOut, at_sizes

LEAST = 0.8
"""Square norms of hidden states below this share of their mean are treated as a rare event."""


@cache
def reflection() -> Derivation:
    """Derive by how much the second layer's masks favour the bisector of the two states over its normal."""
    return Derivation.begin(
        "Weights along the plane of two inputs",
        "Among rows active at both inputs, average the square along the bisector, at phi = theta / 2, less the "
        "square across it, over 2; times the number of rows, n, and their variance, 2 / n.",
        wedge(2, sp.cos(2 * PHI - THETA)),
    ).then("Integrate; on all other directions the mean is 1 - theta/pi.", sp.sin(THETA) / sp.pi)


@cache
def overlap_variance() -> Derivation:
    """Derive the variance of f = tr J1 J2^T / n after one layer."""
    return (
        Derivation.begin(
            "Variance of the overlap of two Jacobians of one layer",
            "The square of f = tr J1 J2^T / n at orthogonal inputs.",
            (TRACE / N) ** 2,
        )
        .then(
            "Average over the weights and their masks at the two inputs.",
            sp.Rational(1, 4) + (sp.Rational(3, 4) + 2 / N) / N,
            at_sizes(_orthogonal, (2,), (3,), (4,)),
        )
        .then(
            "Take away the square of the mean, 1/2.",
            (sp.Rational(3, 4) + 2 / N) / N,
            lambda before, now: equal(before - overlap_mean().result ** 2, now),
        )
    )


@cache
def overlap_mean() -> Derivation:
    """Derive the mean of f."""
    return Derivation.begin(
        "Mean overlap of two Jacobians of one layer", "f = tr J1 J2^T / n at orthogonal inputs.", TRACE / N
    ).then("Average over the weights and their masks.", sp.Rational(1, 2), at_sizes(_orthogonal, (2,), (3,), (4,)))


@cache
def frobenius() -> Derivation:
    """Derive E ||J1 J2^T||^2 / n^2 after one layer."""
    return Derivation.begin(
        "Square norm of the product of two Jacobians of one layer",
        "The squared inner products of the rows of J1 and J2 at orthogonal inputs, over n^2.",
        FROBENIUS / N**2,
    ).then("Average over the weights and their masks.", (2 * N + 1) / N**2, at_sizes(_orthogonal, (2,), (3,), (4,)))


def _orthogonal(width: int) -> WrittenOut:
    return layer(width, sp.pi / 2)


@dataclass(frozen=True)
class TwoLayers:
    """What is known of X = g1.g2 / E||g||^2 of two layers, v being normal."""

    limit: float
    """The wide limit mu of E X: (1/2) (1 - arccos(1/pi) / pi) = 0.3016."""
    bias: float
    """A bound on |E X - mu|."""
    second_moment: float
    """A bound on E (X - mu)^2."""


def two_layers(width: int) -> TwoLayers:
    """Bound bias and spread at this width; derived, not exact: about 6.1 / n and 10.5 / n for wide nets.

    Write A, B, C for the inner product of the hidden states and their square norms, of means k = 1/pi, 1, 1 and
    variances from `angles.product_variance`; cos theta = A / sqrt(BC), h = 1 - theta/pi.

    - sqrt(BC) lies between B and C, so ||sqrt(BC) - 1||^2 <= Var B + Var C in L2; and 1 - E sqrt(BC) =
      E (sqrt B - sqrt C)^2 / 2 <= Var B + Var C. The triangle inequality bounds s = ||A - k sqrt(BC)||.
    - Outside an event of probability p (Chernoff's bound) B and C are at least 0.8, where |cos theta - k| <=
      |A - k sqrt(BC)| / 0.8. On it, h is off by less than arccos(k) / pi.
    - On [0, 1] the first and second divided differences of arccos at k are largest at 1, in absolute value; that
      bounds ||h - h(k)|| and, to second order, E (h - h(k)).
    - |tr R D1 D2| <= 2, and the n - 2 columns of W off the inputs' plane are independent of R and D; the two in it
      add at most 2 in the mean: E |rho| <= 6 / n. Also rho^2 <= 2 ||M||^2 / n^2.
    - Given the first layer, f' is a mean of n independent rows: its variance is at most (2/n) (f^2 + 2 ||M||^2 / n^2).
      A normal v adds at most 2 ||M'||^2 / n^2, of which E ||M'||^2 <= (1 + 4/n) E||M||^2 + 2 n E f^2.
    """
    n = int(positive_integer("width", width, least=2))
    cos_spread, norm_spread = (math.sqrt(float(angles.product_variance(a)) / n) for a in (sp.pi / 2, 0))
    k = float(angles.next_cosine(sp.pi / 2))
    theta, both = math.acos(k), math.sqrt(2) * norm_spread
    s = cos_spread + k * both
    p = min(1.0, 2 * _lower_tail(n))
    h = math.sqrt((theta / (1 - k) * s / LEAST) ** 2 + p * theta**2) / math.pi
    curvature = (theta - (1 - k) / math.sqrt(1 - k**2)) / (1 - k) ** 2
    shift = k * both**2 + s * math.sqrt(p) + s * both / LEAST
    mean_h = (shift / math.sqrt(1 - k**2) + curvature * (s / LEAST) ** 2 + p * theta) / math.pi
    f_spread = math.sqrt(float(overlap_variance().at(n=n)))
    f_square, product = 0.25 + f_spread**2, float(frobenius().at(n=n))
    above = product * (1 + 4 / n) + 2 / n * f_square
    between = f_spread + h / 2 + math.sqrt(2 * product) / math.pi
    return TwoLayers(
        limit=(1 - theta / math.pi) / 2,
        bias=h * f_spread + mean_h / 2 + 6 / (math.pi * n),
        second_moment=2 * above + 2 / n * (f_square + 2 * product) + between**2,
    )


def _lower_tail(n: int) -> float:
    """Bound P(B < LEAST) for B = (2/n) sum of relu(z_i)^2, z_i normal: the least Chernoff bound on a grid."""
    rates = (n * step / 100 for step in range(1, 200))
    return math.exp(min(LEAST * rate + n * math.log((1 + (1 + 4 * rate / n) ** -0.5) / 2) for rate in rates))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (reflection, overlap_mean, overlap_variance, frobenius)
