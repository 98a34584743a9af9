"""How the norms of one ReLU net vary from layer to layer: the empirical variance over layers, averaged over weights.

M_j = ||x_j||^2 / E||x_j||^2 at layer j of d, of Gaussian He weights at a fixed input; P_j = E M_j^2, the product of
1 + 5/n_k over the layers up to j. Their variance over the layers of one net is V = mean M_j^2 - (mean M_j)^2. Exact at
every width.

- Given the layers below, later ones keep the mean, so E M_i M_j = P_i for i <= j (`product`).
- Hence E V = sum_j (2 j - d - 1) P_j / d^2 (`expected_variance`): 5 (d^2 - 1) / (6 d n) to first order in 1/n, a sixth
  of the variance 5 d/n at the last layer for large d (`wide`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import product as pairs

import sympy as sp

from theory.derivation import Derivation, Value
from theory.expectation import averaged, fourth_central_moment
from theory.fluctuations import norms as fluctuations
from theory.rules import leading, substituting
from theory.symbols import EPSILON, N

FIRST, RATIO = sp.symbols("M_i R", positive=True)


@cache
def product() -> Derivation:
    """Derive the mean product of the relative square norms of two layers."""
    return Derivation.begin(
        "Product of the norms of two layers",
        "Layer j is layer i times an independent ratio R.",
        FIRST * (FIRST * RATIO),
    ).then("The ratio has mean 1.", FIRST**2, averaged({RATIO: (1, fluctuations.ratio_moment(1).result)}))


@cache
def wide(layers: int) -> Derivation:
    """Derive the mean of the variance over `layers` layers of one width, and its first order in 1/n."""
    ratios = sp.symbols(f"r_1:{layers + 1}", positive=True)
    norms = [sp.prod(ratios[: j + 1]) for j in range(layers)]
    mean, square = sp.Add(*norms) / layers, sp.Add(*(one**2 for one in norms)) / layers
    moments = (1, *(fluctuations.ratio_moment(order).result for order in (1, 2)))
    factor = 1 + 5 / N
    exact = sum((2 * j - layers - 1) * factor**j for j in range(1, layers + 1)) / sp.Integer(layers) ** 2
    first = sp.Rational(5 * (layers**2 - 1), 6 * layers)
    return (
        Derivation.begin(
            f"Variance over {layers} layers", "Norms are products of independent ratios r_j.", square - mean**2
        )
        .then(
            "Average over the ratios, whose square has mean 1 + 5/n.", exact, averaged(dict.fromkeys(ratios, moments))
        )
        .then("Write the width as 1/epsilon.", exact.subs(N, 1 / EPSILON), substituting({N: 1 / EPSILON}))
        .then("Keep the first order.", first * EPSILON, leading(EPSILON, 1))
    )


def _moments(order: int, widths: Sequence[Value]) -> list[sp.Expr]:
    """Return E M_j^order for j = 0, ..., d."""
    found = [sp.S.One]
    for width in widths:
        found.append(found[-1] * fluctuations.relu_ratio_moment(order, width))
    return found


def expected_variance(widths: Sequence[Value]) -> sp.Expr:
    """Return E V for layers of these widths, V the variance over the layers of one net's relative square norms. Exact.

    Raises
    ------
    ValueError
        If there are no widths, or one is not a positive integer.
    """
    if not widths:
        raise ValueError("no widths; expected those behind every layer, at least one")
    squares, depth = _moments(2, widths), len(widths)
    return sum((2 * j - depth - 1) * squares[j] for j in range(1, depth + 1)) / sp.Integer(depth) ** 2


def second_moment_bound(widths: Sequence[Value]) -> sp.Expr:
    """Return the bound of E V^2 by the mean of E (M_i - M_j)^4 / 4 over all pairs of layers (Jensen).

    V is the mean of (M_i - M_j)^2 / 2 over the pairs; M_j - M_i is M_i times an independent ratio less 1.
    """
    depth, first = len(widths), _moments(4, widths)
    total = sp.S.Zero
    for i, j in pairs(range(1, depth + 1), repeat=2):
        if i < j:
            ratio = [_moments(order, widths[i:j])[-1] for order in (1, 2, 3, 4)]
            total += first[i] * fourth_central_moment(*ratio) / 2  # both orders of the pair, a quarter each
    return total / depth**2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (product, *(partial(wide, layers) for layers in (2, 3, 4)))
