"""Shadow portfolios: each arm's own path, entered at the next open, net of its costs, in pieces that do not overlap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.stacking.shadow import MOST_OUTCOMES, Outcome, Shadow, advance, charge, want
from tests.covering import covers

COST, SIGMA, BOUND = 0.001, 0.01, 6.0

Found = list[tuple[float, int, int, int]]


def bars(prices: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Bars of open, high, low, close."""
    made = rows(Bar, len(prices))
    for place, (start, high, low, close) in enumerate(prices):
        made[place].open, made[place].high, made[place].low, made[place].close = start, high, low, close
    return made


def level(*opens: int) -> np.ndarray:
    """Bars that stay at their open."""
    return bars([(one, one, one, one) for one in opens])


def live(
    path: np.ndarray,
    wants: list[int],
    *,
    cost: float = COST,
    stop: float = 0.0,
    target: float = 0.0,
    horizon: int = 100,
    predicted: int = 0,
    cells: list[int] | None = None,
    sigma: float = SIGMA,
) -> tuple[list[Found], np.ndarray]:
    """Outcomes (outcome, cell, side, bars) by bar, and the shadow at the end."""
    shadow, outcomes, found = rows(Shadow, 1), rows(Outcome, MOST_OUTCOMES), []
    for place, side in enumerate(wants):
        count = advance(shadow[0], path[place], cost, BOUND, outcomes)
        found.append([outcomes[i].item()[:4] for i in range(count)])
        want(shadow[0], side, cells[place] if cells else 0, sigma, stop, target, horizon, predicted)
    return found, shadow


def flat_list(found: list[Found]) -> Found:
    return [one for some in found for one in some]


def test_a_side_is_entered_at_the_next_open_and_left_at_the_open_after_it_changes():
    """Decided at the close of bar 1 in cell 4, entered at 210, left at the open of bar 5; an outcome of 7 volatilities counts as 6."""
    """Decided at the close of bar 1 in cell 4, entered at 210, left at the open of bar 5; an outcome of 7 volatilities counts as 6."""
    found, _ = live(level(100, 200, 210, 220, 231, 225), [0, 1, 1, 1, 0, 0], cells=[0, 4, 1, 2, 3, 5])
    assert found[:5] == [[], [], [], [], []]
    assert (225 / 210 - 1 - COST) / SIGMA > BOUND
    assert found[5] == [pytest.approx((BOUND, 4, 1, 3))]


def test_an_outcome_is_the_net_return_in_units_of_volatility():
    found, _ = live(level(1000, 1000, 1020, 1020), [1, 1, 0, 0])
    assert flat_list(found) == [pytest.approx(((1020 / 1000 - 1 - COST) / SIGMA, 0, 1, 2))]


def test_turning_around_pays_both_trades():
    found, _ = live(level(1000, 1000, 1010, 1000, 1000), [1, -1, -1, 0, 0])
    one, other = flat_list(found)
    assert one == pytest.approx(((0.01 - COST) / SIGMA, 0, 1, 1))
    assert other == pytest.approx(((10 / 1010 - COST) / SIGMA, 0, -1, 2))


def test_flat_gives_no_outcome():
    found, shadow = live(level(*range(100, 150)), [0] * 50)
    assert flat_list(found) == [] and shadow[0].held.side == 0


def test_a_side_held_past_the_horizon_is_marked_there_and_pays_only_when_it_trades():
    found, _ = live(level(1000, 1000, 1010, 1020, 1030, 1040, 1050), [1, 1, 1, 1, 1, 0, 0], horizon=2)
    first, second, last = flat_list(found)
    assert first == pytest.approx(((1020 / 1000 - 1 - COST / 2) / SIGMA, 0, 1, 2))
    assert second == pytest.approx(((1040 / 1020 - 1) / SIGMA, 0, 1, 2))
    assert last == pytest.approx(((1050 / 1040 - 1 - COST / 2) / SIGMA, 0, 1, 1))


STEPS = st.tuples(st.integers(900, 1100), st.integers(0, 40), st.integers(0, 40), st.sampled_from([-1, 0, 1, KEEP]))  # open, up, down, wanted


def test_each_piece_of_a_side_is_measured_by_the_volatility_and_context_of_its_own_start():
    path, outcomes, shadow, found = level(1000, 1000, 1010, 1020), rows(Outcome, MOST_OUTCOMES), rows(Shadow, 1), []
    for place, (sigma, cell) in enumerate([(0.01, 1), (0.02, 2), (0.04, 3), (0.05, 4)]):
        found += [outcomes[i].item()[:4] for i in range(advance(shadow[0], path[place], 0.0, BOUND, outcomes))]
        want(shadow[0], 1 if place == 0 else KEEP, cell, sigma, 0.0, 0.0, 1, 0)
    assert found == [pytest.approx((0.01 / 0.01, 1, 1, 1)), pytest.approx((10 / 1010 / 0.02, 2, 1, 1))]


