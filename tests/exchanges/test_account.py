"""Text of user events to ticks, lots and exact amounts, refused by name where it is not what it should be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import MessageRefused
from metastackerbandit.exchanges.account import amount_of, grids_of, stamp_ns
from tests.markets import instrument

GRIDS = grids_of([instrument("BTCUSDT"), instrument("ETHUSDT", tick_size="0.25", lot_size="10")])


@given(ticks=st.integers(0, 10**12), lots=st.integers(-(10**12), 10**12))
def test_what_is_on_the_grid_is_counted_in_its_steps(ticks: int, lots: int) -> None:
    assert GRIDS.ticks(0, f"{ticks // 10}.{ticks % 10}0000", "test") == ticks
    assert GRIDS.ticks(1, f"{Decimal(ticks) * Decimal('0.25'):f}", "test") == ticks
    assert GRIDS.lots(1, str(10 * lots), "test") == lots


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18))
def test_amounts_are_exact_to_the_last_digit(amount: Decimal) -> None:
    assert amount_of(f"{amount:f}", "test") == amount and amount_of("0E-8", "test") == 0


@pytest.mark.parametrize("text", ["", "-", "1.", ".5", "NaN", "Infinity", "1_0", " 1", "1\n", "+1", "\u0661", "1e", "9" * 65, "0x1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    for read in (lambda: amount_of(text, "here"), lambda: GRIDS.ticks(0, text, "here"), lambda: GRIDS.lots(0, text, "here")):
        with pytest.raises(MessageRefused) as refused:
            read()
        assert refused.value.where == "here" and refused.value.mend and " is " in refused.value.what


def test_a_price_between_ticks_is_refused_or_none_as_is_asked_for() -> None:
    with pytest.raises(MessageRefused, match=r"'0\.05' is off_grid"):
        GRIDS.ticks(0, "0.05", "test")
    with pytest.raises(MessageRefused, match="negative"):
        GRIDS.ticks_or_none(0, "-1", "test")
    assert (GRIDS.ticks_or_none(0, "0.05", "test"), GRIDS.ticks_or_none(0, "0.1", "test")) == (0, 1)


def test_symbols_are_told_whatever_their_letters() -> None:
    assert [GRIDS.place(symbol) for symbol in ("BTCUSDT", "ethusdt", "XRPUSDT", "")] == [0, 1, -1, -1]


@pytest.mark.parametrize(
    ("stamp", "ns"), [(0, 0), (1_672_515_782_136, 1_672_515_782_136_000_000), (1_672_515_782_136_001, 1_672_515_782_136_001_000)]
)
def test_stamps_are_of_ms_or_us(stamp: int, ns: int) -> None:
    assert stamp_ns(stamp, "test") == ns


@pytest.mark.parametrize("stamp", [-1, 10**13, 10**17, 2**70])
def test_what_is_no_time_is_refused(stamp: Any) -> None:
    with pytest.raises(MessageRefused):
        stamp_ns(stamp, "test")
