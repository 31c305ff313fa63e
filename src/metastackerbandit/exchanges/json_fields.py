"""The fields of a JSON message as scanners note them while they walk it, read to numbers by kernels.

`fields` (4, 128) has a column a key: where its value's text begins and ends (strings without their quotes), the value's first byte (0: the key
is absent), and how many levels or rows a list held. Each reader gives the number, or minus the fault (exchanges.decoded).
"""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS
from metastackerbandit.exchanges.decoded import MISSING, MISTYPED, TOO_LARGE
from metastackerbandit.exchanges.json_scan import read_float, read_integer, read_steps
from metastackerbandit.exchanges.json_words import words

KEYS = 128  # places of a message's fields: a one-letter key's own byte, longer ones where a scanner says
FIRST, END, KIND, HELD = 0, 1, 2, 3
NEW_FIELDS = (4, KEYS)


@kernel
def is_word(text: Any, first: int, end: int, word: Any) -> bool:
    """Whether text[first:end] is the word (a tuple of its bytes) to the letter."""
    if end - first != len(word):
        return False
    for n in range(len(word)):  # noqa: SIM110 - kernels have no generators
        if text[first + n] != word[n]:
            return False
    return True


@kernel
def number_of(text: Any, fields: Any, key: int) -> int:
    """A whole number's field; minus the fault where it is absent or none."""
    kind = fields[KIND, key]
    if kind == 0:
        return -MISSING
    if kind == 34:
        return -MISTYPED
    return read_integer(text, fields[FIRST, key], fields[END, key])


@kernel
def id_of(text: Any, fields: Any, key: int) -> int:
    """A number's field that may say -1 for none, as an absent one is; minus the fault otherwise, which is never 1."""
    if fields[KIND, key] == 0:
        return -1
    first = fields[FIRST, key]
    if fields[KIND, key] == 45 and fields[END, key] - first == 2 and text[first + 1] == 49:  # -1
        return -1
    return number_of(text, fields, key)


@kernel
def ticks_of(text: Any, fields: Any, key: int, route: Any) -> int:
    """A price's field in ticks; minus the fault where it is absent or none."""
    kind = fields[KIND, key]
    if kind != 34:
        return -MISSING if kind == 0 else -MISTYPED
    return read_steps(text, fields[FIRST, key], fields[END, key], route.price.decimals, route.price.step, False)


@kernel
def lots_of(text: Any, fields: Any, key: int, route: Any) -> int:
    """A size's field in lots, dust in whole ones; minus the fault where it is absent or none."""
    kind = fields[KIND, key]
    if kind != 34:
        return -MISSING if kind == 0 else -MISTYPED
    return read_steps(text, fields[FIRST, key], fields[END, key], route.amount.decimals, route.amount.step, True)


@kernel
def float_of(text: Any, fields: Any, key: int) -> float:
    """A decimal text's field as a float; NaN where it is absent or none."""
    if fields[KIND, key] != 34:
        return math.nan
    return read_float(text, fields[FIRST, key], fields[END, key])


@kernel
def time_of(text: Any, fields: Any, key: int) -> int:
    """A stamp's field in ns: the venue sends ms, and us where it was asked to; minus the fault where it is absent or none."""
    stamp = number_of(text, fields, key)
    return stamp if stamp < 0 else nanoseconds(stamp)


@kernel
def nanoseconds(stamp: int) -> int:
    """A stamp of ms or us, 0 or more, in ns; minus the fault where it is neither."""
    if stamp < 9_000_000_000_000:  # the year 2255
        return stamp * 1_000_000
    if 100_000_000_000_000 <= stamp < 9_000_000_000_000_000:  # from 1973 on
        return stamp * 1_000
    return -TOO_LARGE


@kernel
def flag_of(text: Any, fields: Any, key: int) -> int:
    """1 for true, 0 for false; minus the fault where it is neither."""
    kind = fields[KIND, key]
    if kind == 0:
        return -MISSING
    if kind == 116:
        return 1
    return 0 if kind == 102 else -MISTYPED


@kernel
def worst(a: int, b: int, c: int, d: int) -> int:
    """The first fault among values that are faults where they are negative, else 0."""
    if a < 0:
        return a
    if b < 0:
        return b
    if c < 0:
        return c
    return d if d < 0 else 0


unit_of = words(
    "unit_of",
    "The length in ns of a candle's unit text[first:end], 0 for one that has none.",
    {b"s": SECOND_NS, b"m": MINUTE_NS, b"h": HOUR_NS, b"d": DAY_NS, b"w": 7 * DAY_NS},
    __name__,
)


@kernel
def frame_length_of(text: Any, first: int, end: int) -> int:
    """The length of a candle such as 5m in ns; minus the fault. A month has no length and is not read."""
    count = read_integer(text, first, end - 1)
    if count <= 0:
        return -MISTYPED
    length = unit_of(text, end - 1, end)
    if length == 0:
        return -MISTYPED
    return count * length if count <= 200_000_000_000_000_000 // length else -TOO_LARGE  # six years, so that its end fits 64 bits
