"""Signal-propagation plot: channel means and variances, block by block, with and without normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.drawing import beside, measured
from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.norm_nets import nets, statistics
from figures.tools.table import Table, row, stacked
from simulations import stream
from simulations.numbers.arrays import Array
from theory.mean_field import angles
from theory.residual import norms as residual
from theory.residual import rivals

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
    key=KEY | {"line": "closed form for wide nets"},
)
UNITS = {"net": "", "quantity": "", "block": "1", "first": "1", "expected": "1", "measured": "1", "error": "1"}
QUANTITIES = {"mean": "mean squared channel mean", "variance": "channel variance", "branch": "branch variance"}
SHIFTS = {("variance", "batch norm"): 4, ("variance", "NF"): -3, ("branch", "batch norm"): -4, ("branch", "NF"): 6}
"""By how many points labels are moved apart."""


def expected(net: str, p: dict[str, Any]) -> dict[str, Array]:
    """Return what wide nets and large batches do to independent normal inputs.

    No norm: the second moment doubles a block (`theory.residual.norms`), and the cosine of two inputs, c, becomes the
    mean of c and of what two ReLUs make of it (`theory.mean_field.angles`); the squared mean has the share c and the
    variance 1 - c. Batch norm: each branch, and the shortcut of a first block, ends in ReLUs of standardised inputs and
    He weights: second moment 1, of which 1/pi is squared mean. NF: the book (`theory.residual.rivals.nf_variance`), and
    no means, since the weights of a unit sum to 0. A batch of B independent rows shows 1/B of a variance as a squared
    mean.
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


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Run batches of independent normal inputs through each net, each time with other weights."""
    draws, groups = max(12, int(DRAWS[effort] * parameters["draws"])), []
    blocks = np.arange(1.0, sum(parameters["stages"]) + 1)
    first = np.isin(blocks, np.cumsum([1, *parameters["stages"]])).astype(float)
    for net, network in nets(parameters).items():
        rng = stream(seed, "signal_propagation", net)
        size = (1, parameters["batch"], parameters["width"])
        seen = [statistics(network, rng.standard_normal(size), rng) for _ in range(draws)]
        for quantity, known in expected(net, parameters).items():
            values = np.array([one[quantity] for one in seen])
            error = values.std(axis=0, ddof=1) / math.sqrt(draws)
            groups.append(row(UNITS, net, quantity, blocks, first, known, values.mean(axis=0), error))
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw a panel a quantity, a line a net, a rule before each stage."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(3, sharex=True, figsize=(6.4, 5.5))
    for axes, (quantity, label) in zip(panels, QUANTITIES.items(), strict=True):
        nets = zip(dict.fromkeys(table["net"].tolist()), "os^", plt.rcParams["axes.prop_cycle"], strict=False)
        for net, marker, color in nets:
            rows = table.where(net=net, quantity=quantity)
            axes.plot(rows["block"], rows["expected"], **color)
            measured(axes, rows, "block", marker, **color)
            beside(axes, net, (rows["block"][-1], rows["expected"][-1]), (10, SHIFTS.get((quantity, net), 0)), **color)
        for one in rows["block"][rows["first"] == 1]:
            axes.axvline(one - 0.5, color="0.75", linewidth=1, zorder=0)
        axes.set(yscale="log", ylabel=label.replace(" channel", "\nchannel", 1).replace("branch ", "branch\n"))
        axes.grid(visible=False, axis="x")
    panels[-1].set(xlabel="block, in stages of " + ", ".join(map(str, parameters["stages"])), xlim=(0.5, 16.3))
    return picture
