"""Tapes of trades: a row a trade, whatever the columns are called. A new layout is a line of TAPES."""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.market_rows import TRADES, TradeRow
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.row_frames import frames_of_rows
from metastackerbandit.runtime.recorded.recorded_rows import capture_of_rows, instrument_of
from metastackerbandit.runtime.recorded.steps import decimals_of, steps_of_values
from metastackerbandit.runtime.recorded.tables import Table, floats, left_out, whole
from metastackerbandit.storage.candle_times import times_of


class Tape(Struct, frozen=True):
    """Which column is what. `taker` says what is told: the taker's side, or whether the buyer was the maker; `last_id` only for sums of trades."""

    name: str
    id: str
    time: str
    price: str
    size: str
    side: str
    taker: Literal["side", "buyer_is_maker"]
    last_id: str = ""
    first_id: str = ""
    received: str = ""
    venue: str = ""
    symbol: str = ""

    def columns(self) -> frozenset[str]:
        """The columns that a file must have."""
        named = (self.id, self.time, self.price, self.size, self.side, self.last_id, self.first_id, self.received, self.symbol)
        return frozenset(name for name in named if name)


TAPES = (
    Tape("tardis trades", "id", "timestamp", "price", "amount", "side", "side", received="local_timestamp", symbol="symbol"),
    Tape("ccxt trades, table", "id", "ts", "price", "amount", "side", "side"),
    Tape("ccxt trades (freqtrade)", "id", "timestamp", "price", "amount", "side", "side"),
    Tape("trades with buyer_maker", "trade_id", "timestamp", "price", "quantity", "buyer_maker", "buyer_is_maker"),
    Tape("Binance archive trades", "id", "time", "price", "qty", "is_buyer_maker", "buyer_is_maker", venue="BINANCE"),
    Tape(
        "Binance archive aggTrades", "agg_trade_id", "transact_time", "price", "quantity", "is_buyer_maker", "buyer_is_maker",
        last_id="last_trade_id", first_id="first_trade_id", venue="BINANCE",
    ),
)  # fmt: skip


def read_tape(table: Table, tape: Tape) -> Capture:
    """A tape as rows of trades; what cannot be used (no price, size, time or number) is told and left out.

    Numbers of trades that are no whole numbers are -1. Where the tape does not say when a trade arrived, its own time stands for that.
    """
    price, size = floats(table.rows[tape.price]), floats(table.rows[tape.size])
    price_decimals, size_decimals = decimals_of(price[price > 0]), decimals_of(size[size > 0])
    ticks, bad_price = steps_of_values(price, price_decimals)
    lots, bad_size = steps_of_values(size, size_decimals)
    times, no_time, _ = times_of(table.rows[tape.time], str(table.path))
    bad_price |= ticks <= 0
    bad_size |= lots <= 0
    no_time |= times <= 0
    issues: list[QualityIssue] = []
    for bad, what in ((bad_price, f"{tape.price} is no price"), (bad_size, f"{tape.size} is no size"), (no_time, f"{tape.time} is no time")):
        issues += left_out(table, bad, "broken_row", what)
    rows = np.zeros(table.rows.height, layout(TradeRow))
    rows["first_id"] = whole(table.rows[tape.first_id or tape.id])
    rows["last_id"] = whole(table.rows[tape.last_id or tape.id])
    rows["exchange_ns"], rows["traded_ns"], rows["ticks"], rows["lots"] = times, times, ticks, lots
    rows["received_ns"] = times_of(table.rows[tape.received], str(table.path))[0] if tape.received else times
    rows["side"] = _sides(table.rows[tape.side], tape)
    used = ~(bad_price | bad_size | no_time)
    symbol, venue = table.symbol(_said(table, tape.symbol)), table.venue(tape.venue or _said(table, "exchange"))
    instrument = instrument_of(table, symbol, table.market(), venue, price_decimals, size_decimals)
    return capture_of_rows(table, instrument, [(frames_of_rows(TRADES, rows[used]), np.flatnonzero(used))], issues)


def _said(table: Table, column: str) -> str:
    """What the first row says in a column, "" where there is none."""
    return str(table.rows[column][0]) if column in table.rows.columns else ""


def _sides(column: pl.Series, tape: Tape) -> np.ndarray:
    """1 where the taker bought, -1 where it sold, 0 where that is not told."""
    text = column.cast(pl.String).str.to_lowercase().fill_null("").to_numpy()
    bought, sold = (("buy",), ("sell",)) if tape.taker == "side" else (("false", "0"), ("true", "1"))
    return np.where(np.isin(text, bought), 1, np.where(np.isin(text, sold), -1, 0))
