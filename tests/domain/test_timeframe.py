"""A timeframe has one name and one length, and a year holds a known number of its bars."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.timeframe import DAY_NS, DAYS_A_YEAR, FRAMES, SECOND_NS, YEAR_NS, bars_a_year, frame_name, frame_ns
from tests.covering import covers

MEND = "use one of 1s, 1m, 5m, 15m, 30m, 1h, 4h, 12h, 24h"
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@covers("A33", "E21")
def test_frames_have_one_name_each_and_a_year_of_bars() -> None:
    for name, length in FRAMES.items():
        assert frame_ns(name) == length and frame_name(length) == name
    assert frame_ns("1d") == frame_ns("24h")
    assert bars_a_year(frame_ns("24h")) == 365.25 == DAYS_A_YEAR
    assert bars_a_year(frame_ns("5m")) == 365.25 * 288


@pytest.mark.parametrize("name", [*FRAMES, "1d"])
def test_a_name_says_its_own_length(name: str) -> None:
    assert frame_ns(name) == int(name[:-1]) * SECONDS[name[-1]] * SECOND_NS
    assert DAY_NS % frame_ns(name) == 0


@settings(max_examples=50)
@given(st.integers(1, 10 * YEAR_NS))
def test_bars_of_a_year_fill_it(length_ns: int) -> None:
    assert Fraction(bars_a_year(length_ns)) * length_ns == pytest.approx(YEAR_NS, rel=1e-15)


@settings(max_examples=50)
@given(st.text("0154mhd ", max_size=4))
def test_another_name_is_refused_with_the_frames_there_are(name: str) -> None:
    assume(name not in (*FRAMES, "1d"))
    with pytest.raises(ConfigRefused, match=re.escape(f"unknown timeframe {name!r}")) as refused:
        frame_ns(name)
    assert refused.value.mend == MEND


@pytest.mark.parametrize(("length_ns", "told"), [(7 * 10**9, "7 s"), (1_500_000_000, "1.5 s"), (2 * DAY_NS, "172800 s"), (0, "0 s")])
def test_another_length_is_refused_in_seconds(length_ns: int, told: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        frame_name(length_ns)
    assert (refused.value.what, refused.value.mend) == (f"no timeframe has bars of {told}", MEND)
