"""Traces of replays for tests: one gate or a few, with the opinions, observed values and limits that a test names."""

from __future__ import annotations

import math

import numpy as np

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec, at_least, at_most
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.evaluation.gate_record import Replayed

FRAME_NS = 5 * MINUTE_NS


def gate(name: str = "confidence", kind: str = "opinion", sense: str = "at least", domain: tuple[float, float] = (0.0, 1.0)) -> GateSpec:
    """A gate that no catalog knows."""
    return GateSpec(name, "", sense, kind, f"its {name}", at_least if sense == "at least" else at_most, domain=domain)


def replayed(
    side: np.ndarray, observed: np.ndarray, limit: float | np.ndarray, gates: tuple[GateSpec, ...] = (gate(),), *, book: int = 0, first: int = 0
) -> Replayed:
    """One decision a bar (N,) with opinions `side`; `observed` and `limit` are (N,) for one gate or (N, G); every opinion asks for new risk.

    NaN observed is UNKNOWN; infinite is N/A.
    """
    seen = observed.reshape(len(side), -1).astype(np.float64)
    against = np.broadcast_to(np.asarray(limit, np.float64).reshape(len(side), -1) if np.ndim(limit) else np.float64(limit), seen.shape).copy()
    passes = np.stack(
        [seen[:, g] >= against[:, g] if one.sense == "at least" else seen[:, g] <= against[:, g] for g, one in enumerate(gates)], axis=1
    )
    verdict = np.where(passes, PASS, BLOCK).astype(np.int8)
    verdict[np.isnan(seen)] = UNKNOWN
    verdict[np.isinf(seen)] = NA
    seen[np.isinf(seen)] = math.nan
    taken = rows(DecisionRow, len(side))
    taken["side"], taken["asks_risk"], taken["instrument"] = side, side != 0, book
    taken["closed_ns"] = (first + 1 + np.arange(len(side))) * FRAME_NS
    taken["frame_ns"], taken["equity"], taken["sole"] = FRAME_NS, 10**12, -1
    stops = (verdict == BLOCK) | (verdict == UNKNOWN)
    taken["sent"] = np.where((side != 0) & ~stops.any(axis=1), 1, 0)
    taken["sole"] = np.where((side != 0) & (stops.sum(axis=1) == 1), stops.argmax(axis=1), -1)
    return Replayed(taken, seen, against, verdict)
