"""How the simulated venue fills, and what the made market is like."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
Hours = Annotated[float, Meta(ge=0.05, le=10_000)]
Share = Annotated[float, Meta(ge=0, le=1)]


class SimulationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Fills on candles."""

    fill: Literal["next_open", "close"] = "next_open"  # close exists to compare with engines that fill there; named in reports
    latency_ms: Annotated[float, Meta(ge=0, le=86_400_000)] = 0.0  # from sending to the venue; on candles a late order waits for the next price


class ListingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """One symbol of the made market."""

    price: Annotated[float, Meta(gt=0)] = 100.0  # quote currency; where its value begins
    volatility: Annotated[float, Meta(gt=0, le=20)] = 1.0  # times the market's annual volatility; BTC .8, ETH 1.2, SOL 1.5 beside the default of 0.6
    flow: Annotated[float, Meta(gt=0, le=1_000)] = 1.0  # times the market's trades a second


class GeneratorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The made market: its value process, its flow, its books. Defaults resemble BTCUSDT and ETHUSDT perpetuals of Binance in 2025
    (docs/simulation.md has both beside each other)."""

    seed: Annotated[int, Meta(ge=0)] = 1  # of all chance; the same seed is the same market

    # Volatility: the long-run one is stated, regimes share it out.
    annual_volatility: Annotated[float, Meta(gt=0, le=20)] = 0.6  # fraction a year; BTC .46, ETH .74, SOL .93 on 5m candles of 2025
    common_share: Share = 0.5  # correlation of two symbols' returns; of large perpetuals .5 to .8
    calm_volatility: Annotated[float, Meta(gt=0, le=1)] = 0.5  # times that of normal hours
    storm_volatility: Annotated[float, Meta(ge=1, le=20)] = 3.0  # times that of normal hours; five-minute returns get an excess kurtosis above 8
    calm_hours: Hours = 10.0  # mean stay; absolute returns are still correlated after half a day, as real ones are
    normal_hours: Hours = 6.0  # mean stay
    storm_hours: Hours = 2.0  # mean stay
    calm_chance: Share = 0.5  # that normal hours end in calm; else in a storm

    # Jumps of the market and of each symbol, with the regime's activity.
    jumps_a_day: Annotated[float, Meta(ge=0, le=1_000)] = 2.0  # of the market, and as many of each symbol
    jump_share: Annotated[float, Meta(ge=0, le=0.9)] = 0.1  # of the variance; a jump is then sqrt(share / rate) = .22 of a day's volatility

    # What can be foreseen: a drift that nobody sees, and what flow tells of it.
    predictability: Annotated[float, Meta(ge=0, le=0.2)] = 0.04  # R2 of the next hour's return, given the drift; real markets have less
    drift_half_life_hours: Annotated[float, Meta(ge=0.25, le=1_000)] = 2.0  # so that frames of 5m to 1h have something to hold for
    flow_lean: Annotated[float, Meta(ge=0, le=0.4)] = 0.03  # of takers' volume that moves to the buyers for one standard deviation of the drift
    flow_noise: Annotated[float, Meta(ge=0, le=0.4)] = 0.05  # standard deviation of a lean that tells nothing; half of the drift stays hidden
    flow_noise_minutes: Annotated[float, Meta(gt=0, le=10_000)] = 15.0  # half-life of that
    follow_lean: Annotated[float, Meta(ge=0, le=0.4)] = 0.06  # of takers' volume that follows one standard deviation of the last minute's move
    follow_seconds: Annotated[float, Meta(gt=0, le=3_600)] = 60.0  # over which takers look back

    # Trades and books. Flow grows with the regime's variance; ten times the flow leaves the prices as they are.
    trades_a_second: Annotated[float, Meta(gt=0, le=10_000)] = 2.0  # of a symbol, on average; a process of a laptop serves five at 60 times the speed
    trade_notional: Annotated[float, Meta(gt=0, le=1e9)] = 5_000.0  # quote currency, mean; 860 million a day
    trade_spread: Annotated[float, Meta(ge=0, le=3)] = (
        1.5  # standard deviation of a trade's log size; the largest hundredth has a fifth of the volume
    )

    # Books. Makers quote around the value; where it storms they stand wider and thinner.
    spread_bps: Annotated[float, Meta(ge=0, le=1_000)] = 0.5  # least distance of best bid and ask in mean activity; a tick at least
    levels: Annotated[int, Meta(ge=2, le=500)] = 30  # a side; deeper than the 20 that a partial stream shows
    level_bps: Annotated[float, Meta(gt=0, le=1_000)] = 0.25  # between levels, to the nearest power of two of ticks; 30 of them reach 7.5 bps
    level_notional: Annotated[float, Meta(gt=0, le=1e9)] = 20_000.0  # quote currency at the best level: four trades of the mean size
    level_growth: Annotated[float, Meta(ge=0, le=10)] = 0.1  # of that more at each level further away; 30 levels are 1.5 million
    quotes_a_second: Annotated[float, Meta(ge=0, le=10_000)] = 10.0  # changes of a level's size for no reason, in mean activity
    refill_seconds: Annotated[float, Meta(gt=0, le=600)] = 0.5  # mean wait until a gap behind the best level is filled
    reach_bps: Annotated[float, Meta(gt=0, le=1_000)] = 5.0  # from the value, beyond which takers do not follow: no sweep empties a book

    # History and funding.
    history_step_seconds: Annotated[float, Meta(gt=0, le=60)] = (
        5.0  # between the values that a past minute is made of: its range is that of real minutes
    )
    funding_hours: Annotated[int, Meta(ge=1, le=24)] = 8  # between settlements
    funding_bps: Annotated[float, Meta(ge=-100, le=100)] = 1.0  # paid by longs where nothing leans; Binance's interest part
    funding_lean_bps: Annotated[float, Meta(ge=0, le=100)] = 1.0  # more for one standard deviation of the interval's mean drift
    most_funding_bps: Annotated[float, Meta(gt=0, le=300)] = 30.0  # either way; Binance caps BTCUSDT at 30


MARKETS = {
    "normal": GeneratorSettings(),
    "high-volatility": GeneratorSettings(
        annual_volatility=1.5, storm_volatility=3.5, storm_hours=4.0, calm_chance=0.3, jumps_a_day=4.0, jump_share=0.2
    ),
    "high-volume": GeneratorSettings(trades_a_second=20.0, quotes_a_second=100.0),
}
