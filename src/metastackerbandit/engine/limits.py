"""Everything the kernels compare with, one record for each book: settings and the instrument's rules as numbers."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.costs.rates import CostRates
from metastackerbandit.domain.instrument import Rules
from metastackerbandit.exits.rules import ExitRules
from metastackerbandit.market.activity import Pace
from metastackerbandit.risk.correlation import CorrelationTerms
from metastackerbandit.risk.rests import RestTerms
from metastackerbandit.stacking.consensus import VetoTerms
from metastackerbandit.stacking.coverage import SetTerms


class Limits(Struct, frozen=True):
    """Gate limits keep their settings' names and units; `share` is the book's part of the account, `lot_size` base units of a lot.

    `hears` is 1 where opinions are formed from predictions or by a posterior, `waits` where decisions wait for a prediction, at most
    `deadline_ns` after the close, `chooses` where arms are chosen by their posterior; `frames` counts the frames whose predictions the book
    hears. `horizon` is the bars of a piece of a rule's own portfolio; `stop_by_model` and its like say which exits follow the prediction's
    barrier and horizon; `cost_bps` is a round trip without impact and funding. Limits that nobody wrote are NaN; `alone` is 1 where what is
    written decides without the derived limit. `has_consensus`, `is_hard`, `asks_conformal`, `asks_regime`, `has_book` say which gates are
    asked; `follows_mood`, `follows_model`, `follows_sets`, `follows_regime` what is learned from closed bars, only where somebody asks;
    `regimes` has a bit for each allowed context.

    The last block is the portfolio's: `symbol` is the place of the book's symbol, `feeds` is 1 where its closes are the symbol's on the common
    grid of `grid_ns`, `books` counts the account's books.
    """

    min_completeness: float
    max_age_bars: float
    warm_up: float
    min_alpha_buy: float
    min_alpha_sell: float
    alpha_mode: int
    alpha_floor: float
    min_net_edge_bps: float
    full_edge_bps: float
    min_credibility: float
    min_alignment: float
    min_chance: float
    min_signal_buy: float
    min_signal_sell: float
    confidence: int
    min_confidence_buy: float
    min_confidence_sell: float
    neutral_band: float
    min_worth: float
    alone: int
    min_mood: float
    neutral_mood_passes: int
    max_mood_age_ns: int
    has_consensus: int
    is_hard: int
    veto_unearned: int
    consensus_penalty: float
    follows_mood: int
    follows_model: int
    veto: VetoTerms
    asks_conformal: int
    follows_sets: int
    sets: SetTerms
    asks_regime: int
    follows_regime: int
    regimes: int
    has_book: int
    max_book_age_s: float
    min_feed_quality: float
    max_spread_bps: float
    min_depth: float
    cost_bps: float
    hears: int
    waits: int
    chooses: int
    horizon: int
    trend_keep: float
    deadline_ns: int
    stop_by_model: int
    target_by_model: int
    time_by_model: int
    min_volatility: float
    max_volatility: float
    max_funding_bps: float
    cooldown_bars: float
    flip_gap_bars: float
    min_change_bps: float
    max_impact_bps: float
    max_orders_a_day: float
    max_order_volume: float
    max_day_volume: float
    max_gross_exposure: float
    max_symbol_exposure: float
    max_daily_loss: float
    max_drawdown: float
    sizing: int
    volatility_target: float
    kelly_share: float
    kelly_prior: float
    fraction: float
    notional: int
    lots: int
    share: float
    resizes: int
    resize_band: float
    flips: int
    has_funding: int
    has_volume: int
    has_mood: int
    frames: int
    lot_size: float
    base_ns: int
    frame_ns: int
    rules: Rules
    rates: CostRates
    exits: ExitRules
    pace: Pace
    symbol: int
    feeds: int
    grid_ns: int
    books: int
    max_side_exposure: float
    max_net_exposure: float
    max_heat: float
    max_correlated_heat: float
    unstopped_deviations: float
    max_weekly_loss: float
    drawdown_floor: float
    correlation_weight: float
    correlation_band: float
    correlation: CorrelationTerms
    rests: RestTerms
