"""What TA-Lib says of a feature: chains of its functions over logs of candles, each beside the feature in the same unit.

TA-Lib's functions ask nothing of what they are given, so given logs of prices they are our definitions wherever both mean the same. What a chain
leaves is compared with the shipped feature, freed of its scale: a column in sigmas is multiplied by `ewma_volatility`.

Averages start in their own ways: TA-Lib's exponential average of span n with a plain mean of n values, ours with plain means until 1/n is below its
share. Either is forgotten at e^(-2/n) a bar, so 14 n bars later nothing of it is left in the digits compared. Wilder's averages start alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = Mapping[str, Floats]  # features (N,) by name


class Call(Struct, frozen=True):
    """One function of TA-Lib over columns or earlier results; `output` chooses among several."""

    name: str
    of: tuple[Any, ...]  # names of columns, or Calls
    parameters: tuple[tuple[str, float], ...] = ()
    output: int = 0


class Chain(Struct, frozen=True):
    """A feature beside a chain: `ours` gives the feature in the chain's unit; compared from bar `first` on, to `within` of the largest value."""

    feature: str
    theirs: Call
    ours: Callable[[Row], Floats]
    first: int
    needs: str = "price"
    within: float = 1e-10
    why: str = ""


def call(name: str, *of: Any, output: int = 0, **parameters: float) -> Call:
    return Call(name, of, tuple(sorted(parameters.items())), output)


def ema(of: Any, span: int) -> Call:
    return call("EMA", of, timeperiod=span)


def total(of: Any, bars: int) -> Call:
    return call("SUM", of, timeperiod=bars)


def mom(bars: int) -> Call:
    return call("MOM", "close", timeperiod=bars)


def sub(a: Any, b: Any) -> Call:
    return call("SUB", a, b)


def mult(a: Any, b: Any) -> Call:
    return call("MULT", a, b)


def div(a: Any, b: Any) -> Call:
    return call("DIV", a, b)


def root(of: Any) -> Call:
    return call("SQRT", of)


def size(of: Any) -> Call:
    return root(mult(of, of))


def before(of: Any) -> Call:
    """The value a bar ago."""
    return sub(of, call("MOM", of, timeperiod=1))


def gap(span: int) -> Call:
    return sub("close", ema("close", span))


def steps(chains: tuple[Chain, ...]) -> list[dict[str, Any]]:
    """The indicators of a job, each intermediate result once; a chain's result has its feature's name."""
    made: list[dict[str, Any]] = []
    known: dict[Call, str] = {}

    def place(what: Any, called: str = "") -> str:
        if isinstance(what, str):
            return what
        if called or what not in known:
            of = [place(part) for part in what.of]
            name = called or f"_{len(made)}_{what.name}"
            made.append({"as": name, "name": what.name, "of": of, "with": dict(what.parameters), "output": what.output})
            known.setdefault(what, name)
        return called or known[what]

    for chain in chains:
        place(chain.theirs, chain.feature)
    return made


def named(chain: Call) -> list[str]:
    """The indicators in a chain; its arithmetic where there is nothing else."""
    names: list[str] = []

    def walk(what: Any) -> None:
        if not isinstance(what, str):
            names.append(what.name)
            for part in what.of:
                walk(part)

    walk(chain)
    told = list(dict.fromkeys(names))
    return [name for name in told if name not in ("ADD", "SUB", "MULT", "DIV", "SQRT", "LN")] or told


def _of(name: str, scale: float = 1.0, power: int = 0) -> Callable[[Row], Floats]:
    """A feature times `scale` and sigma to the `power`."""
    return lambda row: row[name] * scale * row["ewma_volatility"] ** power


MOVE = mom(1)
SQUARE = mult(MOVE, MOVE)
RANGE = sub("high", "low")
LOG_VOLUME = call("LN", "volume")
PRESSED = call("MOM", call("AD", "high", "low", "close", "volume"), timeperiod=1)
TAKEN = sub(call("ADD", "taker_buy_volume", "taker_buy_volume"), "volume")
SHARE = div(TAKEN, "volume")
LOG_TRADE = call("LN", div("volume", "count"))
UP, DOWN = call("PLUS_DM", "high", "low", timeperiod=14), call("MINUS_DM", "high", "low", timeperiod=14)


def forgotten(span: int) -> int:
    """Bars after which the start of an average of this span is below 1e-12."""
    return 14 * span


