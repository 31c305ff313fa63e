"""Derived limits: what costs and barriers demand, said in each quantity, and the table of method 1.4 as known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metastackerbandit.decision.derived import (
    BY_P_DIR,
    BY_P_DIR_COND,
    BY_P_MAX3,
    BY_STRENGTH,
    CONFIDENCES,
    REACH,
    break_even_strength,
    confidence_of,
    effective,
    full_net_edge_bps,
    idle_share,
    least_confidence,
    least_net_edge_bps,
    least_worth,
    of_side,
    p_dir_cond_at,
    typical_barrier_bps,
    worth_bps,
    worth_scale,
)
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.quantities import conditional_confidence, directional_confidence, largest_probability, signal_of, strength_of
from metastackerbandit.domain.timeframe import YEAR_NS, frame_ns
from tests.covering import covers

COSTS = st.floats(0.0, 300.0)
BARRIERS = st.floats(1.0, 5_000.0)
ROUNDING = 1e-12  # a handful of operations on numbers of order 1, each right to 1.1e-16


@st.composite
def probabilities(draw: st.DrawFn) -> tuple[float, float, float]:
    """p_down, p_flat, p_up that sum to 1."""
    low, high = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    return low, 1.0 - high, high - low


@covers("A10", "E01", "0.21")
@given(probabilities())
def test_each_confidence_is_the_quantity_it_is_named_after_and_lies_in_its_range(given: tuple[float, float, float]) -> None:
    down, flat, up = given
    named = {
        BY_P_DIR: (directional_confidence(down, up), 0.0),
        BY_P_MAX3: (largest_probability(down, flat, up), 1.0 / 3.0),
        BY_P_DIR_COND: (conditional_confidence(down, up), 0.5),
        BY_STRENGTH: (strength_of(signal_of(down, up)), 0.0),
    }
    for quantity, (expected, least) in named.items():
        seen = confidence_of(quantity, down, flat, up)
        assert seen == expected
        assert least - ROUNDING <= seen <= 1.0


@covers("A10", "A11")
@given(probabilities(), COSTS, BARRIERS)
def test_a_limit_says_the_same_whichever_quantity_it_is_said_in(given: tuple[float, float, float], cost: float, barrier: float) -> None:
    down, flat, up = given
    strength, least = abs(up - down), break_even_strength(cost, barrier)
    assume(abs(strength - least) > 1e-9 and flat < 1.0 - 1e-6 and abs(max(down, up) - flat) > 1e-9)
    pays = strength >= least
    for quantity in (BY_P_DIR, BY_P_DIR_COND, BY_STRENGTH):
        assert (confidence_of(quantity, down, flat, up) >= least_confidence(quantity, cost, barrier, flat)) == pays, CONFIDENCES[quantity]
    passes = confidence_of(BY_P_MAX3, down, flat, up) >= least_confidence(BY_P_MAX3, cost, barrier, flat)
    assert passes == (pays and max(down, up) > flat)


@covers("A10", "0.21")
@given(st.floats(0.34, 1.0), COSTS, BARRIERS, st.floats(0.0, 1.0))
def test_a_confident_neutral_passes_no_p_max3(flat: float, cost: float, barrier: float, written: float) -> None:
    up = (1.0 - flat) * 0.5
    assume(up <= flat)
    limit = effective(written, least_confidence(BY_P_MAX3, cost, barrier, flat), 0)
    assert confidence_of(BY_P_MAX3, 1.0 - flat - up, flat, up) < limit


@given(COSTS, BARRIERS, st.floats(0.0, 0.9))
def test_a_trade_at_its_break_even_earns_its_cost_and_no_more(cost: float, barrier: float, flat: float) -> None:
    strength = break_even_strength(cost, barrier)
    assume(strength <= 1.0 - flat)
    up = p_dir_cond_at(strength, flat) * (1.0 - flat)
    down = 1.0 - flat - up
    assert up * barrier - down * barrier == pytest.approx(cost, abs=1e-9 * barrier)
    win = least_worth(cost, barrier)
    assert win > 1.0 or worth_bps(win, cost, barrier) == pytest.approx(0.0, abs=1e-9 * (barrier + cost))


@covers("A11")
@pytest.mark.parametrize("frame", ["5m", "15m", "1h"])
def test_worth_breaks_even_where_trades_between_barriers_do(frame: str) -> None:
    """20,000 walks of 1,000 steps, the sides named right with the chance that just pays: half of them never meet a barrier, some not even their cost.

    Standard errors .003 of a share and .005 of a barrier; steps see barriers .58 of a step late, .018 of their distance.
    """
    spec = label_spec(frame)
    rng, steps, width, walks = np.random.default_rng(5), 1_000, spec.width, 20_000
    barrier = typical_barrier_bps(0.5, spec.horizon * frame_ns(frame), YEAR_NS, width)
    ends = np.empty(walks)
    for n in range(walks):
        path = np.cumsum(rng.normal(0.0, 1.0 / math.sqrt(steps), steps))
        met = np.flatnonzero(np.abs(path) >= width)
        ends[n] = np.sign(path[met[0]]) if len(met) else path[-1] / width
    gone = np.abs(ends) * barrier
    assert gone.mean() / barrier == pytest.approx(REACH, abs=0.03)
    assert np.mean(gone <= TAKER) == pytest.approx(idle_share(TAKER, barrier), abs=0.01)
    right = 0.5 + 0.5 * TAKER / gone.mean()
    net = np.where(rng.random(walks) < right, gone, -gone) - TAKER
    assert np.mean(net > 0.0) == pytest.approx(least_worth(TAKER, barrier), abs=0.012)
    chance = np.mean(net > 0.0)
    assert net.mean() == pytest.approx(worth_bps(float(chance), TAKER, barrier), abs=0.035 * barrier)


@given(COSTS, COSTS, BARRIERS, st.floats(0.0, 0.9))
def test_dearer_trades_must_show_more(one: float, other: float, barrier: float, flat: float) -> None:
    cheap, dear = sorted((one, other))
    for quantity in range(len(CONFIDENCES)):
        assert least_confidence(quantity, cheap, barrier, flat) <= least_confidence(quantity, dear, barrier, flat)
    if dear <= barrier / label_spec("5m").least_cost_multiple:  # nearer barriers have no label
        assert worth_bps(0.5, cheap, barrier) >= worth_bps(0.5, dear, barrier) - 1e-9 * barrier
    assert 0.5 <= least_worth(cheap, barrier) < 0.56 or cheap > REACH * barrier
    assert least_net_edge_bps(cheap) <= least_net_edge_bps(dear)


@covers("0.25")
@given(st.floats(0, 1), st.floats(0, 1))
def test_the_stricter_limit_decides_unless_what_is_written_stands_alone(written: float, least: float) -> None:
    assert effective(written, least, 0) == max(written, least)
    assert effective(written, least, 1) == written
    assert effective(math.nan, least, 0) == effective(math.nan, least, 1) == least
    assert math.isnan(effective(written, math.nan, 0))
    assert math.isnan(effective(math.nan, math.nan, 1))


def test_a_side_has_its_own_limit_or_the_one_of_both() -> None:
    assert of_side(0.5, None) == 0.5
    assert of_side(0.5, 0.6) == 0.6
    assert of_side(None, 0.6) == 0.6
    assert of_side(0.5, 0.0) == 0.0
    assert math.isnan(of_side(None, None))


def test_what_is_not_known_gives_no_limit() -> None:
    assert math.isnan(break_even_strength(13.0, math.nan))
    assert math.isnan(break_even_strength(13.0, 0.0))
    for quantity in range(len(CONFIDENCES)):
        assert math.isnan(least_confidence(quantity, 13.0, math.nan, 0.4))
        assert math.isnan(confidence_of(quantity, math.nan, math.nan, math.nan))
    assert math.isnan(least_worth(13.0, math.nan)) and math.isnan(worth_bps(0.6, 13.0, math.nan))
    assert worth_scale(math.nan, 10.0, 13.0, 80.0) == 1.0


# method 1.4: 50 % annual volatility, taker fees of 5 bp twice, 3 bp a round trip for spread and impact, 1 bp of funding for each 8 h of the hold
TAKER = 13.0
TABLE = [("5m", 0.64, 0.20, 0.6), ("15m", 1.28, 0.10, 2.4), ("1h", 2.2, 0.06, 7.2)]  # frame, barrier %, break-even, hold in hours (.6 of the horizon)


@covers("A11")
@pytest.mark.parametrize(("frame", "barrier", "strength", "hold"), TABLE)
def test_the_typical_barriers_and_break_evens_are_those_of_the_method(frame: str, barrier: float, strength: float, hold: float) -> None:
    spec = label_spec(frame)
    seen = typical_barrier_bps(0.5, spec.horizon * frame_ns(frame), YEAR_NS, spec.width)
    assert seen == pytest.approx(100.0 * barrier, rel=0.01)
    assert break_even_strength(TAKER + hold / 8.0, seen) == pytest.approx(strength, abs=0.005)  # printed to two digits


@covers("A11")
def test_the_taker_break_even_of_five_minutes_is_a_fifth() -> None:
    assert break_even_strength(TAKER, 64.0) == pytest.approx(0.203, abs=0.0005)
    assert least_net_edge_bps(TAKER) == 3.25
    assert least_net_edge_bps(2.0) == 1.0
    assert full_net_edge_bps(TAKER) == 39.0
    assert least_worth(TAKER, 64.0) == pytest.approx(0.5438, abs=0.0001)


# -- what a meta-label leaves of the size ----------------------------------------------------------------------------------


@given(worth=st.floats(0.0, 1.0), edge=st.floats(0.1, 300.0), cost=st.floats(0.0, 40.0), barrier=st.floats(60.0, 300.0))
def test_the_size_is_what_the_meta_label_expects_over_what_the_stack_does_between_nothing_and_all(
    worth: float, edge: float, cost: float, barrier: float
) -> None:
    scale, expected = worth_scale(worth, edge, cost, barrier), worth_bps(worth, cost, barrier)
    assert 0.0 <= scale <= 1.0
    if expected <= 0.0:
        assert scale == 0.0
    else:
        assert scale == pytest.approx(min(expected / edge, 1.0))


def test_a_worth_by_hand() -> None:
    """Between barriers at 100 bps and free of cost nobody ends idle: right in 3 of 4, a trade expects half of what it goes."""
    expected = worth_bps(0.75, 0.0, 100.0)
    assert expected == pytest.approx(50.0 * REACH)
    assert worth_scale(0.75, 100.0, 0.0, 100.0) == pytest.approx(expected / 100.0)
    assert worth_scale(0.75, expected, 0.0, 100.0) == 1.0 and worth_scale(0.75, 1.0, 0.0, 100.0) == 1.0
    assert worth_scale(0.5, 100.0, 0.0, 100.0) == 0.0
    hardly = worth_bps(0.505, 0.0, 100.0)
    assert 0.0 < hardly < 1.0 and worth_scale(0.505, 10.0, 0.0, 100.0) == pytest.approx(hardly / 10.0)
    assert worth_bps(1.0, 13.0, 100.0) == pytest.approx(100.0 * REACH - 13.0)  # right at best always


def test_a_cost_beyond_the_barrier_leaves_as_many_idle_as_one_at_it() -> None:
    assert idle_share(300.0, 100.0) == idle_share(100.0, 100.0) > idle_share(50.0, 100.0) > idle_share(0.0, 100.0) == 0.0
    assert math.isnan(idle_share(13.0, 0.0)) and math.isnan(idle_share(13.0, -1.0))


def test_where_flat_is_certain_no_side_has_a_chance_given_that_there_is_one() -> None:
    assert math.isnan(p_dir_cond_at(0.2, 1.0)) and math.isnan(p_dir_cond_at(0.2, 1.5))
    assert p_dir_cond_at(0.2, 0.5) == 0.7


@given(barrier=st.floats(0.001, 1.0), horizon=st.integers(1, 100))
def test_barriers_grow_with_volatility_and_with_the_root_of_time(barrier: float, horizon: int) -> None:
    year = 400 * horizon
    assert typical_barrier_bps(barrier, horizon, year, 2.0) == pytest.approx(10_000 * 2.0 * barrier / 20.0, rel=1e-9)


def test_without_a_prediction_no_quantity_has_a_limit() -> None:
    for quantity in (BY_P_DIR, BY_P_MAX3, BY_P_DIR_COND):
        assert math.isnan(least_confidence(quantity, 13.0, 80.0, math.nan))
    assert least_confidence(BY_STRENGTH, 13.0, 80.0, math.nan) == 13.0 / 80.0  # a strength does not ask how likely FLAT is
