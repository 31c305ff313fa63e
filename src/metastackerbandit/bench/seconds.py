"""What microstructure costs: on top of following a book a change, to hear a second, and to make the columns of the book for a bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metastackerbandit.bench.candles import Market
from metastackerbandit.bench.interleaved import timed
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import copied, joined
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS
from metastackerbandit.features.batch import features_over
from metastackerbandit.features.catalog import FAMILIES
from metastackerbandit.market.micro import empty_micro
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.frame_walk import after, frames_of, walking
from metastackerbandit.runtime.second_feed import follow_only, seconds_of

TIMES = 15  # that each is measured, by turns; the least counts
BARS = 600  # of a minute
BOOK = tuple(family.name for family in FAMILIES if family.hears is not None)


def least_of(works: Sequence[Callable[[], Any]]) -> list[float]:
    """Least CPU seconds of each, taken by turns."""
    took = [[timed(work).cpu_s for work in works] for _ in range(TIMES + 1)][1:]  # the first compiles
    return [float(seconds) for seconds in np.min(took, axis=0)]


def ns_a_change(capture: Capture, instruments: Sequence[Instrument]) -> float:
    """Nanoseconds that a frame takes longer where its changes and trades are taken into seconds; of a capture of depth, what a change costs."""
    frames, venue, count = frames_of(capture, instruments), instruments[0].venue, len(instruments)
    plain, made = walking(venue, after), walking(venue, follow_only)
    bare, whole = least_of([lambda walk=walk: walk(frames, feeds_of(instruments), empty_micro(count)) for walk in (plain, made)])  # type: ignore[misc]
    return (whole - bare) / len(capture.starts) * 1e9


def ns_heard(market: Market, capture: Capture, instruments: Sequence[Instrument]) -> dict[str, float]:
    """Nanoseconds a second that is heard, and a bar whose columns of the book are made; recorded seconds, told over and over."""
    bars = copied(market.bars[:BARS])
    bars["known_ns"] = bars["closed_ns"] + 2 * SECOND_NS
    seconds = _filled(seconds_of(capture, instruments), int(bars["opened_ns"][0]) // SECOND_NS, BARS * 60)
    ends = bars[:: BARS - 1]  # the first bar and the last: what is left is hearing
    all_bars, hearing = least_of([lambda given=given: _made(given, seconds) for given in (bars, ends)])  # type: ignore[misc]
    return {"ns_a_second_heard": hearing / len(seconds) * 1e9, "ns_a_bar_of_the_book": (all_bars - hearing) / BARS * 1e9}


def _made(bars: np.ndarray, seconds: np.ndarray) -> Any:
    return features_over(bars, MINUTE_NS, None, has_volume=True, has_flow=True, families=BOOK, seconds=seconds)


def _filled(seconds: np.ndarray, first: int, count: int) -> np.ndarray:
    """The trusted seconds one after the other, as often as it takes to fill so many seconds from `first`."""
    trusted = copied(seconds[seconds["is_trusted"] == 1])
    made = copied(joined([trusted] * -(-count // len(trusted)))[:count])
    made["second"] = first + np.arange(count)
    made["closed_ns"] = made["known_ns"] = (made["second"] + 1) * SECOND_NS
    return made
