"""The fills of traders who are followed, from Hyperliquid's user streams.

    {"channel":"userFills","data":{"user":"0x...","isSnapshot":true,"fills":[{"coin":"BTC","px","sz","side":"B","time":MS,"tid":1,"crossed":true,...}]}}
    {"channel":"user","data":{"fills":[...]}}       names no trader: it is the one whom the connection was opened for

Source: the venue's pages (Subscriptions, Info endpoint), 2026. Fills of coins that nobody asked for are left out, and so are those without a
trade (`tid` 0, the conversion of dust). A list that is marked a snapshot tells again what was told before: its rows are `is_old`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, MISSING, MISTYPED, TOO_MANY
from metastackerbandit.exchanges.hyperliquid.walk import (
    CHANNEL,
    COIN,
    CROSSED,
    DATA,
    FILLS,
    IS_SNAPSHOT,
    PRICE,
    SIZE,
    TIME,
    TRADE_ID,
    USER_KEY,
    side_of,
    walk_object,
)
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND, flag_of, is_word, lots_of, number_of, ticks_of, time_of, worst
from metastackerbandit.exchanges.json_object import first_item, next_item
from metastackerbandit.exchanges.json_scan import skip_space
from metastackerbandit.exchanges.symbols import Symbols, place_of, symbols_of

USER_FILLS, USER_EVENTS = tuple(b"userFills"), tuple(b"user")
ADDRESS = 42  # letters of an address, 0x and forty digits


def traders_of(addresses: Sequence[str]) -> Symbols:
    """The table of these addresses, in their order; capitals and small letters are the same."""
    return symbols_of(addresses, ADDRESS)


@kernel
def read_fills(
    text: Any, end: int, received_ns: int, symbols: Any, routes: Any, traders: Any, flows: Any, fields: Any, inner: Any, alone: int
) -> int:
    """The fills of a frame text[:end] that `scan` found to be USER, to `flows` (K,) FlowRow; their number, or minus the fault.

    `alone` is the trader of a message that names none, -1 where that would be a fault. Frames of the user's other channels have none.
    """
    p = skip_space(text, 0, end)
    if p >= end or text[p] != 123:
        return -MALFORMED
    p = walk_object(text, p, end, fields)
    if p < 0:
        return p
    if skip_space(text, p, end) != end:
        return -MALFORMED
    first, last = fields[FIRST, CHANNEL], fields[END, CHANNEL]
    is_fills = fields[KIND, CHANNEL] == 34 and is_word(text, first, last, USER_FILLS)
    if not is_fills and not (fields[KIND, CHANNEL] == 34 and is_word(text, first, last, USER_EVENTS)):
        return 0
    if fields[KIND, DATA] != 123:
        return -MISSING if fields[KIND, DATA] == 0 else -MISTYPED
    walk_object(text, fields[FIRST, DATA], fields[END, DATA], fields)
    if fields[KIND, FILLS] == 0 and not is_fills:
        return 0  # an event of another sort
    if fields[KIND, FILLS] != 91:
        return -MISSING if fields[KIND, FILLS] == 0 else -MISTYPED
    trader = alone
    if fields[KIND, USER_KEY] == 34:
        trader = place_of(traders, text, fields[FIRST, USER_KEY], fields[END, USER_KEY])
    if trader < 0:
        return -FOREIGN
    is_old = flag_of(text, fields, IS_SNAPSHOT) if fields[KIND, IS_SNAPSHOT] != 0 else 0
    if is_old < 0:
        return is_old
    return _listed(text, fields[FIRST, FILLS], fields[END, FILLS], received_ns, symbols, routes, flows, inner, trader, is_old)


@kernel
def _listed(text: Any, p: int, end: int, received_ns: int, symbols: Any, routes: Any, flows: Any, inner: Any, trader: int, is_old: int) -> int:
    """The fills of the list at `p`, one a row; their number, or minus the fault."""
    count = 0
    p = first_item(text, p, end)
    while p >= 0:
        if text[p] != 123:
            return -MISTYPED
        p = walk_object(text, p, end, inner)
        if inner[KIND, COIN] != 34:
            return -MISSING if inner[KIND, COIN] == 0 else -MISTYPED
        place = place_of(symbols, text, inner[FIRST, COIN], inner[END, COIN])
        trade_id = number_of(text, inner, TRADE_ID)
        if trade_id < 0:
            return trade_id
        if place >= 0 and trade_id > 0:
            if count == len(flows):
                return -TOO_MANY
            row = flows[count]
            row.instrument = place
            row.trader = trader
            row.trade_id = trade_id
            row.traded_ns = time_of(text, inner, TIME)
            row.received_ns = received_ns
            row.side = side_of(text, inner)
            row.ticks = ticks_of(text, inner, PRICE, routes[place])
            row.lots = lots_of(text, inner, SIZE, routes[place])
            row.is_taker = flag_of(text, inner, CROSSED)
            row.is_old = is_old
            fault = worst(row.traded_ns, row.ticks, row.lots, row.is_taker)
            if fault < 0:
                return fault
            if row.side == 0:
                return -MISTYPED
            count += 1
        p = next_item(text, p, end)
    return count
