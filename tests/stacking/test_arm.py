"""What an arm starts with: parameters first, room behind them, and no lengths that cross or could overflow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.money import BOUND
from metastackerbandit.stacking.arm import prepared, refuse_crossed, refuse_inexact
from tests.covering import covers

INTEGERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)


@given(memory=INTEGERS, room=st.integers(0, 6), reals=st.lists(st.floats(-9.0, 9.0), max_size=4), warm_up=st.integers(1, 99))
def test_parameters_come_first_and_then_room(memory: list[int], room: int, reals: list[float], warm_up: int) -> None:
    start = prepared(memory, room, reals, warm_up, stop_bps=3.0, target_bps=7.0)
    assert start.memory.dtype == np.int64 and start.memory.tolist() == ([*memory, *[0] * room] or [0])  # kernels get no empty memory
    assert start.reals.dtype == np.float64 and start.reals.tolist() == (reals or [0.0])
    assert (start.warm_up, start.stop_bps, start.target_bps) == (warm_up, 3.0, 7.0)


def test_an_arm_has_no_exits_of_its_own_unless_it_says_so() -> None:
    start = prepared([1], 0, [], 1)
    assert (start.stop_bps, start.target_bps) == (0.0, 0.0)


def test_the_fast_length_is_the_shorter() -> None:
    refuse_crossed("sma_cross", 9, 10)
    for fast in (10, 11):
        with pytest.raises(ConfigRefused, match=f"fast = {fast} is not below slow = 10") as caught:
            refuse_crossed("sma_cross", fast, 10)
        assert caught.value.where == "arms.sma_cross" and caught.value.mend


@covers("2.104")
def test_sums_of_prices_that_could_overflow_are_refused() -> None:
    refuse_inexact("sma_cross", 2**20, BOUND // 2**20 - 1)
    with pytest.raises(ConfigRefused, match=r"product is 1,048,576 could overflow exact sums of prices up to 4,398,046,511,104 ticks") as caught:
        refuse_inexact("sma_cross", 2**20, BOUND // 2**20)
    assert caught.value.where == "arms.sma_cross" and caught.value.mend
