"""Runs for tests of the journal: a record, and rows of any bits."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.storage.decision_columns import Decisions
from metastackerbandit.storage.run_record import GateWords, RunRecord

BTC = Instrument("BTCUSDT", "BTC", "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1000", "5")
ETH = Instrument("ETHUSDT", "ETH", "USDT", "perp", "BINANCE", "0.01", "0.001", "0.001", "10000", "5")
GATES = (
    GateWords("complete", "share", "at least", "source candles that exist"),
    GateWords("funding", "bps", "at most", "last settled funding against the wanted side"),
    GateWords("flat_gap", "bars", "at least", "bars since the position was flat"),
)


def record(**changed: Any) -> RunRecord:
    """A backtest's record, with changes."""
    made = RunRecord(
        identity="a1b2c3",
        mode="backtest",
        driver="block",
        config_hash="c0ffee",
        config='[run]\nframe = "5m"\n',
        code="1.0+abc",
        instruments=(BTC, ETH),
        base_ns=60_000_000_000,
        frame_ns=300_000_000_000,
        arm="sma_cross",
        source="klines",
        digest="d1",
        gates=GATES,
        notices=("instrument rules were inferred",),
        arms=("sma_cross", "model"),
    )
    return msgspec.structs.replace(made, **changed)


def any_rows(row: type[msgspec.Struct], count: int, rng: np.random.Generator, key: str = "") -> np.ndarray:
    """Rows whose every bit is drawn, so that NaNs of all kinds occur; `key` counts from 1."""
    dtype = layout(row)
    rows = np.frombuffer(rng.bytes(count * dtype.itemsize), dtype).copy()
    if key:
        rows[key] = np.arange(1, count + 1)
    return rows


def any_decisions(count: int, gates: int, rng: np.random.Generator) -> Decisions:
    """Decisions of drawn bits, numbered from 1."""
    observed, limit = (np.frombuffer(rng.bytes(count * gates * 8), np.float64).reshape(count, gates).copy() for _ in range(2))
    return Decisions(any_rows(DecisionRow, count, rng, "decision"), observed, limit, rng.integers(0, 4, (count, gates)).astype(np.int8))


def stretch(given: Decisions, first: int, last: int) -> Decisions:
    """Some of the decisions."""
    return Decisions(*(part[first:last] for part in given))


def same_bits(one: Decisions, other: Decisions) -> bool:
    """Whether both hold the same bytes."""
    return all(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))
