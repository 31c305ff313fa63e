"""The tape: sums of a second's trades, and rates that are Hawkes's recursion written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.market.tape import TapeRow, close_tape, kept, tell

START_NS = 1_700_000_000_000_000_000
TRADES = st.lists(st.tuples(st.integers(0, 4_999_999_999), st.integers(1, 500), st.sampled_from([1, -1, 0])), min_size=1, max_size=30)


def trade(after_ns: int, lots: int, side: int, ticks: int = 100) -> np.ndarray:
    """A trade so long after the start."""
    return row(TradeRow(0, 1, 1, 0, 0, START_NS + after_ns, ticks, lots, side))


@given(trades=TRADES)
@settings(max_examples=60)
def test_seconds_add_up_and_rates_are_sums_over_all_trades(trades: list[tuple[int, int, int]]) -> None:
    trades = sorted(trades)
    tape, out = rows(TapeRow, 1), rows(SecondRow, 5)
    for second in range(5):
        for after_ns, lots, side in trades:
            if after_ns // 1_000_000_000 == second:
                tell(tape[0], trade(after_ns, lots, side)[0])
        closed = (second + 1) * 1_000_000_000
        close_tape(tape[0], START_NS + closed, out[second])
        for name, side in (("buy", 1), ("sell", -1)):
            for memory in (1, 10, 60):
                weights = [math.exp(-(closed - after_ns) * 1e-9 / memory) for after_ns, _, of in trades if of == side and after_ns < closed]
                assert out[second][f"{name}_rate_{memory}"] == pytest.approx(sum(weights) / memory, rel=1e-12)
    for name, side in (("bought_lots", 1), ("sold_lots", -1), ("unsided_lots", 0)):
        assert out[name].sum() == sum(lots for _, lots, of in trades if of == side)
    assert out["trades"].sum() == len(trades)
    assert out["bought"].sum() + out["sold"].sum() == sum(side != 0 for _, _, side in trades)
    assert out["bought_value"].sum() == 100.0 * out["bought_lots"].sum() and out["sold_value"].sum() == 100.0 * out["sold_lots"].sum()


def test_the_last_price_is_the_newest_trades_and_of_a_quiet_second_none() -> None:
    tape, out = rows(TapeRow, 1), rows(SecondRow, 2)
    tell(tape[0], trade(1, 3, 1, 105)[0])
    tell(tape[0], trade(2, 3, -1, 104)[0])
    close_tape(tape[0], START_NS + 1_000_000_000, out[0])
    close_tape(tape[0], START_NS + 2_000_000_000, out[1])
    assert out["last_ticks"].tolist() == [104, 0] and out["trades"].tolist() == [2, 0]


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert kept(-5, 1.0) == 1.0 and kept(1_000_000_000, 1.0) == pytest.approx(math.exp(-1.0))
    tape, out = rows(TapeRow, 1), rows(SecondRow, 1)
    tell(tape[0], trade(2_000_000_000, 1, 1)[0])
    tell(tape[0], trade(1_000_000_000, 1, 1)[0])
    close_tape(tape[0], START_NS + 2_000_000_000, out[0])
    assert out[0]["buy_rate_1"] == 2.0


@pytest.mark.parametrize("memory", [1, 10, 60])
def test_the_rate_of_steady_trades_is_their_rate(memory: int) -> None:
    """Of a Poisson stream of 5 a second the mean over 700 seconds is 5, with a standard error of about sqrt(5 / 700) = 0.08."""
    rng = np.random.default_rng(7)
    times = np.sort(rng.integers(0, 1_000_000_000_000, 5_000))
    tape, out, place = rows(TapeRow, 1), rows(SecondRow, 1_000), 0
    for second in range(1_000):
        while place < len(times) and times[place] < (second + 1) * 1_000_000_000:
            tell(tape[0], trade(int(times[place]), 1, 1)[0])
            place += 1
        close_tape(tape[0], START_NS + (second + 1) * 1_000_000_000, out[second])
    assert out[f"buy_rate_{memory}"][300:].mean() == pytest.approx(5.0, abs=0.3)
