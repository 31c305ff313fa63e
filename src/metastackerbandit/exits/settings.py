"""When a position ends, as a user states it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Distance = Annotated[float, Meta(ge=0, le=9_999)]


class ExitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Protective exits; null takes the arm's own, 0 switches one off."""

    stop_bps: Distance | None = None  # distance of the stop from the entry price
    target_bps: Distance | None = None  # distance of the target from the entry price
    trail_bps: Distance | None = None  # distance of the trailing stop from the best close since entry
    max_bars: Annotated[int, Meta(ge=0)] | None = None  # leave after this many closed bars in position
