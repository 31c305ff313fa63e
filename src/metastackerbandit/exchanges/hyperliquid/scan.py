"""Hyperliquid's market streams and book snapshots, scanned from the bytes straight into rows.

    {"channel":"l2Book","data":{"coin":"BTC","time":MS,"levels":[[{"px":"113377.0","sz":"7.6699","n":17}],[...]]}}      bids, asks: a whole picture
    {"channel":"bbo","data":{"coin":"BTC","time":MS,"bbo":[{"px","sz","n"} or null, the same]}}
    {"channel":"trades","data":[{"coin":"BTC","side":"B","px","sz","time":MS,"hash","tid":1,"users":[buyer, seller]}]}  side: the taker's
    {"channel":"candle","data":{"t":MS,"T":MS,"s":"BTC","i":"1m","o","c","h","l","v","n":1}}                            or a list of them
    {"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"markPx","oraclePx","funding",...}}}                        funding: an hour's rate

Source: the venue's pages (Websocket, Subscriptions), 2026. A book message has no number: its time in ms stands for it, so that an older one is
left out; a gap cannot be seen but by silence. A trade's `tid` tells it from others and does not rise. Candles do not say that they are closed.
The reply to a request for l2Book is the data alone. Keys may come in any order, unknown ones are walked over; of a key that stands twice the
last one counts. Kernels, though few messages come a second: captures and live frames go through one compiled call, whatever the venue.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import ACK, DEPTH, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.decoded import MALFORMED, MISSING, MISTYPED, NEGATIVE, TOO_MANY, TRUNCATED
from metastackerbandit.exchanges.hyperliquid.walk import (
    BBO,
    CHANNEL,
    COIN,
    CONTEXT,
    DATA,
    FUNDING,
    LEVELS,
    MARK_PRICE,
    ORACLE,
    PRICE,
    SIZE,
    TIME,
    TRADE_ID,
    coin_of,
    side_of,
    walk_object,
)
from metastackerbandit.exchanges.json_fields import (
    END,
    FIRST,
    KIND,
    float_of,
    frame_length_of,
    is_word,
    lots_of,
    number_of,
    ticks_of,
    time_of,
    worst,
)
from metastackerbandit.exchanges.json_object import first_item, next_item
from metastackerbandit.exchanges.json_scan import skip_space, skip_value
from metastackerbandit.exchanges.json_words import words

GREETING = tuple(b"Websocket connection established.")

_channel = words(
    "_channel",
    "The kind of message that a channel carries; NOTHING for one that nobody reads.",
    {
        b"l2Book": DEPTH,
        b"trades": TRADES,
        b"bbo": QUOTE,
        b"candle": VENUE_BARS,
        b"activeAssetCtx": MARK,
        b"subscriptionResponse": ACK,
        b"pong": ACK,
        b"error": ACK,
        b"userFills": USER,
        b"user": USER,
        b"orderUpdates": USER,
        b"userFundings": USER,
    },
    __name__,
)


@kernel
def scan(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """Read one frame text[:end] into `decoded`; its kind. Where something is wrong the kind is NOTHING, and `decoded.found` says what.

    `alone` is the instrument that a REST reply was asked for, -1 for what streams send.
    """
    found = decoded.found[0]
    found.rows = 0
    found.fault = 0
    kind = _read(text, end, received_ns, symbols, routes, decoded, fields, inner, alone)
    if kind < 0:
        found.rows = 0
        found.fault = -kind
        kind = NOTHING
    found.kind = kind
    return kind


@kernel
def _read(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """The frame's kind, or minus the fault; how many rows it has stands in `decoded.found`."""
    p = skip_space(text, 0, end)
    if p >= end:
        return -TRUNCATED
    if text[p] != 123:
        if is_word(text, p, end, GREETING):
            return ACK
        q = skip_value(text, p, end)
        if q < 0:
            return q
        return NOTHING if skip_space(text, q, end) == end else -MALFORMED
    q = walk_object(text, p, end, fields)
    if q < 0:
        return q
    if skip_space(text, q, end) != end:
        return -MALFORMED
    if fields[KIND, CHANNEL] == 0 and fields[KIND, LEVELS] != 0:
        return _book(text, received_ns, symbols, routes, decoded, fields, inner, alone, 2)
    if fields[KIND, CHANNEL] != 34:
        return NOTHING
    kind = _channel(text, fields[FIRST, CHANNEL], fields[END, CHANNEL])
    if kind == NOTHING or kind == ACK or kind == USER:
        return kind
    what, first, last = fields[KIND, DATA], fields[FIRST, DATA], fields[END, DATA]
    if what != 123 and (what != 91 or not (kind == TRADES or kind == VENUE_BARS)):
        return -MISSING if what == 0 else -MISTYPED
    if kind == TRADES:
        return _trades(text, first, last, received_ns, symbols, routes, decoded, inner, alone) if what == 91 else -MISTYPED
    if kind == VENUE_BARS:
        return _bars(text, first, last, what == 91, received_ns, symbols, routes, decoded, inner, alone)
    walk_object(text, first, last, fields)
    if kind == DEPTH:
        return _book(text, received_ns, symbols, routes, decoded, fields, inner, alone, 1)
    place = coin_of(text, fields, COIN, symbols, alone)
    if place < 0:
        return place
    if kind == QUOTE:
        return _best(text, place, received_ns, routes[place], decoded, fields, inner)
    return _context(text, place, received_ns, decoded, fields, inner)


