"""The one file that knows PyTorch: a model built anew under every seed, run both ways, and watched by hooks.

Gradients are read by hooks on tensors, which modules that work in place do not disturb. For a linear layer
E y^2 = variance * op(x^2, weights of 1) at every place, whatever its strides, padding and groups, so the layer itself
says what its input lets one expect.
"""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.func import functional_call

from audit.fans import parts
from audit.measured import Measured
from audit.statement import AuditError

LINEAR = (
    torch.nn.Linear,
    *(torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d),
    *(torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d),
)
GRAM = 2048
"""The longest side of a matrix of inner products that is made for a better bound on the variance."""


def measure(factory: Callable[[], Any], inputs: Any, seeds: int, *, train: bool) -> Measured:
    """Build and run the model under `seeds` seeds.

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
    _callable(factory)
    fed = _tensors(inputs)
    found = Measured(seeds, train=train)
    before = None
    with _restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        for seed in range(seeds):
            model = _built(factory, seed)
            if model is before:
                raise AuditError("the factory returned the same module twice; expected a new one at each call")
            before = model.train(train)
            _described(model, found, first=seed == 0)
            _run(model, fed, found, seed)
    return found


def _callable(factory: Any) -> None:
    if isinstance(factory, torch.nn.Module):
        raise AuditError("got a module; expected a function that builds one anew at each call, such as lambda: Net()")
    if not callable(factory):
        raise AuditError(f"got {type(factory).__name__}; expected a function that builds a torch.nn.Module")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise AuditError(f"the factory needs arguments ({error}); expected one that is called without any") from None
    except ValueError:
        pass  # built in: it has no signature


def _tensors(inputs: Any) -> dict[str, torch.Tensor] | torch.Tensor:
    if isinstance(inputs, Mapping):
        return {str(name): _tensor(one) for name, one in inputs.items()}
    return _tensor(inputs)


def _tensor(one: Any) -> torch.Tensor:
    array = np.asarray(one.detach() if isinstance(one, torch.Tensor) else one)
    if array.dtype.kind not in "fiub" or array.size == 0:
        raise AuditError(f"the input has shape {array.shape} and type {array.dtype}; expected some real numbers")
    if not np.isfinite(array).all():
        raise AuditError("the input has values that are NaN or infinite; expected finite numbers")
    kind = {"f": torch.float32, "b": torch.bool}.get(array.dtype.kind, torch.int64)
    return torch.as_tensor(np.ascontiguousarray(array)).to(kind)


@contextmanager
def _restored() -> Iterator[None]:
    """Leave the global random numbers of PyTorch, NumPy and Python as they were."""
    numbers, python = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            yield
    finally:
        np.random.set_state(numbers)
        random.setstate(python)


def _built(factory: Callable[[], Any], seed: int) -> Any:
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        model = factory()
    except Exception as error:
        raise AuditError(f"the factory failed: {_line(error)}") from None
    if not isinstance(model, torch.nn.Module):
        raise AuditError(f"the factory returned {type(model).__name__}; expected a torch.nn.Module")
    own = list(model.parameters())
    if not own:
        raise AuditError("the model has no parameters; expected some to audit")
    if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in own):
        raise AuditError("the model has lazy modules without weights yet; run it once inside the factory")
    if not all(one.is_floating_point() for one in own):
        raise AuditError("the model has parameters that are no real numbers (quantised, or complex); expected floats")
    return model


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
        found.keep(key, value.detach().numpy())


def _run(model: Any, fed: Any, found: Measured, seed: int) -> None:
    fed, leaves = _followed(fed)
    handles = [hook for name, module in model.named_modules() for hook in _watch(name, module, found, seed)]
    try:
        output = model(**fed) if isinstance(fed, dict) else model(fed)
    except Exception as error:
        tokens = any(isinstance(one, torch.nn.Embedding) for one in model.modules())
        hint = "; its Embedding takes tokens: give whole numbers as --input" if tokens and _floats(fed) else ""
        raise AuditError(f"the model does not take this input: {_line(error)}{hint}") from None
    finally:
        for handle in handles:
            handle.remove()
    ends = [one for one in _leaves(output) if one.is_floating_point() and one.requires_grad]
    if bad := found.not_finite(seed):
        raise AuditError(f"{bad} put out values that are NaN or infinite at seed {seed}; mend that first")
    if not ends:
        raise AuditError("no output of the model depends on its parameters; expected floating numbers with a gradient")
    signs = [torch.randint(0, 2, one.shape).to(one.dtype) * 2 - 1 for one in ends]
    torch.autograd.backward(ends, signs)
    lookups = [one.weight for one in model.modules() if isinstance(one, torch.nn.Embedding)]
    found.reached |= any(one.grad is not None and bool(one.grad.any()) for one in (*leaves, *lookups))
    for key, value in model.named_parameters():
        found.gradient(key, seed, None if value.grad is None else float(value.grad.double().square().mean()))


def _followed(fed: Any) -> tuple[Any, list[torch.Tensor]]:
    """Return inputs that pass a gradient on to leaves, and these leaves; modules may change the inputs in place."""
    leaves: list[torch.Tensor] = []

    def follow(one: torch.Tensor) -> torch.Tensor:
        if not one.is_floating_point():
            return one.clone()
        leaves.append(one.clone().requires_grad_())
        return leaves[-1] * 1

    made = {name: follow(one) for name, one in fed.items()} if isinstance(fed, dict) else follow(fed)
    return made, leaves


def _watch(name: str, module: Any, found: Measured, seed: int) -> Iterator[Any]:
    """Yield hooks on a module's first call: on input and output, the gradient there, and what should be put out."""
    seen = found.module(name, type(module).__name__, sum(one.numel() for one in module.parameters()))
    busy = False

    def before(_: Any, arguments: tuple[Any, ...]) -> None:
        if not busy:
            seen.note("input", seed, _moments(arguments))

    def after(module: Any, arguments: tuple[Any, ...], output: Any) -> None:
        nonlocal busy
        found.called += 1
        if busy or not seen.first(seed, found.called):
            return
        seen.note("output", seed, _moments(output))
        end = next((one for one in _leaves(output) if one.is_floating_point()), None)
        if end is not None and end.requires_grad:
            end.register_hook(lambda gradient: seen.note("gradient", seed, _moments(gradient)))
        plain = type(module) in LINEAR and "weight" in module._parameters and len(arguments) == 1
        if plain and torch.is_tensor(arguments[0]):
            busy = True
            seen.layer(seed, *_expected(module, arguments[0].detach(), output.detach()))
            busy = False

    yield module.register_forward_pre_hook(before)
    yield module.register_forward_hook(after)


