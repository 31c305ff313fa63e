"""A log in the layout of captures gives back what was written, as far as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.storage.capture_log import CaptureLog
from metastackerbandit.storage.captures import is_capture, read_capture

NS = 1_700_000_000 * 10**9
LINES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 10**12), st.binary(min_size=1, max_size=60).map(lambda raw: b"{" + raw.hex().encode() + b"}")), min_size=1
)


@given(told=LINES)
def test_frames_and_replies_come_back_byte_for_byte(told: list[tuple[bool, int, bytes]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("log") / "a.gz"
    log = CaptureLog(path)
    log.write("opened", "public", NS, "wss://x/stream?streams=a", b"")
    for is_reply, at, body in told:
        log.write("reply" if is_reply else "frame", "public", NS + at, "https://x/depth?symbol=A" if is_reply else "", body)
    log.write("closed", "public", NS, "wss://x/stream", b"1006 by network: cut")
    log.close()
    found = read_capture([path])
    assert is_capture(path) and not found.issues
    assert [found.frame(n) for n in range(len(told))] == [body for _, _, body in told]
    assert found.received_ns.tolist() == [NS + at for _, at, _ in told]
    assert [bool(asked >= 0) for asked in found.asked] == [is_reply for is_reply, _, _ in told]


def test_what_was_flushed_is_read_from_a_file_that_was_never_ended(tmp_path: Path) -> None:
    log = CaptureLog(tmp_path / "new" / "a.gz")
    for n in range(10):
        log.write("frame", "a", NS + n, "", b'{"n":%d}' % n)
    log.flush()
    log.write("frame", "a", NS + 10, "", b'{"n":10}')
    found = read_capture([log.path])
    assert len(found.starts) == 10 and [issue.kind for issue in found.issues] == ["cut_off"]


def test_it_is_never_written_over_and_a_frame_that_is_no_text_is_refused(tmp_path: Path) -> None:
    log = CaptureLog(tmp_path / "a.gz")
    with pytest.raises(StorageFailed, match="no line of text"):
        log.write("frame", "a", NS, "", b"\n\x08\x00")
    log.write("reply", "a", NS, "https://x/y", b'{\n"a":1\r\n}')
    log.close()
    log.close()
    assert read_capture([log.path]).frame(0) == b'{ "a":1  }'
    for path in (log.path, log.path / "below" / "b.gz"):
        with pytest.raises(StorageFailed):
            CaptureLog(path)
