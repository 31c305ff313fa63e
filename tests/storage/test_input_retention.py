"""Inputs of runs that are over leave by age and size; what may still be needed stays, and a stop on the way loses nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.storage.input_log import input_log_path, plan_path
from metastackerbandit.storage.input_retention import has_inputs, pin, prune_inputs
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.run_record import RunRow
from metastackerbandit.storage.settings import InputLogSettings
from tests.storage.runs import record

DAY_NS = 86_400 * 10**9
NOW_NS = 1_800_000_000 * 10**9
SIZE = 100  # bytes of a run: its log and its plan


def home_of(home: Path, ages: list[int | None], sources: list[str] | None = None) -> tuple[Path, tuple[RunRow, ...]]:
    """Runs that ended so many days ago (None: not yet), with inputs each; the folder of these, and the journal's rows."""
    with Journal.open(home) as journal:
        for place, age in enumerate(ages):
            writer = journal.begin(record(source=sources[place] if sources else "loopback perp, live"), NOW_NS - 1_000 * DAY_NS)
            log, plan = input_log_path(home, writer.run), plan_path(home, writer.run)
            log.parent.mkdir(exist_ok=True)
            log.write_bytes(b"i" * (SIZE - 10))
            plan.write_bytes(b"p" * 10)
            if age is not None:
                writer.finish("finished", {}, NOW_NS - age * DAY_NS)
        return home / "inputs", journal.runs()


def kept(folder: Path) -> set[int]:
    """The runs whose logs are there."""
    return {int(path.name[4:-4]) for path in folder.glob("run=*.log")}


def test_what_ended_too_long_ago_leaves_and_the_newest_of_each_market_stays(tmp_path: Path) -> None:
    folder, runs = home_of(tmp_path, [400, 300, 200, 5], ["a", "a", "b", "a"])
    told = prune_inputs(folder, runs, InputLogSettings(keep_days=100), NOW_NS, dry_run=True)
    assert kept(folder) == {1, 2, 3, 4} and not (folder / "retention.jsonl").exists(), "a dry run only tells"
    assert prune_inputs(folder, runs, InputLogSettings(keep_days=100), NOW_NS) == told
    assert [(one.log, one.segment, one.why) for one in told.gone] == [
        ("run=1", "run=1.log", "age"),
        ("run=1", "run=1.plan.json", "age"),
        ("run=2", "run=2.log", "age"),
        ("run=2", "run=2.plan.json", "age"),
    ]
    assert kept(folder) == {3, 4} and (told.kept_runs, told.kept_bytes) == (2, 2 * SIZE)
    assert told.stays == {3: "the newest of its market", 4: "the newest of its market"}
    assert [json.loads(line)["segment"] for line in (folder / "retention.jsonl").read_bytes().splitlines()] == [one.segment for one in told.gone]


def test_what_may_be_needed_stays_whatever_its_age(tmp_path: Path) -> None:
    folder, runs = home_of(tmp_path, [900, None, 900, 900])
    (folder / "run=77.log").write_bytes(b"x")
    pin(folder, 1, is_pinned=True)
    told = prune_inputs(folder, runs, InputLogSettings(keep_days=1), NOW_NS)
    assert told.stays == {1: "pinned", 2: "it has no end", 4: "the newest of its market", 77: "the journal does not know it"}
    assert kept(folder) == {1, 2, 4, 77}
    pin(folder, 1, is_pinned=False)
    prune_inputs(folder, runs, InputLogSettings(keep_days=1), NOW_NS)
    assert kept(folder) == {2, 4, 77}


@given(ages=st.lists(st.integers(1, 100), min_size=1, max_size=6), keep=st.integers(0, 7))
def test_of_too_much_those_that_ended_first_leave_until_the_rest_is_small_enough(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int], keep: int
) -> None:
    folder, runs = home_of(tmp_path_factory.mktemp("home"), list(ages))
    told = prune_inputs(folder, runs, InputLogSettings(keep_days=0, keep_gb=(keep * SIZE + 1) / 1e9), NOW_NS)
    stays = max(keep, 1)
    assert told.kept_runs == min(stays, len(ages)) == len(kept(folder))
    newest = len(ages)
    oldest_first = sorted((run for run in range(1, newest)), key=lambda run: (-ages[run - 1], run))
    assert {int(one.log[4:]) for one in told.gone} == set(oldest_first[: max(len(ages) - stays, 0)])


@pytest.mark.parametrize("has_archive", [False, True])
def test_a_stop_anywhere_leaves_no_log_without_its_plan_and_the_next_time_ends_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_archive: bool
) -> None:
    class Killed(BaseException):
        pass

    steps, real = 0, os.fsync
    while True:
        home, archive = tmp_path / f"home{steps}", tmp_path / f"archive{steps}" if has_archive else None
        folder, runs = home_of(home, [300, 200, 1])
        left = steps

        def step(file: int) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            real(file)

        monkeypatch.setattr(os, "fsync", step)
        try:
            prune_inputs(folder, runs, InputLogSettings(keep_days=100), NOW_NS, archive)
            is_over = True
        except Killed:
            is_over = False
        monkeypatch.undo()
        for run in kept(folder):
            assert plan_path(home, run).exists()
        if archive is not None:
            there = {path.name for path in (*folder.iterdir(), *(archive.iterdir() if archive.exists() else ()))}
            assert {f"run={run}.{what}" for run in (1, 2, 3) for what in ("log", "plan.json")} <= there, "an archive loses nothing"
        prune_inputs(folder, runs, InputLogSettings(keep_days=100), NOW_NS, archive)
        assert {path.name for path in folder.glob("run=*")} == {"run=3.log", "run=3.plan.json"}
        if is_over:
            break
        steps += 1
    assert steps >= 4


def test_where_there_is_nothing_that_is_said(tmp_path: Path) -> None:
    folder, runs = home_of(tmp_path, [300])
    assert has_inputs(folder) and not has_inputs(tmp_path) and not has_inputs(tmp_path / "none")
    with pytest.raises(NotFound, match="no inputs of run 9"):
        pin(folder, 9, is_pinned=True)
    with pytest.raises(NotFound, match="no inputs of runs"):
        prune_inputs(tmp_path / "none", runs, InputLogSettings(), NOW_NS)
    with pytest.raises(UsageError, match="archive lies in the folder"):
        prune_inputs(folder, runs, InputLogSettings(), NOW_NS, folder / "old")
