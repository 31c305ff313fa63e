"""The input's blocks by the second: the consolidated book's tensor, its heatmap, the middle price, and what was traded."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.input_state import (
    DAY_S,
    FLOW,
    IMBALANCE,
    RETURN,
    SPREAD,
    TRADES,
    VOLUME,
    deviation,
    score_then_take,
    take_square,
    take_value,
)
from metastackerbandit.features.input_trades import flow_of
from metastackerbandit.market.cob import bucket_imbalance, resting

COLUMNS, MIDDLE, HEAT = 41, 20, 10
RESTS, CHANGE, TRADED, STANDING = range(4)
LONGEST_S = 300.0  # a bucket is told to have stood no longer: as long as history is kept


@kernel
def _blank(state: Any, place: int) -> None:
    """A second of which nothing is known."""
    for at in (place, place + 300):
        state.cob[:, at, :] = math.nan
        state.heat[at, :] = math.nan
        state.micro[at, :] = math.nan
        state.log_mids[at] = math.nan


@kernel
def _take_columns(state: Any, bids: Any, asks: Any, second: int, shift: int, told: Any) -> None:
    """The second's buckets of (V, C): `shift` is by how many the middle's moved since the second before (beyond the columns: nobody knows)."""
    usual = state.course[0].usual
    was, now, place = 1 - (second & 1), second & 1, second % 300
    unit = usual.centre if usual.seen > 0 else math.nan
    total, known = 0.0, 0
    for c in range(COLUMNS):
        amount = resting(bids, c) + resting(asks, c)
        column = state.columns[c]
        sigma = deviation(column)
        before = c + shift
        stood = 0 <= before < COLUMNS
        log = math.log1p(amount)
        change = (log - state.logs[was, before]) / sigma if stood else math.nan
        age = 0.0
        if amount > 0.0:
            age = min((state.ages[was, before] if stood else 0.0) + 1.0, LONGEST_S)
            total += amount
            known += 1
        state.logs[now, c] = log
        state.ages[now, c] = age
        flow = state.flow[c]
        traded = math.copysign(math.log1p(abs(flow) / unit), flow) if usual.seen >= 30 else math.nan
        standing = math.log1p(age) if c != MIDDLE else told[2]
        score = score_then_take(column, log, DAY_S)
        for at in (place, place + 300):
            state.cob[RESTS, at, c] = score
            state.cob[CHANGE, at, c] = change
            state.cob[TRADED, at, c] = traded
            state.cob[STANDING, at, c] = standing if not math.isnan(amount) else math.nan
            if MIDDLE - HEAT <= c <= MIDDLE + HEAT:
                state.heat[at, c - MIDDLE + HEAT] = bucket_imbalance(bids, asks, c)
    if known > 0:
        take_value(usual, total / known, DAY_S)


@kernel
def _take_micro(state: Any, second: int, middle: float, spread: float, imbalance: float, is_next: bool, told: Any) -> None:
    """The second's row of prices and trades: `told` is what was bought, sold, and log1p of how many trades, NaN where not known."""
    course, place = state.course[0], second % 300
    log_mid = math.log(middle)
    change = log_mid - course.log_mid if is_next else math.nan
    value = told[0] + told[1]
    for at in (place, place + 300):
        state.log_mids[at] = log_mid
        state.micro[at, RETURN] = change / deviation(course.returns)
        state.micro[at, IMBALANCE] = imbalance
        state.micro[at, FLOW] = (told[0] - told[1]) / value if value > 0.0 else math.nan
        state.micro[at, TRADES] = told[2]
    wide = math.log(spread * 1e-4 / deviation(course.returns)) if spread > 0.0 else math.nan
    volume = score_then_take(course.volumes, told[3], DAY_S)
    for at in (place, place + 300):
        state.micro[at, SPREAD] = wide
        state.micro[at, VOLUME] = volume
    if not math.isnan(change):
        take_square(course.returns, change, DAY_S)
    course.log_mid = log_mid


@kernel
def _forget_columns(state: Any) -> None:
    """Buckets are of another width from now on: nothing that was told by bucket can be compared with them."""
    state.cob[:, :, :] = math.nan
    state.heat[:, :] = math.nan
    for c in range(COLUMNS):
        column = state.columns[c]
        column.seen = 0
        column.centre = 0.0
        column.variance = 0.0
    usual = state.course[0].usual
    usual.seen = 0
    usual.centre = 0.0
    usual.variance = 0.0


@kernel
def take_second(state: Any, bars: Any, cob: Any, s: int, second: int) -> None:
    """Take one second that is closed and newer than the last."""
    course = state.course[0]
    place = second % 300
    for missed in range(max(course.second + 1, second - 299), second + 1):
        _blank(state, missed % 300)
    width, centre = cob.widths[s, place], cob.centres[s, place]
    middle = cob.mids[s, place]
    is_next = course.second == second - 1 and course.width == width
    told = flow_of(bars, s, second, width, centre, cob.terms[s].unit, state.flow)
    shift = centre - course.centre if is_next else COLUMNS
    if math.isnan(middle):
        for c in range(COLUMNS):
            state.logs[second & 1, c] = math.nan
            state.ages[second & 1, c] = 0.0
    else:
        if course.width != width and course.width > 0:
            _forget_columns(state)
        _take_columns(state, cob.bids[s, :, place], cob.asks[s, :, place], second, shift, told)
        course.centre = centre
        course.width = width
        course.price = middle
    _take_micro(state, second, middle, cob.spreads[s, place], cob.imbalances[s, place], is_next, told)
    course.second = second


@kernel
def take_seconds(state: Any, bars: Any, cob: Any, s: int) -> None:
    """Take the seconds of an instrument that the consolidated book (market.cob) has closed since the last time, with the trades in them."""
    newest = cob.row[s].second
    if newest == 0:
        return
    first = max(state.course[0].second + 1, newest - cob.row[s].written + 1, newest - 299)
    for second in range(first, newest + 1):
        take_second(state, bars, cob, s, second)
