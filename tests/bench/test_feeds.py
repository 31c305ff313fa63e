"""The venue that the benchmark of many feeds is made of: its messages follow one another, and books and seconds come of them."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from metastackerbandit.bench.works import feeds
from metastackerbandit.bench.works.feeds import CHANGES, DEPTH, SYMBOLS, Run, Venue, resident_mb


def test_each_second_s_messages_follow_those_before() -> None:
    venue = Venue()
    told: list[list[dict[str, object]]] = []
    for second in range(3):
        now_ns = venue.now_ns
        frames = venue.next_second()
        texts = [frames.text[start:end].tobytes() for start, end in zip(frames.starts, frames.ends, strict=True)]
        told.append([json.loads(text)["data"] for text in texts])
        assert len(texts) == SYMBOLS * CHANGES and venue.now_ns - now_ns == 10**9 and venue.seconds == second + 1
        assert (np.diff(frames.received) > 0).all() and now_ns <= frames.received[0] < frames.received[-1] < venue.now_ns
        assert [one["E"] for one in told[-1]] == [int(at) // 1_000_000 for at in frames.received]
    of_one = [one for second in told for one in second if one["s"] == "S007USDT"]
    assert len(of_one) == 3 * CHANGES and all(after["pu"] == before["u"] and after["U"] == before["u"] + 1 for before, after in pairwise(of_one))  # type: ignore[operator]


def test_books_stay_live_and_seconds_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SECONDS", 2)
    run = Run()
    assert run.once() == run.once() == 2 * SYMBOLS * CHANGES
    facts = run.facts()
    assert (facts["gaps"], facts["messages"]) == (0, 4 * SYMBOLS * CHANGES) and facts["held_mb"] <= resident_mb() + 50
    assert (run.market.feeds["state"] == 1).all() and (run.market.book.row["bids"] <= DEPTH).all()
    row = run.mine.out[0]
    assert (row["is_trusted"], row["updates"]) == (1, CHANGES) and row["spread_bps"] > 0 and row["score"] > 0.9
