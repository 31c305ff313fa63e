"""Markets whose taker flow foresees the next bars by a stated information coefficient, or nothing at all; generated, never shown as data.

A hidden pressure z moves returns and shows in the share that takers buy. It is an AR(1) of unit variance; the next bar's return is
`pull` z + noise, in volatilities, so that the next h returns together correlate with z by the chosen coefficient. z and -z are equally
likely: both sides have the same money in them.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from tests.markets import START_NS

Floats = NDArray[np.float64]

KEEP = 0.95  # of the pressure from a bar to the next: its half-life is 13.5 bars, about a label's horizon
SHOWN = 0.08  # standard deviation of the taker's share that pressure makes; as much again is noise
YEARLY = 0.5  # volatility a year, as BTC's
YEAR_MINUTES = 365 * 24 * 60
CALM, RESTLESS = 0.99, 0.04  # log volatility: an AR(1) a bar, and its noise; its standard deviation is .28
PARTS = 3  # candles of a bar
FIRST = 50_000.0  # price
TICK = 0.1


class Flowing(Struct, frozen=True, eq=False):
    """Candles as a user has them, the pressure (B,) known at each bar's close, and the log close (B,) of each bar."""

    table: pl.DataFrame
    pressure: Floats
    closes: Floats

    def ic(self, horizon: int) -> float:
        """Measured information coefficient: of the pressure with the log return from the close that showed it to `horizon` bars later."""
        ahead = self.closes[horizon:] - self.closes[:-horizon]
        return float(np.corrcoef(self.pressure[: len(ahead)], ahead)[0, 1])


def pull_of(ic: float, horizon: int) -> float:
    """Pull on the next bar's return, in its volatilities, that makes an information coefficient over a horizon.

    With R the sum of the next h returns a z_t + sqrt(1 - a^2) e: cov(z, R) = a g with g the sum of KEEP^k for k < h, and
    var R = h + 2 a^2 (sum over lags k of (h - k) KEEP^k), of which the noise's share of the lagged terms is none.
    """
    lags = np.arange(1, horizon)
    reach = (1.0 - KEEP**horizon) / (1.0 - KEEP)
    shared = 2.0 * float(np.sum((horizon - lags) * KEEP**lags))
    return ic * math.sqrt(horizon / (reach * reach - ic * ic * shared))


def flowing(seed: int, bars: int, *, ic: float, horizon: int, minutes: int, parts: int = PARTS) -> Flowing:
    """A market of bars of so many minutes, each of so many candles; ic 0 is the null market: the same flow beside prices that owe it nothing."""
    rng = np.random.default_rng((seed, bars, minutes))
    pressure = np.zeros(bars)
    pressure[0] = rng.normal()
    for t in range(1, bars):
        pressure[t] = KEEP * pressure[t - 1] + math.sqrt(1.0 - KEEP * KEEP) * rng.normal()
    mood = np.zeros(bars)
    for t in range(1, bars):
        mood[t] = CALM * mood[t - 1] + RESTLESS * rng.normal()
    volatility = YEARLY * math.sqrt(minutes / YEAR_MINUTES) * np.exp(mood - mood.var())
    pull = pull_of(ic, horizon)
    before = np.concatenate(([0.0], pressure[:-1]))
    steps = pull * before[:, None] / parts + math.sqrt((1.0 - pull * pull) / parts) * rng.normal(size=(bars, parts))
    path = np.cumsum((volatility[:, None] * steps).ravel())
    closes = np.round(FIRST * np.exp(path) / TICK) * TICK
    opens = np.concatenate(([FIRST], closes[:-1]))
    wicks = np.abs(rng.normal(size=(2, bars * parts))) * np.repeat(volatility, parts) * closes * 0.3 / math.sqrt(parts)
    volume = rng.gamma(4.0, 25.0, bars * parts) * np.exp(np.repeat(mood, parts))
    share = np.clip(0.5 + SHOWN * (np.repeat(pressure, parts) + rng.normal(size=bars * parts)), 0.02, 0.98)
    step_ms = minutes * 60_000 // parts
    times = pl.Series("open_time", START_NS // 1_000_000 + step_ms * np.arange(bars * parts)).cast(pl.Datetime("ms"))
    columns = {
        "open": opens,
        "high": np.maximum(opens, closes) + wicks[0],
        "low": np.minimum(opens, closes) - wicks[1],
        "close": closes,
    }
    table = pl.DataFrame(
        {
            "open_time": times,
            **{name: np.round(np.round(column / TICK) * TICK, 1) for name, column in columns.items()},
            "volume": np.round(volume, 3),
            "quote_volume": np.round(volume * closes, 2),
            "taker_buy_volume": np.round(volume * share, 3),
            "count": np.rint(10.0 * volume).astype(np.int64),
        }
    )
    return Flowing(table, pressure, path[parts - 1 :: parts])


def write(market: Flowing, folder: Path, symbol: str = "BTCUSDT") -> Path:
    """As a folder of candles."""
    folder.mkdir(parents=True)
    market.table.write_parquet(folder / f"{symbol}.parquet")
    return folder
