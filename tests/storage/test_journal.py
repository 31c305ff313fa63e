"""The journal keeps every bit of every row, names its runs, and says what is wrong when it cannot."""

from __future__ import annotations

import os
import sqlite3
import struct
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import NotFound, StorageFailed, UsageError
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import FILLED, SENT, ControlRow, FillRow, LedgerRow, OrderRow, TripRow
from metastackerbandit.storage import decision_columns
from metastackerbandit.storage.journal import Journal, RunWriter
from metastackerbandit.storage.sqlite import database
from tests.covering import covers
from tests.storage.runs import any_decisions, any_rows, record, same_bits, stretch

INT64 = st.integers(-(2**63), 2**63 - 1)
KEYED = (
    ("orders", OrderRow, "order"),
    ("fills", FillRow, "fill_id"),
    ("ledger", LedgerRow, "entry"),
    ("trips", TripRow, "trip"),
    ("controls", ControlRow, ""),
)


def begun(home: Path, **changed: object) -> tuple[Journal, RunWriter]:
    journal = Journal.open(home)
    return journal, journal.begin(record(**changed), 1_000)


@covers("2.124")
@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["goes on", "killed", "killed torn", "ended"])), max_size=6),
    seed=st.integers(0, 2**32),
)
def test_a_run_that_is_taken_up_goes_on_behind_what_was_written(cuts: list[tuple[int, str]], seed: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision_columns, "ROLL_ROWS", 16)
        patch.setattr(decision_columns, "PART_ROWS", 24)
        rng = np.random.default_rng(seed)
        given_rows = any_decisions(sum(cut for cut, _ in cuts), 3, rng)
        predicted = any_rows(Prediction, sum(cut for cut, _ in cuts), rng)
        journal, writer = begun(Path(folder), mode="paper")
        done = 0
        for cut, what in cuts:
            writer.decisions(*stretch(given_rows, done, done + cut))
            if cut:
                writer.predictions(predicted[done : done + cut])
            done += cut
            if what == "goes on":
                continue
            if what == "ended":
                writer.finish("stopped", {}, 2_000)
            else:
                os.close(writer._lock)  # as the kernel does for the dead
            if what == "killed torn":
                for tail in Path(folder).rglob("tail-*"):
                    tail.write_bytes(tail.read_bytes() + b"a row that was not whole")
            writer = journal.take_up(1, 3_000)
            assert (journal.run(1).row.state, journal.run(1).row.ended_ns) == ("running", 0)
        writer.finish("finished", {}, 4_000)
        view = journal.run(1)
        assert same_bits(view.decisions(), given_rows) and view.predictions().tobytes() == predicted.tobytes()
        assert view.row.decided == view.row.predicted == done


def test_a_run_is_not_taken_up_beside_one_that_lives(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path, mode="paper")
    with pytest.raises(StorageFailed, match="another paper run"):
        journal.take_up(1, 2_000)
    writer.finish("stopped", {}, 2_000)
    journal.take_up(1, 3_000).finish("finished", {}, 4_000)
    with pytest.raises(NotFound):
        journal.take_up(2, 5_000)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6), seed=st.integers(0, 2**32), ended=st.booleans())
def test_decisions_come_back_bit_for_bit_however_they_are_cut(cuts: list[int], seed: int, ended: bool) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision_columns, "ROLL_ROWS", 16)
        patch.setattr(decision_columns, "PART_ROWS", 24)
        given_rows = any_decisions(sum(cuts), 3, np.random.default_rng(seed))
        journal, writer = begun(Path(folder))
        done = 0
        for cut in cuts:
            writer.decisions(*stretch(given_rows, done, done + cut))
            done += cut
        if ended:
            writer.finish("finished", {}, 2_000)
            assert not list(Path(folder).rglob("tail-*"))
        view = journal.run()
        assert same_bits(view.decisions(), given_rows)
        backwards = list(view.decisions_where(("decision",), lambda rows: np.arange(len(rows))))
        assert b"".join(block.rows.tobytes() for block in reversed(backwards)) == given_rows.rows.tobytes()
        journal.close()


