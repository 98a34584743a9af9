"""Radial chains against drawn weights: the same joint law of norms, counts and losses at all positions."""

import numpy as np
import pytest

from evidence import same_law
from simulations import Dense, Record, gaussian, measure, one_hot, rademacher, stream
from simulations.engines.radial import RadialRecord, radial
from simulations.numbers.arrays import Array
from tests.simulations.engines.radial_cases import NETWORKS

pytestmark = pytest.mark.slow

DRAWS = 10_000
ALPHA = 1e-6
"""Two simulators of one law are told apart this often, a test."""
QUIET = np.float64(-5000)
"""Stands for the logarithm of zero."""
ERROR = 0.075
"""A distance between cdfs that is seen with probability 0.999 (in the cases of most statistics)."""


def statistics(record: Record | RadialRecord) -> dict[str, Array]:
    """Squared norms, products and ratios of neighbours, in logarithms without rounding; counts; losses."""
    places = range(len(record.widths))
    norms: dict[str, Array] = {}
    for place in places:
        norms[f"norm {place}"] = record.square_norms[:, place]
        norms[f"gradient {place}"] = record.gradient_square_norms[:, place]
    norms |= record.weight_gradients
    with np.errstate(divide="ignore"):
        logs: dict[str, Array] = {name: np.fmax(np.log2(column), QUIET) for name, column in norms.items()}
    del logs["norm 0"]  # the same in all draws
    if len(record.losses):
        logs["loss"] = record.losses
    names = list(logs)
    near = [(first, second) for apart in (1, 2, 3) for first, second in zip(names, names[apart:], strict=False)]
    found = logs | {f"{first} * {second}": logs[first] + logs[second] for first, second in near}
    found |= {f"{first} / {second}": logs[first] - logs[second] for first, second in near}
    for place in places[1:]:
        count = np.nan_to_num(record.active[:, place], nan=record.widths[0])  # behind dead branches alone: the input
        found[f"active {place}"] = count
        found[f"active {place} and its gradient"] = count + 0.3 * logs[f"gradient {place}"]
    return {name: np.round(column, 8) for name, column in found.items()}


CASES = [(name, False) for name in NETWORKS]
CASES += [(name, True) for name, network in NETWORKS.items() if isinstance(network.layers[-1], Dense)]


@pytest.mark.parametrize(("name", "loss"), CASES)
def test_a_radial_chain_has_the_joint_law_of_drawn_weights(name: str, loss: bool) -> None:
    network = NETWORKS[name]
    last = network.layers[-1]
    start = np.array([[0.6, -1.1, 0.4, 0.9, 0.2, 1.3, -0.7, 0.1, 0.3, -0.2, 0.5, 0.8]])[
        :, : next(network.weights()).fan_in
    ]
    targets = one_hot(np.array([0]), last.fan_out) if loss and isinstance(last, Dense) else None
    law = rademacher if isinstance(last, Dense) else gaussian
    drawn = measure(
        network,
        start,
        draws=DRAWS,
        rng=stream(0, "drawn", name),
        engine="drawn",
        backward=law if targets is None else True,
        targets=targets,
        extras=("variances", "active", "weight_gradients"),
    )
    chain = radial(
        network,
        np.repeat(np.square(start).sum(), DRAWS),
        rng=stream(0, "radial", name),
        backward=True,
        weight_gradients=True,
        cotangent=law,
        targets=None if targets is None else np.repeat(targets, DRAWS, axis=0),
    )
    assert list(chain.weight_gradients) == list(drawn.weight_gradients)
    assert chain.widths == drawn.widths
    finding = same_law(statistics(drawn), statistics(chain), error=ERROR, alpha=ALPHA)
    assert finding.verdict == "held", finding
