"""A scene as a peer's job, and the peer's answer to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from metastackerbandit.bench.peers import Playing
from metastackerbandit.bench.wide import CASH
from metastackerbandit.domain.money import RATE_ONE
from metastackerbandit.domain.recording import Recording
from oracles.scenes import MADE_TICK, Scene
from oracles.trades import Trades, trades_of


def job_of(scene: Scene, recording: Recording, klines: Path, scratch: Path) -> dict[str, Any]:
    """What a peer is handed; candles written by hand are put into a file in `scratch` first."""
    instrument = recording.instruments[0]
    job: dict[str, Any] = {
        "candles": str(_written(scene, recording, scratch) if scene.made else (klines / scene.folder / f"{scene.file}.parquet").resolve()),
        "first": scene.first,
        "bars": len(recording.bars[0]),
        "tick": instrument.tick_size,
        "step": instrument.lot_size,
        "strategy": {**msgspec.structs.asdict(scene.rule), "sides": "long" if scene.market == "spot" else "both"},
        "fee_bps": scene.fee_bps,
        "slippage_bps": scene.slippage_bps,
        "cash": float(CASH),
        "quantity": scene.quantity,
        **dict(scene.extra),
    }
    settled = recording.funding[0]
    if scene.funded and settled is not None:
        tick = float(instrument.tick_size)  # a mark price of 0 is not known
        job["funding"] = [[int(row["at_ns"]), float(row["rate"]) / RATE_ONE, float(row["mark"]) * tick] for row in settled]
    return job


def _written(scene: Scene, recording: Recording, scratch: Path) -> Path:
    bars = recording.bars[0]
    columns: dict[str, Any] = {"open_time": pa.array(bars["opened_ns"] // 10**6, pa.timestamp("ms", "UTC"))}
    columns |= {name: np.round(bars[name] * float(MADE_TICK), 1) for name in ("open", "high", "low", "close")}
    path = scratch / f"{scene.digest()}.parquet"
    pq.write_table(pa.table({**columns, "volume": bars["volume"]}), path)
    return path


def played(peer: Playing, scene: Scene, job: dict[str, Any]) -> tuple[Trades, dict[str, str]]:
    """The peer's trades, and its versions."""
    versions = peer.prepare(scene.rule.arm, job)
    return trades_of(peer.run()["answer"]["trades"], job["tick"], job["step"]), versions
