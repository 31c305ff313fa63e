"""Hyperliquid's objects of JSON: their keys, and where the values stand."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.decoded import FOREIGN, MISTYPED
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND
from metastackerbandit.exchanges.json_object import first_member, next_member, note, value_of_key
from metastackerbandit.exchanges.json_scan import skip_value
from metastackerbandit.exchanges.json_words import words
from metastackerbandit.exchanges.symbols import place_of

# Places of longer keys (json_fields), below those of one letter, which have their own byte.
CHANNEL, DATA, COIN, TIME, LEVELS, PRICE, SIZE, SIDE, TRADE_ID, BBO = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
CONTEXT, MARK_PRICE, ORACLE, FUNDING, USER_KEY, FILLS, IS_SNAPSHOT, CROSSED = 11, 12, 13, 14, 15, 16, 17, 18

key_of = words(
    "key_of",
    "The field that the key text[first:end] (without quotes) stands for, 0 for one that nobody reads.",
    {
        b"px": PRICE,
        b"sz": SIZE,
        b"tid": TRADE_ID,
        b"bbo": BBO,
        b"ctx": CONTEXT,
        b"data": DATA,
        b"coin": COIN,
        b"time": TIME,
        b"side": SIDE,
        b"user": USER_KEY,
        b"fills": FILLS,
        b"levels": LEVELS,
        b"markPx": MARK_PRICE,
        b"channel": CHANNEL,
        b"funding": FUNDING,
        b"crossed": CROSSED,
        b"oraclePx": ORACLE,
        b"isSnapshot": IS_SNAPSHOT,
    },
    __name__,
    letters=True,
)


@kernel
def walk_object(text: Any, p: int, end: int, fields: Any) -> int:
    """Behind the object whose brace stands at `p`, or minus the fault; what its fields are stands in `fields` (4, 128)."""
    fields[KIND, :] = 0
    p, is_done = first_member(text, p, end)
    while not is_done:
        first = p + 1
        begins, last = value_of_key(text, p, end)
        if begins < 0:
            return begins
        p = skip_value(text, begins, end)
        if p < 0:
            return p
        note(text, fields, key_of(text, first, last), begins, p)
        p, is_done = next_member(text, p, end)
    return p


@kernel
def coin_of(text: Any, fields: Any, key: int, symbols: Any, alone: int) -> int:
    """The instrument that a coin's field names, `alone` where it names none; minus the fault where it is nobody's, or not the one asked for."""
    kind = fields[KIND, key]
    if kind == 0:
        return alone if alone >= 0 else -FOREIGN
    if kind != 34:
        return -MISTYPED
    place = place_of(symbols, text, fields[FIRST, key], fields[END, key])
    return -FOREIGN if place < 0 or 0 <= alone != place else place


@kernel
def side_of(text: Any, fields: Any) -> int:
    """1 for B (bought), -1 for A (sold), 0 for anything else, or nothing."""
    if fields[KIND, SIDE] != 34 or fields[END, SIDE] - fields[FIRST, SIDE] != 1:
        return 0
    letter = text[fields[FIRST, SIDE]]
    return 1 if letter == 66 else -1 if letter == 65 else 0
