"""Poison: the same market up to a moment, and another one after it, valid but unlike the first in every number."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from msgspec.structs import replace

from metastackerbandit.training.leakage.pipeline import Market

_QUIET, _WILD = 0.0005, 0.03  # standard deviations of a candle's log return between which the other market's is drawn
_LOWEST, _HIGHEST = 0.3, 3.0  # multiples of the last price between which the other market begins
_LEAST_TICKS = 100  # prices of the other market stay above it, so that a candle's range is more than rounding
_ABSENT = 0.3  # share of the candles that a market with holes lacks
_LARGEST_RATE = 300_000  # of a settlement, in 1e-8: 0.3 %


class Manner(StrEnum):
    """What comes after the cut: other candles, other candles with holes, or nothing."""

    OTHER = "other"
    HOLES = "holes"
    ENDS = "ends"


MANNERS = tuple(Manner)


def poisoned(market: Market, cut_ns: int, manner: Manner, seed: int) -> Market:
    """The market with everything replaced that was not known at `cut_ns`.

    A candle that had opened by then keeps its place, since it had begun; later ones may be missing. Settlements at or after the
    cut are replaced, since a settlement counts for what is known after it.
    """
    rng = np.random.default_rng((seed, cut_ns))
    candles = market.candles.copy()
    first = int(np.searchsorted(candles["known_ns"], cut_ns, side="right"))
    _replace(candles, first, rng)
    begun = candles["opened_ns"] <= cut_ns
    if manner is Manner.HOLES:
        candles = candles[begun | (rng.random(len(candles)) >= _ABSENT)]
    elif manner is Manner.ENDS:
        candles = candles[begun]
    return replace(market, candles=candles, funding=_settled(market.funding, cut_ns, manner, rng))


def _replace(candles: np.ndarray[Any, Any], first: int, rng: np.random.Generator) -> None:
    """Overwrite prices and volumes from row `first` on."""
    count = len(candles) - first
    if not count:
        return
    after = candles[first:]
    start = float(candles["close"][first - 1] if first else candles["open"][0]) * np.exp(rng.uniform(np.log(_LOWEST), np.log(_HIGHEST)))
    step = np.exp(rng.uniform(np.log(_QUIET), np.log(_WILD)))
    closes = np.maximum(start * np.exp(np.clip(np.cumsum(rng.normal(0.0, step, count)), -3.0, 3.0)), _LEAST_TICKS)
    opens = np.maximum(np.concatenate(([start], closes[:-1])) * np.exp(rng.normal(0.0, 0.2 * step, count)), _LEAST_TICKS)
    highs = np.maximum(opens, closes) * np.exp(np.abs(rng.normal(0.0, step, count)))
    lows = np.minimum(opens, closes) * np.exp(-np.abs(rng.normal(0.0, step, count)))
    for name, prices in (("open", np.rint(opens)), ("close", np.rint(closes)), ("high", np.ceil(highs)), ("low", np.maximum(np.floor(lows), 1.0))):
        after[name] = prices.astype(np.int64)
    volumes = rng.gamma(2.0, float(np.nanmean(after["volume"])) if np.isfinite(after["volume"]).any() else 1.0, count) + 1.0
    others = {
        "volume": volumes,
        "quote_volume": volumes * closes,
        "taker_volume": volumes * rng.uniform(0.02, 0.98, count),
        "trades": np.rint(1.0 + volumes * rng.uniform(0.1, 5.0, count)),
    }
    for name, column in others.items():
        after[name] = np.where(np.isnan(after[name]), np.nan, column)


def _settled(funding: np.ndarray[Any, Any] | None, cut_ns: int, manner: Manner, rng: np.random.Generator) -> np.ndarray[Any, Any] | None:
    if funding is None:
        return None
    settled = funding.copy()
    later = settled["at_ns"] >= cut_ns
    settled["rate"][later] = rng.integers(-_LARGEST_RATE, _LARGEST_RATE + 1, int(later.sum()))
    return settled[~later] if manner is Manner.ENDS else settled