PATHS = st.lists(STEPS, min_size=3, max_size=40)


def drawn(steps: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, list[int]]:
    return bars([(p, p + up, p - down, p) for p, up, down, _ in steps]), [step[3] for step in steps]


@given(steps=PATHS, horizon=st.integers(1, 8))
def test_the_pieces_of_a_rule_arm_add_up_to_its_whole_path(steps, horizon):
    """Compounded before costs, pieces of one side are the side's whole move: nothing is counted twice, nothing is left out."""
    path, wants = drawn(steps)
    found, shadow = live(path, wants, cost=0.0, horizon=horizon, sigma=0.5)
    side, wish, opened, total = 0, 0, 0, 0.0
    for place, wanted in enumerate(wants):
        price = int(path[place].open)
        if wish != side:
            if side != 0:
                total += side * math.log(price / opened)
            side, opened = wish, price
        wish = wish if wanted == KEEP else wanted
    if side != 0:
        total += side * math.log(shadow[0].entry / opened)
    pieces = sum(one[2] * math.log(1.0 + one[2] * one[0] * 0.5) for one in flat_list(found))
    assert pieces == pytest.approx(total, abs=1e-9)


@covers("K6")
@given(steps=PATHS, horizon=st.integers(1, 8), predicted=st.integers(0, 1), stop=st.sampled_from([0.0, 0.013]), target=st.sampled_from([0.0, 0.021]))
def test_the_mirrored_path_of_mirrored_wants_ends_at_the_same_bars(steps, horizon, predicted, stop, target):
    """Prices mirrored about 1000 are not mirrored returns, but with entries at 1000 they are."""
    steps = [(1000, up, down, side) for _, up, down, side in steps]
    path, wants = drawn(steps)
    mirrored = bars([(2000 - int(bar.open), 2000 - int(bar.low), 2000 - int(bar.high), 2000 - int(bar.close)) for bar in path])
    one, _ = live(path, wants, horizon=horizon, predicted=predicted, stop=stop, target=target)
    other, _ = live(mirrored, [w if w == KEEP else -w for w in wants], horizon=horizon, predicted=predicted, stop=stop, target=target)
    assert [len(some) for some in one] == [len(some) for some in other]
    for left, right in zip(flat_list(one), flat_list(other), strict=True):
        assert left[0] == pytest.approx(right[0], abs=1e-9) and left[2] == -right[2] and left[3] == right[3]


@given(steps=PATHS, cut=st.integers(1, 38), stop=st.sampled_from([0.0, 0.013]))
def test_later_bars_change_no_outcome_and_a_snapshot_goes_on(steps, cut, stop):
    path, wants = drawn(steps)
    cut = min(cut, len(wants))
    whole, _ = live(path, wants, horizon=3, stop=stop)
    part, shadow = live(path[:cut], wants[:cut], horizon=3, stop=stop)
    assert whole[:cut] == part
    again, outcomes = np.frombuffer(shadow.tobytes(), shadow.dtype).copy(), rows(Outcome, MOST_OUTCOMES)
    for place in range(cut, len(wants)):
        count = advance(again[0], path[place], COST, BOUND, outcomes)
        assert [outcomes[i].item()[:4] for i in range(count)] == whole[place]
        want(again[0], wants[place], 0, SIGMA, stop, 0.0, 3, 0)


def test_the_stop_counts_first_and_a_gap_through_it_is_filled_at_the_open():
    inside = bars([(1000,) * 4, (1000, 1030, 985, 1000)])
    found, _ = live(inside, [1, 1], stop=0.01, target=0.02)
    assert flat_list(found) == [pytest.approx(((-0.01 - COST) / SIGMA, 0, 1, 1))]
    gap = bars([(1000,) * 4, (1000,) * 4, (950, 960, 940, 955)])
    found, _ = live(gap, [1, 1, 1], stop=0.01)
    assert flat_list(found) == [pytest.approx(((-0.05 - COST) / SIGMA, 0, 1, 2))]


def test_a_target_is_left_at_its_limit():
    found, _ = live(bars([(1000,) * 4, (1000, 1000, 970, 980)]), [-1, -1], stop=0.01, target=0.02)
    assert flat_list(found) == [pytest.approx(((0.02 - COST) / SIGMA, 0, -1, 1))]


