"""Inputs as tensors, and models built from seeds."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from audit.factory import arrays, made
from audit.statement import AuditError


def tensors(inputs: Any) -> Any:
    """Return inputs, checked, as one tensor or by keyword; floats in single precision, whole numbers as tokens."""
    made = {name: _tensor(one) for name, one in arrays(inputs).items()}
    return made if isinstance(inputs, Mapping) else made[""]


def _tensor(array: np.ndarray) -> torch.Tensor:
    kind = {"f": torch.float32, "b": torch.bool}.get(array.dtype.kind, torch.int64)
    return torch.as_tensor(np.ascontiguousarray(array)).to(kind)


def built(factory: Callable[[], Any], seed: int) -> Any:
    """Return the model of a seed, with parameters that can be audited."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    model = made(factory)
    if not isinstance(model, torch.nn.Module):
        raise AuditError(f"the factory returned {type(model).__name__}; expected a torch.nn.Module")
    own = list(model.parameters())
    if any("quantized" in type(one).__module__ for one in model.modules()):
        raise AuditError("the model has quantised modules, whose weights cannot be trained; audit it before that")
    if not own:
        raise AuditError("the model has no parameters; expected some to audit")
    if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in own):
        raise AuditError("the model has lazy modules without weights yet; run it once inside the factory")
    if any(one.is_meta for one in own):
        raise AuditError("the model's parameters are on the meta device, without numbers; build it on the CPU")
    if not all(one.is_floating_point() for one in own):
        raise AuditError("the model has parameters that are no real numbers (quantised, or complex); expected floats")
    return model
