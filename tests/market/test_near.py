"""The nearest levels: held as far as they are known, and compared only where both pictures reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.micro import SumsRow
from metastackerbandit.market.near import NEAR, NOWHERE, NearRow, count_changes, depth_of, hold, keep, place_of

SIDES = st.dictionaries(st.integers(1, 60), st.integers(1, 99), min_size=1, max_size=40)


def held(side: dict[int, int], sign: int, known: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A side's nearest levels, of a book's array with the best price last."""
    levels = np.array(sorted(side.items(), key=lambda level: sign * level[0]), np.int64)
    near, copies = rows(NearRow, 1), np.zeros((NEAR, 2), np.int64)
    hold(near[0], copies, levels, len(levels), sign, known)
    return near, copies


@given(side=SIDES, sign=st.sampled_from([1, -1]), known=st.integers(0, 60))
def test_what_is_held_is_the_best_that_is_known(side: dict[int, int], sign: int, known: int) -> None:
    near, levels = held(side, sign, known)
    expected = [ticks for ticks in sorted(side, key=lambda ticks: -sign * ticks) if known == 0 or sign * ticks >= sign * known][:NEAR]
    count = int(near[0]["count"])
    assert levels[:count].tolist() == [[ticks, side[ticks]] for ticks in expected]
    floor = sign * expected[-1] if count == NEAR else (sign * known if known else NOWHERE)
    assert near[0]["floor"] == floor
    for n in (1, 5, 20):
        lots = depth_of(near[0], levels, n)
        if count >= n or known == 0:
            assert lots == sum(side[ticks] for ticks in expected[:n])
        else:
            assert math.isnan(lots)
    for ticks in range(62):
        assert place_of(near[0], levels, sign, ticks) == (expected.index(ticks) if ticks in expected else -1)


@given(before=SIDES, after=SIDES, sign=st.sampled_from([1, -1]))
def test_what_came_and_went_is_counted_where_both_pictures_reach(before: dict[int, int], after: dict[int, int], sign: int) -> None:
    (old, olds), (near, levels) = held(before, sign), held(after, sign)
    tally = rows(SumsRow, 1)
    count_changes(old[0], olds, near[0], levels, sign, tally[0])
    floor = max(int(old[0]["floor"]), int(near[0]["floor"]))
    changes = [after.get(t, 0) - before.get(t, 0) for t in before.keys() | after.keys() if sign * t >= floor]
    assert tally[0]["added"] == sum(change for change in changes if change > 0)
    assert tally[0]["removed"] == -sum(change for change in changes if change < 0)


def test_a_copy_is_what_is_held() -> None:
    near, levels = held({5: 1, 7: 2}, 1)
    other, copies = rows(NearRow, 1), np.full((NEAR, 2), 9, np.int64)
    keep(near[0], levels, other[0], copies)
    assert other.tobytes() == near.tobytes() and copies[:2].tolist() == [[7, 2], [5, 1]] and copies[2:].tolist() == [[9, 9]] * (NEAR - 2)


def test_a_level_that_leaves_the_window_was_not_cancelled() -> None:
    """A better bid pushes the twentieth out: one came, none went."""
    before = {100 - n: 10 for n in range(NEAR)}
    (old, olds), (near, levels) = held(before, 1), held({101: 4, **before}, 1)
    tally = rows(SumsRow, 1)
    count_changes(old[0], olds, near[0], levels, 1, tally[0])
    assert (tally[0]["added"], tally[0]["removed"]) == pytest.approx((4.0, 0.0))
