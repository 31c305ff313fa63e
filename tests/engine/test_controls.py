"""Rows of what may be done: one for each thing that changed, in order, with what was seen and the limit it is compared with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import (
    BY_DATA_QUALITY,
    BY_DRAWDOWN,
    BY_DRIFT,
    BY_LOSS_STREAK,
    BY_OPERATOR,
    BY_VOLATILITY_SPIKE,
    PAUSE,
    RESET,
    TRIP,
    ControlRow,
)
from metastackerbandit.engine.controls import keep_control, keep_rests
from metastackerbandit.engine.world import Cursor, Seat
from tests.gated import LIMITS, limits_of

FIELDS = ("at_ns", "kind", "cause", "observed", "limit", "until_ns", "instrument")


def told(controls: Any, cursor: Any) -> list[tuple[Any, ...]]:
    """The rows that stand, as tuples."""
    return [tuple(one[name].item() for name in FIELDS) for one in controls[: int(cursor.controls)]]


def resting(tripped: int) -> Any:
    """A book with numbers of its own behind every breaker: 5 losses, volatility doubled, 7 bad bars, 1.5 nats."""
    seat = rows(Seat, 1)[0]
    seat.rests.tripped, seat.rests.losses, seat.rests.until_ns, seat.rests.bad, seat.rests.excess = tripped, 5, 900, 7, 1.5
    seat.activity.returns = LIMITS.pace.warm_up
    seat.activity.fast, seat.activity.fast_weight, seat.activity.slow, seat.activity.slow_weight = 4.0, 1.0, 1.0, 1.0
    return seat


TERMS = limits_of(rests__streak=4, rests__ratio=1.75, rests__bars=20, rests__bad_share=0.3, rests__excess=1.25)


@settings(max_examples=40)
@given(changed=st.integers(0, 15), tripped=st.integers(0, 15), before=st.integers(0, 3))
def test_every_breaker_that_changed_has_a_row_of_its_own_and_no_other(changed: int, tripped: int, before: int) -> None:
    cursor, controls = rows(Cursor, 1)[0], rows(ControlRow, 8)
    cursor.controls = before
    keep_rests(cursor, controls, resting(tripped), TERMS, changed, 77, 3)
    seen = [(BY_LOSS_STREAK, 5.0, 4.0, 900), (BY_VOLATILITY_SPIKE, 2.0, 1.75, 0), (BY_DATA_QUALITY, 0.35, 0.3, 0), (BY_DRIFT, 1.5, 1.25, 0)]
    expected = [
        (77, TRIP if tripped >> bit & 1 else RESET, cause, pytest.approx(observed), limit, until_ns, 3)
        for bit, (cause, observed, limit, until_ns) in enumerate(seen)
        if changed >> bit & 1
    ]
    assert told(controls, cursor)[before:] == expected
    assert not controls[:before]["at_ns"].any() and not controls[int(cursor.controls) :]["at_ns"].any()


def test_a_row_says_everything_of_what_changed() -> None:
    cursor, controls = rows(Cursor, 1)[0], rows(ControlRow, 3)
    keep_control(cursor, controls, 5, PAUSE, BY_OPERATOR, 0.0, 0.0, 0, -1)
    keep_control(cursor, controls, 6, TRIP, BY_DRAWDOWN, 0.21, 0.2, 86_400, 2)
    assert told(controls, cursor) == [(5, PAUSE, BY_OPERATOR, 0.0, 0.0, 0, -1), (6, TRIP, BY_DRAWDOWN, 0.21, 0.2, 86_400, 2)]
    assert cursor.controls == 2 and sum(int(cursor[name]) for name in Cursor.__struct_fields__) == 2


def test_a_spike_that_lifts_while_volatility_is_not_known_shows_no_ratio() -> None:
    cursor, controls, seat = rows(Cursor, 1)[0], rows(ControlRow, 1), resting(0)
    seat.activity.returns -= 1
    keep_rests(cursor, controls, seat, TERMS, 2, 77, 0)
    assert math.isnan(controls[0].observed) and controls[0].kind == RESET
