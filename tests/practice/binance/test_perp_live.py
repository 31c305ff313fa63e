"""Streams of the USD-M side: books that can be followed at every speed, trades, candles, marks; our own scanner reads them all."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.practice.tape import book_side
from metastackerbandit.simulation.exchange_words import NewOrder
from metastackerbandit.simulation.matching import TAKES
from metastackerbandit.simulation.queues import BUY, SELL
from tests.practice.binance.perp_walking import BTC, Usdm

SPEEDS = ["btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth@500ms"]


def followed(book: dict[str, dict[str, str]], event: dict[str, Any]) -> None:
    """A change of a book."""
    for side in ("b", "a"):
        for price, size in event[side]:
            if Decimal(size):
                book[side][price] = size
            else:
                book[side].pop(price, None)


def begun(chain: list[Any], snapshots: list[Any]) -> tuple[Any, list[Any]]:
    """The first snapshot that a chain of events goes on from by the venue's rules, and those events; older ones are too old."""
    for snapshot in snapshots:
        kept = [one for one in chain if one["u"] >= snapshot["lastUpdateId"]]
        if kept[0]["U"] <= snapshot["lastUpdateId"] <= kept[0]["u"]:
            return snapshot, kept
    raise AssertionError("no snapshot lies within an event")


@settings(max_examples=25)
@given(st.lists(st.floats(0.15, 3.0), min_size=2, max_size=8), st.integers(0, 5), st.integers(1, 3))
def test_a_book_is_followed_by_the_venues_rules_at_every_speed(spans: list[float], at: int, every: int) -> None:
    usdm = Usdm()
    streams = {name: usdm.stream("/public", name) for name in SPEEDS}
    events: dict[str, list[Any]] = {name: [] for name in SPEEDS}
    snapshots: list[Any] = []
    for n, span in enumerate(spans):
        usdm.turn(span)
        for k, name in enumerate(SPEEDS):
            if k == 0 or n % every == 0 or n == len(spans) - 1:
                events[name] += usdm.told(streams[name])
        if n in (at, len(spans) - 1):
            snapshots.append(usdm.ask("GET", "/fapi/v1/depth", None, symbol="BTCUSDT", limit=1_000))
    for name in SPEEDS:
        chain = events[name]
        assert chain and all(after["pu"] == before["u"] for before, after in pairwise(chain))
        assert all(one["pu"] < one["U"] <= one["u"] for one in chain)
        snapshot, kept = begun(chain, snapshots)
        book = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        for one in kept:
            followed(book, one)
        assert (book["b"], book["a"]) == (dict(usdm_levels(usdm, BUY)), dict(usdm_levels(usdm, SELL)))


def usdm_levels(usdm: Usdm, side: int) -> list[tuple[str, str]]:
    """A whole side of the book as texts."""
    one = usdm.floor.instruments[BTC]
    return [(one.price_text(ticks), one.quantity_text(lots)) for ticks, lots in book_side(usdm.exchange.queues, BTC, side, 10_000)]


def test_changes_that_were_lost_break_the_chain_aloud() -> None:
    usdm = Usdm()
    stream = usdm.stream("/public", "btcusdt@depth")
    usdm.turn(1.0)
    (before,) = usdm.told(stream)
    usdm.exchange.queues.row[BTC]["update"] += usdm.exchange.queues.changes.shape[1] + 1  # as if so much had happened
    assert usdm.told(stream) == []
    usdm.turn(1.0)
    (after,) = usdm.told(stream)
    assert after["pu"] != before["u"]


@pytest.mark.parametrize(
    ("base", "name", "event"),
    [
        ("/public", "btcusdt@depth5@100ms", "depthUpdate"),
        ("/public", "btcusdt@depth20", "depthUpdate"),
        ("/public", "btcusdt@bookTicker", "bookTicker"),
        ("/public", "!bookTicker", "bookTicker"),
        ("/public", "btcusdt@trade", "trade"),
        ("/market", "btcusdt@trade", "trade"),
        ("/market", "btcusdt@aggTrade", "aggTrade"),
        ("/market", "btcusdt@markPrice", "markPriceUpdate"),
        ("/market", "btcusdt@markPrice@1s", "markPriceUpdate"),
        ("/market", "btcusdt@kline_1m", "kline"),
        ("/market", "btcusdt_perpetual@continuousKline_5m", "continuous_kline"),
        ("/market", "btcusdt@miniTicker", "24hrMiniTicker"),
        ("/market", "btcusdt@ticker", "24hrTicker"),
        ("", "btcusdt@depth", "depthUpdate"),
    ],
)
def test_a_stream_tells_its_event(base: str, name: str, event: str) -> None:
    usdm = Usdm()
    stream = usdm.stream(base, name)
    usdm.turn(2.0)
    told = usdm.told(stream)
    assert told and all(one["e"] == event and one["st"] == 1 and one["E"] == usdm.now_ms for one in told)
    assert stream.is_depth == (name in SPEEDS)


