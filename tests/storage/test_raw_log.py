"""A raw log gives back what was put into it, byte for byte, after short writes, full disks, kills and broken bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import DataRefused, NotFound, StorageFailed
from metastackerbandit.storage.captures import is_capture, read_capture
from metastackerbandit.storage.log_files import DiskFile
from metastackerbandit.storage.raw_blocks import CLOSED, OPENED, REPLY, STREAM, Arrived, blocks_of, packed_block
from metastackerbandit.storage.raw_log import LogFull, RawLog
from metastackerbandit.storage.raw_reading import rows_of, segments_in
from metastackerbandit.storage.raw_retention import retain
from metastackerbandit.storage.settings import RawLogSettings
from tests.covering import covers
from tests.shared import shared_data

NS = 1_721_347_020_984_480_942
DAY_NS = 86_400_000_000_000
TINY = RawLogSettings(block_kb=1, block_ms=0)  # a block a row

arrivals = st.lists(
    st.builds(
        Arrived,
        received_ns=st.integers(NS - 10**9, NS + 10**12),
        kind=st.integers(0, 3),
        connection=st.sampled_from(["binance-1", "binance-2", ""]),
        body=st.binary(max_size=3_000),
        url=st.just(""),
    ).flatmap(lambda one: st.builds(structs.replace, st.just(one), url=st.text(max_size=8) if one.kind == REPLY else st.just(""))),
    min_size=1,
    max_size=30,
)


def frame(place: int) -> Arrived:
    return Arrived(NS + place, STREAM, "a", b'{"n":%d}' % place)


class Fickle(DiskFile):
    """A file of a disk with `room` bytes that takes `most` bytes of a write at once."""

    room, most = 10**9, 7

    def write(self, content: bytes) -> int:
        taken = min(len(content), self.most, Fickle.room)
        if taken == 0:
            raise OSError(28, "No space left on device")
        Fickle.room -= taken
        return super().write(content[:taken])


# -- laws ---------------------------------------------------------------------------------------------------------------


@given(arrivals, st.integers(1, 4), st.sampled_from([0, 200]), st.sampled_from(["block", "interval", "segment"]))
@settings(max_examples=15, deadline=None)
def test_what_was_put_in_comes_out(tmp_path_factory: Any, arrived: list[Arrived], block_kb: int, block_ms: int, fsync: Any) -> None:
    folder = tmp_path_factory.mktemp("raw")
    log = RawLog(folder, RawLogSettings(block_kb=block_kb, block_ms=block_ms, fsync=fsync))
    for one in arrived:
        assert log.put(one) <= log.accepted
        assert log.durable <= log.acknowledged
    log.close()
    assert (log.accepted, log.acknowledged, log.durable) == (len(arrived),) * 3
    assert list(rows_of(folder)) == arrived


@given(arrivals, st.data())
@settings(max_examples=40, deadline=None)
def test_a_segment_that_is_cut_anywhere_gives_its_whole_blocks(arrived: list[Arrived], data: st.DataObject) -> None:
    blocks = [packed_block([one]) for one in arrived]
    whole = b"".join(blocks)
    cut = data.draw(st.integers(0, len(whole)))
    ends = [0, *(sum(map(len, blocks[: place + 1])) for place in range(len(blocks)))]
    kept = max(place for place, end in enumerate(ends) if end <= cut)
    scanned = blocks_of(whole[:cut])
    assert [found.end for found in scanned.blocks] == ends[1 : kept + 1]
    assert scanned.gaps == ([(ends[kept], cut)] if cut > ends[kept] else [])


@given(arrivals.filter(lambda rows: len(rows) > 2), st.data())
@settings(max_examples=40, deadline=None)
def test_a_byte_that_is_changed_costs_its_block_alone(arrived: list[Arrived], data: st.DataObject) -> None:
    blocks = [packed_block([one]) for one in arrived]
    whole = bytearray(b"".join(blocks))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    starts = [sum(map(len, blocks[:place])) for place in range(len(blocks))]
    hurt = max(place for place, start in enumerate(starts) if start <= at)
    size = at - starts[hurt]
    found = [one.start for one in blocks_of(bytes(whole)).blocks]
    if 4 <= size < 8:  # the size of the head, which nobody reads but zstd
        assert found in ([*starts], [*starts[:hurt], *starts[hurt + 1 :]])
    else:
        assert found == [*starts[:hurt], *starts[hurt + 1 :]]


# -- faults -------------------------------------------------------------------------------------------------------------


@covers("B13")
def test_short_writes_are_gone_on_with(tmp_path: Path) -> None:
    Fickle.room = 10**9
    log = RawLog(tmp_path, TINY, Fickle)
    for place in range(50):
        assert log.put(frame(place)) == place + 1
    log.close()
    assert list(rows_of(tmp_path)) == [frame(place) for place in range(50)]


@pytest.mark.parametrize("room", [0, 1, 39, 40, 41, 300, 1_000, 1_234])
def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path, room: int) -> None:
    Fickle.room = room
    log = RawLog(tmp_path, TINY, Fickle)
    full = 0
    for place in range(30):
        try:
            log.put(frame(place))
        except LogFull as error:
            full += 1
            assert "disk is full" in error.what and "wait in memory" in error.what
        assert list(rows_of(tmp_path))[: log.acknowledged] == [frame(n) for n in range(log.acknowledged)]
    assert full > 0 and log.acknowledged < 30 == log.accepted
    Fickle.room = 10**9
    assert log.flush() == 30
    log.close()
    assert list(rows_of(tmp_path)) == [frame(place) for place in range(30)]
    assert not read_capture([tmp_path]).issues


def test_what_would_not_fit_into_memory_either_is_refused_and_counted(tmp_path: Path) -> None:
    Fickle.room = 0
    log = RawLog(tmp_path, RawLogSettings(block_ms=0, waiting_mb=1), Fickle)
    large = [Arrived(NS + place, STREAM, "a", bytes([place]) * 400_000) for place in range(5)]
    for place, one in enumerate(large):
        with pytest.raises(LogFull) as raised:
            log.put(one)
        assert raised.value.what.endswith("this row was refused" if place > 2 else "wait in memory")
    assert (log.accepted, log.refused) == (3, 2)
    Fickle.room = 10**9
    log.close()
    assert list(rows_of(tmp_path)) == large[:3]


def test_other_refusals_of_the_system_are_named_too(tmp_path: Path) -> None:
    class Broken(DiskFile):
        def sync(self) -> None:
            raise OSError(5, "Input/output error")

    log = RawLog(tmp_path, RawLogSettings(block_ms=0, fsync="block"), Broken)
    with pytest.raises(StorageFailed, match="Input/output error") as raised:
        log.put(frame(1))
    assert not isinstance(raised.value, LogFull)
    assert (log.acknowledged, log.durable) == (1, 0)
    with pytest.raises(StorageFailed, match="Input/output"):
        log.close()
    RawLog(tmp_path, TINY).close()  # the lock is free


_CHILD = """
import sys
from pathlib import Path
from metastackerbandit.storage.raw_blocks import STREAM, Arrived
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.settings import RawLogSettings
log = RawLog(Path(sys.argv[1]), RawLogSettings(block_kb=1, block_ms=3, fsync="segment", segment_mb=1))
place = int(sys.argv[2])
while True:
    told = log.put(Arrived(place * 1_000_000, STREAM, "a", b"%d " % place * 40))
    place += 1
    print(told, flush=True)
