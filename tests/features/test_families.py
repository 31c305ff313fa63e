"""Some families alone give the columns that all of them give; and the highest of a window is the highest of a window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.features.batch import columns_of, features_over
from metastackerbandit.features.catalog import FAMILIES, NAMES
from metastackerbandit.features.extremes import cells_of, highest
from tests.markets import walk

BARS = walk(3, 700, holes=0.05)
FRAME = 5 * MINUTE_NS
ALL = features_over(BARS, FRAME, None, has_volume=True, has_flow=False)


@pytest.mark.parametrize("families", [("channel",), ("vwap", "returns"), ("structure", "jumps", "higher")])
def test_columns_of_some_families_are_those_of_all(families: tuple[str, ...]) -> None:
    some = features_over(BARS, FRAME, None, has_volume=True, has_flow=False, families=families)
    places = [NAMES.index(name) for name in columns_of(families)]
    assert places == sorted(places), "columns come in the catalog's order"
    assert some.values.tobytes() == ALL.values[:, places].tobytes()
    assert some.valid.tobytes() == ALL.valid[:, places].tobytes()
    assert some.known_ns.tobytes() == ALL.known_ns.tobytes()


def test_all_families_are_meant_where_none_is_named() -> None:
    assert columns_of() == NAMES == columns_of([family.name for family in FAMILIES])


def test_an_unknown_family_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigRefused, match=r"no family of features 'momentum'.*returns, volatility"):
        features_over(BARS, FRAME, None, has_volume=True, has_flow=False, families=("momentum",))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=120), st.integers(2, 30))
def test_the_highest_of_a_window_is_the_highest_of_its_values(values: list[float], window: int) -> None:
    cells = np.zeros(cells_of(window))
    for place, value in enumerate(values):
        assert highest(cells, window, place + 1, value) == max(values[max(0, place + 1 - window) : place + 1])
