"""TA-Lib at work: thirty indicators over candles, from its functions where it has them, joined by numpy; the very columns that ours gives."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import talib as ta
from serving import serve

READ = ["open", "high", "low", "close", "volume"]


def in_talib(job: dict[str, Any]) -> Callable[[], Any]:
    """One column after the other."""
    table = pq.read_table(job["candles"], columns=READ)
    candles = {name: table[name].to_numpy().astype(np.float64) for name in READ}

    def run() -> int:
        columns = ta_columns(candles)
        if "out" in job:
            np.savez(job["out"], **columns)
        return len(candles["close"])

    return run


def ta_columns(candles: dict[str, Any]) -> dict[str, Any]:
    """The thirty, float64 (T,) each; NaN in a warm-up."""
    opened, high, low, close = (np.log(candles[name]) for name in READ[:4])
    found: dict[str, Any] = {f"log_return_{bars}": ta.MOM(close, timeperiod=bars) for bars in (1, 3, 12, 48)}
    change = found["log_return_1"]
    square, size = change * change, np.abs(change)
    sigma = np.sqrt(ta.EMA(square, 48))
    found["mom_1"] = change / sigma
    found["mom_3"] = found["log_return_3"] / (sigma * sqrt(3))
    for bars in (12, 48, 96):
        found[f"ema_gap_{bars}"] = (close - ta.EMA(close, bars)) / (sigma * sqrt(bars))
    macd, _, histogram = ta.MACD(close, 12, 26, 9)
    found["macd"], found["macd_histogram"] = macd / sigma, histogram / sigma
    found["slope_48"] = ta.LINEARREG_SLOPE(close, 48) * sqrt(48) / sigma
    risen, fallen = ta.PLUS_DM(high, low, 14), ta.MINUS_DM(high, low, 14)
    found["direction_14"] = (risen - fallen) / (risen + fallen)
    found["adx_14"] = ta.ADX(high, low, close, 14) / 100.0
    for bars in (20, 96):
        top, bottom = ta.MAX(high, bars), ta.MIN(low, bars)
        found[f"donchian_{bars}"] = (2.0 * close - top - bottom) / (top - bottom)
    gap = close - ta.EMA(close, 20)
    found["mr_ema20_z"] = gap / np.sqrt(ta.EMA(gap * gap, 48))
    found["bollinger_20"] = (close - ta.SMA(close, 20)) / (2.0 * ta.STDDEV(close, 20))
    found["rsi_14"] = ta.RSI(close, 14) / 50.0 - 1.0
    found["efficiency_12"] = found["log_return_12"] / ta.SUM(size, 12)
    found["price_efficiency"] = np.abs(found["efficiency_12"])
    found["efficiency_48"] = found["log_return_48"] / ta.SUM(size, 48)
    twelve = found["log_return_12"]
    found["variance_ratio_12"] = ta.EMA(twelve * twelve, 96) / (12.0 * ta.EMA(square, 96)) - 1.0
    first, second, third = (ta.SMA(power, 48) for power in (change, square, square * change))
    variance = second - first * first
    found["skew_48"] = (third - 3.0 * first * second + 2.0 * first * first * first) / (variance * np.sqrt(variance))
    pairs = np.empty_like(change)
    pairs[0], pairs[1:] = np.nan, change[1:] * change[:-1]
    squares = ta.SUM(square, 48)
    found["autocorrelation_48"] = ta.SUM(pairs, 48)
    found["autocorrelation_48"][1:] /= np.sqrt(squares[1:] * squares[:-1])
    length = high - low
    found["candle_body"] = (close - opened) / length
    found["wick_upper"] = (high - np.maximum(opened, close)) / length
    found["wick_lower"] = (np.minimum(opened, close) - low) / length
    found["candle_range"] = length / sigma
    volume, typical = candles["volume"], (high + low + close) / 3.0
    found["vwap_momentum"] = (close - ta.EMA(volume * typical, 48) / ta.EMA(volume, 48)) / (sigma * sqrt(48))
    return found


if __name__ == "__main__":
    np.seterr(all="ignore")
    serve({"talib": in_talib}, versions=("TA-Lib", "numpy"))
