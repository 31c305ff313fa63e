"""Thresholds against the domain of the quantity that they compare, and limits against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from metastackerbandit.config.outline import value_at
from metastackerbandit.config.problems import Contradiction, closest
from metastackerbandit.config.schema import Config
from metastackerbandit.decision.settings import REGIMES

LEAST = {"p_max3": 1.0 / 3.0, "p_dir_cond": 0.5}  # below which a quantity never lies: the largest of three, the larger of two
MOST_ROUND_TRIP_BPS = 300.0  # the dearest retail tier of a large venue takes about 240 bps; more is a unit written wrongly (docs/decisions/0008)
CONFIDENCE_KEYS = ("decision.min_confidence", "decision.min_confidence_buy", "decision.min_confidence_sell")

_ORDERED = (  # the smaller limit, the larger, and what it means when they are not
    ("risk.max_symbol_exposure", "risk.max_gross_exposure", "one symbol could never reach its cap"),
    ("risk.max_daily_loss", "risk.max_drawdown", "the drawdown would stop trading before the day's limit could"),
    ("posterior.stay", "posterior.enter", "an arm would be left as soon as it is entered"),
)


def _confidence_can_fail(config: Config) -> Iterator[Contradiction]:
    quantity = config.decision.confidence
    least = LEAST.get(quantity)
    for key in CONFIDENCE_KEYS:
        value = value_at(config, key)
        if least is not None and value is not None and value <= least:
            what = f"{key} = {value} is vacuous: {quantity} is never below {least:.3g}"
            mend = f'write a value above {least:.3g}, leave it out (the derived limit decides), or choose decision.confidence = "p_dir"'
            yield Contradiction((key, "decision.confidence"), what, mend, waivable=True)


def _thresholds_are_waived(config: Config) -> Iterator[Contradiction]:
    if config.decision.thresholds == "profile":
        what = 'decision.thresholds = "profile" lets limits be looser than costs and barriers demand, and nothing waives that'
        mend = 'write "stricter", or add [[waivers]] with key = "decision.thresholds", until = a date within 30 days and why'
        yield Contradiction(("decision.thresholds",), what, mend, waivable=True)


def _regimes_exist(config: Config) -> Iterator[Contradiction]:
    key, given = "decision.allowed_regimes", config.decision.allowed_regimes
    if not given:
        yield Contradiction((key,), f"{key} is empty: nothing could ever trade", f"name some of {', '.join(REGIMES)}", waivable=True)
    for name in given:
        if name not in REGIMES:
            meant = closest(name, REGIMES)
            yield Contradiction((key,), f"unknown regime {name!r}", f'did you mean "{meant}"?' if meant else f"use some of {', '.join(REGIMES)}")


def _limits_are_ordered(config: Config) -> Iterator[Contradiction]:
    for small, large, consequence in _ORDERED:
        low, high = value_at(config, small), value_at(config, large)
        if low > high:
            yield Contradiction((small, large), f"{small} = {low} is above {large} = {high}: {consequence}", f"lower {small} or raise {large}")


def _costs_are_plausible(config: Config) -> Iterator[Contradiction]:
    parts = ("costs.taker_fee_bps", "costs.slippage_bps", "costs.half_spread_bps")
    round_trip = config.costs.round_trip_bps()
    if round_trip > MOST_ROUND_TRIP_BPS:
        largest = sorted(parts, key=lambda name: -value_at(config, name))
        what = f"a round trip of {round_trip:g} bps ({round_trip / 100:g} %) is not plausible; {largest[0]} = {value_at(config, largest[0])}"
        yield Contradiction(tuple(largest), what, f"costs are in basis points, 0.01 %: write at most {MOST_ROUND_TRIP_BPS:g} for both ways together")


THRESHOLD_CHECKS: tuple[Callable[[Config], Iterator[Contradiction]], ...] = (
    _confidence_can_fail,
    _thresholds_are_waived,
    _regimes_exist,
    _limits_are_ordered,
    _costs_are_plausible,
)
