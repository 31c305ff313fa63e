"""The made market's settings as its steps read them: in seconds, with long-run shares worked out."""

from __future__ import annotations

import math

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, SECOND_NS
from metastackerbandit.simulation.drift import HOUR_S, YEAR_S, drift_deviation, drift_pull, pull_of
from metastackerbandit.simulation.settings import GeneratorSettings, ListingSettings

DAY_S = DAY_NS / SECOND_NS


class ValueTerms(Struct, frozen=True):
    """What all symbols share. A unit is one symbol's volatility over one second; rates are a second.

    `.._activity` is a regime's variance over the long-run mean, `.._stay_s` how long it lasts on average; `common` and `own` weigh the market's unit
    walk and the symbol's, their squares add up to 1. `per_drift` turns a drift into standard deviations, `per_press` the moves that takers follow.
    Rates of funding are 1e-8.
    """

    calm_activity: float
    normal_activity: float
    storm_activity: float
    calm_stay_s: float
    normal_stay_s: float
    storm_stay_s: float
    calm_chance: float
    common: float
    own: float
    diffusion: float
    jump_rate: float
    jump_deviation: float
    drift_pull: float
    drift_deviation: float
    per_drift: float
    noise_pull: float
    noise_deviation: float
    follow_pull: float
    per_press: float
    flow_lean: float
    follow_lean: float
    trade_spread: float
    funding_ns: int
    funding_rate: float
    funding_lean: float
    most_funding: float


class ListedTerms(Struct, frozen=True):
    """What differs by symbol: the unit as a log return, trades a second, and a trade's mean size in lots times ticks."""

    volatility: float
    trades: float
    size_turnover: float


class QuoteTerms(Struct, frozen=True):
    """How makers quote and takers take: distances as shares of the value, a level's size in lots times ticks, rates a second of the market's time."""

    half_spread: float
    level_step: float
    levels: int
    level_turnover: float
    level_growth: float
    quotes: float
    refill_rate: float
    taker_reach: float


def regime_shares(settings: GeneratorSettings) -> tuple[float, float, float]:
    """Long-run shares of time that are calm, normal and stormy: every second stay is normal, the others are drawn."""
    calm = settings.calm_chance * settings.calm_hours
    storm = (1.0 - settings.calm_chance) * settings.storm_hours
    total = calm + settings.normal_hours + storm
    return calm / total, settings.normal_hours / total, storm / total


def activities(settings: GeneratorSettings) -> tuple[float, float, float]:
    """Variance of each regime over the long-run mean, so that the stated annual volatility is the one that a long history shows."""
    squares = (settings.calm_volatility * settings.calm_volatility, 1.0, settings.storm_volatility * settings.storm_volatility)
    mean = sum(share * square for share, square in zip(regime_shares(settings), squares, strict=True))
    return squares[0] / mean, squares[1] / mean, squares[2] / mean


def value_terms(settings: GeneratorSettings) -> ValueTerms:
    """The terms that all symbols share."""
    calm, normal, storm = activities(settings)
    deviation = drift_deviation(settings)
    jump_rate = settings.jumps_a_day / DAY_S
    has_jumps = jump_rate > 0.0 and settings.jump_share > 0.0
    follow = 1.0 / settings.follow_seconds
    return ValueTerms(
        calm_activity=calm,
        normal_activity=normal,
        storm_activity=storm,
        calm_stay_s=settings.calm_hours * HOUR_S,
        normal_stay_s=settings.normal_hours * HOUR_S,
        storm_stay_s=settings.storm_hours * HOUR_S,
        calm_chance=settings.calm_chance,
        common=math.sqrt(settings.common_share),
        own=math.sqrt(1.0 - settings.common_share),
        diffusion=1.0 - settings.jump_share if has_jumps else 1.0,
        jump_rate=jump_rate if has_jumps else 0.0,
        jump_deviation=math.sqrt(settings.jump_share / jump_rate) if has_jumps else 0.0,
        drift_pull=drift_pull(settings),
        drift_deviation=deviation,
        per_drift=1.0 / deviation if deviation > 0.0 else 0.0,
        noise_pull=pull_of(settings.flow_noise_minutes * 60.0),
        noise_deviation=settings.flow_noise,
        follow_pull=follow,
        per_press=math.sqrt(2.0 * follow),
        flow_lean=settings.flow_lean,
        follow_lean=settings.follow_lean,
        trade_spread=settings.trade_spread,
        funding_ns=settings.funding_hours * HOUR_NS,
        funding_rate=settings.funding_bps * 1e4,
        funding_lean=settings.funding_lean_bps * 1e4,
        most_funding=settings.most_funding_bps * 1e4,
    )


def listed_terms(settings: GeneratorSettings, listing: ListingSettings, instrument: Instrument) -> ListedTerms:
    """The terms of one symbol."""
    return ListedTerms(
        volatility=settings.annual_volatility * listing.volatility / math.sqrt(YEAR_S),
        trades=settings.trades_a_second * listing.flow,
        size_turnover=settings.trade_notional / (float(instrument.tick_size) * float(instrument.lot_size)),
    )


def quote_terms(settings: GeneratorSettings, instrument: Instrument) -> QuoteTerms:
    """How one symbol is quoted and taken."""
    return QuoteTerms(
        half_spread=0.5 * settings.spread_bps * 1e-4,
        level_step=settings.level_bps * 1e-4,
        levels=settings.levels,
        level_turnover=settings.level_notional / (float(instrument.tick_size) * float(instrument.lot_size)),
        level_growth=settings.level_growth,
        quotes=settings.quotes_a_second,
        refill_rate=1.0 / settings.refill_seconds,
        taker_reach=settings.reach_bps * 1e-4,
    )
