"""A label: what became of a bar, net of costs, and the specification that it follows."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.timeframe import FRAMES, YEAR_NS

DOWN, FLAT, UP = 0, 1, 2
CLASSES = ("down", "flat", "up")
UNKNOWN = -1  # in place of a class, where a row has no label

UPPER, LOWER, VERTICAL = 1, -1, 0  # what ended the label


class LabelSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """Triple barrier (Lopez de Prado 2018, ch. 3) net of costs; distances are multiples of the volatility over the horizon.

    The volatility is an EWMA (span in bars) of Rogers-Satchell variance, scaled by sqrt(horizon), and never below the
    `floor_quantile` of its own trailing `floor_bars`.
    """

    frame: str = "5m"
    horizon: Annotated[int, Meta(ge=1, le=10_000)] = 12  # bars to the vertical barrier
    width: Annotated[float, Meta(gt=0, le=10)] = 1.2  # of both barriers, in volatilities over the horizon
    span: Annotated[int, Meta(ge=2, le=10_000)] = 50  # bars of the volatility's EWMA
    floor_quantile: Annotated[float, Meta(ge=0, le=0.5)] = 0.05  # of the trailing volatilities
    floor_bars: Annotated[int, Meta(ge=10, le=200_000)] = 5_000  # how far back the floor looks
    least_cost_multiple: Annotated[float, Meta(ge=0, le=100)] = 2.5  # a barrier nearer than this many round trips is untradable
    vertical_share: Annotated[float, Meta(ge=0, le=2)] = 0.25  # a vertical exit smaller than this many volatilities is flat

    def digest(self, cost_bps: float) -> str:
        """Hash of the specification and the round-trip cost that it was applied with."""
        return hashlib.sha256(msgspec.json.encode(self) + repr(cost_bps).encode()).hexdigest()[:16]


_HORIZONS = {"1s": 60, "1m": 30, "5m": 12, "15m": 16, "30m": 16, "1h": 12, "4h": 12, "12h": 6, "24h": 5}


def label_spec(frame: str) -> LabelSpec:
    """The default specification of a frame (method 1.4); a floor of one year of bars, at most 100,000."""
    name = "24h" if frame == "1d" else frame
    if name not in FRAMES:
        raise ConfigRefused(f"unknown timeframe {frame!r}", mend=f"use one of {', '.join(FRAMES)}")
    year = int(YEAR_NS / FRAMES[name])
    return LabelSpec(frame=name, horizon=_HORIZONS[name], floor_bars=max(min(year, 100_000), 10))


class LabelRow(Struct, frozen=True):
    """What became of the bar that closed at `closed_ns`.

    `entry_ns` is the open that is traded first, `exit_ns` when the label is known (the end of the candle that ended it);
    `entry`, `exit` are reference ticks before costs. `side` is a class (DOWN, FLAT, UP), `touched` what ended it. `gross` is the
    reference return exit / entry - 1 of a long, and `exit`, `touched` are a long's; `gross_short` is a short's, -`gross` but where
    each side leaves by its own stop. `net_long`, `net_short` are fractions of the entry after fees, spread,
    slippage and funding, and where both barriers lay in one source candle each counts its own stop first and `ambiguous` is
    1. `volatility` is over the horizon, `barrier` the distance of both barriers (fractions of price). `tradable` is 0 where
    the barrier is nearer than the cost allows. Rows that cannot be labelled (warming up, or cut off by the end) have `known` 0,
    `side` UNKNOWN and NaN for what is not known.
    """

    closed_ns: int
    entry_ns: int
    exit_ns: int
    entry: int
    exit: int
    side: int
    touched: int
    gross: float
    gross_short: float
    net_long: float
    net_short: float
    volatility: float
    barrier: float
    ambiguous: int
    tradable: int
    known: int
