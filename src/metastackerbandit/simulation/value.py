"""What a symbol of the made market is worth: a walk with regimes, jumps and a hidden drift, part of it the market's.

    log value += v (sqrt(c) F + sqrt(1 - c) O)

F is the market's unit walk, O the symbol's own, c the correlation of two symbols, v the symbol's volatility over a second. Either unit walk has a
diffusion and jumps of variance 1 a second together, both in the market's own time, and a drift (drift.py says what it foresees). The market's time
runs by regimes, calm, normal and stormy, with exponential stays: it is fast where it storms, as are jumps and trades (Clark 1973). Log values have
no drift of their own, so buyers and sellers are mirror images.

Every law is exact for a step of any length: the drift with its integral is Gaussian, stays and waits for jumps are carried over. Cutting a step in
two therefore gives another path of the same law. The market and each symbol draw from states of their own: a symbol's path is the same beside
whatever others.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.instrument import MOST_TICKS
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.simulation.chance import exponential, normal, uniform

CALM, NORMAL, STORM = range(3)
_EVEN = 0.5
_LEAST_SHARE = 0.05  # of takers buy, whatever leans: a market always has two sides
_MOST_PRESS = 3.0  # standard deviations that takers follow at most
_SHORT = 0.01  # of the drift's time: below, what is left of its integral is written as a series, where the closed form would cancel


class MarketRow(Struct, frozen=True):
    """The market at `at_ns`: regime and seconds left of it, its drift, seconds of its own time until it jumps. Of the last step: how much of the
    market's time passed (`busy_s`), the unit walk's move, the length; and what a step of that length is to every drift and lean."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int
    at_ns: int
    regime: int
    left_s: float
    drift: float
    jump_s: float
    busy_s: float
    moved: float
    step_s: float
    keep: float
    scatter: float
    reach_s: float
    rest: float
    noise_keep: float
    noise_scatter: float
    follow_keep: float


class ValueRow(Struct, frozen=True):
    """A symbol: the log of its value in ticks, its own drift and time until it jumps. `lean` is its whole drift in standard deviations, `press` the
    recent moves that takers follow, `noise` the lean that tells nothing, `buy_share` the share of takers' volume that buys: from those three.
    `leaned` is the lean's integral over the `leaned_s` since funding was settled."""

    word_a: int
    word_b: int
    word_c: int
    word_d: int
    drift: float
    jump_s: float
    log_ticks: float
    lean: float
    press: float
    noise: float
    buy_share: float
    leaned: float
    leaned_s: float


@kernel
def begin_market(market: Any, terms: Any, at_ns: int) -> None:
    """Draw the market's state from its long-run law."""
    market.at_ns = at_ns
    calm = terms.calm_chance * terms.calm_stay_s
    storm = (1.0 - terms.calm_chance) * terms.storm_stay_s
    place = uniform(market) * (calm + terms.normal_stay_s + storm)
    market.regime = CALM if place < calm else (STORM if place < calm + storm else NORMAL)
    market.left_s = exponential(market) * _stay(market.regime, terms)
    _begin_walk(market, terms)


@kernel
def begin_value(value: Any, market: Any, terms: Any, log_ticks: float) -> None:
    """Draw a symbol's state from its long-run law, at a given value; nothing has moved yet that takers could follow."""
    _begin_walk(value, terms)
    value.log_ticks = log_ticks
    value.noise = terms.noise_deviation * normal(value)
    value.lean = (terms.common * market.drift + terms.own * value.drift) * terms.per_drift
    value.buy_share = _buy_share(value, terms)


@kernel
def market_step(market: Any, terms: Any, step_ns: int) -> None:
    """The market goes on by `step_ns` (> 0)."""
    _pace(market, terms, step_ns * 1e-9)
    market.at_ns += step_ns
    market.busy_s = _time_passed(market, terms, market.step_s)
    market.moved = _walked(market, market, terms)


@kernel
def value_step(value: Any, market: Any, terms: Any, listed: Any) -> None:
    """A symbol follows the step that the market has just made."""
    moved = terms.common * market.moved + terms.own * _walked(value, market, terms)
    value.log_ticks += listed.volatility * moved
    value.lean = (terms.common * market.drift + terms.own * value.drift) * terms.per_drift
    value.leaned += value.lean * market.step_s
    value.leaned_s += market.step_s
    value.press = value.press * market.follow_keep + moved
    value.noise = value.noise * market.noise_keep + market.noise_scatter * normal(value)
    value.buy_share = _buy_share(value, terms)