@settings(max_examples=25, deadline=None)
@given(count=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_every_table_gives_back_the_bits_that_it_took(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        journal, writer = begun(Path(folder))
        wrote = {name: any_rows(kind, count, rng, key) for name, kind, key in KEYED}
        for name, given_rows in wrote.items():
            getattr(writer, name)(given_rows)
        writer.flush()
        view = journal.run()
        for name, given_rows in wrote.items():
            assert getattr(view, name)().tobytes() == given_rows.tobytes(), name
        journal.close()


@given(value=INT64)
@settings(max_examples=50, deadline=None)
def test_money_of_any_size_is_exact(value: int) -> None:
    with TemporaryDirectory() as folder:
        journal, writer = begun(Path(folder))
        posting = rows(LedgerRow, 1)
        posting["cash"] = value
        writer.ledger(posting)
        writer.flush()
        assert journal.run().ledger()["cash"].tolist() == [value]
        journal.close()


@pytest.mark.parametrize("bits", [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000123, 0x8000000000000000, 0x7FF0000000000000, 1])
def test_odd_floats_keep_their_bits_in_the_control_table(tmp_path: Path, bits: int) -> None:
    (value,) = struct.unpack("<d", struct.pack("<Q", bits))
    journal, writer = begun(tmp_path)
    given_rows = row(ControlRow(1, 2, 0, value, value, 0))
    writer.controls(given_rows)
    writer.flush()
    assert journal.run().controls().tobytes() == given_rows.tobytes()


def test_an_orders_last_state_stands(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    first = OrderRow(7, 1, 0, 0, 0, 5, 0, 0, 10, SENT, 0, 10)
    writer.orders(row(first))
    writer.flush()
    writer.orders(row(OrderRow(7, 1, 0, 0, 0, 5, 0, 0, 10, FILLED, 5, 20)))
    writer.flush()
    (order,) = journal.run().orders()
    assert (order["state"], order["filled"], order["at_ns"]) == (FILLED, 5, 20)


def test_a_fill_cannot_be_written_twice(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    writer.fills(rows(FillRow, 1))
    writer.flush()
    writer.fills(rows(FillRow, 1))
    with pytest.raises(StorageFailed, match="UNIQUE"):
        writer.flush()
    assert len(journal.run().fills()) == 1


@covers("A03")
def test_a_run_is_kept_with_all_that_it_was_given(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    writer.heartbeat(1_500, {"equity": 12})
    running = journal.run().row
    assert (running.state, running.heartbeat_ns, running.summary, running.decided) == ("running", 1_500, {"equity": 12}, -1)
    writer.finish("finished", {"verdict": "FLAT"}, 2_000)
    ended = journal.run(1).row
    for name in record().__struct_fields__:
        assert getattr(ended, name) == getattr(record(), name)
    assert (ended.state, ended.started_ns, ended.ended_ns, ended.summary, ended.decided) == ("finished", 1_000, 2_000, {"verdict": "FLAT"}, 0)


def test_a_run_is_found_by_word_number_and_identity(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for identity in ("a1b2", "a1c3", "a1b2"):
        journal.begin(record(identity=identity), 1).finish("finished", {}, 2)
    assert [row.run for row in journal.runs()] == [1, 2, 3]
    assert (journal.run().row.run, journal.run(2).row.run, journal.run("1").row.run) == (3, 2, 1)
    assert (journal.run("a1b").row.run, journal.run("a1c").row.run) == (3, 2)
    with pytest.raises(UsageError, match="several runs"):
        journal.run("a1")


@pytest.mark.parametrize("key", [9, "9", "zz", "", "%", "9" * 40])
def test_a_run_that_is_not_there_is_named_with_what_is(tmp_path: Path, key: str | int) -> None:
    journal = Journal.open(tmp_path)
    journal.begin(record(identity="9a1b2c3d4e5f"), 1).finish("finished", {}, 2)
    with pytest.raises(NotFound) as caught:
        journal.run(key)
    assert "1 to 1" in caught.value.mend and caught.value.exit_code == 6


def test_looking_into_an_empty_home_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing has run"):
        Journal.open(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "missing", "foreign"])
def test_a_damaged_part_is_named_with_its_mend(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_columns, "ROLL_ROWS", 32)
    journal, writer = begun(tmp_path)
    writer.decisions(*any_decisions(32, 3, np.random.default_rng(1)))
    writer.decisions(*any_decisions(32, 3, np.random.default_rng(2)))
    writer.finish("finished", {}, 2)
    part = tmp_path / "decisions" / "run=1" / "part-000001.parquet"
    body = bytearray(part.read_bytes())
    body[200] ^= 0xFF
    changed: dict[str, bytes | bytearray] = {"cut": body[:-20], "flip": body, "empty": b"", "foreign": b"PAR1 not really PAR1"}
    if damage == "missing":
        part.unlink()
    else:
        part.write_bytes(changed[damage])
    with pytest.raises(StorageFailed) as caught:
        journal.run().decisions()
    assert caught.value.where == str(part) and "backup" in caught.value.mend


def test_a_lost_last_part_is_noticed(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    writer.decisions(*any_decisions(5, 3, np.random.default_rng(1)))
    writer.finish("finished", {}, 2)
    (tmp_path / "decisions" / "run=1" / "part-000001.parquet").unlink()
    with pytest.raises(StorageFailed, match="decided 5 times and 0"):
        journal.run().decisions()


def test_a_journal_of_newer_code_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(database(tmp_path)) as connection:
        connection.execute("UPDATE schema SET version = 99")
    with pytest.raises(StorageFailed, match="version 99") as caught:
        Journal.open(tmp_path)
    assert "update msb" in caught.value.mend


def test_a_journal_with_other_columns_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(database(tmp_path)) as connection:
        connection.execute("ALTER TABLE fills ADD COLUMN strange INTEGER")
    with pytest.raises(StorageFailed, match="strange"):
        Journal.open(tmp_path)


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    database(tmp_path).write_bytes(b"this is a text file, not a database" * 40)
    with pytest.raises(StorageFailed, match="not a database"):
        Journal.open(tmp_path)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(StorageFailed, match="could not be opened"):
        Journal.open(tmp_path / "home")


def test_a_second_paper_run_is_refused_and_a_backtest_is_not(tmp_path: Path) -> None:
    journal, paper = begun(tmp_path, mode="paper")
    with pytest.raises(StorageFailed, match="another paper run") as caught:
        Journal.open(tmp_path).begin(record(mode="paper"), 1)
    assert "--home" in caught.value.mend
    Journal.open(tmp_path).begin(record(), 1).finish("finished", {}, 2)
    paper.finish("stopped", {}, 3)
    journal.begin(record(mode="paper"), 4).finish("finished", {}, 5)
    assert [row.state for row in journal.runs()] == ["stopped", "finished", "finished"]


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    _, writer = begun(tmp_path)
    with pytest.raises(TypeError, match="3 verdicts"):
        writer.decisions(*any_decisions(1, 2, np.random.default_rng(1)))
    with pytest.raises(TypeError, match="orders takes"):
        writer.orders(rows(FillRow, 1))


def test_a_full_disk_is_named_and_the_next_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, writer = begun(tmp_path)
    given_rows = any_decisions(3, 3, np.random.default_rng(1))
    writer.decisions(*stretch(given_rows, 0, 1))
    whole = os.pwrite

    def half_then_full(file: int, data: memoryview, at: int) -> int:
        monkeypatch.setattr(os, "pwrite", refuse)
        return whole(file, data[: len(data) // 2], at)

    def refuse(file: int, data: memoryview, at: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half_then_full)
    with pytest.raises(StorageFailed, match="No space left") as caught:
        writer.decisions(*stretch(given_rows, 1, 2))
    assert "free space" in caught.value.mend
    assert same_bits(journal.run().decisions(), stretch(given_rows, 0, 1))
    monkeypatch.setattr(os, "pwrite", whole)
    writer.decisions(*stretch(given_rows, 1, 3))
    assert same_bits(journal.run().decisions(), given_rows)


def test_a_reader_beside_the_writer_sees_a_whole_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_columns, "ROLL_ROWS", 64)
    given_rows = any_decisions(1_500, 3, np.random.default_rng(1))
    _, writer = begun(tmp_path)
    seen: list[int] = []
    faults: list[str] = []
    going = threading.Event()
    going.set()

    def look() -> None:
        beside = Journal.open(tmp_path)
        while going.is_set():
            found = beside.run().decisions()
            seen.append(len(found.rows))
            if not same_bits(found, stretch(given_rows, 0, len(found.rows))):
                faults.append(f"{len(found.rows)} rows differ")
            newest = next(iter(beside.run().decisions_where(("decision",), lambda rows: np.arange(len(rows)))), None)
            if newest is not None and len(newest.rows) and newest.rows["decision"][-1] < seen[-1]:
                faults.append("the newest block is older than what was seen before")
        beside.close()

    reader = threading.Thread(target=look)
    reader.start()
    fill = rows(FillRow, 1)
    for place in range(1_500):
        writer.decisions(*stretch(given_rows, place, place + 1))
        fill["fill_id"] = place
        writer.fills(fill)
        writer.flush()
    while len(seen) < 2 and reader.is_alive():  # a busy machine may not have let it look twice yet
        time.sleep(0.01)
    going.clear()
    reader.join()
    assert not faults
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert same_bits(Journal.open(tmp_path).run().decisions(), given_rows)
