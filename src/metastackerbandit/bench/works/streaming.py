"""One minute of a whole venue: 500 symbols on 6 frames, every candle absorbed, every bar that closes taken through all features."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from metastackerbandit.bench.candles import minutes
from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS, frame_ns
from metastackerbandit.features.stream import FeatureStream
from metastackerbandit.market.resample import Forming, absorb

SYMBOLS = 500
FRAMES = ("1m", "5m", "15m", "30m", "1h", "4h")
MINUTES = 60  # of one run, an hour that ends with the close of an hour
HOURS = 200  # of the market: more than runs are ever asked for


class Desk:
    """One symbol on one frame: its forming bar, and its features."""

    def __init__(self, frame: str) -> None:
        self.frame_ns = frame_ns(frame)
        self.features = FeatureStream(self.frame_ns, has_volume=True, has_flow=True, has_funding=False)
        self.forming, self.bar = rows(Forming, 1), rows(Bar, 1)

    def take(self, bars: np.ndarray, place: int) -> None:
        """A candle; where it completes the frame's bar, the features of that bar."""
        if absorb(self.forming[0], bars[place], MINUTE_NS, self.frame_ns, self.bar[0]):
            self.features.on_bar(self.bar, 0)


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Symbols see the same candles; each desk has a state of its own. The clock of the market goes on from run to run."""
    market = minutes(data, HOURS * MINUTES)
    desks = [Desk(frame) for _ in range(SYMBOLS) for frame in FRAMES]
    took_ms: list[float] = []
    turn = iter(range(HOURS))

    def hour() -> None:
        start = next(turn) * MINUTES
        for place in range(start, start + MINUTES):
            began = time.perf_counter_ns()
            for desk in desks:
                desk.take(market.bars, place)
            took_ms.append((time.perf_counter_ns() - began) / 1e6)

    def facts() -> dict[str, float]:
        every = np.array(took_ms[MINUTES:]).reshape(-1, MINUTES)
        return {
            "share_of_a_minute": float(np.median(every)) / 60e3,
            "worst_share_of_a_minute": float(np.median(every.max(axis=1))) / 60e3,
            "us_a_symbol_and_minute": float(np.median(every)) * 1e3 / SYMBOLS,
        }

    return Prepared(
        run=hour,
        amount=float(MINUTES * SYMBOLS),
        unit="candles",
        steps_ms=lambda: np.array(took_ms[MINUTES:]),
        facts=facts,
        notes=(
            market.note,
            f"frames {', '.join(FRAMES)}; a step is one minute of all symbols",
            "the share is of one core: of the median minute, and of the slowest minute of the median hour",
        ),
    )


BENCHMARK = Benchmark(
    "streaming",
    f"all features live: {SYMBOLS} symbols x {len(FRAMES)} frames, a candle a minute each",
    prepare,
    Target("worst_share_of_a_minute", 0.01, "less than 1 % of a minute, the worst minute too", at_most=True),
    rounds=5,
)
