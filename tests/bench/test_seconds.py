"""What microstructure costs is measured on whatever frames are given, and the seconds it is measured on follow each other without a hole."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from metastackerbandit.bench.candles import minutes
from metastackerbandit.bench.seconds import BARS, _filled, least_of, ns_a_change, ns_heard
from metastackerbandit.runtime.second_feed import seconds_of
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import Venue, written
from tests.markets import instrument


def test_costs_are_measured_on_a_made_session(tmp_path: Path) -> None:
    venue = Venue(3, is_perp=True)
    path = tmp_path / "capture.log"
    path.write_bytes(written([venue.snapshot(), *venue.frames(50, -1)]))
    capture, instruments = read_capture([path]), [instrument("BTCUSDT", "perp", "BINANCE")]
    assert math.isfinite(ns_a_change(capture, instruments))
    found = ns_heard(minutes(None, BARS), capture, instruments)
    assert found["ns_a_second_heard"] > 0.0 and math.isfinite(found["ns_a_bar_of_the_book"])
    seconds = seconds_of(capture, instruments)
    filled = _filled(seconds, 1_000, 100)
    assert np.array_equal(filled["second"], np.arange(1_000, 1_100)) and filled["is_trusted"].all()
    assert set(filled["mid"].tolist()) == set(seconds["mid"][seconds["is_trusted"] == 1].tolist())


def test_works_are_taken_by_turns_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []
    found = least_of([lambda: order.append("one"), lambda: order.append("other")])
    assert order[:4] == ["one", "other", "one", "other"] and len(found) == 2