@kernel
def _level(text: Any, p: int, end: int, inner: Any, route: Any) -> tuple[int, int, int]:
    """A level that stands at `p` and was walked before -> (the position behind it, ticks and lots, each minus the fault where it has one)."""
    if text[p] != 123:
        return p, -MISTYPED, 0
    q = walk_object(text, p, end, inner)
    ticks = ticks_of(text, inner, PRICE, route)
    return q, -NEGATIVE if ticks == 0 else ticks, lots_of(text, inner, SIZE, route)


@kernel
def _side(text: Any, p: int, end: int, side: Any, inner: Any, route: Any) -> int:
    """How many levels the list at `p` has, now in `side` (M, 2); minus the fault."""
    if text[p] != 91:
        return -MISTYPED
    count = 0
    p = first_item(text, p, end)
    while p >= 0:
        if count == len(side):
            return -TOO_MANY
        p, ticks, lots = _level(text, p, end, inner, route)
        if ticks < 0 or lots < 0:
            return ticks if ticks < 0 else lots
        side[count, 0] = ticks
        side[count, 1] = lots
        count += 1
        p = next_item(text, p, end)
    return count


@kernel
def _book(text: Any, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int, is_whole: int) -> int:
    """A picture of the book's best levels, whose object's fields were walked; DEPTH, or minus the fault."""
    place = coin_of(text, fields, COIN, symbols, alone)
    if place < 0:
        return place
    stamp = time_of(text, fields, TIME)
    if stamp < 0:
        return stamp
    if fields[KIND, LEVELS] != 91:
        return -MISSING if fields[KIND, LEVELS] == 0 else -MISTYPED
    end = fields[END, LEVELS]
    p = first_item(text, fields[FIRST, LEVELS], end)
    if p < 0:
        return -MISSING
    bids = _side(text, p, end, decoded.bids, inner, routes[place])
    if bids < 0:
        return bids
    p = next_item(text, skip_value(text, p, end), end)
    if p < 0:
        return -MISSING
    asks = _side(text, p, end, decoded.asks, inner, routes[place])
    if asks < 0:
        return asks
    if next_item(text, skip_value(text, p, end), end) >= 0:
        return -MISTYPED
    row = decoded.depth[0]
    row.instrument = place
    row.is_whole = is_whole
    row.first_id = stamp // 1_000_000
    row.last_id = stamp // 1_000_000
    row.prior_id = -1
    row.exchange_ns = stamp
    row.engine_ns = 0
    row.received_ns = received_ns
    row.bids = bids
    row.asks = asks
    decoded.found[0].rows = 1
    return DEPTH


@kernel
def _best(text: Any, place: int, received_ns: int, route: Any, decoded: Any, fields: Any, inner: Any) -> int:
    """Best bid and ask, null for an empty side; QUOTE, or minus the fault."""
    if fields[KIND, BBO] != 91:
        return -MISSING if fields[KIND, BBO] == 0 else -MISTYPED
    row = decoded.quotes[0]
    row.instrument = place
    row.update_id = -1
    row.exchange_ns = time_of(text, fields, TIME)
    row.received_ns = received_ns
    row.bid, row.bid_lots, row.ask, row.ask_lots = 0, 0, 0, 0
    end = fields[END, BBO]
    p = first_item(text, fields[FIRST, BBO], end)
    if p >= 0 and text[p] != 110:
        _, row.bid, row.bid_lots = _level(text, p, end, inner, route)
    if p >= 0:
        p = next_item(text, skip_value(text, p, end), end)
    if p < 0:
        return -MISSING
    if text[p] != 110:
        _, row.ask, row.ask_lots = _level(text, p, end, inner, route)
    fault = worst(row.exchange_ns, worst(row.bid, row.bid_lots, row.ask, row.ask_lots), 0, 0)
    if fault == 0 and next_item(text, skip_value(text, p, end), end) >= 0:
        fault = -MISTYPED
    decoded.found[0].rows = 1
    return fault if fault < 0 else QUOTE


