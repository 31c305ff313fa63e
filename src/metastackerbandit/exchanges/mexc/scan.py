"""MEXC's spot streams and depth snapshots, scanned from the bytes straight into rows.

What is pushed is binary, one PushDataV3ApiWrapper a frame; answers to requests and the REST snapshot are JSON. Neither can be taken for the
other: a message of proto3 begins with no brace and no bracket, which as tags would be groups.

    wrapper   1 channel, 3 symbol, 5 createTime, 6 sendTime (ms); the body is one of
    303       best levels: 1 asks, 2 bids {1 price, 2 quantity}, 3 eventType, 4 version, 5 lastOrderCreateTime
    308       candle: 1 interval, 2 windowStart (s), 3 open, 4 close, 5 high, 6 low, 7 volume, 8 amount, 9 windowEnd (s)
    313       changes: 1 asks, 2 bids, 3 eventType, 4 fromVersion, 5 toVersion, 6 lastOrderCreateTime
    314       trades: 1 deals {1 price, 2 quantity, 3 tradeType (1 bought, 2 sold), 4 time (ms), 5 tradeId}, 2 eventType
    315       best prices: 1 bidPrice, 2 bidQuantity, 3 askPrice, 4 askQuantity, 5 version, 6 lastOrderCreateTime

Source: the venue's .proto files of 2026-06-17. Versions are decimal text. A candle has no flag that says it is closed: it is when its start
moves on. Absent fields are empty or 0, as proto3 has it. A wrapper with two bodies, which no writer makes, is malformed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import ACK, DEPTH, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, MISSING, MISTYPED, NEGATIVE, TOO_LARGE, TOO_MANY, TRUNCATED
from metastackerbandit.exchanges.json_book import ASKS, BIDS, CODE, IDENTITY, LAST_UPDATE, sides_fault, walk_object
from metastackerbandit.exchanges.json_fields import END, FIRST, HELD, KIND, number_of, worst
from metastackerbandit.exchanges.json_scan import read_integer, skip_space, skip_value
from metastackerbandit.exchanges.json_words import words
from metastackerbandit.exchanges.mexc.decimals import read_amount, read_decimal
from metastackerbandit.exchanges.mexc.wire import MESSAGE, NUMBER, TEXT, read_length, read_tag, schema, skip_field, walk_message
from metastackerbandit.exchanges.symbols import place_of

BODY = 301  # the first of the wrapper's bodies
WRAPPER = schema({1: TEXT, 3: TEXT, 4: TEXT, 5: NUMBER, 6: NUMBER, **dict.fromkeys(range(BODY, BODY + 15), MESSAGE)}, BODY)
CHANGES = schema({1: MESSAGE, 2: MESSAGE, 3: TEXT, 4: TEXT, 5: TEXT, 6: NUMBER})
PICTURE = schema({1: MESSAGE, 2: MESSAGE, 3: TEXT, 4: TEXT, 5: NUMBER})
LEVEL = schema({1: TEXT, 2: TEXT})
DEALS = schema({1: MESSAGE, 2: TEXT})
DEAL = schema({1: TEXT, 2: TEXT, 3: NUMBER, 4: NUMBER, 5: TEXT})
TICKER = schema({1: TEXT, 2: TEXT, 3: TEXT, 4: TEXT, 5: TEXT, 6: NUMBER})
CANDLE = schema({1: TEXT, 2: NUMBER, 3: TEXT, 4: TEXT, 5: TEXT, 6: TEXT, 7: TEXT, 8: TEXT, 9: NUMBER})

_unit = words(
    "_unit",
    "The length in ns of a candle's unit text[first:end], 0 for one that has none.",
    {b"Min": MINUTE_NS, b"Hour": HOUR_NS, b"Day": DAY_NS, b"Week": 7 * DAY_NS},
    __name__,
)


@kernel
def scan(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """Read one frame text[:end] into `decoded`; its kind. Where something is wrong the kind is NOTHING, and `decoded.found` says what.

    `alone` is the instrument of a message that names none (a REST snapshot), -1 where that would be a fault.
    """
    found = decoded.found[0]
    found.rows = 0
    found.fault = 0
    if end > 0 and (text[0] == 123 or text[0] == 91):
        kind = _read_json(text, end, received_ns, routes, decoded, fields, alone)
    else:
        kind = _read(text, end, received_ns, symbols, routes, decoded, fields, inner, alone)
    if kind < 0:
        found.rows = 0
        found.fault = -kind
        kind = NOTHING
    elif kind != NOTHING and kind != ACK and kind != USER and kind != TRADES:
        found.rows = 1
    found.kind = kind
    return kind


@kernel
def _read_json(text: Any, end: int, received_ns: int, routes: Any, decoded: Any, fields: Any, alone: int) -> int:
    """What an answer to a request is: a snapshot, a word that something was heard, or NOTHING; minus the fault."""
    is_object = text[0] == 123
    if is_object:
        p = walk_object(text, 0, end, fields, decoded.bids, decoded.asks, routes[max(alone, 0)], alone < 0)
    else:
        p = skip_value(text, 0, end)
    if p < 0:
        return p
    if skip_space(text, p, end) != end:
        return -MALFORMED
    if not is_object:
        return NOTHING
    if fields[KIND, LAST_UPDATE] == 0:
        return ACK if fields[KIND, IDENTITY] != 0 or fields[KIND, CODE] != 0 else NOTHING
    if alone < 0:
        return -FOREIGN
    fault = sides_fault(fields)
    if fault < 0:
        return fault
    row = decoded.depth[0]
    row.instrument = alone
    row.is_whole = 2
    row.last_id = number_of(text, fields, LAST_UPDATE)
    row.first_id = row.last_id
    row.prior_id = -1
    row.exchange_ns = 0
    row.engine_ns = 0
    row.received_ns = received_ns
    row.bids = fields[HELD, BIDS]
    row.asks = fields[HELD, ASKS]
    return row.last_id if row.last_id < 0 else DEPTH


@kernel
def _read(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """The kind of a pushed frame, or minus the fault."""
    if end == 0:
        return -TRUNCATED
    p = walk_message(text, 0, end, WRAPPER, BODY, fields)
    if p < 0:
        return p
    body, bodies = 0, 0
    for slot in range(16, 31):
        bodies += fields[HELD, slot]
        if fields[HELD, slot] > 0:
            body = slot
    if bodies > 1:
        return -MALFORMED
    number = body + 285
    if number == 304 or number == 306 or number == 307:
        return USER
    is_read = number == 303 or number == 308 or number == 313 or number == 314 or number == 315
    if not is_read:
        return NOTHING
    place = _instrument(text, fields, symbols, 2 if number == 303 or number == 308 else 3)
    if place == -1:
        place = alone
    if place < 0:
        return -FOREIGN
    sent_ns = _stamp(fields, 6)
    made_ns = _stamp(fields, 5)
    fault = worst(sent_ns, made_ns, 0, 0)
    if fault < 0:
        return fault
    exchange_ns = sent_ns if sent_ns > 0 else made_ns
    first, last = fields[FIRST, body], fields[END, body]
    route = routes[place]
    if number == 303 or number == 313:
        depth = decoded.depth[0]
        depth.instrument = place
        depth.exchange_ns = exchange_ns
        depth.received_ns = received_ns
        return _depth(text, first, last, number == 303, depth, decoded, route, fields, inner)
    if number == 314:
        return _deals(text, first, last, place, exchange_ns, received_ns, decoded, route, fields, inner)
    if number == 315:
        quote = decoded.quotes[0]
        quote.instrument = place
        quote.exchange_ns = exchange_ns
        quote.received_ns = received_ns
        return _ticker(text, first, last, quote, route, fields)
    bar = decoded.bars[0]
    bar.instrument = place
    bar.exchange_ns = exchange_ns
    bar.received_ns = received_ns
    return _candle(text, first, last, bar, route, fields)


@kernel
def _instrument(text: Any, fields: Any, symbols: Any, part: int) -> int:
    """The instrument that the wrapper's symbol and its channel (part `part` between at signs, counted from 0) name; -1 where they name none, -2
    where it is nobody's, or they name two."""
    named = -1
    if fields[KIND, 1] != 0:
        first, end = fields[FIRST, 1], fields[END, 1]
        while first < end and part > 0:
            if text[first] == 64:
                part -= 1
            first += 1
        last = first
        while last < end and text[last] != 64:
            last += 1
        if part == 0 and last > first:
            named = place_of(symbols, text, first, last)
            if named < 0:
                named = -2
    if fields[KIND, 3] == 0 or fields[FIRST, 3] == fields[END, 3]:
        return named
    says = place_of(symbols, text, fields[FIRST, 3], fields[END, 3])
    return says if says >= 0 and (named == -1 or named == says) else -2


