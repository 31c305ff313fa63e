"""Binance's market streams and depth snapshots (spot, USD-M, COIN-M), scanned from the bytes straight into rows.

Wire facts: Binance spot streams (2026-07), USD-M streams (2026-08), the COIN-M merge (fields `st`, `ps`). A message comes as it is, or in the
combined form {"stream":NAME,"data":MESSAGE}. Streams of all symbols (`!markPrice@arr`) send a list of messages: one row for each instrument that
was asked for, the others are walked over. User events are told apart here.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import ACK, DEPTH, LIQUIDATION, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.binance.messages import (
    ASK,
    ASK_SIZE,
    LAST_ID,
    TEXT,
    fill_bar,
    fill_depth,
    fill_liquidation,
    fill_mark,
    fill_quote,
    fill_trade,
)
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, MISSING, MISTYPED, TOO_MANY, TRUNCATED
from metastackerbandit.exchanges.json_book import CODE, DATA, IDENTITY, LAST_UPDATE, RESULT, STREAM, WRAPPED, walk_object
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND, is_word
from metastackerbandit.exchanges.json_object import first_item, next_item
from metastackerbandit.exchanges.json_scan import skip_space, skip_string, skip_value
from metastackerbandit.exchanges.json_words import words
from metastackerbandit.exchanges.symbols import place_of

OBJECT, LIST, CLOSE_OBJECT, AT = ord("{"), ord("["), ord("}"), ord("@")
EVENT, SYMBOL, CANDLE, ORDER = ord("e"), ord("s"), ord("k"), ord("o")
OPENING, DATA_OPENING = tuple(b'{"stream":"'), tuple(b',"data":{')

event_of = words(
    "event_of",
    "The kind of message that an event's name says (a trade that sums up several as minus TRADES); 0 for one that nobody reads.",
    {
        b"depthUpdate": DEPTH,
        b"trade": TRADES,
        b"aggTrade": -TRADES,
        b"bookTicker": QUOTE,
        b"kline": VENUE_BARS,
        b"markPriceUpdate": MARK,
        b"forceOrder": LIQUIDATION,
        **dict.fromkeys((b"executionReport", b"outboundAccountPosition", b"balanceUpdate", b"listStatus"), USER),
        **dict.fromkeys((b"externalLockUpdate", b"eventStreamTerminated", b"listenKeyExpired"), USER),
        **dict.fromkeys((b"ORDER_TRADE_UPDATE", b"TRADE_LITE", b"ACCOUNT_UPDATE", b"ACCOUNT_CONFIG_UPDATE", b"MARGIN_CALL"), USER),
    },
    __name__,
)


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
        found.rows = 0
        found.fault = -kind
        kind = NOTHING
    found.kind = kind
    return kind


@kernel
def _read(text: Any, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, fields: Any, inner: Any, alone: int) -> int:
    """The frame's kind, or minus the fault."""
    p = skip_space(text, 0, end)
    if p >= end:
        return -TRUNCATED
    if text[p] != OBJECT:
        return _listed(text, p, end, received_ns, symbols, routes, decoded, inner)
    place = alone
    stream_first, stream_end, closes = 0, 0, False
    if end - p > 20 and is_word(text, p, p + 11, OPENING):  # {"stream":"NAME","data":{ to the letter, as the venue writes it
        q = skip_string(text, p + 10, end)
        if q < 0:
            return q
        if end - q > 9 and is_word(text, q, q + 9, DATA_OPENING):
            stream_first, stream_end = p + 11, q - 1
            p, closes = q + 8, True
            place = _symbol_of_stream(text, stream_first, stream_end, symbols)
    if not closes and alone < 0:  # a raw stream, or not written as the venue does
        q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[0], True)
        if q < 0:
            return q
        if skip_space(text, q, end) != end:
            return -MALFORMED
        if fields[KIND, DATA] == LIST and fields[KIND, STREAM] == TEXT:
            return _listed(text, fields[FIRST, DATA], fields[END, DATA], received_ns, symbols, routes, decoded, inner)
        if fields[KIND, DATA] == OBJECT and fields[KIND, STREAM] == TEXT:
            stream_first, stream_end = fields[FIRST, STREAM], fields[END, STREAM]
            p, end = fields[FIRST, DATA], fields[END, DATA]
            place = _symbol_of_stream(text, stream_first, stream_end, symbols)
    q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[max(place, 0)], place < 0)
    if q < 0:
        return q
    if place < 0 and fields[KIND, SYMBOL] == TEXT:
        place = place_of(symbols, text, fields[FIRST, SYMBOL], fields[END, SYMBOL])
        if place >= 0:
            q = walk_object(text, p, end, fields, decoded.bids, decoded.asks, routes[place], False)
            if q < 0:
                return q
    if closes:
        q = skip_space(text, q, end)
        if q >= end:
            return -TRUNCATED
        if text[q] != CLOSE_OBJECT:
            return -MALFORMED
        q += 1
    if skip_space(text, q, end) != end:
        return -MALFORMED
    kind = _kind_of(text, fields)
    if kind == NOTHING or kind == ACK or kind == USER:
        return kind
    return _told(text, kind, received_ns, symbols, routes, decoded, fields, inner, place, stream_first, stream_end)


