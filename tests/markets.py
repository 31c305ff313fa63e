"""Markets for tests: generated from a seed (never shown as data), or a slice of the recorded ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from metastackerbandit.backtest.run import Result, block_of, run
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import Control
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.recording import FundingRow, MoodRow, Recording
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.sink import Kept, MemorySink
from metastackerbandit.domain.timeframe import HOUR_NS, MINUTE_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan, deposit_row, plan_of, recording_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.runtime.replay import Driver, inputs_of
from metastackerbandit.simulation.broker import SimulatedBroker, open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.catalog import ARMS
from tests.shared import shared_data

ARMS_ON_BARS = [arm.name for arm in ARMS if arm.hears is None]  # the others need an order book
START_NS = 1_735_603_200 * 10**9  # 2024-12-31 00:00 UTC


def instrument(symbol: str = "BTCUSDT", market: str = "perp", venue: str = "TEST", **changes: str) -> Instrument:
    """An instrument with a price step of 0.1 and a lot of 0.001."""
    rules = {"tick_size": "0.1", "lot_size": "0.001", "min_quantity": "0.001", "max_quantity": "1000", "min_notional": "5"} | changes
    return Instrument(symbol=symbol, base=symbol.removesuffix("USDT"), quote="USDT", market=market, venue=venue, **rules)  # type: ignore[arg-type]


def walk(seed: int, count: int, *, base_ns: int = 5 * MINUTE_NS, holes: float = 0.0, step: float = 0.004, start: int = 500_000) -> np.ndarray:
    """A random walk in ticks as bars, with a share of candles missing."""
    rng = np.random.default_rng(seed)
    closes = np.maximum(np.rint(start * np.exp(np.cumsum(rng.normal(0, step, count)))), 1_000).astype(np.int64)
    opens = np.concatenate(([start], closes[:-1])) + rng.integers(-40, 41, count)
    bars = np.zeros(count, layout(Bar))
    bars["opened_ns"] = START_NS + np.arange(count) * base_ns
    bars["closed_ns"] = bars["opened_ns"] + base_ns
    bars["known_ns"] = bars["closed_ns"]
    bars["open"], bars["close"] = opens, closes
    bars["high"] = np.maximum(opens, closes) + rng.integers(0, 900, count)
    bars["low"] = np.maximum(np.minimum(opens, closes) - rng.integers(0, 900, count), 1)
    bars["volume"] = rng.gamma(2.0, 50.0, count)
    bars["parts"] = bars["parts_due"] = 1
    return bars[rng.random(count) >= holes] if holes else bars


def generated(
    seed: int,
    count: int = 300,
    symbols: int = 2,
    *,
    market: str = "perp",
    holes: float = 0.0,
    funded: bool = False,
    moody: bool = False,
    booked: bool = False,
) -> Recording:
    """A recording of random walks."""
    names = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT")[:symbols]
    rng = np.random.default_rng(seed + 1)
    funding = None
    if funded:
        funding = np.zeros(count // 96 + 1, layout(FundingRow))
        funding["at_ns"] = START_NS + np.arange(len(funding)) * 8 * HOUR_NS
        funding["rate"] = rng.integers(-30_000, 30_000, len(funding))
    bars = tuple(walk(seed * 7 + s, count, holes=holes) for s in range(symbols))
    return Recording(
        instruments=tuple(instrument(name, market) for name in names),
        base_ns=5 * MINUTE_NS,
        bars=bars,
        funding=(funding,) * symbols,
        has_volume=(True,) * symbols,
        mood=tuple(mood_walk(seed * 11 + s, count) for s in range(symbols)) if moody else (),
        seconds=tuple(seconds_of(seed * 13 + s, one) for s, one in enumerate(bars)) if booked else (),
        source="generated",
        digest=f"seed {seed}",
    )


def seconds_of(seed: int, bars: np.ndarray) -> np.ndarray:
    """The last eight seconds of the order book before each candle's close; some of them nobody could trust, and some are missing."""
    rng = np.random.default_rng(seed)
    each = np.arange(8)[::-1]
    count = len(each) * len(bars)
    made = rows(SecondRow, count)
    for name in made.dtype.names or ():
        if made.dtype[name].kind == "f":
            made[name] = np.nan
    known_ns = np.repeat(bars["known_ns"], len(each)) - np.tile(each, len(bars)) * 10**9
    made["known_ns"] = made["closed_ns"] = known_ns
    made["second"] = known_ns // 10**9 - 1
    made["is_trusted"] = rng.random(count) > 0.05
    made["changed_ns"] = known_ns - rng.integers(0, 4 * 10**9, count)
    made["bid_ticks"] = np.repeat(bars["close"], len(each)) - rng.integers(1, 60, count)
    made["ask_ticks"] = made["bid_ticks"] + rng.integers(1, 400, count)
    made["bid_depth_10"], made["ask_depth_10"] = rng.gamma(1.0, 4_000.0, count).round(), rng.gamma(1.0, 4_000.0, count).round()
    made["score"] = np.where(rng.random(count) < 0.05, np.nan, rng.uniform(0.7, 1.0, count))
    return made[rng.random(count) > 0.03]


