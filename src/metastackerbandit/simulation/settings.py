"""How the simulated venue fills."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class SimulationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Fills on candles."""

    fill: Literal["next_open", "close"] = "next_open"  # close exists to compare with engines that fill there; named in reports
    latency_ms: Annotated[float, Meta(ge=0, le=86_400_000)] = 0.0  # from sending to the venue; on candles a late order waits for the next price
