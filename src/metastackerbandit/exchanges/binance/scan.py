"""Binance's market streams and depth snapshots (spot, USD-M, COIN-M), scanned from the bytes straight into rows.

Wire facts: Binance spot streams (2026-07), USD-M streams (2026-08), the COIN-M merge (fields `st`, `ps`). Keys may come in any order, unknown
ones are walked over; of a key that stands twice the last one counts, as for any reader of JSON.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import ACK, DEPTH, LIQUIDATION, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, MISSING, MISTYPED, NEGATIVE, TOO_MANY, TRUNCATED
from metastackerbandit.exchanges.json_fields import (
    END,
    FIRST,
    HELD,
    KIND,
    flag_of,
    float_of,
    frame_length_of,
    is_word,
    lots_of,
    number_of,
    ticks_of,
    time_of,
    worst,
)
from metastackerbandit.exchanges.json_scan import skip_key, skip_space, skip_string, skip_value, take_steps
from metastackerbandit.exchanges.symbols import place_of

# Places of longer keys, below those of one letter, which have their own byte.
LAST_UPDATE, AVERAGE, RESULT, IDENTITY, CODE, STREAM, DATA, PRIOR = 1, 2, 3, 4, 5, 6, 7, 8
EVENT, SYMBOL = 101, 115  # e, s

# Words as tuples of their bytes, which kernels can hold.
PU, AP, ID = tuple(b"pu"), tuple(b"ap"), tuple(b"id")
BIDS, ASKS, DATA_KEY, CODE_KEY = tuple(b"bids"), tuple(b"asks"), tuple(b"data"), tuple(b"code")
STREAM_KEY, RESULT_KEY, LAST_UPDATE_ID = tuple(b"stream"), tuple(b"result"), tuple(b"lastUpdateId")
OPENING, DATA_OPENING = tuple(b'{"stream":"'), tuple(b',"data":{')
DEPTH_UPDATE, TRADE, AGGREGATE, BOOK_TICKER = tuple(b"depthUpdate"), tuple(b"trade"), tuple(b"aggTrade"), tuple(b"bookTicker")
KLINE, MARK_PRICE, FORCE_ORDER = tuple(b"kline"), tuple(b"markPriceUpdate"), tuple(b"forceOrder")
ORDER_UPDATE, ACCOUNT_UPDATE, EXECUTION = tuple(b"ORDER_TRADE_UPDATE"), tuple(b"ACCOUNT_UPDATE"), tuple(b"executionReport")
POSITION, LIST_STATUS = tuple(b"outboundAccountPosition"), tuple(b"listStatus")


@kernel
def key_of(text: Any, first: int, end: int) -> int:
    """The field that the key text[first:end] (without quotes) stands for, 0 for one that nobody reads."""
    size = end - first
    if size == 1:
        a: Any = np.int64(text[first])
        return a if 65 <= a < 128 else 0
    if size == 2:
        if is_word(text, first, end, PU):
            return 8
        if is_word(text, first, end, AP):
            return 2
        return 4 if is_word(text, first, end, ID) else 0
    if size == 4:
        if is_word(text, first, end, BIDS):
            return 98
        if is_word(text, first, end, ASKS):
            return 97
        if is_word(text, first, end, DATA_KEY):
            return 7
        return 5 if is_word(text, first, end, CODE_KEY) else 0
    if size == 6:
        if is_word(text, first, end, STREAM_KEY):
            return 6
        return 3 if is_word(text, first, end, RESULT_KEY) else 0
    return 1 if is_word(text, first, end, LAST_UPDATE_ID) else 0


@kernel
def walk_object(text: Any, p: int, end: int, fields: Any, bids: Any, asks: Any, route: Any, skims: bool) -> int:
    """Behind the object whose brace stands at `p`; what its fields are stands in `fields` (4, 128), lists of levels in `bids` and `asks`.

    Where it `skims`, levels are walked over and not read.
    """
    fields[KIND, :] = 0
    p = skip_space(text, p + 1, end)
    if p >= end:
        return -TRUNCATED
    if text[p] == 125:
        return p + 1
    while True:
        first = p + 1
        p = skip_key(text, p, end)
        if p < 0:
            return p
        last = p - 2
        while text[last] != 34:
            last -= 1
        key = key_of(text, first, last)
        p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        byte = text[p]
        begins = p
        if byte == 91 and not skims and (key == 98 or key == 97):
            p = walk_levels(text, p, end, bids if key == 98 else asks, route, fields, key)
        else:
            p = skip_value(text, p, end)
        if p < 0:
            return p
        if key != 0:
            is_text = byte == 34
            fields[FIRST, key] = begins + 1 if is_text else begins
            fields[END, key] = p - 1 if is_text else p
            fields[KIND, key] = byte
        p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        if text[p] == 125:
            return p + 1
        if text[p] != 44:
            return -MALFORMED
        p = skip_space(text, p + 1, end)


@kernel
def walk_levels(text: Any, p: int, end: int, side: Any, route: Any, fields: Any, key: int) -> int:
    """Behind a list of [price, size, ...]; ticks and lots go to `side` (M, 2), their number to the key's field."""
    count = 0
    fields[HELD, key] = 0
    p = skip_space(text, p + 1, end)
    if p >= end:
        return -TRUNCATED
    if text[p] == 93:
        return p + 1
    while True:
        if text[p] != 91:
            q = skip_value(text, p, end)
            return q if q < 0 else -MISTYPED
        if count >= len(side):
            return -TOO_MANY
        p = skip_space(text, p + 1, end)
        p, ticks = take_steps(text, p, end, route.price.decimals, route.price.step, False)
        if p < 0:
            return p
        if ticks == 0:
            return -NEGATIVE
        p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        if text[p] != 44:
            return -MISSING if text[p] == 93 else -MALFORMED
        p = skip_space(text, p + 1, end)
        p, lots = take_steps(text, p, end, route.amount.decimals, route.amount.step, True)
        if p < 0:
            return p
        side[count, 0] = ticks
        side[count, 1] = lots
        count += 1
        p = skip_space(text, p, end)
        while p < end and text[p] == 44:  # fields behind the size, which old snapshots had
            p = skip_value(text, p + 1, end)
            if p < 0:
                return p
            p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        if text[p] != 93:
            return -MALFORMED
        p = skip_space(text, p + 1, end)
        if p >= end:
            return -TRUNCATED
        if text[p] == 93:
            fields[HELD, key] = count
            return p + 1
        if text[p] != 44:
            return -MALFORMED
        p = skip_space(text, p + 1, end)
        if p >= end:
            return -TRUNCATED


