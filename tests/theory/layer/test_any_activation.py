"""Any activation: against the quadrature of named ones, closed forms, SciPy, a simulation of pairs, and refusals."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

from simulations import Initialiser, rademacher, stream
from simulations.layers.activations import GELU, Sigmoid, Swish
from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.gated import Gated
from theory.layer import any_activation, gain_stability
from theory.layer.any_activation import NAMES, PAIRS, examine, fixed_points
from theory.layer.panels import moments

SMOOTH = list(gain_stability.ACTIVATIONS)


@pytest.mark.parametrize("q", [1e-3, 0.3, 1.0, 50.0])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_other_quadrature(name: str, q: float) -> None:
    """`gain_stability` has another rule, and slopes in closed form."""
    found = moments(NAMES[name], q)
    unit, slope = gain_stability.named(name)
    expected = (
        gain_stability.mean(unit, q),
        gain_stability.second_moment(name, q),
        gain_stability.mean(lambda z: z * z / q * unit(z) ** 2, q),
        gain_stability.mean(lambda z: slope(z) ** 2, q),
    )
    assert (found.first, found.square, found.weighted, found.slope) == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert found.error < 1e-7


@pytest.mark.parametrize("edge", [0.7123, -1 / 3, 2.0, 4.999])
def test_kinks_need_not_be_named(edge: float) -> None:
    """Of max(z - e, 0): E phi = d - e P and E phi'^2 = P, with P = P(z > e) and d the density at e."""
    above, density = float(stats.norm.sf(edge)), float(stats.norm.pdf(edge))
    found = moments(lambda z: max(z - edge, 0.0), 1)
    square = (1 + edge**2) * above - edge * density
    assert (found.first, found.square, found.slope) == pytest.approx((density - edge * above, square, above), rel=1e-9)
    assert abs(found.slope / above - 1) < found.error


@pytest.mark.parametrize("q", [0.2, 1.0, 9.0])
@pytest.mark.parametrize("name", ["ReLU6", "hard swish", "hard sigmoid", "hard tanh", "squared ReLU", "softsign"])
def test_hard_variants_by_another_quadrature(name: str, q: float) -> None:
    unit, found = NAMES[name], moments(NAMES[name], q)
    cuts = [-25.0, -12.0, -6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0, 12.0, 25.0]

    def mean(function: Callable[[float], float]) -> float:
        def term(z: float) -> float:
            return float(function(z) * stats.norm.pdf(z, scale=math.sqrt(q)))

        return float(sum(integrate.quad(term, a, b, epsabs=1e-12, epsrel=1e-9)[0] for a, b in zip(cuts, cuts[1:])))  # noqa: B905, RUF007

    assert found.square == pytest.approx(mean(lambda z: unit(z) ** 2), rel=1e-8)
    slope = mean(lambda z: ((unit(z + 1e-7) - unit(z - 1e-7)) / 2e-7) ** 2)
    assert found.slope == pytest.approx(slope, rel=2e-6)


@pytest.mark.parametrize("name", ["relu6", "hardswish", "hardsigmoid", "hardtanh", "softsign", "silu", "mish", "elu"])
def test_names_mean_what_pytorch_means(name: str) -> None:
    functional = pytest.importorskip("torch").nn.functional
    torch = pytest.importorskip("torch")
    ours = {"relu6": "ReLU6", "hardswish": "hard swish", "hardsigmoid": "hard sigmoid", "hardtanh": "hard tanh",
            "softsign": "softsign", "silu": "SiLU", "mish": "Mish", "elu": "ELU"}[name]  # fmt: skip
    z = np.linspace(-8, 8, 161)
    theirs = getattr(functional, name)(torch.tensor(z)).numpy()
    np.testing.assert_allclose([NAMES[ours](float(one)) for one in z], theirs, atol=1e-12)


def test_answers_to_public_questions() -> None:
    for name, gain, slope, stability in (
        ("GELU", 1.5335, 1.144, "unstable"),
        ("SiLU", 1.6765, 1.173, "unstable"),
        ("Mish", 1.4868, 1.076, "unstable"),
        ("ELU", 1.245, 0.891, "stable"),
        ("SELU", 1.0, 0.783, "stable"),
        ("tanh", 1.5925, 0.461, "stable"),
        ("ReLU", math.sqrt(2), 1.0, "neutral"),
    ):
        found = examine(name, layers=3)
        assert (found.gain, found.slope) == pytest.approx((gain, slope), abs=6e-4)
        assert found.stability == stability
    assert str(examine("GELU")).startswith("GELU: gain 1.5335 keeps q = 1, unstable: slope 1.144; squared gradients")
    assert str(examine("GELU")).endswith("inputs of mean square 1 reach 80.4 behind 30 layers")
    assert "stable: slope 1 -7e-08" in str(examine("ReLU6", layers=1))


def test_the_fixed_point_of_sines() -> None:
    """With weights of variance 2/n: q = 1 - exp(-2q), E sin^2 = q/2, and squared gradients grow by 1 + exp(-2q)."""
    (found,) = fixed_points("sine", math.sqrt(2))
    assert found.variance == pytest.approx(1 - math.exp(-2 * found.variance), rel=1e-10)
    assert (found.variance, found.variance / 2, found.growth) == pytest.approx((0.797, 0.398, 1.203), abs=5e-4)
    assert abs(found.slope) < 1


