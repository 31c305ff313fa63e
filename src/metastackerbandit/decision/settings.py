"""What an opinion must show before it is acted on."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class DecisionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the gates that judge data and opinion; comparisons admit at equality."""

    min_completeness: Annotated[float, Meta(ge=0, le=1)] = 0.8  # share of the bar's source candles that exist
    max_age_bars: Annotated[float, Meta(ge=0, le=100)] = 1.0  # from the bar's close to the decision
    min_alpha: Annotated[float, Meta(ge=0, le=1)] = 0.02  # position scale worth a trade (the plans' ALPHA_MIN)
    alpha: Literal["edge", "confidence", "strength"] = "edge"  # what a prediction's position scale is made of
    alpha_floor: Annotated[float, Meta(ge=0, le=1)] = 0.1  # least position scale of a trade on a prediction, once it passes
    min_net_edge_bps: Annotated[float, Meta(ge=0, le=10_000)] | None = None  # null: a quarter of the round-trip cost, at least 1 bp
    full_edge_bps: Annotated[float, Meta(gt=0, le=10_000)] | None = None  # above the least, where alpha is 1; null: three round-trip costs
    min_credibility: Annotated[float, Meta(ge=0, le=1)] = 0.05  # conformal p-value below which a prediction is unlike anything calibrated
    min_alignment: Annotated[float, Meta(ge=0, le=1)] = 0.05  # share of the size that the other frames must leave
    prediction_deadline: Annotated[float, Meta(gt=0, le=0.99)] = 0.5  # bars after the close until a missing prediction counts as silence
    min_volatility: Annotated[float, Meta(ge=0, le=10)] = 0.01  # forecast, fraction a year; below it the market is asleep
    max_volatility: Annotated[float, Meta(gt=0, le=100)] = 4.0  # forecast, fraction a year; above it the market is on fire
    max_funding_bps: Annotated[float, Meta(ge=0, le=1_000)] = 3.0  # last settled funding against the position
    reversal: Literal["through_flat", "flip"] = "through_flat"  # flip exists to compare with engines that do so
    unknown_passes: tuple[str, ...] = ()  # gates whose UNKNOWN does not block new risk
