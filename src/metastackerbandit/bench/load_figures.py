"""Looks at a run under load as figures: rates, lags, processor, memory and whether it grows, files, queues, disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from metastackerbandit.bench.under_load import Look

LIMIT_MS = 50  # of the lag from the venue's stamp until a frame was taken
_MIB = 2**20


def load_figures(looks: Sequence[Look], symbols: int) -> dict[str, float]:
    """Figures of the time from the first look to the last; what the system does not tell is not among them.

    `lag_p99_ms` is the least of the counted edges that 99 of 100 frames do not exceed (infinite where it is above all), so never too low; medians are
    of the seconds' own quantiles.
    """
    first, last = looks[0], looks[-1]
    lasted_s = (last.heartbeat_ns - first.heartbeat_ns) / 1e9
    edges = _edges(first, last)
    frames = last.vitals["frames"]["taken"] - first.vitals["frames"]["taken"]
    told = {
        "seconds": lasted_s,
        "frames_a_second": frames / lasted_s,
        "lag_p50_ms": _median(looks, "taken", "p50_ms"),
        "lag_p99_ms": next((edge for edge, count in edges.items() if count >= 0.99 * frames), float("inf")),
        "lag_max_ms": _most(looks, lambda one: _late(one, "taken", "max_ms")),
        f"share_above_{LIMIT_MS}_ms": 1.0 - edges[LIMIT_MS] / frames,
        "handled_p50_ms": _median(looks, "handled", "p50_ms"),
        "handled_p99_ms": _median(looks, "handled", "p99_ms"),
        "handled_max_ms": _most(looks, lambda one: _late(one, "handled", "max_ms")),
        "loop_lag_p99_ms": _median(looks, "loop", "p99_ms"),
        "loop_lag_max_ms": _most(looks, lambda one: _late(one, "loop", "max_ms")),
        "socket_bytes_most": _most(looks, lambda one: one.vitals["waiting"]["socket_bytes"]),
        "queued_most": _most(looks, _queued),
        "let_go": float(sum(last.vitals["let_go"].values()) - sum(first.vitals["let_go"].values())),
        "open_files_most": _most(looks, lambda one: one.vitals["open_files"]),
        "run_cores": _share(looks, lambda one: one.run_cpu_s),
        "exchange_cores": _share(looks, lambda one: one.venue_cpu_s),
        "run_mib": _last(looks, lambda one: one.vitals["memory_bytes"]),
        "run_mib_a_minute": _growth(looks, lambda one: one.vitals["memory_bytes"]),
        "exchange_mib": _last(looks, lambda one: one.venue_bytes),
        "exchange_mib_a_minute": _growth(looks, lambda one: one.venue_bytes),
    }
    for name, size in last.vitals["written_bytes"].items():
        told[f"{name}_bytes_a_second_and_symbol"] = (size - first.vitals["written_bytes"][name]) / lasted_s / symbols
    return {name: value for name, value in told.items() if value is not None}


def _edges(first: Look, last: Look) -> dict[float, int]:
    """Frames between two looks that were late by at most each edge, ms."""
    before, after = (one.vitals["frames_at_most"]["taken"] for one in (first, last))
    return {float(edge): after[edge] - before[edge] for edge in after}


def _late(one: Look, step: str, name: str) -> float | None:
    late = one.vitals["lags"][step]
    return None if late is None else float(late[name])


def _queued(one: Look) -> float:
    """What waits in queues of the run itself, but rows on their way to the raw log."""
    return float(sum(value for name, value in one.vitals["waiting"].items() if name not in ("socket_bytes", "raw_rows")))


def _median(looks: Sequence[Look], step: str, name: str) -> float | None:
    found = [value for one in looks[1:] if (value := _late(one, step, name)) is not None]
    return float(np.median(found)) if found else None


def _most(looks: Sequence[Look], of: Callable[[Look], Any]) -> float | None:
    found = [value for one in looks[1:] if (value := of(one)) is not None]
    return float(max(found)) if found else None


def _share(looks: Sequence[Look], of: Callable[[Look], float | None]) -> float | None:
    """Processor seconds a second."""
    first, last = of(looks[0]), of(looks[-1])
    return None if first is None or last is None else (last - first) / (looks[-1].at_s - looks[0].at_s)


def _last(looks: Sequence[Look], of: Callable[[Look], int | None]) -> float | None:
    value = of(looks[-1])
    return None if value is None else value / _MIB


def _growth(looks: Sequence[Look], of: Callable[[Look], int | None]) -> float | None:
    """MiB a minute by the line of least squares."""
    found = [(one.at_s, value) for one in looks if (value := of(one)) is not None]
    if len(found) < 2:
        return None
    at, sizes = np.array(found, np.float64).T
    return float(np.polyfit((at - at[0]) / 60.0, sizes / _MIB, 1)[0])