"""


@covers("B13")
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """Killed (SIGKILL) three times at random points and started anew: the rows are one unbroken sequence up to each acknowledgement."""
    chance, told = random.Random(5), 0
    for _ in range(3):
        held = len(list(rows_of(tmp_path)))
        with subprocess.Popen([sys.executable, "-c", _CHILD, str(tmp_path), str(held)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(30, 600)):
                told = int(child.stdout.readline())
            os.kill(child.pid, signal.SIGKILL)
            *whole, _ = child.stdout.read().split(b"\n")
            told = int(whole[-1]) if whole else told
        rows = list(rows_of(tmp_path))
        assert len(rows) >= held + told
        assert rows == [Arrived(place * 1_000_000, STREAM, "a", b"%d " % place * 40) for place in range(len(rows))]
        RawLog(tmp_path, TINY).close()
        assert not read_capture([tmp_path]).issues


def test_a_torn_tail_is_told_and_cut_off_when_writing_goes_on(tmp_path: Path) -> None:
    log = RawLog(tmp_path, TINY)
    for place in range(3):
        log.put(frame(place))
    log.close()
    (segment,) = segments_in(tmp_path)
    whole = segment.read_bytes()
    segment.write_bytes(whole + packed_block([frame(3)])[:-5])
    capture = read_capture([segment])
    assert len(capture.starts) == 3 and [issue.kind for issue in capture.issues] == ["torn_tail"]
    again = RawLog(tmp_path, TINY)
    assert [issue.kind for issue in again.issues] == ["torn_tail"] and segment.name in again.issues[0].where
    assert segment.read_bytes() == whole
    again.put(frame(3))
    again.close()
    assert list(rows_of(tmp_path)) == [frame(place) for place in range(4)]


def test_a_break_in_the_middle_is_told_and_left_where_it_is(tmp_path: Path) -> None:
    blocks = [packed_block([frame(place)]) for place in range(3)]
    broken = bytearray(b"".join(blocks))
    broken[len(blocks[0]) + 50] ^= 1
    path = tmp_path / f"{NS}.rawlog"
    path.write_bytes(broken)
    capture = read_capture([path])
    assert [capture.frame(place) for place in range(2)] == [frame(0).body, frame(2).body]
    (issue,) = capture.issues
    assert (issue.kind, issue.severity) == ("broken_block", "high") and f"bytes {len(blocks[0]):,} to {len(blocks[0] + blocks[1]):,}" in issue.what
    RawLog(tmp_path, TINY).close()
    assert path.read_bytes() == broken


# -- segments -----------------------------------------------------------------------------------------------------------


def test_segments_end_by_size_and_by_age_and_are_named_by_their_first_row(tmp_path: Path) -> None:
    by_age = RawLog(tmp_path / "age", RawLogSettings(block_ms=0, segment_minutes=1))
    for minute in range(4):
        by_age.put(Arrived(NS + minute * 30 * 10**9, STREAM, "a", b"x"))
    by_age.close()
    assert [int(path.name[:19]) for path in segments_in(tmp_path / "age")] == [NS, NS + 60 * 10**9]
    by_size = RawLog(tmp_path / "size", RawLogSettings(block_ms=0, segment_mb=1))
    noise = random.Random(1)
    for place in range(5):
        by_size.put(Arrived(NS + place, STREAM, "a", noise.randbytes(600_000)))
    by_size.close()
    assert [int(path.name[:19]) for path in segments_in(tmp_path / "size")] == [NS, NS + 2, NS + 4]


def test_rows_stay_in_the_order_of_writing_when_the_clock_goes_back(tmp_path: Path) -> None:
    rows = [Arrived(NS - place * 120 * 10**9, STREAM, "a", b"%d" % place) for place in range(3)]
    for one in rows:
        log = RawLog(tmp_path, TINY)
        log.put(one)
        log.close()
    assert list(rows_of(tmp_path)) == rows
    capture = read_capture([tmp_path])
    assert capture.received_ns.tolist() == [one.received_ns for one in rows]


def test_a_block_that_is_old_is_written_by_the_clock(tmp_path: Path) -> None:
    log = RawLog(tmp_path, RawLogSettings(block_ms=200, fsync="interval", fsync_ms=1_000))
    assert log.put(frame(0)) == 0
    assert log.tick(NS + 199 * 10**6) == 0
    assert log.tick(NS + 200 * 10**6) == 1 and log.durable == 0
    log.tick(NS + 10**9 + 10**6)
    assert log.durable == 1
    log.close()


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    log = RawLog(tmp_path, TINY)
    with pytest.raises(StorageFailed, match="another process writes"):
        RawLog(tmp_path, TINY)
    log.close()
    RawLog(tmp_path, TINY).close()


# -- read as a capture --------------------------------------------------------------------------------------------------


def test_a_segment_or_a_folder_is_a_capture(tmp_path: Path) -> None:
    log = RawLog(tmp_path, TINY)
    rows = [
        Arrived(NS, OPENED, "a", b"wss://x"),
        Arrived(NS + 1, STREAM, "a", b'{"a":1}'),
        Arrived(NS + 2, REPLY, "rest", b'{"lastUpdateId":1}', "https://x/depth?symbol=ABC"),
        Arrived(NS + 3, STREAM, "a", b"\x00\n\xff"),
        Arrived(NS + 4, CLOSED, "a", b"1006"),
    ]
    for one in rows:
        log.put(one)
    log.close()
    for path in (tmp_path, segments_in(tmp_path)[0]):
        assert is_capture(path)
        capture = read_capture([path])
        assert [capture.frame(place) for place in range(3)] == [b'{"a":1}', b'{"lastUpdateId":1}', b"\x00\n\xff"]
        assert (capture.received_ns.tolist(), capture.asked.tolist()) == ([NS + 1, NS + 2, NS + 3], [-1, 0, -1])
        assert (capture.urls, capture.issues) == (("https://x/depth?symbol=ABC",), ())


def test_any_reader_of_zstandard_reads_a_segment(tmp_path: Path) -> None:
    log = RawLog(tmp_path, TINY)
    for place in range(3):
        log.put(frame(place))
    log.close()
    text = pa.input_stream(str(segments_in(tmp_path)[0]), compression="zstd").read()
    assert all(frame(place).body in text for place in range(3))


def test_what_is_no_raw_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.rawlog"
    assert not is_capture(path) and not is_capture(tmp_path)
    for content, what in ((b"", "no whole block"), (b"something else", "no segment"), (packed_block([frame(1)])[:-1], "no whole block")):
        path.write_bytes(content)
        with pytest.raises(DataRefused, match=what):
            read_capture([path])
    path.write_bytes(packed_block([Arrived(NS, OPENED, "a", b"")]))
    with pytest.raises(DataRefused, match="no venue sent anything"):
        read_capture([path])
    path.unlink()
    with pytest.raises(NotFound, match="no such file"):
        read_capture([path])


@covers("2.027")
def test_a_recorded_session_through_the_log_is_the_same_capture(tmp_path: Path) -> None:
    """2024-07-18, BTCUSDT perpetual: 11,414 frames in and out."""
    given = read_capture([shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"])
    log = RawLog(tmp_path, RawLogSettings(fsync="segment"))
    for place, (received_ns, asked) in enumerate(zip(given.received_ns.tolist(), given.asked.tolist(), strict=True)):
        log.put(Arrived(received_ns, STREAM if asked < 0 else REPLY, "usdm", given.frame(place), "" if asked < 0 else given.urls[asked]))
    log.close()
    again = read_capture([tmp_path])
    for name in ("received_ns", "asked"):
        assert (getattr(again, name) == getattr(given, name)).all()
    assert all(again.frame(place) == given.frame(place) for place in range(len(given.starts)))
    assert again.urls == given.urls and not again.issues


# -- retention ----------------------------------------------------------------------------------------------------------


def _log(folder: Path, days: int) -> list[Path]:
    """A segment a day."""
    log = RawLog(folder, TINY)
    for day in range(days):
        log.put(Arrived(NS + day * DAY_NS, STREAM, "a", random.Random(day).randbytes(1_000)))
    log.close()
    return segments_in(folder)


@pytest.mark.parametrize(("keep_days", "keep_gb", "moved"), [(0.0, 0.0, 0), (2.5, 0.0, 3), (0.0, 2.5e-6, 4), (0.0, 1e-9, 5), (1e-9, 0.0, 5)])
def test_old_and_many_segments_are_moved_to_the_archive_and_the_newest_never(tmp_path: Path, keep_days: float, keep_gb: float, moved: int) -> None:
    segments = _log(tmp_path / "raw", 6)
    rows = list(rows_of(tmp_path / "raw"))
    limits = RawLogSettings(keep_days=keep_days, keep_gb=keep_gb)
    done = retain(tmp_path / "raw", tmp_path / "archive", limits, NS + 5 * DAY_NS)
    assert done.archived == tuple(path.name for path in segments[:moved]) and not done.deleted
    assert [one for path in (*segments_in(tmp_path / "archive"), *segments_in(tmp_path / "raw")) for one in rows_of(path)] == rows
    assert done.kept_bytes == sum(path.stat().st_size for path in segments_in(tmp_path / "raw"))


def test_the_segment_being_written_is_never_moved_and_an_archive_is_not_written_over(tmp_path: Path) -> None:
    segments = _log(tmp_path / "raw", 3)
    tight, archive = RawLogSettings(keep_gb=1e-9), tmp_path / "archive"
    assert retain(tmp_path / "raw", archive, tight, NS, segments[0]).archived == (segments[1].name,)
    (archive / segments[0].name).write_bytes(b"another")
    with pytest.raises(StorageFailed, match="of this name already"):
        retain(tmp_path / "raw", archive, tight, NS)
    assert segments[0].exists() and (archive / segments[0].name).read_bytes() == b"another"


def test_what_is_old_in_the_archive_is_deleted(tmp_path: Path) -> None:
    segments = _log(tmp_path / "raw", 4)
    limits = RawLogSettings(keep_gb=1e-9, keep_days=0, archive_days=3.5)
    done = retain(tmp_path / "raw", tmp_path / "archive", limits, NS + 5 * DAY_NS)
    assert (len(done.archived), done.deleted) == (3, tuple(path.name for path in segments[:2]))
    assert segments_in(tmp_path / "archive") == [tmp_path / "archive" / segments[2].name]
    assert all(first.name < second.name for first, second in pairwise(segments))
