"""Ours and theirs by turns in one run, so that whatever else the machine does happens to all alike."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct

FEWEST = 5  # rounds: below it a median is a guess


class Lap(Struct, frozen=True):
    """One run: seconds on the clock, and of processor time."""

    wall_s: float
    cpu_s: float


class Laps(Struct, frozen=True):
    """Every run of one side, in order."""

    laps: tuple[Lap, ...]

    def figures(self, amount: float, unit: str) -> dict[str, Any]:
        """Medians, least times, and the rate at which `amount` was done in the median run and in the quickest."""
        wall = np.array([lap.wall_s for lap in self.laps])
        cpu = np.array([lap.cpu_s for lap in self.laps])
        middle, late = np.percentile(wall * 1e3, (50, 99))
        return {
            "rate": amount / float(np.median(wall)),
            "unit": f"{unit}/s",
            "amount": amount,
            "p50_ms": float(middle),
            "p99_ms": float(late),
            "cpu_s": float(np.median(cpu)),
            "wall_s": float(np.median(wall)),
            "least_cpu_s": float(cpu.min()),
            "least_wall_s": float(wall.min()),
            "best_rate": amount / float(wall.min()),
            "cpu_rate": amount / max(float(cpu.min()), 1e-6),
            "runs": len(self.laps),
        }


def timed(work: Callable[[], Any], cpu_s: Callable[[], float] | None = None) -> Lap:
    """Do it once; CPU time counts this process and the children that ended meanwhile, unless `cpu_s` tells it."""
    told = cpu_s or _cpu_s
    wall, cpu = time.perf_counter(), told()
    work()
    return Lap(time.perf_counter() - wall, told() - cpu)


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def interleave(sides: Mapping[str, Callable[[], Lap]], rounds: int) -> dict[str, Laps]:
    """Every side once a round; each round begins one side later, so that none always follows the same."""
    names = list(sides)
    kept: dict[str, list[Lap]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            kept[name].append(sides[name]())
    return {name: Laps(tuple(laps)) for name, laps in kept.items()}
