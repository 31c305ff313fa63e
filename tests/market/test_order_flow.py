"""Order flow of a level: Cont, Kukanov and Stoikov's three cases, on either side."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.market.order_flow import flow_at
from tests.market.test_near import SIDES, held


@pytest.mark.parametrize(("sign", "better", "worse"), [(1, 101, 99), (-1, 99, 101)])
def test_a_level_gains_all_of_a_better_one_loses_all_of_a_worse_one_and_the_difference_of_the_same(sign: int, better: int, worse: int) -> None:
    old, olds = held({100: 10}, sign)
    for after, expected in (({better: 4}, 4.0), ({worse: 4}, -10.0), ({100: 4}, -6.0), ({100: 10}, 0.0)):
        near, levels = held(after, sign)
        assert flow_at(old[0], olds, near[0], levels, sign, 0) == expected
        assert math.isnan(flow_at(old[0], olds, near[0], levels, sign, 1))


@given(before=SIDES, after=SIDES, sign=st.sampled_from([1, -1]), m=st.integers(0, 4))
def test_a_flow_is_the_papers_formula(before: dict[int, int], after: dict[int, int], sign: int, m: int) -> None:
    (old, olds), (near, levels) = held(before, sign), held(after, sign)
    found = flow_at(old[0], olds, near[0], levels, sign, m)
    if m >= min(len(before), len(after)):
        assert math.isnan(found)
        return
    (p0, q0), (p1, q1) = (sorted(side.items(), key=lambda level: -sign * level[0])[m] for side in (before, after))
    assert found == (sign * p1 >= sign * p0) * q1 - (sign * p1 <= sign * p0) * q0
