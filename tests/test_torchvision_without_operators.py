"""The networks of torchvision can be built and run, where it is installed, whatever its operators do."""

import pytest

from tests.torchvision_without_operators import torchvision_models

pytestmark = pytest.mark.slow


def test_networks_run() -> None:
    models = torchvision_models()
    torch = pytest.importorskip("torch")
    assert models is torchvision_models()
    assert models.resnet18(num_classes=3)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