@pytest.mark.parametrize("name", ["!markPrice@arr", "!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr"])
def test_a_stream_of_all_symbols_tells_a_list(name: str) -> None:
    usdm = Usdm()
    stream = usdm.stream("/market", name)
    usdm.turn(2.0)
    (told,) = usdm.told(stream)
    assert [one["s"] for one in told] == ["BTCUSDT", "ETHUSDT"]
    if "icker" in name:
        assert usdm.told(stream) == []  # nothing was traded since


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("/public", "btcusdt@aggTrade"),
        ("/public", "btcusdt@markPrice"),
        ("/public", "btcusdt@depth7"),
        ("/public", "btcusdt@depth@50ms"),
        ("/public", "nousdt@depth"),
        ("/market", "btcusdt@depth"),
        ("/market", "btcusdt@bookTicker"),
        ("/market", "btcusdt@kline_1s"),
        ("/market", "nousdt@ticker"),
        ("", "btcusdt@aggTrade"),
        ("/public", ""),
    ],
)
def test_a_name_of_another_class_or_of_nothing_stays_silent(base: str, name: str) -> None:
    assert Usdm().side.families[base].opened(name) is None


def test_liquidations_are_accepted_and_silent() -> None:
    usdm = Usdm()
    for name in ("btcusdt@forceOrder", "!forceOrder@arr"):
        assert usdm.told(usdm.stream("/market", name)) == []


def test_paces_are_those_of_the_names() -> None:
    usdm = Usdm()
    paces = {
        name: usdm.stream("/public", f"btcusdt@{name}").pace_s for name in ("depth", "depth@100ms", "depth@500ms", "depth10@100ms", "bookTicker")
    }
    assert paces == {"depth": 0.25, "depth@100ms": 0.1, "depth@500ms": 0.5, "depth10@100ms": 0.1, "bookTicker": 0.0}
    assert usdm.stream("/market", "btcusdt@markPrice").pace_s == 3.0 and usdm.stream("/market", "btcusdt@markPrice@1s").pace_s == 1.0


def test_every_candle_is_told_once_when_it_is_over_and_agrees_with_the_answer_by_rest() -> None:
    usdm = Usdm(speed=60.0)
    stream = usdm.stream("/market", "btcusdt@kline_1m")
    told = []
    for _ in range(12):
        usdm.turn(0.25)
        told += [one["k"] for one in usdm.told(stream)]
    over = [one for one in told if one["x"]]
    assert len(over) == len({one["t"] for one in over}) >= 2
    assert all(after["t"] == before["t"] + 60_000 for before, after in pairwise(over))
    assert all(after["f"] == before["L"] + 1 for before, after in pairwise(over[1:]))
    rows = {row[0]: row for row in usdm.ask("GET", "/fapi/v1/klines", None, symbol="BTCUSDT", interval="1m")}
    for one in over[1:]:
        assert [one[name] for name in ("o", "h", "l", "c", "v", "n", "V")] == [rows[one["t"]][n] for n in (1, 2, 3, 4, 5, 8, 9)]
        assert one["T"] == rows[one["t"]][6] == one["t"] + 59_999


def test_aggregated_trades_are_the_trades_and_both_have_numbers_without_holes() -> None:
    usdm = Usdm()
    single, joined = usdm.stream("/market", "btcusdt@trade"), usdm.stream("/market", "btcusdt@aggTrade")
    best = usdm.exchange.queues.prices[BTC, BUY, int(usdm.exchange.queues.row[BTC]["bids"]) - 1, 0]
    usdm.exchange.place(1, NewOrder(s=BTC, side=BUY, sort="limit", lots=1_000, ticks=int(best)), usdm.floor.now_ns)
    usdm.exchange.place(2, NewOrder(s=BTC, side=SELL, sort="market", lots=300_000, mode=TAKES), usdm.floor.now_ns)
    usdm.turn(20.0)
    trades, sums = usdm.told(single), usdm.told(joined)
    assert np.array_equal(np.diff([one["t"] for one in trades]), np.ones(len(trades) - 1))
    assert np.array_equal(np.diff([one["a"] for one in sums]), np.ones(len(sums) - 1)) and len(sums) < len(trades)
    size = {one["t"]: Decimal(one["q"]) for one in trades}
    for one in sums:
        assert Decimal(one["q"]) == sum(size[n] for n in range(one["f"], one["l"] + 1)) == Decimal(one["nq"])
    by_rest = usdm.ask("GET", "/fapi/v1/aggTrades", None, symbol="BTCUSDT", fromId=sums[0]["a"], limit=3)
    assert by_rest == [{name: one[name] for name in by_rest[0]} for one in sums[:3]]


def test_best_prices_are_told_where_they_changed() -> None:
    usdm = Usdm()
    stream = usdm.stream("/public", "btcusdt@bookTicker")
    (first,) = usdm.told(stream)
    assert usdm.told(stream) == []
    usdm.turn(1.0)
    (second,) = usdm.told(stream)
    best = usdm.ask("GET", "/fapi/v1/ticker/bookTicker", None, symbol="BTCUSDT")
    assert second["u"] > first["u"] and [second[name] for name in "bBaA"] == [best[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")]
    assert msgspec.json.encode(second).startswith(b'{"e":"bookTicker"')
