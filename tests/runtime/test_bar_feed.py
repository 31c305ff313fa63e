"""Bars from recorded trades against the venue's own candles, as far as both were recorded, and against plain sums of recorded tapes."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.market_rows import TRADES, VENUE_BARS, TradeRow, VenueBarRow
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.exchanges.binance.scan import scan
from metastackerbandit.market.bar_ring import Bars, closed_bars
from metastackerbandit.market.bar_terms import BarTerms, bar_terms
from metastackerbandit.market.bars import BROKEN, LATE, TAKEN, empty_bars, take, take_all, tick
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.runtime.bar_feed import bars_of
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.storage.captures import read_capture
from tests.market.tapes import grouped
from tests.markets import instrument
from tests.shared import shared_data

GRACE = BarSettings()


def captured(*names: str) -> Capture:
    """A recorded capture."""
    return read_capture([shared_data() / "ws_captures" / name for name in names])


# -- the venue's own candles, in the same capture ----------------------------------------------------------------------


class Seen(Struct, frozen=True, eq=False):
    """One instrument's part of a capture: its trades (N,) of TradeRow, its candles as they formed, and the ids of the trades in each."""

    instrument: Instrument
    trades: np.ndarray
    candles: list[VenueBarRow]
    ids: list[tuple[int, int]]


def seen_in(capture: Capture) -> list[Seen]:
    """Trades and candles of every instrument, read by the scanner; ids of trades, which no row has, from the JSON."""
    instruments = instruments_in(capture)
    market = feeds_of(instruments, capacity=1)
    trades: dict[int, list[Any]] = defaultdict(list)
    candles: dict[int, list[VenueBarRow]] = defaultdict(list)
    ids: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for f in range(len(capture.starts)):
        frame = capture.text[capture.starts[f] : capture.ends[f]]
        parts = (market.symbols, market.routes, market.decoded, market.fields, market.inner)
        kind = scan(frame, len(frame), int(capture.received_ns[f]), *parts, -1)
        if kind == TRADES:
            trades[int(market.decoded.trades[0]["instrument"])].append(market.decoded.trades[0].copy())
        elif kind == VENUE_BARS:
            told = json.loads(frame.tobytes())["data"]["k"]
            candles[int(market.decoded.bars[0]["instrument"])].append(struct_of(VenueBarRow, market.decoded.bars[0]))
            ids[int(market.decoded.bars[0]["instrument"])].append((told["f"], told["L"]))
    found = []
    for s, one in enumerate(instruments):
        made = rows(TradeRow, len(trades[s]))
        for n, trade in enumerate(trades[s]):
            made[n] = trade
        made["instrument"] = 0
        found.append(Seen(one, made, candles[s], ids[s]))
    return found


def between(seen: Seen, first: int, last: int) -> np.ndarray | None:
    """The trades of ids first .. last, where those that came are exactly these: a row that sums up several may reach beyond."""
    inside = seen.trades[(seen.trades["first_id"] >= first) & (seen.trades["last_id"] <= last)]
    count = int((inside["last_id"] - inside["first_id"] + 1).sum())
    return inside if count == last - first + 1 and count > 0 else None


def formed(trades: np.ndarray, terms: BarTerms) -> tuple[Any, Bars]:
    """The open minute of these trades."""
    bars = empty_bars([terms], [MINUTE_NS], GRACE)
    for trade in trades:
        assert take(bars, trade) == TAKEN
    (place,) = np.flatnonzero(bars.open[0, 0]["rows"])
    return bars.open[0, 0, place], bars


def terms_of(one: Instrument) -> BarTerms:
    """COIN-M's contracts are inverse, of 100 USD for BTC and 10 for others."""
    return bar_terms(one, ("100" if one.symbol.startswith("BTC") else "10") if "USD_" in one.symbol else "")


VENUES = {"BINANCE": (0, 1), "BINANCE_FUTURES": (33, 15), "BINANCE_DELIVERY": (5, 0)}


