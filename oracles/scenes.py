"""What is played: candles, a rule with its stop and target, costs; the same for our engine and for every peer."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Literal

import msgspec
from msgspec import Struct

from metastackerbandit.bench.wide import Rule

Ticks = tuple[int, int, int, int]


class Scene(Struct, frozen=True, kw_only=True):
    """One run.

    `folder` and `file` name recorded candles, of which rows `first` .. `first + bars` are used; `made` are candles written by hand instead, as
    ticks of open, high, low, close, five minutes each from `MADE_NS` on. `quantity` is in base units, the same for every trade. `extra` goes
    into a peer's job as it is (`made_volume` is that of each candle written by hand), and `funded` says whether settlements are charged (recorded
    ones, or `rates` at the opening of candles).
    """

    name: str
    rule: Rule
    market: Literal["spot", "perp"]
    folder: str = ""
    file: str = ""
    first: int = 0
    bars: int = 0
    made: tuple[Ticks, ...] = ()
    rates: tuple[tuple[int, float], ...] = ()
    quantity: str = "1"
    fee_bps: float = 0.0
    slippage_bps: float = 0.0
    funded: bool = False
    extra: tuple[tuple[str, int], ...] = ()

    @property
    def symbol(self) -> str:
        """The symbol that the file is named by."""
        return self.file.split("_")[0] if self.file else "MADEUSDT"

    def features(self) -> set[str]:
        """What of slippage, stop, target and funding the scene has."""
        has = {"slippage": self.slippage_bps, "stop": self.rule.stop_bps, "target": self.rule.target_bps, "funding": self.funded}
        return {name for name, amount in has.items() if amount}

    def digest(self) -> str:
        """Of everything that a peer's answer depends on, apart from the candles' contents and the peer."""
        return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(self, name=""), order="deterministic")).hexdigest()[:16]


MADE_NS = 1_735_689_600 * 10**9  # 2025-01-01 00:00 UTC
MADE_TICK, MADE_STEP = "0.1", "0.001"
FEE_BPS = {"spot": 10.0, "perp": 5.0}


def _cross(fast: int, slow: int, reversal: Literal["flip", "through_flat"] = "flip", stop: float = 0.0, target: float = 0.0) -> Rule:
    return Rule("sma_cross", fast=fast, slow=slow, reversal=reversal, stop_bps=stop, target_bps=target)


def _break(length: int, stop: float, target: float, reversal: Literal["flip", "through_flat"] = "flip") -> Rule:
    return Rule("breakout", length=length, stop_bps=stop, target_bps=target, reversal=reversal)


def _recorded(
    market: Literal["spot", "perp"],
    name: str,
    rule: Rule,
    folder: str,
    file: str,
    quantity: str,
    bars: int,
    slippage_bps: float = 0.0,
    fee_bps: float | None = None,
    funded: bool = False,
) -> Scene:
    """The first `bars` candles of a file; by default at the fee of the market's takers."""
    return Scene(
        name=f"{market} {name}",
        rule=rule,
        market=market,
        folder=folder,
        file=file,
        bars=bars,
        quantity=quantity,
        fee_bps=FEE_BPS[market] if fee_bps is None else fee_bps,
        slippage_bps=slippage_bps,
        funded=funded,
    )


_spot, _perp = partial(_recorded, "spot"), partial(_recorded, "perp")


SCENES: tuple[Scene, ...] = (
    _spot("1m ETH with holes", _break(60, 300, 600), "bitfinex_spot_1m", "ETHUSD_2016", "10", 60_000),
    _spot("1m BTC cross, slippage", _cross(10, 60), "binance_spot_1m", "BTCUSDT_2026-06", "0.137", 29_340, slippage_bps=2.0),
    _spot("1m KITE breakout", _break(60, 200, 400), "binance_spot_1m", "KITEUSDT", "1000", 60_000),
    _spot("1m KITE cross, coarse ticks", _cross(5, 20), "binance_spot_1m", "KITEUSDT", "1000", 12_000),
    _spot("5m BTC cross, no costs", _cross(12, 72), "binance_spot_5m", "BTCUSDT", "0.25", 60_000, fee_bps=0.0),
    _spot("5m SOL breakout", _break(48, 150, 300), "binance_spot_5m", "SOLUSDT", "12.5", 50_000),
    _spot("5m XRP cross, stop", _cross(20, 100, stop=100), "binance_spot_5m", "XRPUSDT", "1000", 60_000),
    _spot("1h ETH cross", _cross(5, 20), "binance_spot_1h", "ETHUSDT_2024-2026", "1.5", 16_800),
    _spot("1h LINK breakout", _break(24, 300, 600), "binance_spot_1h", "LINKUSDT", "100", 10_632),
    _perp("1m BTC flip, slippage", _cross(10, 60), "binance_usdm_1m_2025", "BTCUSDT", "0.137", 40_000, slippage_bps=1.5),
    _perp("1m XRP breakout", _break(60, 80, 160, "through_flat"), "binance_usdm_1m_2025", "XRPUSDT", "1000", 63_864),
    _perp("1m SOL breakout, flip", _break(90, 60, 240), "binance_usdm_1m_2025", "SOLUSDT", "10", 63_867),
    _perp("5m BTC flip", _cross(10, 50), "binance_usdm_5m", "BTCUSDT", "0.137", 30_000),
    _perp("5m BTC flip, funding", _cross(48, 288), "binance_usdm_5m", "BTCUSDT", "0.137", 96_480, funded=True),
    _perp("5m ETH through flat", _cross(15, 90, "through_flat"), "binance_usdm_5m", "ETHUSDT", "2.345", 60_000),
    _perp(
        "5m ETH through flat, all costs",
        _cross(24, 200, "through_flat"),
        "binance_usdm_5m",
        "ETHUSDT",
        "2.345",
        96_480,
        slippage_bps=3.0,
        funded=True,
    ),
    _perp("5m DOGE breakout", _break(48, 120, 240), "binance_usdm_5m", "DOGEUSDT", "10000", 60_000),
    _perp("5m SOL cross, stop and target", _cross(20, 100, stop=100, target=250), "binance_usdm_5m", "SOLUSDT", "12.5", 60_000),
    _perp("5m BNB breakout, slippage", _break(36, 100, 200, "through_flat"), "binance_usdm_5m", "BNBUSDT", "1.5", 60_000, slippage_bps=1.0),
    _perp("1h ETH flip", _cross(5, 24), "binance_usdm_1h", "ETHUSDT_2020-2024", "2.345", 27_952),
    _perp("1h LINK breakout", _break(24, 300, 500, "through_flat"), "binance_usdm_1h", "LINKUSDT_2020-2024", "100", 27_952),
    _perp("1h SOL tight barriers", _break(12, 200, 200), "binance_usdm_1h", "SOLUSDT_2020-2024", "10", 20_000),
    _perp("1h ADA through flat", _cross(6, 30, "through_flat"), "binance_usdm_1h", "ADAUSDT_2020-2024", "1000", 27_952, slippage_bps=5.0),
)
