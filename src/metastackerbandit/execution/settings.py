"""How orders leave."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class ExecutionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the gates that look at the order; bars are those of the decision's frame."""

    cooldown_bars: Annotated[int, Meta(ge=0)] = 0  # decisions skipped after an exit
    flip_gap_bars: Annotated[int, Meta(ge=0)] = 1  # decisions skipped before taking the other side
    min_change_bps: Annotated[float, Meta(ge=0, le=10_000)] = 5.0  # change of position over equity
    max_impact_bps: Annotated[float, Meta(ge=0, le=1_000)] = 10.0  # modelled impact of the order
    max_orders_a_day: Annotated[int, Meta(ge=1)] = 200  # entries and increases of one symbol in a UTC day
    max_order_volume: Annotated[float, Meta(gt=0, le=1)] = 0.005  # order over average daily volume
    max_day_volume: Annotated[float, Meta(gt=0, le=1)] = 0.02  # entries of the UTC day over average daily volume
