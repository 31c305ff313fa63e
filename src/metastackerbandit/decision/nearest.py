"""The nearest miss: of the wishes for new risk that gates stopped, the one that lacked least.

What a gate lacked is its margin over the gate's own scale, the spread of what it saw on the wishes looked at, so that gates compare.
A wish that several gates stopped is as far as the farthest of them, since all must give way. Therefore loosening the limits that the
nearest miss needs admits no wish before it: each of those has a gate that lacked at least as much (earlier ones win ties).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.decision.reasons import NamedGate
from metastackerbandit.domain.gate import BLOCK, PASS, UNKNOWN

QUARTILES, LIMIT, DEVIATION, ONE = "interquartile range", "the limit itself", "mean absolute deviation", "one unit"


class Scale(Struct, frozen=True):
    """A gate's scale: its size in the gate's unit, what it is, and how many values it was taken from."""

    size: float
    of: str
    values: int


class Misses(Struct, frozen=True, eq=False):
    """Stopped wishes from the nearest: places (K,) in the rows, distances (K,) in scales (infinite where no threshold explains it),
    and each gate's part (K, G), NaN where it did not block."""

    places: NDArray[np.int64]
    distances: NDArray[np.float64]
    parts: NDArray[np.float64]
    scales: tuple[Scale, ...]


def misses_of(
    rows: np.ndarray,
    observed: np.ndarray,
    limit: np.ndarray,
    verdict: np.ndarray,
    gates: Sequence[NamedGate],
    lenient: Sequence[str] = (),
    among: NDArray[np.bool_] | None = None,
) -> Misses:
    """Rank the stopped wishes among rows (N,) with traces (N, G); `among` (N,) narrows the ranking, not the scales."""
    asks = rows["asks_risk"] != 0
    scales = tuple(scale_of(observed[asks, g], limit[asks, g], verdict[asks, g]) for g in range(len(gates)))
    stopped = asks & (rows["binding"] >= 0)
    places = np.flatnonzero(stopped if among is None else stopped & among)
    parts = np.full((len(places), len(gates)), np.nan)
    for g, gate in enumerate(gates):
        parts[:, g] = _part(gate, observed[places, g], limit[places, g], verdict[places, g], scales[g].size, gate.name in lenient)
    distances = np.nanmax(parts, axis=1, initial=0.0)  # of the gates that blocked; at least one did
    order = np.lexsort((rows["decision"][places], distances))
    return Misses(places[order], distances[order], parts[order], scales)


def scale_of(observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> Scale:
    """The spread of what a gate saw (N,): its interquartile range, or where that is nothing the next measure that is something.

    A quantity that is nearly always the same (alpha, which is 0 without an edge) has a spread that says how rare the exceptions are, and not
    how far they are: against its own limit it compares.
    """
    asked = ((verdict == PASS) | (verdict == BLOCK)) & np.isfinite(observed)
    seen = observed[asked]
    if len(seen):
        low, high = np.quantile(seen, (0.25, 0.75))
        against = limit[asked & np.isfinite(limit)]
        for size, of in (
            (high - low, QUARTILES),
            (abs(float(np.median(against))) if len(against) else 0.0, LIMIT),
            (np.abs(seen - np.median(seen)).mean(), DEVIATION),
        ):
            if np.isfinite(size) and size > 0.0:
                return Scale(float(size), of, len(seen))
    return Scale(1.0, ONE, len(seen))


def _part(gate: NamedGate, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray, size: float, lenient: bool) -> NDArray[np.float64]:
    """How far one gate was from passing, in scales (K,); NaN where it did not block, infinite where no number would have mended it."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinity less infinity is not a number; beyond the largest number is far
        lacking = limit - observed if gate.sense == "at least" else observed - limit
        far = np.where(np.isfinite(lacking), lacking / size, np.inf)
    if gate.states:
        far = np.full(len(far), np.inf)
    part = np.where(verdict == BLOCK, far, np.nan)
    return part if lenient else np.where(verdict == UNKNOWN, np.inf, part)
