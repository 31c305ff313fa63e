"""Defects and findings of candles: each is found where it is, and sound candles have none."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.quality import LISTED, CandleColumns, Floats, Ints, critical, defects, findings, gaps, missing, runs, span_text
from metastackerbandit.domain.timeframe import MINUTE_NS
from tests.covering import covers

START_NS = 1_700_000_100 * 1_000_000_000


def candles(times: Ints, close: Floats | None = None, volume: Floats | None = None) -> CandleColumns:
    close = np.full(len(times), 100.0) if close is None else close
    return CandleColumns(times, close, close, close, close, volume)


def minutes(places: list[int]) -> Ints:
    return START_NS + MINUTE_NS * np.array(places, np.int64)


@given(st.sets(st.integers(0, 500), min_size=1, max_size=60))
def test_absent_candles_are_counted_to_the_last(places: set[int]) -> None:
    times = minutes(sorted(places))
    absent = max(places) - min(places) + 1 - len(places)
    assert missing(times, MINUTE_NS)[1] == absent == sum(issue.count for issue in gaps(times, MINUTE_NS))
    assert defects(candles(times), MINUTE_NS) == ()


@given(st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_order_is_sound_exactly_when_times_increase(places: list[int]) -> None:
    found = {issue.kind for issue in defects(candles(minutes(places)), MINUTE_NS)}
    steps = np.diff(places)
    assert ("unsorted" in found) == bool((steps < 0).any()) and ("duplicate" in found) == bool((steps == 0).any())


@given(st.lists(st.booleans(), max_size=40))
def test_runs_cover_exactly_what_is_true(mask: list[bool]) -> None:
    starts, ends = runs(np.array(mask, np.bool_))
    again = np.zeros(len(mask), np.bool_)
    for start, end in zip(starts, ends, strict=True):
        again[start:end] = True
    assert list(again) == mask and all(ends[:-1] < starts[1:])


@given(st.integers(1, 400))
def test_no_defect_is_lost_when_there_are_many(count: int) -> None:
    found = defects(candles(minutes(list(range(count))), np.full(count, -1.0)), MINUTE_NS)
    assert sum(issue.count for issue in found) == 4 * count and len(found) <= 44


@covers("2.048")
def test_a_jump_of_the_close_is_an_outlier() -> None:
    close = np.array([100.0, 101.0, 160.0, 161.0])
    found = findings(candles(minutes([0, 1, 2, 3]), close), MINUTE_NS, outlier_return=0.5)
    assert [(issue.kind, issue.severity) for issue in found] == [("outlier", "medium")]
    assert "row 3" in found[0].where and "+58.4%" in found[0].what


def test_stretches_without_a_trade_and_unknown_volumes_are_told() -> None:
    volume = np.array([1.0, 0.0, 0.0, 2.0, np.nan])
    found = findings(candles(minutes([0, 1, 2, 3, 4]), volume=volume), MINUTE_NS, 0.5)
    assert [(issue.kind, issue.count) for issue in found] == [("zero_volume", 2), ("no_volume", 1)]


def test_a_candle_off_the_clock_is_misaligned() -> None:
    found = defects(candles(minutes([0, 1]) + np.array([0, 7])), MINUTE_NS)
    assert [issue.kind for issue in found] == ["misaligned"] and "multiple of 1m" in found[0].what


def test_spans_read_in_two_units() -> None:
    assert span_text(MINUTE_NS * (60 * 24 * 30 + 61)) == "30d 1h" and span_text(0) == "0s" and span_text(5 * MINUTE_NS) == "5m"


def test_volumes_are_not_negative_nor_without_end_and_may_be_unknown() -> None:
    volume = np.array([1.0, -2.0, np.inf, np.nan, 0.0])
    found = defects(candles(minutes([0, 1, 2, 3, 4]), volume=volume), MINUTE_NS)
    assert [(issue.kind, issue.severity, issue.what) for issue in found] == [
        ("bad_volume", "critical", "volume -2 is not a volume"),
        ("bad_volume", "critical", "volume inf is not a volume"),
    ]
    assert critical(found) == found and "row 2" in found[0].where


def test_stretches_without_volume_are_told_one_by_one_up_to_a_number_and_unknown_volumes_apart() -> None:
    volume = np.array(([0.0] * 2 + [1.0]) * (LISTED + 3) + [np.nan])
    told = findings(candles(minutes(list(range(len(volume)))), volume=volume), MINUTE_NS, outlier_return=0.5)
    quiet = [issue for issue in told if issue.kind == "zero_volume"]
    assert [issue.count for issue in quiet] == [2] * LISTED + [6] and "3 more stretches, 6 candles" in quiet[-1].what
    (unknown,) = [issue for issue in told if issue.kind == "no_volume"]
    assert (unknown.severity, unknown.count, unknown.what) == ("medium", 1, "1 candle without a known volume")
    assert critical(told) == ()


def test_prices_that_do_not_hold_each_other_are_told_with_all_four() -> None:
    times, hundred = minutes([0]), np.array([100.0])
    (found,) = defects(CandleColumns(times, hundred, hundred - 1, hundred - 2, hundred, None), MINUTE_NS)
    assert (found.kind, found.what) == ("price_order", "high 99 and low 98 do not hold open 100 and close 100")
    (missing_price,) = defects(CandleColumns(times, np.array([np.nan]), hundred, hundred, hundred, None), MINUTE_NS)
    assert (missing_price.kind, missing_price.what) == ("bad_price", "open is missing")


def test_a_stamp_out_of_all_time_is_a_mistaken_unit_and_no_price_of_it_is_judged() -> None:
    times = np.array([START_NS, START_NS // 1_000], np.int64)
    found = defects(candles(times, np.array([100.0, -1.0])), MINUTE_NS)
    assert {issue.kind for issue in found} >= {"bad_time"} and "is not between 2009 and 2100" in found[0].what
    assert found[0].where == "row 2"
