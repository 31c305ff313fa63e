"""Rows of a run in memory: everything as it was handed over, in copies; only the kinds that were asked for; and to several at once."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import Struct

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import AlarmRow, ControlRow, DecisionRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.domain.sink import Kept, MemorySink, Sink, Tee

KINDS: dict[str, type[Struct]] = {
    "orders": OrderRow,
    "fills": FillRow,
    "ledger": LedgerRow,
    "trips": TripRow,
    "controls": ControlRow,
    "predictions": Prediction,
    "outcomes": OutcomeRow,
    "alarms": AlarmRow,
}
TRACES = ("decisions", "observed", "limit", "verdict")


def filled(sink: Sink) -> dict[str, np.ndarray]:
    """Hand over two parts of every kind from arrays that are written over afterwards -> what was handed over."""
    given: dict[str, list[np.ndarray]] = {}
    for turn in (1, 2):
        decisions = rows(DecisionRow, turn)
        decisions["decision"] = turn
        traces = [np.full((turn, 3), turn, kind) for kind in (np.float64, np.float64, np.int8)]
        sink.decisions(decisions, *traces)
        for name, array in zip(TRACES, (decisions, *traces), strict=True):
            given.setdefault(name, []).append(array.copy())
            array[:] = np.zeros((), array.dtype)
        for name, kind in KINDS.items():
            array = rows(kind, turn)
            array["at_ns" if "at_ns" in array.dtype.names else "closed_ns"] = turn
            getattr(sink, name)(array)
            given.setdefault(name, []).append(array.copy())
            array[:] = np.zeros((), array.dtype)
    return {name: np.concatenate(parts) for name, parts in given.items()}


def test_everything_is_kept_in_order_and_copied() -> None:
    sink = MemorySink()
    given = filled(sink)
    kept = sink.kept()
    assert set(given) == set(Kept.__struct_fields__)
    for name, array in given.items():
        assert getattr(kept, name).dtype == array.dtype
        assert getattr(kept, name).tobytes() == array.tobytes(), name


def test_only_the_kinds_that_are_named_are_kept() -> None:
    sink = MemorySink("trips", "observed")
    given = filled(sink)
    kept = sink.kept()
    for name in given:
        assert len(getattr(kept, name)) == (3 if name in ("trips", "observed") else 0)


def test_a_kind_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"trip: no such kind of rows; there are decisions, .*alarms"):
        MemorySink("trip")


def test_nothing_is_no_rows_of_the_right_layout() -> None:
    kept = MemorySink().kept()
    assert all(getattr(kept, name).dtype == rows(kind, 0).dtype and len(getattr(kept, name)) == 0 for name, kind in KINDS.items())
    assert kept.observed.shape == (0, 0)


def test_a_tee_gives_every_sink_every_row() -> None:
    sinks = [MemorySink(), MemorySink()]
    given = filled(Tee(*sinks))
    for sink in sinks:
        assert all(getattr(sink.kept(), name).tobytes() == array.tobytes() for name, array in given.items())
