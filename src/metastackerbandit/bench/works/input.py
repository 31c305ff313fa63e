"""One standard model input of one symbol: its second taken in, every block copied, checked, and held against what a model declares."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.bench.works.book import FILE, FOLDER
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InputUnusable
from metastackerbandit.domain.kernel import entry
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.features.input_now import room_for
from metastackerbandit.features.input_schema import SCHEMA
from metastackerbandit.features.model_input import InputStream, Watched
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.runtime.input_feed import Asking, answer, hear, market_of
from metastackerbandit.runtime.second_feed import close_all
from metastackerbandit.storage.captures import read_capture

DECLARED = ("cob", "heatmap", "mids", "micro")  # what a network on the order book needs, and a session of minutes can fill
INPUTS = 300  # of one run: a whole turn of the rings


class Standing:
    """The market as it stands where a capture ends; seconds go on with its last book."""

    def __init__(self, capture: Capture) -> None:
        (one,) = instruments_in(capture)
        self.kept, self.market = market_of(capture.received_ns, [one])
        self.stream = InputStream(one, 0, self.kept.bars, self.kept.cob, watched=Watched(self.kept.quality, self.kept.limits), lineage="recorded")
        states, nothing = (self.stream.state, self.stream.state), np.zeros(0, np.int64)
        asking = Asking(*self.kept, *states, np.array([0, -1]), nothing, np.zeros(1, np.int64), room_for(0), room_for(0, np.bool_))
        walking(one.venue, hear, answer)(frames_of(capture, [one]), self.market, asking)
        self.second = int(self.kept.course[0]["second"])
        self._close: Any = entry(close_all, self.kept, self.market, self.second, 0)

    def next_input(self) -> tuple[int, int]:
        """Close a second, and build, check and hold its input against what is declared: ns by the clock, ns of this thread's processor time."""
        self.kept.course["written"] = 0  # rows that were read may be written over
        at_ns = (self.second + 1) * SECOND_NS
        self._close(self.kept, self.market, self.second, at_ns)
        self.second += 1
        began, began_cpu = time.perf_counter_ns(), time.thread_time_ns()
        self.stream.advance(at_ns)
        self.stream.on_second(self.kept.out, 0)
        given = self.stream.at(at_ns)
        wrong = given.problems(SCHEMA.names) + given.lacking(DECLARED)
        took = time.perf_counter_ns() - began, time.thread_time_ns() - began_cpu
        if wrong:
            raise InputUnusable("; ".join(wrong), where="input")
        return took


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """A recorded session of the perpetual gives the market's state.

    Raises:
        DataRefused: no recorded frames are at hand; made ones would say nothing of a real book.
    """
    path = None if data is None else data.parent / FOLDER / FILE
    if path is None or not path.is_file():
        mend = f"name the folder of candle folders beside which {FOLDER}/{FILE} lies"
        raise DataRefused("no recorded frames of BTCUSDT", where="--data", mend=mend)
    standing = Standing(read_capture([path]))
    took: list[np.ndarray] = []

    def run() -> None:
        took.append(np.array([standing.next_input() for _ in range(INPUTS)]))

    def facts() -> dict[str, float]:
        late = [np.percentile(one, 99, axis=0) / 1e3 for one in took[1:]]
        wall, cpu = (min(float(one[clock]) for one in late) for clock in (0, 1))
        return {
            "p50_us": float(np.median(np.concatenate(took[1:])[:, 1])) / 1e3,
            "p99_us": cpu,
            "p99_us_by_the_clock": wall,
            "values": float(sum(block.size for block in SCHEMA.blocks)),
        }

    return Prepared(
        run=run,
        amount=float(INPUTS),
        unit="inputs",
        steps_ms=lambda: np.concatenate(took[1:])[:, 0] / 1e6,
        facts=facts,
        notes=(
            f"{path.name}: the market where it ends; seconds go on with its last book, {INPUTS} a run",
            f"an input: its second taken in, all {len(SCHEMA.blocks)} blocks copied and checked, {', '.join(DECLARED)} held to be usable",
            f"p50_us and p99_us are of processor time, since the machine is shared; each p99 is that of the quietest run of {INPUTS}",
            "closing the book's second is not in it",
        ),
    )


BENCHMARK = Benchmark(
    "input",
    "one validated standard model input of one symbol, from a recorded session's market, the copy included",
    prepare,
    Target("p99_us", 1_000.0, "99 of 100 within 1 ms of processor time", at_most=True),
    rounds=9,
)