@pytest.mark.parametrize(("venue", "expected"), VENUES.items(), ids=list(VENUES))
def test_the_venue_s_candles_change_by_what_our_trades_sum_up(venue: str, expected: tuple[int, int]) -> None:
    """`expected`: steps from one frame of a forming candle to the next of which every trade was recorded apart, and candles recorded from their
    first trade on."""
    steps = whole = 0
    for seen in seen_in(captured(f"cryptofeed/{venue}.http.0.0.gz", f"cryptofeed/{venue}.ws.1.0.gz")):
        terms = terms_of(seen.instrument)
        for (before, (_, told)), (after, (_, last)) in pairwise(zip(seen.candles, seen.ids, strict=True)):
            if before.opened_ns != after.opened_ns or (trades := between(seen, told + 1, last)) is None:
                continue
            steps += 1
            ours, _ = formed(trades, terms)
            assert (ours["trades"], ours["close"]) == (after.trades - before.trades, after.close)
            assert (max(ours["high"], before.high), min(ours["low"], before.low)) == (after.high, after.low)
            volumes = [ours[name] * terms.lot_step / terms.lot_over for name in ("lots", "taker_lots")]
            assert volumes == pytest.approx([after.volume - before.volume, after.taker_volume - before.taker_volume], abs=1e-6)
            turnover = ours["turnover"] * terms.turnover_step / terms.turnover_over
            assert turnover == pytest.approx(after.quote_volume - before.quote_volume, abs=2e-8 if terms.coins else 1e-6)
        for candle, (first, last) in zip(seen.candles, seen.ids, strict=True):
            if (trades := between(seen, first, last)) is None:
                continue
            whole += 1
            _, bars = formed(trades, terms)
            tick(bars, candle.closed_ns + 2 * SECOND_NS)
            (ours,) = closed_bars(bars, 0, 0)
            for name in ("opened_ns", "closed_ns", "open", "high", "low", "close", "volume", "quote_volume", "taker_volume", "trades"):
                assert ours[name] == getattr(candle, name), name  # to the last bit
    assert (steps, whole) == expected


# -- the venue's candles of other recordings, where a capture crosses their boundary --------------------------------------

BOUNDARIES = {
    ("binance/usdm_btcusdt_20240718.gz", "binance/usdm_btcusdt_20240719.gz"): ("binance_usdm_30m/BTCUSDT.parquet", 30, "2024-07-19"),
    ("binance/spot_btcusdt_20240808.gz", "binance/spot_btcusdt_20240809.gz"): ("binance_spot_30m/BTCUSDT.parquet", 30, "2024-08-09"),
}


@pytest.mark.parametrize(("names", "theirs"), BOUNDARIES.items(), ids=[names[0].rpartition("/")[2] for names in BOUNDARIES])
def test_bars_meet_at_midnight_where_recorded_candles_do(names: tuple[str, ...], theirs: tuple[str, int, str]) -> None:
    """A candle's close is the last trade before midnight, the next one's open the first behind it; what it saw lies within its high and low."""
    file, minutes, day = theirs
    capture = captured(*names)
    (one,) = instruments_in(capture)
    tick_size = float(one.tick_size)
    bars = bars_of(capture, [one], [bar_terms(one)], GRACE, (SECOND_NS, MINUTE_NS))
    assert bars.tape[0]["refused"] == bars.tape[0]["late"] == 0
    tick(bars, int(bars.tape[0]["newest_ns"]) + 3 * SECOND_NS)
    seconds = closed_bars(bars, 0, 0)
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    midnight_ns = int(midnight.timestamp()) * SECOND_NS
    candles = pl.read_parquet(shared_data() / "klines" / file).with_columns(at=pl.col("open_time").dt.epoch("s"))
    before, after = (candles.row(by_predicate=pl.col("at") == int(midnight.timestamp()) + shift, named=True) for shift in (-60 * minutes, 0))
    earlier, later = seconds[seconds["closed_ns"] <= midnight_ns], seconds[seconds["opened_ns"] >= midnight_ns]
    assert len(earlier) > 30
    assert earlier[-1]["close"] * tick_size == pytest.approx(before["close"], rel=1e-12)
    if len(later):
        assert later[0]["open"] * tick_size == pytest.approx(after["open"], rel=1e-12)
    for candle, ours in ((before, earlier), (after, later)):
        inside = (ours["high"] * tick_size <= candle["high"] + 1e-9) & (ours["low"] * tick_size >= candle["low"] - 1e-9)
        assert inside.all() and ours["volume"].sum() <= candle["volume"] + 1e-6


def test_a_capture_s_bars_are_the_group_by_of_its_trades() -> None:
    capture = captured("binance/usdm_btcusdt_20230404.gz")
    told = [json.loads(capture.frame(f))["data"] for f in range(len(capture.starts)) if b'"e":"trade"' in capture.frame(f)]
    trades = rows(TradeRow, len(told))
    for n, one in enumerate(told):
        trades[n]["traded_ns"], trades[n]["first_id"] = one["T"] * 1_000_000, one["t"]
        trades[n]["ticks"], trades[n]["lots"], trades[n]["side"] = round(float(one["p"]) * 10), round(float(one["q"]) * 1_000), -1 if one["m"] else 1
    trades["last_id"] = trades["first_id"]
    (one,) = instruments_in(capture)
    bars = bars_of(capture, [one], [bar_terms(one)], GRACE)
    assert (len(told), bars.tape[0]["taken"]) == (2_197, 2_197)
    tick(bars, int(trades["traded_ns"].max()) + 5 * SECOND_NS)
    for f, frame_ns in enumerate(bars.frames[:2]):
        ours, plain = closed_bars(bars, 0, f), grouped(trades, int(frame_ns))
        assert len(ours) > 1
        for name, values in plain.items():
            assert np.array_equal(ours[name], values[: len(ours)]), name


