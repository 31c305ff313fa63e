"""What models said comes back bit for bit, from a run that goes on, ended, or was killed; older journals still open."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.prediction import SILENCES, Prediction
from metastackerbandit.domain.rows import AlarmRow, DecisionRow
from metastackerbandit.domain.sink import MemorySink, Tee
from metastackerbandit.storage import columns, prediction_columns
from metastackerbandit.storage.journal import Journal, RunWriter
from metastackerbandit.storage.sqlite import database
from metastackerbandit.storage.tables import STEPS, VERSION
from tests.covering import covers
from tests.storage.runs import any_decisions, any_rows, record

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("stack-5m-BTCUSDT-0a1b2c3d4e-0001", "stack-1h-BTCUSDT-0a1b2c3d4e-0004")
MINUTE_NS = 60 * 10**9


def begun(home: Path, **changed: object) -> tuple[Journal, RunWriter]:
    journal = Journal.open(home)
    return journal, journal.begin(record(models=MODELS, **changed), 1_000)


def said(instrument: int, frame: int, closed: int, at: int | None = None) -> np.ndarray:
    """One prediction; times and frame in minutes."""
    one = rows(Prediction, 1)
    one["instrument"], one["frame_ns"], one["closed_ns"] = instrument, frame * MINUTE_NS, closed * MINUTE_NS
    one["at_ns"] = (closed if at is None else at) * MINUTE_NS
    return one


@settings(max_examples=12)
@given(cuts=st.lists(st.integers(0, 60), max_size=6), seed=st.integers(0, 2**32), ended=st.booleans())
def test_predictions_come_back_bit_for_bit_however_they_are_cut(cuts: list[int], seed: int, ended: bool) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction_columns, "ROLL_ROWS", 16)
        patch.setattr(prediction_columns, "PART_ROWS", 24)
        given_rows = any_rows(Prediction, sum(cuts), np.random.default_rng(seed))
        journal, writer = begun(Path(folder))
        done = 0
        for cut in cuts:
            writer.predictions(given_rows[done : done + cut])
            done += cut
        if ended:
            writer.finish("finished", {}, 2_000)
            assert not list(Path(folder).rglob("tail-*"))
            assert journal.run().row.predicted == len(given_rows)
        assert journal.run().predictions().tobytes() == given_rows.tobytes()
        journal.close()


def test_a_run_without_models_has_no_folder_and_no_predictions(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    writer = journal.begin(record(), 1)
    writer.predictions(rows(Prediction, 0))
    writer.finish("finished", {}, 2)
    view = journal.run()
    assert (view.row.models, view.row.predicted, len(view.predictions())) == ((), 0, 0)
    assert not (tmp_path / "predictions").exists()


@covers("A03")
def test_a_run_names_the_versions_that_its_predictions_count(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    spoken = rows(Prediction, 2)
    spoken["version"] = [1, -1]
    spoken["silence"] = [0, SILENCES.index("no version was trained before this bar")]
    spoken["p_up"] = [0.5, np.nan]
    writer.predictions(spoken)
    view = journal.run()
    assert view.row.models == MODELS and (view.row.predicted, view.row.state) == (-1, "running")
    first, second = (struct_of(Prediction, one) for one in view.predictions())
    assert view.row.models[first.version] == MODELS[1] and first.p_up == 0.5
    assert second.version == -1 and np.isnan(second.p_up), "a silent model is kept too, with its reason"


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    _, writer = begun(tmp_path)
    with pytest.raises(TypeError, match="rows of Prediction"):
        writer.predictions(rows(DecisionRow, 1))


def test_strided_rows_are_kept_as_they_are(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    given_rows = any_rows(Prediction, 20, np.random.default_rng(3))
    writer.predictions(given_rows[::3])
    assert journal.run().predictions().tobytes() == given_rows[::3].copy().tobytes()


def test_what_was_said_of_a_bar_and_what_stood_at_a_time_are_found(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    # At minute 60 both frames of instrument 0 close; the higher one speaks first, and the 5m answer at 65 arrives two minutes late.
    for one in (said(0, 5, 55), said(1, 5, 55), said(0, 60, 60), said(0, 5, 60), said(1, 5, 60), said(0, 5, 65, at=67)):
        writer.predictions(one)
    view = journal.run()

    def told(found: np.ndarray) -> list[tuple[int, int]]:
        return [(int(one["frame_ns"]) // MINUTE_NS, int(one["closed_ns"]) // MINUTE_NS) for one in found]

    assert told(view.predictions_standing(0, 59 * MINUTE_NS)) == [(5, 55)]
    assert told(view.predictions_standing(0, 60 * MINUTE_NS)) == [(5, 60), (60, 60)]
    assert told(view.predictions_standing(0, 66 * MINUTE_NS)) == [(5, 60), (60, 60)], "what was not known yet does not stand"
    assert told(view.predictions_standing(0, 67 * MINUTE_NS)) == [(5, 65), (60, 60)]
    assert told(view.predictions_standing(0, 54 * MINUTE_NS)) == []


@settings(max_examples=30)
@given(
    words=st.lists(st.tuples(st.integers(0, 2), st.sampled_from((5, 15, 60)), st.integers(0, 2)), max_size=60),
    at=st.integers(0, 70),
    instrument=st.integers(0, 3),
    ended=st.booleans(),
)
def test_what_stood_is_found_by_parts_as_by_reading_everything(words: list[tuple[int, int, int]], at: int, instrument: int, ended: bool) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction_columns, "ROLL_ROWS", 7)
        patch.setattr(prediction_columns, "PART_ROWS", 11)
        journal, writer = begun(Path(folder))
        for minute, (place, frame, late) in enumerate(words):
            writer.predictions(said(place, frame, minute, at=minute + late))
        if ended:
            writer.finish("finished", {}, 2)
        view = journal.run()
        every = view.predictions()
        known = every[(every["instrument"] == instrument) & (every["at_ns"] <= at * MINUTE_NS)]
        newest = [known[known["frame_ns"] == frame][-1:] for frame in np.unique(known["frame_ns"])]
        expected = np.concatenate(newest) if newest else every[:0]
        assert view.predictions_standing(instrument, at * MINUTE_NS).tobytes() == expected.tobytes()
        journal.close()


def test_only_parts_with_a_word_that_stood_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_columns, "ROLL_ROWS", 10)
    monkeypatch.setattr(prediction_columns, "PART_ROWS", 10)
    journal, writer = begun(tmp_path)
    for minute in range(100):
        writer.predictions(said(minute % 2, 5, minute))
    writer.finish("finished", {}, 2)
    whole: list[Path] = []
    read = columns._read_part

    def counted(path: Path, shape: columns.Shape) -> columns.Block:
        if shape is shape.whole:
            whole.append(path)
        return read(path, shape)

    monkeypatch.setattr(columns, "_read_part", counted)
    assert journal.run().predictions_standing(1, 55 * MINUTE_NS)["closed_ns"] == 55 * MINUTE_NS
    assert [path.name for path in whole] == ["part-000006.parquet"]


@covers("A03")
def test_a_lost_part_is_told_though_the_others_hold_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_columns, "ROLL_ROWS", 10)
    journal, writer = begun(tmp_path)
    for minute in range(25):
        writer.predictions(said(0, 5, minute))
    writer.finish("finished", {}, 2)
    (tmp_path / "predictions" / "run=1" / "part-000003.parquet").unlink()
    with pytest.raises(StorageFailed, match="took 25 predictions and 20 are here"):
        journal.run().predictions_standing(0, 99 * MINUTE_NS)


def test_sinks_keep_and_pass_on_predictions() -> None:
    one, other = MemorySink(), MemorySink()
    given_rows = any_rows(Prediction, 5, np.random.default_rng(1))
    tee = Tee(one, other)
    tee.predictions(given_rows[:2])
    tee.predictions(given_rows[2:])
    expected = given_rows.tobytes()
    given_rows["p_up"] = 0.0
    assert one.kept().predictions.tobytes() == other.kept().predictions.tobytes() == expected
    assert len(MemorySink().kept().predictions) == 0


# -- damage and kills ------------------------------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
import numpy as np
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.storage import columns, prediction_columns
from metastackerbandit.storage.journal import Journal
from tests.storage.runs import any_decisions, any_rows, record, stretch

prediction_columns.ROLL_ROWS = 512
predicted = any_rows(Prediction, 20_000, np.random.default_rng(5))
decided = any_decisions(20_000, 3, np.random.default_rng(6))
writer = Journal.open(Path(sys.argv[1])).begin(record(mode="paper"), 1)
for place in range(20_000):
    writer.predictions(predicted[place : place + 1])
    writer.decisions(*stretch(decided, place, place + 1))
    print(place + 1, flush=True)
"""


