"""Exit prices: mirrored around the entry, the stop rounded towards it, the target away from it, never at it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.exits.rules import rules_of, stop_fill, stop_hit, stop_price, target_fill, target_hit, target_price
from metastackerbandit.exits.settings import ExitSettings

ENTRIES = st.integers(2, 2**40)
DISTANCES = st.integers(0, 99_990_000)  # up to 9,999 bps
SIDES = st.sampled_from([-1, 1])


@given(entry=ENTRIES, distance=DISTANCES, side=SIDES)
def test_a_stop_is_rounded_towards_the_entry_and_at_least_a_tick_off(entry: int, distance: int, side: int) -> None:
    away = floor(Fraction(entry * distance, 10**8))
    assert side * (entry - stop_price(side, entry, distance)) == max(away, 1)


@given(entry=st.integers(1, 2**40), distance=DISTANCES)
def test_a_target_is_rounded_away_from_the_entry_and_at_least_a_tick_off(entry: int, distance: int) -> None:
    away = max(ceil(Fraction(entry * distance, 10**8)), 1)
    assert target_price(1, entry, distance) == entry + away
    assert target_price(-1, entry, distance) == max(entry - away, 1)


@given(entry=ENTRIES, distance=DISTANCES)
def test_long_and_short_exits_are_mirrored_around_the_entry(entry: int, distance: int) -> None:
    assert stop_price(1, entry, distance) + stop_price(-1, entry, distance) == 2 * entry
    if target_price(-1, entry, distance) > 1:
        assert target_price(1, entry, distance) + target_price(-1, entry, distance) == 2 * entry


@given(entry=ENTRIES, near=DISTANCES, far=DISTANCES, side=SIDES)
def test_a_wider_distance_is_never_a_nearer_price(entry: int, near: int, far: int, side: int) -> None:
    near, far = min(near, far), max(near, far)
    assert side * stop_price(side, entry, near) >= side * stop_price(side, entry, far)
    assert side * target_price(side, entry, near) <= side * target_price(side, entry, far)


@given(entry=st.integers(1, 2**40), distance=DISTANCES, side=SIDES)
def test_exit_prices_stay_positive(entry: int, distance: int, side: int) -> None:
    assert stop_price(side, entry, distance) >= 1
    assert target_price(side, entry, distance) >= 1


def test_exits_of_a_bitcoin_entry_at_50_000() -> None:
    assert stop_price(1, 500_003, 1_000_000) == 495_003  # 1 % is 5000.03 ticks
    assert stop_price(-1, 500_003, 1_000_000) == 505_003
    assert target_price(1, 500_003, 1_000_000) == 505_004
    assert target_price(-1, 500_003, 1_000_000) == 495_002


@given(trigger=st.integers(2, 10**6), low=st.integers(1, 10**6), width=st.integers(0, 10**4))
def test_a_long_stop_and_a_short_target_are_hit_by_the_same_bars(trigger: int, low: int, width: int) -> None:
    high = low + width
    assert stop_hit(1, trigger, low, high) == target_hit(-1, trigger, low, high) == (low <= trigger)
    assert stop_hit(-1, trigger, low, high) == target_hit(1, trigger, low, high) == (high >= trigger)


@given(trigger=st.integers(1, 10**6), first=st.integers(1, 10**6), side=SIDES)
def test_a_stop_never_fills_better_than_its_trigger_nor_a_target_worse_and_the_first_price_counts_where_it_is_beyond(
    trigger: int, first: int, side: int
) -> None:
    stop, target = stop_fill(side, trigger, first), target_fill(side, trigger, first)
    assert side * stop <= side * trigger <= side * target and {stop, target} == {trigger, first}
    assert (stop == first) == stop_hit(side, trigger, first, first) and (target == first) == target_hit(side, trigger, first, first)


@pytest.mark.parametrize(
    ("chosen", "stop", "target"),
    [
        (ExitSettings(), 1_200_000, 2_500_000),
        (ExitSettings(stop_bps=0.0, target_bps=0.0), 0, 0),
        (ExitSettings(stop_bps=55.5), 555_000, 2_500_000),
        (ExitSettings(target_bps=9_999.0), 1_200_000, 99_990_000),
    ],
)
def test_null_takes_the_arms_exits_and_zero_switches_them_off(chosen: ExitSettings, stop: int, target: int) -> None:
    rules = rules_of(chosen, arm_stop_bps=120.0, arm_target_bps=250.0)
    assert (rules.stop, rules.target) == (stop, target)


def test_trail_and_time_are_off_unless_asked_for() -> None:
    assert (rules_of(ExitSettings(), 0.0, 0.0).trail, rules_of(ExitSettings(), 0.0, 0.0).max_bars) == (0, 0)
    chosen = rules_of(ExitSettings(trail_bps=80.0, max_bars=7), 0.0, 0.0)
    assert (chosen.trail, chosen.max_bars) == (800_000, 7)
