"""Breakout: long at a close above the highest high of the bars before, short below the lowest low; between, as it is."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.stacking.arm import ArmSpec, Prepared, prepared
from metastackerbandit.stacking.settings import Breakout

# memory: 0 length, 1 seen, 2 slot, 3 highest, 4 its slot, 5 lowest, 6 its slot, 7.. ring of highs, then ring of lows


@kernel
def step(memory: Any, reals: Any, high: int, low: int, close: int) -> int:
    """Advance by one closed bar; 0 until `length` bars were seen, KEEP between breakouts."""
    length = memory[0]
    seen = memory[1]
    target = 0
    if seen >= length:
        target = 2
        if close > memory[3]:
            target = 1
        elif close < memory[5]:
            target = -1
    slot = memory[2]
    memory[7 + slot] = high
    memory[7 + length + slot] = low
    memory[1] = seen + 1
    memory[2] = slot + 1 if slot + 1 < length else 0
    held = min(seen + 1, length)
    if seen == 0 or high >= memory[3]:
        memory[3] = high
        memory[4] = slot
    elif memory[4] == slot:
        _rescan(memory, 7, held, 3, 1)
    if seen == 0 or low <= memory[5]:
        memory[5] = low
        memory[6] = slot
    elif memory[6] == slot:
        _rescan(memory, 7 + length, held, 5, -1)
    return target


@kernel
def _rescan(memory: Any, start: int, held: int, place: int, sign: int) -> None:
    """Find the extreme anew when the bar that held it leaves the window."""
    memory[place] = memory[start]
    memory[place + 1] = 0
    for slot in range(1, held):
        if sign * memory[start + slot] >= sign * memory[place]:
            memory[place] = memory[start + slot]
            memory[place + 1] = slot


@kernel
def mirror(memory: Any, reals: Any) -> int:
    """Highs become lows about zero, and lows highs."""
    length = memory[0]
    for slot in range(7, 7 + length):
        high = memory[slot]
        memory[slot] = -memory[slot + length]
        memory[slot + length] = -high
    for place in range(3, 5):
        other = memory[place]
        memory[place] = memory[place + 2]
        memory[place + 2] = other
    memory[3] = -memory[3]
    memory[5] = -memory[5]
    return 0


def prepare(settings: Breakout, max_ticks: int) -> Prepared:
    """Memory for the highs and lows of the window, and the arm's own stop and target."""
    return prepared(
        [settings.length, 0, 0, 0, 0, 0, 0], 2 * settings.length, [], settings.length + 1, stop_bps=settings.stop_bps, target_bps=settings.target_bps
    )


ARM = ArmSpec("breakout", prepare, step, "close beyond the range of the bars before, with stop and target", mirror)
assert KEEP == 2, "breakout.step writes KEEP as a literal, so that its result has one type"
