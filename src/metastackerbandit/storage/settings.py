"""How what venues send is kept on disk."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class RawLogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When accepted bytes are written, when they are forced down to the disk, when a segment ends, and how long segments are kept."""

    block_kb: Annotated[int, Meta(ge=1, le=16_384)] = 256  # bodies of a block before it is packed and written: larger packs better
    block_ms: Annotated[int, Meta(ge=0, le=60_000)] = 200  # a block is written once it is so old; a killed process loses at most that
    fsync: Literal["block", "interval", "segment"] = "interval"  # when blocks are forced down: what is not, a lost machine loses
    fsync_ms: Annotated[int, Meta(ge=1, le=600_000)] = 1_000  # between two forced writes, for "interval"
    segment_mb: Annotated[int, Meta(ge=1, le=65_536)] = 256  # packed; a segment that is larger ends
    segment_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 60  # a segment that is older ends
    waiting_mb: Annotated[int, Meta(ge=1, le=4_096)] = 64  # kept in memory while the disk is full; what comes beyond is refused and counted
    keep_days: Annotated[float, Meta(ge=0)] = 14.0  # an older segment leaves the folder; 0: never by age
    keep_gb: Annotated[float, Meta(ge=0)] = 50.0  # the oldest leave while all are larger than this; 0: never by size
    archive: str = ""  # the folder to which `msb data prune` moves what leaves; empty: it is deleted
    archive_days: Annotated[float, Meta(ge=0)] = 0.0  # an older segment is deleted from the archive; 0: never


class InputLogSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the inputs of live runs are kept: without them a run cannot be verified, or taken up."""

    keep_days: Annotated[float, Meta(ge=0)] = 90.0  # a run that ended longer ago loses them; 0: never by age
    keep_gb: Annotated[float, Meta(ge=0)] = 50.0  # the oldest leave while all are larger; 200 symbols write 10 a day; 0: never by size
    archive: str = ""  # the folder to which `msb data prune` moves what leaves; empty: it is deleted
