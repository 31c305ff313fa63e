"""Records of wishes, for tests of what is counted from them: decisions, orders, verdicts and predictions that belong together."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from metastackerbandit.decision.attrition import Attrition, attrition
from metastackerbandit.decision.attrition_groups import Words
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import ENTER, FILLED, MARKET, REJECTED, DecisionRow, OrderRow
from metastackerbandit.domain.timeframe import MINUTE_NS

GATES = ("signal", "consensus", "cooldown")


WORDS = Words(GATES, ("BTCUSDT", "BTCUSDT", "ETHUSDT"), ("sma_cross", "model"))


BOOK_FRAMES = np.array([5, 60, 5]) * MINUTE_NS


Made = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def plans_record() -> Made:
    """What the plans report: 1,361 signals, of which 1,171 up and 190 down; consensus let 137 of the first pass and none of the others."""
    verdict = np.full((1361, 3), PASS, np.int8)
    verdict[137:, 1] = BLOCK
    return made(np.array([1] * 1171 + [-1] * 190), verdict, np.zeros(1361, np.int64))


def made(sides: np.ndarray, verdict: np.ndarray, books: np.ndarray, arms: np.ndarray | int = 0) -> Made:
    """Decisions, orders, verdicts, predictions: every wish that no gate stops is ordered and filled, every decision was predicted."""
    count = len(sides)
    decided = rows(DecisionRow, count)
    decided["decision"] = np.arange(count) + 1
    decided["closed_ns"] = np.arange(count) * 300 * 10**9
    decided["side"], decided["instrument"], decided["arm"], decided["frame_ns"] = sides, books, arms, BOOK_FRAMES[books]
    decided["asks_risk"] = 1
    stops = (verdict == BLOCK) | (verdict == UNKNOWN)
    decided["blocked"] = stops.sum(axis=1)
    decided["binding"] = np.where(stops.any(axis=1), stops.argmax(axis=1), -1)
    decided["sole"] = np.where(decided["blocked"] == 1, decided["binding"], -1)
    free = decided["blocked"] == 0
    decided["kind"][free] = ENTER
    decided["sent"][free] = 10 * sides[free]
    orders = rows(OrderRow, int(free.sum()))
    orders["decision"], orders["lots"], orders["filled"] = decided["decision"][free], decided["sent"][free], decided["sent"][free]
    orders["state"], orders["kind"] = FILLED, MARKET
    orders["state"][1::3] = REJECTED
    predictions = np.zeros(count, np.dtype([(name, np.int64) for name in ("instrument", "frame_ns", "closed_ns", "side")]))
    for name in ("instrument", "frame_ns", "closed_ns", "side"):
        predictions[name] = decided[name]
    return decided, orders, verdict, predictions


@st.composite
def records(draw: st.DrawFn) -> Made:
    """Any record of up to 60 wishes over three books and two arms."""
    count = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    verdict = rng.choice([NA, PASS, PASS, PASS, BLOCK, UNKNOWN], (count, 3)).astype(np.int8)
    return made(rng.choice([1, -1], count), verdict, rng.integers(0, 3, count), rng.integers(0, 2, count))


def apart(record: Made, *by: str) -> Attrition:
    """The record in groups."""
    decided, orders, verdict, predictions = record
    return attrition(decided, orders, verdict, WORDS, by, predictions=predictions)
