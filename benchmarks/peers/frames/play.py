"""pandas and polars at work: thirty indicators over candles, each library in its own idiom, the very columns that ours gives."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from serving import serve

READ = ["open", "high", "low", "close", "volume"]


def in_pandas(job: dict[str, Any]) -> Callable[[], Any]:
    """One column after the other; rolling windows and exponential averages are pandas' own."""
    candles = pd.read_parquet(job["candles"], columns=READ)
    return lambda: _kept(pd_columns(candles), job.get("out"), len(candles))


def in_polars(job: dict[str, Any]) -> Callable[[], Any]:
    """Expressions in three steps, so that what several columns need is computed once."""
    candles = pl.read_parquet(job["candles"], columns=READ)
    return lambda: _kept(pl_columns(candles), job.get("out"), len(candles))


def _kept(columns: Any, out: str | None, rows: int) -> int:
    if out is not None:
        named = {name: columns[name].to_numpy() for name in columns.columns} if isinstance(columns, pl.DataFrame) else columns
        np.savez(out, **named)
    return rows


def pd_columns(candles: pd.DataFrame) -> dict[str, Any]:
    """The thirty, float64 (T,) each."""
    opened, high, low, close = (np.log(candles[name]) for name in READ[:4])
    change = close.diff()
    square = change * change
    size = change.abs()

    def faded(series: Any, share: float) -> Any:
        return series.ewm(alpha=share, adjust=False).mean()

    def span(bars: int) -> float:
        return 2.0 / (bars + 1.0)

    sigma = np.sqrt(faded(square, span(48)))
    found: dict[str, Any] = {f"log_return_{bars}": close.diff(bars) for bars in (1, 3, 12, 48)}
    found["mom_1"] = change / sigma
    found["mom_3"] = found["log_return_3"] / (sigma * sqrt(3))
    slow = {bars: faded(close, span(bars)) for bars in (12, 26, 48, 96)}
    for bars in (12, 48, 96):
        found[f"ema_gap_{bars}"] = (close - slow[bars]) / (sigma * sqrt(bars))
    macd = slow[12] - slow[26]
    found["macd"] = macd / sigma
    found["macd_histogram"] = (macd - faded(macd, span(9))) / sigma
    place = pd.Series(np.arange(len(close), dtype=np.float64))
    total = close.rolling(48).sum()
    weighted = (close * place).rolling(48).sum() - (place - 47.0) * total
    found["slope_48"] = (2.0 * weighted - 47.0 * total) * (6.0 / (48.0 * (48.0 * 48.0 - 1.0))) * sqrt(48) / sigma
    up, down = high.diff(), -low.diff()
    risen = faded(up.where((up > down) & (up > 0.0), 0.0).iloc[1:], 1.0 / 14.0).reindex(close.index)
    fallen = faded(down.where((down > up) & (down > 0.0), 0.0).iloc[1:], 1.0 / 14.0).reindex(close.index)
    found["direction_14"] = (risen - fallen) / (risen + fallen)
    found["adx_14"] = faded(found["direction_14"].abs(), 1.0 / 14.0)
    for bars in (20, 96):
        top, bottom = high.rolling(bars).max(), low.rolling(bars).min()
        found[f"donchian_{bars}"] = (2.0 * close - top - bottom) / (top - bottom)
    gap = close - faded(close, span(20))
    found["mr_ema20_z"] = gap / np.sqrt(faded(gap * gap, span(48)))
    window = close.rolling(20)
    found["bollinger_20"] = (close - window.mean()) / (2.0 * window.std(ddof=0))
    found["rsi_14"] = faded(change, 1.0 / 14.0) / faded(size, 1.0 / 14.0)
    found["efficiency_12"] = found["log_return_12"] / size.rolling(12).sum()
    found["price_efficiency"] = found["efficiency_12"].abs()
    found["efficiency_48"] = found["log_return_48"] / size.rolling(48).sum()
    twelve = found["log_return_12"]
    found["variance_ratio_12"] = faded(twelve * twelve, span(96)) / (12.0 * faded(square, span(96))) - 1.0
    found["skew_48"] = change.rolling(48).skew() * (46.0 / sqrt(48.0 * 47.0))
    squares = square.rolling(48).sum()
    found["autocorrelation_48"] = (change * change.shift()).rolling(48).sum() / np.sqrt(squares * squares.shift())
    length = high - low
    found["candle_body"] = (close - opened) / length
    found["wick_upper"] = (high - np.maximum(opened, close)) / length
    found["wick_lower"] = (np.minimum(opened, close) - low) / length
    found["candle_range"] = length / sigma
    volume = candles["volume"]
    typical = (high + low + close) / 3.0
    found["vwap_momentum"] = (close - faded(volume * typical, span(48)) / faded(volume, span(48))) / (sigma * sqrt(48))
    return found


