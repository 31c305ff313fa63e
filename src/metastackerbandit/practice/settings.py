"""How the loopback exchange keeps time and what it keeps of the past."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class PracticeSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One venue process on this machine."""

    speed: Annotated[float, Meta(gt=0, le=1_000)] = 60.0  # venue seconds a wall second: an hour of trading in a minute
    look_ms: Annotated[float, Meta(ge=1, le=1_000)] = 25.0  # wall time between steps of the market; below the quickest stream's 100 ms
    step_s: Annotated[float, Meta(gt=0, le=60)] = 5.0  # venue time of one step at most, so that rings of trades and changes are read in time
    queue: Annotated[int, Meta(ge=16, le=65_536)] = 8_192  # messages that wait for one connection; a reader that is further behind is dropped
    fills: Annotated[int, Meta(ge=100, le=1_000_000)] = 20_000  # fills of an owner that can be asked for
    snapshot_ms: Annotated[float, Meta(ge=0, le=10_000)] = 0.0  # wall time from taking a snapshot of a book to answering with it
    is_strict: bool = False  # refuse parameters that nobody reads (-1104), as the venue does in places
    seed: int = 1  # of the chance by which faults strike
