"""Training in stages, as VGG's authors did: layers are inserted below the last ones of a trained net.

He et al. 2015, section 2.2; Simonyan & Zisserman 2015, section 3.1.
"""

from __future__ import annotations

from simulations.layers.dense import Parameters

TOP = 3
"""Matrices that stay on top, the readout included."""


def grown(old: Parameters, before: int, drawn: Parameters, after: int) -> Parameters:
    """Put a trained plain net of `before` matrices into a drawn one of `after`; new ones come below the last three.

    Parameters
    ----------
    old, drawn : mapping
        Parameters of two nets ``mlp([n] * before, classes=...)`` and ``mlp([n] * after, classes=...)``.

    Raises
    ------
    ValueError
        If the new net is not deeper, or the old one has no layer below those that stay on top.
    """
    if not TOP < before < after:
        raise ValueError(f"expected more than {TOP} matrices before, and more after; got {before} and {after}")
    places = {layer: layer if layer < before - TOP else layer + after - before for layer in range(before - 1)}
    moved = {f"layer{place}.weight": old[f"layer{layer}.weight"] for layer, place in places.items()}
    return drawn | moved | {"readout.weight": old["readout.weight"]}
