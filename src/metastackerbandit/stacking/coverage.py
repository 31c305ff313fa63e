"""Prediction sets whose promise is kept up while a run goes on: the level moves by how often matured labels lay outside of their set.

Adaptive conformal inference (Gibbs and Candes 2021): level <- level + gamma (target - missed), for each set once its label is known. What
became of a prediction is read from the frame's bars (domain/outcome.py).
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.outcome import set_barriers, truth_of
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP
from metastackerbandit.stacking.conformal import moved_level


class IssuedSet(Struct, frozen=True):
    """A set that waits for its truth: classes in it (bits), the bar it was issued on, bars until it is told, the distance of its barriers
    (fraction), and from the next bar on its entry (ticks, 0 before) and barriers. `settled` is 1 once it is told."""

    bits: int
    bar: int
    horizon: int
    barrier: float
    entry: int
    upper: float
    lower: float
    settled: int


class Coverage(Struct, frozen=True):
    """The level in force, how many sets were issued and, of them, told in order; how many were told at all, and how many missed the truth.

    What spares a look at every open set: `fresh` were issued since the last bar, `upper` and `lower` are the nearest barriers of the others, or
    nearer; `horizon` is that of all open sets (-1: not the same).
    """

    level: float
    issued: int
    passed: int
    told: int
    missed: int
    fresh: int = 0
    horizon: int = 0
    upper: float = 0.0
    lower: float = 0.0


class SetTerms(Struct, frozen=True):
    """As kernels read it: the promised share of misses, the step of the correction, the round trip's cost (fraction), and what a move at the
    horizon must be to have a side, as a share of the barrier."""

    target: float
    gamma: float
    cost: float
    flat_share: float


@kernel
def set_at(level: float, p_down: float, p_flat: float, p_up: float) -> int:
    """Bits of the classes whose p-value is above the level; what is not known (NaN) is not excluded."""
    bits = 0
    if not p_down <= level:
        bits |= IN_DOWN
    if not p_flat <= level:
        bits |= IN_FLAT
    if not p_up <= level:
        bits |= IN_UP
    return bits


@kernel
def issue_set(sets: Any, coverage: Any, bits: int, bar: int, horizon: int, barrier: float) -> None:
    """A set was issued at the close of bar number `bar`; it joins the ring (W,), or is not followed while no place is free."""
    if coverage.issued - coverage.passed >= len(sets):
        return
    if coverage.issued == coverage.passed:
        coverage.horizon = horizon
    elif coverage.horizon != horizon:
        coverage.horizon = -1
    coverage.fresh += 1
    issued = sets[coverage.issued % len(sets)]
    issued.bits = bits
    issued.bar = bar
    issued.horizon = horizon
    issued.barrier = barrier
    issued.entry = 0
    issued.settled = 0
    coverage.issued += 1


@kernel
def settle_sets(sets: Any, coverage: Any, done: Any, bar: int, terms: Any) -> None:
    """Bar number `bar` closed: open sets are entered at its open, tried against its range, and learned from where it tells them.

    Where no barrier is reached and all sets last alike, only the newest and the oldest have anything to learn.
    """
    if coverage.passed == coverage.issued:
        return
    width = len(sets)
    if coverage.fresh == 1 and coverage.horizon > 0 and coverage.issued - coverage.passed > 1:
        newest = sets[(coverage.issued - 1) % width]
        set_barriers(newest, done.open)
        near(newest, coverage)
        coverage.fresh = 0
    if coverage.fresh == 0 and coverage.horizon > 0 and done.high < coverage.upper and done.low > coverage.lower:
        try_oldest(sets, coverage, done, bar, terms)
    else:
        try_all(sets, coverage, done, bar, terms)
    while coverage.passed < coverage.issued and sets[coverage.passed % width].settled != 0:
        coverage.passed += 1


@kernel
def near(issued: Any, coverage: Any) -> None:
    """Keep the set's barriers where they are the nearest; barriers that are not known are never reached."""
    if issued.upper < coverage.upper:
        coverage.upper = issued.upper
    if issued.lower > coverage.lower:
        coverage.lower = issued.lower


@kernel
def try_oldest(sets: Any, coverage: Any, done: Any, bar: int, terms: Any) -> None:
    """No barrier was reached: the sets whose time is over are told, the oldest first."""
    width = len(sets)
    for place in range(coverage.passed, coverage.issued):
        issued = sets[place % width]
        if issued.settled == 0:
            if bar - issued.bar < issued.horizon:
                return
            tell(issued, coverage, truth_of(issued, done.high, done.low, done.close, True, terms), terms)


@kernel
def try_all(sets: Any, coverage: Any, done: Any, bar: int, terms: Any) -> None:
    """Every open set is tried, and the barriers of those that stay open are the nearest from now on."""
    coverage.fresh = 0
    coverage.upper = math.inf
    coverage.lower = -math.inf
    width = len(sets)
    place = coverage.passed % width - 1
    for _ in range(coverage.passed, coverage.issued):
        place = place + 1 if place + 1 < width else 0
        issued = sets[place]
        if issued.settled != 0:
            continue
        if issued.entry == 0:
            set_barriers(issued, done.open)
        truth = truth_of(issued, done.high, done.low, done.close, bar - issued.bar >= issued.horizon, terms)
        if truth != 0:
            tell(issued, coverage, truth, terms)
        else:
            near(issued, coverage)


@kernel
def tell(issued: Any, coverage: Any, truth: int, terms: Any) -> None:
    """The set's truth (a class's bit) is known: the level moves by whether it was missed."""
    missed = 1 if issued.bits & truth == 0 else 0
    coverage.level = moved_level(coverage.level, terms.target, terms.gamma, missed)
    coverage.told += 1
    coverage.missed += missed
    issued.settled = 1
