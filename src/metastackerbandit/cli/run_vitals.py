"""The vitals of a live run: which files are its own, which queues it has, and how status and a terminal tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metastackerbandit.runtime.live_run import LiveRun
    from metastackerbandit.runtime.venue_clock import VenueClock
    from metastackerbandit.runtime.vitals import Vitals
    from metastackerbandit.storage.raw_log import RawLog

_MILLION = 1e6
_STEPS = {"taken": "frames taken", "handled": "of it by us", "loop": "event loop"}


def vitals_of(home: Path, number: int, run: LiveRun, raw: RawLog, clock: VenueClock) -> Vitals:
    """What measures a run that is put together: `number` is its own, `raw` its raw log, `clock` what stamps its frames."""
    from metastackerbandit.runtime.vitals import Depths, Vitals
    from metastackerbandit.storage.input_log import input_log_path, plan_path
    from metastackerbandit.storage.run_view import decisions_folder, predictions_folder
    from metastackerbandit.storage.sqlite import database

    journal = database(home)
    files = {
        "raw": [raw.folder],
        "inputs": [input_log_path(home, number), plan_path(home, number)],
        "journal": [journal, journal.with_name(f"{journal.name}-wal"), decisions_folder(home, number), predictions_folder(home, number)],
    }

    def depths() -> Depths:
        told = run.depths()
        return Depths({**told.now, "raw_rows": raw.accepted - raw.acknowledged}, {**told.let_go, "raw_rows": raw.refused})

    return Vitals(home, files, run.lags, depths, lambda venue_ms: clock.wall_s(venue_ms / 1_000.0) * 1_000.0)


def vitals_lines(told: Mapping[str, Any]) -> list[str]:
    """A run's vitals for a reader, lags and CPU of all of it once it has ended; what is not known is said to be so."""
    over = told.get("whole", told)
    share, lags, memory, files = over["cpu_share"], over["lags"], told["memory_bytes"], told["open_files"]
    parts = [
        "CPU unknown" if share is None else f"CPU {share:.0%} of a core",
        "memory unknown" if memory is None else f"memory {memory / _MILLION:,.0f} MB",
        "open files unknown" if files is None else f"{files} files open",
        "free disk unknown" if told["free_bytes"] is None else f"{told['free_bytes'] / _MILLION:,.0f} MB free",
        f"{sum(told['written_bytes'].values()) / _MILLION:,.1f} MB written",
    ]
    late = [f"{words} {_late(lags[name])}" for name, words in _STEPS.items() if lags[name]]
    waiting = [f"{name.replace('_', ' ')} {value:,}" for name, value in told["waiting"].items() if value]
    gone = [f"{name.replace('_', ' ')} {value:,}" for name, value in told["let_go"].items() if value]
    lines = [", ".join(parts)]
    lines += [f"late (p50, p99, most): {'; '.join(late)}"] if late else []
    lines += [f"waiting: {', '.join(waiting) or 'nothing'}" + (f"; let go: {', '.join(gone)}" if gone else "")]
    return lines


def _late(late: Mapping[str, float]) -> str:
    return f"{late['p50_ms']:.3g}, {late['p99_ms']:.3g}, {late['max_ms']:.3g} ms"
