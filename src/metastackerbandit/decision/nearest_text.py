"""Near misses as a list: when, how far, and what each blocking gate lacked in its own scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.decision.change import told_apart
from metastackerbandit.decision.explain_text import SIDES, utc_text
from metastackerbandit.decision.nearest import Misses, Scale
from metastackerbandit.decision.reasons import NamedGate, gate_code
from metastackerbandit.domain.gate import BLOCK, UNKNOWN
from metastackerbandit.domain.timeframe import frame_name


class Lacked(Struct, frozen=True):
    """One gate's part in a miss: `distance` in scales, null where no number would have mended it."""

    gate: str
    code: str
    observed: float | None
    limit: float | None
    unit: str
    distance: float | None


class Miss(Struct, frozen=True):
    """One stopped wish; `distance` is its farthest gate's, null where no threshold explains it."""

    decision: int
    time: str
    symbol: str
    frame: str
    side: str
    distance: float | None
    lacked: tuple[Lacked, ...]


class NearMisses(Struct, frozen=True):
    """The nearest ones of `stopped` wishes, `no_threshold` of which no number would have mended; the scales of the gates that they name."""

    stopped: int
    no_threshold: int
    misses: tuple[Miss, ...]
    scales: dict[str, Scale]


def near_misses(
    rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, misses: Misses, gates: Sequence[NamedGate], symbols: Sequence[str], top: int
) -> NearMisses:
    """The first `top` of the ranking in words; `symbols` one a book."""
    found = tuple(_miss(rows, observed, limit, misses, place, gates, symbols) for place in range(min(top, len(misses.places))))
    named = {lacked.gate for miss in found for lacked in miss.lacked if lacked.distance is not None}
    scales = {gate.name: scale for gate, scale in zip(gates, misses.scales, strict=True) if gate.name in named}
    return NearMisses(len(misses.places), int(np.count_nonzero(np.isinf(misses.distances))), found, scales)


def nearest_text(found: NearMisses, wishes: int, run: int, until: int | None = None) -> str:
    """The list as a trader reads it; `until` is the number of the last decision looked at, None where that is the run's last."""
    looked = f"run {run}" if until is None else f"run {run}, up to decision {until}"
    lines = [f"{looked}: {found.stopped:,} of {wishes:,} wishes for new risk were stopped; those that lacked least:"]
    for miss in found.misses:
        far = "no threshold" if miss.distance is None else f"{miss.distance:.3g}"
        lacked = "; ".join(_words(one) for one in miss.lacked)
        lines.append(f"  {far:>12}  {miss.time.replace('T', ' ')}  {miss.symbol} {miss.frame} {miss.side:<4} decision {miss.decision}: {lacked}")
    if found.scales:
        scales = ", ".join(f"{name} {scale.size:.4g} ({scale.of})" for name, scale in found.scales.items())
        lines.append(f"  distance: what was lacking over the gate's spread on these wishes, of several gates the largest; spreads: {scales}")
    if found.no_threshold:
        lines.append(f"  {found.no_threshold:,} of them were stopped by something that no number mends, such as a silent model or missing data")
    return "\n".join(lines)


def _miss(
    rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, misses: Misses, place: int, gates: Sequence[NamedGate], symbols: Sequence[str]
) -> Miss:
    n = int(misses.places[place])
    row, parts = rows[n], misses.parts[place]
    lacked = tuple(
        Lacked(
            gate.name,
            gate_code(gate, float(observed[n, g]), UNKNOWN if np.isnan(observed[n, g]) or np.isnan(limit[n, g]) else BLOCK),
            _finite(float(observed[n, g])),
            _finite(float(limit[n, g])),
            gate.unit,
            _finite(float(parts[g])),
        )
        for g, gate in enumerate(gates)
        if not np.isnan(parts[g])
    )
    return Miss(
        decision=int(row["decision"]),
        time=utc_text(int(row["closed_ns"])),
        symbol=symbols[int(row["instrument"])],
        frame=frame_name(int(row["frame_ns"])),
        side=SIDES[int(row["side"])],
        distance=_finite(float(misses.distances[place])),
        lacked=lacked,
    )


def _words(lacked: Lacked) -> str:
    if lacked.distance is None or lacked.observed is None or lacked.limit is None:
        return lacked.code
    seen, against = told_apart(lacked.observed, lacked.limit)
    return f"{lacked.code} {seen} against {against} {lacked.unit}".rstrip()


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
