"""Our side of a scene: the real rule arm with every gate asked, through the block driver; limits are opened so wide that none binds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from msgspec import structs

from metastackerbandit.backtest.run import block_of, run
from metastackerbandit.bench.wide import settings_of
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.money import RATE_ONE, money_digits
from metastackerbandit.domain.recording import FundingRow, Recording
from metastackerbandit.domain.rows import ON_STOP, ON_TARGET
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.domain.timeframe import MINUTE_NS, frame_name
from metastackerbandit.engine.plan import plan_of
from metastackerbandit.exits.rules import stop_hit, target_hit
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.storage.candles import load_recording
from oracles.scenes import MADE_NS, MADE_STEP, MADE_TICK, Scene
from oracles.trades import LAYOUT, Trades, in_order

MADE_BASE_NS = 5 * MINUTE_NS


def recording_of(scene: Scene, klines: Path) -> Recording:
    """The scene's candles as our reader gives them, with the instrument's rules; `klines` is the folder of recorded candles."""
    if scene.made:
        return _made(scene)
    times = pq.read_table(klines / scene.folder / f"{scene.file}.parquet", columns=["open_time"])["open_time"]
    opened = times.slice(scene.first, scene.bars).cast("int64").to_numpy() * _to_ns(times.type)
    base_ns = int(np.diff(opened).min())  # there may be holes
    found = load_recording(
        klines / scene.folder,
        (scene.symbol,),
        market=scene.market,
        instruments_file=None,
        since_ns=int(opened[0]),
        until_ns=int(opened[-1]) + base_ns,
    )
    assert len(found.bars[0]) == len(opened), f"{scene.name}: {len(found.bars[0])} candles were read, {len(opened)} are in the file"
    return found if scene.funded else structs.replace(found, funding=(None,))


def _to_ns(kind: Any) -> int:
    return {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]


def _made(scene: Scene) -> Recording:
    """Candles written by hand, on an instrument made for them."""
    bars = np.zeros(len(scene.made), layout(Bar))
    bars["opened_ns"] = MADE_NS + np.arange(len(bars)) * MADE_BASE_NS
    bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + MADE_BASE_NS
    for place, name in enumerate(("open", "high", "low", "close")):
        bars[name] = [candle[place] for candle in scene.made]
    bars["volume"] = dict(scene.extra).get("made_volume", 1_000_000)
    bars["parts"] = bars["parts_due"] = 1
    funding = np.zeros(len(scene.rates), layout(FundingRow))
    for row, (candle, rate) in zip(funding, scene.rates, strict=True):
        row["at_ns"], row["rate"] = bars["opened_ns"][candle], round(rate * RATE_ONE)
    made = Instrument(
        symbol="MADEUSDT",
        base="MADE",
        quote="USDT",
        market=scene.market,
        venue="MADE",
        tick_size=MADE_TICK,
        lot_size=MADE_STEP,
        min_quantity=MADE_STEP,
        max_quantity="1000",
        min_notional="0",
    )
    return Recording((made,), MADE_BASE_NS, (bars,), (funding if scene.funded else None,), (True,), "made", scene.digest())


def play(scene: Scene, recording: Recording) -> Trades:
    """Our trades: closed round trips, in order of entry."""
    settings = settings_of(scene.rule, scene.quantity, scene.fee_bps, scene.slippage_bps, recording.instruments[0].quote)
    plan = plan_of(recording, frame_name(recording.base_ns), scene.rule.arm, settings)
    sink = MemorySink()
    run(plan, block_of(recording), SimulationSettings(), sink, lean=True)
    return told(sink.kept(), recording)


def told(kept: Kept, recording: Recording) -> Trades:
    """The journal's round trips as trades."""
    rules, bars = recording.instruments[0].rules(), recording.bars[0]
    digits = 10.0 ** money_digits(recording.instruments[0].quote)
    trips = kept.trips
    trades = np.zeros(len(trips), LAYOUT)
    value = trips["lots"] * rules.unit
    trades["opened_ns"] = trips["opened_ns"]
    trades["closed_ns"] = [_left_in(trip, kept, bars) for trip in trips]
    trades["side"] = trips["side"]
    trades["lots"] = trips["lots"]
    trades["entry"] = trips["entry_value"] / value
    trades["exit"] = trips["exit_value"] / value
    trades["fee"] = trips["fees"] / digits
    trades["funding"] = trips["funding"] / digits
    trades["profit"] = trips["net"] / digits
    return in_order(trades)


def _left_in(trip: Any, kept: Kept, bars: Any) -> int:
    """Opening time of the candle that the trip was left in.

    A fill inside a candle carries its close's time, which is the next one's open: a stop or target that the earlier candle's range reached was
    filled there, for protective orders are looked at candle by candle.
    """
    at_ns = int(trip["closed_ns"])
    if trip["reason"] not in (ON_STOP, ON_TARGET):
        return at_ns
    after = int(np.searchsorted(bars["opened_ns"], at_ns))
    before = bars[after - 1]
    placed = kept.orders[(kept.orders["at_ns"] == at_ns) & (kept.orders["reason"] == trip["reason"])]
    hit = stop_hit if trip["reason"] == ON_STOP else target_hit
    inside = any(hit(trip["side"], order["trigger"], before["low"], before["high"]) for order in placed if order["filled"])
    return int(before["opened_ns"]) if inside and trip["opened_ns"] <= before["opened_ns"] else at_ns
