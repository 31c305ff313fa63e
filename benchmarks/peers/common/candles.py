"""The candles of a job in whole ticks, and trades as a job wants them told; for scripts that run in a peer's environment.

Prices are handed to a peer as ticks and quantities as lots: both are whole numbers, which floats hold exactly, so that an average or a profit of
a peer is rounded where the peer rounds it and not before. Money is then ticks times lots, and is turned into currency once, at the end.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TRADE = ("opened_ns", "closed_ns", "side", "quantity", "entry_price", "exit_price", "fee", "funding", "profit")


class Candles(NamedTuple):
    """Candles (T,): opening times in ns since 1970 UTC, int64; prices in ticks and volume in base units, float64."""

    opened_ns: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


def read(job: dict[str, Any]) -> Candles:
    """Rows `first` .. `first + bars` of the job's parquet file; a price that is no whole number of ticks is refused."""
    table = pq.read_table(job["candles"], columns=["open_time", "open", "high", "low", "close", "volume"]).slice(job["first"], job["bars"])
    tick = Decimal(job["tick"])
    columns = {}
    for name in ("open", "high", "low", "close"):
        prices = table[name].to_numpy() / float(tick)
        ticks = np.rint(prices)
        if np.abs(prices - ticks).max(initial=0.0) > 1e-3:
            raise ValueError(f"{job['candles']}: {name} has prices that are no multiple of {tick}")
        columns[name] = ticks
    opened = table["open_time"].cast(pa.timestamp("ns", "UTC")).cast("int64").to_numpy()
    return Candles(opened_ns=opened, **columns, volume=table["volume"].to_numpy())


def lots_of(job: dict[str, Any]) -> int:
    """The fixed quantity of the job in lots."""
    lots = Decimal(str(job["quantity"])) / Decimal(job["step"])
    if lots != lots.to_integral_value():
        raise ValueError(f"{job['quantity']} is not a whole number of lots of {job['step']}")
    return int(lots)


def money_of(job: dict[str, Any]) -> float:
    """Currency that one tick of one lot is worth."""
    return float(Decimal(job["tick"]) * Decimal(job["step"]))


def told(job: dict[str, Any], rows: list[list[float]], opened_ns: Any) -> dict[str, Any]:
    """The answer of a run from rows [first candle, last candle, side, lots, entry ticks, exit ticks, fee, funding, profit], money in ticks x lots.

    A fill counts to the candle that it happened in, and is stamped with that candle's opening time. `quiet` asks for counts alone.
    """
    money = money_of(job)
    if job.get("quiet"):
        return {"trades": len(rows), "profit": float(sum(row[8] for row in rows)) * money}
    tick, step = float(Decimal(job["tick"])), float(Decimal(job["step"]))
    trades = [
        [int(opened_ns[int(row[0])]), int(opened_ns[int(row[1])]), int(row[2]), row[3] * step, row[4] * tick, row[5] * tick]
        + [float(amount) * money for amount in row[6:9]]
        for row in rows
    ]
    return {"trades": trades}
