"""What the networks for photographs have in common: a convolution, its batch norm and its activation, named as one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Dense, Layer
from simulations.layers.grouped_convolution import GroupedConvolution
from simulations.layers.network import Sequential
from simulations.layers.normalisation import BatchNorm
from simulations.layers.pooling import AveragePool
from simulations.weights.initialisers import Initialiser, Variance


@dataclass(frozen=True)
class Convolutions:
    """How all convolutions of a network start.

    Attributes
    ----------
    init : Initialiser
        Their weights.
    eps : float or None
        Of the batch norm, with gain 1 and bias 0, behind every convolution; None for no norms.
    bias_deviation : float or None
        Standard deviation of their biases; None for no biases.
    """

    init: Initialiser
    eps: float | None
    bias_deviation: float | None = None

    def layers(
        self, name: str, before: int, width: int, size: int, stride: int = 1, *, activation: Layer | None = None
    ) -> tuple[Layer, ...]:
        """Return a convolution with half its size as padding, its norm and its activation, as far as there are any."""
        convolution = Convolution(name, before, width, size, stride, size // 2, self.init, self.bias_deviation)
        return self._followed(convolution, activation)

    def depthwise(
        self, name: str, channels: int, size: int, stride: int, *, activation: Layer, as_stored: bool
    ) -> tuple[Layer, ...]:
        """Return the same with one window a channel.

        Parameters
        ----------
        as_stored : bool
            Tell the initialiser the fan-out that the shape of the weights suggests, size^2 channels; size^2 is true.
        """
        variance = partial(_over_channels, self.init.variance, channels) if as_stored else self.init.variance
        init = replace(self.init, variance=variance)
        convolution = GroupedConvolution(name, channels, channels, size, stride, size // 2, 1, channels, init)
        return self._followed(convolution, activation)

    def _followed(self, convolution: Convolution | GroupedConvolution, activation: Layer | None) -> tuple[Layer, ...]:
        name, channels = f"{convolution.name}.norm", convolution.channels_out
        norm = () if self.eps is None else (BatchNorm(name, channels, self.eps, 1.0, 0.0),)
        return convolution, *norm, *(() if activation is None else (activation,))


def classifier(features: int, classes: int, init: Initialiser, bias_deviation: float | None) -> Layer:
    """Return the mean over all positions, and a dense layer of it."""
    return Sequential((AveragePool(), Flatten(), Dense("readout", features, classes, init, bias_deviation)))


def _over_channels(variance: Variance, channels: int, fan_in: int, fan_out: int) -> float:
    return variance(fan_in, channels * fan_out)
