"""What the gates may look at for one decision; every number has a unit, and NaN means that it is not known."""

from __future__ import annotations

from msgspec import Struct


class Seen(Struct, frozen=True):
    """Filled by the engine before the gates are asked.

    `asks` is 1 when the wish enlarges exposure, `moves` when any order is wanted; `since_exit` is -1 before the first exit;
    `stopped` 1 paused, 2 killed; sizes of orders are those after caps and quantiser. `has_model`, `has_frames`, `has_posterior` say
    what kind of opinion it is; `edge_bps` is the expected
    return of the side less funding; `silence` is a place in domain.prediction.SILENCES.

    The last block is the portfolio's, filled where new risk is asked for: exposures and heats as the order would leave them (over equity), and
    the lots that each cap leaves to the book, of which `cap_lots` are needed. `rests` holds the bits of the book's breakers (risk.rests).
    """

    side: int
    held_side: int
    asks: int
    moves: int
    completeness: float
    age_bars: float
    book_age_s: float
    bars_seen: float
    alpha: float
    has_model: int
    silence: int
    credibility: float
    edge_bps: float
    net_edge_bps: float
    p_with: float
    p_flat: float
    p_against: float
    barrier_bps: float
    p_value_against: float
    conformal_level: float
    worth: float
    mood: float
    sources: int
    agreement: float
    vetoes: int
    has_frames: int
    alignment: float
    stop_scale: float
    has_posterior: int
    chance: float
    regime_allowed: float
    spread_bps: float
    depth: float
    feed_quality: float
    volatility: float
    has_funding: int
    funding_bps: float
    since_exit: float
    last_side: int
    is_new_signal: float
    change_bps: float
    has_volume: int
    impact_bps: float
    orders_today: float
    participation: float
    day_participation: float
    legal_lots: float
    least_lots: float
    daily_loss: float
    daily_tripped: int
    drawdown: float
    drawdown_tripped: int
    stopped: float
    cap_lots: float
    gross_exposure: float
    gross_room: float
    symbol_exposure: float
    symbol_room: float
    side_exposure: float
    side_room: float
    net_exposure: float
    net_room: float
    heat: float
    heat_room: float
    correlated_heat: float
    correlated_room: float
    weekly_loss: float
    weekly_tripped: int
    rests: int
    loss_streak: float
    volatility_spike: float
    data_quality: float
    drift: float
