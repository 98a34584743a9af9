"""Networks of torchvision, transformers and PyTorch, small, and what an audit finds in each."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

pytest.importorskip("torch")

from benchmarks.audit import gallery, overhead
from benchmarks.audit.networks import NETWORKS
from benchmarks.audit.tables import gallery_table, rivals_table
from docs import parts
from theory.transformer.perceptrons import gelu_mean_square

pytestmark = pytest.mark.slow
SEEDS = 3


@cache
def row(name: str) -> dict[str, Any]:
    network = NETWORKS[name]
    if network.needs != "torch":
        _vision()
        if find_spec(network.needs) is None:
            pytest.skip(f"{network.needs} is not installed: see requirements/gallery.txt")
    return gallery.row(network, gallery.audited(network, SEEDS, small=True), 0.0)


def _vision() -> None:
    from tests.torchvision_without_operators import torchvision_models

    torchvision_models()


def causes(name: str) -> str:
    return "; ".join(one["cause"] for one in row(name)["against"])


@pytest.mark.parametrize("name", ["resnet18", "vgg16_bn", "convnext_tiny", "swin_t", "gpt2"])
def test_nothing_is_said_against_it(name: str) -> None:
    assert row(name)["against"] == [], row(name)


def test_mobilenet_draws_depthwise_kernels_by_all_channels() -> None:
    found = row("mobilenet_v2")
    assert "the channels of a depthwise convolution" in causes("mobilenet_v2")
    assert found["output mean square"] < 1e-12


def test_vit_has_half_variances_and_a_zero_head() -> None:
    assert "each of q, k and v has 0.5 of its variance" in causes("vit_b_16")
    (dead,) = (one for one in row("vit_b_16")["against"] if one["kind"] == "gradient")
    assert "150 of 152 parameters; 2 have one" in dead["words"]


def test_gpt2_ends_where_its_branches_add_up_to() -> None:
    """Of 12 blocks at width 192: perceptrons add exactly so much, attention at least nothing and at most v."""
    scaled, lost = row("gpt2")["blocks"][-1], row("gpt2, scaling lost")["blocks"][-1]
    before = 192 * 0.02**2
    perceptron = 768 * 0.02**2 * float(gelu_mean_square(before))
    attention = 192 * 0.02**2 * before
    start = 2 * 0.02**2
    assert start + 12 * perceptron / 24 < scaled < start + 12 * (perceptron + attention) / 24
    assert start + 12 * perceptron < lost < start + 12 * (perceptron + attention)


def test_t5_with_a_head_of_its_own_and_said_to_have_one() -> None:
    """A head of deviation 1 gives logits the width as mean square; transformers ties it and leaves out the scale."""
    for name, tied in (("t5, untied", False), ("t5, said to be untied", True)):
        assert ("model.lm_head.weight" in row(name)["tied"]) is tied
    own, said = (row(name)["output mean"] for name in ("t5, untied", "t5, said to be untied"))
    # Gaussian logits of deviation sqrt(128) over 512: their greatest, and the truth's mean of 0
    assert 2 * math.log(512) < own < math.sqrt(2 * 128 * math.log(512)) + math.log(512)
    assert said > 1.3 * own


def test_transformer_and_lstm() -> None:
    assert "each of q, k and v has 0.5 of its variance" in causes("nn.Transformer")
    assert any("have the same numbers as others" in one["words"] for one in row("nn.Transformer")["against"])
    found = row("nn.LSTM")["against"]
    assert [one["times"] for one in found] == [8]
    assert "drawn as one matrix of 4 blocks (LSTM's gates)" in causes("nn.LSTM")


def test_fixup_starts_with_a_zero_head() -> None:
    found = row("fixup")
    assert found["blocks"][-1] == pytest.approx(found["blocks"][0], rel=1e-6)
    (dead,) = found["against"]
    assert "2 have one" in dead["words"]


def test_the_tables_are_those_of_the_results() -> None:
    for name, made in (("gallery", gallery_table), ("rivals", rivals_table)):
        results = json.loads((parts.ROOT / "benchmarks" / "results" / f"audit_{name}.json").read_text())
        assert parts.shown(name) == made(results)


def test_every_planted_fault_is_in_the_rivals_table_and_fathom_catches_all() -> None:
    from tests.audit.test_faults import FAULTS

    results = json.loads((parts.ROOT / "benchmarks" / "results" / "audit_rivals.json").read_text())
    assert FAULTS.keys() < results["faults"].keys()
    assert all(one["Fathom"]["speaks"] for one in results["faults"].values())
    assert not any(one["Fathom"]["speaks"] for one in results["sound"].values())


def test_the_overhead_is_of_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    _vision()
    monkeypatch.setattr(overhead, "INPUTS", overhead.INPUTS[:1, :, :32, :32])
    spent = {name: overhead.seconds(name, range(3)) for name in overhead.WORKS}
    assert 0 < spent["plain"] < 20 * spent["audit"]
