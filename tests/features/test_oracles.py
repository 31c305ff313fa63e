"""Definitions against slow plain references: each says its formula over the whole history, with no state carried."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.features.catalog import FEATURES, NAMES
from metastackerbandit.features.fixed import fixed_power
from metastackerbandit.market.frames import frame_bars
from tests.features.scenes import FRAME, full, funding_for, market

BARS = market(21, 1_400)
FUNDING = funding_for(BARS, 21)
OPEN, HIGH, LOW, CLOSE = (np.log(BARS[name].astype(float)) for name in ("open", "high", "low", "close"))
VOLUME, TAKER, TRADES = BARS["volume"], BARS["taker_volume"], BARS["trades"]
MOVES = np.diff(CLOSE)  # MOVES[i - 1] is the return of bar i
PLACES = (300, 477, 611, 1_103, 1_398)


def weights(count: int, share: float) -> np.ndarray:
    """Of an average of `count` observations: equal ones while 1/n >= share, exponential from then on; they sum to 1."""
    plain = min(int(1.0 / share), count)
    newer = count - plain
    return np.concatenate((np.full(plain, (1.0 - share) ** newer / plain), share * (1.0 - share) ** np.arange(newer)[::-1]))


def average(values: np.ndarray, span: int) -> float:
    return float(weights(len(values), 2.0 / (span + 1)) @ values)


def wilder(values: np.ndarray) -> float:
    return float(weights(len(values), 1.0 / 14) @ values)


def sigma(t: int, span: int = 48) -> float:
    return math.sqrt(average(MOVES[:t] ** 2, span))


def variances(kind: str, t: int) -> np.ndarray:
    o, h, low, c = (x[: t + 1] for x in (OPEN, HIGH, LOW, CLOSE))
    if kind == "parkinson":
        return (h - low) ** 2 / (4 * math.log(2))
    if kind == "garman_klass":
        return 0.5 * (h - low) ** 2 - (2 * math.log(2) - 1) * (c - o) ** 2
    return (h - c) * (h - o) + (low - c) * (low - o)


def true_ranges(t: int) -> np.ndarray:
    return np.maximum(HIGH[1 : t + 1], CLOSE[:t]) - np.minimum(LOW[1 : t + 1], CLOSE[:t])


def gap(t: int, span: int) -> float:
    return float(CLOSE[t]) - average(CLOSE[: t + 1], span)


def scaled_gap(span: int, t: int) -> float:
    return gap(t, span) / (sigma(t) * math.sqrt(span))


def came(bars: int, t: int) -> float:
    return float(CLOSE[t] - CLOSE[t - bars])


def macds(t: int) -> np.ndarray:
    return np.array([average(CLOSE[: s + 1], 12) - average(CLOSE[: s + 1], 26) for s in range(t + 1)])


def directions(t: int) -> np.ndarray:
    up, down = np.diff(HIGH), -np.diff(LOW)
    plus = np.where((up > down) & (up > 0), up, 0.0)
    minus = np.where((down > up) & (down > 0), down, 0.0)
    found = []
    for s in range(14, t + 1):
        p, m = wilder(plus[:s]), wilder(minus[:s])
        found.append((p - m) / (p + m))
    return np.array(found)


def channel(t: int, bars: int) -> float:
    high, low = HIGH[t - bars + 1 : t + 1].max(), LOW[t - bars + 1 : t + 1].min()
    return float((2 * CLOSE[t] - high - low) / (high - low))


def reverting(t: int) -> float:
    gaps = np.array([gap(s, 20) for s in range(19, t + 1)])
    return gaps[-1] / math.sqrt(average(gaps**2, 48))


def bollinger(t: int) -> float:
    last = CLOSE[t - 19 : t + 1]
    return float((CLOSE[t] - last.mean()) / (2 * last.std()))


def efficiency(t: int, bars: int) -> float:
    return float((CLOSE[t] - CLOSE[t - bars]) / np.abs(MOVES[t - bars : t]).sum())


def variance_ratio(t: int) -> float:
    long = CLOSE[12 : t + 1] - CLOSE[: t - 11]
    return average(long**2, 96) / (12 * average(MOVES[11:t] ** 2, 96)) - 1


def bipower(t: int) -> float:
    """Variance of a bar from the 48 products that end with the return of bar t."""
    last = np.abs(MOVES[t - 49 : t])
    return math.pi / 2 * float((last[1:] * last[:-1]).mean())


def jump_scores(t: int) -> np.ndarray:
    return np.array([MOVES[s - 1] / math.sqrt(bipower(s - 1)) for s in range(50, t + 1)])


def jump_signed(t: int) -> float:
    scores = jump_scores(t)
    return average(np.where(np.abs(scores) > 3, scores, 0.0), 12)


def skew(t: int) -> float:
    last = MOVES[t - 48 : t]
    off = last - last.mean()
    return float((off**3).mean() / (off**2).mean() ** 1.5)


def autocorrelation(t: int) -> float:
    now, before = MOVES[t - 48 : t], MOVES[t - 49 : t - 1]
    return float((now @ before) / math.sqrt((now @ now) * (before @ before)))


def higher(t: int) -> tuple[float, float, float, float]:
    """Hours that have closed by the close of bar t: return, trend, volatility ratio, position."""
    hours = frame_bars(BARS[: t + 1], FRAME, HOUR_NS)
    logs = {name: np.log(hours[name].astype(float)) for name in ("open", "high", "low", "close")}
    o, h, low, c = (logs[name][-6:] for name in ("open", "high", "low", "close"))
    scale = sigma(t) * math.sqrt(12)
    satchell = ((h - c) * (h - o) + (low - c) * (low - o)).mean()
    top, bottom = h.max(), low.min()
    closes = logs["close"]
    return (
        (closes[-1] - closes[-2]) / scale,
        (closes[-1] - closes[-7]) / (scale * math.sqrt(6)),
        math.log(math.sqrt(satchell) / scale),
        (2 * CLOSE[t] - top - bottom) / (top - bottom),
    )


def money_flow(t: int) -> float:
    place = (2 * CLOSE - HIGH - LOW)[: t + 1] / (HIGH - LOW)[: t + 1]
    return average(place * VOLUME[: t + 1], 12) / average(VOLUME[: t + 1], 12)


def illiquidity(t: int) -> float:
    moves = np.abs(MOVES[:t])
    return math.log(average(moves, 12) / average(VOLUME[: t + 1], 12)) - math.log(average(moves, 48) / average(VOLUME[: t + 1], 48))


def volume_z(t: int) -> float:
    logs = np.log(VOLUME[: t + 1])
    mean = average(logs, 48)
    return float((logs[-1] - mean) / math.sqrt(average((logs - mean) ** 2, 48)))


def vwap(t: int) -> float:
    fading = VOLUME[: t + 1] * (47 / 49) ** np.arange(t + 1)[::-1]
    typical = (HIGH + LOW + CLOSE)[: t + 1] / 3
    return float((CLOSE[t] - fading @ typical / fading.sum()) / (sigma(t) * math.sqrt(48)))


def price_volume(t: int) -> float:
    x, y, w = MOVES[:t], np.log(VOLUME[1 : t + 1]), weights(t, 2 / 49)
    dx, dy = x - w @ x, y - w @ y
    return float((w @ (dx * dy)) / math.sqrt((w @ dx**2) * (w @ dy**2)))


def flow(t: int, span: int) -> float:
    return average((2 * TAKER - VOLUME)[: t + 1], span) / average(VOLUME[: t + 1], span)


def divergence(t: int) -> float:
    shares = (2 * TAKER / VOLUME - 1)[1 : t + 1]
    return average(shares, 12) / math.sqrt(average(shares**2, 48)) - average(MOVES[:t], 12) / sigma(t)


def trade_size(t: int) -> float:
    logs = np.log(VOLUME / TRADES)[: t + 1]
    return float(logs[-1]) - average(logs, 48)


def rates(t: int, within_ns: int) -> np.ndarray:
    known = BARS["known_ns"][t]
    return FUNDING["rate"][(FUNDING["at_ns"] < known) & (FUNDING["at_ns"] > known - within_ns)] * 1e-4


def turn(t: int, length_ns: int, since_ns: int = 0) -> float:
    return 2 * math.pi * ((int(BARS["closed_ns"][t]) + since_ns) % length_ns) / length_ns


ORACLES: dict[str, Callable[[int], float]] = {
    **{f"log_return_{bars}": partial(came, bars) for bars in (1, 3, 12, 48)},
    "mom_1": lambda t: float(MOVES[t - 1]) / sigma(t),
    "mom_3": lambda t: float(CLOSE[t] - CLOSE[t - 3]) / (sigma(t) * math.sqrt(3)),
    "ewma_volatility": sigma,
    "rv_12": lambda t: math.sqrt(float((MOVES[t - 12 : t] ** 2).sum())),
    "gk_volatility": lambda t: math.sqrt(average(variances("garman_klass", t), 12)),
    "parkinson_ratio": lambda t: math.sqrt(average(variances("parkinson", t), 12)) / sigma(t),
    "rogers_satchell_ratio": lambda t: math.sqrt(average(variances("rogers_satchell", t), 12)) / sigma(t),
    "atr_14": lambda t: wilder(true_ranges(t)) / sigma(t),
    "volatility_ratio": lambda t: math.log(sigma(t, 12) / sigma(t, 96)),
    "regime_high_vol": lambda t: float(sigma(t, 12) > 1.5 * sigma(t, 96)),
    **{f"ema_gap_{span}": partial(scaled_gap, span) for span in (12, 48, 96)},
    "macd": lambda t: float(macds(t)[-1]) / sigma(t),
    "macd_histogram": lambda t: (float(macds(t)[-1]) - average(macds(t), 9)) / sigma(t),
    "slope_48": lambda t: float(np.polyfit(np.arange(48.0), CLOSE[t - 47 : t + 1] - CLOSE[t], 1)[0]) * math.sqrt(48) / sigma(t),
    "direction_14": lambda t: float(directions(t)[-1]),
    "adx_14": lambda t: wilder(np.abs(directions(t))),
    "donchian_20": lambda t: channel(t, 20),
    "donchian_96": lambda t: channel(t, 96),
    "mr_ema20_z": reverting,
    "bollinger_20": bollinger,
    "rsi_14": lambda t: wilder(MOVES[:t]) / wilder(np.abs(MOVES[:t])),
    "price_efficiency": lambda t: abs(efficiency(t, 12)),
    "efficiency_12": lambda t: efficiency(t, 12),
    "efficiency_48": lambda t: efficiency(t, 48),
    "variance_ratio_12": variance_ratio,
    "jump_share": lambda t: max(0.0, 1 - bipower(t) / float((MOVES[t - 48 : t] ** 2).mean())),
    "jump_magnitude": lambda t: abs(float(jump_scores(t)[-1])),
    "jump_signed": jump_signed,
    "skew_48": skew,
    "autocorrelation_48": autocorrelation,
    "candle_body": lambda t: float((CLOSE[t] - OPEN[t]) / (HIGH[t] - LOW[t])),
    "wick_upper": lambda t: float((HIGH[t] - max(OPEN[t], CLOSE[t])) / (HIGH[t] - LOW[t])),
    "wick_lower": lambda t: float((min(OPEN[t], CLOSE[t]) - LOW[t]) / (HIGH[t] - LOW[t])),
    "candle_range": lambda t: float(HIGH[t] - LOW[t]) / sigma(t),
    "higher_return": lambda t: higher(t)[0],
    "higher_trend": lambda t: higher(t)[1],
    "higher_volatility_ratio": lambda t: higher(t)[2],
    "higher_position": lambda t: higher(t)[3],
    "day_sin": lambda t: math.sin(turn(t, DAY_NS)),
    "day_cos": lambda t: math.cos(turn(t, DAY_NS)),
    "week_sin": lambda t: math.sin(turn(t, 7 * DAY_NS, 3 * DAY_NS)),
    "week_cos": lambda t: math.cos(turn(t, 7 * DAY_NS, 3 * DAY_NS)),
    "volume_intensity": lambda t: float(VOLUME[t]) / average(VOLUME[: t + 1], 48) - 1,
    "volume_trend": lambda t: math.log(average(VOLUME[: t + 1], 12) / average(VOLUME[: t + 1], 48)),
    "log_volume_z": volume_z,
    "money_flow": money_flow,
    "illiquidity_ratio": illiquidity,
    "vwap_momentum": vwap,
    "price_volume_corr": price_volume,
    "taker_imbalance": lambda t: float(2 * TAKER[t] / VOLUME[t] - 1),
    "taker_flow_12": lambda t: flow(t, 12),
    "taker_flow_48": lambda t: flow(t, 48),
    "flow_price_divergence": divergence,
    "trades_intensity": lambda t: float(TRADES[t]) / average(TRADES[: t + 1], 48) - 1,
    "trade_size": trade_size,
    "funding_rate": lambda t: float(rates(t, DAY_NS)[-1]),
    "funding_momentum": lambda t: float(rates(t, 3 * DAY_NS)[-1] - rates(t, 3 * DAY_NS).mean()),
    "funding_24h": lambda t: float(rates(t, DAY_NS).sum()),
}
VALUES = full(BARS, funding=FUNDING).values


@pytest.mark.parametrize("name", ORACLES)
def test_a_feature_is_what_its_definition_says(name: str) -> None:
    """To 1e-7: fixed-point powers of returns of 2e-3 are exact to 1e-9, differences of logs to 1e-12."""
    for t in PLACES:
        assert VALUES[t, NAMES.index(name)] == pytest.approx(ORACLES[name](t), rel=1e-7, abs=1e-7), f"{name} at bar {t}"


def test_every_feature_but_those_of_swings_has_a_reference() -> None:
    """Swings have theirs in test_structure, features of the book in test_book_oracles."""
    assert {spec.name for spec in FEATURES if not spec.is_event and spec.needs != "book"} == set(ORACLES)


@given(st.floats(-0.5, 0.5))
@settings(max_examples=200)
def test_fixed_numbers_are_odd_and_near(power: float) -> None:
    assert fixed_power(-power) == -fixed_power(power)
    assert abs(fixed_power(power) * 2.0**-58 - power) <= 2.0**-58


def test_the_high_volatility_flag_is_up_above_one_and_a_half() -> None:
    ratio, flag = np.exp(VALUES[100:, NAMES.index("volatility_ratio")]), VALUES[100:, NAMES.index("regime_high_vol")]
    assert np.array_equal(flag == 1.0, ratio > 1.5) and set(flag.tolist()) == {0.0, 1.0}
