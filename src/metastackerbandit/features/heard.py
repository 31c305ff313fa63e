"""What is heard of a book second by second: how long, how recently, and windows of seconds."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel


class Heard(Struct, frozen=True):
    """The newest second of a trusted book. `seconds` were heard since the book was found again, and lie within the last `age`; `step` is how many
    seconds after the one before it the newest was (1: the next one; the first: 1)."""

    second: int
    closed_ns: int
    seconds: int
    age: int
    step: int
    young: float


@kernel
def listen(second: Any, heard: Any) -> None:
    """Advance to a second."""
    heard.step = 1 if heard.seconds == 0 else second.second - heard.second
    heard.second = second.second
    heard.closed_ns = second.closed_ns
    heard.seconds += 1
    heard.age += heard.step
    heard.young = 1.0 / heard.seconds


@kernel
def remember(cells: Any, heard: Any, value: float) -> None:
    """Put the newest second's value into a ring (L,); seconds that were missed are NaN."""
    for back in range(1, min(heard.step, len(cells))):
        cells[(heard.second - back) % len(cells)] = math.nan
    cells[heard.second % len(cells)] = value


@kernel
def value_before(cells: Any, heard: Any, back: int) -> float:
    """The value of `back` seconds before the newest; NaN where it was not heard."""
    return cells[(heard.second - back) % len(cells)] if back < min(heard.age, len(cells)) else math.nan


@kernel
def mean_back(cells: Any, heard: Any, seconds: int) -> float:
    """Mean of the known values of the last `seconds`, oldest first; NaN where none is known."""
    total, known = 0.0, 0
    for back in range(seconds - 1, -1, -1):
        value = value_before(cells, heard, back)
        if not math.isnan(value):
            total += value
            known += 1
    return total / known if known > 0 else math.nan


@kernel
def largest_back(cells: Any, heard: Any, seconds: int) -> float:
    """Largest of the known values of the last `seconds`; NaN where none is known."""
    largest = math.nan
    for back in range(seconds):
        value = value_before(cells, heard, back)
        if not value <= largest and not math.isnan(value):
            largest = value
    return largest
