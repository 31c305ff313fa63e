"""Caps: each leaves what it says, none enlarges, and a gate's verdict is the room's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from metastackerbandit.risk.caps import heat_with, kept_under, room_for, room_for_heat, smaller
from tests.covering import covers

MONEY = 10**8  # one dollar
EQUITY = 10_000 * MONEY
LOT = 50.0 * MONEY
CLOSE = 1e-9  # a float's share of rounding in sums of money


@covers("2.128", "4.73")
@given(most=st.floats(0.01, 20), equity=st.integers(-(10**15), 10**17), used=st.floats(-1e17, 1e17), a_lot=st.floats(1.0, 1e15))
def test_what_a_cap_leaves_fills_it_and_not_more(most: float, equity: int, used: float, a_lot: float) -> None:
    room = room_for(most, equity, used, a_lot)
    assert 0.0 <= room <= 4e18
    if room:
        scale = abs(used) + most * abs(equity)
        assert used + int(room) * a_lot <= most * equity + CLOSE * scale
        assert room == 4e18 or used + (int(room) + 1) * a_lot >= most * equity - CLOSE * scale
    else:
        assert used >= most * equity


def test_room_by_hand() -> None:
    assert room_for(1.0, EQUITY, 0.0, LOT) == 200.0
    assert room_for(3.0, EQUITY, 25_000.0 * MONEY, LOT) == 100.0
    assert room_for(3.0, EQUITY, 40_000.0 * MONEY, LOT) == 0.0  # over the cap already
    assert room_for(1.0, EQUITY, -5_000.0 * MONEY, LOT) == 300.0  # others that offset make room
    assert room_for(1.0, EQUITY, 0.0, 0.0) == 4e18
    assert math.isnan(room_for(1.0, EQUITY, math.nan, LOT)) and math.isnan(room_for(1.0, EQUITY, 0.0, math.nan))


@covers("4.75", "4.76")
@given(heats=st.lists(st.floats(-500, 500), min_size=1, max_size=4), rho=st.floats(-0.3, 0.99), most=st.floats(0.001, 0.1), a_lot=st.floats(0.01, 50))
def test_correlated_room_is_the_largest_size_whose_quadratic_form_keeps_the_cap(heats: list[float], rho: float, most: float, a_lot: float) -> None:
    """The trade is on a symbol of its own, with correlation rho to all others, which have rho among themselves."""
    square = sum(h * h for h in heats) + 2 * rho * sum(a * b for n, a in enumerate(heats) for b in heats[:n])
    along = rho * sum(heats)
    room = room_for_heat(most, 10_000, square, along, a_lot)
    cap = most * 10_000
    if room > 0:
        assert heat_with(square, along, room * a_lot) == pytest.approx(cap, rel=1e-6)
        assert heat_with(square, along, (room + 1.0) * a_lot) > cap
    else:
        assert heat_with(square, along, a_lot) > cap or square > cap * cap


def test_a_hedge_makes_room_and_a_bet_on_the_same_thing_takes_it() -> None:
    held = 300.0
    alone = room_for_heat(0.04, 10_000, 0.0, 0.0, 1.0)
    same = room_for_heat(0.04, 10_000, held * held, held, 1.0)
    hedge = room_for_heat(0.04, 10_000, held * held, -held, 1.0)
    assert (alone, same, hedge) == (400.0, 100.0, 700.0)
    assert room_for_heat(0.04, 10_000, 500.0 * 500.0, 500.0, 1.0) == 0.0


def test_a_room_that_is_not_known_leaves_the_size_to_its_gate() -> None:
    assert smaller(7, math.nan) == 7
    assert smaller(7, 3.9) == 3
    assert smaller(-1, 0.0) == -1


@given(observed=st.floats(0, 10), limit=st.floats(0, 10), room=st.floats(0, 100), lots=st.integers(0, 100))
def test_the_rooms_verdict_stands_and_its_number_agrees(observed: float, limit: float, room: float, lots: int) -> None:
    seen, against, verdict = kept_under(observed, limit, room, float(lots))
    assert verdict == (PASS if lots <= room else BLOCK)
    assert against == limit and (seen <= limit) == (verdict == PASS)


def test_nothing_known_is_unknown() -> None:
    assert kept_under(0.5, 1.0, math.nan, 1.0)[2] == UNKNOWN
    assert kept_under(math.nan, 1.0, 5.0, 1.0)[2] == UNKNOWN


def test_a_heat_that_is_not_known_has_no_room_that_is() -> None:
    for unknown in ((math.nan, 0.0, 1.0), (0.0, math.nan, 1.0), (0.0, 0.0, math.nan)):
        assert math.isnan(room_for_heat(0.04, 10_000, *unknown))


def test_a_tiny_cap_is_a_cap() -> None:
    """In units of money as small as one: nothing about the limits of the formula is a matter of size."""
    assert room_for(1.0, 1, 0.5, 0.25) == 2.0 and room_for(1.0, 1, 1.0, 0.25) == 0.0
    assert room_for_heat(0.5, 1, 0.0, 0.0, 0.125) == 4.0
    assert room_for_heat(0.5, 1, 0.16, 0.0, 0.1) == pytest.approx(3.0)  # held at right angles: 3, 4, 5
    assert room_for_heat(1.0, 1, 1.0, 0.0, 0.5) == 0.0  # the cap is reached already
    assert room_for_heat(0.0, 10_000, 0.0, -5.0, 1.0) == 0.0  # a cap of nothing leaves nothing, whatever is hedged
    assert heat_with(0.04, 0.0, 0.0) == pytest.approx(0.2) and heat_with(1.0, -1.0, 1.0) == 0.0


def test_a_lot_that_adds_no_heat_may_be_taken_without_end() -> None:
    assert room_for_heat(0.04, 10_000, 0.0, 0.0, 0.0) == 4e18
    assert room_for_heat(0.04, 10_000, 0.0, 0.0, 1e-300) == 4e18 and room_for(1.0, EQUITY, 0.0, 1e-300) == 4e18
