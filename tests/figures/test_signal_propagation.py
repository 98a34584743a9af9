"""Signal propagation through blocks: measured against the limit of wide nets."""

import pytest

from tests.figures.agreement import quick, within


@pytest.mark.slow
@pytest.mark.parametrize(("net", "bias"), [("no norm", 0.25), ("batch norm", 0.06), ("NF", 0.03)])
def test_signal_propagation(net: str, bias: float) -> None:
    """Expected is the limit of wide nets: at width 384 that is biased, by a few percent a block without norms."""
    rows = quick("signal_propagation").where(net=net)
    for quantity in ("mean", "variance", "branch"):
        within(rows.where(quantity=quantity), 12, bias=0.15 if (net, quantity) == ("NF", "mean") else bias)
    book = quick("signal_propagation").where(net="NF", quantity="variance").numbers("expected")
    assert book[[0, 2, 3, 12]].tolist() == pytest.approx(
        [one * (1 - 1 / 64) + 0 for one in (1.04, 1.12, 1.04, 1.24)], rel=0.01
    )
