"""The course: its solutions' numbers are computed anew, and both languages teach the same under the same numbers."""

import math
import re
from collections.abc import Callable, Iterable
from statistics import NormalDist

import numpy as np
import pytest
import sympy as sp

from docs.parts import ROOT
from simulations import stream
from tests.docs.pages import PAGES, commands, links
from theory.attention.logits import logit_kurtosis
from theory.attention.logits import mean_square as logit_square
from theory.attention.weights import causal_weight
from theory.fixup.rules import scalar_count
from theory.fixup.scale import fixup_scale
from theory.fluctuations.norms import relative_variance
from theory.fluctuations.orthogonal_relu import orthogonal_ratio_moment
from theory.homogeneity.bounds import theorem_1
from theory.layer import conventions, fans
from theory.layer.any_activation import examine
from theory.layer.pre_activations import product_variance
from theory.layer.rectifiers import relu_fourth_moment
from theory.plain.glorot import backward_variance, forward_variance, glorot_variance, he_variance
from theory.plain.norms import layer_factor, norm_in_depth
from theory.recurrent.lstm import biased_path
from theory.residual.norms import block_growth, second_moment_growth
from theory.spectra.matrix_products import annealed, lyapunov

COURSE = ["docs/course.md", "docs/course.zh.md"]
SOLUTIONS = ["docs/course-solutions.md", "docs/course-solutions.zh.md"]
LARGEST = float(np.finfo(np.float16).max)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def exercises(page: str) -> dict[str, str]:
    """Return the text of each exercise by its number."""
    parts = re.split(r"^- \*\*(?:Exercise|练习) (\d+\.\d)[.。]\*\*", PAGES[page], flags=re.M)
    return {number: re.split(r"\n(?=- |\n)", text)[0] for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def solutions(page: str) -> dict[str, str]:
    """Return the text of each solution by its number, without what stands between backticks."""
    parts = re.split(r"^### (\d+\.\d)$", re.sub(r"`[^`]*`", "", PAGES[page]), flags=re.M)
    return {number: text.split("\n## ")[0] for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def bold(text: str) -> list[str]:
    """Return the answers of a solution: the numbers that stand between two pairs of stars."""
    return re.findall(rf"\*\*({NUMBER.pattern})\*\*", text)


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
    return [f"{true.forwards}", f"{float(he_variance(true.forwards)):.4f}", f"{int(told.backwards):,}", f"{float(share):g}"]


def uneven_widths() -> list[str]:
    pairs = [(784, 512), (512, 256), (256, 128), (128, 64), (64, 10)]
    up = product(glorot_variance(*pair) / forward_variance(pair[0]) for pair in pairs)
    back = product(glorot_variance(*pair) / backward_variance(pair[1]) for pair in pairs)
    level = product(forward_variance(one) / forward_variance(one) for one, _ in pairs)
    lost = product(forward_variance(one) / backward_variance(other) for one, other in pairs)
    return [f"{up:.3f}", f"{back:.4f}", f"{up * back:.3f}", f"{level:.0f}", f"{lost:.5f}"]


def readout() -> list[str]:
    glorot = glorot_variance(512, 32_000)
    up, back = glorot / forward_variance(512), glorot / backward_variance(32_000)
    return [f"{float(up):.4f}", f"{float(back):.3f}", f"{float(1 / up):.2f}"]


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


def overflowing_streams() -> list[str]:
    doubled, tripled = (first_depth(lambda d: second_moment_growth(gain, d) > LARGEST) for gain in (1, 2))
    before, behind = (int(second_moment_growth(2, depth)) for depth in (tripled - 1, tripled))
    return [f"{int(second_moment_growth(1, doubled)):,}", f"{doubled}", f"{before:,}", f"{behind:,}", f"{tripled}"]


def scaled_branches() -> list[str]:
    root, whole = (product(block_growth(sp.Rational(1, l**power)) for l in range(1, 51)) for power in (1, 2))  # noqa: E741
    index = sp.Symbol("l", integer=True, positive=True)
    limit = sp.product(1 + index**-2, (index, 1, sp.oo))
    return [f"{root:.0f}", f"{whole:.3f}", f"{float(limit):.3f}"]


def least_gradient() -> list[str]:
    said = np.array([0.01] + [0.11] * 9)
    assert said.sum() == pytest.approx(1)
    loss, entropy = -math.log(0.01), float(-(said * np.log(said)).sum())
    return [f"{loss:.3f}", f"{entropy:.3f}", f"{float(theorem_1(loss, entropy, 10)):.4f}"]


def powers_of_biases() -> list[str]:
    """In a net of three layers, to the last bit: all scales are powers of two."""
    rng = stream(0, "course")
    weights, biases, x = rng.normal(size=(3, 5, 5)), rng.normal(size=(3, 5)), rng.normal(size=(4, 5))

    def logits(scale: float, powers: Iterable[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        state = x
        for layer, power in enumerate(powers):
            state = (np.maximum(state, 0) if layer else state) @ (scale * weights[layer]) + scale**power * biases[layer]
        return state

    once = logits(1, (1, 2, 3))
    assert (logits(2, (1, 2, 3)) == 8 * once).all()
    assert not (logits(2, (1, 1, 1)) == 8 * once).any()
    return ["2", "4", "8"]


def bottlenecks() -> list[str]:
    scale, he = fixup_scale(16, 3), he_variance(256) ** sp.Rational(1, 2)
    return [f"{float(scale):g}", f"{float(scale**2):g}", f"{float(he):.4f}", f"{float(he * scale):.4f}"]


def scalars() -> list[str]:
    stem_and_classifier = 2
    return [f"{scalar_count(54, 2) - stem_and_classifier}", f"{sum(2 * 2 * 18 * width for width in (16, 32, 64)):,}"]


def undrawn() -> list[str]:
    width, layers = 10**6, 10**3
    return [f"{2 * width * layers:,}", f"{width**2 * layers:,}", f"{width**2 * np.dtype('f4').itemsize / 1e12:g}"]


def known_answer() -> list[str]:
    asked, answers = np.array([[1, 0], [0.6, 0.8]]), np.array([0.5, 1.1])
    row = np.array([0, 1])
    assert np.linalg.matrix_rank(np.vstack([asked, row])) == np.linalg.matrix_rank(asked)
    return [f"{row @ np.linalg.solve(asked, answers):g}", "0"]


def forget_biases() -> list[str]:
    gates = [f"{float(biased_path(bias, 1)):.4f}" for bias in (1, 3)]
    return gates + [f"{first_depth(lambda steps: float(biased_path(bias, steps)) < 0.01)}" for bias in (1, 3)]


def swinging_matrix() -> list[str]:
    matrix = np.array([[0, 4], [0.04, 0]])
    largest, radius = np.linalg.norm(matrix, 2), abs(np.linalg.eigvals(matrix)).max()
    ten = np.linalg.matrix_power(matrix, 10)
    assert ten == pytest.approx(ten[0, 0] * np.eye(2))
    return [f"{largest:g}", f"{radius:g}", f"{ten[0, 0]:.6f}", f"{largest**10:,.0f}"]


def heads() -> list[str]:
    deviation = logit_square(64, 1, 1, 1, 1) ** sp.Rational(1, 2)
    return [f"{deviation}", *(f"{float(logit_kurtosis(width, 3, 3)):.4g}" for width in (64, 2))]


def causal() -> list[str]:
    return [f"{float(causal_weight(8, key)):.4f}" for key in (1, 8)]


def suspects() -> list[str]:
    root = sp.Rational(1, 2)
    variances = [he_variance(100), glorot_variance(300, 100), he_variance(300, sp.sqrt(5))]
    meant, *others = (f"{float(one**root):.4f}" for one in [he_variance(300), *variances])
    return [meant, f"{0.0577**2 / float(he_variance(300)):.2f}", *others]


def samples() -> list[str]:
    """The relative variance of a mean of N squares of normal numbers is (3 - 1)/N."""
    z = sp.Symbol("z", real=True)
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    one = sp.integrate(z**4 * density, (z, -sp.oo, sp.oo)) - 1
    errors = [f"{math.sqrt(one / count):.4f}" for count in (64 * 64, 64)]
    return [*errors, f"{math.ceil(one / (64 * 0.02**2))}"]


def false_alarms() -> list[str]:
    level = 1e-4 / 40
    return [f"{1 - 0.95**40:.3f}", f"{level:.7f}", f"{-NormalDist().inv_cdf(level / 2):.2f}"]


ANSWERS: dict[str, Callable[[], list[str]]] = {
    "1.1": gain_of_wrong_relu, "1.2": scalar_products, "2.1": weights_with_a_mean, "2.2": groups,
    "3.1": uneven_widths, "3.2": readout, "4.1": slope_answers, "4.2": squared_relu, "5.1": scatter,
    "5.2": depths_of_scatter, "6.1": overflowing_streams, "6.2": scaled_branches, "7.1": least_gradient,
    "7.2": powers_of_biases, "8.1": bottlenecks, "8.2": scalars, "9.1": undrawn, "9.2": known_answer,
    "10.1": forget_biases, "10.2": swinging_matrix, "11.1": heads, "11.2": causal, "12.1": suspects, "12.2": samples,
    "12.3": false_alarms,
}  # fmt: skip


@pytest.mark.parametrize("number", ANSWERS)
@pytest.mark.parametrize("page", SOLUTIONS)
def test_the_answers_are_right(page: str, number: str) -> None:
    assert bold(solutions(page)[number]) == ANSWERS[number]()