@covers("A40")
def test_a_run_killed_between_two_rows_keeps_every_prediction_that_stood_behind_a_decision(tmp_path: Path) -> None:
    after = 700  # past the first part of 512
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}
    )
    assert process.stdout is not None
    announced = 0
    for line in process.stdout:
        announced = int(line)
        if announced == after:
            process.send_signal(signal.SIGKILL)
            break
    announced = max([announced, *(int(line) for line in process.stdout if line.endswith("\n"))])
    process.wait()
    view = Journal.open(tmp_path).run()
    found, decided = view.predictions(), view.decisions()
    assert announced <= len(decided.rows) <= len(found) <= announced + 1
    assert found.tobytes() == any_rows(Prediction, 20_000, np.random.default_rng(5))[: len(found)].tobytes()
    assert view.row.predicted == -1


def a_tail(home: Path) -> tuple[Journal, Path, np.ndarray]:
    journal, writer = begun(home)
    given_rows = any_rows(Prediction, 10, np.random.default_rng(1))
    writer.predictions(given_rows)
    return journal, home / "predictions" / "run=1" / "tail-000001.bin", given_rows


@pytest.mark.parametrize("lost", [1, 8, 100])
def test_a_row_torn_at_the_end_is_left_out_and_damage_before_it_is_named(tmp_path: Path, lost: int) -> None:
    journal, tail, given_rows = a_tail(tmp_path)
    body = tail.read_bytes()
    tail.write_bytes(body[:-lost])
    assert journal.run().predictions().tobytes() == given_rows[:9].tobytes()
    damaged = bytearray(body)
    damaged[len(damaged) // 2] ^= 1
    tail.write_bytes(bytes(damaged))
    with pytest.raises(StorageFailed, match=r"row \d+ of the tail is damaged") as caught:
        journal.run().predictions()
    assert caught.value.where == str(tail)


def test_a_lost_part_is_noticed(tmp_path: Path) -> None:
    journal, writer = begun(tmp_path)
    writer.predictions(any_rows(Prediction, 5, np.random.default_rng(1)))
    writer.finish("finished", {}, 2)
    (tmp_path / "predictions" / "run=1" / "part-000001.parquet").unlink()
    with pytest.raises(StorageFailed, match="took 5 predictions and 0 are here") as caught:
        journal.run().predictions()
    assert "backup" in caught.value.mend


def test_a_full_disk_is_named_as_that_of_a_prediction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int, data: memoryview, at: int) -> int:
        raise OSError(28, "No space left on device")

    _, writer = begun(tmp_path)
    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(StorageFailed, match="a prediction could not be written: No space left"):
        writer.predictions(rows(Prediction, 1))


