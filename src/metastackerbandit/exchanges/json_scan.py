"""JSON as venues send it, walked by kernels: every byte is looked at once, nothing is built, and what a strict reader refuses is refused.

A walker takes the text (N,) uint8, a position and the end, and gives the position behind what it walked, or minus the fault
(exchanges.decoded). Strict as RFC 8259: no trailing commas, no leading zeros, no control characters, text must be UTF-8.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel

# Bytes, named: numba freezes them.
QUOTE, BACKSLASH, COMMA, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 34, 92, 44, 58, 91, 93, 123, 125
TRUNCATED, MALFORMED, MISTYPED, OFF_GRID, TOO_LARGE, NEGATIVE, TOO_DEEP, UNREADABLE = -1, -2, -4, -5, -6, -7, -9, -10
DEEPEST = 62  # levels of nesting, one bit each
MOST = 900_000_000_000_000_000  # one more digit still fits 64 bits


@kernel
def skip_space(text: Any, p: int, end: int) -> int:
    """Behind blanks, tabs and line ends."""
    while p < end and (text[p] == 32 or text[p] == 10 or text[p] == 13 or text[p] == 9):
        p += 1
    return p


@kernel
def skip_string(text: Any, p: int, end: int) -> int:
    """Behind the string whose opening quote stands at `p`."""
    p += 1
    while p < end:
        byte = text[p]
        if byte == 34:
            return p + 1
        if byte < 32:
            return MALFORMED
        if byte < 128 and byte != 92:
            p += 1
        elif byte == 92:
            p = _skip_escape(text, p, end)
            if p < 0:
                return p
        else:
            p = skip_wide(text, p, end)
            if p < 0:
                return p
    return TRUNCATED


@kernel
def _skip_escape(text: Any, p: int, end: int) -> int:
    """Behind the escape whose backslash stands at `p`."""
    if p + 1 >= end:
        return TRUNCATED
    what = text[p + 1]
    if what == 117:  # u
        for q in range(p + 2, p + 6):
            if q >= end:
                return TRUNCATED
            digit = text[q]
            if not ((48 <= digit <= 57) or (65 <= digit <= 70) or (97 <= digit <= 102)):
                return MALFORMED
        return p + 6
    if what == 34 or what == 92 or what == 47 or what == 98 or what == 102 or what == 110 or what == 114 or what == 116:
        return p + 2
    return MALFORMED


@kernel
def skip_wide(text: Any, p: int, end: int) -> int:
    """Behind one character of two to four bytes (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF)."""
    first = text[p]
    if first < 194 or first > 244:
        return UNREADABLE
    more = 1 if first < 224 else 2 if first < 240 else 3
    if p + more >= end:
        return TRUNCATED
    second = text[p + 1]
    least = 160 if first == 224 else 144 if first == 240 else 128
    most = 159 if first == 237 else 143 if first == 244 else 191
    if second < least or second > most:
        return UNREADABLE
    for q in range(p + 2, p + more + 1):
        if text[q] < 128 or text[q] > 191:
            return UNREADABLE
    return p + more + 1


@kernel
def _digits(text: Any, p: int, end: int) -> int:
    """Behind one digit or more."""
    if p >= end:
        return TRUNCATED
    if not 48 <= text[p] <= 57:
        return MALFORMED
    while p < end and 48 <= text[p] <= 57:
        p += 1
    return p


@kernel
def skip_number(text: Any, p: int, end: int) -> int:
    """Behind a number."""
    if p < end and text[p] == 45:
        p += 1
    if p < end and text[p] == 48:
        p += 1
    else:
        p = _digits(text, p, end)
    if p > 0 and p < end and text[p] == 46:
        p = _digits(text, p + 1, end)
    if p > 0 and p < end and (text[p] == 101 or text[p] == 69):
        p += 1
        if p < end and (text[p] == 43 or text[p] == 45):
            p += 1
        p = _digits(text, p, end)
    return p


@kernel
def _skip_word(text: Any, p: int, end: int) -> int:
    """Behind true, false or null."""
    first = text[p]
    size = 5 if first == 102 else 4
    if p + size > end:
        return TRUNCATED
    a, b, c = text[p + 1], text[p + 2], text[p + 3]
    if first == 116 and a == 114 and b == 117 and c == 101:
        return p + 4
    if first == 110 and a == 117 and b == 108 and c == 108:
        return p + 4
    if first == 102 and a == 97 and b == 108 and c == 115 and text[p + 4] == 101:
        return p + 5
    return MALFORMED


@kernel
def skip_scalar(text: Any, p: int, end: int) -> int:
    """Behind a string, a number, true, false or null."""
    if p >= end:
        return TRUNCATED
    byte = text[p]
    if byte == 34:
        return skip_string(text, p, end)
    if byte == 45 or 48 <= byte <= 57:
        return skip_number(text, p, end)
    if byte == 116 or byte == 102 or byte == 110:
        return _skip_word(text, p, end)
    return MALFORMED


@kernel
def skip_value(text: Any, p: int, end: int) -> int:
    """Behind any value, however nested. `kinds` has a bit for each open level: 1 object, 0 list."""
    kinds = 0
    depth = 0
    while True:
        # a value begins at p
        p = skip_space(text, p, end)
        if p >= end:
            return TRUNCATED
        byte = text[p]
        if byte == 123 or byte == 91:
            if depth >= DEEPEST:
                return TOO_DEEP
            is_object = 1 if byte == 123 else 0
            p = skip_space(text, p + 1, end)
            if p >= end:
                return TRUNCATED
            if text[p] != (125 if is_object else 93):
                kinds = kinds << 1 | is_object
                depth += 1
                if is_object:
                    p = skip_key(text, p, end)
                    if p < 0:
                        return p
                continue
            p += 1
        else:
            p = skip_scalar(text, p, end)
            if p < 0:
                return p
        # a value ended before p: close what it ended, or go on to the next one
        while True:
            if depth == 0:
                return p
            p = skip_space(text, p, end)
            if p >= end:
                return TRUNCATED
            byte = text[p]
            if byte == 44:
                p = skip_space(text, p + 1, end)
                if kinds & 1:
                    p = skip_key(text, p, end)
                    if p < 0:
                        return p
                break
            if byte != (125 if kinds & 1 else 93):
                return MALFORMED
            kinds >>= 1
            depth -= 1
            p += 1


@kernel
def skip_key(text: Any, p: int, end: int) -> int:
    """Behind a key and its colon; the key's opening quote must stand at `p`."""
    if p >= end:
        return TRUNCATED
    if text[p] != 34:
        return MALFORMED
    p = skip_string(text, p, end)
    if p < 0:
        return p
    p = skip_space(text, p, end)
    if p >= end:
        return TRUNCATED
    return p + 1 if text[p] == 58 else MALFORMED


