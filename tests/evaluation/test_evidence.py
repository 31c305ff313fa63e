"""What SUPPORTED needs beside a run's own numbers: every limit on its own, and nothing unknown is a pass."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.evaluation.bootstrap import Interval
from metastackerbandit.evaluation.evidence import CostCurve, Evidence, shortfalls
from metastackerbandit.evaluation.random_entries import EqualTurnover

BY_CHANCE = EqualTurnover(own=0.9, flipped=-0.9, mean=0.0, low=-0.4, high=0.4, p=0.001, shifts=1_000)
FULL = Evidence(
    deflated_sharpe=0.95,
    superiority_p=0.0499,
    hardest="buy_and_hold",
    equal_turnover=structs.replace(BY_CHANCE, p=0.0099),
    overfitting=Interval(0.1999, 0.0, 0.9),
    costs=CostCurve(1.0, 0.9, 1e-9),
    bars=1_461,
    least_bars=1_461.0,
    canaries_green=True,
)
SHORT = {
    "deflated_sharpe": (0.9499, "deflated Sharpe ratio 0.9499, >= 0.95 needed"),
    "superiority_p": (0.05, "SPA p against buy_and_hold 0.05, < 0.05 needed"),
    "equal_turnover": (structs.replace(BY_CHANCE, p=0.01), "random-entry p 0.01, < 0.01 needed"),
    "overfitting": (Interval(0.2, 0.0, 0.1), "overfitting probability 0.2, < 0.2 needed"),
    "costs": (CostCurve(1.0, 0.9, 0.0), "net return at 2x cost 0, > 0 needed"),
    "least_bars": (1_461.5, "1461 bars of track record, 1462 needed"),
    "canaries_green": (False, "a leak canary failed"),
}
UNKNOWN = {
    "deflated_sharpe": (math.nan, "deflated Sharpe ratio is not known, >= 0.95 needed"),
    "superiority_p": (math.nan, "SPA p against buy_and_hold is not known, < 0.05 needed"),
    "equal_turnover": (structs.replace(BY_CHANCE, p=math.nan), "random-entry p is not known, < 0.01 needed"),
    "overfitting": (Interval(math.nan, 0.0, 0.1), "overfitting probability is not known, < 0.2 needed"),
    "costs": (CostCurve(1.0, 0.9, math.nan), "net return at 2x cost is not known, > 0 needed"),
    "least_bars": (math.nan, "the least track record is not known"),
    "canaries_green": (None, "leak canaries were not run"),
}


@given(st.sets(st.sampled_from(list(SHORT))), st.sets(st.sampled_from(list(UNKNOWN))))
def test_each_shortfall_is_said_once_in_order_whatever_else_is_short(short: set[str], unknown: set[str]) -> None:
    parts = {name: (UNKNOWN if name in unknown else SHORT)[name] for name in SHORT if name in short | unknown}
    found = shortfalls(structs.replace(FULL, **{name: value for name, (value, _) in parts.items()}))
    assert found == tuple(said for _, said in parts.values())


def test_no_evidence_at_all_lacks_everything() -> None:
    assert shortfalls(Evidence()) == tuple(said.replace(" against buy_and_hold", "") for _, said in UNKNOWN.values())


def test_no_record_is_long_enough_for_an_edge_that_is_none() -> None:
    assert shortfalls(structs.replace(FULL, least_bars=math.inf)) == ("1461 bars of track record, no number of them is enough",)


def test_random_entries_are_judged_by_their_p() -> None:
    assert FULL.random_entry_p == 0.0099 and math.isnan(Evidence().random_entry_p)


@pytest.mark.parametrize(
    ("own", "double", "turns"),
    [
        (0.1, -0.1, True),
        (0.1, 0.0, True),
        (0.1, 1e-9, False),
        (0.0, -0.1, False),
        (-0.1, -0.2, False),
        (math.nan, -1.0, False),
        (0.1, math.nan, False),
    ],
)
def test_costs_turn_a_gain_that_is_gone_at_twice_of_them(own: float, double: float, turns: bool) -> None:
    assert CostCurve(0.3, own, double).turns is turns
