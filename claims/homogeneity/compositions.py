"""Fixup, section 2: what it means for a network to be positively homogeneous (definitions 1 and 2, proposition 1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import DRAWS, Shapes, biased, homogeneous, rows
from evidence import Finding, all_of, identity
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.homogeneity import euler as homogeneity


def _scaled_outputs(run: Run, shapes: Shapes, negative: bool) -> list[tuple[Array, Array, Array, Array]]:
    """For input and every p.h. set: the factor, the output with it scaled, the output before, a rounding bound."""
    outputs = []
    for name, network in shapes(run.inputs).items():
        rng = run.rng("factors", name)
        parameters, x = network.draw(run.rng("weights", name), DRAWS), rows(run, name, DRAWS, 1)[0]
        factor = 10 ** rng.uniform(-3, 3, (DRAWS, 1, 1)) * (-1 if negative else 1)
        before = network.run(parameters, x).output
        sizes = {key: np.abs(value) for key, value in parameters.items()}
        roundings = sum(dense.fan_in + 4 for dense in network.weights())
        bound = 2 * roundings * EPS * network.run(sizes, np.abs(x)).output * np.abs(factor)
        outputs.append((factor, network.run(parameters, factor * x).output, before, bound))
        for some in network.homogeneous_sets():
            scaled: Parameters = {key: value * factor if key in some else value for key, value in parameters.items()}
            outputs.append((factor, network.run(scaled, x).output, before, bound))
    return outputs


@claim(
    "P1",
    paper=FIXUP,
    where="section 2, definitions 1 and 2",
    states=r"f(\alpha x)=\alpha f(x),\qquad f(x;\theta\setminus\theta_{ph},\alpha\theta_{ph})=\alpha "
    r"f(x;\theta)\quad(\alpha>0)",
    derivation=homogeneity.euler,
    mutants=[
        mutant(
            "for every real factor",
            "A rectifier treats x and -x differently: the definition asks for positive factors only.",
            negative=True,
        ),
        mutant(
            "scale invariance",
            "f(a x) = f(x) is degree 0, the property of a normalised network: ReLU is scale-equivariant.",
            degree=0,
        ),
        mutant("degree 2", "The degree of a set in which two layers of a path are scaled together.", degree=2),
        mutant("with biases", "A bias outside the set is not scaled with it.", shapes=biased),
    ],
)
def networks_are_positively_homogeneous(
    run: Run, *, degree: int = 1, shapes: Shapes = homogeneous, negative: bool = False
) -> Finding:
    """Scaling the input, or any p.h. set of parameters, by a > 0 scales the logits by a.

    Exact, for every network and every set that it lists; factors from 1e-3 to 1e3.
    """
    return all_of(
        identity(after, factor**degree * before, rounding=bound * np.maximum(1, np.abs(factor) ** (degree - 1)))
        for factor, after, before, bound in run.once(_scaled_outputs, shapes, negative)
    )


def _compositions(run: Run, bias: float | None) -> dict[str, tuple[int, int, Array, Array]]:
    """Degrees of two parts, and what becomes of them together at x and at 2 x (a factor of 2 is not rounded)."""
    features = run.inputs.x.shape[1]
    x = rows(run, "compositions", DRAWS, 1)[0]
    inner, other = list(homogeneous(run.inputs, classes=features, bias=bias).values())[:2]
    outer = homogeneous(run.inputs)["plain, uneven widths"]
    weights = [network.draw(run.rng("composition", i), DRAWS) for i, network in enumerate((inner, other, outer))]

    def one(z: Array) -> Array:
        return inner.run(weights[0], z).output

    def two(z: Array) -> Array:
        return other.run(weights[1], z).output

    def last(z: Array) -> Array:
        return outer.run(weights[2], z).output

    cases: dict[str, tuple[int, int, Callable[[Array], Array]]] = {
        "composition": (1, 1, lambda z: last(one(z))),
        "composition with a product": (1, 2, lambda z: last(one(z) * two(z))),
        "sum": (1, 1, lambda z: one(z) + two(z)),
        "product": (1, 1, lambda z: one(z) * two(z)),
    }
    return {name: (k, m, f(x), f(2 * x)) for name, (k, m, f) in cases.items()}


@claim(
    "P2",
    paper=FIXUP,
    where="section 2, proposition 1",
    states=r"\deg(f\circ g)=\deg f\cdot\deg g,\qquad \deg(f+g)=\deg f=\deg g,\qquad \deg(fg)=\deg f+\deg g",
    derivation=homogeneity.DERIVATIONS,
    mutants=[
        mutant(
            "a product is p.h.",
            "The product of two functions of degree 1 has degree 2.",
            product=lambda k, m: sp.Integer(1),
        ),
        mutant(
            "degrees add under composition",
            "They multiply; 1 after 2 is 2, not 3.",
            composition=lambda k, m: sp.sympify(k + m),
        ),
        mutant("with biases", "A part without a degree leaves none to the whole.", bias=3.0),
    ],
)
def degrees_compose(
    run: Run,
    *,
    composition: Callable[[int, int], sp.Expr] = homogeneity.composition_degree,
    product: Callable[[int, int], sp.Expr] = homogeneity.product_degree,
    bias: float | None = None,
) -> Finding:
    """Degrees multiply under composition, add under products, and survive sums of equals.

    Exact, bit for bit: networks are combined and asked at x and at 2 x.
    """
    rules: dict[str, Callable[[int, int], sp.Expr]] = {"sum": lambda k, m: sp.Integer(k), "product": product}
    return all_of(
        identity(after, 2.0 ** int(rules.get(name, composition)(k, m)) * before, rounding=0.0)
        for name, (k, m, before, after) in run.once(_compositions, bias).items()
    )
