"""What Binance's messages say, written to rows: each filler takes the fields of a message that was walked, and gives its kind or minus the fault.

Wire facts: Binance spot streams (2026-07), USD-M streams (2026-08), the COIN-M merge. A field of one letter is its own byte.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH, LIQUIDATION, MARK, QUOTE, TRADES, VENUE_BARS
from metastackerbandit.exchanges.decoded import MALFORMED, MISSING, MISTYPED
from metastackerbandit.exchanges.json_book import ASKS, AVERAGE, BIDS, LAST_UPDATE, PRIOR, sides_fault
from metastackerbandit.exchanges.json_fields import (
    END,
    FIRST,
    HELD,
    KIND,
    flag_of,
    float_of,
    frame_length_of,
    id_of,
    lots_of,
    number_of,
    ticks_of,
    time_of,
    worst,
)

SENT, MADE, STARTS = ord("E"), ord("T"), ord("t")
PRICE, SIZE = ord("p"), ord("q")
FIRST_ID, LAST_ID, FIRST_TRADE, LAST_TRADE, TRADE_ID = ord("U"), ord("u"), ord("f"), ord("l"), ord("t")
NEWEST_TRADE = ord("L")  # of a candle
BUYER_WAITED = ord("m")
BID, BID_SIZE, ASK, ASK_SIZE = ord("b"), ord("B"), ord("a"), ord("A")
FRAME, OPEN, HIGH, LOW, CLOSE = ord("i"), ord("o"), ord("h"), ord("l"), ord("c")
VOLUME, QUOTE_VOLUME, TAKER_VOLUME, TRADE_COUNT, IS_CLOSED = ord("v"), ord("q"), ord("V"), ord("n"), ord("x")
INDEX_PRICE, RATE, SETTLES = ord("i"), ord("r"), ord("T")
SIDE, FILLED, BUY = ord("S"), ord("z"), ord("B")
TEXT = ord('"')


@kernel
def fill_depth(text: Any, fields: Any, row: Any, is_whole: int, received_ns: int) -> int:
    """The head of a book message; DEPTH, or minus the fault."""
    row.is_whole = is_whole
    row.received_ns = received_ns
    row.prior_id = -1
    row.exchange_ns = 0
    row.engine_ns = 0
    fault = sides_fault(fields)
    if fault < 0:
        return fault
    row.bids = fields[HELD, BIDS]
    row.asks = fields[HELD, ASKS]
    if fields[KIND, SENT] != 0:
        row.exchange_ns = time_of(text, fields, SENT)
    if fields[KIND, MADE] != 0:
        row.engine_ns = time_of(text, fields, MADE)
    if fields[KIND, LAST_UPDATE] != 0:
        row.last_id = number_of(text, fields, LAST_UPDATE)
        row.first_id = row.last_id
    else:
        row.last_id = number_of(text, fields, LAST_ID)
        row.first_id = number_of(text, fields, FIRST_ID)
    if row.first_id > row.last_id and row.last_id >= 0:
        return -MALFORMED
    fault = worst(row.exchange_ns, row.engine_ns, row.last_id, row.first_id)
    if fault == 0 and fields[KIND, PRIOR] != 0:
        row.prior_id = number_of(text, fields, PRIOR)
        fault = min(row.prior_id, 0)
    return fault if fault < 0 else DEPTH


@kernel
def fill_trade(text: Any, fields: Any, row: Any, route: Any, is_sum: bool, received_ns: int) -> int:
    """A trade, or several of one taker at one price; TRADES, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, SENT)
    row.traded_ns = time_of(text, fields, MADE)
    row.first_id = number_of(text, fields, FIRST_TRADE if is_sum else TRADE_ID)
    row.last_id = number_of(text, fields, LAST_TRADE) if is_sum else row.first_id
    fault = worst(row.exchange_ns, row.traded_ns, row.first_id, row.last_id)
    row.ticks = ticks_of(text, fields, PRICE, route)
    row.lots = lots_of(text, fields, SIZE, route)
    is_maker = flag_of(text, fields, BUYER_WAITED)  # the buyer waited, so the taker sold
    row.side = -1 if is_maker == 1 else 1
    fault = worst(fault, row.ticks, row.lots, is_maker)
    return fault if fault < 0 else TRADES