@kernel
def _depth(text: Any, fields: Any, row: Any, is_whole: int, received_ns: int) -> int:
    """The head of a book message; DEPTH, or minus the fault."""
    row.is_whole = is_whole
    row.received_ns = received_ns
    row.prior_id = -1
    row.exchange_ns = 0
    row.engine_ns = 0
    if fields[KIND, 97] != 91 or fields[KIND, 98] != 91:
        return -MISSING if fields[KIND, 97] == 0 or fields[KIND, 98] == 0 else -MISTYPED
    row.bids = fields[HELD, 98]
    row.asks = fields[HELD, 97]
    if fields[KIND, 69] != 0:  # E
        row.exchange_ns = time_of(text, fields, 69)
    if fields[KIND, 84] != 0:  # T
        row.engine_ns = time_of(text, fields, 84)
    if fields[KIND, LAST_UPDATE] != 0:
        row.last_id = number_of(text, fields, LAST_UPDATE)
        row.first_id = row.last_id
    else:
        row.last_id = number_of(text, fields, 117)  # u
        row.first_id = number_of(text, fields, 85)  # U
    if row.first_id > row.last_id and row.last_id >= 0:
        return -MALFORMED
    fault = worst(row.exchange_ns, row.engine_ns, row.last_id, row.first_id)
    if fault == 0 and fields[KIND, PRIOR] != 0:
        row.prior_id = number_of(text, fields, PRIOR)
        fault = min(row.prior_id, 0)
    return fault if fault < 0 else DEPTH


