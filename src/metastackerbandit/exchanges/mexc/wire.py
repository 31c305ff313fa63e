"""Protobuf's wire format (proto3), walked by kernels: each byte is looked at once or twice, nothing is built, nothing recurses.

A walker takes the text (N,) uint8, a position and the end, and gives the position behind what it walked, or minus the fault
(exchanges.decoded). Fields that nobody reads are walked over; of a field that stands twice the last one counts. Groups, which proto3 does not
have, are malformed, so messages nest only where a caller walks into one. Varints may be padded up to ten bytes, as every reader allows.

Source: protobuf's encoding page; a tag is number << 3 | wire type, types 0 varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.exchanges.json_fields import END, FIRST, HELD, KIND
from metastackerbandit.exchanges.json_scan import MALFORMED, MISTYPED, TOO_LARGE, TRUNCATED, UNREADABLE, skip_wide

# What a message's field is, as a schema says it.
UNKNOWN, NUMBER, TEXT, MESSAGE = 0, 1, 2, 3
SLOTS = 32  # places of a message's fields: numbers 1 to 15 at their own, sixteen more from the schema's `base` on


def schema(kinds: Mapping[int, int], base: int = 16) -> tuple[int, ...]:
    """What each slot is: `kinds` by field number; ValueError where a number has no slot."""
    made = [UNKNOWN] * SLOTS
    for number, kind in kinds.items():
        slot = number if 0 < number < 16 else number - base + 16 if base <= number < base + 16 else 0
        if slot == 0:
            raise ValueError(f"field {number} is neither below 16 nor from {base} to {base + 15}")
        made[slot] = kind
    return tuple(made)


@kernel
def read_varint(text: Any, p: int, end: int) -> tuple[int, int]:
    """The varint at `p` -> (the position behind it or minus the fault, its 64 bits as a signed number)."""
    value: Any = np.int64(0)
    for n in range(10):
        if p >= end:
            return TRUNCATED, 0
        byte = np.int64(text[p])
        p += 1
        if n == 9 and byte > 1:
            return TOO_LARGE if byte < 128 else MALFORMED, 0
        value |= (byte & 127) << np.int64(7 * n)
        if byte < 128:
            return p, value
    return MALFORMED, 0


@kernel
def read_length(text: Any, p: int, end: int) -> tuple[int, int]:
    """Where the bytes whose length stands at `p` begin and end; the first is minus the fault where they reach beyond the end."""
    p, length = read_varint(text, p, end)
    if p < 0:
        return p, 0
    if length < 0 or length > end - p:
        return TRUNCATED, 0
    return p, p + length


@kernel
def read_tag(text: Any, p: int, end: int) -> tuple[int, int, int]:
    """The tag at `p` -> (the position behind it or minus the fault, the field's number, its wire type 0, 1, 2 or 5)."""
    p, tag = read_varint(text, p, end)
    if p < 0:
        return p, 0, 0
    number, wire = tag >> 3, tag & 7
    if number < 1 or number > 536_870_911 or wire == 3 or wire == 4 or wire > 5:
        return MALFORMED, 0, 0
    return p, number, wire


@kernel
def skip_field(text: Any, p: int, end: int, wire: int) -> int:
    """Behind the value of a field of this wire type, which stands at `p`."""
    if wire == 0:
        p, _ = read_varint(text, p, end)
        return p
    if wire == 2:
        first, last = read_length(text, p, end)
        return first if first < 0 else last
    p += 8 if wire == 1 else 4
    return p if p <= end else TRUNCATED


@kernel
def is_utf8(text: Any, p: int, end: int) -> bool:
    """Whether text[p:end] is UTF-8, which proto3 asks of every text."""
    while p < end:
        if text[p] < 128:
            p += 1
        else:
            p = skip_wide(text, p, end)
            if p < 0:
                return False
    return True


@kernel
def walk_message(text: Any, p: int, end: int, kinds: Any, base: int, fields: Any) -> int:
    """Behind the message text[p:end]; what its fields are stands in the first 32 columns of `fields` (json_fields), by slot of the schema `kinds`.

    Of a number the first row is its value, of texts and messages the first two are where they begin and end; KIND is what it is, 0 where it is
    absent, HELD how often it stood there.
    """
    for slot in range(32):
        fields[KIND, slot] = 0
        fields[HELD, slot] = 0
    while p < end:
        p, number, wire = read_tag(text, p, end)
        if p < 0:
            return p
        slot = number if number < 16 else number - base + 16 if base <= number < base + 16 else 0
        kind = kinds[slot]
        if kind == 0:
            p = skip_field(text, p, end, wire)
            if p < 0:
                return p
            continue
        if wire != (0 if kind == 1 else 2):
            return MISTYPED
        if kind == 1:
            p, value = read_varint(text, p, end)
            if p < 0:
                return p
            fields[FIRST, slot] = value
        else:
            first, p = read_length(text, p, end)
            if first < 0:
                return first
            if kind == 2 and not is_utf8(text, first, p):
                return UNREADABLE
            fields[FIRST, slot] = first
            fields[END, slot] = p
        fields[KIND, slot] = kind
        fields[HELD, slot] += 1
    return p