def pl_columns(candles: pl.DataFrame) -> pl.DataFrame:
    """The same, float64 (T,) each."""
    close, high, low, opened = (pl.col(name) for name in ("close", "high", "low", "open"))
    change, square, sigma = pl.col("change"), pl.col("square"), pl.col("sigma")

    def faded(column: pl.Expr, share: float) -> pl.Expr:
        return column.ewm_mean(alpha=share, adjust=False)

    def span(bars: int) -> float:
        return 2.0 / (bars + 1.0)

    logs = candles.lazy().select(*(pl.col(name).log() for name in READ[:4]), pl.col("volume").cast(pl.Float64))
    first = logs.with_columns(close.diff().alias("change"), (high - low).alias("length"), high.diff().alias("up"), (-low.diff()).alias("down"))
    up, down = pl.col("up"), pl.col("down")
    second = first.with_columns(
        (change * change).alias("square"),
        change.abs().alias("size"),
        *(faded(close, span(bars)).alias(f"slow_{bars}") for bars in (12, 26, 48, 96)),
        (close - faded(close, span(20))).alias("gap"),
        faded(pl.when(up.is_null()).then(None).when((up > down) & (up > 0.0)).then(up).otherwise(0.0), 1.0 / 14.0).alias("risen"),
        faded(pl.when(up.is_null()).then(None).when((down > up) & (down > 0.0)).then(down).otherwise(0.0), 1.0 / 14.0).alias("fallen"),
        close.rolling_sum(48).alias("total"),
        pl.int_range(pl.len()).cast(pl.Float64).alias("place"),
        *(high.rolling_max(bars).alias(f"top_{bars}") for bars in (20, 96)),
        *(low.rolling_min(bars).alias(f"bottom_{bars}") for bars in (20, 96)),
        *((close - close.shift(bars)).alias(f"log_return_{bars}") for bars in (3, 12, 48)),
    )
    third = second.with_columns(
        faded(square, span(48)).sqrt().alias("sigma"),
        (pl.col("slow_12") - pl.col("slow_26")).alias("difference"),
        square.rolling_sum(48).alias("squares"),
        ((pl.col("risen") - pl.col("fallen")) / (pl.col("risen") + pl.col("fallen"))).fill_nan(None).alias("direction_14"),
        ((close * pl.col("place")).rolling_sum(48) - (pl.col("place") - 47.0) * pl.col("total")).alias("weighted"),
        (pl.col("log_return_12") / pl.col("size").rolling_sum(12)).alias("efficiency_12"),
    )
    macd, gap, twelve, squares = pl.col("difference"), pl.col("gap"), pl.col("log_return_12"), pl.col("squares")
    slope = (2.0 * pl.col("weighted") - 47.0 * pl.col("total")) * (6.0 / (48.0 * (48.0 * 48.0 - 1.0))) * sqrt(48)
    paid = faded(pl.col("volume") * ((high + low + close) / 3.0), span(48)) / faded(pl.col("volume"), span(48))
    return third.select(
        change.alias("log_return_1"),
        *(pl.col(f"log_return_{bars}") for bars in (3, 12, 48)),
        (change / sigma).alias("mom_1"),
        (pl.col("log_return_3") / (sigma * sqrt(3))).alias("mom_3"),
        *(((close - pl.col(f"slow_{bars}")) / (sigma * sqrt(bars))).alias(f"ema_gap_{bars}") for bars in (12, 48, 96)),
        (macd / sigma).alias("macd"),
        ((macd - faded(macd, span(9))) / sigma).alias("macd_histogram"),
        (slope / sigma).alias("slope_48"),
        pl.col("direction_14"),
        faded(pl.col("direction_14").abs(), 1.0 / 14.0).alias("adx_14"),
        *(
            ((2.0 * close - pl.col(f"top_{bars}") - pl.col(f"bottom_{bars}")) / (pl.col(f"top_{bars}") - pl.col(f"bottom_{bars}"))).alias(
                f"donchian_{bars}"
            )
            for bars in (20, 96)
        ),
        (gap / faded(gap * gap, span(48)).sqrt()).alias("mr_ema20_z"),
        ((close - close.rolling_mean(20)) / (2.0 * close.rolling_std(20, ddof=0))).alias("bollinger_20"),
        (faded(change, 1.0 / 14.0) / faded(pl.col("size"), 1.0 / 14.0)).alias("rsi_14"),
        pl.col("efficiency_12").abs().alias("price_efficiency"),
        pl.col("efficiency_12"),
        (pl.col("log_return_48") / pl.col("size").rolling_sum(48)).alias("efficiency_48"),
        (faded(twelve * twelve, span(96)) / (12.0 * faded(square, span(96))) - 1.0).alias("variance_ratio_12"),
        change.rolling_skew(48, bias=True).alias("skew_48"),
        ((change * change.shift()).rolling_sum(48) / (squares * squares.shift()).sqrt()).alias("autocorrelation_48"),
        ((close - opened) / pl.col("length")).alias("candle_body"),
        ((high - pl.max_horizontal(opened, close)) / pl.col("length")).alias("wick_upper"),
        ((pl.min_horizontal(opened, close) - low) / pl.col("length")).alias("wick_lower"),
        (pl.col("length") / sigma).alias("candle_range"),
        ((close - paid) / (sigma * sqrt(48))).alias("vwap_momentum"),
    ).collect()


if __name__ == "__main__":
    serve({"pandas": in_pandas, "polars": in_polars}, versions=("pandas", "polars", "numpy"))
