"""Which instrument a venue's symbol is, found by kernels: a table of hashes with the names beside them, so that nothing is mistaken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.kernel import kernel

LONGEST = 32  # bytes of a symbol
NOBODY = -1


class Symbols(NamedTuple):
    """The table: `slots` (T,) places of instruments or -1, `names` (S, N) upper-case bytes, `lengths` (S,)."""

    slots: Any
    names: Any
    lengths: Any


@kernel
def _upper(byte: Any) -> Any:
    """An ASCII letter's capital; other bytes as they are."""
    return byte - 32 if 97 <= byte <= 122 else byte


@kernel
def hash_of(text: Any, first: int, end: int) -> int:
    """FNV-1a of text[first:end], capitals and small letters alike, folded to 31 bits."""
    value = 2166136261
    for p in range(first, end):
        value = ((value ^ _upper(np.int64(text[p]))) * 16777619) & 4294967295
    return (value ^ value >> 15) & 2147483647


@kernel
def place_of(symbols: Any, text: Any, first: int, end: int) -> int:
    """The instrument whose symbol stands at text[first:end], or -1."""
    size = end - first
    slot = hash_of(text, first, end) % len(symbols.slots)
    while symbols.slots[slot] >= 0:
        place = symbols.slots[slot]
        if symbols.lengths[place] == size:
            p = 0
            while p < size and symbols.names[place, p] == _upper(np.int64(text[first + p])):
                p += 1
            if p == size:
                return place
        slot = (slot + 1) % len(symbols.slots)
    return -1


def symbols_of(names: Sequence[str], longest: int = LONGEST) -> Symbols:
    """The table of these symbols of at most `longest` bytes, in their order; UsageError where one stands twice or is too long."""
    encoded = [name.upper().encode() for name in names]
    for name, bytes_ in zip(names, encoded, strict=True):
        if not 0 < len(bytes_) <= longest or encoded.count(bytes_) > 1:
            raise UsageError(f"symbol {name!r} is empty, longer than {longest} bytes, or named twice", mend="name each instrument once")
    made = Symbols(np.full(max(8, 4 * len(names)), NOBODY, np.int64), np.zeros((len(names), longest), np.uint8), np.zeros(len(names), np.int64))
    for place, bytes_ in enumerate(encoded):
        made.names[place, : len(bytes_)] = np.frombuffer(bytes_, np.uint8)
        made.lengths[place] = len(bytes_)
        slot = int(hash_of(made.names[place], 0, len(bytes_))) % len(made.slots)
        while made.slots[slot] >= 0:
            slot = (slot + 1) % len(made.slots)
        made.slots[slot] = place
    return made
