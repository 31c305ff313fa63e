"""How slow a piece of work is beside a fixed loop of the same process: a number that the machine and its load hardly change.

A test holds these ratios under limits, so that a kernel that got slow by accident (an array counted, a history scanned) is found where clocks
cannot be trusted. Every round times the loop and each work by turns; the least of each counts, since other processes can only add.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

ROUNDS = 9
TURNS = 200_000  # of the loop in one timing, about a millisecond
TABLE = 4_096  # numbers that the loop jumps about in: a record's worth of cache, as kernels have


class Work(Struct, frozen=True):
    """Something to time: `run()` does `steps` of it."""

    run: Callable[[], Any]
    steps: int


@kernel
def calibration(table: Any, turns: int) -> float:
    """A recurrence that cannot be shortened: a product, a quotient, a shift, a branch and a read and write at a place that depends on the last."""
    value = 1.0
    word = 88172645463325252
    for _ in range(turns):
        word ^= word << 13
        word ^= word >> 7
        word ^= word << 17
        place = word & 4095
        value = value * 0.5 + table[place]
        if value > 1.5:
            value /= 1.25
        table[place] = value * 0.5
    return value


def ratios(works: Mapping[str, Work], rounds: int = ROUNDS) -> dict[str, float]:
    """Time of one step of each work over that of one turn of the loop."""
    table = np.linspace(0.1, 0.9, TABLE)
    calibration(table, TURNS)
    for work in works.values():
        work.run()
    turn = float("inf")
    step = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            turn = min(turn, _seconds(lambda: calibration(table, TURNS)) / TURNS)
            step[name] = min(step[name], _seconds(work.run) / work.steps)
    return {name: seconds / turn for name, seconds in step.items()}


def too_slow(found: Mapping[str, float], recorded: Mapping[str, float], tolerance: float) -> list[str]:
    """A sentence for each work whose ratio is more than `tolerance` times the recorded one."""
    return [
        f"{name} takes {ratio:.1f} turns of the calibration loop a step, more than {tolerance:g} times the recorded {recorded[name]:g}"
        for name, ratio in found.items()
        if ratio > tolerance * recorded[name]
    ]


def _seconds(work: Callable[[], Any]) -> float:
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1e9