def test_one_bar_can_end_a_piece_at_its_open_and_the_next_inside():
    path = bars([(1000,) * 4, (1000,) * 4, (1005, 1020, 1005, 1010)])
    found, _ = live(path, [1, -1, -1], stop=0.01)
    assert found[2] == [pytest.approx(((0.005 - COST) / SIGMA, 0, 1, 1)), pytest.approx(((-0.01 - COST) / SIGMA, 0, -1, 1))]


def test_a_rule_arms_signal_is_used_up_by_its_stop_and_a_predictions_is_not():
    path = bars([(1000,) * 4, (1000, 1000, 980, 990), *[(990,) * 4] * 5])
    rule, _ = live(path, [1, 1, 1, KEEP, 0, 1, 1], stop=0.01)
    assert [len(some) for some in rule] == [0, 1, 0, 0, 0, 0, 0]
    _, shadow = live(path, [1, 1, 1, 1, 1, 1, 1], stop=0.01)
    assert shadow[0].held.side == 0
    _, shadow = live(path, [1, 1, 1, 1, 0, 1, 1], stop=0.01)
    assert shadow[0].held.side == 1
    _, shadow = live(path, [1, 1, 1, 1, 1, 1, 1], stop=0.01, predicted=1)
    assert shadow[0].held.side == 1


def test_a_predicted_trade_leaves_when_its_time_is_up_unless_its_side_is_asked_for_anew():
    path = level(1000, 1000, 1010, 1020, 1030, 1040)
    left, shadow = live(path, [1, KEEP, KEEP, KEEP, KEEP, KEEP], horizon=2, predicted=1)
    assert flat_list(left) == [pytest.approx(((0.02 - COST) / SIGMA, 0, 1, 2))] and shadow[0].held.side == 0
    renewed, shadow = live(path, [1, KEEP, 1, KEEP, KEEP, KEEP], horizon=2, predicted=1)
    assert flat_list(renewed)[0] == pytest.approx(((0.02 - COST / 2) / SIGMA, 0, 1, 2))
    assert flat_list(renewed)[1] == pytest.approx(((1040 / 1020 - 1 - COST / 2) / SIGMA, 0, 1, 2))


def test_a_renewed_trade_keeps_the_stop_of_its_entry():
    path = bars([(1000,) * 4, (1000,) * 4, (1050,) * 4, (1050, 1050, 1030, 1040), (1040, 1040, 985, 990)])
    found, _ = live(path, [1, 1, 1, 1, 1], horizon=1, predicted=1, stop=0.01)
    assert [len(some) for some in found] == [0, 0, 1, 1, 2]
    assert found[4][1][0] == pytest.approx((990 / 1040 - 1 - COST / 2) / SIGMA)


def test_funding_is_charged_to_longs_and_paid_to_shorts():
    for side in (1, -1):
        shadow, outcomes, path = rows(Shadow, 1), rows(Outcome, MOST_OUTCOMES), level(1000, 1000, 1000)
        for place, wanted in enumerate((side, 0, 0)):
            count = advance(shadow[0], path[place], COST, BOUND, outcomes)
            want(shadow[0], wanted, 0, SIGMA, 0.0, 0.0, 9, 0)
            charge(shadow[0], 0.0003)
        assert count == 1 and outcomes[0].outcome == pytest.approx((-COST - side * 0.0003) / SIGMA)


def test_without_a_known_volatility_or_context_nothing_new_is_begun():
    for sigma, cell in ((math.nan, 0), (0.0, 0), (0.01, -1)):
        _, shadow = live(level(1000, 1000, 1000), [1, 1, 1], sigma=sigma, cells=[cell] * 3)
        assert shadow[0].held.side == 0
    shadow, outcomes = rows(Shadow, 1), rows(Outcome, MOST_OUTCOMES)
    want(shadow[0], 1, 0, SIGMA, 0.0, 0.0, 9, 0)
    for _ in range(3):
        assert advance(shadow[0], level(1000)[0], COST, BOUND, outcomes) == 0
        want(shadow[0], 1, 0, math.nan, 0.0, 0.0, 9, 0)
    assert shadow[0].held.side == 1 and shadow[0].bars == 3


@covers("A25")
@given(steps=PATHS)
def test_doubling_the_cost_costs_what_was_traded_and_nothing_else(steps):
    """A piece loses half a round trip for each of its trades; marks at the horizon cost nothing."""
    path, wants = drawn(steps)
    free, cheap, dear = (flat_list(live(path, wants, cost=cost, horizon=3, sigma=0.5)[0]) for cost in (0.0, 0.001, 0.002))
    for none, one, two in zip(free, cheap, dear, strict=True):
        assert none[0] - two[0] == pytest.approx(2 * (none[0] - one[0]), abs=1e-12)
        assert min(abs((none[0] - one[0]) * 0.5 - trades * 0.0005) for trades in (0, 1, 2)) < 1e-12
