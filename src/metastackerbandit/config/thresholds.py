"""Every threshold of a book: what its profile says, what is written, what is derived, which of them decides, and where it came from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from metastackerbandit.config.books import book_config, book_sources, profile_name
from metastackerbandit.config.outline import value_at
from metastackerbandit.config.schema import Config
from metastackerbandit.config.threshold_checks import LEAST
from metastackerbandit.decision.derived import (
    CONFIDENCES,
    break_even_strength,
    effective,
    least_confidence,
    least_net_edge_bps,
    least_worth,
    typical_barrier_bps,
)
from metastackerbandit.decision.profiles import PROFILES
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.timeframe import YEAR_NS, frame_ns

TYPICAL_VOLATILITY = 0.5  # a year; of a large coin in an ordinary year (method 1.4)
TYPICAL_FLAT = 0.4  # chance of FLAT: the middle of what labels are tuned to (method 1.3: 30 to 50 %)


class Typical(Struct, frozen=True):
    """The circumstances in which derived limits are shown; at each decision the prediction's own barrier and p_flat take their place."""

    frame: str
    round_trip_bps: float
    volatility: float
    p_flat: float
    barrier_bps: float

    def __str__(self) -> str:
        barrier = f"barrier {self.barrier_bps:.0f} bps ({self.volatility:.0%} a year on {self.frame})"
        return f"round trip {self.round_trip_bps:g} bps, {barrier}, p_flat {self.p_flat:g}"


class Threshold(Struct, frozen=True):
    """One limit of one book. `profile` and `written` are None where they say nothing, `derived` where costs ask for nothing.

    `varies` says that the derived limit follows each prediction and is shown at typical circumstances. `effective` decides (None:
    nothing does), `source` says where it came from.
    """

    key: str
    quantity: str
    unit: str
    low: float
    high: float
    profile: float | None
    written: float | None
    derived: float | None
    varies: bool
    effective: float | None
    source: str


class _Kind(NamedTuple):
    """What a threshold compares: quantity, unit, domain, what is derived for it, and whether that follows the prediction."""

    quantity: str
    unit: str
    low: float
    high: float
    derived: float | None
    varies: bool


def typical(config: Config, symbol: str, frame: str) -> Typical:
    """The circumstances of a frame at the book's costs."""
    spec = label_spec(frame)
    barrier = typical_barrier_bps(TYPICAL_VOLATILITY, spec.horizon * frame_ns(frame), YEAR_NS, spec.width)
    return Typical(frame, book_config(config, symbol, frame).costs.round_trip_bps(), TYPICAL_VOLATILITY, TYPICAL_FLAT, barrier)


def thresholds(config: Config, sources: Mapping[str, str], symbol: str, frame: str) -> list[Threshold]:
    """Every numeric threshold of a book in the order of its settings; a side's own only where it is written."""
    book, told = book_config(config, symbol, frame), book_sources(config, sources, symbol, frame)
    name = profile_name(config, frame)[0]
    said = PROFILES[name].values()
    alone = int(book.decision.thresholds == "profile")
    found = []
    for key, kind in _kinds(book, typical(config, symbol, frame)):
        value = value_at(book, key)
        if value is None and key.endswith(("_buy", "_sell")):
            continue
        limit = _number(value) if kind.derived is None else effective(_number(value), kind.derived, alone)
        by_derivation = kind.derived is not None and (value is None or limit != value)
        profile = said.get(key)
        found.append(
            Threshold(
                key=key,
                quantity=kind.quantity,
                unit=kind.unit,
                low=kind.low,
                high=kind.high,
                profile=profile if isinstance(profile, float) else None,
                written=value,
                derived=kind.derived,
                varies=kind.varies,
                effective=None if math.isnan(limit) else limit,
                source="derived from costs and barrier" if by_derivation else told[key],
            )
        )
    return found


def _kinds(book: Config, at: Typical) -> Iterator[tuple[str, _Kind]]:
    """Each threshold's key with what it compares."""
    quantity = book.decision.confidence
    strength = break_even_strength(at.round_trip_bps, at.barrier_bps)
    confidence = least_confidence(CONFIDENCES.index(quantity), at.round_trip_bps, at.barrier_bps, at.p_flat)
    kinds = (
        ("min_confidence", _Kind(quantity, "probability", LEAST.get(quantity, 0.0), 1.0, confidence, True)),
        ("min_alpha", _Kind(f"alpha ({book.decision.alpha})", "share", 0.0, 1.0, None, False)),
        ("min_model_signal", _Kind("strength", "probability", 0.0, 1.0, None, False)),
        ("min_mood", _Kind("|mood|", "z", 0.0, math.inf, None, False)),
        ("neutral_band", _Kind("strength", "probability", 0.0, 1.0, strength, True)),
        ("min_net_edge_bps", _Kind("net edge", "bps", -math.inf, math.inf, least_net_edge_bps(at.round_trip_bps), False)),
        ("min_worth", _Kind("worth", "probability", 0.0, 1.0, least_worth(at.round_trip_bps, at.barrier_bps), True)),
    )
    for field, kind in kinds:
        for side in ("", "_buy", "_sell"):
            if side == "" or hasattr(book.decision, field + side):
                yield f"decision.{field}{side}", kind


def _number(value: float | None) -> float:
    return math.nan if value is None else value