def covariance(a: Any, b: Any, span: int) -> Call:
    """Of averages that forget: mean product less the product of means."""
    return sub(ema(mult(a, b), span), mult(ema(a, span), ema(b, span)))


_WINDOW = "a window: nothing to forget"
_STILL = "one bar; one without range is 0 to TA-Lib and nothing to us"
_SEED = "TA-Lib begins its sums of movement with thirteen bars, ours with fourteen"

CHAINS: tuple[Chain, ...] = (
    *(Chain(f"log_return_{bars}", mom(bars), _of(f"log_return_{bars}"), bars, why=_WINDOW) for bars in (1, 3, 12, 48)),
    Chain("mom_1", MOVE, _of("mom_1", 1.0, 1), 48, why=_WINDOW),
    Chain("mom_3", mom(3), _of("mom_3", math.sqrt(3.0), 1), 48, why=_WINDOW),
    Chain("ewma_volatility", root(ema(SQUARE, 48)), _of("ewma_volatility"), forgotten(48)),
    Chain("rv_12", root(total(SQUARE, 12)), _of("rv_12"), 12, why=_WINDOW),
    Chain("parkinson_ratio", root(ema(mult(RANGE, RANGE), 12)), _of("parkinson_ratio", math.sqrt(4.0 * math.log(2.0)), 1), forgotten(12)),
    Chain(
        "rogers_satchell_ratio",
        root(
            ema(
                call(
                    "ADD",
                    mult(sub("high", "close"), sub("high", "open")),
                    mult(sub("low", "close"), sub("low", "open")),
                ),
                12,
            )
        ),
        _of("rogers_satchell_ratio", 1.0, 1),
        forgotten(12),
    ),
    Chain("atr_14", call("ATR", "high", "low", "close", timeperiod=14), _of("atr_14", 1.0, 1), 48, why="started alike"),
    Chain("volatility_ratio", call("LN", div(root(ema(SQUARE, 12)), root(ema(SQUARE, 96)))), _of("volatility_ratio"), forgotten(96)),
    *(Chain(f"ema_gap_{span}", gap(span), _of(f"ema_gap_{span}", math.sqrt(span), 1), forgotten(span)) for span in (12, 48, 96)),
    Chain("macd", call("MACD", "close", fastperiod=12, slowperiod=26, signalperiod=9), _of("macd", 1.0, 1), forgotten(26)),
    Chain(
        "macd_histogram",
        call("MACD", "close", output=2, fastperiod=12, slowperiod=26, signalperiod=9),
        _of("macd_histogram", 1.0, 1),
        forgotten(26),
    ),
    Chain("slope_48", call("LINEARREG_SLOPE", "close", timeperiod=48), _of("slope_48", 1.0 / math.sqrt(48.0), 1), 48, why=_WINDOW),
    Chain("direction_14", div(sub(UP, DOWN), call("ADD", UP, DOWN)), _of("direction_14"), forgotten(28), why=_SEED),
    Chain("adx_14", call("ADX", "high", "low", "close", timeperiod=14), _of("adx_14", 100.0), forgotten(56), why=_SEED),
    Chain("donchian_20", call("WILLR", "high", "low", "close", timeperiod=20), lambda row: 50.0 * (row["donchian_20"] - 1.0), 19, why=_WINDOW),
    Chain(
        "donchian_96",
        call("STOCHF", "high", "low", "close", fastk_period=96, fastd_period=1, fastd_matype=0),
        lambda row: 50.0 * (row["donchian_96"] + 1.0),
        95,
        why=_WINDOW,
    ),
    Chain("mr_ema20_z", div(gap(20), root(ema(mult(gap(20), gap(20)), 48))), _of("mr_ema20_z"), forgotten(68)),
    Chain(
        "bollinger_20",
        div(
            sub("close", call("BBANDS", "close", output=1, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)),
            sub(
                call("BBANDS", "close", output=0, timeperiod=20, nbdevup=2.0, nbdevdn=2.0),
                call("BBANDS", "close", output=1, timeperiod=20, nbdevup=2.0, nbdevdn=2.0),
            ),
        ),
        _of("bollinger_20"),
        19,
        why=_WINDOW,
    ),
    Chain("rsi_14", call("RSI", "close", timeperiod=14), lambda row: 50.0 * (row["rsi_14"] + 1.0), 14, why="started alike"),
    *(Chain(f"efficiency_{bars}", div(mom(bars), total(size(MOVE), bars)), _of(f"efficiency_{bars}"), bars, why=_WINDOW) for bars in (12, 48)),
    Chain("price_efficiency", size(div(mom(12), total(size(MOVE), 12))), _of("price_efficiency"), 12, why=_WINDOW),
    Chain(
        "variance_ratio_12",
        div(ema(mult(mom(12), mom(12)), 96), ema(SQUARE, 96)),
        lambda row: 12.0 * (row["variance_ratio_12"] + 1.0),
        forgotten(96),
    ),
    Chain(
        "autocorrelation_48",
        div(total(mult(MOVE, before(MOVE)), 48), root(mult(total(SQUARE, 48), total(mult(before(MOVE), before(MOVE)), 48)))),
        _of("autocorrelation_48"),
        49,
        why=_WINDOW,
    ),
    Chain("candle_body", call("BOP", "open", "high", "low", "close"), lambda row: np.nan_to_num(row["candle_body"]), 0, why=_STILL),
    Chain("candle_range", RANGE, _of("candle_range", 1.0, 1), 48, why="one bar"),
    Chain("volume_intensity", div("volume", ema("volume", 48)), lambda row: row["volume_intensity"] + 1.0, forgotten(48), "volume"),
    Chain("volume_trend", call("LN", div(ema("volume", 12), ema("volume", 48))), _of("volume_trend"), forgotten(48), "volume"),
    Chain(
        "log_volume_z",
        div(sub(LOG_VOLUME, ema(LOG_VOLUME, 48)), root(covariance(LOG_VOLUME, LOG_VOLUME, 48))),
        _of("log_volume_z"),
        forgotten(48),
        "volume",
    ),
    Chain("money_flow", div(ema(PRESSED, 12), ema("volume", 12)), _of("money_flow"), forgotten(12), "volume"),
    Chain(
        "illiquidity_ratio",
        sub(call("LN", div(ema(size(MOVE), 12), ema(size(MOVE), 48))), call("LN", div(ema("volume", 12), ema("volume", 48)))),
        _of("illiquidity_ratio"),
        forgotten(48),
        "volume",
    ),
    Chain(
        "vwap_momentum",
        sub("close", div(ema(mult(call("TYPPRICE", "high", "low", "close"), "volume"), 48), ema("volume", 48))),
        _of("vwap_momentum", math.sqrt(48.0), 1),
        forgotten(48),
        "volume",
    ),
    Chain(
        "price_volume_corr",
        div(covariance(MOVE, LOG_VOLUME, 48), root(mult(covariance(MOVE, MOVE, 48), covariance(LOG_VOLUME, LOG_VOLUME, 48)))),
        _of("price_volume_corr"),
        forgotten(48),
        "volume",
    ),
    Chain("taker_imbalance", SHARE, _of("taker_imbalance"), 0, "flow", why="one bar"),
    *(
        Chain(f"taker_flow_{span}", div(ema(TAKEN, span), ema("volume", span)), _of(f"taker_flow_{span}"), forgotten(span), "flow")
        for span in (12, 48)
    ),
    Chain(
        "flow_price_divergence",
        sub(div(ema(SHARE, 12), root(ema(mult(SHARE, SHARE), 48))), div(ema(MOVE, 12), root(ema(SQUARE, 48)))),
        _of("flow_price_divergence"),
        forgotten(48),
        "flow",
    ),
    Chain("trades_intensity", div("count", ema("count", 48)), lambda row: row["trades_intensity"] + 1.0, forgotten(48), "flow"),
    Chain("trade_size", sub(LOG_TRADE, ema(LOG_TRADE, 48)), _of("trade_size"), forgotten(48), "flow"),
)

WITHOUT: dict[str, str] = {
    "gk_volatility": "a sum with constants, which TA-Lib's arithmetic does not have; its parts are in parkinson_ratio and candle_body",
    "regime_high_vol": "a flag of volatility_ratio",
    "jump_share, jump_magnitude, jump_signed": "TA-Lib has no bipower variation",
    "skew_48": "TA-Lib has no skewness",
    "wick_upper, wick_lower": "TA-Lib names patterns of candles, not their shape",
    "higher_return, higher_trend, higher_volatility_ratio, higher_position": "TA-Lib knows one frame",
    "structure_break": "TA-Lib has no swings; those of pivots likewise",
    "day_sin, day_cos, week_sin, week_cos": "TA-Lib knows no clock",
    "funding_rate, funding_momentum, funding_24h": "TA-Lib knows no funding",
}
"""Features that no chain of TA-Lib's functions gives; pivots (`is_event`) and all that is made of the book are left out together."""
