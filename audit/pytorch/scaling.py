"""Sets of parameters, and the input, in which the model's logits are positively homogeneous: found by scaling them.

The model is run in double precision with a set times 2 and times 3. A degree k is believed if the logits are 2^k and
3^k times what they were, to rounding: at these parameters, these inputs and this seed, and of the whole ray by
assumption. Tried are every parameter, the parameters of every module that has several of its own, all, and the input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from audit.pytorch.loss import first_output

MOST = 64
"""Sets of parameters that are tried at most: the first and the last of the model."""
ROUNDING = 1e-8


def homogeneous_sets(model: Any, fed: Any) -> dict[str, tuple[tuple[str, ...], int]]:
    """Return the parameters of every set that was found, and its degree, by a name; of the input, no parameters.

    The model is changed to double precision.
    """
    try:
        model.double()
        inputs = _double(fed)
        before = _logits(model, inputs)
    except Exception:  # a model that is written for one precision
        return {}
    found: dict[str, tuple[tuple[str, ...], int]] = {}
    floats = [one for one in (fed.values() if isinstance(fed, Mapping) else [fed]) if one.is_floating_point()]
    if len(floats) == 1 and (degree := _degree(before, lambda times: _logits(model, _double(fed, times)))):
        found["the input"] = ((), degree)
    known = dict(model.named_parameters())
    for name, keys in _candidates(model).items():
        chosen = [known[key] for key in keys]
        if degree := _degree(before, lambda times, chosen=chosen: _scaled(model, inputs, chosen, times)):
            found[name] = (keys, degree)
    return found


def _candidates(model: Any) -> dict[str, tuple[str, ...]]:
    known = dict(model.named_parameters())
    sets = {key: (key,) for key, value in known.items() if bool(value.any())}
    for name, module in model.named_modules():
        own = tuple(key for key, _ in module.named_parameters(name, recurse=False) if key in known)
        if len(own) > 1:
            sets[name or "the model"] = own
    sets["all parameters"] = tuple(known)
    names = [name for name in sets if all(known[key].requires_grad for key in sets[name])]
    kept = names if len(names) <= MOST else [*names[: MOST // 2], *names[-MOST // 2 :]]
    return {name: sets[name] for name in kept}


def _scaled(model: Any, inputs: Any, chosen: list[Any], times: float) -> torch.Tensor:
    """Run the model with some parameters scaled, and put them back."""
    before = [one.detach().clone() for one in chosen]
    with torch.no_grad():
        for one in chosen:
            one.mul_(times)
        try:
            return _logits(model, inputs)
        finally:
            for one, was in zip(chosen, before, strict=True):
                one.copy_(was)


def _degree(before: torch.Tensor, run: Any) -> int:
    """Return the positive degree at which two scales agree, or 0."""
    size = float(before.abs().max())
    twice = run(2.0)
    ratio = float(twice.abs().max()) / size if size else 0.0
    degree = round(math.log2(ratio)) if 0 < ratio < math.inf else 0
    if degree < 1:
        return 0
    close = all(
        float((now - times**degree * before).abs().max()) <= ROUNDING * times**degree * size
        for times, now in ((2.0, twice), (3.0, run(3.0)))
    )
    return degree if close else 0


def _logits(model: Any, inputs: Any) -> torch.Tensor:
    torch.manual_seed(0)  # of dropout
    with torch.no_grad():  # on copies, as modules may work in place
        if isinstance(inputs, dict):
            return first_output(model(**{name: one.clone() for name, one in inputs.items()}))
        return first_output(model(inputs.clone()))


def _double(fed: Any, times: float = 1.0) -> Any:
    """Return floating inputs in double precision, and scaled; others as they are."""
    if isinstance(fed, Mapping):
        return {name: _double(one, times) for name, one in fed.items()}
    return fed.double() * times if fed.is_floating_point() else fed