# -- tapes -----------------------------------------------------------------------------------------------------------------


def tape_of(path: Path) -> tuple[np.ndarray, Instrument]:
    """A recorded tape (N,) of TradeRow and its steps."""
    names = {"timestamp": "at", "ts": "at", "TransactionTime": "at", "trade_id": "id", "TradeId": "id", "Price": "price", "Quantity": "size"}
    names |= {"quantity": "size", "amount": "size", "IsBuyerMarketMaker": "maker", "buyer_maker": "maker"}
    found = pl.read_csv(path, infer_schema_length=None) if path.suffix == ".gz" else pl.read_parquet(path)
    found = found.rename({old: new for old, new in names.items() if old in found.columns})
    if found["at"].dtype.is_temporal():
        found = found.with_columns(pl.col("at").dt.epoch("ms"))
    at = found["at"].to_numpy()
    sizes = [_step(found[name].to_numpy()) for name in ("price", "size")]
    one = instrument("X", venue="BINANCE", tick_size=sizes[0], lot_size=sizes[1])
    trades = rows(TradeRow, len(found))
    trades["traded_ns"] = trades["received_ns"] = at * (1_000 if at.max() > 10**15 else 1_000_000)
    trades["first_id"] = trades["last_id"] = found["id"].cast(pl.Int64).to_numpy()
    for name, column, size in (("ticks", "price", sizes[0]), ("lots", "size", sizes[1])):
        trades[name] = np.rint(found[column].to_numpy() / float(size)).astype(np.int64)
    is_sold = found["maker"].cast(pl.String).is_in(["1", "True", "true"]) if "maker" in found.columns else found["side"] == "sell"
    trades["side"] = np.where(is_sold.fill_null(False).to_numpy(), -1, 1)
    return trades, one


def _step(values: np.ndarray) -> str:
    """The power of ten that all of them are multiples of."""
    used = next(digits for digits in range(9) if np.allclose(np.rint(values * 10**digits), values * 10**digits, atol=1e-6))
    return "1" if used == 0 else f"0.{'0' * (used - 1)}1"


TAPES = {
    "binance_spot_trxusdt_20250304.csv.gz": (10_000, 0),
    "binance_usdm_trxusdt_20250304.csv.gz": (9_999, 1),  # the venue's row without price, size and type
    "binance_spot_xrpeth_2019-10.parquet": (12_477, 0),
    "freqtrade_orderflow_public_trades.csv.gz": (1_000, 0),
    "binance_btcusdt_sample.parquet": (2_001, 0),
}


@pytest.mark.parametrize(("name", "expected"), TAPES.items(), ids=list(TAPES))
def test_a_recorded_tape_s_bars_are_the_group_by_of_its_trades(name: str, expected: tuple[int, int]) -> None:
    trades, one = tape_of(shared_data() / "trades" / name)
    terms = bar_terms(one)
    bars, verdicts = empty_bars([terms], (SECOND_NS, MINUTE_NS, 5 * MINUTE_NS), GRACE), np.zeros(len(trades), np.int64)
    take_all(bars, trades, verdicts)
    assert ((verdicts == TAKEN).sum(), (verdicts == BROKEN).sum(), (verdicts == LATE).sum()) == (*expected, 0)
    tick(bars, int(trades["traded_ns"].max()) + 10 * MINUTE_NS)
    for f, frame_ns in enumerate(bars.frames):
        ours, plain = closed_bars(bars, 0, f), grouped(trades[verdicts == TAKEN], int(frame_ns))
        assert len(ours) == min(len(plain["opened_ns"]), 1_500)
        for field in ("opened_ns", "open", "high", "low", "close", "trades"):
            assert np.array_equal(ours[field], plain[field][-1_500:]), field
        for field, step, over in (
            ("volume", terms.lot_step, terms.lot_over / 1_000),
            ("quote_volume", terms.turnover_step, terms.turnover_over / 10_000),
        ):
            assert ours[field] == pytest.approx(plain[field][-1_500:] * step / over, rel=1e-12)


def test_the_faults_of_a_broken_tape_are_refused() -> None:
    """Its first row has a price of -1; others have what only ids and streams show."""
    trades, one = tape_of(shared_data() / "trades" / "binance_usdm_trxusdt_20250304_broken.csv.gz")
    bars, verdicts = empty_bars([bar_terms(one)], (SECOND_NS,), GRACE), np.zeros(len(trades), np.int64)
    take_all(bars, trades, verdicts)
    is_broken = (trades["ticks"] <= 0) | (trades["lots"] <= 0)
    assert is_broken[0] and np.array_equal(verdicts == BROKEN, is_broken)
    assert closed_bars(bars, 0, 0)["low"].min() > 0
