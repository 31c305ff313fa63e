"""Terms of a listing, and what they refuse."""

from __future__ import annotations

import msgspec
import pytest

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.simulation.exchange_words import NewOrder, Refusal
from metastackerbandit.simulation.listing import Listing, refused_by_rules, sizes_of
from metastackerbandit.simulation.queues import BUY, SELL
from tests.simulation.floor import instrument


def test_sizes_are_whole_numbers_of_the_exchanges_amounts() -> None:
    sizes = sizes_of(Listing(instrument(0, "spot"), max_ticks=5_000))
    assert (sizes.unit, sizes.lot, sizes.min_lots, sizes.max_lots, sizes.max_ticks, sizes.least) == (100_000, 10**6, 2, 100_000, 5_000, 5 * 10**8)


def test_steps_that_are_finer_than_the_exchanges_amounts_are_refused() -> None:
    fine = msgspec.structs.replace(instrument(0, "spot"), quote="BTC", tick_size="0.000001", lot_size="0.0001", min_quantity="1")
    with pytest.raises(InstrumentRefused, match="finer than 1e-8"):
        sizes_of(Listing(fine))


@pytest.mark.parametrize(
    ("wish", "market", "is_exempt", "why"),
    [
        (NewOrder(0, BUY, "limit", 10, 1_200), 1_000, False, None),
        (NewOrder(0, BUY, "limit", 10, 1_201), 1_000, False, "percent_price"),
        (NewOrder(0, SELL, "limit", 10, 1_201), 1_000, False, None),
        (NewOrder(0, SELL, "limit", 10, 799), 1_000, False, "percent_price"),
        (NewOrder(0, BUY, "limit", 10, 9_999), 0, False, None),
        (NewOrder(0, BUY, "limit", 10, 49), 0, False, "price_filter"),
        (NewOrder(0, BUY, "stop", 10, trigger=10_001), 0, False, "price_filter"),
        (NewOrder(0, BUY, "market", 61), 1_000, False, "market_lot_size"),
        (NewOrder(0, BUY, "limit", 61, 1_000), 1_000, False, None),
        (NewOrder(0, SELL, "limit", 2, 1_000), 1_000, False, "notional"),
        (NewOrder(0, SELL, "limit", 2, 1_000), 1_000, True, None),
        (NewOrder(0, SELL, "limit", 1, 1_000), 1_000, True, "lot_size"),
        (NewOrder(0, SELL, "stop", 0, trigger=990, closes=True), 1_000, False, None),
    ],
)
def test_rules_refuse_what_lies_outside_of_them(wish: NewOrder, market: int, is_exempt: bool, why: str | None) -> None:
    listing = Listing(instrument(0, "perp"), min_ticks=50, max_ticks=10_000, market_max_lots=60)
    refused = refused_by_rules(listing, sizes_of(listing), wish, market, is_exempt)
    assert refused == (Refusal(why) if why else None)  # type: ignore[arg-type]


def test_nothing_is_taken_for_what_does_not_trade() -> None:
    listing = Listing(instrument(0, "perp"), is_trading=False)
    assert refused_by_rules(listing, sizes_of(listing), NewOrder(0, BUY, "limit", 10, 1_000), 1_000, False) == Refusal("closed")
