"""Networks that norms alone describe, small and awkward."""

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun, mlp, residual_mlp, zero

RELU = LeakyReLU()


def dense(name: str, fan_in: int, fan_out: int, scale: float = 1.0) -> Dense:
    return Dense(name, fan_in, fan_out, he.scaled(scale))


def one_branch(width: int) -> Network:
    """Linear branches of one layer, which `residual_mlp` does not build."""
    return Network(tuple(Residual(dense(f"layer{block}", width, width, 0.7)) for block in range(3)))


MIXED = Network(
    (
        Sequential((dense("stem", 2, 3), RELU)),
        Residual(Sequential((dense("a", 3, 2), RELU, dense("b", 2, 4), dense("c", 4, 3)))),
        Residual(Sequential((dense("d", 3, 1), RELU, dense("e", 1, 3)))),
        Sequential((dense("f", 3, 4), RELU, dense("g", 4, 2), dense("h", 2, 3), RELU)),
        Residual(dense("i", 3, 3)),
        Sequential(()),
        Dense("j", 3, 4),
    )
)
"""ReLU layers below, between and behind residual blocks; branches with linear layers; layers that share a block."""
ZEROS = Network(
    (
        Residual(Sequential((dense("a", 3, 2), RELU, Dense("b", 2, 3, zero)))),
        Sequential((dense("c", 3, 3), RELU)),
        Residual(Sequential((dense("d", 3, 2), RELU, Dense("e", 2, 3, zero)))),
        Residual(Sequential((Dense("f", 3, 2, zero), RELU, dense("g", 2, 3)))),
        Residual(Sequential((Dense("h", 3, 2, zero), dense("i", 2, 3)))),
        Dense("readout", 3, 2),
    )
)
NETWORKS = {
    "plain": mlp([3, 4, 2, 5], classes=3),
    "plain to a ReLU": mlp([3, 4, 2, 5]),
    "plain of one unit": mlp([1, 1, 1, 1], classes=1),
    "plain of two units": mlp([2, 2, 2, 2], classes=2),
    "plain, wide": mlp([5, 30, 20, 40], classes=10),
    "linear": mlp([3, 1, 4, 2], activation=None),
    "residual": residual_mlp(4, 3, hidden=3, classes=3),
    "residual, no readout": residual_mlp(3, 3),
    "residual, three layers": residual_mlp(3, 2, hidden=2, layers_per_branch=3, stem=2, classes=2),
    "residual of one unit": residual_mlp(1, 3, classes=2),
    "residual of one unit, hidden three": residual_mlp(1, 3, hidden=3, layers_per_branch=3),
    "residual, loud branches": residual_mlp(3, 2, last_layer=lecun.scaled(4), classes=2),
    "residual of two units, loud branches": residual_mlp(2, 2, hidden=4, last_layer=lecun.scaled(2), classes=2),
    "residual of two units": residual_mlp(2, 3, hidden=1, classes=2),
    "linear branches": one_branch(3),
    "linear branches of one unit": one_branch(1),
    "linear branches of two units": one_branch(2),
    "mixed": MIXED,
    "zeros": ZEROS,
    "residual, wide": residual_mlp(12, 3, hidden=20, classes=10),
}
MIXED_STREAMS = Network(
    (
        dense("stem", 2, 3),
        Residual(Sequential((dense("a", 3, 2), RELU, dense("b", 2, 4), dense("c", 4, 3)))),
        Sequential((dense("d", 3, 4), RELU, dense("e", 4, 2), dense("f", 2, 3))),
        Sequential((Residual(dense("g", 3, 3)), Residual(Sequential((dense("h", 3, 1), RELU, dense("i", 1, 3)))))),
        Sequential(()),
        Dense("j", 3, 4),
    )
)
ZERO_STREAMS = Network(
    (
        Residual(Sequential((dense("a", 3, 2), RELU, Dense("b", 2, 3, zero)))),
        dense("c", 3, 3),
        Residual(Sequential((Dense("d", 3, 2, zero), RELU, dense("e", 2, 3)))),
        Residual(Sequential((Dense("f", 3, 2, zero), dense("g", 2, 3)))),
        Dense("readout", 3, 2),
    )
)
ZERO_RELU = Network(
    (Sequential((dense("a", 3, 3), RELU)), Sequential((Dense("b", 3, 3, zero), RELU)), Dense("c", 3, 2))
)
ACTIVE_NETWORKS = {"mixed streams": MIXED_STREAMS, "streams with zeros": ZERO_STREAMS, "plain with zeros": ZERO_RELU}
"""More, without a shortcut from a ReLU, which would need its units apart."""
