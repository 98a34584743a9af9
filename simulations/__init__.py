"""What happens: networks drawn and measured in pure NumPy, with no closed form in sight."""

from simulations.attention.layer import Attention
from simulations.data.inputs import InputError, Inputs, digits, load
from simulations.engines.radial import RadialRecord, radial, why_not_radial
from simulations.engines.record import Record
from simulations.engines.request import Sampling
from simulations.layers.dense import Dense, LeakyReLU, Tanh
from simulations.layers.losses import one_hot, softmax_loss
from simulations.layers.network import Network, Residual, Sequential
from simulations.measure import measure
from simulations.networks.mlp import mlp, residual_mlp
from simulations.numbers.streams import stream
from simulations.weights.initialisers import (
    Initialiser,
    gaussian,
    glorot,
    he,
    he_fan_out,
    lecun,
    rademacher,
    torch_default,
    truncated_gaussian,
    uniform,
    zero,
)

__all__ = [
    "Attention",
    "Dense",
    "Initialiser",
    "InputError",
    "Inputs",
    "LeakyReLU",
    "Network",
    "RadialRecord",
    "Record",
    "Residual",
    "Sampling",
    "Sequential",
    "Tanh",
    "digits",
    "gaussian",
    "glorot",
    "he",
    "he_fan_out",
    "lecun",
    "load",
    "measure",
    "mlp",
    "one_hot",
    "rademacher",
    "radial",
    "residual_mlp",
    "softmax_loss",
    "stream",
    "torch_default",
    "truncated_gaussian",
    "uniform",
    "why_not_radial",
    "zero",
]
