"""A run's rows once more: what the journal has is passed over, what it lost is written, and what differs is refused."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import AlarmRow, ControlRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.storage.journal import Journal, RunWriter
from metastackerbandit.storage.journal_again import JournalAgain
from metastackerbandit.storage.run_view import RunView
from tests.covering import covers
from tests.storage.runs import any_decisions, any_rows, record, same_bits, stretch

KINDS: dict[str, tuple[Any, str]] = {
    "fills": (FillRow, "fill_id"),
    "ledger": (LedgerRow, "entry"),
    "trips": (TripRow, "trip"),
    "controls": (ControlRow, ""),
    "outcomes": (OutcomeRow, ""),
    "predictions": (Prediction, ""),
    "alarms": (AlarmRow, ""),
}


class Lost:
    """A run of so many rows of each kind, killed when its journal had so many of them."""

    def __init__(self, home: Path, count: int, had: dict[str, int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.rows = {name: any_rows(kind, count, rng, key) for name, (kind, key) in KINDS.items()}
        self.orders = any_rows(OrderRow, count, rng, "order")
        self.decided = any_decisions(count, 3, rng)
        self.journal = Journal.open(home)
        self.writer: RunWriter = self.journal.begin(record(mode="paper"), 1_000)
        for name, rows in self.rows.items():
            getattr(self.writer, name)(rows[: had.get(name, 0)])
        self.writer.orders(self.orders[: had.get("orders", 0)])
        self.writer.decisions(*stretch(self.decided, 0, had.get("decisions", 0)))
        self.writer.flush()
        os.close(self.writer._lock)
        self.writer = self.journal.take_up(1, 2_000)
        self.again = JournalAgain(self.writer, self.journal.run(1))

    def replay(self, size: int = 1) -> RunView:
        """All rows again, so many at a time."""
        for first in range(0, len(self.orders), size):
            for name, rows in self.rows.items():
                getattr(self.again, name)(rows[first : first + size])
            self.again.orders(self.orders[first : first + size])
            self.again.decisions(*stretch(self.decided, first, first + size))
        self.again.check()
        self.writer.finish("finished", {}, 3_000)
        return self.journal.run(1)


HAD = st.fixed_dictionaries({name: st.integers(0, 12) for name in (*KINDS, "orders", "decisions")})


@covers("2.124")
@settings(max_examples=30, deadline=None)
@given(had=HAD, size=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_the_journal_is_whole_again_whatever_it_had(had: dict[str, int], size: int, seed: int) -> None:
    with TemporaryDirectory() as folder:
        lost = Lost(Path(folder), 12, had, seed)
        view = lost.replay(size)
        assert same_bits(view.decisions(), lost.decided) and view.orders().tobytes() == lost.orders.tobytes()
        for name, rows in lost.rows.items():
            assert getattr(view, name)().tobytes() == rows.tobytes(), name


@pytest.mark.parametrize("kind", [*KINDS, "decisions"])
def test_rows_that_come_out_otherwise_are_refused(tmp_path: Path, kind: str) -> None:
    lost = Lost(tmp_path, 4, dict.fromkeys((*KINDS, "decisions"), 4), 1)
    changed = lost.decided.rows if kind == "decisions" else lost.rows[kind]
    changed["at_ns" if "at_ns" in (changed.dtype.names or ()) else "closed_ns"][2] += 1
    if kind == "alarms":  # limits of monitors may be others today
        lost.replay()
        return
    with pytest.raises(StorageFailed, match=f"other {kind} from place 3 on") as refused:
        lost.replay()
    assert "msb flatten" in refused.value.mend and "run 1" in str(refused.value)
    lost.writer.finish("failed", {}, 3_000)


@pytest.mark.parametrize("kind", ["fills", "controls", "decisions"])
def test_rows_that_do_not_come_again_are_missed(tmp_path: Path, kind: str) -> None:
    lost = Lost(tmp_path, 4, {kind: 4}, 1)
    if kind == "decisions":
        lost.again.decisions(*stretch(lost.decided, 0, 3))
    else:
        getattr(lost.again, kind)(lost.rows[kind][:3])
    with pytest.raises(StorageFailed, match=f"4 {kind}, and its inputs give 3"):
        lost.again.check()
    lost.writer.finish("failed", {}, 3_000)


def test_alarms_behind_the_log_are_new_whatever_monitors_did_not_raise_again(tmp_path: Path) -> None:
    lost = Lost(tmp_path, 4, {"alarms": 3}, 1)
    lost.again.check()
    lost.again.alarms(lost.rows["alarms"][3:])
    lost.writer.finish("finished", {}, 3_000)
    assert lost.journal.run(1).alarms().tobytes() == lost.rows["alarms"].tobytes()
