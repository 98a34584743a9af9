"""The `small` fixture: sweeps of blocks that cost nothing."""

import pytest

from simulations.executors import threads
from simulations.sweep import driver, passes, plan
from tests.simulations.sweep.blocks import DRAWS, small_block


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sweeps in this process run small blocks of ten draws."""
    monkeypatch.setattr(passes, "run_block", small_block)
    monkeypatch.setattr(driver, "processes", threads)
    monkeypatch.setattr(plan, "block_draws", lambda cell, quantities: DRAWS)
    monkeypatch.setattr(plan, "blocks_for", lambda cell, quantities, draws: -(-draws // DRAWS))
