"""What happens: networks drawn and measured in pure NumPy, with no closed form in sight."""

from simulations.build import mlp, residual_mlp
from simulations.initialisers import (
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
from simulations.inputs import InputError, Inputs, digits, load
from simulations.layers import Dense, LeakyReLU, Tanh
from simulations.losses import one_hot, softmax_loss
from simulations.measure import measure
from simulations.networks import Network, Residual, Sequential
from simulations.radial import RadialRecord, radial, why_not_radial
from simulations.record import Record
from simulations.streams import stream

__all__ = [
    "Dense",
    "Initialiser",
    "InputError",
    "Inputs",
    "LeakyReLU",
    "Network",
    "RadialRecord",
    "Record",
    "Residual",
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
