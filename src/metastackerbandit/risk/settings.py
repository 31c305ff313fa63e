"""How much, and whether at all."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(gt=0, le=1)]
Exposure = Annotated[float, Meta(gt=0, le=20)]


class SizingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The size of a position: one formula (volatility), or fixed for comparisons."""

    mode: Literal["volatility", "fraction", "notional", "quantity"] = "volatility"  # which of the fields below gives the size
    volatility_target: Annotated[float, Meta(gt=0, le=5)] = 0.15  # of the whole account, fraction a year, whatever its books
    fraction: Annotated[float, Meta(gt=0, le=10)] = 1.0  # of equity (shared by the books), in mode fraction
    notional: str = "1000"  # account currency a position, in mode notional
    quantity: str = "1"  # base units a position, in mode quantity
    kelly_share: Annotated[float, Meta(gt=0, le=1)] = 0.25  # of the growth-optimal size for a predicted edge (method 11.1)
    kelly_prior: Annotated[float, Meta(gt=0, le=1)] = 0.05  # deviation of a trade's true Sharpe ratio around 0, before any estimate
    resize_band: Annotated[float, Meta(ge=0, le=10)] = 0.25  # change of a held position, as a share of it, that is worth an order
    share: Share | None = None  # part of the account for the book; null: all of it by volatility, in mode fraction an equal part of what is left
    correlation_weight: Annotated[float, Meta(ge=0, le=1)] = 1.0  # how much the bets of other books count: 1 as one bet, 0 not at all (docs/risk.md)
    correlation_band: Annotated[float, Meta(ge=0, lt=1)] = 0.4  # how much smaller other books must make a held position to be worth an order
    drawdown_floor: Annotated[float, Meta(ge=0, le=1)] = 0.1  # least the drawdown scale falls to (docs/decisions/0010)


class RiskSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Caps and breakers; a breaker blocks new risk until its rule lifts it, and never flattens.

    Caps are looked at after the order, with every order still out counted as filled. Heat is what the account loses when every position
    leaves at its stop; one without a stop counts `unstopped_deviations` of a day.
    """

    max_symbol_exposure: Exposure = 1.0  # notional of one side of one symbol, over its books, over equity; so also its net
    max_gross_exposure: Exposure = 3.0  # sum of absolute notionals over equity
    max_side_exposure: Exposure = 2.0  # notional of all longs, or of all shorts, over equity
    max_net_exposure: Exposure = 1.5  # longs less shorts, in the trade's direction, over equity
    max_heat: Share = 0.06  # sum of losses to the stops over equity (method 11.3)
    max_correlated_heat: Share = 0.04  # the same under the correlations, sqrt(h'Ch) with signed h (method 11.3)
    unstopped_deviations: Annotated[float, Meta(gt=0, le=10)] = 1.0  # daily deviations that stand for the stop of a position without one
    correlation_days: Annotated[float, Meta(gt=0, le=365)] = 10.0  # half-life of the correlations (method 11.3)
    correlation_target: Annotated[float, Meta(ge=0, lt=1)] = 0.6  # what they are shrunk towards: usual among coins (method 11.3)
    correlation_warm_up: Annotated[int, Meta(ge=10, le=100_000)] = 100  # common bars before one is believed: its standard error is then 0.1
    correlation_stress: Annotated[float, Meta(ge=0, lt=1)] = 0.9  # what it is taken for until then, and in a crash (method 11.3)
    max_daily_loss: Share = 0.03  # of equity at the UTC day's start
    max_weekly_loss: Share = 0.06  # of equity at the start of the UTC week, a Monday
    max_drawdown: Share = 0.15  # from the equity peak; sizes shrink on the way there
    max_loss_streak: Annotated[int, Meta(ge=2, le=1_000)] = 10  # losing round trips of a book in a row; a fair coin shows it once in 2,000
    loss_streak_hours: Annotated[float, Meta(ge=0, le=8_760)] = 0.0  # how long a book rests then; 0: until the next UTC day
    max_volatility_ratio: Annotated[float, Meta(gt=1, le=100)] = 2.0  # fast over slow volatility of a book's bars
    quality_bars: Annotated[int, Meta(ge=5, le=62)] = 50  # newest bars in which bad ones are counted; as many bits as one word holds
    max_bad_bars: Annotated[float, Meta(ge=0, le=1)] = 0.2  # of those: incomplete or missing
    max_excess_loss: Annotated[float, Meta(gt=0, le=1_000)] = 6.9  # nats that a model may lose against the base rate; ln 1000 (docs/risk.md)
    resume: Share = 0.8  # a breaker that watches a number lifts when it is back at this share of its limit


class TailSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How value at risk and expected shortfall are estimated (docs/value_at_risk.md has what each choice was measured against)."""

    half_life_days: Annotated[float, Meta(gt=0, le=365)] = 3.0  # of the variance that stands for today's; coverage is flat from 1 to 10
    history_days: Annotated[float, Meta(ge=1, le=3_650)] = 365.0  # how far back returns count; a year has every season of the week and the calendar
    run_hours: Annotated[float, Meta(ge=1, le=240)] = 24.0  # surprises in a row that are drawn as one; hours drawn singly miss half of the 99 % days
    paths: Annotated[int, Meta(ge=1_000, le=1_000_000)] = 10_000  # drawn where a horizon is longer than a run; else every run is a path, once
    least_rows: Annotated[int, Meta(ge=50, le=100_000)] = 500  # returns before they tell a distribution (method 11.4: 500 to 1,000)
    least_tail: Annotated[float, Meta(gt=0, le=100)] = 2.5  # independent observations expected beyond a level, as of 250 days beyond 99 %
    least_shape: Annotated[int, Meta(ge=20, le=100_000)] = 100  # independent observations before skewness and kurtosis are read off them
    block_days: Annotated[float, Meta(gt=0, le=90)] = 5.0  # drawn as one where a figure's error is resampled; calm and turmoil last days
    resamples: Annotated[int, Meta(ge=100, le=10_000)] = 400  # of each interval
    seed: Annotated[int, Meta(ge=0, le=2**62)] = 1  # of paths and resamples
    near: Share = 0.8  # share of a cap from which `msb risk` tells of it
