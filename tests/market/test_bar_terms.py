"""What lots and ticks are in the venue's decimals: linear contracts to the nearest float, inverse ones in coins."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.bar_terms import MOST, bar_terms
from metastackerbandit.market.bars import (
    TOO_LARGE,
    empty_bars,
    take,
    tick,
)
from metastackerbandit.market.settings import BarSettings
from tests.market.tapes import DAY, SHORT, trade_at
from tests.markets import instrument


@given(
    lots=st.integers(1, 10**9),
    ticks=st.integers(1, 10**6),
    tick_size=st.sampled_from(["0.1", "0.25", "1e-8", "5"]),
    lot=st.sampled_from(["0.001", "10"]),
)
@settings(max_examples=60)
def test_volumes_are_the_floats_nearest_to_the_venue_s_decimals(lots: int, ticks: int, tick_size: str, lot: str) -> None:
    terms = bar_terms(instrument(tick_size=tick_size, lot_size=lot))
    assert lots * terms.lot_step / terms.lot_over == float(Decimal(lot) * lots)
    if ticks * lots * terms.turnover_step < 2**53:
        assert ticks * lots * terms.turnover_step / terms.turnover_over == float(Decimal(tick_size) * ticks * Decimal(lot) * lots)


def test_an_inverse_contract_turns_over_coins() -> None:
    coin = instrument("BTCUSD_PERP", tick_size="0.1", lot_size="1")
    bars = empty_bars([bar_terms(coin, "100")], SHORT, BarSettings())
    for lots, side in ((5, 1), (16, -1)):
        take(bars, trade_at(DAY, 326_233, lots, side)[0])
    tick(bars, DAY + 3 * SECOND_NS)
    (second,) = closed_bars(bars, 0, 0)
    parts = [round(Decimal(100 * lots) / Decimal("32623.3") * 10**8) for lots in (5, 16)]
    assert (second["volume"], second["taker_volume"], second["quote_volume"]) == (21.0, 5.0, sum(parts) / 1e8)
    assert take(bars, trade_at(DAY + 3 * SECOND_NS, 326_233, MOST // 10**11)[0]) == TOO_LARGE
    with pytest.raises(InstrumentRefused, match="is worth"):
        bar_terms(instrument(tick_size="0.3", lot_size="1"), "100")
