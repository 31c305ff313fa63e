"""The highest value of a sliding window, three comparisons a bar and no guess for the processor: blocks of a window's length (van Herk 1992).

A window that ends inside a block is the end of the block before and the beginning of this one. The highest of each beginning is kept as values
come; the highest of each end is folded once, when a block is full.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel

PLACE, BLOCK, VALUES = 0, 1, 2  # places in the cells: where the next value goes, the highest of this block so far, then `window` values


def cells_of(window: int) -> int:
    """Real cells that one window takes."""
    return VALUES + window


@kernel
def fold(cells: Any, window: int) -> None:
    """Each value of a full block becomes the highest from it to the block's end."""
    for place in range(window - 2, -1, -1):
        cells[VALUES + place] = max(cells[VALUES + place], cells[VALUES + place + 1])


@kernel
def highest(cells: Any, window: int, now: int, value: float) -> float:
    """Take the value of bar `now` (counted from 1) and return the highest of the last `window` bars; for the lowest give the negative."""
    place = int(cells[PLACE])
    block = value if place == 0 else max(cells[BLOCK], value)
    top = block
    if now > window and place + 1 < window:
        top = max(block, cells[VALUES + place + 1])
    cells[VALUES + place] = value
    cells[BLOCK] = block
    place += 1
    if place == window:
        place = 0
        fold(cells, window)
    cells[PLACE] = place
    return top