@kernel
def _trade(text: Any, fields: Any, row: Any, route: Any, is_sum: bool, received_ns: int) -> int:
    """A trade, or several of one taker at one price; TRADES, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, 69)
    row.traded_ns = time_of(text, fields, 84)
    row.first_id = number_of(text, fields, 102 if is_sum else 116)  # f, t
    row.last_id = number_of(text, fields, 108) if is_sum else row.first_id  # l
    fault = worst(row.exchange_ns, row.traded_ns, row.first_id, row.last_id)
    row.ticks = ticks_of(text, fields, 112, route)  # p
    row.lots = lots_of(text, fields, 113, route)  # q
    is_maker = flag_of(text, fields, 109)  # m: the buyer waited, so the taker sold
    row.side = -1 if is_maker == 1 else 1
    fault = worst(fault, row.ticks, row.lots, is_maker)
    return fault if fault < 0 else TRADES


@kernel
def _quote(text: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """Best bid and ask; QUOTE, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, 69) if fields[KIND, 69] != 0 else 0
    row.update_id = number_of(text, fields, 117)
    row.bid = ticks_of(text, fields, 98, route)
    row.bid_lots = lots_of(text, fields, 66, route)
    row.ask = ticks_of(text, fields, 97, route)
    row.ask_lots = lots_of(text, fields, 65, route)
    fault = worst(worst(row.exchange_ns, row.update_id, row.bid, row.bid_lots), row.ask, row.ask_lots, 0)
    return fault if fault < 0 else QUOTE


