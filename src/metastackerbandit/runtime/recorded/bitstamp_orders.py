"""Bitstamp's feed of single orders (2015): a log of its events, and the table of orders made of it; orders are added up to levels.

    1430438404518 order_created {"price": "236.47", "amount": "2.00000000", "datetime": "1430438404", "id": 65595247, "order_type": 0}
    1430438405885 order_book {"bids": [["236.47", "1.78855669"], ...], "asks": [...]}         the best 20 levels, as the venue itself adds up
    1430438404645 trade {"price": 236.47, "amount": 0.21144331, "id": 8111041}                the taker's side is not told

The stamp is when a line arrived (ms); `datetime` is when the order was placed, so nothing says when the venue made an event. The feed begins
without a book: orders that were placed before it are missing. Prices are in cents, amounts in 1e-8.
"""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.market_rows import DEPTH, TRADES, DepthRow, TradeRow
from metastackerbandit.domain.recording import QualityIssue
from metastackerbandit.domain.row_frames import frames_of_rows
from metastackerbandit.market.order_levels import ASK, BID, OrderLevels
from metastackerbandit.runtime.recorded.recorded_rows import capture_of_rows
from metastackerbandit.runtime.recorded.tables import Table, Told

_EVENT = re.compile(rb"(\d{13}) (order_created|order_changed|order_deleted|order_book|trade) (\{.*\})\s*")
CENTS, SATOSHI = 100.0, 1e8
_BEGINS = "the feed begins without a book: orders placed before it are missing until they change ({unknown:,} were told of later that were not known)"


class Event(Struct, frozen=True):
    """An order placed, changed or gone: `action` is the event's name without `order_`; when it arrived (ns), on which row."""

    row: int
    received_ns: int
    action: str
    order: int
    side: int
    ticks: int
    lots: int


class Message(Struct, frozen=True):
    """A book message to be: `is_whole` as in DepthRow, its number (-1: none), and its levels."""

    row: int
    received_ns: int
    is_whole: int
    number: int
    bids: Sequence[tuple[int, int]]
    asks: Sequence[tuple[int, int]]


def is_order_log(path: Path) -> bool:
    """Whether a file's first line is an event of the feed."""
    try:
        with bz2.open(path, "rb") if path.name.endswith(".bz2") else path.open("rb") as file:
            return _EVENT.fullmatch(file.readline(10_000)) is not None
    except (OSError, EOFError):
        return False


def read_order_log(path: Path, told: Told) -> Capture:
    """The log: orders as changes of levels, the venue's own best levels as pictures, trades; lines that are no events are told."""
    text = bz2.decompress(path.read_bytes()) if path.name.endswith(".bz2") else path.read_bytes()
    lines = text.splitlines()
    events: list[Event] = []
    pictures: list[Message] = []
    trades: list[tuple[int, int, int, int, int]] = []
    issues: list[QualityIssue] = []
    for row, line in enumerate(lines):
        read = _EVENT.fullmatch(line)
        try:
            body: Any = msgspec.json.decode(read[3]) if read else None
        except msgspec.DecodeError:
            body = None
        if read is None or body is None:
            issues.append(QualityIssue("not_a_frame", "high", f"line {row + 1}", "the line is no event of the feed, and was left out"))
            continue
        received_ns, name = int(read[1]) * 1_000_000, read[2].decode()
        if name == "trade":
            trades.append((row, received_ns, int(body["id"]), _steps(body["price"], CENTS), _steps(body["amount"], SATOSHI)))
        elif name == "order_book":
            sides = [[(_steps(price, CENTS), _steps(amount, SATOSHI)) for price, amount in body[side]] for side in ("bids", "asks")]
            pictures.append(Message(row, received_ns, 1, -1, *sides))
        else:
            side = ASK if body["order_type"] else BID
            ticks, lots = _steps(body["price"], CENTS), _steps(body["amount"], SATOSHI)
            events.append(Event(row, received_ns, name.removeprefix("order_"), int(body["id"]), side, ticks, lots))
    return _capture(Table(path, pl.DataFrame(), 1, told), events, pictures, trades, issues)


def read_order_table(table: Table) -> Capture:
    """The table: id, timestamp (ms, arrival), price, volume (1e-8), action created, changed or deleted, direction bid or ask."""
    rows = table.rows
    ticks = np.rint(rows["price"].to_numpy() * CENTS).astype(np.int64).tolist()
    sides = [BID if direction == "bid" else ASK for direction in rows["direction"].to_list()]
    columns = (rows["timestamp"].to_list(), rows["action"].to_list(), rows["id"].to_list(), sides, ticks, rows["volume"].to_list())
    events = [Event(row, at * 1_000_000, *rest) for row, (at, *rest) in enumerate(zip(*columns, strict=True))]
    return _capture(table, events, [], [], [])


def _steps(value: Any, scale: float) -> int:
    return round(float(value) * scale)


def _messages(events: Iterable[Event], orders: OrderLevels) -> Iterator[Message]:
    """A change of levels for each event that changes one; the first is preceded by an empty book."""
    for number, event in enumerate(events, 1):
        if number == 1:
            yield Message(event.row, event.received_ns, 2, 0, (), ())
        if event.action == "deleted":
            changes = orders.gone(event.order)
        elif event.action == "changed":
            changes = orders.changed(event.order, event.side, event.ticks, event.lots)
        else:
            changes = orders.put(event.order, event.side, event.ticks, event.lots)
        bids, asks = ([(ticks, lots) for side, ticks, lots in changes if side == wanted] for wanted in (BID, ASK))
        yield Message(event.row, event.received_ns, 0, number, bids, asks)


def _capture(
    table: Table,
    events: Sequence[Event],
    pictures: Sequence[Message],
    trades: Sequence[tuple[int, int, int, int, int]],
    issues: Sequence[QualityIssue],
) -> Capture:
    if not events:
        raise DataRefused("holds no event of an order", where=str(table.path), mend="look at the file")
    orders = OrderLevels()
    depth = sorted((*_messages(events, orders), *pictures), key=lambda message: message.row)
    begins = QualityIssue("partial_book", "medium", table.place(0), _BEGINS.format(unknown=orders.unknown))
    rows = np.zeros(len(depth), layout(DepthRow))
    for name, values in (
        ("is_whole", [one.is_whole for one in depth]),
        ("last_id", [one.number for one in depth]),
        ("received_ns", [one.received_ns for one in depth]),
        ("bids", [len(one.bids) for one in depth]),
        ("asks", [len(one.asks) for one in depth]),
    ):
        rows[name] = values
    rows["first_id"], rows["prior_id"] = rows["last_id"], -1
    levels = np.array([level for one in depth for side in (one.bids, one.asks) for level in side], np.int64).reshape(-1, 2)
    parts = [(frames_of_rows(DEPTH, rows, levels), np.array([one.row for one in depth]))]
    if trades:
        taken = np.array(trades, np.int64)
        made = np.zeros(len(taken), layout(TradeRow))
        made["received_ns"], made["traded_ns"] = taken[:, 1], taken[:, 1]  # no other time of theirs is told
        made["first_id"], made["last_id"], made["ticks"], made["lots"] = taken[:, 2], taken[:, 2], taken[:, 3], taken[:, 4]
        parts.append((frames_of_rows(TRADES, made), taken[:, 0]))
    symbol = table.told.symbol or "BTCUSD"
    instrument = Instrument(symbol.upper(), "BTC", "USD", "spot", "BITSTAMP", "0.01", "0.00000001", "0.00000001", "0.00000001", "0", "inferred")
    return capture_of_rows(table, instrument, parts, (*issues, begins))