def _expected(module: Any, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float, float, int]:
    """Return the mean square of y without bias, what x promises at variance 1, a bound on its variance, and rows."""
    ones = {"weight": torch.ones_like(module.weight)}
    bias = module._parameters.get("bias")
    if bias is not None:
        ones["bias"] = torch.zeros_like(bias)
        axis = -1 if isinstance(module, torch.nn.Linear) else y.ndim - len(module.kernel_size) - 1
        sides = [1] * y.ndim
        sides[axis] = -1
        y = y - bias.detach().reshape(sides)
    with torch.no_grad():
        expected = functional_call(module, ones, (x.square(),))
    rows = y.shape[-1] if isinstance(module, torch.nn.Linear) else module.out_channels // module.groups
    bound = 2 / rows
    if isinstance(module, torch.nn.Linear) and min(x.shape[-1], x.numel() // x.shape[-1]) <= GRAM:
        flat = x.reshape(-1, x.shape[-1]).double()
        gram = flat @ flat.T if len(flat) < flat.shape[1] else flat.T @ flat
        bound *= float(gram.square().sum() / flat.square().sum().square().clamp_min(1e-300))
    return float(y.double().square().mean()), float(expected.double().mean()), bound, rows


def _moments(value: Any) -> tuple[float, float, float, float] | None:
    """Return mean square, mean, share of zeros and number of values that are not finite; None of no floating tensor."""
    one = next((one for one in _leaves(value) if one.is_floating_point() and one.numel()), None)
    if one is None:
        return None
    x = one.detach().double()
    bad = int((~torch.isfinite(x)).sum())
    return float(x.square().mean()), float(x.mean()), float((x == 0).double().mean()), float(bad)


def _leaves(value: Any) -> Iterator[torch.Tensor]:
    if torch.is_tensor(value):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _leaves(one)


def _floats(fed: Any) -> bool:
    return any(one.is_floating_point() for one in (fed.values() if isinstance(fed, dict) else [fed]))


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
