"""The execution monitor over long streams: quiet where both sides are fair, awake soon after a fault begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from metastackerbandit.domain.kernel import kernel, row, rows
from metastackerbandit.domain.rows import DecisionRow, OrderRow
from metastackerbandit.evaluation.monitors import execution_side
from metastackerbandit.evaluation.settings import MonitorSettings
from tests.covering import covers
from tests.evaluation.monitored import book

asked, executed = execution_side.asked, execution_side.executed


@kernel
def stream_of(state: Any, memory: Any, terms: Any, limits: Any, decision: Any, order: Any, nothing: Any, asks: Any, trades: Any) -> None:
    """Asks (N,) by side, each followed by an executed trade (N,) where it is not 0."""
    for n in range(len(asks)):
        decision[0].asks_risk = 1
        decision[0].side = asks[n]
        asked(state[0], memory, terms[0], limits[0], decision[0], nothing, nothing, nothing)
        if trades[n] != 0:
            order[0].lots = trades[n]
            order[0].filled = 1
            executed(state[0], memory, terms[0], limits[0], order[0])


def most_evidence(asks: np.ndarray, trades: np.ndarray) -> float:
    """The most log evidence of the execution monitor over a stream."""
    state, memory = rows(execution_side.ExecutionSide, 1), np.zeros(execution_side.INTENTS)
    nothing = np.zeros(0)
    stream_of(state, memory, row(book()), row(MonitorSettings()), rows(DecisionRow, 1), rows(OrderRow, 1), nothing, asks, trades)
    return float(state[0].most)


@covers("A01", "3.15")
@pytest.mark.parametrize("every", [1, 5])
def test_a_fair_stream_of_ten_thousand_trades_does_not_alarm(every: int) -> None:
    # Simulated with 400 seeds: 0.8 % of streams whose every ask is executed, 2 % where trades are drawn on their own. The bound is the method's.
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        asks = rng.choice(np.array([-1, 1]), 10_000 * every)
        trades = np.where(np.arange(len(asks)) % every == 0, rng.choice(np.array([-1, 1]), len(asks)), 0)
        alarms += most_evidence(asks, trades) >= math.log(20)
    assert alarms <= 10


def test_a_fault_that_begins_late_is_found_within_a_block_of_trades() -> None:
    rng = np.random.default_rng(3)
    sides = rng.choice(np.array([-1, 1]), 5_000)
    faulty = sides.copy()
    faulty[4_500:] = 1
    assert most_evidence(sides, sides) < math.log(20)
    assert most_evidence(sides[:4_700], faulty[:4_700]) >= math.log(20)
