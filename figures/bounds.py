"""Fixup's theorems 1 and 2 beside the gradients that they bound, in residual nets of growing depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools.figure import DRAWS, Effort, Figure
from figures.tools.key import KEY
from figures.tools.table import Table, stacked
from simulations import Network, gaussian, lecun, one_hot, residual_mlp, stream
from simulations.numbers.arrays import Array
from simulations.probe import probe_sets, probe_states
from theory.homogeneity import maximum
from theory.homogeneity.gaussian_logits import expected_loss_minus_entropy
from theory.residual import norms as residual

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FIGURE = Figure(
    title="Fixup's bounds see explosions: theorem 2's mean bound is empty below s = 1.5",
    finding=(
        "With 10 classes and logits of deviation 2^(L/2)/4 theorem 2, in the mean over readouts, is negative up to 5 "
        "blocks, where they pass log 10 / 1.539 = 1.496. The mean of l - H itself stays positive there, but its bound "
        "is 7 to 34 times below the gradients; beyond, both about double every two blocks, some 6 and 11 times apart."
    ),
    alt=(
        "Two panels, logarithmic, against the number of residual blocks, 1 to 14, with blocks 1 to 5 shaded. Left: "
        "gradient norm at the input, above theorem 1. Right: gradient norm of the readout, above theorem 2 for "
        "the minibatch. In both the mean of the bound over readouts begins only beyond the shaded region."
    ),
    source="Zhang, Dauphin & Ma 2019, theorems 1 and 2, with the threshold log c / m_c beyond them",
    parameters={"width": 48, "deepest": 12, "classes": 10, "scale": 0.25, "batch": 4, "draws": 100},
    key=KEY | {"line": "closed form for wide nets"},
)
UNITS = {"theorem": "1", "what": "", "blocks": "1", "expected": "1", "measured": "1", "error": "1"}
READOUT = frozenset({"readout.weight"})
AT_ONCE = 20
"""Draws together: their weights are all in memory."""


def _seen(network: Network, parameters: dict[str, Any], rng: np.random.Generator) -> Array:
    """Per draw: of either theorem the gradient norm, the bound, its mean over readouts, and that law; (draws, 8)."""
    classes, shape = parameters["classes"], (AT_ONCE, parameters["batch"], parameters["width"])
    x = gaussian(rng, shape)
    x *= np.sqrt(shape[-1] / np.square(x).sum(-1, keepdims=True))
    targets = one_hot(rng.integers(classes, size=shape[:2]), classes)
    weights = network.draw(rng, AT_ONCE)
    states = probe_states(network, weights, x[:, :1], targets[:, :1])
    sets = probe_sets(network, weights, x, targets, [READOUT])[READOUT]
    run = network.run(weights, x)
    deviation = parameters["scale"] * np.sqrt(np.square(run.states[-2]).mean(-1))
    largest = run.output.max(-1) - np.log(classes)
    law = deviation * float(maximum.expected_maximum(classes)) - np.log(classes)
    norm, sets_norm = states.state_norms[:, 0], parameters["scale"] * classes**0.5
    excess = states.loss.loss - states.loss.entropy
    one = [states.gradient_norms[:, 0], excess[:, 0] / norm, largest[:, 0] / norm, law[:, 0] / norm]
    excess = (sets.loss.loss - sets.loss.entropy).mean(-1)
    two = [sets.gradient_norm, excess / sets.parameter_norm, largest.mean(-1) / sets_norm, law.mean(-1) / sets_norm]
    return np.stack([*one, *two], axis=1)


def data(parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
    """Probe nets of every depth; gradients have no law (NaN), the bounds that of wide nets."""
    width, classes, scale = parameters["width"], parameters["classes"], parameters["scale"]
    parts, groups = max(2, int(DRAWS[effort] * parameters["draws"]) // AT_ONCE), list[dict[str, object]]()
    norms = width**0.5, scale * classes**0.5
    for blocks in range(1, parameters["deepest"] + 1):
        network = residual_mlp(width, blocks, classes=classes, readout=lecun.scaled(scale))
        rng = stream(seed, "bounds", blocks)
        seen = np.concatenate([_seen(network, parameters, rng) for _ in range(parts)])
        mean, error = seen.mean(axis=0), seen.std(axis=0, ddof=1) / np.sqrt(len(seen))
        wide = expected_loss_minus_entropy(classes, scale * float(residual.second_moment_growth(1, blocks)) ** 0.5)
        for theorem in (1, 2):
            at = 4 * (theorem - 1)
            laws = {"gradient": np.nan, "bound": wide / norms[theorem - 1], "mean bound": mean[at + 3]}
            for column, (what, law) in enumerate(laws.items(), at):
                row = {"what": what, "blocks": blocks, "expected": law}
                groups.append({"theorem": theorem, "measured": mean[column], "error": error[column], **row})
    return stacked(UNITS, *groups)


def draw(table: Table, parameters: dict[str, Any]) -> Picture:
    """Draw each theorem in a panel; a logarithmic axis has no room for what is empty, so its blocks are shaded."""
    import matplotlib.pyplot as plt

    picture, panels = plt.subplots(1, 2, sharex=True)
    classes, batch = parameters["classes"], parameters["batch"]
    threshold = 2 * np.log2(float(maximum.vacuous_below(classes)) / parameters["scale"])
    labels = {1: (r"\partial x_0", r"\|x_0\|"), 2: (r"\partial\theta", r"\|\theta\|")}
    for theorem, axes in enumerate(panels, 1):
        top, norm = labels[theorem]
        looks = {
            "gradient": ("o", "C0", rf"$\|\partial\ell/{top}\|$"),
            "bound": ("s-", "C1", rf"$\mathbb{{E}}(\ell-H)/{norm}$"),
            "mean bound": ("^--", "C2", rf"$(s\,m_c-\log c)/{norm}$"),
        }
        handles: dict[str, tuple[Any, ...]] = {}
        axes.axvspan(0.5, threshold, color="0.9", linewidth=0, zorder=0)
        for what, (look, color, label) in looks.items():
            rows = table.where(theorem=float(theorem), what=what)
            shown = rows.numbers("blocks") > threshold if what == "mean bound" else np.ones(len(rows), dtype=bool)
            blocks, expected, measured, error = (
                rows.numbers(name)[shown] for name in ("blocks", "expected", "measured", "error")
            )
            points = axes.errorbar(blocks, measured, 3 * error, fmt=look[0], color=color, capsize=2)
            handles[label] = (points,)
            if what != "gradient":
                handles[label] += tuple(axes.plot(blocks, expected, look[1:], color=color))
        axes.set(
            yscale="log",
            xlabel="blocks $L$",
            xlim=(0.5, parameters["deepest"] + 0.5),
            xticks=range(2, parameters["deepest"] + 1, 2),
        )
        axes.text(0.03, 0.65, "dashed:\nnegative", transform=axes.transAxes, color="C2", fontsize=9)
        axes.set_title(f"theorem {theorem}: {('one input', f'minibatches of {batch}')[theorem - 1]}", fontsize=10)
        axes.legend(handles.values(), handles.keys(), loc="upper left", fontsize=9)
    panels[0].set_ylabel("norm of the gradient, and its bounds")
    panels[1].set_ylabel("the same, for the readout's weights")
    return picture
