"""Every feature there is, in the order of the model's input, and the fingerprint by which a model knows that it is the same."""

from __future__ import annotations

import hashlib

from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.features import (
    calendar,
    candle,
    channel,
    cob,
    depth,
    direction,
    efficiency,
    flow,
    funding,
    higher,
    impact,
    intensity,
    jumps,
    microprice,
    moments,
    order_flow,
    price_volume,
    pulled,
    queue,
    replenishment,
    returns,
    reversion,
    signed_flow,
    spread,
    structure,
    trend,
    volatility,
    volume,
    vpin,
    vwap,
)
from metastackerbandit.features.spec import Family, FeatureSpec

FAMILIES: tuple[Family, ...] = (
    returns.FAMILY,
    volatility.FAMILY,
    trend.FAMILY,
    direction.FAMILY,
    channel.FAMILY,
    reversion.FAMILY,
    efficiency.FAMILY,
    jumps.FAMILY,
    moments.FAMILY,
    candle.FAMILY,
    higher.FAMILY,
    structure.FAMILY,
    calendar.FAMILY,
    volume.FAMILY,
    vwap.FAMILY,
    price_volume.FAMILY,
    flow.FAMILY,
    funding.FAMILY,
    order_flow.FAMILY,
    microprice.FAMILY,
    queue.FAMILY,
    cob.FAMILY,
    signed_flow.FAMILY,
    vpin.FAMILY,
    impact.FAMILY,
    intensity.FAMILY,
    depth.FAMILY,
    spread.FAMILY,
    pulled.FAMILY,
    replenishment.FAMILY,
)
FEATURES: tuple[FeatureSpec, ...] = tuple(spec for family in FAMILIES for spec in family.specs)
NAMES: tuple[str, ...] = tuple(spec.name for spec in FEATURES)


def fingerprint() -> str:
    """16 hex over names, order, units, parity, look-backs and the revisions of all formulas: what a model card must agree with."""
    lines = [
        f"{family.name} {family.revision} {spec.name} {spec.unit} {spec.parity} {spec.partner} {spec.needs} {spec.look_back} {spec.higher_bars}"
        f" {spec.seconds}"
        for family in FAMILIES
        for spec in family.specs
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def bars_needed(spec: FeatureSpec, frame_ns: int) -> int:
    """Bars of a frame, from the opening of a higher bar on and without holes, until the feature is valid (an event: can be)."""
    return max(spec.look_back, spec.higher_bars * _parts(frame_ns), -(-spec.seconds * SECOND_NS // frame_ns))


def warm_up(frame_ns: int | None = None) -> int:
    """Bars until every feature made of prices is valid, wherever history begins (None: on any frame).

    Pivots come when the market makes them: their share is the fewest bars in which they can.
    """
    if frame_ns is None:
        return max(warm_up(frame) for frame in higher.HIGHER)
    return max(bars_needed(spec, frame_ns) + (_parts(frame_ns) - 1 if spec.higher_bars else 0) for spec in FEATURES if spec.needs == "price")


def settled(frame_ns: int) -> int:
    """Bars of history after which it no longer matters (1e-9 of a value) where history began; load as many before serving.

    The slowest average keeps (SLOW - 1) / (SLOW + 1) of its past a bar, which is 1e-9 after 10.4 SLOW bars; pivots settle with
    the last two of their level, whenever those were.
    """
    return _SETTLED + warm_up(frame_ns)


def _parts(frame_ns: int) -> int:
    return higher.higher_ns(frame_ns) // frame_ns


_SETTLED = 1_000  # bars: 10.4 times SLOW = 96
