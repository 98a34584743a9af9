"""The one package that knows PyTorch: a model built anew under every seed, run both ways, and watched by hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch

from audit.fans import parts
from audit.measured import Measured
from audit.pytorch.build import built, check_factory, line, restored, tensors
from audit.pytorch.trace import traced
from audit.pytorch.watch import Remembered, leaves, sums, watch
from audit.statement import AuditError

__all__ = ["measure"]


def measure(factory: Callable[[], Any], inputs: Any, seeds: range, *, train: bool) -> Measured:
    """Build and run the model under each of `seeds`.

    Parameters
    ----------
    factory : callable
        Makes a new module.
    inputs : array, or mapping of keywords to arrays
        What the model is called with.

    Raises
    ------
    AuditError
        If no model can be built, run or differentiated so that anything could be said of it.
    """
    check_factory(factory)
    fed = tensors(inputs)
    found = Measured(len(seeds), train=train)
    before = None
    with restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        for number, seed in enumerate(seeds):
            model = built(factory, seed)
            if model is before:
                raise AuditError("the factory returned the same module twice; expected a new one at each call")
            before = model.cpu().train(train)
            _described(model, found, first=number == 0)
            _run(model, fed, found, number)
            if number < 2:
                graph = traced(model, _followed(fed, next(model.parameters()).dtype)[0])
                found.graph = found.graph.agreed(graph) if number else graph
    return found


def _described(model: Any, found: Measured, *, first: bool) -> None:
    """Note parameters: their parts when first seen, and their entries."""
    if first:
        owners: dict[int, list[str]] = {}
        for name, module in model.named_modules():
            for key, value in module.named_parameters(name, recurse=False):
                owners.setdefault(id(value), []).append(key)
                if len(owners[id(value)]) == 1:
                    kind = type(module).__name__
                    found.parts += parts(name, kind, module, key.rsplit(".", 1)[-1], tuple(value.shape))
                    found.sizes[key] = value.numel()
        found.tied = {key for names in owners.values() if len(names) > 1 for key in names}
        found.frozen = {key for key, value in model.named_parameters() if not value.requires_grad}
    for key, value in model.named_parameters():
        found.keep(key, value.detach().to(torch.promote_types(value.dtype, torch.float32)).numpy())


def _run(model: Any, fed: Any, found: Measured, seed: int) -> None:
    fed, sources = _followed(fed, next(model.parameters()).dtype)
    remembered: Remembered = {}
    handles = [hook for name, module in model.named_modules() for hook in watch(name, module, found, seed, remembered)]
    try:
        output = model(**fed) if isinstance(fed, dict) else model(fed)
    except Exception as error:
        tokens = any(isinstance(one, torch.nn.Embedding) for one in model.modules())
        hint = "; its Embedding takes tokens: give whole numbers as --input" if tokens and _floats(fed) else ""
        raise AuditError(f"the model does not take this input: {line(error)}{hint}") from None
    finally:
        for handle in handles:
            handle.remove()
    ends = [one for one in leaves(output) if one.is_floating_point() and one.requires_grad]
    if bad := found.not_finite(seed):
        raise AuditError(f"{bad} put out values that are NaN or infinite at seed {seed}; mend that first")
    if not ends:
        raise AuditError("no output of the model depends on its parameters; expected floating numbers with a gradient")
    signs = [torch.randint(0, 2, one.shape).to(one.dtype) * 2 - 1 for one in ends]
    try:
        torch.autograd.backward(ends, signs)
    except RuntimeError as error:
        raise AuditError(f"no gradient can be taken of the model: {line(error)}") from None
    lookups = [one.weight for one in model.modules() if isinstance(one, torch.nn.Embedding)]
    found.reached |= any(one.grad is not None and bool(one.grad.any()) for one in (*sources, *lookups))
    for key, value in model.named_parameters():
        found.gradient(key, seed, None if value.grad is None else sums(value.grad)[0])


def _followed(fed: Any, dtype: Any) -> tuple[Any, list[torch.Tensor]]:
    """Return inputs that pass a gradient on to leaves, and these leaves; modules may change the inputs in place."""
    sources: list[torch.Tensor] = []

    def follow(one: torch.Tensor) -> torch.Tensor:
        if not one.is_floating_point():
            return one.clone()
        sources.append(one.to(dtype, copy=True).requires_grad_())
        return sources[-1] * 1

    made = {name: follow(one) for name, one in fed.items()} if isinstance(fed, dict) else follow(fed)
    return made, sources


def _floats(fed: Any) -> bool:
    return any(one.is_floating_point() for one in (fed.values() if isinstance(fed, dict) else [fed]))