def mood_walk(seed: int, count: int) -> np.ndarray:
    """Moods of a source that is fair to both sides, one a candle's close, some of them not known."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, layout(MoodRow))
    rows["at_ns"] = START_NS + (np.arange(count) + 1) * 5 * MINUTE_NS
    rows["mood"] = np.where(rng.random(count) < 0.05, np.nan, rng.normal(size=count))
    rows["mirror"] = -rows["mood"]
    return rows


def recorded(symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT"), first: int = 0, count: int = 4_000, folder: str = "binance_usdm_5m") -> Recording:
    """A slice of the recorded 5m perpetuals."""
    ticks = {"BTCUSDT": "0.1", "ETHUSDT": "0.01", "SOLUSDT": "0.01"}
    base, instruments, arrays, fundings = 5 * MINUTE_NS, [], [], []
    for symbol in symbols:
        frame = pl.read_parquet(shared_data() / "klines" / folder / f"{symbol}.parquet")[first : first + count]
        bars = np.zeros(len(frame), layout(Bar))
        bars["opened_ns"] = frame["open_time"].dt.epoch("ns").to_numpy()
        bars["closed_ns"] = bars["known_ns"] = bars["opened_ns"] + base
        for name in ("open", "high", "low", "close"):
            bars[name] = np.rint(frame[name].to_numpy() / float(ticks[symbol]))
        bars["volume"] = frame["volume"].to_numpy()
        bars["parts"] = bars["parts_due"] = 1
        rates = pl.read_parquet(shared_data() / "funding" / "binance_usdm" / f"{symbol}.parquet")
        funding = np.zeros(len(rates), layout(FundingRow))
        funding["at_ns"] = rates["time"].dt.epoch("ns").to_numpy()
        funding["rate"] = np.rint(rates["funding_rate"].to_numpy() * 1e8)
        inside = (funding["at_ns"] > bars["opened_ns"][0]) & (funding["at_ns"] <= bars["closed_ns"][-1])
        instruments.append(instrument(symbol, tick_size=ticks[symbol]))
        arrays.append(bars)
        fundings.append(funding[inside])
    return Recording(tuple(instruments), base, tuple(arrays), tuple(fundings), (True,) * len(symbols), folder, f"{symbols} {first} {count}")


def by_block(
    recording: Recording,
    frame: str | tuple[str, ...],
    arm: str,
    settings: EngineSettings,
    simulation: SimulationSettings | None = None,
    controls: tuple[Control, ...] = (),
    lean: bool = False,
    predictions: Sequence[np.ndarray] = (),
    frames: tuple[str, ...] = (),
    arms: tuple[str, ...] = (),
) -> tuple[Kept, Result]:
    """Everything the block driver leaves."""
    sink = MemorySink()
    plan = plan_of(recording, frame, arm, settings, frames=frames, arms=arms)
    result = run(plan, block_of(recording_of(plan, recording), controls, predictions), simulation or SimulationSettings(), sink, lean=lean)
    return sink.kept(), result


def streaming(plan: Plan, simulation: SimulationSettings) -> tuple[Driver, MemorySink]:
    """A streaming driver over a simulated broker, and where its rows go."""
    sink = MemorySink()
    sink.ledger(deposit_row(plan))
    return Driver(Engine(plan), SimulatedBroker(open_venue(plan.instruments, plan.costs, simulation)), sink), sink


def by_stream(
    recording: Recording,
    frame: str | tuple[str, ...],
    arm: str,
    settings: EngineSettings,
    simulation: SimulationSettings | None = None,
    controls: tuple[Control, ...] = (),
    predictions: Sequence[np.ndarray] = (),
    frames: tuple[str, ...] = (),
    arms: tuple[str, ...] = (),
) -> tuple[Kept, Driver]:
    """Everything the streaming driver leaves."""
    plan = plan_of(recording, frame, arm, settings, frames=frames, arms=arms)
    driver, sink = streaming(plan, simulation or SimulationSettings())
    fed = recording_of(plan, recording)
    for event in inputs_of(fed, block_of(fed, controls, predictions).order, controls, predictions):
        driver.take(event)
    return sink.kept(), driver


def same_bytes(one: Kept, other: Kept, names: tuple[str, ...] = Kept.__struct_fields__) -> None:
    """Assert that two runs left the same rows, to the bit."""
    for name in names:
        left, right = getattr(one, name), getattr(other, name)
        assert left.shape == right.shape, f"{name}: {left.shape} against {right.shape}"
        assert left.tobytes() == right.tobytes(), f"{name}: first difference at row {first_difference(left, right)}"


def first_difference(left: np.ndarray, right: np.ndarray) -> int:
    """The first row whose bytes differ."""
    return next(n for n in range(len(left)) if left[n].tobytes() != right[n].tobytes())