@kernel
def _stamp(fields: Any, slot: int) -> int:
    """A stamp of ms in ns, 0 where it is not told; minus the fault otherwise."""
    if fields[KIND, slot] == 0:
        return 0
    stamp = fields[FIRST, slot]
    if stamp < 0:
        return -NEGATIVE
    return stamp * 1_000_000 if stamp < 9_000_000_000_000 else -TOO_LARGE  # the year 2255


@kernel
def _is_told(fields: Any, slot: int) -> bool:
    """Whether a text stands there and is not empty."""
    told: bool = fields[KIND, slot] != 0 and fields[END, slot] > fields[FIRST, slot]
    return told


@kernel
def _ticks(text: Any, fields: Any, slot: int, route: Any) -> int:
    """A price's text in ticks; minus the fault where it is absent or none."""
    if not _is_told(fields, slot):
        return -MISSING
    return read_decimal(text, fields[FIRST, slot], fields[END, slot], route.price.decimals, route.price.step, False)


@kernel
def _lots(text: Any, fields: Any, slot: int, route: Any) -> int:
    """A size's text in lots, dust in whole ones; minus the fault where it is absent or none."""
    if not _is_told(fields, slot):
        return -MISSING
    return read_decimal(text, fields[FIRST, slot], fields[END, slot], route.amount.decimals, route.amount.step, True)