@kernel
def fill_quote(text: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """Best bid and ask; QUOTE, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, SENT) if fields[KIND, SENT] != 0 else 0
    row.update_id = number_of(text, fields, LAST_ID)
    row.bid = ticks_of(text, fields, BID, route)
    row.bid_lots = lots_of(text, fields, BID_SIZE, route)
    row.ask = ticks_of(text, fields, ASK, route)
    row.ask_lots = lots_of(text, fields, ASK_SIZE, route)
    fault = worst(worst(row.exchange_ns, row.update_id, row.bid, row.bid_lots), row.ask, row.ask_lots, 0)
    return fault if fault < 0 else QUOTE


@kernel
def fill_bar(text: Any, outer: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """The venue's candle; VENUE_BARS, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, outer, SENT)
    if fields[KIND, FRAME] != TEXT:
        return -MISSING
    row.frame_ns = frame_length_of(text, fields[FIRST, FRAME], fields[END, FRAME])
    row.opened_ns = time_of(text, fields, STARTS)
    fault = worst(row.exchange_ns, row.frame_ns, row.opened_ns, 0)
    row.closed_ns = row.opened_ns + row.frame_ns
    row.open = ticks_of(text, fields, OPEN, route)
    row.high = ticks_of(text, fields, HIGH, route)
    row.low = ticks_of(text, fields, LOW, route)
    row.close = ticks_of(text, fields, CLOSE, route)
    fault = worst(fault, worst(row.open, row.high, row.low, row.close), 0, 0)
    row.volume = float_of(text, fields, VOLUME)
    row.quote_volume = float_of(text, fields, QUOTE_VOLUME)
    row.taker_volume = float_of(text, fields, TAKER_VOLUME)
    row.trades = number_of(text, fields, TRADE_COUNT)
    row.first_id = id_of(text, fields, FIRST_TRADE)
    row.last_id = id_of(text, fields, NEWEST_TRADE)
    row.is_closed = flag_of(text, fields, IS_CLOSED)
    fault = worst(fault, row.trades, row.is_closed, 0)
    if fault == 0 and min(row.first_id, row.last_id) < -1:
        fault = min(row.first_id, row.last_id)
    if fault == 0 and not (row.volume >= 0.0 and row.quote_volume >= 0.0 and row.taker_volume >= 0.0):
        fault = -MISTYPED
    return fault if fault < 0 else VENUE_BARS


@kernel
def fill_mark(text: Any, fields: Any, row: Any, received_ns: int) -> int:
    """Mark price and funding; MARK, or minus the fault. A delivery contract has an empty rate, which is none."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, SENT)
    row.settles_ns = time_of(text, fields, SETTLES)
    row.mark_price = float_of(text, fields, PRICE)
    row.index_price = float_of(text, fields, INDEX_PRICE)
    rate = float_of(text, fields, RATE)
    has_rate = fields[KIND, RATE] != 0 and fields[END, RATE] > fields[FIRST, RATE]
    fault = worst(row.exchange_ns, row.settles_ns, 0, 0)
    if fault == 0 and (
        not row.mark_price > 0.0 or (fields[KIND, INDEX_PRICE] != 0 and not row.index_price >= 0.0) or (has_rate and not abs(rate) < 1e6)
    ):
        fault = -MISTYPED
    row.rate = int(np.rint(rate * 1e8)) if has_rate and fault == 0 else 0
    return fault if fault < 0 else MARK


@kernel
def fill_liquidation(text: Any, outer: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """A forced order; LIQUIDATION, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, outer, SENT)
    if fields[KIND, SIDE] != TEXT:
        return -MISSING
    row.side = 1 if text[fields[FIRST, SIDE]] == BUY else -1
    row.ticks = ticks_of(text, fields, PRICE, route)
    row.lots = lots_of(text, fields, SIZE, route)
    row.filled = lots_of(text, fields, FILLED, route)
    average = float_of(text, fields, AVERAGE)  # finer than a tick
    fault = worst(row.exchange_ns, row.ticks, row.lots, row.filled)
    if fault == 0 and not average > 0.0:
        fault = -MISTYPED
    row.average = average if fault == 0 else math.nan
    return fault if fault < 0 else LIQUIDATION
