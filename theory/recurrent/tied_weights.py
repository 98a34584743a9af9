"""One linear map applied again and again, as in a recurrent net: E||W^t x||^2 for W of independent N(0, 1/n) entries.

Independent matrices would keep the mean square, 1 at every t. One matrix meets itself: its entries occur in powers, and
so does the mean. The law of W does not change when coordinates are rotated, so no direction of x is special. Over W;
exact at every width n.

- E||W^t x||^2 / ||x||^2 is a sum over the pairings of 2t factors (Wick), n^-t times a polynomial in n (`wick`); for t
  up to 6 by `growth`: 1 + 2/n^2 at t = 2.
- The same entry by entry for small n, and its second moment (`explicit`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged, mean
from theory.symbols import N


def normal_moment(order: int) -> sp.Expr:
    """Return E t^order of a standard normal: the number of ways to pair `order` factors."""
    return sp.factorial2(order - 1) if order % 2 == 0 else sp.S.Zero


@cache
def explicit(units: int, steps: int, power: int = 1) -> Derivation:
    """Derive E (||W^t x||^2 / ||x||^2)^power for a matrix of a given size, entry by entry."""
    entries = sp.symbols(f"w_:{units}:{units}", real=True)
    matrix = [[sp.Poly(entry, *entries) for entry in entries[row * units : (row + 1) * units]] for row in range(units)]
    column = [row[0] for row in matrix]
    for _ in range(steps - 1):
        column = [sum(map(sp.Poly.mul, row, column), sp.Poly(0, *entries)) for row in matrix]
    square_norm = sum((entry**2 for entry in column), sp.Poly(0, *entries))
    square = (square_norm**power).as_expr() / sp.Integer(units) ** (steps * power)
    moments = dict.fromkeys(entries, normal_moment)
    return Derivation.begin(
        f"Moment {power} of {steps} steps with one matrix of {units} x {units} entries",
        "The square norm of the first column of W^t, in standard normals; each is sqrt n times an entry of W.",
        square,
    ).then("Average over each entry.", mean(square, moments), averaged(moments))


@cache
def wick(steps: int) -> Derivation:
    """Derive E||W^t x||^2 / ||x||^2 at any width, for t = `steps`."""
    values = [(k, explicit(k, steps).result * k**steps) for k in range(1, steps + 2)]
    return Derivation.begin(
        f"Mean square after {steps} steps with one matrix",
        "n^t times the mean is a polynomial in n of degree t at most, one power for each sum over an index. Averages "
        "at t + 1 sizes, entry by entry, determine it.",
        sp.expand(sp.interpolate(values, N)) / N**steps,
    ).then("Wick's theorem, pairing the 2t factors in all ways, gives the same.", sp.expand(_sum_over_pairings(steps)))


def _pairings(factors: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    if not factors:
        yield ()
        return
    first, *rest = factors
    for position, other in enumerate(rest):
        for more in _pairings((*rest[:position], *rest[position + 1 :])):
            yield ((first, other), *more)


@cache
def _sum_over_pairings(steps: int) -> sp.Expr:
    """Return E||W^t x||^2 / ||x||^2, x averaged over the axes, as a sum over pairings of the 2t entries of W in it.

    The entries lie on two chains with indices i_0 ... i_t and j_0 ... j_t, where i_0 = j_0 and i_t = j_t. A pairing
    makes rows and columns of its pairs equal; it is worth n^-t, n for each index that is then free, and 1/n for the
    average over x.
    """
    rows = [0, *range(1, steps), 0, *range(steps, 2 * steps - 1)]
    columns = [*range(1, steps), -1, *range(steps, 2 * steps - 1), -1]
    free: Counter[int] = Counter()
    for pairs in _pairings(tuple(range(2 * steps))):
        same = {index: index for index in (-1, *range(2 * steps - 1))}
        for one, other in pairs:
            for left, right in ((rows[one], rows[other]), (columns[one], columns[other])):
                keep, drop = same[left], same[right]
                same = {index: keep if root == drop else root for index, root in same.items()}
        free[len(set(same.values()))] += 1
    return sum((count * N ** (indices - 1 - steps) for indices, count in free.items()), sp.S.Zero)


def growth(units: Value, steps: int) -> sp.Expr:
    """Return E||W^t x||^2 / ||x||^2 for t = `steps` of 0 to 6 and W of independent N(0, 1/n) entries, n = `units`.

    Exact at every width and for every x. 1 + 2/n^2 for two steps; 1 for any number of independent matrices.

    Raises
    ------
    ValueError
        If `units` is not a positive integer or `steps` not one from 0 to 6 (the pairings are counted: 10,395 at 6).
    """
    if steps not in range(7):
        raise ValueError(f"steps is {steps}; expected an integer from 0 to 6")
    return _sum_over_pairings(int(steps)).subs(N, positive_integer("units", units)) if steps else sp.S.One


def second_moment(units: int, steps: int) -> sp.Expr:
    """Return E (||W^t x||^2 / ||x||^2)^2; by all entries, so for small `units` and `steps` only. Exact."""
    return explicit(int(positive_integer("units", units)), int(positive_integer("steps", steps)), 2).result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    *(partial(explicit, units, steps) for steps in (2, 3) for units in range(1, steps + 2)),
    partial(explicit, 3, 2, 2),
    partial(explicit, 2, 3, 2),
    partial(wick, 2),
    partial(wick, 3),
)
