"""ReLU layers with orthogonal weights: x' = sqrt 2 relu(Qx), Q Haar-distributed and n x n.

Qx is ||x|| times a uniform direction g/||g||, g standard normal. Which entries are positive is independent of their
sizes, and ||relu(g)||^2 and ||g||^2 are chi-square with K ~ Bin(n, 1/2) and n degrees of freedom. The direction is
independent of ||g||, so the moments of r = ||x'||^2 / ||x||^2 are quotients of theirs. Over Q; exact at every width.

- E r^k for k = 1 to 4 (`ratio_moment`): E r = 1 and E r^2 = (n + 5) / (n + 2), where Gaussian weights have 1 + 5/n.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments, mean
from theory.rules import equal
from theory.symbols import ACTIVE, N


@cache
def ratio_moment(order: int) -> Derivation:
    """Derive E r^order, r = 2 B = ||x'||^2 / ||x||^2."""
    size = sp.Symbol("T", nonnegative=True)
    given_mask = 2**order * chi_square_moments(ACTIVE)(order)
    over_masks = sp.factor(mean(given_mask, {ACTIVE: active_moments(N)}))
    return (
        Derivation.begin(
            f"Moment {order} of the ratio of square norms of an orthogonal ReLU layer",
            "Before division by ||g||, r is 2T, T chi-square with K degrees of freedom and K ~ Bin(n, 1/2).",
            (2 * size) ** order,
        )
        .then("Average over the sizes of the K active units.", given_mask, averaged({size: chi_square_moments(ACTIVE)}))
        .then("Average over the masks.", over_masks, averaged({ACTIVE: active_moments(N)}))
        .then(
            "Divide by the same moment of ||g||^2, of which r is independent.",
            sp.factor(over_masks / chi_square_moments(N)(order)),
            lambda before, now: equal(before / chi_square_moments(N)(order), now),
        )
    )


def orthogonal_ratio_moment(order: int, width: Value) -> sp.Expr:
    """Return E r^order, r = ||x'||^2 / ||x||^2, of a square layer sqrt 2 relu(Qx), Q Haar, x fixed. Exact.

    Order 1 is 1 and order 2 is (width + 5) / (width + 2), where Gaussian weights have 1 + 5 / width. The ratios of
    successive layers are independent.

    Raises
    ------
    ValueError
        If `order` is outside 1 to 4 or `width` is not a positive integer.
    """
    if order not in range(1, 5):
        raise ValueError(f"order is {order}; expected an integer from 1 to 4")
    return ratio_moment(int(order)).at(n=positive_integer("width", width))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = tuple(partial(ratio_moment, order) for order in range(1, 5))
