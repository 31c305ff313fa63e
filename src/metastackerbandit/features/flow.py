"""Who takes: bought against sold volume, the count and the size of trades."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.features.averages import DUST, gain, share_of
from metastackerbandit.features.spans import FAST, USUAL
from metastackerbandit.features.spec import Family, FeatureSpec

_FAST_SHARE = share_of(FAST)
_USUAL_SHARE = share_of(USUAL)


class Memory(Struct, frozen=True):
    """Averages over bars whose taker side is known (`flows`), over those with volume and a return (`shares`), and of trades."""

    flows: int
    fast_signed: float
    fast_volume: float
    usual_signed: float
    usual_volume: float
    shares: int
    share: float
    square: float
    change: float
    counts: int
    trades: float
    lots: int
    lot: float


@kernel
def _count(bar: Any, mine: Any, out: Any) -> None:
    """Trades against their average; the log of the average trade against its average."""
    mine.counts += 1
    mine.trades += gain(_USUAL_SHARE, 1.0 / mine.counts) * (bar.trades - mine.trades)
    if mine.counts >= USUAL and mine.trades > DUST:
        out[4] = bar.trades / mine.trades - 1.0
    if bar.trades > 0.0 and bar.volume > 0.0:
        lot = math.log(bar.volume / bar.trades)
        mine.lots += 1
        mine.lot += gain(_USUAL_SHARE, 1.0 / mine.lots) * (lot - mine.lot)
        if mine.lots >= USUAL:
            out[5] = lot - mine.lot


@kernel
def _divergence(share: float, seen: Any, mine: Any) -> float:
    """Taker flow in its own root mean squares less the return in sigmas, both averaged over FAST bars."""
    mine.shares += 1
    fast = gain(_FAST_SHARE, 1.0 / mine.shares)
    mine.share += fast * (share - mine.share)
    mine.change += fast * (seen.change - mine.change)
    mine.square += gain(_USUAL_SHARE, 1.0 / mine.shares) * (share * share - mine.square)
    if mine.shares < USUAL or not mine.square > DUST:
        return math.nan
    return mine.share / math.sqrt(mine.square) - mine.change / seen.sigma


@kernel
def step(bar: Any, seen: Any, mine: Any, out: Any) -> None:
    """Advance by a bar whose taker side is known."""
    if seen.flow_known == 0:
        return
    volume = bar.volume
    signed = 2.0 * bar.taker_volume - volume
    mine.flows += 1
    young = 1.0 / mine.flows
    fast = gain(_FAST_SHARE, young)
    usual = gain(_USUAL_SHARE, young)
    mine.fast_signed += fast * (signed - mine.fast_signed)
    mine.fast_volume += fast * (volume - mine.fast_volume)
    mine.usual_signed += usual * (signed - mine.usual_signed)
    mine.usual_volume += usual * (volume - mine.usual_volume)
    if volume > 0.0:
        out[0] = signed / volume
    if mine.flows >= FAST and mine.fast_volume > DUST:
        out[1] = mine.fast_signed / mine.fast_volume
    if mine.flows >= USUAL and mine.usual_volume > DUST:
        out[2] = mine.usual_signed / mine.usual_volume
    if volume > 0.0 and seen.bars > 1:
        out[3] = _divergence(signed / volume, seen, mine)
    if bar.trades >= 0.0:
        _count(bar, mine, out)


_TRADES = "Jones, Kaul and Lipson 1994"
_SIGNED = "Chordia and Subrahmanyam 2004"
FAMILY = Family(
    "flow",
    1,
    (
        FeatureSpec("taker_imbalance", "-1..1", "odd", 1, _SIGNED, "taker bought less taker sold volume of the bar, over its volume", "flow"),
        FeatureSpec("taker_flow_12", "-1..1", "odd", FAST, _SIGNED, "the same of averages of span 12", "flow"),
        FeatureSpec("taker_flow_48", "-1..1", "odd", USUAL, _SIGNED, "the same of averages of span 48", "flow"),
        FeatureSpec(
            "flow_price_divergence",
            "sigma",
            "odd",
            USUAL + 1,
            "Cont, Kukanov and Stoikov 2014 (idea)",
            "average taker imbalance in its root mean squares less the average return in sigmas, span 12",
            "flow",
        ),
        FeatureSpec("trades_intensity", "ratio - 1", "even", USUAL, _TRADES, "trades over their average of span 48, less 1", "flow"),
        FeatureSpec("trade_size", "log", "even", USUAL, _TRADES, "log of the bar's average trade less its average of span 48", "flow"),
    ),
    step,
    Memory,
)