@kernel
def _listed(text: Any, p: int, end: int, received_ns: int, symbols: Any, routes: Any, decoded: Any, inner: Any) -> int:
    """What is no object: the mark prices of a list, one a row, or NOTHING; minus the fault."""
    q = skip_value(text, p, end)
    if q < 0:
        return q
    if skip_space(text, q, end) != end:
        return -MALFORMED
    count = 0
    p = first_item(text, p, end) if text[p] == LIST else -1
    while p >= 0:
        q = skip_value(text, p, end)
        if text[p] == OBJECT:
            walk_object(text, p, q, inner, decoded.bids, decoded.asks, routes[0], True)
            if inner[KIND, EVENT] == TEXT and event_of(text, inner[FIRST, EVENT], inner[END, EVENT]) == MARK:
                if inner[KIND, SYMBOL] != TEXT:
                    return -MISSING if inner[KIND, SYMBOL] == 0 else -MISTYPED
                place = place_of(symbols, text, inner[FIRST, SYMBOL], inner[END, SYMBOL])
                if place >= 0:
                    if count == len(decoded.marks):
                        return -TOO_MANY
                    decoded.marks[count].instrument = place
                    fault = fill_mark(text, inner, decoded.marks[count], received_ns)
                    if fault < 0:
                        return fault
                    count += 1
        p = next_item(text, q, end)
    decoded.found[0].rows = count
    return MARK if count > 0 else NOTHING


@kernel
def _kind_of(text: Any, fields: Any) -> int:
    """What the message is whose fields were walked."""
    if fields[KIND, EVENT] == TEXT:
        return event_of(text, fields[FIRST, EVENT], fields[END, EVENT])
    if fields[KIND, LAST_UPDATE] != 0:
        return DEPTH
    if fields[KIND, ASK] == TEXT and fields[KIND, ASK_SIZE] == TEXT and fields[KIND, LAST_ID] != 0:
        return QUOTE  # spot's, which has no event name
    if fields[KIND, WRAPPED] == OBJECT:
        return USER  # spot's, which stand in {"subscriptionId":0,"event":{...}}
    return ACK if fields[KIND, RESULT] != 0 or fields[KIND, IDENTITY] != 0 or fields[KIND, CODE] != 0 else NOTHING


@kernel
def _told(
    text: Any,
    kind: int,
    received_ns: int,
    symbols: Any,
    routes: Any,
    decoded: Any,
    fields: Any,
    inner: Any,
    place: int,
    stream_first: int,
    stream_end: int,
) -> int:
    """The message of this kind whose fields were walked, written to its row; its kind, or minus the fault."""
    if kind == VENUE_BARS or kind == LIQUIDATION:  # what they tell stands in an object of its own
        key = CANDLE if kind == VENUE_BARS else ORDER
        if fields[KIND, key] != OBJECT:
            return -MISSING if fields[KIND, key] == 0 else -MISTYPED
        q = walk_object(text, fields[FIRST, key], fields[END, key], inner, decoded.bids, decoded.asks, routes[0], True)
        if q < 0:
            return q
    named = inner if kind == LIQUIDATION else fields
    if named[KIND, SYMBOL] == TEXT:
        says = place_of(symbols, text, named[FIRST, SYMBOL], named[END, SYMBOL])
        if place >= 0 and says != place:
            return -FOREIGN
        place = says
    if place < 0:
        return -FOREIGN
    route = routes[place]
    decoded.found[0].rows = 1
    if kind == DEPTH:
        row = decoded.depth[0]
        row.instrument = place
        is_whole = 0
        if _is_part_picture(text, stream_first, stream_end):
            is_whole = 1
        elif fields[KIND, LAST_UPDATE] != 0:
            is_whole = 2 if stream_end == 0 else 1
        return fill_depth(text, fields, row, is_whole, received_ns)
    if kind == QUOTE:
        quote = decoded.quotes[0]
        quote.instrument = place
        return fill_quote(text, fields, quote, route, received_ns)
    if kind == TRADES or kind == -TRADES:
        trade = decoded.trades[0]
        trade.instrument = place
        return fill_trade(text, fields, trade, route, kind < 0, received_ns)
    if kind == VENUE_BARS:
        bar = decoded.bars[0]
        bar.instrument = place
        return fill_bar(text, fields, inner, bar, route, received_ns)
    if kind == MARK:
        mark = decoded.marks[0]
        mark.instrument = place
        return fill_mark(text, fields, mark, received_ns)
    forced = decoded.liquidations[0]
    forced.instrument = place
    return fill_liquidation(text, fields, inner, forced, route, received_ns)


@kernel
def _symbol_of_stream(text: Any, first: int, end: int, symbols: Any) -> int:
    """The instrument of a stream's name, which is its symbol up to the at sign; -1 where it is of none."""
    return place_of(symbols, text, first, _at_sign(text, first, end))


@kernel
def _is_part_picture(text: Any, first: int, end: int) -> bool:
    """Whether a stream's name (btcusdt@depth20@100ms) is of the best levels only: what it sends is the whole picture of them."""
    p = _at_sign(text, first, end)
    return p + 6 < end and text[p + 1] == 100 and text[p + 5] == 104 and 48 <= text[p + 6] <= 57  # d, h, a digit


@kernel
def _at_sign(text: Any, first: int, end: int) -> int:
    """Where the first at sign stands in text[first:end], else its end."""
    p = first
    while p < end and text[p] != AT:
        p += 1
    return p