@kernel
def _version(text: Any, fields: Any, slot: int) -> int:
    """A version's text as a number; minus the fault where it is absent or none."""
    return read_integer(text, fields[FIRST, slot], fields[END, slot]) if _is_told(fields, slot) else -MISSING


@kernel
def _depth(text: Any, p: int, end: int, is_picture: bool, row: Any, decoded: Any, route: Any, fields: Any, inner: Any) -> int:
    """Changes of a book, or a picture of its best levels; DEPTH, or minus the fault."""
    schema_of = PICTURE if is_picture else CHANGES
    q = walk_message(text, p, end, schema_of, 16, fields)
    if q < 0:
        return q
    row.is_whole = 1 if is_picture else 0
    row.first_id = _version(text, fields, 4)
    row.last_id = row.first_id if is_picture else _version(text, fields, 5)
    row.prior_id = -1
    row.engine_ns = _stamp(fields, 5 if is_picture else 6)
    fault = worst(row.first_id, row.last_id, row.engine_ns, 0)
    if fault < 0:
        return fault
    if row.first_id > row.last_id:
        return -MALFORMED
    if fields[HELD, 1] > len(decoded.asks) or fields[HELD, 2] > len(decoded.bids):
        return -TOO_MANY
    bids, asks = 0, 0
    while p < end:
        p, number, wire = read_tag(text, p, end)
        if number != 1 and number != 2:
            p = skip_field(text, p, end, wire)
            continue
        first, p = read_length(text, p, end)
        ticks, lots = _level(text, first, p, route, inner)
        fault = worst(ticks, lots, 0, 0)
        if fault < 0:
            return fault
        if ticks == 0:
            return -NEGATIVE
        if number == 1:
            decoded.asks[asks, 0] = ticks
            decoded.asks[asks, 1] = lots
            asks += 1
        else:
            decoded.bids[bids, 0] = ticks
            decoded.bids[bids, 1] = lots
            bids += 1
    row.bids = bids
    row.asks = asks
    return DEPTH


@kernel
def _level(text: Any, p: int, end: int, route: Any, inner: Any) -> tuple[int, int]:
    """A level's ticks and lots; minus the fault where one of them is absent or none. As the venue writes it, price and size and nothing else, it is
    read at once; anything else is walked first."""
    if end - p > 4 and text[p] == 10 and text[p + 1] < 128:  # field 1, of so many bytes
        middle: Any = p + 2 + np.int64(text[p + 1])
        if middle + 2 < end and text[middle] == 18 and text[middle + 1] < 128 and middle + 2 + np.int64(text[middle + 1]) == end and middle > p + 2:
            ticks = read_decimal(text, p + 2, middle, route.price.decimals, route.price.step, False)
            return ticks, read_decimal(text, middle + 2, end, route.amount.decimals, route.amount.step, True)
    q = walk_message(text, p, end, LEVEL, 16, inner)
    if q < 0:
        return q, 0
    return _ticks(text, inner, 1, route), _lots(text, inner, 2, route)


