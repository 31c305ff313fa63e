"""A raw log in the layout of captures (storage/captures.py): one compressed file of lines, readable as far as it was written.

1721347020984480942 {"stream":"btcusdt@depth@100ms","data":{...}}     a frame
https://host/path?symbol=BTCUSDT -> 1721347020.984480942: {...}       a REST reply
wss://host/path <-> 1721347020984480942 ...                           a connection opened or closed
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import IO

from metastackerbandit.domain.errors import StorageFailed

_GZIP = 31  # zlib's window bits for a gzip file
_FLUSHED = 2**18  # bytes of lines after which what was written can be read whatever happens


class CaptureLog:
    """Writes one file, which must not be there yet; a RawSink. Close it to end the file whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_in = 0
        self._pack = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        self._pending = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("xb")
        except OSError as error:
            raise StorageFailed(f"cannot be written: {error}", where=str(path), mend="name a new file, in a folder that may be written") from None

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        """Keep one thing.

        Raises:
            StorageFailed: a body that is no single line of text, a full disk.
        """
        if b"\n" in body or b"\r" in body:
            if kind == "frame":
                raise StorageFailed("a frame is no line of text", where=str(self.path), mend="record such a venue in a raw log")
            body = body.replace(b"\r", b" ").replace(b"\n", b" ")  # in JSON a blank like any other; in words of an error page too
        if kind == "frame":
            line = b"%d %s\n" % (received_ns, body)
        elif kind == "reply":
            line = b"%s -> %d.%09d: %s\n" % (url.encode(), received_ns // 10**9, received_ns % 10**9, body)
        else:
            line = b"%s <-> %d %s %s %s\n" % (url.encode(), received_ns, connection.encode(), kind.encode(), body)
        self._put(self._pack.compress(line))
        self.bytes_in += len(body)
        self._pending += len(line)
        if self._pending >= _FLUSHED:
            self.flush()

    def flush(self) -> None:
        """What was written so far can be read from now on."""
        self._put(self._pack.flush(zlib.Z_SYNC_FLUSH))
        self._file.flush()
        self._pending = 0

    def close(self) -> None:
        """End the file."""
        if not self._file.closed:
            self._put(self._pack.flush())
            self._file.close()

    def _put(self, packed: bytes) -> None:
        try:
            self._file.write(packed)
        except OSError as error:
            raise StorageFailed(f"cannot be written: {error}", where=str(self.path), mend="make room; what was written can be read") from None
