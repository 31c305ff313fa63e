"""Hyperliquid's JSON, one object at a time: its keys and where their values stand, and the items of a list that was walked before."""

from __future__ import annotations

from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.decoded import FOREIGN, MALFORMED, MISTYPED, TRUNCATED
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND, is_word
from metastackerbandit.exchanges.json_scan import skip_key, skip_space, skip_value
from metastackerbandit.exchanges.symbols import place_of

# Places of longer keys (json_fields), below those of one letter, which have their own byte.
CHANNEL, DATA, COIN, TIME, LEVELS, PRICE, SIZE, SIDE, TRADE_ID, BBO = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
CONTEXT, MARK_PRICE, ORACLE, FUNDING, USER_KEY, FILLS, IS_SNAPSHOT, CROSSED = 11, 12, 13, 14, 15, 16, 17, 18

PX, SZ, TID, BBO_KEY, CTX, DATA_KEY = tuple(b"px"), tuple(b"sz"), tuple(b"tid"), tuple(b"bbo"), tuple(b"ctx"), tuple(b"data")
COIN_KEY, TIME_KEY, SIDE_KEY, USER_WORD, FILLS_KEY = tuple(b"coin"), tuple(b"time"), tuple(b"side"), tuple(b"user"), tuple(b"fills")
LEVELS_KEY, MARK_PX, CHANNEL_KEY, FUNDING_KEY = tuple(b"levels"), tuple(b"markPx"), tuple(b"channel"), tuple(b"funding")
CROSSED_KEY, ORACLE_PX, SNAPSHOT_KEY = tuple(b"crossed"), tuple(b"oraclePx"), tuple(b"isSnapshot")


@kernel
def key_of(text: Any, first: int, end: int) -> int:
    """The field that the key text[first:end] (without quotes) stands for, 0 for one that nobody reads."""
    size = end - first
    if size == 1:
        a: Any = np.int64(text[first])
        return a if 65 <= a < 128 else 0
    if size == 2:
        if is_word(text, first, end, PX):
            return 6
        return 7 if is_word(text, first, end, SZ) else 0
    if size == 3:
        if is_word(text, first, end, TID):
            return 9
        if is_word(text, first, end, BBO_KEY):
            return 10
        return 11 if is_word(text, first, end, CTX) else 0
    if size == 4:
        if is_word(text, first, end, DATA_KEY):
            return 2
        if is_word(text, first, end, COIN_KEY):
            return 3
        if is_word(text, first, end, TIME_KEY):
            return 4
        if is_word(text, first, end, SIDE_KEY):
            return 8
        return 15 if is_word(text, first, end, USER_WORD) else 0
    if size == 7:
        if is_word(text, first, end, CHANNEL_KEY):
            return 1
        if is_word(text, first, end, FUNDING_KEY):
            return 14
        return 18 if is_word(text, first, end, CROSSED_KEY) else 0
    if is_word(text, first, end, LEVELS_KEY):
        return 5
    if is_word(text, first, end, MARK_PX):
        return 12
    if is_word(text, first, end, ORACLE_PX):
        return 13
    if is_word(text, first, end, FILLS_KEY):
        return 16
    return 17 if is_word(text, first, end, SNAPSHOT_KEY) else 0


@kernel
def walk_object(text: Any, p: int, end: int, fields: Any) -> int:
    """Behind the object whose brace stands at `p`, or minus the fault; what its fields are stands in `fields` (4, 128)."""
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
        begins = skip_space(text, p, end)
        p = skip_value(text, begins, end)
        if p < 0:
            return p
        if key != 0:
            is_text = text[begins] == 34
            fields[FIRST, key] = begins + 1 if is_text else begins
            fields[END, key] = p - 1 if is_text else p
            fields[KIND, key] = text[begins]
        p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        if text[p] == 125:
            return p + 1
        if text[p] != 44:
            return -MALFORMED
        p = skip_space(text, p + 1, end)


@kernel
def first_item(text: Any, p: int, end: int) -> int:
    """Where the first item of the list whose bracket stands at `p` begins, -1 where it is empty; the list was walked before."""
    p = skip_space(text, p + 1, end)
    return -1 if text[p] == 93 else p


@kernel
def next_item(text: Any, p: int, end: int) -> int:
    """Where the item behind the one that ends at `p` begins, -1 where it was the last; the list was walked before."""
    p = skip_space(text, p, end)
    return skip_space(text, p + 1, end) if text[p] == 44 else -1


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
