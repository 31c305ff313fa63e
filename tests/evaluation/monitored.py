"""Rows for monitors, made as plainly as they can be: a book's decisions with one trace, its predictions, orders and trips."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.label import DOWN, UP
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import ENTER, FILLED, HOLD, MARKET, DecisionRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.evaluation.monitors.answers import Alarm, Answer, alarms, answers
from metastackerbandit.evaluation.monitors.matured import Matured
from metastackerbandit.evaluation.monitors.spec import BookTerms
from metastackerbandit.evaluation.monitors.whole_run import Told, Watched, watch_run
from metastackerbandit.evaluation.settings import MonitorSettings

BAR_NS = 300 * 10**9
GATES = ("complete", "mood", "operator")
NOTHING = math.nan


def book(**changed: Any) -> BookTerms:
    """A book of 5m bars that no card says anything about."""
    return msgspec.structs.replace(BookTerms(0, BAR_NS, 1, 1, NOTHING, NOTHING, NOTHING, 0, NOTHING, -1), **changed)


def times(count: int) -> np.ndarray:
    """Closes of so many bars."""
    return np.arange(1, count + 1, dtype=np.int64) * BAR_NS


def decided(side: np.ndarray, sent: np.ndarray | None = None, verdict: np.ndarray | None = None) -> Told:
    """Decisions (N,) that asked for new risk on a side where it is not 0; `sent` lots left, else all that asked; gates pass unless told."""
    count = len(side)
    rows = np.zeros(count, layout(DecisionRow))
    rows["decision"], rows["frame_ns"] = np.arange(1, count + 1), BAR_NS
    rows["at_ns"] = rows["closed_ns"] = times(count)
    rows["side"] = rows["signal"] = side
    rows["asks_risk"] = side != 0
    rows["sent"] = side * (1 if sent is None else sent)
    rows["kind"] = np.where(rows["sent"] != 0, ENTER, HOLD)
    rows["binding"] = rows["sole"] = -1
    rows["close"] = 100_000 + np.arange(count) % 7
    rows["volatility"] = 0.5 + np.arange(count) % 5 * 0.001
    rows["equity"] = 10**12 + np.arange(count)
    passed = np.ones((count, len(GATES)), np.int8) if verdict is None else verdict
    rows["blocked"] = (passed == 2).sum(axis=1)
    rows["sent"][rows["blocked"] > 0] = 0
    rows["kind"][rows["blocked"] > 0] = HOLD
    return Told(decisions=rows, observed=np.ones(passed.shape), limit=np.ones(passed.shape), verdict=passed)


def ordered(told: Told) -> Told:
    """The same with an order for every decision that sent one, filled at the next open, a moment after the close."""
    sent = told.decisions[told.decisions["sent"] != 0]
    rows = np.zeros(len(sent), layout(OrderRow))
    rows["order"], rows["decision"], rows["kind"] = np.arange(1, len(sent) + 1), sent["decision"], MARKET
    rows["lots"] = rows["filled"] = sent["sent"]
    rows["filled"] = np.abs(rows["filled"])
    rows["sent_ns"], rows["at_ns"], rows["state"] = sent["at_ns"], sent["at_ns"] + 1, FILLED
    return msgspec.structs.replace(told, orders=rows)


def predicted(lead: np.ndarray, flat: float = 0.3, horizon: int = 1, version: int = 0) -> np.ndarray:
    """Predictions (N,) with these leads of UP over DOWN."""
    rows = np.zeros(len(lead), layout(Prediction))
    rows["frame_ns"], rows["horizon"], rows["version"] = BAR_NS, horizon, version
    rows["at_ns"] = rows["closed_ns"] = times(len(lead))
    rows["p_flat"], rows["p_up"], rows["p_down"] = flat, (1 - flat + lead) / 2, (1 - flat - lead) / 2
    return rows


def became(lead: np.ndarray, is_up: np.ndarray) -> np.ndarray:
    """Predictions (N,) of UP or DOWN alone, each beside what its bar became at the next close."""
    rows = np.zeros(len(lead), layout(Matured))
    rows["frame_ns"], rows["closed_ns"], rows["at_ns"] = BAR_NS, times(len(lead)), times(len(lead)) + BAR_NS
    rows["p_up"], rows["p_down"], rows["side"] = (1 + lead) / 2, (1 - lead) / 2, np.where(is_up, UP, DOWN)
    return rows


def tripped(net: np.ndarray) -> np.ndarray:
    """Round trips (N,) that kept so much."""
    rows = np.zeros(len(net), layout(TripRow))
    rows["trip"], rows["closed_ns"], rows["side"] = np.arange(1, len(net) + 1), times(len(net)), 1
    rows["net"] = rows["gross"] = net
    return rows


def earned(arm: int, outcome: np.ndarray) -> np.ndarray:
    """Outcomes (N,) of one arm's own portfolio."""
    rows = np.zeros(len(outcome), layout(OutcomeRow))
    rows["at_ns"], rows["arm"], rows["outcome"], rows["gate"] = times(len(outcome)), arm, outcome, -1
    return rows


def watched(told: Told, *, terms: BookTerms | None = None, gates: tuple[str, ...] = GATES, **limits: Any) -> Watched:
    """What the monitors make of it."""
    return watch_run(told, [terms or book()], gates, MonitorSettings(**limits))


def answer(found: Watched, monitor: str) -> Answer:
    """One monitor's answer about the first book."""
    return next(one for one in answers(found) if one.monitor == monitor)


def alarmed(found: Watched, monitor: str) -> list[Alarm]:
    """One monitor's alarms, in order."""
    return [one for one in alarms(found) if one.monitor == monitor]
