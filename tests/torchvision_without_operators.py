"""The networks of torchvision, beside a PyTorch that its compiled operators were not built for.

Wheels of torchvision hold operators for one build of PyTorch (often one with CUDA), and `import torchvision` fails
where they do not load, as it describes the shapes of operators that are not there. The networks for classification
use none of them, so the two that it describes are declared here, without a body: whoever calls one gets an error.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest

OPERATORS = ("nms", "qnms")
DECLARED: list[Any] = []
"""The declarations, which PyTorch drops with the object that made them."""


def torchvision_models() -> ModuleType:
    """Return ``torchvision.models``; skip the test, or the module that asks, where torchvision is not installed."""
    torch = pytest.importorskip("torch")
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed: pip install --no-deps torchvision", allow_module_level=True)
    try:
        return import_module("torchvision.models")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    library = torch.library.Library("torchvision", "DEF")
    for name in OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    DECLARED.append(library)
    return import_module("torchvision.models")
