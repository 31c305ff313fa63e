"""`msb data prune`: limits from flags and configuration, a dry run that only tells, and what leaves is named."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.cli.main import app
from metastackerbandit.cli.pruning import bytes_of
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.storage.input_log import InputLog, input_log_path
from metastackerbandit.storage.journal import Journal
from metastackerbandit.storage.raw_blocks import STREAM, Arrived
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.raw_reading import segments_in
from metastackerbandit.storage.settings import RawLogSettings
from tests.cli.asking import RUNNER, msb
from tests.covering import covers
from tests.storage.runs import record

HOUR_NS = 3_600_000_000_000


def pruned(*words: object, home: Path) -> tuple[int, Any, str]:
    return msb("data", "prune", *map(str, words), home=home)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Logs of two recordings: one of 60, 30 and 20 days ago, one of yesterday."""
    now_ns = time.time_ns()
    for name, ages in (("binance_perp_1", (60, 30, 20)), ("binance_perp_2", (1,))):
        log = RawLog(tmp_path / "logs" / name, RawLogSettings(block_ms=0, segment_minutes=1))
        for days in ages:
            log.put(Arrived(now_ns - days * 24 * HOUR_NS, STREAM, "a", b"x" * 100))
        log.close()
    return tmp_path / "logs"


@covers("2.082")
def test_what_is_too_old_is_told_then_deleted_and_listed(folder: Path, tmp_path: Path) -> None:
    code, told, _ = pruned(folder, "--dry-run", home=tmp_path)
    assert code == 0 and told["dry_run"] and (told["keep_days"], told["keep_bytes"]) == (14.0, 50_000_000_000)
    assert [(one["log"], one["why"], one["to"]) for one in told["removed"]] == [("binance_perp_1", "age", None)] * 3
    assert len(segments_in(folder / "binance_perp_1")) == 3
    code, told, _ = pruned(folder, "--keep-days", "25", home=tmp_path)
    assert code == 0 and told["keep_bytes"] is None and len(told["removed"]) == 2 and told["kept"]["segments"] == 2
    assert len((folder / "retention.jsonl").read_text().splitlines()) == 2
    assert told["removed_bytes"] == sum(one["bytes"] for one in told["removed"]) > 200


def test_the_oldest_of_too_much_are_moved_to_the_archive_of_the_configuration(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    sets = ("--set", f"raw_log.archive={archive}")
    code, told, _ = pruned(folder, "--keep-bytes", "1", *sets, home=tmp_path)
    assert code == 0 and {one["why"] for one in told["removed"]} == {"size"} and len(segments_in(archive / "binance_perp_1")) == 3
    assert segments_in(folder / "binance_perp_1") == [] and told["kept"]["segments"] == 1


def test_sizes_are_written_as_people_do() -> None:
    sizes = {"800000": 800_000, "500MB": 500_000_000, "1.5 tb": 1_500_000_000_000, "2kb": 2_000, "7B": 7}
    assert {text: bytes_of(text, "--keep-bytes") for text in sizes} == sizes
    for text in ("", "much", "-1GB", "0", "1e9", "5GiB"):
        with pytest.raises(UsageError, match="is no size"):
            bytes_of(text, "--keep-bytes")


def test_limits_that_keep_nothing_or_everything_are_refused(folder: Path, tmp_path: Path) -> None:
    nothing = ("--set", "raw_log.keep_days=0", "--set", "raw_log.keep_gb=0")
    for words, code, what in (
        ((folder, "--keep-days", "0"), 2, "0 days"),
        ((folder, "--keep-days", "nan"), 2, "nan days"),
        ((folder, "--keep-bytes", "0"), 2, "is no size"),
        ((folder, *nothing), 2, "nothing says what leaves"),
        ((tmp_path / "none",), 6, "there is no raw log"),
    ):
        got, told, _ = pruned(*words, home=tmp_path)
        assert got == code and what in told["error"]["what"] and told["error"]["mend"], (words, told)
    assert len(segments_in(folder / "binance_perp_1")) == 3


def test_inputs_of_runs_leave_from_the_home_that_they_are_in(tmp_path: Path) -> None:
    now_ns = time.time_ns()
    with Journal.open(tmp_path) as journal:
        for days in (200, 150, 1):
            writer = journal.begin(record(), now_ns - 300 * 24 * HOUR_NS)
            InputLog(input_log_path(tmp_path, writer.run)).close()
            writer.finish("finished", {}, now_ns - days * 24 * HOUR_NS)
    code, told, _ = pruned(tmp_path / "inputs", "--pin", "2", home=tmp_path)
    assert code == 0 and [one["segment"] for one in told["removed"]] == ["run=1.log"] and told["keep_days"] == 90.0
    assert told["stays"] == {"2": "pinned", "3": "the newest of its market"} and told["kept"]["runs"] == 2
    code, told, _ = pruned(tmp_path / "inputs", "--unpin", "2", "--keep-days", "1000", home=tmp_path)
    assert (code, told["removed"], told["stays"]) == (0, [], {"3": "the newest of its market"})
    code, told, _ = pruned(tmp_path / "inputs", home=tmp_path)
    assert [one["segment"] for one in told["removed"]] == ["run=2.log"]
    shown = RUNNER.invoke(app, ["data", "prune", str(tmp_path / "inputs"), "--home", str(tmp_path)]).stdout
    assert shown.startswith("inputs of 0 runs (0 bytes) left; those of 1 (") and "run 3 stays: the newest of its market" in shown


def test_raw_logs_have_nothing_to_pin(folder: Path, tmp_path: Path) -> None:
    assert pruned(folder, "--pin", "1", home=tmp_path)[0] == 2
