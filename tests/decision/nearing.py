"""Wishes for tests of near misses: three gates, a silent model among them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from metastackerbandit.decision.nearest import Misses, misses_of
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.storage.run_record import GateWords

GATES = (
    GateWords("edge", "bps", "at least", "net edge", "decision.min_net_edge_bps"),
    GateWords("spread", "bps", "at most", "spread", "decision.max_spread_bps"),
    GateWords("model", "silence", "at most", "silence", states=("", "SILENT_LATE")),
)


LIMITS = (2.0, 10.0, 0.0)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers that a power of two scales exactly: nothing so near to 0 that it would lose digits."""
    return st.floats(low, high).map(lambda value: value if abs(value) > 1e-200 else 0.0)


WISHES = st.lists(
    st.tuples(number(-20, 20) | st.just(math.nan), number(0, 30), st.sampled_from((0.0, 0.0, 0.0, 1.0)), st.sampled_from((1, -1))),
    min_size=1,
    max_size=40,
)


Record = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def asked(seen: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Every gate's verdict."""
    passes = np.stack([seen[:, 0] >= limit[:, 0], seen[:, 1] <= limit[:, 1], seen[:, 2] <= limit[:, 2]], axis=1)
    return np.where(np.isnan(seen), UNKNOWN, np.where(passes, PASS, BLOCK)).astype(np.int8)


def a_record(wishes: list[tuple[float, float, float, int]]) -> Record:
    """Decisions that all ask for new risk, with their traces."""
    decided = rows(DecisionRow, len(wishes))
    seen = np.array([wish[:3] for wish in wishes], np.float64)
    limit = np.tile(np.array(LIMITS), (len(wishes), 1))
    verdict = asked(seen, limit)
    decided["decision"] = decided["closed_ns"] = np.arange(len(wishes)) + 1
    decided["frame_ns"] = 300 * 10**9
    decided["asks_risk"] = 1
    decided["side"] = [wish[3] for wish in wishes]
    stops = verdict != PASS
    decided["binding"] = np.where(stops.any(axis=1), stops.argmax(axis=1), -1)
    decided["blocked"] = stops.sum(axis=1)
    return decided, seen, limit, verdict


def ranked(record: Record, **given_: Any) -> Misses:
    """The ranking under three gates."""
    return misses_of(*record, GATES, **given_)