@kernel
def _deals(text: Any, p: int, end: int, place: int, exchange_ns: int, received_ns: int, decoded: Any, route: Any, fields: Any, inner: Any) -> int:
    """Trades, one a row; TRADES, NOTHING where there is none, or minus the fault. Their ids are told since 2026-06 where they are whole numbers."""
    q = walk_message(text, p, end, DEALS, 16, fields)
    if q < 0:
        return q
    if fields[HELD, 1] > len(decoded.trades):
        return -TOO_MANY
    count = 0
    while p < end:
        p, number, wire = read_tag(text, p, end)
        if number != 1:
            p = skip_field(text, p, end, wire)
            continue
        first, p = read_length(text, p, end)
        q = walk_message(text, first, p, DEAL, 16, inner)
        if q < 0:
            return q
        row = decoded.trades[count]
        row.instrument = place
        row.exchange_ns = exchange_ns
        row.received_ns = received_ns
        row.traded_ns = _stamp(inner, 4)
        row.ticks = _ticks(text, inner, 1, route)
        row.lots = _lots(text, inner, 2, route)
        fault = worst(row.traded_ns, row.ticks, row.lots, 0)
        if fault < 0:
            return fault
        if row.traded_ns == 0:
            return -MISSING
        sort = inner[FIRST, 3] if inner[KIND, 3] != 0 else 0
        if sort < 0 or sort > 2:
            return -MISTYPED
        row.side = 1 if sort == 1 else -1 if sort == 2 else 0
        row.first_id = max(_version(text, inner, 5), -1)
        row.last_id = row.first_id
        count += 1
    decoded.found[0].rows = count
    return TRADES if count > 0 else NOTHING


@kernel
def _ticker(text: Any, p: int, end: int, row: Any, route: Any, fields: Any) -> int:
    """Best bid and ask; QUOTE, or minus the fault. A side of which neither price nor size is told is empty."""
    q = walk_message(text, p, end, TICKER, 16, fields)
    if q < 0:
        return q
    row.bid, row.bid_lots, row.ask, row.ask_lots = 0, 0, 0, 0
    if _is_told(fields, 1) or _is_told(fields, 2):
        row.bid, row.bid_lots = _ticks(text, fields, 1, route), _lots(text, fields, 2, route)
    if _is_told(fields, 3) or _is_told(fields, 4):
        row.ask, row.ask_lots = _ticks(text, fields, 3, route), _lots(text, fields, 4, route)
    row.update_id = _version(text, fields, 5) if _is_told(fields, 5) else -1
    fault = worst(row.bid, row.bid_lots, row.ask, row.ask_lots)
    if fault == 0 and row.update_id < -1:
        fault = row.update_id
    return fault if fault < 0 else QUOTE


@kernel
def _interval(text: Any, first: int, end: int) -> int:
    """The length of a candle such as Min15 in ns; minus the fault. A month has no length and is not read."""
    p = first
    while p < end and not 48 <= text[p] <= 57:
        p += 1
    count = read_integer(text, p, end)
    if count <= 0:
        return -MISTYPED
    length = _unit(text, first, p)
    if length == 0:
        return -MISTYPED
    return count * length if count <= 200_000_000_000_000_000 // length else -TOO_LARGE  # six years, so that its end fits 64 bits


@kernel
def _candle(text: Any, p: int, end: int, row: Any, route: Any, fields: Any) -> int:
    """The venue's candle, of which it does not say whether it is closed; VENUE_BARS, or minus the fault."""
    q = walk_message(text, p, end, CANDLE, 16, fields)
    if q < 0:
        return q
    row.frame_ns = _interval(text, fields[FIRST, 1], fields[END, 1]) if _is_told(fields, 1) else -MISSING
    seconds = fields[FIRST, 2] if fields[KIND, 2] != 0 else -MISSING
    row.open = _ticks(text, fields, 3, route)
    row.close = _ticks(text, fields, 4, route)
    row.high = _ticks(text, fields, 5, route)
    row.low = _ticks(text, fields, 6, route)
    fault = worst(row.frame_ns, -NEGATIVE if seconds < 0 and fields[KIND, 2] != 0 else seconds, 0, 0)
    fault = worst(fault, worst(row.open, row.high, row.low, row.close), 0, 0)
    if fault == 0 and seconds >= 9_000_000_000:
        fault = -TOO_LARGE
    row.opened_ns = seconds * 1_000_000_000 if fault == 0 else 0
    row.closed_ns = row.opened_ns + row.frame_ns
    row.volume = read_amount(text, fields[FIRST, 7], fields[END, 7]) if _is_told(fields, 7) else math.nan
    row.quote_volume = read_amount(text, fields[FIRST, 8], fields[END, 8]) if _is_told(fields, 8) else math.nan
    row.taker_volume = math.nan
    row.trades = -1
    row.first_id = -1
    row.last_id = -1
    row.is_closed = 0
    if fault == 0 and not (row.volume >= 0.0 and row.quote_volume >= 0.0):
        fault = -MISTYPED if _is_told(fields, 7) and _is_told(fields, 8) else -MISSING
    return fault if fault < 0 else VENUE_BARS
