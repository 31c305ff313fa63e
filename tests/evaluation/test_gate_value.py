"""The value of a gate: false alarms are as rare as said, also with looks and overlaps, a planted harmful gate is found, intervals hold the mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.evaluation.gate_value import (
    BOUND,
    HARMFUL,
    UNPROVEN,
    USEFUL,
    Prevented,
    confidence_interval,
    gate_values,
    mixture_interval,
    rejected,
    wealth,
)


def trades(rng: np.random.Generator, count: int, mean: float = 0.0, books: int = 1) -> Prevented:
    """Trades of heavy tails (Student, 3 degrees of freedom, variance 1); those of one book do not overlap, those of several do."""
    began, ended = [], []
    for _ in range(books):
        lasts, waits = rng.integers(1, 12, count), rng.integers(0, 20, count)
        starts = np.cumsum(waits + np.concatenate(([0], lasts[:-1])))
        began.append(starts)
        ended.append(starts + lasts)
    outcome = rng.standard_t(3, count * books) / math.sqrt(3.0) + mean
    return in_order(np.concatenate(began), np.concatenate(ended), outcome)


def in_order(began: np.ndarray, ended: np.ndarray, outcome: np.ndarray) -> Prevented:
    """Trades by their ends, 30 bps a volatility."""
    order = np.argsort(ended, kind="stable")
    return Prevented(began[order], ended[order], 30.0 * outcome[order], outcome[order])


def nothing() -> Prevented:
    """A gate that prevented no trade."""
    return in_order(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def test_gates_that_prevent_nothing_worth_having_are_rarely_called_harmful() -> None:
    """100 worlds of 12 gates whose trades earn nothing: e-BH names any in at most 5 % of worlds (found: none; 11 of 100 would be 2.7 sd above)."""
    rng = np.random.default_rng(1)
    wrong = sum(bool(rejected({str(g): wealth(trades(rng, 60), 1.0) for g in range(12)}, 0.05)) for _ in range(100))
    assert wrong <= 5


def test_a_planted_harmful_gate_is_found_among_fair_ones_and_a_useful_one_too() -> None:
    """Of 12 gates one prevents trades of +0.4 volatilities and one of -0.4, 300 each: named in nearly every world, the others never."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(8):
        prevented = {f"fair {g}": trades(rng, 60) for g in range(10)}
        values = gate_values(prevented | {"harmful": trades(rng, 300, 0.4), "useful": trades(rng, 300, -0.4)})
        found += [values["harmful"].verdict == HARMFUL, values["useful"].verdict == USEFUL]
        assert all(value.verdict == UNPROVEN for gate, value in values.items() if gate.startswith("fair"))
        assert values["harmful"].value_bps < 0 < values["useful"].value_bps
    assert sum(found) >= 15


def test_looking_after_every_trade_does_not_make_false_alarms() -> None:
    """Ville: the chance that the wealth on a fair stream ever reaches 20 is at most 5 %."""
    rng = np.random.default_rng(3)
    ever = 0
    for _ in range(60):
        whole = trades(rng, 60)
        parts = (Prevented(*(getattr(whole, name)[:n] for name in Prevented.__struct_fields__)) for n in range(5, 61, 5))
        ever += any(wealth(part, 1.0) >= 20.0 for part in parts)
    assert ever <= 7  # 5 % of 60 is 3; 7 is 2.4 sd above


def test_trades_of_several_books_that_share_one_move_are_not_counted_as_many() -> None:
    """Six books in the same move: a gambler who staked on each as if it were alone would grow rich by chance; this one does not (mean 1 at most)."""
    rng = np.random.default_rng(4)
    grown = []
    for _ in range(150):
        move = rng.standard_t(3, 40) / math.sqrt(3.0)
        began = np.concatenate([np.arange(40) * 10] * 6)
        shared = in_order(began, began + rng.integers(1, 10, 240), np.concatenate([move] * 6))
        grown.append(wealth(shared, 1.0))
    assert np.mean(np.array(grown) >= 20.0) <= 0.05
    assert np.mean(grown) <= 1.0 + 3.0 * np.std(grown) / math.sqrt(len(grown))


def test_intervals_hold_the_mean_and_grow_narrow() -> None:
    rng = np.random.default_rng(5)
    held, wide = 0, []
    for _ in range(40):
        found = trades(rng, 200, 0.2)
        low, high = confidence_interval(found)
        held += low <= 0.2 <= high
        wide.append(high - low)
        low, high = mixture_interval(found.net_bps, 200.0)
        held += low <= 6.0 <= high
    assert held >= 76  # of 80
    assert np.mean(wide) < 0.7


@given(values=st.lists(st.floats(-20, 20), min_size=1, max_size=40), side=st.sampled_from([1.0, -1.0]), seed=st.integers(0, 99))
def test_wealth_is_never_lost_whole_and_mirrors(values: list[float], side: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    began = np.cumsum(rng.integers(0, 4, len(values)))
    some = in_order(began, began + rng.integers(0, 9, len(values)), np.array(values))
    assert wealth(some, side) > 0.0
    turned = Prevented(some.began_ns, some.ended_ns, -some.net_bps, -some.outcome)
    assert wealth(turned, -side) == pytest.approx(wealth(some, side), rel=1e-9)
    low, high = confidence_interval(some)
    assert -BOUND <= low <= high <= BOUND


def test_nothing_known_proves_nothing() -> None:
    value = gate_values({"idle": nothing()})["idle"]
    assert (value.matured, value.harmful_e, value.useful_e, value.verdict) == (0, 1.0, 1.0, UNPROVEN)
    assert math.isnan(value.mean_bps) and math.isnan(value.low)
    unknown = Prevented(np.array([1]), np.array([2]), np.array([5.0]), np.array([math.nan]))
    assert gate_values({"warming up": unknown})["warming up"].matured == 1
    assert gate_values({}) == {}


def test_e_bh_is_the_largest_set_that_carries_itself() -> None:
    assert rejected({"a": 59.0, "b": 29.0, "c": 1.0}, 0.05) == set()
    assert rejected({"a": 60.0, "b": 29.0, "c": 1.0}, 0.05) == {"a"}
    assert rejected({"a": 31.0, "b": 30.0, "c": 1.0}, 0.05) == {"a", "b"}