def test_fixed_points_with_biases() -> None:
    """The slope is that of the map, by differences."""
    (found,) = fixed_points("tanh", 1.5, 0.05)

    def after(q: float) -> float:
        return 1.5**2 * gain_stability.second_moment("tanh", q) + 0.05

    q = found.variance
    assert after(q) == pytest.approx(q, rel=1e-11)
    assert found.slope == pytest.approx((after(q + 1e-5) - after(q - 1e-5)) / 2e-5, rel=1e-6)
    assert found.growth == pytest.approx(1.5**2 * gain_stability.mean(lambda z: (1 - math.tanh(z) ** 2) ** 2, q))
    assert fixed_points("tanh", 0.9) == []
    with pytest.raises(ArithmeticError, match="ReLU keeps every length at gain"):
        fixed_points("ReLU", math.sqrt(2))


def test_functions_of_numpy_and_mpmath() -> None:
    for function in (np.tanh, mpmath.tanh):
        assert examine(function, 0.7, layers=2).gain == pytest.approx(gain_stability.gain("tanh", 0.7), rel=1e-10)


@pytest.mark.parametrize("c", [-0.9, -0.2, 0.0, 0.6, 0.95])
def test_correlations_of_relu_and_sine(c: float) -> None:
    """ReLU's are those of Cho and Saul; sin(a) sin(b) is half of cos(a - b) - cos(a + b)."""
    angle = math.acos(c)
    for name, q, truth in (
        ("ReLU", 1.0, (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi),
        ("sine", 0.6, math.exp(-0.6) * 2 * math.sinh(0.6 * c) / (1 - math.exp(-1.2))),
    ):
        told, error = any_activation.next_correlation(name, c, q)
        assert abs(told - truth) <= error
        assert error < (1e-8 if name == "sine" or abs(c) < 0.7 else 1e-2)


def test_correlations_of_a_smooth_activation_leave_1_as_chi_says() -> None:
    told, error = any_activation.next_correlation("tanh", 1 - 1e-4, 0.5)
    assert (1 - told) / 1e-4 == pytest.approx(examine("tanh", 0.5, layers=1).growth, abs=error / 1e-4 + 1e-3)
    pair, _ = any_activation.next_correlation("SwiGLU", 0.4)
    assert pair == pytest.approx(0.4 * any_activation.next_correlation("SiLU", 0.4)[0])
    with pytest.raises(ValueError, match="expected a number from -1 to 1"):
        any_activation.next_correlation("tanh", 1.2)


GATES: dict[str, tuple[str, Layer]] = {
    "GLU": ("sigmoid", Sigmoid()),
    "GEGLU": ("GELU", GELU()),
    "SwiGLU": ("SiLU", Swish()),
    "ReGLU": ("ReLU", LeakyReLU()),
}


@pytest.mark.parametrize("pair", GATES)
def test_pairs_in_a_simulation(pair: str) -> None:
    """Mean square and squared gradient of a layer of pairs at q = 1, within five of their own standard errors.

    Gradients of n inputs are off by about 1/n, as weights meet the activations that they made: 0.5 % of 256.
    """
    gate, layer = GATES[pair]
    assert PAIRS[pair] == gate
    rng, init = stream(0, "pairs", pair), Initialiser(lambda fan_in, fan_out: 1 / fan_in)
    whole = Gated(Dense("u", 256, 256, init), Dense("z", 256, 256, init), layer)
    x = np.broadcast_to(np.sign(rng.normal(size=256)), (40, 1, 256))
    y, pullback = whole.forward(whole.draw(rng, 40), x)
    dx = pullback(rademacher(rng, y.shape), None)
    found = examine(pair, layers=1)
    for samples, told in (((y**2), 1 / found.gain**2), (dx**2, found.growth / found.gain**2)):
        means = samples.mean(axis=(1, 2))
        assert means.mean() == pytest.approx(told, abs=5 * means.std() / math.sqrt(len(means)))


@pytest.mark.parametrize("pair", PAIRS)
def test_slopes_of_pairs_are_those_of_their_maps(pair: str) -> None:
    found, unit = examine(pair, 0.6, layers=1), any_activation.known(pair)
    up, down = (found.gain**2 * unit.mean_square(0.6 * (1 + gap)) for gap in (1e-3, -1e-3))
    assert found.slope == pytest.approx((up - down) / (2e-3 * 0.6), abs=1e-4)
    assert found.slope > 1


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda z: float(z > 0.3), "relative error of .* most of it at z = 0.3"),
        (math.floor, "relative error of"),
        (lambda z: math.sin(1e5 * z), "relative error of"),
        (lambda z: abs(z) ** 0.4, "most of it at z = "),
        (lambda z: math.exp(z * z), "grows too fast|fails with OverflowError"),
        (lambda z: 1 / z, "relative error of"),
        (math.sqrt, "fails with ValueError"),
        (lambda z: math.nan, "is nan; expected a finite number"),
        (lambda z: 1j, "fails with TypeError"),
        (lambda z: 0.0, "is 0.0 at variance 1.0: no gain keeps it"),
    ],
)
def test_what_cannot_be_told_is_refused(function: Any, message: str) -> None:
    with pytest.raises(ArithmeticError, match=message):
        examine(function)


def test_names_and_numbers() -> None:
    with pytest.raises(ValueError, match="activation is 'gelu'; expected a function or one of tanh"):
        examine("gelu")
    with pytest.raises(ValueError, match="variance is -1"):
        examine("GELU", -1)
    with pytest.raises(ValueError, match="gain is 0"):
        fixed_points("GELU", 0)
