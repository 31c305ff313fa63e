"""Messages of books in the JSON that Binance writes, and MEXC's REST after it: one pass over an object, levels straight into ticks and lots.

Keys may come in any order, unknown ones are walked over; of a key that stands twice the last one counts, as for any reader of JSON.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.exchanges.decoded import MALFORMED, MISSING, MISTYPED, NEGATIVE, TOO_MANY, TRUNCATED
from metastackerbandit.exchanges.json_fields import HELD, KIND
from metastackerbandit.exchanges.json_object import first_member, next_member, note, value_of_key
from metastackerbandit.exchanges.json_scan import skip_space, skip_value, take_steps
from metastackerbandit.exchanges.json_words import words

# Places of longer keys (json_fields), below those of one letter, which have their own byte.
LAST_UPDATE, AVERAGE, RESULT, IDENTITY, CODE, STREAM, DATA, PRIOR, WRAPPED = 1, 2, 3, 4, 5, 6, 7, 8, 9
BIDS, ASKS = ord("b"), ord("a")  # `bids` and `asks` too
COMMA, OPEN_LIST, CLOSE_LIST = 44, 91, 93

key_of = words(
    "key_of",
    "The field that the key text[first:end] (without quotes) stands for, 0 for one that nobody reads.",
    {
        b"pu": PRIOR,
        b"ap": AVERAGE,
        b"id": IDENTITY,
        b"bids": BIDS,
        b"asks": ASKS,
        b"data": DATA,
        b"code": CODE,
        b"event": WRAPPED,
        b"stream": STREAM,
        b"result": RESULT,
        b"lastUpdateId": LAST_UPDATE,
    },
    __name__,
    letters=True,
)


@kernel
def walk_object(text: Any, p: int, end: int, fields: Any, bids: Any, asks: Any, route: Any, skims: bool) -> int:
    """Behind the object whose brace stands at `p`; what its fields are stands in `fields` (4, 128), lists of levels in `bids` and `asks`.

    Where it `skims`, levels are walked over and not read.
    """
    fields[KIND, :] = 0
    p, is_done = first_member(text, p, end)
    while not is_done:
        first = p + 1
        begins, last = value_of_key(text, p, end)
        if begins < 0:
            return begins
        key = key_of(text, first, last)
        if text[begins] == OPEN_LIST and not skims and (key == BIDS or key == ASKS):
            p = walk_levels(text, begins, end, bids if key == BIDS else asks, route, fields, key)
        else:
            p = skip_value(text, begins, end)
        if p < 0:
            return p
        note(text, fields, key, begins, p)
        p, is_done = next_member(text, p, end)
    return p


@kernel
def walk_levels(text: Any, p: int, end: int, side: Any, route: Any, fields: Any, key: int) -> int:
    """Behind a list of [price, size, ...]; ticks and lots go to `side` (M, 2), their number to the key's field."""
    count = 0
    fields[HELD, key] = 0
    p = skip_space(text, p + 1, end)
    if p >= end:
        return -TRUNCATED
    if text[p] == CLOSE_LIST:
        return p + 1
    while True:
        if text[p] == OPEN_LIST and count >= len(side):
            return -TOO_MANY
        p, ticks, lots = take_level(text, p, end, route)
        if p < 0:
            return p
        side[count, 0] = ticks
        side[count, 1] = lots
        count += 1
        p = skip_space(text, p, end)
        if p >= end:
            return -TRUNCATED
        if text[p] == CLOSE_LIST:
            fields[HELD, key] = count
            return p + 1
        if text[p] != COMMA:
            return -MALFORMED
        p = skip_space(text, p + 1, end)
        if p >= end:
            return -TRUNCATED


@inlined
def take_level(text: Any, p: int, end: int, route: Any) -> tuple[int, int, int]:
    """The level that stands at `p` -> (the position behind it or minus the fault, its ticks, its lots); fields behind the size are walked over."""
    if text[p] != OPEN_LIST:
        q = skip_value(text, p, end)
        return (q if q < 0 else -MISTYPED), 0, 0
    p = skip_space(text, p + 1, end)
    p, ticks = take_steps(text, p, end, route.price.decimals, route.price.step, False)
    if p < 0:
        return p, 0, 0
    if ticks == 0:
        return -NEGATIVE, 0, 0
    p = skip_space(text, p, end)
    if p >= end:
        return -TRUNCATED, 0, 0
    if text[p] != COMMA:
        return (-MISSING if text[p] == CLOSE_LIST else -MALFORMED), 0, 0
    p = skip_space(text, p + 1, end)
    p, lots = take_steps(text, p, end, route.amount.decimals, route.amount.step, True)
    if p < 0:
        return p, 0, 0
    p = skip_space(text, p, end)
    while p < end and text[p] == COMMA:  # old snapshots had more
        p = skip_value(text, p + 1, end)
        if p < 0:
            return p, 0, 0
        p = skip_space(text, p, end)
    if p >= end:
        return -TRUNCATED, 0, 0
    return (p + 1 if text[p] == CLOSE_LIST else -MALFORMED), ticks, lots


@kernel
def sides_fault(fields: Any) -> int:
    """Minus the fault where bids or asks are absent or no list, else 0."""
    if fields[KIND, ASKS] == OPEN_LIST and fields[KIND, BIDS] == OPEN_LIST:
        return 0
    return -MISSING if fields[KIND, ASKS] == 0 or fields[KIND, BIDS] == 0 else -MISTYPED
