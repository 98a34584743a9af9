"""Streams: golden values pin addressing and generator; nothing depends on order or process."""

import hashlib

import numpy as np
import pytest

from simulations import stream


def raw(*address: str | int, root: int = 0, size: int = 2) -> list[int]:
    return [int(word) for word in stream(root, *address).bit_generator.random_raw(size)]


def test_golden_values() -> None:
    """If these change, so does every published number of every claim."""
    assert stream(0, "a").random(3).tolist() == [0.0806670769404223, 0.7669276820394312, 0.585541845442482]
    assert stream(0, "a", 3).integers(2**63, size=2).tolist() == [255310387448163790, 4204885934004963962]
    assert stream(7, "b", "c").integers(2**63, size=1).tolist() == [6331632809248538657]


def test_names_enter_through_sha_256() -> None:
    key = int.from_bytes(hashlib.sha256(b"a").digest()[:16], "big")
    theirs = np.random.SFC64(np.random.SeedSequence(0, spawn_key=(key, 3)))
    assert raw("a", 3) == theirs.random_raw(2).tolist()


def test_streams_do_not_depend_on_order() -> None:
    addresses = [("a",), ("b",), ("a", 1), ("a", 2), ("a", "1"), (1, "a"), ("ab",), ("a", "b"), (), (0,)]
    forwards = {address: raw(*address) for address in addresses}
    half_used = stream(0, "a")
    half_used.standard_normal(1001)
    backwards = {address: raw(*address) for address in reversed(addresses)}
    assert forwards == backwards


def test_different_addresses_have_different_numbers() -> None:
    """Two equal 64-bit words among 4,003 differing addresses have probability below 1e-12."""
    first = [raw(name, i, root=root, size=1)[0] for name in ("a", "b") for i in range(1000) for root in (0, 1)]
    first += [word for address in (("a",), ("ab",), ("a", "b")) for word in raw(*address, size=1)]
    assert len(set(first)) == len(first) == 4003


@pytest.mark.parametrize(("root", "address"), [(-1, ()), (0, (-1,)), (0, ("a", -3))])
def test_negative_numbers_are_refused(root: int, address: tuple[str | int, ...]) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        stream(root, *address)


def test_numbers_that_would_share_a_stream_are_refused() -> None:
    with pytest.raises(ValueError, match="stream number"):
        stream(0, 2**32)
