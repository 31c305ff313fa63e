"""How much of the made market can be foreseen, in theory and as its history came out: what is printed wherever it is traded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.timeframe import FRAMES, SECOND_NS
from metastackerbandit.simulation.drift import HOUR_S, edge_bps, foreseen
from metastackerbandit.simulation.history import History
from metastackerbandit.simulation.settings import GeneratorSettings
from metastackerbandit.simulation.value_terms import activities, regime_shares

Floats = np.ndarray[Any, np.dtype[np.float64]]

HORIZONS = ("5m", "15m", "1h", "4h")
_REGIMES = ("calm", "normal", "stormy")


class Foreseeable(Struct, frozen=True):
    """What can be foreseen of the return over a horizon.

    `edge_bps` is what one standard deviation of the drift moves the value by. R2 given the drift, which nobody sees: `by_drift`, and `by_drift_seen`
    in the history. Correlation with the last return of the same length: `by_past`, in theory the same number as `by_drift`, and `by_past_seen`.
    `by_flow_seen` is the R2 given the share of takers' volume that bought over the drift's last half-life. What was seen is the mean over symbols, of
    overlapping returns, and an R2 has the sign of its correlation; NaN where the history is too short or its frame too long.
    """

    horizon: str
    edge_bps: float
    by_drift: float
    by_drift_seen: float
    by_past: float
    by_past_seen: float
    by_flow_seen: float


def foreseeable(settings: GeneratorSettings, history: History | None, horizons: Sequence[str] = HORIZONS) -> tuple[Foreseeable, ...]:
    """One row a horizon; without a history nothing was seen."""
    found = []
    for horizon in horizons:
        length_ns = FRAMES[horizon]
        share = foreseen(settings, length_ns / SECOND_NS)
        drift, past, flow = _seen(settings, history, length_ns) if history is not None else (math.nan, math.nan, math.nan)
        edge = edge_bps(settings, length_ns / SECOND_NS)
        found.append(Foreseeable(horizon, edge, share, drift * abs(drift), share, past, flow * abs(flow)))
    return tuple(found)


def predictability_lines(settings: GeneratorSettings, history: History | None) -> tuple[str, ...]:
    """What is printed: how the market was made, and what can be foreseen of it."""
    shares, rates = regime_shares(settings), activities(settings)
    regimes = ", ".join(
        f"{name} {share:.0%} of the time at {settings.annual_volatility * math.sqrt(rate):.0%} a year"
        for name, share, rate in zip(_REGIMES, shares, rates, strict=True)
    )
    lines = [
        f"made market, seed {settings.seed}: simulated, its predictability is put in by hand (docs/simulation.md)",
        f"volatility {settings.annual_volatility:.0%} a year: {regimes}; jumps {settings.jumps_a_day:g} a day of the market and of each symbol",
        f"hidden drift: R2 {settings.predictability:.3f} of an hour's return, half-life {settings.drift_half_life_hours:g} h; "
        f"takers' volume leans by {settings.flow_lean:.3f} a standard deviation of it, and by {settings.flow_noise:.3f} for nothing",
        "horizon  one sd of drift   R2 given the drift   correlation with the last return   R2 given takers' side",
        "                           theory     seen      theory             seen            seen",
    ]
    lines += [
        f"{one.horizon:<7} {one.edge_bps:9.1f} bps {one.by_drift:12.4f} {_text(one.by_drift_seen)} "
        f"{one.by_past:11.4f} {_text(one.by_past_seen):>16} {_text(one.by_flow_seen):>15}"
        for one in foreseeable(settings, history)
    ]
    return tuple(lines)


def _text(value: float) -> str:
    return f"{'-':>9}" if math.isnan(value) else f"{value:9.4f}"


def _seen(settings: GeneratorSettings, history: History, length_ns: int) -> tuple[float, float, float]:
    """Mean correlations over symbols: of the next return with the drift, with the last return, with takers' side before."""
    bars = history.bars
    ahead, back = length_ns // history.frame_ns, max(1, round(settings.drift_half_life_hours * HOUR_S * SECOND_NS / history.frame_ns))
    first = max(ahead, back)
    if length_ns % history.frame_ns != 0 or bars.shape[1] < first + ahead + 3:
        return math.nan, math.nan, math.nan
    found = []
    for s in range(len(bars)):
        logs = np.log(bars["close"][s].astype(np.float64))
        following = logs[first + ahead :] - logs[first:-ahead]
        last = logs[first:-ahead] - logs[first - ahead : -2 * ahead]
        bought, volume = (np.concatenate(([0.0], np.cumsum(bars[name][s]))) for name in ("taker_volume", "volume"))
        side = (bought[first + 1 : -ahead] - bought[first + 1 - back : -ahead - back]) / (
            volume[first + 1 : -ahead] - volume[first + 1 - back : -ahead - back]
        )
        found.append([_correlation(given, following) for given in (history.drifts[s, first:-ahead], last, side)])
    drift, past, flow = np.array(found).mean(axis=0)
    return float(drift), float(past), float(flow)


def _correlation(one: Floats, other: Floats) -> float:
    """Pearson's; NaN where one of them never changes."""
    first, second = one - one.mean(), other - other.mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0.0 else math.nan
