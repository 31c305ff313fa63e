"""JSON's objects member by member, and lists item by item: where a key ends, where its value stands, and what comes behind it.

Every walker of objects (json_book, hyperliquid.walk) is made of these steps, and of its own table of keys (json_words).
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.exchanges.json_fields import END, FIRST, KIND
from metastackerbandit.exchanges.json_scan import MALFORMED, TRUNCATED, skip_key, skip_space

QUOTE, COMMA, CLOSE_LIST, CLOSE_OBJECT = 34, 44, 93, 125


@kernel
def first_member(text: Any, p: int, end: int) -> tuple[int, bool]:
    """Into the object whose brace stands at `p` -> (where its first key stands, False), or (behind it, True) where it is empty; minus the fault."""
    p = skip_space(text, p + 1, end)
    if p >= end:
        return TRUNCATED, True
    return (p + 1, True) if text[p] == CLOSE_OBJECT else (p, False)


@inlined
def next_member(text: Any, p: int, end: int) -> tuple[int, bool]:
    """From behind a value -> (where the next key stands, False), or (behind the object, True) where that was the last one; minus the fault."""
    p = skip_space(text, p, end)
    if p >= end:
        return TRUNCATED, True
    if text[p] == CLOSE_OBJECT:
        return p + 1, True
    if text[p] != COMMA:
        return MALFORMED, True
    return skip_space(text, p + 1, end), False


@inlined
def value_of_key(text: Any, p: int, end: int) -> tuple[int, int]:
    """The key whose quote stands at `p` -> (where its value begins or minus the fault, where the key's closing quote stands)."""
    p = skip_key(text, p, end)
    if p < 0:
        return p, 0
    last = p - 2  # before the colon
    while text[last] != QUOTE:
        last -= 1
    p = skip_space(text, p, end)
    return (p, last) if p < end else (TRUNCATED, 0)


@inlined
def note(text: Any, fields: Any, key: int, begins: int, end: int) -> None:
    """The value text[begins:end] is the field `key`'s, strings without their quotes; of a key that stands twice the last one counts."""
    if key != 0:
        kind = text[begins]
        inset = 1 if kind == QUOTE else 0
        fields[FIRST, key] = begins + inset
        fields[END, key] = end - inset
        fields[KIND, key] = kind


@kernel
def first_item(text: Any, p: int, end: int) -> int:
    """Where the first item of the list whose bracket stands at `p` begins, -1 where it is empty; the list was walked before."""
    p = skip_space(text, p + 1, end)
    return -1 if text[p] == CLOSE_LIST else p


@kernel
def next_item(text: Any, p: int, end: int) -> int:
    """Where the item behind the one that ends at `p` begins, -1 where it was the last; the list was walked before."""
    p = skip_space(text, p, end)
    return skip_space(text, p + 1, end) if text[p] == COMMA else -1
