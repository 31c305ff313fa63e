"""A decision to be explained, for tests: a buy that every gate let pass, and changes of it."""

from __future__ import annotations

from typing import Any

import msgspec

from metastackerbandit.decision.explain import explain
from metastackerbandit.decision.explanation import Explanation
from metastackerbandit.domain.gate import PASS
from metastackerbandit.domain.rows import ENTER, ON_SIGNAL, DecisionRow
from tests.storage.runs import BTC, GATES

MINUTES_NS = 60 * 10**9


AT_NS = 1_709_296_500 * 10**9  # 2024-03-01 12:35:00 UTC


WANTS = DecisionRow(
    decision=7,
    instrument=0,
    at_ns=AT_NS,
    closed_ns=AT_NS,
    frame_ns=5 * MINUTES_NS,
    close=612_345,
    arm=0,
    signal=1,
    side=1,
    kind=ENTER,
    alpha=1.0,
    position=0,
    pending=0,
    wanted=120,
    sent=120,
    asks_risk=1,
    reason=ON_SIGNAL,
    binding=-1,
    sole=-1,
    blocked=0,
    volatility=0.5,
    equity=10**12,
)


def told(observed: tuple[float, ...] = (1.0, 2.0, 5.0), verdict: tuple[int, ...] = (PASS, PASS, PASS), **changed: Any) -> Explanation:
    """The decision with changes, explained under limits of 0.8, 3 and 3."""
    return explain(msgspec.structs.replace(WANTS, **changed), GATES, observed, (0.8, 3.0, 3.0), verdict, BTC, "sma_cross")


def outcome(said: Explanation) -> str:
    """The line that says what was done."""
    return next(line for line in said.text.splitlines() if line.startswith("=>"))
