"""The highest value of a sliding window in a few steps a bar: a queue of the values that can still become it (Lemire 2006)."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel

HEAD, HELD, VALUES = 0, 1, 2  # places in the cells: first slot, slots in use, then `window` values and `window` times


def cells_of(window: int) -> int:
    """Real cells that one queue takes."""
    return VALUES + 2 * window


@kernel
def highest(cells: Any, window: int, now: int, value: float) -> float:
    """Push the value of bar `now` and return the highest of the last `window` bars; for the lowest push the negative."""
    head = int(cells[HEAD])
    held = int(cells[HELD])
    times = VALUES + window
    if held > 0 and cells[times + head] <= now - window:
        head = head + 1 if head + 1 < window else 0
        held -= 1
    while held > 0:
        last = head + held - 1
        if last >= window:
            last -= window
        if cells[VALUES + last] > value:
            break
        held -= 1
    place = head + held
    if place >= window:
        place -= window
    cells[VALUES + place] = value
    cells[times + place] = now
    cells[HEAD] = head
    cells[HELD] = held + 1
    return cells[VALUES + head]