@kernel
def _bar(text: Any, outer: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """The venue's candle; VENUE_BARS, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, outer, 69)
    if fields[KIND, 105] != 34:  # i
        return -MISSING
    row.frame_ns = frame_length_of(text, fields[FIRST, 105], fields[END, 105])
    row.opened_ns = time_of(text, fields, 116)
    fault = worst(row.exchange_ns, row.frame_ns, row.opened_ns, 0)
    row.closed_ns = row.opened_ns + row.frame_ns
    row.open = ticks_of(text, fields, 111, route)
    row.high = ticks_of(text, fields, 104, route)
    row.low = ticks_of(text, fields, 108, route)
    row.close = ticks_of(text, fields, 99, route)
    fault = worst(fault, worst(row.open, row.high, row.low, row.close), 0, 0)
    row.volume = float_of(text, fields, 118)
    row.quote_volume = float_of(text, fields, 113)
    row.taker_volume = float_of(text, fields, 86)
    row.trades = number_of(text, fields, 110)
    row.is_closed = flag_of(text, fields, 120)
    fault = worst(fault, row.trades, row.is_closed, 0)
    if fault == 0 and not (row.volume >= 0.0 and row.quote_volume >= 0.0 and row.taker_volume >= 0.0):
        fault = -MISTYPED
    return fault if fault < 0 else VENUE_BARS


@kernel
def _mark(text: Any, fields: Any, row: Any, received_ns: int) -> int:
    """Mark price and funding; MARK, or minus the fault. A delivery contract has an empty rate, which is none."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, fields, 69)
    row.settles_ns = time_of(text, fields, 84)
    row.mark_price = float_of(text, fields, 112)
    row.index_price = float_of(text, fields, 105)
    rate = float_of(text, fields, 114)
    has_rate = fields[KIND, 114] != 0 and fields[END, 114] > fields[FIRST, 114]
    fault = worst(row.exchange_ns, row.settles_ns, 0, 0)
    if fault == 0 and (not row.mark_price > 0.0 or (fields[KIND, 105] != 0 and not row.index_price >= 0.0) or (has_rate and not abs(rate) < 1e6)):
        fault = -MISTYPED
    row.rate = int(np.rint(rate * 1e8)) if has_rate and fault == 0 else 0
    return fault if fault < 0 else MARK


@kernel
def _liquidation(text: Any, outer: Any, fields: Any, row: Any, route: Any, received_ns: int) -> int:
    """A forced order; LIQUIDATION, or minus the fault."""
    row.received_ns = received_ns
    row.exchange_ns = time_of(text, outer, 69)
    if fields[KIND, 83] != 34:  # S
        return -MISSING
    row.side = 1 if text[fields[FIRST, 83]] == 66 else -1
    row.ticks = ticks_of(text, fields, 112, route)
    row.lots = lots_of(text, fields, 113, route)
    row.filled = lots_of(text, fields, 122, route)  # z
    average = float_of(text, fields, AVERAGE)  # finer than a tick
    fault = worst(row.exchange_ns, row.ticks, row.lots, row.filled)
    if fault == 0 and not average > 0.0:
        fault = -MISTYPED
    row.average = average if fault == 0 else math.nan
    return fault if fault < 0 else LIQUIDATION


@kernel
def _event(text: Any, first: int, end: int) -> int:
    """The kind of message that an event's name says (a trade that sums up several as minus TRADES); 0 for one that nobody reads."""
    size = end - first
    if size == 5:
        if is_word(text, first, end, TRADE):
            return TRADES
        return VENUE_BARS if is_word(text, first, end, KLINE) else 0
    if size == 10:
        if is_word(text, first, end, BOOK_TICKER):
            return QUOTE
        if is_word(text, first, end, FORCE_ORDER):
            return LIQUIDATION
        return USER if is_word(text, first, end, LIST_STATUS) else 0
    if is_word(text, first, end, DEPTH_UPDATE):
        return DEPTH
    if is_word(text, first, end, AGGREGATE):
        return -TRADES
    if is_word(text, first, end, MARK_PRICE):
        return MARK
    is_order = is_word(text, first, end, ORDER_UPDATE) or is_word(text, first, end, EXECUTION)
    is_account = is_word(text, first, end, ACCOUNT_UPDATE) or is_word(text, first, end, POSITION)
    return USER if is_order or is_account else 0


@kernel
def _is_part_picture(text: Any, first: int, end: int) -> bool:
    """Whether a stream's name (btcusdt@depth20@100ms) is of the best levels only: what it sends is the whole picture of them."""
    p = first
    while p < end and text[p] != 64:
        p += 1
    return p + 6 < end and text[p + 1] == 100 and text[p + 5] == 104 and 48 <= text[p + 6] <= 57


@kernel
def scan(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """Read one frame text[:end] into `decoded`; its kind. Where something is wrong the kind is NOTHING, and `decoded.found` says what.

    `alone` is the instrument of a message that names none (a REST snapshot, a raw stream of the best levels), -1 where that would be a fault.
    """
    found = decoded.found[0]
    found.rows = 0
    found.fault = 0
    kind = _read(text, end, received_ns, symbols, routes, decoded, fields, inner, alone)
    if kind < 0:
        found.fault = -kind
        kind = NOTHING
    elif kind != NOTHING and kind != ACK and kind != USER:
        found.rows = 1
    found.kind = kind
    return kind


@kernel
def _read(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """The frame's kind, or minus the fault."""
    p = skip_space(text, 0, end)
    if p >= end:
        return -TRUNCATED
    if text[p] != 123:
        q = skip_value(text, p, end)
        if q < 0:
            return q
        return NOTHING if skip_space(text, q, end) == end else -MALFORMED
    place = alone
    stream_first, stream_end, tail = 0, 0, 0
    if end - p > 20 and is_word(text, p, p + 11, OPENING):  # {"stream":"NAME","data":{ to the letter, as the venue writes it
        q = skip_string(text, p + 10, end)
        if q < 0:
            return q
        if end - q > 9 and is_word(text, q, q + 9, DATA_OPENING):
            stream_first, stream_end = p + 11, q - 1
            p, tail = q + 8, 1
            place = _symbol_of_stream(text, stream_first, stream_end, symbols)
    if tail == 0 and alone < 0:  # a raw stream, or not written as the venue does
        q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[0], True)
        if q < 0:
            return q
        if skip_space(text, q, end) != end:
            return -MALFORMED
        if fields[KIND, DATA] == 123 and fields[KIND, STREAM] == 34:
            stream_first, stream_end = fields[FIRST, STREAM], fields[END, STREAM]
            p, tail, end = fields[FIRST, DATA], 2, fields[END, DATA]
            place = _symbol_of_stream(text, stream_first, stream_end, symbols)
    q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[max(place, 0)], place < 0)
    if q < 0:
        return q
    if place < 0 and fields[KIND, SYMBOL] == 34:
        place = place_of(symbols, text, fields[FIRST, SYMBOL], fields[END, SYMBOL])
        if place >= 0:
            q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[place], False)
            if q < 0:
                return q
    if tail == 1:
        q = skip_space(text, q, end)
        if q >= end:
            return -TRUNCATED
        if text[q] != 125:
            return -MALFORMED
        q += 1
    if skip_space(text, q, end) != end:
        return -MALFORMED
    return _told(text, received_ns, symbols, routes, decoded, fields, inner, place, stream_first, stream_end)


