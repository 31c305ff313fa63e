"""One block of a raw log: what came, packed into one zstandard frame behind a checked head.

    head    a skippable zstandard frame (RFC 8878), so that `zstd -dc` reads a whole segment: magic, size, then
            "MSBL", bytes packed, bytes unpacked, rows, crc32 of the packed bytes, crc32 of this head
    frame   zstandard: length of names, names (JSON: connections, urls), rows (N,) of RAW_ROW, bodies one after another

All numbers are little-endian. A block needs no other block to be read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct

STREAM, REPLY, OPENED, CLOSED = 0, 1, 2, 3
KINDS = ("frame", "reply", "opened", "closed")  # as a live feed names them

MAGIC = b"\x5d\x2a\x4d\x18"  # a skippable frame
_MARK = b"MSBL"
_HEAD = struct.Struct("<4sI4sIIIII")
HEAD_BYTES = _HEAD.size
MOST_UNPACKED = 2**30  # a head that claims more is not ours
RAW_ROW = np.dtype([("received_ns", "<i8"), ("size", "<u4"), ("url", "<i4"), ("connection", "<u2"), ("kind", "u1"), ("spare", "u1")])
_CODEC = pa.Codec("zstd", compression_level=3)


class Arrived(Struct, frozen=True):
    """What came over a connection: a `kind` (STREAM frame, REPLY to a request for `url`, OPENED, CLOSED), its bytes, and when (UTC ns).

    The body of OPENED and CLOSED is what there is to say of it, such as the address or the reason.
    """

    received_ns: int
    kind: int
    connection: str
    body: bytes
    url: str = ""


class Names(Struct, frozen=True):
    """What a block's rows refer to by place."""

    connections: tuple[str, ...]
    urls: tuple[str, ...]


class Block(NamedTuple):
    """A block as it was written: rows (N,) of RAW_ROW, whose bodies stand one after another in `bodies`."""

    names: Names
    rows: np.ndarray
    bodies: bytes


class Found(NamedTuple):
    """A block's place in a segment: its bytes are [start, end)."""

    start: int
    end: int
    block: Block


def packed_block(arrived: Sequence[Arrived]) -> bytes:
    """Head and frame of a block, ready to be appended to a segment."""
    connections: dict[str, int] = {}
    urls: dict[str, int] = {}
    rows = np.zeros(len(arrived), RAW_ROW)
    for place, one in enumerate(arrived):
        url = urls.setdefault(one.url, len(urls)) if one.kind == REPLY else -1
        rows[place] = (one.received_ns, len(one.body), url, connections.setdefault(one.connection, len(connections)), one.kind, 0)
    names = msgspec.json.encode(Names(tuple(connections), tuple(urls)))
    content = b"".join((len(names).to_bytes(4, "little"), names, rows.tobytes(), *(one.body for one in arrived)))
    frame = _CODEC.compress(content, asbytes=True)
    return _head(len(frame), len(content), len(arrived), zlib.crc32(frame)) + frame


def _head(packed: int, unpacked: int, rows: int, check: int) -> bytes:
    open_head = _HEAD.pack(MAGIC, HEAD_BYTES - 8, _MARK, packed, unpacked, rows, check, 0)[:-4]
    return open_head + zlib.crc32(open_head).to_bytes(4, "little")


def block_at(text: bytes, start: int) -> Found | None:
    """The whole and sound block that begins at `start`, None where there is none."""
    if len(text) - start < HEAD_BYTES:
        return None
    magic, _, mark, packed, unpacked, count, check, head_check = _HEAD.unpack_from(text, start)
    if magic != MAGIC or mark != _MARK or zlib.crc32(text[start : start + HEAD_BYTES - 4]) != head_check or unpacked > MOST_UNPACKED:
        return None
    first, end = start + HEAD_BYTES, start + HEAD_BYTES + packed
    if end > len(text) or zlib.crc32(text[first:end]) != check:
        return None
    try:
        content = _CODEC.decompress(text[first:end], unpacked, asbytes=True)
        return Found(start, end, _block(content, count))
    except (pa.ArrowException, OSError, ValueError):  # the checks hold and yet it is none: not written by this
        return None


def _block(content: bytes, count: int) -> Block:
    named = 4 + int.from_bytes(content[:4], "little")
    names = msgspec.json.decode(content[4:named], type=Names)
    rows = np.frombuffer(content, RAW_ROW, count, named)
    bodies = content[named + rows.nbytes :]
    if int(rows["size"].sum(dtype=np.int64)) != len(bodies):
        raise ValueError("rows and bodies are not of one length")
    return Block(names, rows, bodies)


class Scanned(NamedTuple):
    """A segment's blocks in order; `gaps` are stretches [start, end) of bytes between them that are no whole block."""

    blocks: list[Found]
    gaps: list[tuple[int, int]]


def blocks_of(text: bytes) -> Scanned:
    """All whole blocks of a segment's bytes; behind a broken one the next is looked for."""
    blocks: list[Found] = []
    gaps: list[tuple[int, int]] = []
    place, broken = 0, -1
    while place < len(text):
        found = block_at(text, place)
        if found is not None:
            if broken >= 0:
                gaps.append((broken, place))
                broken = -1
            blocks.append(found)
            place = found.end
            continue
        broken = place if broken < 0 else broken
        place = text.find(MAGIC, place + 1)
        if place < 0:
            break
    if broken >= 0:
        gaps.append((broken, len(text)))
    return Scanned(blocks, gaps)
