"""Figures of a run under load: of the time between the looks alone, never kinder than what was counted, and silent on what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.bench.load_figures import load_figures
from metastackerbandit.bench.under_load import Look

EDGES = (1, 10, 50, 100)


def look(second: int, lags: list[float], *, mib: int | None = 100, cpu_s: float | None = None, **vitals: Any) -> Look:
    """A look at a second, when frames had been late by so many milliseconds since the start."""
    window = {"count": 1, "p50_ms": 2.0, "p99_ms": 4.0, "max_ms": 8.0 + second}
    told = {
        "memory_bytes": None if mib is None else mib * 2**20,
        "open_files": 20 + second % 3,
        "lags": {"taken": window, "handled": window, "loop": None},
        "waiting": {"socket_bytes": None, "changes": 3, "candles": second, "raw_rows": 999},
        "let_go": {"changes": 2 * second},
        "written_bytes": {"raw": 1_000 * second},
        "frames": {"taken": len(lags)},
        "frames_at_most": {"taken": {f"{edge}": sum(late <= edge for late in lags) for edge in EDGES}},
    }
    return Look(float(second), second * 10**9, told | vitals, cpu_s, cpu_s, 2**20 * 50)


@given(before=st.lists(st.floats(0, 200), max_size=50), late=st.lists(st.floats(0, 200), min_size=1, max_size=300))
def test_the_lag_that_is_told_is_not_exceeded_by_99_of_100_frames(before: list[float], late: list[float]) -> None:
    figures = load_figures([look(0, before), look(10, before + late)], 4)
    assert figures["frames_a_second"] == pytest.approx(len(late) / 10)
    assert figures["share_above_50_ms"] == pytest.approx(sum(one > 50 for one in late) / len(late))
    told = figures["lag_p99_ms"]
    assert sum(one <= told for one in late) >= 0.99 * len(late)
    smaller = [edge for edge in EDGES if edge < told]
    assert not smaller or sum(one <= smaller[-1] for one in late) < 0.99 * len(late), "and no smaller edge would do"


@given(first=st.integers(50, 500), growth=st.integers(-3, 3))
def test_growth_is_that_of_the_line(first: int, growth: int) -> None:
    figures = load_figures([look(60 * minute, [1.0] * (minute + 1), mib=first + growth * minute) for minute in range(5)], 4)
    assert figures["run_mib_a_minute"] == pytest.approx(growth, abs=1e-9) and figures["run_mib"] == first + 4 * growth
    assert figures["exchange_mib_a_minute"] == pytest.approx(0.0, abs=1e-9)


def test_what_is_not_known_is_not_among_the_figures() -> None:
    figures = load_figures([look(0, [], mib=None), look(10, [1.0], mib=None)], 4)
    assert not {"run_mib", "run_mib_a_minute", "run_cores", "exchange_cores", "loop_lag_p99_ms", "socket_bytes_most"} & set(figures)


def test_shares_queues_and_files_are_of_the_time_between_the_looks() -> None:
    looks = [look(5, [1.0], cpu_s=3.0), look(10, [1.0, 2.0], cpu_s=3.5), look(15, [1.0, 2.0, 3.0], cpu_s=8.0)]
    looks[0] = structs.replace(looks[0], vitals=looks[0].vitals | {"open_files": 99})
    figures = load_figures(looks, 5)
    assert (figures["run_cores"], figures["seconds"], figures["frames_a_second"]) == (0.5, 10.0, 0.2)
    assert (figures["queued_most"], figures["let_go"], figures["open_files_most"]) == (18.0, 20.0, 21.0)
    assert figures["raw_bytes_a_second_and_symbol"] == 1_000 / 5
    assert (figures["lag_p50_ms"], figures["lag_max_ms"]) == (2.0, 23.0)