@kernel
def _told(
    text: Any, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, place: int, stream_first: int, stream_end: int
) -> int:
    """What the message whose fields were walked is, written to its row."""
    kind = 0
    if fields[KIND, EVENT] == 34:
        kind = _event(text, fields[FIRST, EVENT], fields[END, EVENT])
    elif fields[KIND, LAST_UPDATE] != 0:
        kind = DEPTH
    elif fields[KIND, 97] == 34 and fields[KIND, 65] == 34 and fields[KIND, 117] != 0:
        kind = QUOTE  # spot's, which has no event name
    elif fields[KIND, RESULT] != 0 or fields[KIND, IDENTITY] != 0 or fields[KIND, CODE] != 0:
        return ACK
    if kind == 0 or kind == USER:
        return kind
    is_nested = kind == VENUE_BARS or kind == LIQUIDATION
    if is_nested:
        key = 107 if kind == VENUE_BARS else 111  # k, o
        if fields[KIND, key] != 123:
            return -MISSING if fields[KIND, key] == 0 else -MISTYPED
        q = walk_object(text, fields[FIRST, key], fields[END, key], inner, decoded.bids, decoded.asks, routes[0], True)
        if q < 0:
            return q
    named = inner if kind == LIQUIDATION else fields
    if named[KIND, SYMBOL] == 34:
        says = place_of(symbols, text, named[FIRST, SYMBOL], named[END, SYMBOL])
        if place >= 0 and says != place:
            return -FOREIGN
        place = says
    if place < 0:
        return -FOREIGN
    route = routes[place]
    if kind == DEPTH:
        row = decoded.depth[0]
        row.instrument = place
        is_whole = 0
        if _is_part_picture(text, stream_first, stream_end):
            is_whole = 1
        elif fields[KIND, LAST_UPDATE] != 0:
            is_whole = 2 if stream_end == 0 else 1
        return _depth(text, fields, row, is_whole, received_ns)
    if kind == QUOTE:
        quote = decoded.quotes[0]
        quote.instrument = place
        return _quote(text, fields, quote, route, received_ns)
    if kind == TRADES or kind == -TRADES:
        trade = decoded.trades[0]
        trade.instrument = place
        return _trade(text, fields, trade, route, kind < 0, received_ns)
    if kind == VENUE_BARS:
        bar = decoded.bars[0]
        bar.instrument = place
        return _bar(text, fields, inner, bar, route, received_ns)
    if kind == MARK:
        mark = decoded.marks[0]
        mark.instrument = place
        return _mark(text, fields, mark, received_ns)
    forced = decoded.liquidations[0]
    forced.instrument = place
    return _liquidation(text, fields, inner, forced, route, received_ns)


@kernel
def _symbol_of_stream(text: Any, first: int, end: int, symbols: Any) -> int:
    """The instrument of a stream's name, which is its symbol up to the at sign; -1 where it is of none."""
    p = first
    while p < end and text[p] != 64:
        p += 1
    return place_of(symbols, text, first, p)
