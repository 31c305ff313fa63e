"""Blocks as of one time: what the rings hold of the last 300 seconds and no younger one, masked where nothing is known, gone once it is old."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.features.input_now import (
    CONSISTENCY,
    FRESHNESS,
    WRITTEN,
    _write_averages,
    _write_book,
    _write_calendar,
    _write_funding,
    _write_indicators,
    _write_seconds,
    room_for,
    take_mark,
    write_quality,
)
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.features.input_state import InputState, empty_state
from metastackerbandit.market.bars import BAR_FRAMES
from metastackerbandit.market.quality import limits_of
from metastackerbandit.market.quality_rows import CRITICAL_BITS
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.runtime.book_quality import book_quality
from tests.features.inputs import FIRST, SECOND, empty_market, made, play

NEWEST = 1_000  # the state's newest second
HOUR = 3_600 * SECOND


def kept(newest: int = NEWEST) -> InputState:
    """A state whose rings say of each second which one it is, and whose newest is this; the middle price is e^2."""
    state = empty_state(tuple(BAR_FRAMES.values()))
    state.course[0]["second"], state.course[0]["price"] = newest, math.exp(2.0)
    for second in range(newest - 299, newest + 1):
        for place in (second % 300, second % 300 + 300):
            state.cob[:, place], state.heat[place], state.log_mids[place], state.micro[place] = second, second, 2.0 + second * 1e-4, second
    return state


def book(state: InputState, newest: int) -> tuple[np.ndarray, ...]:
    out, valid = np.full((4, 300, 41), 7.0, np.float32), np.ones((4, 300, 41), np.bool_)
    heat, heat_valid = np.full((300, 21), 7.0, np.float32), np.ones((300, 21), np.bool_)
    _write_book(state, newest, out, valid, heat, heat_valid)
    return out, valid, heat, heat_valid


def seconds(state: InputState, newest: int) -> tuple[np.ndarray, ...]:
    mids, mids_valid = np.full(300, 7.0, np.float32), np.ones(300, np.bool_)
    out, valid = np.full((300, 10), 7.0, np.float32), np.ones((300, 10), np.bool_)
    _write_seconds(state, newest, mids, mids_valid, out, valid)
    return mids, mids_valid, out, valid


@given(st.integers(-320, 320))
@settings(max_examples=20, deadline=None)
def test_frames_are_the_seconds_up_to_the_one_asked_for_and_no_others(away: int) -> None:
    asked = NEWEST + away
    out, valid, heat, heat_valid = book(kept(), asked)
    mids, mids_valid, micro, micro_valid = seconds(kept(), asked)
    told = np.arange(asked - 299, asked + 1)
    there = (told > NEWEST - 300) & (told <= NEWEST)
    expected = np.where(there, told, np.nan).astype(np.float32)
    for frames, mask in (
        (out[0, :, 0], valid[3, :, 40]),
        (out[3, :, 40], valid[0, :, 0]),
        (heat[:, 20], heat_valid[:, 0]),
        (micro[:, 9], micro_valid[:, 0]),
    ):
        assert np.array_equal(frames, expected, equal_nan=True) and np.array_equal(mask, there)
    assert mids[there] == pytest.approx(told[there], rel=1e-5) and np.isnan(mids[~there]).all() and np.array_equal(mids_valid, there)


@given(st.integers(1, 299), st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_what_comes_later_stands_in_no_frame_and_what_is_not_known_is_masked(later: int, seed: int) -> None:
    random, state = np.random.default_rng(seed), kept()
    unknown = random.random(600) < 0.3
    unknown[300:] = unknown[:300]
    for ring in (state.heat, state.log_mids, state.micro):
        ring[unknown] = np.nan
    state.cob[:, unknown] = np.nan
    before = (*book(state, NEWEST), *seconds(state, NEWEST))
    for second in range(NEWEST + 1, NEWEST + later + 1):
        for place in (second % 300, second % 300 + 300):
            state.cob[:, place], state.heat[place], state.log_mids[place], state.micro[place] = 1e9, 1e9, 1e9, 1e9
    state.course[0]["second"] = NEWEST + later
    after = (*book(state, NEWEST), *seconds(state, NEWEST))
    for values, mask, first_values, first_mask in zip(after[::2], after[1::2], before[::2], before[1::2], strict=True):
        assert np.array_equal(np.isnan(values), ~mask) and np.array_equal(np.isnan(first_values), ~first_mask)
        still = np.arange(300) >= later  # of the older ones the rings hold younger seconds by now
        assert np.array_equal(mask, first_mask & (still[:, None] if mask.ndim > 1 else still)) and np.array_equal(values[mask], first_values[mask])


def test_a_book_that_never_was_tells_nothing() -> None:
    state = empty_state(tuple(BAR_FRAMES.values()))
    for values, mask in zip(
        (*book(state, NEWEST)[::2], *seconds(state, NEWEST)[::2]), (*book(state, NEWEST)[1::2], *seconds(state, NEWEST)[1::2]), strict=True
    ):
        assert np.isnan(values).all() and not mask.any()


def test_averages_are_of_the_seconds_before_and_only_where_the_book_has_got_as_far() -> None:
    bars, cob = empty_market()
    play(made(3, 310, lost=0.0), bars, cob)
    newest = FIRST + 309
    state, out, valid = empty_state(tuple(BAR_FRAMES.values())), np.empty(4, np.float32), np.empty(4, np.bool_)
    state.course[0]["second"] = newest
    imbalances = cob.imbalances[0]
    for second in (newest, newest - 30, newest - 239):
        _write_averages(state, cob, 0, second, out, valid)
        for c, span in enumerate((1, 5, 15, 60)):
            mine = [float(imbalances[at % 300]) for at in range(second - span + 1, second + 1)]
            assert out[c] == pytest.approx(np.mean(mine), rel=1e-5, abs=1e-7) and valid[c]
    for second in (newest + 1, newest - 240):
        _write_averages(state, cob, 0, second, out, valid)
        assert np.isnan(out).all() and not valid.any()


MARK = MarkRow(0, 10 * SECOND, 10 * SECOND, 101.0, 100.0, 25_000, 8 * HOUR)


def funding(at_ns: int, mark: MarkRow | None = MARK) -> list[float]:
    """Rate, basis and time to the settlement as of a time."""
    state, out, valid = empty_state(tuple(BAR_FRAMES.values())), np.empty(3, np.float32), np.empty(3, np.bool_)
    if mark is not None:
        row = rows(MarkRow, 1)
        for name in row.dtype.names or ():
            row[0][name] = getattr(mark, name)
        take_mark(state, row[0])
    known_ns = _write_funding(state, at_ns, out, valid)
    assert np.array_equal(valid, ~np.isnan(out)) and known_ns == (mark.received_ns if mark is not None else 0)
    return [float(value) for value in out]


def test_funding_is_told_until_it_is_settled_and_the_basis_for_a_minute() -> None:
    """2.5 bps, the mark 1 % above the index, four of eight hours before the settlement."""
    assert funding(11 * SECOND)[:2] == pytest.approx([2.5, 100.0])
    rate, basis, left = funding(4 * HOUR)
    assert (rate, left) == (pytest.approx(2.5), pytest.approx(0.5)) and math.isnan(basis)
    assert not math.isnan(funding(10 * SECOND + 60 * SECOND - 1)[1]) and math.isnan(funding(70 * SECOND)[1])
    assert np.isnan(funding(8 * HOUR)).all() and not math.isnan(funding(8 * HOUR - 1)[0])
    assert np.isnan(funding(11 * SECOND, None)).all()
    assert math.isnan(funding(11 * SECOND, MarkRow(0, 10 * SECOND, 10 * SECOND, 101.0, 0.0, 25_000, 8 * HOUR))[1])  # no index


def test_indicators_are_told_until_two_minutes_after_their_bar() -> None:
    state = empty_state(tuple(BAR_FRAMES.values()))
    width = state.indicated.values.shape[1]
    out, valid = np.empty(width, np.float32), np.empty(width, np.bool_)
    state.indicated.values[0], state.indicated.valid[0] = np.arange(width), np.arange(width) % 2 == 0
    state.bar_course[1]["closed_ns"], state.bar_course[1]["known_ns"] = HOUR, HOUR + 5
    for at_ns, is_told in ((HOUR + 119 * SECOND, True), (HOUR + 120 * SECOND, False)):
        assert _write_indicators(state, at_ns, out, valid) == HOUR + 5
        assert np.array_equal(valid, (np.arange(width) % 2 == 0) & is_told) and np.array_equal(np.isnan(out), ~valid)
        assert np.array_equal(out[valid], np.arange(width)[valid])
    state.bar_course[1]["closed_ns"] = 0
    _write_indicators(state, 5, out, valid)
    assert not valid.any()


@given(st.integers(0, 2_000_000_000))
@settings(max_examples=20, deadline=None)
def test_the_clock_is_the_time_of_day_and_week(at_s: int) -> None:
    state, out, valid = empty_state(tuple(BAR_FRAMES.values())), np.empty(4, np.float32), np.empty(4, np.bool_)
    _write_calendar(state, at_s * SECOND, out, valid)
    day, week = at_s % 86_400 / 86_400, (at_s - 4 * 86_400) % 604_800 / 604_800  # 1970 began on a Thursday; weeks on Monday
    expected = {round(wave(2 * math.pi * part), 4) for part in (day, week) for wave in (math.sin, math.cos)}
    assert valid.all() and all(min(abs(value - one) for one in expected) < 1e-3 for value in out.tolist())


@given(st.integers(0, 90), st.booleans())
@settings(max_examples=10, deadline=None)
def test_quality_is_the_feed_s(age_s: int, is_crossed: bool) -> None:
    """Freshness halves every ten seconds; a critical issue that stands takes consistency away."""
    quality, limits, out = book_quality(1), limits_of(QualitySettings()), room_for(2)
    out.told[:] = 7.0
    quality.row[0]["fresh_ns"], quality.row[0]["standing"] = HOUR, CRITICAL_BITS if is_crossed else 0
    write_quality(quality, 0, limits, HOUR + age_s * SECOND, 1, out)
    assert out.told[1, FRESHNESS] == pytest.approx(0.5 ** (age_s / 10)) and out.told[1, CONSISTENCY] == (not is_crossed)
    assert (out.told == 7.0).sum() == 6


def test_there_is_room_for_every_block_that_the_market_writes() -> None:
    for dtype in (np.float32, np.bool_):
        room = room_for(3, dtype)
        assert all(getattr(room, name).shape == (3, *SCHEMA.block(name).shape) and getattr(room, name).dtype == dtype for name in WRITTEN)
        assert room.known_ns.shape == (3, len(WRITTEN)) and room.told.shape == (3, 4)
    assert set(SCHEMA.names) - set(WRITTEN) == {"predictions", "hidden"}