@kernel
def _trades(text: Any, p: int, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, inner: Any, alone: int) -> int:
    """Trades, one a row; TRADES, NOTHING for an empty list, or minus the fault."""
    count = 0
    p = first_item(text, p, end)
    while p >= 0:
        if count == len(decoded.trades):
            return -TOO_MANY
        if text[p] != 123:
            return -MISTYPED
        p = walk_object(text, p, end, inner)
        place = coin_of(text, inner, COIN, symbols, alone)
        if place < 0:
            return place
        row = decoded.trades[count]
        row.instrument = place
        row.first_id = number_of(text, inner, TRADE_ID)
        row.last_id = row.first_id
        row.exchange_ns = time_of(text, inner, TIME)
        row.traded_ns = row.exchange_ns
        row.received_ns = received_ns
        row.ticks = ticks_of(text, inner, PRICE, routes[place])
        row.lots = lots_of(text, inner, SIZE, routes[place])
        row.side = side_of(text, inner)
        fault = worst(row.first_id, row.exchange_ns, row.ticks, row.lots)
        if fault < 0:
            return fault
        if row.side == 0:
            return -MISTYPED
        count += 1
        p = next_item(text, p, end)
    decoded.found[0].rows = count
    return TRADES if count > 0 else NOTHING


@kernel
def _bars(text: Any, p: int, end: int, is_list: bool, received_ns: int, symbols: Any, routes: Any, decoded: Any, inner: Any, alone: int) -> int:
    """One candle or a list of them, one a row; VENUE_BARS, NOTHING for an empty list, or minus the fault."""
    count = 0
    p = first_item(text, p, end) if is_list else p
    while p >= 0:
        if count == len(decoded.bars):
            return -TOO_MANY
        if text[p] != 123:
            return -MISTYPED
        p = walk_object(text, p, end, inner)
        place = coin_of(text, inner, 115, symbols, alone)  # s
        if place < 0:
            return place
        fault = _bar(text, decoded.bars[count], place, received_ns, routes[place], inner)
        if fault < 0:
            return fault
        count += 1
        p = next_item(text, p, end) if is_list else -1
    decoded.found[0].rows = count
    return VENUE_BARS if count > 0 else NOTHING


@kernel
def _bar(text: Any, row: Any, place: int, received_ns: int, route: Any, inner: Any) -> int:
    """One candle's row; 0, or minus the fault."""
    if inner[KIND, 105] != 34 or inner[END, 105] == inner[FIRST, 105]:  # i
        return -MISSING
    row.instrument = place
    row.exchange_ns = 0
    row.received_ns = received_ns
    row.frame_ns = frame_length_of(text, inner[FIRST, 105], inner[END, 105])
    row.opened_ns = time_of(text, inner, 116)  # t
    row.closed_ns = row.opened_ns + row.frame_ns
    row.open = ticks_of(text, inner, 111, route)  # o
    row.high = ticks_of(text, inner, 104, route)  # h
    row.low = ticks_of(text, inner, 108, route)  # l
    row.close = ticks_of(text, inner, 99, route)  # c
    row.volume = float_of(text, inner, 118)  # v
    row.quote_volume = math.nan
    row.taker_volume = math.nan
    row.trades = number_of(text, inner, 110)  # n
    row.first_id = -1
    row.last_id = -1
    row.is_closed = 0
    fault = worst(row.frame_ns, row.opened_ns, row.trades, worst(row.open, row.high, row.low, row.close))
    if fault == 0 and not row.volume >= 0.0:
        fault = -MISTYPED if inner[KIND, 118] != 0 else -MISSING
    return fault


@kernel
def _context(text: Any, place: int, received_ns: int, decoded: Any, fields: Any, inner: Any) -> int:
    """Mark and oracle price and the hour's funding rate; MARK, or minus the fault."""
    if fields[KIND, CONTEXT] != 123:
        return -MISSING if fields[KIND, CONTEXT] == 0 else -MISTYPED
    walk_object(text, fields[FIRST, CONTEXT], fields[END, CONTEXT], inner)
    if inner[KIND, MARK_PRICE] == 0 or inner[KIND, ORACLE] == 0 or inner[KIND, FUNDING] == 0:
        return -MISSING
    row = decoded.marks[0]
    row.instrument = place
    row.exchange_ns = 0
    row.received_ns = received_ns
    row.mark_price = float_of(text, inner, MARK_PRICE)
    row.index_price = float_of(text, inner, ORACLE)
    row.settles_ns = 0
    rate = float_of(text, inner, FUNDING)
    if not row.mark_price > 0.0 or not row.index_price > 0.0 or not abs(rate) < 1e6:
        return -MISTYPED
    row.rate = int(np.rint(rate * 1e8))
    decoded.found[0].rows = 1
    return MARK
