"""The loop over a capture's frames: each is taken once, and what waited for a snapshot once more behind it, oldest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.frame_walk import Frames, frames_of, walking, walking_to
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import Venue, written
from tests.markets import instrument

ONE = instrument("BTCUSDT", "perp", "BINANCE")


class Noted(NamedTuple):
    """What the kernels around the walk were told: the frame, and whether it came again; `counts` (2,) of new frames and of all."""

    counts: Any  # (2,) int64
    taken: Any  # (N, 2) int64


@kernel
def count_new(mine: Any, market: Any, frame: int, received_ns: int) -> None:
    """Before a new frame."""
    mine.counts[0] += 1


@kernel
def note_taken(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """After any frame."""
    mine.taken[mine.counts[1], 0] = frame
    mine.taken[mine.counts[1], 1] = is_again
    mine.counts[1] += 1


def walked(frames: Frames) -> tuple[list[tuple[int, bool]], Any]:
    """Which frames were taken in which order, and the feeds after them."""
    market = feeds_of([ONE])
    mine = Noted(np.zeros(2, np.int64), np.zeros((3 * len(frames.starts), 2), np.int64))
    walking("BINANCE", note_taken, count_new)(frames, market, mine)
    assert mine.counts[0] == len(frames.starts)
    return [(int(frame), bool(again)) for frame, again in mine.taken[: mine.counts[1]]], market


@given(seed=st.integers(0, 10**6), snapshot_at=st.integers(1, 40), room=st.integers(1, 30))
@settings(max_examples=30)
def test_frames_that_waited_are_taken_again_behind_the_snapshot(seed: int, snapshot_at: int, room: int, tmp_path_factory: Any) -> None:
    told = Venue(seed, is_perp=True).frames(50, snapshot_at)
    path: Path = tmp_path_factory.getbasetemp() / "walked.log"
    path.write_bytes(written(told))
    frames = frames_of(read_capture([path]), [ONE])
    snapshot = int(np.flatnonzero(frames.alone >= 0)[0])
    waited = [n for n, one in enumerate(told[:snapshot]) if one.is_change]
    taken, market = walked(frames)
    assert taken == [
        *((n, False) for n in range(snapshot + 1)),
        *((n, True) for n in waited),
        *((n, False) for n in range(snapshot + 1, len(told))),
    ]
    assert market.feeds[0]["gaps"] == 0 and market.feeds[0]["state"] == 1
    short, _ = walked(frames._replace(pending=np.zeros(room, np.int64)))  # where there is less room, the oldest are given up
    assert [n for n, again in short if again] == waited[-room:]


@given(seed=st.integers(0, 10**6), snapshot_at=st.integers(1, 40), stops=st.lists(st.integers(0, 101), max_size=6))
@settings(max_examples=20)
def test_in_stretches_the_same_frames_are_taken_in_the_same_order(seed: int, snapshot_at: int, stops: list[int], tmp_path_factory: Any) -> None:
    told = Venue(seed, is_perp=True).frames(50, snapshot_at)
    path: Path = tmp_path_factory.getbasetemp() / "stretches.log"
    path.write_bytes(written(told))
    frames = frames_of(read_capture([path]), [ONE])
    whole, market = walked(frames)
    assert walked(frames)[0] == whole  # a walk begins with the first frame, whatever these frames were used for before
    mine, other = Noted(np.zeros(2, np.int64), np.zeros((3 * len(told), 2), np.int64)), feeds_of([ONE])
    stretch, frames = walking_to("BINANCE", note_taken, count_new), frames_of(read_capture([path]), [ONE])
    for until in [*sorted(stops), len(told)]:
        stretch(frames, other, mine, until)
        assert mine.counts[0] == until
    assert [(int(frame), bool(again)) for frame, again in mine.taken[: mine.counts[1]]] == whole
    assert other.book.bids.tobytes() == market.book.bids.tobytes() and other.feeds.tobytes() == market.feeds.tobytes()


def test_the_loop_is_compiled_once_for_the_same_kernels() -> None:
    assert walking("BINANCE", note_taken, count_new) is walking("BINANCE", note_taken, count_new)
    assert walking("HYPERLIQUID", note_taken, count_new) is not walking("BINANCE", note_taken, count_new)
