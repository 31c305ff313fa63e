"""Old segments leave raw logs, whole and listed; never the newest, nor one that is being written; a stop anywhere leaves logs that can be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import NotFound, StorageFailed, UsageError
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.raw_blocks import STREAM, Arrived
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.raw_reading import rows_of, segments_in
from metastackerbandit.storage.raw_retention import prune
from metastackerbandit.storage.settings import RawLogSettings
from tests.covering import covers

DAY_NS = 86_400_000_000_000
NS = 20_000 * DAY_NS
TINY = RawLogSettings(block_kb=1, block_ms=0, segment_minutes=1)  # a segment a row


def logged(folder: Path, days: list[int], *, size: int = 100) -> RawLog:
    """A log with a row, and so a segment, on each of these days; the writer is still there."""
    log = RawLog(folder, TINY)
    for day in days:
        log.put(Arrived(NS + day * DAY_NS, STREAM, "a", os.urandom(size)))
    return log


def listed(folder: Path) -> list[dict[str, object]]:
    path = folder / "retention.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines() if line.endswith(b"}")] if path.exists() else []


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.rawlog"))}


@covers("2.082")
@given(
    first=st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True),
    second=st.lists(st.integers(0, 30), max_size=5, unique=True),
    keep_days=st.sampled_from([0.0, 3.0, 12.5, 40.0]),
    keep_bytes=st.sampled_from([0, 1, 700, 1_200, 10**6]),
    is_written=st.booleans(),
    has_archive=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_what_leaves_was_too_old_or_the_oldest_of_too_much_and_the_rest_is_untouched(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[int],
    second: list[int],
    keep_days: float,
    keep_bytes: int,
    is_written: bool,
    has_archive: bool,
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    archive = tmp_path_factory.mktemp("archive") if has_archive else None
    logs = [logged(folder / name, sorted(days)) for name, days in (("a", first), ("b", second))]
    if not is_written:
        for log in logs:
            log.close()
    before = files(folder)
    limits, now_ns = RawLogSettings(keep_days=keep_days, keep_gb=keep_bytes / 1e9), NS + 31 * DAY_NS
    told = prune(folder, limits, now_ns, archive, dry_run=True)
    assert files(folder) == before and not (folder / "retention.jsonl").exists()
    done = prune(folder, limits, now_ns, archive)
    assert done == told
    after, gone = files(folder), {f"{one.log}/{one.segment}" for one in done.gone}
    assert {name: before[name] for name in before.keys() - gone} == after
    assert (done.kept_segments, done.kept_bytes) == (len(after), sum(map(len, after.values())))
    assert archive is None or files(archive) == {name: before[name] for name in gone}
    assert [(one["log"], one["segment"], one["bytes"], one["why"]) for one in listed(folder)] == [
        (one.log, one.segment, one.bytes, one.why) for one in done.gone
    ]
    by_age = sorted(before, key=lambda name: int(Path(name).name[:19]))
    newest = {by_age[-1], *(max(name for name in before if name.startswith(log)) for log in done.being_written)}
    assert not newest & gone and done.being_written == (tuple("ab" if second else "a") if is_written else ())
    too_old = {name for name in by_age if keep_days and now_ns - int(Path(name).name[:19]) > keep_days * DAY_NS}
    assert too_old - newest <= gone
    if keep_bytes:
        assert done.kept_bytes <= keep_bytes or set(after) <= newest
    for place, name in enumerate(by_age):
        if name in gone - too_old:  # by size: all that is left from here on, with it, was too much
            left = [one for one in by_age if one in after and one not in by_age[place:]]
            assert sum(len(before[one]) for one in (*by_age[place:], *left)) > keep_bytes > 0
    assert prune(folder, limits, now_ns, archive).gone == ()
    for log in logs if is_written else ():
        log.close()


@pytest.mark.parametrize("has_archive", [False, True])
@covers("B13")
def test_a_stop_anywhere_leaves_whole_segments_and_the_next_time_ends_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_archive: bool
) -> None:
    class Killed(BaseException):
        pass

    limits, now_ns, steps = RawLogSettings(keep_days=10), NS + 31 * DAY_NS, 0
    real = {"fsync": os.fsync, "replace": os.replace}
    while True:
        folder, archive = tmp_path / f"logs{steps}", tmp_path / f"archive{steps}" if has_archive else None
        logged(folder, [0, 5, 15, 30]).close()
        before, left = files(folder), steps

        def step(name: str, *given: object) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            real[name](*given)  # type: ignore[operator]

        for name in real:
            monkeypatch.setattr(os, name, lambda *given, name=name: step(name, *given))
        try:
            prune(folder, limits, now_ns, archive)
            is_over = True
        except Killed:
            is_over = False
        monkeypatch.undo()
        assert len(list(rows_of(folder))) == len(segments_in(folder)) and not read_capture([folder]).issues
        kept = files(folder) | (files(archive) if archive is not None and archive.exists() else {})
        assert all(kept[name] == before[name] for name in kept)
        assert {str(one["segment"]) for one in listed(folder)} >= before.keys() - files(folder).keys()  # nothing is gone that is not listed
        assert archive is None or kept.keys() == before.keys()
        prune(folder, limits, now_ns, archive)
        assert [path.name for path in segments_in(folder)] == sorted(before)[3:]
        assert archive is None or files(archive) == {name: before[name] for name in sorted(before)[:3]}
        if is_over:
            break
        steps += 1
    assert steps >= (9 if has_archive else 6)


def test_a_line_of_the_list_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    logged(tmp_path, [0, 1, 2]).close()
    (tmp_path / "retention.jsonl").write_bytes(b'{"at_ns":1,"lo')
    prune(tmp_path, RawLogSettings(keep_days=1), NS + 4 * DAY_NS)
    lines = (tmp_path / "retention.jsonl").read_bytes().splitlines()
    assert len(lines) == 3 and [json.loads(line)["why"] for line in lines[1:]] == ["age", "age"]


def test_a_writer_goes_on_beside_it(tmp_path: Path) -> None:
    log = logged(tmp_path, [0, 1, 2])
    done = prune(tmp_path, RawLogSettings(keep_days=0.5), NS + 9 * DAY_NS)
    assert len(done.gone) == 2 and done.being_written == ("",)
    log.put(Arrived(NS + 9 * DAY_NS, STREAM, "a", b"later"))
    log.close()
    assert [one.received_ns for one in rows_of(tmp_path)] == [NS + 2 * DAY_NS, NS + 9 * DAY_NS]


def test_what_is_too_old_in_the_archive_is_deleted_in_every_log(tmp_path: Path) -> None:
    logged(tmp_path / "logs" / "a", [0, 20]).close()
    logged(tmp_path / "logs" / "b", [1, 21]).close()
    limits = RawLogSettings(keep_days=3, archive_days=30.5)
    done = prune(tmp_path / "logs", limits, NS + 31 * DAY_NS, tmp_path / "archive")
    assert len(done.gone) == 3 and len(done.archive_deleted) == 1
    assert list(files(tmp_path / "archive")) == [f"a/{NS + 20 * DAY_NS:019d}.rawlog", f"b/{NS + DAY_NS:019d}.rawlog"]


def test_what_cannot_be_pruned_is_refused_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = RawLogSettings(keep_days=1)
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotFound, match="there is no raw log"):
            prune(folder, limits, NS)
    logged(tmp_path / "log", [0, 1]).close()
    with pytest.raises(UsageError, match="archive lies in the folder"):
        prune(tmp_path / "log", limits, NS + 9 * DAY_NS, tmp_path / "log" / "old")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    before = files(tmp_path)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(StorageFailed, match="Permission denied"):
        prune(tmp_path / "log", limits, NS + 9 * DAY_NS)
    assert files(tmp_path) == before