@kernel
def read_integer(text: Any, first: int, end: int) -> int:
    """The whole number that fills text[first:end], 0 or more; minus the fault otherwise."""
    if first >= end:
        return MISTYPED
    if text[first] == 45:
        return NEGATIVE
    value: Any = np.int64(0)
    for p in range(first, end):
        if text[p] < 48 or text[p] > 57:
            return MISTYPED
        if value > MOST:
            return TOO_LARGE
        value = value * 10 + (np.int64(text[p]) - 48)
    return value


@kernel
def read_steps(text: Any, first: int, end: int, decimals: int, step: int, rounds: bool) -> int:
    """The plain decimal that fills text[first:end] in whole steps (exchanges.decoded.Steps); minus the fault otherwise.

    What is finer than a step is OFF_GRID, or, where it `rounds`, left out, but for an amount smaller than one step, which counts as one.
    """
    if first >= end:
        return MISTYPED
    if text[first] == 45:
        return NEGATIVE
    value: Any = np.int64(0)
    p = first
    while p < end and text[p] != 46:
        if text[p] < 48 or text[p] > 57:
            return MISTYPED
        if value > MOST:
            return TOO_LARGE
        value = value * 10 + (np.int64(text[p]) - 48)
        p += 1
    if p == first or p + 1 == end:
        return MISTYPED
    left = decimals
    finer = False
    p += 1
    while p < end:
        if text[p] < 48 or text[p] > 57:
            return MISTYPED
        if left > 0:
            if value > MOST:
                return TOO_LARGE
            value = value * 10 + (np.int64(text[p]) - 48)
            left -= 1
        elif text[p] != 48:
            finer = True
        p += 1
    while left > 0:
        if value > MOST:
            return TOO_LARGE
        value *= 10
        left -= 1
    if step != 1:
        finer = finer or value % step != 0
        value //= step
    if not finer:
        return value
    least: Any = max(value, 1)
    return least if rounds else OFF_GRID


@kernel
def take_steps(text: Any, p: int, end: int, decimals: int, step: int, rounds: bool) -> tuple[int, int]:
    """The decimal that stands at `p`, as text or as a number -> (the position behind it or minus the fault, its whole steps as read_steps has them).

    One pass over what venues write, digits with at most one point between quotes; anything else is walked first and then read.
    """
    first = p + 1
    if p < end and text[p] == 34:
        value: Any = np.int64(0)
        left: Any = np.int64(-1)  # decimals to come, -1 before the point
        q = first
        while q < end and q - first < 18:
            digit = np.int64(text[q]) - 48
            if 0 <= digit <= 9:
                if left != 0:
                    value = value * 10 + digit
                    left -= 1 if left > 0 else 0
                elif digit != 0:
                    break
            elif digit == -2 and left < 0 and q > first:  # the point
                left = np.int64(decimals)
            else:
                break
            q += 1
        if q < end and text[q] == 34 and q > first and text[q - 1] != 46:
            for _ in range(decimals if left < 0 else left):
                value = value * 10 if value <= MOST // 10 else np.int64(MOST)
            if value < MOST:
                if step == 1:
                    return q + 1, value
                if value % step == 0:
                    return q + 1, value // step
    q = skip_value(text, p, end)
    if q < 0:
        return q, 0
    is_text = 1 if text[p] == 34 else 0
    steps = read_steps(text, p + is_text, q - is_text, decimals, step, rounds)
    return (steps, 0) if steps < 0 else (q, steps)


@kernel
def read_float(text: Any, first: int, end: int) -> float:
    """The plain decimal of either sign that fills text[first:end]; NaN where it is none.

    The nearest float while its digits without trailing zeros make a number below 2**53, within two units in the last place beyond.
    """
    p = first
    sign = 1.0
    if p < end and text[p] == 45:
        sign = -1.0
        p += 1
    value: Any = np.int64(0)
    whole, scale, zeros, seen = 1.0, 0, 0, 0
    point = False
    while p < end:
        if text[p] == 46 and not point and seen > 0:
            point = True
        elif 48 <= text[p] <= 57:
            seen += 1
            if text[p] == 48 and point:
                zeros += 1  # counts once another digit follows
            else:
                has_room: Any = True
                for _ in range(zeros + 1):
                    has_room = value <= MOST // 10
                    if has_room:
                        value *= 10
                        scale += 1 if point else 0
                    elif not point:
                        whole *= 10.0
                if has_room:
                    value += np.int64(text[p]) - 48
                zeros = 0
        else:
            return math.nan
        p += 1
    if seen == 0 or text[end - 1] == 46:
        return math.nan
    power = 1.0
    for _ in range(scale):
        power *= 10.0
    return sign * (value / power * whole)
