"""Signal-propagation plot: channel means and variances, block by block, with and without normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.figure import DRAWS, Effort, Figure
from figures.table import Table, stacked
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun, stream
from simulations.initialisers import Array
from simulations.layers import Layer
from simulations.normalisation import BatchNorm, WeightStandardised
from simulations.rival_norms import CENTRED_GAIN, nf_block, nf_variances
from simulations.scaling import Scale
from theory import angles, residual, rivals

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Batch norm and NF blocks restart at each stage; plain blocks explode",
    finding=(
        "Without normalisation the channel variance of 16 residual blocks grows to 5,500 and the squared mean to "
        "60,000. Batch norm in the branches makes both grow by one branch a block and starts them anew at each stage; "
        "NF-ResNets keep the variance between 1 and 1.24, and means at the 1/64 that a batch of 64 shows."
    ),
    alt=(
        "Three charts against the block, 1 to 16, in stages of 3, 4, 6 and 3: mean squared channel mean, channel "
        "variance and branch variance, logarithmic. The net without norms rises exponentially in all three; batch "
        "norm is a saw of four teeth below 10; NF is a flat saw just above 1, its means near 0.02."
    ),
    source="Brock, De & Smith 2021, figures 1 and 3, for dense layers in place of convolutions",
    parameters={"width": 384, "batch": 64, "stages": [3, 4, 6, 3], "alpha": 0.2, "draws": 14},
    tolerance=1e-6,
)
UNITS = {"net": "", "quantity": "", "block": "1", "first": "1", "expected": "1", "measured": "1", "error": "1"}
QUANTITIES = {"mean": "mean squared channel mean", "variance": "channel variance", "branch": "branch variance"}
RELU = LeakyReLU()


def _nets(p: dict[str, Any]) -> dict[str, Network]:
    """Build the three nets; the first block of a stage has a linear layer in its shortcut."""
    width, alpha = p["width"], p["alpha"]
    book = [beta2 for blocks in p["stages"] for beta2 in nf_variances(alpha, blocks + 1)[1:]]
    before = [1.0, *book[:-1]]
    blocks: dict[str, list[Layer]] = {"no norm": [], "batch norm": [], "NF": []}
    starts = np.cumsum([0, *p["stages"]])[:-1]
    for block, beta2 in enumerate(before):
        first, new = block in starts, f"shortcut{block}"
        linear = [Dense(f"{block}.{at}", width, width, he) for at in range(2)]
        plain = Sequential((RELU, linear[0], RELU, linear[1]))
        shortcut: tuple[Layer, ...] = (Dense(new, width, width, lecun),) if first else ()
        blocks["no norm"].append(Residual(plain, Sequential(shortcut)))
        norms = [BatchNorm(f"{block}.norm{at}", width) for at in range(3)]
        normed = Sequential((norms[0], RELU, linear[0], norms[1], RELU, linear[1]))
        shortcut = (norms[2], RELU, Dense(new, width, width, he)) if first else ()
        blocks["batch norm"].append(Residual(normed, Sequential(shortcut)))
        standardised = [WeightStandardised(one, CENTRED_GAIN / math.sqrt(width)) for one in linear]
        residual_block = nf_block((RELU, standardised[0], RELU, standardised[1]), alpha, beta2)
        shortcut = (Scale(beta2**-0.5), Dense(new, width, width, lecun)) if first else ()
        blocks["NF"].append(Residual(residual_block.branch, Sequential(shortcut)))
    return {name: Network(tuple(some)) for name, some in blocks.items()}


def expected(net: str, p: dict[str, Any]) -> dict[str, Array]:
    """Return what wide nets and large batches do to independent normal inputs.

    No norm: the second moment doubles a block (`theory.residual`), and the cosine of two inputs, c, becomes the mean of
    c and of what two ReLUs make of it (`theory.angles`); the squared mean has the share c and the variance 1 - c.
    Batch norm: each branch, and the shortcut of a first block, ends in ReLUs of standardised inputs and He weights:
    second moment 1, of which 1/pi is squared mean.  NF: the book (`theory.rivals.nf_variance`), and no means, since the
    weights of a unit sum to 0.  A batch of B independent rows shows 1/B of a variance as a squared mean.
    """
    in_stage = np.concatenate([np.arange(1, blocks + 1) for blocks in p["stages"]])
    if net == "no norm":
        cosine, cosines, branches = 0.0, [], []
        for _ in in_stage:
            branch = np.cos(angles.next_angle(angles.next_angle(math.acos(cosine))))
            cosine = (cosine + branch) / 2
            cosines.append(cosine)
            branches.append(branch)
        moments = np.array([float(residual.second_moment_growth(1, block + 1)) for block in range(len(in_stage))])
        mean, variance = moments * cosines, moments * (1 - np.array(cosines))
        branch_variance = moments / 2 * (1 - np.array(branches))
    elif net == "batch norm":
        mean, variance = (in_stage + 1) / np.pi, (in_stage + 1) * (1 - 1 / np.pi)
        branch_variance = np.full(len(in_stage), 1 - 1 / np.pi)
    else:
        variance = np.array([float(rivals.nf_variance(int(block), p["alpha"])) for block in in_stage])
        mean, branch_variance = np.zeros(len(in_stage)), np.ones(len(in_stage))
    shown = variance / p["batch"]
    return {"mean": mean + shown, "variance": variance - shown, "branch": branch_variance * (1 - 1 / p["batch"])}


def _statistics(network: Network, x: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return the three quantities of a draw after every block, averaged over channels; a branch's before its scale."""
    parameters = network.draw(rng, 1)
    found: dict[str, list[float]] = {name: [] for name in QUANTITIES}
    for block in network.layers:
        assert isinstance(block, Residual)
        branch, _ = block.branch.forward(parameters, x)
        x = block.shortcut.forward(parameters, x)[0] + branch
        scales = [one.factor for one in getattr(block.branch, "layers", ())[-1:] if isinstance(one, Scale)]
        found["branch"].append((branch / math.prod(scales)).var(axis=1).mean())
        found["mean"].append(np.square(x.mean(axis=1)).mean())
        found["variance"].append(x.var(axis=1).mean())
    return {name: np.array(values) for name, values in found.items()}


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Run batches of independent normal inputs through each net, each time with other weights."""
    draws, groups = max(12, int(DRAWS[effort] * parameters["draws"])), []
    blocks = np.arange(1.0, sum(parameters["stages"]) + 1)
    first = np.isin(blocks, np.cumsum([1, *parameters["stages"]])).astype(float)
    for net, network in _nets(parameters).items():
        rng = stream(seed, "signal_propagation", net)
        size = (1, parameters["batch"], parameters["width"])
        seen = [_statistics(network, rng.standard_normal(size), rng) for _ in range(draws)]
        for quantity, known in expected(net, parameters).items():
            values = np.array([one[quantity] for one in seen])
            means = {"measured": values.mean(axis=0), "error": values.std(axis=0, ddof=1) / math.sqrt(draws)}
            words = {"net": net, "quantity": quantity, "block": blocks, "first": first}
            groups.append(words | {"expected": known} | means)
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw a panel a quantity, a line a net, a rule before each stage."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(3, sharex=True, figsize=(6.4, 5.2))
    for axes, (quantity, label) in zip(panels, QUANTITIES.items(), strict=True):
        nets = zip(dict.fromkeys(table["net"].tolist()), "os^", plt.rcParams["axes.prop_cycle"], strict=False)
        for net, marker, color in nets:
            rows = table.where(net=net, quantity=quantity)
            axes.plot(rows["block"], rows["expected"], **color)
            axes.errorbar(rows["block"], rows["measured"], 3 * rows.numbers("error"), fmt=marker, capsize=2, **color)
            here = (rows["block"][-1], rows["expected"][-1])
            shift = {("variance", "batch norm"): 4, ("variance", "NF"): -3, ("branch", "batch norm"): -4,
                     ("branch", "NF"): 6}.get((quantity, net), 0)  # fmt: skip
            axes.annotate(net, here, (10, shift), textcoords="offset points", va="center", **color)
        for one in rows["block"][rows["first"] == 1]:
            axes.axvline(one - 0.5, color="0.75", linewidth=1, zorder=0)
        axes.set(yscale="log", ylabel=label.replace(" channel", "\nchannel", 1).replace("branch ", "branch\n"))
        axes.grid(visible=False, axis="x")
    panels[-1].set(
        xlabel="block, in stages of " + ", ".join(str(one) for one in parameters["stages"]), xlim=(0.5, 16.3)
    )
    picture.suptitle(FIGURE.title, x=0.01, ha="left", fontsize=11)
    return picture
