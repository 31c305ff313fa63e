"""Captures are read line by line in every form that recorders write, whole or cut off; what is no frame is told and left out."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path

import numpy as np
import pytest

from metastackerbandit.domain.errors import DataRefused, NotFound
from metastackerbandit.storage.captures import SHOWN, is_capture, read_capture

NS = 1_721_347_020_984_480_942
LINES = b'%d {"stream":"a"}\n%d {"lastUpdateId":1}\n\n%d {"b":2}\r\n' % (NS, NS // 1_000 + 1, NS // 1_000_000 + 1)
SESSION = b"""wss://example.test/stream?streams=a <-> 1633998511.159679
wss://example.test/stream <- 1633998511.2: {"method":"SUBSCRIBE"}
1633998512.5: {"stream":"a"}
1633998514: {"stream":"b"}
"""
REPLIES = b'https://example.test/depth?symbol=ABC&limit=5 -> 1633998513.25: {"lastUpdateId":7}\n'


def test_a_stamp_is_in_nanoseconds_microseconds_or_milliseconds_by_its_length(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_bytes(LINES)
    capture = read_capture([path])
    assert [capture.frame(place) for place in range(3)] == [b'{"stream":"a"}', b'{"lastUpdateId":1}', b'{"b":2}']
    assert capture.received_ns.tolist() == [NS, (NS // 1_000 + 1) * 1_000, (NS // 1_000_000 + 1) * 1_000_000]
    assert (capture.asked.tolist(), capture.urls, capture.issues) == ([-1, 0, -1], ("",), ())


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".log"])
def test_packed_files_are_read_as_plain_ones(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"capture{suffix}"
    path.write_bytes({".gz": gzip.compress(LINES), ".bz2": bz2.compress(LINES), ".log": LINES}[suffix])
    assert is_capture(path)
    assert len(read_capture([path]).starts) == 3


def test_files_of_one_session_are_laid_into_each_other_by_time(tmp_path: Path) -> None:
    streams, replies = tmp_path / "ws.0", tmp_path / "http.0"
    streams.write_bytes(SESSION)
    replies.write_bytes(REPLIES)
    for paths in ((streams, replies), (replies, streams)):
        capture = read_capture(paths)
        assert [capture.frame(place) for place in range(3)] == [b'{"stream":"a"}', b'{"lastUpdateId":7}', b'{"stream":"b"}']
        assert capture.received_ns.tolist() == [1_633_998_512_500_000_000, 1_633_998_513_250_000_000, 1_633_998_514_000_000_000]
        assert capture.asked.tolist() == [-1, 0, -1]
        assert capture.urls == ("https://example.test/depth?symbol=ABC&limit=5",)
    assert is_capture(streams) and is_capture(replies)


def test_times_that_go_back_within_a_file_stay_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"%d {1}\n%d {2}\n%d {3}\n" % (NS, NS - 50, NS + 1))
    other = tmp_path / "b"
    other.write_bytes(b"%d {4}\n" % (NS + 2))
    assert read_capture([path, other]).received_ns.tolist() == [NS, NS - 50, NS + 1, NS + 2]


def test_lines_that_are_no_frames_are_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mixed"
    path.write_bytes(LINES + b"garbage\n" * (SHOWN + 5) + LINES)
    capture = read_capture([path])
    assert len(capture.starts) == 6
    assert len(capture.issues) == SHOWN + 1 and sum(issue.count for issue in capture.issues) == SHOWN + 5
    assert (capture.issues[0].kind, capture.issues[0].where) == ("not_a_frame", "line 5")


def test_what_stands_before_a_cut_is_read_and_the_cut_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 10**9, 30_000)
    whole = b"".join(b'%d {"n":%d}\n' % (NS + place, number) for place, number in enumerate(noise))
    path = tmp_path / "cut.gz"
    packed = gzip.compress(whole)
    path.write_bytes(packed[: len(packed) // 2])
    capture = read_capture([path])
    assert 5_000 < len(capture.starts) < 25_000
    assert [capture.frame(place) for place in (0, 4_999)] == [b'{"n":%d}' % noise[place] for place in (0, 4_999)]
    (issue,) = capture.issues
    assert (issue.kind, issue.severity) == ("cut_off", "high") and "ends early" in issue.what


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    with pytest.raises(NotFound, match="no such file"):
        read_capture([path])
    assert not is_capture(path)
    for content, what in (
        (b"not packed", "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n"), "no line is a stamped frame"),
        (gzip.compress(b""), "no line"),
    ):
        path.write_bytes(content)
        assert not is_capture(path)
        with pytest.raises(DataRefused, match=what):
            read_capture([path])


def test_a_short_file_that_was_never_ended_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    lines = b"".join(b'%d {"n":%d}\n' % (1_700_000_000 * 10**9 + n, n) for n in range(10))
    path = tmp_path / "a.gz"
    path.write_bytes(packer.compress(lines) + packer.flush(zlib.Z_SYNC_FLUSH) + packer.compress(b"1700000000000000011 {}\n"))
    found = read_capture([path])
    assert len(found.starts) == 10 and [issue.kind for issue in found.issues] == ["cut_off"]