# -- older journals --------------------------------------------------------------------------------------------------

# The table as version 1 of the journal made it.
OLD_RUNS = """CREATE TABLE runs (
    run INTEGER PRIMARY KEY, identity TEXT NOT NULL, started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, heartbeat_ns INTEGER NOT NULL,
    pid INTEGER NOT NULL, mode TEXT NOT NULL, driver TEXT NOT NULL, lineage TEXT NOT NULL, state TEXT NOT NULL, config_hash TEXT NOT NULL,
    config TEXT NOT NULL, code TEXT NOT NULL, instruments TEXT NOT NULL, base_ns INTEGER NOT NULL, frame_ns INTEGER NOT NULL, arm TEXT NOT NULL,
    source TEXT NOT NULL, digest TEXT NOT NULL, notices TEXT NOT NULL, gates TEXT NOT NULL, decided INTEGER NOT NULL, summary TEXT NOT NULL)"""


def an_old_journal(home: Path) -> np.ndarray:
    """A home with one finished run as version 1 left it; gives its decisions."""
    journal = Journal.open(home)
    writer = journal.begin(record(), 1)
    decided = any_decisions(40, 3, np.random.default_rng(1))
    writer.decisions(*decided)
    writer.finish("finished", {}, 2)
    journal.close()
    with sqlite3.connect(database(home)) as connection:
        connection.execute("ALTER TABLE runs RENAME TO newer")
        connection.execute(OLD_RUNS)
        columns = ", ".join(name[1] for name in connection.execute("PRAGMA table_info(runs)"))
        connection.execute(f"INSERT INTO runs ({columns}) SELECT {columns} FROM newer")
        connection.execute("DROP TABLE newer")
        connection.execute("ALTER TABLE controls DROP COLUMN instrument")
        connection.execute("DROP TABLE outcomes")  # version 2 brought it
        connection.execute("UPDATE schema SET version = 1")
    connection.close()
    return decided.rows


