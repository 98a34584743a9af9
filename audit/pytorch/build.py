"""A factory and inputs, checked, and models built from seeds."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from audit.statement import AuditError


def check_factory(factory: Any) -> None:
    """Raise AuditError unless this can be called without arguments and is no module itself."""
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


def tensors(inputs: Any) -> Any:
    """Return inputs, checked, as one tensor or by keyword; floats in single precision, whole numbers as tokens."""
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
def restored() -> Iterator[None]:
    """Leave the global random numbers of PyTorch, NumPy and Python as they were."""
    numbers, python = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            yield
    finally:
        np.random.set_state(numbers)
        random.setstate(python)


def built(factory: Callable[[], Any], seed: int) -> Any:
    """Return the model of a seed, with parameters that can be audited."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        model = factory()
    except Exception as error:
        raise AuditError(f"the factory failed: {line(error)}") from None
    if not isinstance(model, torch.nn.Module):
        raise AuditError(f"the factory returned {type(model).__name__}; expected a torch.nn.Module")
    own = list(model.parameters())
    if not own:
        raise AuditError("the model has no parameters; expected some to audit")
    if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in own):
        raise AuditError("the model has lazy modules without weights yet; run it once inside the factory")
    if any(one.is_meta for one in own):
        raise AuditError("the model's parameters are on the meta device, without numbers; build it on the CPU")
    if not all(one.is_floating_point() for one in own):
        raise AuditError("the model has parameters that are no real numbers (quantised, or complex); expected floats")
    return model


def line(error: Exception) -> str:
    """Return an error as one line of bearable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
