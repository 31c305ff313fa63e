"""What an opinion must show before it is acted on."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]

# The contexts of stacking.context.cell_of, in its order: volatility tercile with the trend's direction.
REGIMES = ("calm_falling", "usual_falling", "wild_falling", "calm_rising", "usual_rising", "wild_rising")


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
    # Thresholds on opinions. The limit that decides is the stricter of what stands here and what costs and barrier demand (decision/derived.py).
    thresholds: Literal["stricter", "profile"] = "stricter"  # profile: what is written alone, looser than derived; needs a waiver, never live
    confidence: Literal["p_dir", "p_max3", "p_dir_cond", "strength"] = "p_dir"  # the quantity that min_confidence compares (the plans' CONF_MIN)
    min_confidence: Share | None = None  # of the quantity named by `confidence`; null: the derived limit alone
    min_confidence_buy: Share | None = None  # for buys; null: as min_confidence
    min_confidence_sell: Share | None = None  # for sells; null: as min_confidence
    min_alpha_buy: Share | None = None  # for buys; null: as min_alpha
    min_alpha_sell: Share | None = None  # for sells; null: as min_alpha
    min_model_signal: Share = 0.0  # strength |p_up - p_down| of the model (the plans' S_MIN); 0: the neutral band alone
    min_model_signal_buy: Share | None = None  # for buys; null: as min_model_signal
    min_model_signal_sell: Share | None = None  # for sells; null: as min_model_signal
    min_mood: Annotated[float, Meta(ge=0, le=10)] = 0.0  # |z| of the mood below which it is neutral (the plans' M_MIN); 0: never neutral
    neutral_band: Share | None = None  # strength within which an opinion is neutral; null: the derived break-even alone
    consensus: Literal["soft", "hard", "off"] = "soft"  # disagreement shrinks the size, blocks, or is not asked (the plans' require_consensus)
    consensus_penalty: Share = 0.5  # kappa: share of the size that full disagreement takes (method 5.4)
    allow_model_only_when_mood_neutral: bool = True  # a neutral mood agrees with any side; false: it blocks
    min_worth: Share | None = None  # chance that the proposed trade ends above its costs; null: the derived break-even alone
    conformal: bool = False  # whether the opposite side must be outside the prediction set; more than a paying trade shows (docs/decisions/0019)
    allowed_regimes: tuple[str, ...] = REGIMES  # contexts in which new risk is taken
    max_mood_age_bars: Annotated[float, Meta(ge=0, le=1_000)] = 1.0  # bars of the frame after which the last mood is not known any more
    veto_unearned: bool = False  # hard consensus lets every source veto, proven or not: the predecessor's fault, for scenarios and comparisons
    conformal_alpha: Annotated[float, Meta(gt=0, lt=1)] = 0.2  # share of prediction sets that may miss the truth; kept up while labels mature
    conformal_gamma: Annotated[float, Meta(ge=0, le=0.5)] = 0.01  # step of that correction a matured label (Gibbs and Candes 2021); 0: no correction
    max_book_age_s: Annotated[float, Meta(gt=0, le=600)] = 2.0  # seconds since the order book last changed; asked where there is a book
    max_spread_bps: Annotated[float, Meta(gt=0, le=1_000)] = 5.0  # between best bid and best ask; asked where there is a book
    min_depth: Annotated[float, Meta(ge=0, le=1_000)] = 3.0  # resting on the other side's ten best levels, in sizes of the order
    min_feed_quality: Annotated[float, Meta(ge=0, le=1)] = 0.8  # score of the order book's feed (market.quality); asked where there is a book