def test_a_journal_of_version_1_opens_keeps_its_runs_and_takes_new_ones(tmp_path: Path) -> None:
    decided = an_old_journal(tmp_path)
    journal = Journal.open(tmp_path, create=False)
    old = journal.run(1)
    assert (old.row.models, old.row.predicted, old.row.state) == ((), -1, "finished")
    assert old.decisions().rows.tobytes() == decided.tobytes() and len(old.predictions()) == 0
    assert old.row.arms[:2] == ("sma_cross", "ema_cross") and old.row.arms[-2:] == ("model", "aligned") and len(old.row.arms) == 9
    for name in set(record().__struct_fields__) - {"arms"}:  # there were none beside those nine
        assert getattr(old.row, name) == getattr(record(), name)
    writer = journal.begin(record(models=MODELS), 3)
    writer.predictions(rows(Prediction, 2))
    writer.finish("finished", {}, 4)
    journal.close()
    again = Journal.open(tmp_path)
    assert [(row.models, row.predicted) for row in again.runs()] == [((), -1), (MODELS, 2)]
    assert sqlite3.connect(database(tmp_path)).execute("SELECT version FROM schema").fetchall() == [(VERSION,)]


def test_a_journal_of_version_2_opens_and_takes_alarms(tmp_path: Path) -> None:
    decided = an_old_journal(tmp_path)
    with sqlite3.connect(database(tmp_path)) as connection:
        for statement in STEPS[1]:
            connection.execute(statement)
        connection.execute("DROP TABLE alarms")
        connection.execute("UPDATE schema SET version = 2")
    connection.close()
    journal = Journal.open(tmp_path, create=False)
    assert journal.run(1).row.monitors == () and len(journal.run(1).alarms()) == 0
    assert journal.run(1).decisions().rows.tobytes() == decided.tobytes()
    writer = journal.begin(record(monitors=("silence", "burst")), 3)
    given = any_rows(AlarmRow, 5, np.random.default_rng(2))
    writer.alarms(given)
    writer.finish("finished", {}, 4)
    assert journal.run(2).alarms().tobytes() == given.tobytes() and journal.run(2).row.monitors == ("silence", "burst")


def test_an_interrupted_step_to_a_newer_version_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    an_old_journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("metastackerbandit.storage.sqlite.STEPS", {1: (*STEPS[1][:1], "this is no SQL")})
        with pytest.raises(StorageFailed, match="syntax error"):
            Journal.open(tmp_path)
    assert Journal.open(tmp_path).run(1).row.identity == "a1b2c3"


# The table as versions 2 and 3 of the journal made it.
OLD_OUTCOMES = """CREATE TABLE outcomes (run INTEGER NOT NULL, "at_ns" INTEGER NOT NULL, "instrument" INTEGER NOT NULL,
    "arm" INTEGER NOT NULL, "cell" INTEGER NOT NULL, "side" INTEGER NOT NULL, "bars" INTEGER NOT NULL, "outcome" REAL)"""


def test_outcomes_of_version_3_are_those_of_arms(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(database(tmp_path)) as connection:
        connection.execute("DROP TABLE outcomes")
        connection.execute(OLD_OUTCOMES)
        connection.execute("INSERT INTO outcomes VALUES (1, 5, 0, 2, 3, -1, 4, 0.5)")
        connection.execute("ALTER TABLE controls DROP COLUMN instrument")
        connection.execute("ALTER TABLE runs DROP COLUMN arms")
        connection.execute("UPDATE schema SET version = 3")
    connection.close()
    journal = Journal.open(tmp_path)
    journal.begin(record(), 1).finish("finished", {}, 2)
    (row,) = journal.run(1).outcomes()
    assert (row["arm"], row["side"], row["outcome"], row["gate"], row["decision"]) == (2, -1, 0.5, -1, 0)
    assert np.isnan(row["net_bps"])
