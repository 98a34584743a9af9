"""One step of plain gradient descent, and how far it moves the model's output at the same inputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch

from audit.factory import check_factory, line, restored
from audit.measured import Measured
from audit.pytorch.build import built, tensors
from audit.pytorch.loss import checked, first_output, lost
from audit.statement import AuditError


def moved(
    factory: Callable[[], Any], inputs: Any, rate: float, *, seeds: range, train: bool, loss: str | None, targets: Any
) -> list[float]:
    """Return the root mean square of the change of the output, one a seed, in double precision.

    Raises
    ------
    AuditError
        If no model can be built, run or differentiated.
    """
    check_factory(factory)
    fed, wanted = tensors(inputs), checked(loss, targets)
    if isinstance(fed, dict):
        fed = {name: one.double() if one.is_floating_point() else one for name, one in fed.items()}
    elif fed.is_floating_point():
        fed = fed.double()
    with restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        return [_moved(built(factory, seed).double().train(train), fed, rate, loss, wanted, seed) for seed in seeds]


def _moved(model: Any, fed: Any, rate: float, loss: str | None, targets: Any, seed: int) -> float:
    try:
        before = _output(model, fed, seed)
        torch.manual_seed(seed)  # of random targets and signs
        if loss:
            lost(before, loss, targets, fed, Measured(1), 0).backward()
        else:
            y = first_output(before)
            signs = torch.randint(0, 2, y.shape).to(y.dtype) * 2 - 1
            (y * signs).mean().backward()
        with torch.no_grad():
            for one in model.parameters():
                if one.grad is not None:
                    one -= rate * one.grad
            change = first_output(_output(model, fed, seed)) - first_output(before)
    except AuditError:
        raise
    except Exception as error:
        raise AuditError(f"no step can be taken: {line(error)}") from None
    return math.sqrt(float(change.square().mean()))


def _output(model: Any, fed: Any, seed: int) -> Any:
    torch.manual_seed(seed)  # of dropout, alike before and after
    if isinstance(fed, dict):
        return model(**{name: one.clone() for name, one in fed.items()})
    return model(fed.clone())  # modules may work in place
