"""The answers to the exercises on layers, lessons 1 to 5 of the course, from closed forms or their definition."""

import math
from collections.abc import Callable, Iterable

import numpy as np
import sympy as sp

from theory.fluctuations.norms import relative_variance
from theory.fluctuations.orthogonal_relu import orthogonal_ratio_moment
from theory.layer import conventions, fans
from theory.layer.any_activation import examine
from theory.layer.pre_activations import product_variance
from theory.layer.rectifiers import relu_fourth_moment
from theory.plain.glorot import forward_variance, glorot_variance, he_variance
from theory.plain.norms import layer_factor, norm_in_depth
from theory.spectra.matrix_products import annealed, lyapunov

LARGEST = float(np.finfo(np.float16).max)


def first_depth(excess: Callable[[int], bool]) -> int:
    return next(depth for depth in range(1, 1_000) if excess(depth))


def product(factors: Iterable[sp.Expr | float]) -> float:
    return math.prod(float(factor) for factor in factors)


def slope_answers() -> list[str]:
    grown = [norm_in_depth(layer_factor(1, 2, slope), 100) for slope in (sp.Rational(1, 100), sp.Rational(1, 5))]
    return [f"{float(grown[0]):.5f}", f"{float(grown[1]):.1f}"]


def gain_of_wrong_relu() -> list[str]:
    factor = layer_factor(1, sp.Rational("1.45") ** 2)
    beyond = first_depth(lambda depth: float(factor) ** (depth / 2) > LARGEST)
    return [f"{float(factor):.5f}", f"{float(norm_in_depth(factor, 100)):.1f}", f"{beyond}"]


def scalar_products() -> list[str]:
    mean_log = float(lyapunov(1))
    return [f"{math.exp(10 * float(annealed(1))):.0f}", f"{-mean_log:.4f}", f"{math.exp(20 * mean_log):.8f}"]


def weights_with_a_mean() -> list[str]:
    half, hundredth, tenth = sp.Rational(1, 4), sp.Rational(1, 100), sp.Rational(1, 10)
    variance = 100 * product_variance(tenth, hundredth, 1, half)
    said = 100 * product_variance(0, hundredth, 1, half)
    return [f"{float(variance):g}", f"{float(said):g}", f"{float(variance + (100 * tenth) ** 2):g}"]


def groups() -> list[str]:
    true, told = fans.convolution(256, 256, 3, groups=32), conventions.pytorch((256, 8, 3, 3))
    share = conventions.variance_ratio(true, told, "fan_out")
    return [
        f"{true.forwards}",
        f"{float(he_variance(true.forwards)):.4f}",
        f"{int(told.backwards):,}",
        f"{float(share):g}",
    ]


def uneven_widths() -> list[str]:
    pairs = [(784, 512), (512, 256), (256, 128), (128, 64), (64, 10)]
    up, back = (product(pair[end] * glorot_variance(*pair) for pair in pairs) for end in (0, 1))
    kept, lost = (product(pair[end] * forward_variance(pair[0]) for pair in pairs) for end in (0, 1))
    return [f"{up:.3f}", f"{back:.4f}", f"{up * back:.3f}", f"{kept:.0f}", f"{lost:.5f}"]


def readout() -> list[str]:
    words, units = 32_000, 512
    up, back = (end * glorot_variance(units, words) for end in (units, words))
    return [
        f"{float(up):.4f}",
        f"{float(back):.3f}",
        f"{float(forward_variance(units) / glorot_variance(units, words)):.2f}",
    ]


def squared_relu() -> list[str]:
    gain = relu_fourth_moment(1) ** sp.Rational(-1, 2)
    assert f"gain {float(gain):.4f} keeps q = 1, unstable: slope 2;" in str(examine(lambda z: max(z, 0) ** 2))
    behind = []
    for q in (1.01, 0.99):
        for _ in range(10):
            q = float(gain**2 * relu_fourth_moment(q))
        behind.append(q)
    return [f"{float(gain):.4f}", f"{behind[0]:,.0f}", f"{behind[1]:.7f}"]


def scatter() -> list[str]:
    relative = float(relative_variance([100] * 20))
    return [f"{relative:.3f}", f"{math.ceil(relative / 0.05**2)}"]


def depths_of_scatter() -> list[str]:
    orthogonal = orthogonal_ratio_moment(2, 64)
    return [
        f"{first_depth(lambda depth: relative_variance([64] * depth) > 1)}",
        f"{first_depth(lambda depth: orthogonal**depth > 2)}",
    ]


ANSWERS: dict[str, Callable[[], list[str]]] = {
    "1.1": gain_of_wrong_relu,
    "1.2": scalar_products,
    "2.1": weights_with_a_mean,
    "2.2": groups,
    "3.1": uneven_widths,
    "3.2": readout,
    "4.1": slope_answers,
    "4.2": squared_relu,
    "5.1": scatter,
    "5.2": depths_of_scatter,
}
