"""An account's history: what equity says bar by bar, refused where numbers are missing, and cut where the money ran out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.evaluation.equity import History, history_of

MONEY = st.lists(st.integers(-300, 10**6), max_size=30)


def history(equity: list[int], capital: int = 100, exposure: object = None, traded: object = None) -> History:
    """The history of these levels, without a trade unless said."""
    columns = (np.zeros(len(equity)) if given is None else np.array(given, np.float64) for given in (exposure, traded))
    return history_of(np.array(equity, np.int64), capital, *columns)


@given(MONEY, st.integers(1, 10**6))
def test_returns_compound_to_the_last_level_and_nothing_is_told_after_ruin(equity: list[int], capital: int) -> None:
    bars = next((bar for bar, level in enumerate(equity, 1) if level <= 0), len(equity))
    size, turned = np.arange(len(equity)) - 3.0, np.arange(len(equity)) / 7.0
    found = history(equity, capital, size, turned)
    assert found.ruined == any(level <= 0 for level in equity)
    assert (found.start, found.levels.tolist()) == (capital, equity[:bars])
    assert len(found.returns) == bars and np.cumprod(1.0 + found.returns) * capital == pytest.approx(found.levels, rel=1e-9, abs=1e-6)
    assert (found.exposure.tolist(), found.traded.tolist()) == (size[:bars].tolist(), turned[:bars].tolist())


def test_columns_are_floats_of_its_own_side_by_side_in_memory() -> None:
    equity, exposure, traded = np.arange(1, 21)[::2], np.ones(20, np.float32)[::2], np.ones(10, np.int64)
    found = history_of(equity, 5, exposure, traded)  # type: ignore[arg-type]
    for column in (found.levels, found.returns, found.exposure, found.traded):
        assert column.dtype == np.float64 and column.flags.c_contiguous and len(column) == 10
    given = np.ones(10)
    assert not np.shares_memory(history_of(equity, 5, given, given).exposure, given)


def test_a_ratio_to_the_ruinous_bars_equity_counts_as_none_where_it_does_not_exist() -> None:
    found = history([90, 80, -20, 5], exposure=[1.0, 2.0, math.nan, math.nan], traded=[0.5, 0.7, math.inf, math.nan])
    assert (found.levels.tolist(), found.exposure.tolist(), found.traded.tolist()) == ([90.0, 80.0, -20.0], [1.0, 2.0, 0.0], [0.5, 0.7, 0.0])
    known = history([90, 0], exposure=[1.0, -2.0], traded=[0.5, 2.5])
    assert known.ruined and (known.exposure.tolist(), known.traded.tolist()) == ([1.0, -2.0], [0.5, 2.5])
    with pytest.raises(DataRefused, match="exposure is nan at bar 0"):
        history([90, -20], exposure=[math.nan, math.nan])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"capital": 0}, "capital is 0 money units"),
        ({"capital": -7}, "capital is -7 money units"),
        ({"exposure": [0.0] * 3}, r"exposure has shape \(3,\), equity \(2,\)"),
        ({"traded": [0.0]}, r"traded has shape \(1,\), equity \(2,\)"),
        ({"exposure": [1.0, math.inf]}, "exposure is inf at bar 1"),
        ({"traded": [1.0, math.nan]}, "traded is nan at bar 1"),
        ({"traded": [0.0, -1e-9]}, "traded is negative at bar 1"),
    ],
)
def test_what_is_no_history_is_refused_with_its_place_and_mend(given: dict[str, object], words: str) -> None:
    with pytest.raises(DataRefused, match=words) as refused:
        history([101, 102], **given)  # type: ignore[arg-type]
    assert refused.value.where == "evaluation" and refused.value.mend


def test_the_least_capital_and_no_bar_at_all_are_histories() -> None:
    assert history([2], capital=1).returns.tolist() == [1.0]
    empty = history([])
    assert len(empty.levels) == len(empty.returns) == len(empty.exposure) == len(empty.traded) == 0 and not empty.ruined
