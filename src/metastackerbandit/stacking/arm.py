"""A rule arm: a kernel from closed bars to a target position in {-1, 0, +1}, or KEEP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.money import BOUND


class Prepared(Struct, frozen=True, eq=False):
    """What an arm starts with: its memory of integers and of reals (parameters first), and the bars before it may speak."""

    memory: np.ndarray
    reals: np.ndarray
    warm_up: int
    stop_bps: float = 0.0
    target_bps: float = 0.0


class ArmSpec(Struct, frozen=True):
    """An arm beside its kernel `step(memory, reals, high, low, close) -> target`; `prepare(settings, max_ticks)` makes its start.

    Memories are int64 (M,) and float64 (R,); prices are ticks. Everything an arm remembers stands in them, so a snapshot of
    both is the arm.

    `mirror(memory, reals) -> twice` turns what the arm remembers into what it would remember of the mirrored market, in place: prices p become
    `twice` - p, highs lows, sides the other. The next bar is then mirrored alike. None: the arm does not look at the market, and its mirror
    says the opposite.

    `hears(memory, reals, second)` is told of every second of the order book (a record of SecondRow) before the bar that it was known by; None:
    the arm looks at bars alone.
    """

    name: str
    prepare: Callable[[Any, int], Prepared]
    step: Callable[..., Any]
    meaning: str
    mirror: Callable[..., Any] | None = None
    hears: Callable[..., Any] | None = None


def prepared(memory: list[int], room: int, reals: list[float], warm_up: int, *, stop_bps: float = 0.0, target_bps: float = 0.0) -> Prepared:
    """Parameters first, then `room` zeros."""
    integers = np.zeros(max(len(memory) + room, 1), np.int64)
    integers[: len(memory)] = memory
    floats = np.zeros(max(len(reals), 1), np.float64)
    floats[: len(reals)] = reals
    return Prepared(integers, floats, warm_up, stop_bps, target_bps)


def refuse_crossed(arm: str, fast: int, slow: int) -> None:
    """The fast length must be the shorter: memory is made for the slow one, and averages of one length never cross."""
    if fast >= slow:
        raise ConfigRefused(f"fast = {fast} is not below slow = {slow}", where=f"arms.{arm}", mend="choose a shorter fast, or a longer slow")


def refuse_inexact(name: str, factor: int, max_ticks: int) -> None:
    """Sums of ticks are exact integers; lengths for which they could overflow are refused."""
    if factor * max_ticks >= BOUND:
        raise ConfigRefused(
            f"lengths whose product is {factor:,} could overflow exact sums of prices up to {max_ticks:,} ticks",
            where=f"arms.{name}",
            mend="use shorter lengths",
        )