@kernel
def ticks_of(log_ticks: float) -> int:
    """The whole number of ticks next to a value, from 1 to the most that sums can hold."""
    return max(1, min(MOST_TICKS, math.floor(math.exp(min(log_ticks, 30.0)) + 0.5)))


@kernel
def activity_of(regime: int, terms: Any) -> float:
    """How fast the market's time runs."""
    if regime == CALM:
        return terms.calm_activity
    return terms.storm_activity if regime == STORM else terms.normal_activity


@kernel
def funding_rate(value: Any, terms: Any) -> float:
    """What longs pay for the interval as it stands, 1e-8: more where the drift was up, since buyers pressed; whole."""
    lean = value.leaned / value.leaned_s if value.leaned_s > 0.0 else 0.0
    rate = terms.funding_rate + terms.funding_lean * lean
    return math.floor(max(-terms.most_funding, min(terms.most_funding, rate)) + 0.5)


@kernel
def settle_funding(value: Any) -> None:
    """A new interval begins."""
    value.leaned = 0.0
    value.leaned_s = 0.0


@kernel
def _pace(market: Any, terms: Any, step_s: float) -> None:
    """What a step of this length is to drifts and leans; worked out once for steps of one length."""
    if step_s == market.step_s:
        return
    market.step_s = step_s
    faded = -math.expm1(-terms.drift_pull * step_s)
    market.keep = 1.0 - faded
    market.scatter = terms.drift_deviation * math.sqrt(faded * (2.0 - faded))
    market.reach_s = faded / (2.0 - faded) / terms.drift_pull
    market.rest = terms.drift_deviation * terms.drift_deviation * _bridge(terms.drift_pull, step_s)
    noise_keep = math.exp(-terms.noise_pull * step_s)
    market.noise_keep = noise_keep
    market.noise_scatter = terms.noise_deviation * math.sqrt(1.0 - noise_keep * noise_keep)
    market.follow_keep = math.exp(-terms.follow_pull * step_s)


@kernel
def _bridge(pull: float, step_s: float) -> float:
    """Variance of the integral of a drift of variance 1 whose ends are known: (2 / k^2) (x - 2 tanh(x / 2)), x = k h."""
    x = pull * step_s
    if x < _SHORT:
        return x * x * x * (10.0 - x * x) / (60.0 * pull * pull)
    faded = -math.expm1(-x)
    return 2.0 * (x - 2.0 * faded / (2.0 - faded)) / (pull * pull)


@kernel
def _time_passed(market: Any, terms: Any, step_s: float) -> float:
    """Seconds of the market's own time in a step, regimes changing where their stay is over."""
    left_s = step_s
    busy_s = 0.0
    while market.left_s <= left_s:
        left_s -= market.left_s
        busy_s += market.left_s * activity_of(market.regime, terms)
        if market.regime != NORMAL:
            market.regime = NORMAL
        else:
            market.regime = CALM if uniform(market) < terms.calm_chance else STORM
        market.left_s = exponential(market) * _stay(market.regime, terms)
    market.left_s -= left_s
    return busy_s + left_s * activity_of(market.regime, terms)


@kernel
def _stay(regime: int, terms: Any) -> float:
    if regime == CALM:
        return terms.calm_stay_s
    return terms.storm_stay_s if regime == STORM else terms.normal_stay_s


@kernel
def _begin_walk(walk: Any, terms: Any) -> None:
    walk.drift = terms.drift_deviation * normal(walk)
    walk.jump_s = exponential(walk) / terms.jump_rate if terms.jump_rate > 0.0 else math.inf


@kernel
def _walked(walk: Any, market: Any, terms: Any) -> float:
    """A unit walk's move over the market's step: its drift's integral (given where it was and is), diffusion, and the jumps that were due."""
    before = walk.drift
    walk.drift = market.keep * before + market.scatter * normal(walk)
    moved = market.reach_s * (before + walk.drift) + math.sqrt(terms.diffusion * market.busy_s + market.rest) * normal(walk)
    left_s = market.busy_s
    while walk.jump_s <= left_s:
        left_s -= walk.jump_s
        moved += terms.jump_deviation * normal(walk)
        walk.jump_s = exponential(walk) / terms.jump_rate
    walk.jump_s -= left_s
    return moved


@kernel
def _buy_share(value: Any, terms: Any) -> float:
    press = max(-_MOST_PRESS, min(_MOST_PRESS, value.press * terms.per_press))
    share = _EVEN + terms.flow_lean * value.lean + terms.follow_lean * press + value.noise
    return max(_LEAST_SHARE, min(1.0 - _LEAST_SHARE, share))
