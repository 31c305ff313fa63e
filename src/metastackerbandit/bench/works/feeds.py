"""A whole venue's order books for half an hour: 500 symbols that change ten times a second each, through scanner, continuity, book, quality,
consolidated book and microstructure by the second; memory must not grow with what has passed."""

from __future__ import annotations

import resource
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from metastackerbandit.bench.spec import Benchmark, Prepared, Target
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.frame_walk import Frames, WalkRow, walking
from metastackerbandit.runtime.second_feed import SecondFeed, close_seconds, hear, second_feed

SYMBOLS = 500
CHANGES = 10  # a second and symbol
SECONDS = 200  # of one run: a million messages
LEVELS = 3  # that one message changes on each side
ROUNDS = 10  # measured, so that ten million messages have passed
MIDDLE, DEPTH = 100_000, 400  # ticks; how far from the middle the book reaches
FIRST_ID = 10**12  # of updates: as many digits from the first to the last
FIRST_MS = 1_700_000_000_000
ID_DIGITS, MS_DIGITS = 13, 13


class Venue:
    """A second of frames whose ids and stamps are written over for the next one: text as a venue sends it, without a generator's cost."""

    def __init__(self) -> None:
        self.symbols = [f"S{place:03d}USDT" for place in range(SYMBOLS)]
        self.instruments = tuple(Instrument(name, name, "USDT", "perp", "BINANCE", "0.1", "0.001", "0.001", "1", "5") for name in self.symbols)
        self.seconds = 0  # that were sent
        drawn = np.random.default_rng(7)
        texts = [self._change(drawn, place) for _ in range(CHANGES) for place in range(SYMBOLS)]
        ends = np.cumsum([len(text) for text in texts])
        starts = ends - [len(text) for text in texts]
        self._text = np.frombuffer(b"".join(texts), np.uint8).copy()
        self._places = {name: starts + np.array([text.index(key) + len(key) for text in texts]) for name, key in _KEYS.items()}
        step_ns = SECOND_NS // len(texts)
        self._offsets = np.arange(len(texts)) * step_ns
        self._turn = np.arange(len(texts)) // SYMBOLS
        alone, pending = np.full(len(texts), -1, np.int64), np.zeros(16, np.int64)
        self.frames = Frames(
            self._text, starts.astype(np.int64), ends.astype(np.int64), np.zeros(len(texts), np.int64), alone, pending, rows(WalkRow, 1)
        )

    @property
    def now_ns(self) -> int:
        """When the next second begins."""
        return FIRST_MS * 1_000_000 + self.seconds * SECOND_NS

    def snapshots(self) -> Frames:
        """The books that all changes begin from."""
        sides = [[[f"{(MIDDLE + sign * n) / 10:.1f}", "1.000"] for n in range(1, DEPTH + 1)] for sign in (-1, 1)]
        bids, asks = (str(side).replace("'", '"').replace(" ", "") for side in sides)
        one = f'{{"lastUpdateId":{FIRST_ID},"bids":{bids},"asks":{asks}}}'.encode()
        starts = np.arange(SYMBOLS, dtype=np.int64) * len(one)
        text = np.frombuffer(one * SYMBOLS, np.uint8).copy()
        times = np.full(SYMBOLS, self.now_ns, np.int64)
        return Frames(text, starts, starts + len(one), times, np.arange(SYMBOLS, dtype=np.int64), np.zeros(16, np.int64), rows(WalkRow, 1))

    def next_second(self) -> Frames:
        """The frames of the next second, in the memory of those before."""
        told = FIRST_ID + (self.seconds * CHANGES + self._turn) * 2
        for name, add in (("U", 1), ("u", 2), ("pu", 0)):
            self._write(name, told + add, ID_DIGITS)
        received = self.now_ns + self._offsets
        self.frames.received[:] = received
        for name in ("E", "T"):
            self._write(name, received // 1_000_000, MS_DIGITS)
        self.seconds += 1
        return self.frames

    def _write(self, name: str, numbers: np.ndarray, digits: int) -> None:
        powers = 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
        self._text[self._places[name][:, None] + np.arange(digits)] = (numbers[:, None] // powers % 10 + 48).astype(np.uint8)

    def _change(self, drawn: np.random.Generator, place: int) -> bytes:
        """Absolute sizes of some levels of each side, now and then none."""
        sides = []
        for sign in (-1, 1):
            far = 1 + np.minimum(drawn.geometric(0.05, LEVELS), DEPTH - 1)
            lots = np.where(drawn.random(LEVELS) < 0.3, 0, drawn.integers(1, 5_000, LEVELS))
            sides.append(",".join(f'["{(MIDDLE + sign * int(n)) / 10:.1f}","{size / 1_000:.3f}"]' for n, size in zip(far, lots, strict=True)))
        name = self.symbols[place]
        ids = "0" * ID_DIGITS
        return (
            f'{{"stream":"{name.lower()}@depth@100ms","data":{{"e":"depthUpdate","E":{ids},"T":{ids},"s":"{name}","U":{ids},"u":{ids},"pu":{ids},'
            f'"b":[{sides[0]}],"a":[{sides[1]}]}}}}'
        ).encode()


_KEYS = {"E": b'"E":', "T": b'"T":', "U": b'"U":', "u": b'"u":', "pu": b'"pu":'}


def resident_mb() -> float:
    """Memory that the process holds now, MiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


class Run:
    """The feeds of the venue, gone on with from run to run; what each took, and what was held after it."""

    def __init__(self) -> None:
        self.venue = Venue()
        self.market: Feeds = feeds_of(self.venue.instruments)
        begin = np.array([self.venue.now_ns, self.venue.now_ns + 2 * SECOND_NS], np.int64)
        self.mine: SecondFeed = second_feed(begin, self.venue.instruments)
        self.walk: Any = walking("BINANCE", hear, close_seconds)
        self.walk(self.venue.snapshots(), self.market, self.mine)
        self.step_ms: list[float] = []
        self.held_mb: list[float] = []

    def once(self) -> int:
        """So many seconds of all symbols; how many messages were applied."""
        before = int(self.market.feeds["applied"].sum())
        for _ in range(SECONDS):
            frames = self.venue.next_second()
            began = time.perf_counter_ns()
            self.walk(frames, self.market, self.mine)
            self.mine.course[0]["written"] = 0  # rows of a second are handed on; their room is used again
            self.step_ms.append((time.perf_counter_ns() - began) / 1e6)
        self.held_mb.append(resident_mb())
        return int(self.market.feeds["applied"].sum()) - before

    def facts(self) -> dict[str, float]:
        """Figures of all runs but the first; bytes a message are the slope of what was held."""
        held = np.array(self.held_mb[1:])
        messages = np.arange(len(held)) * float(SECONDS * SYMBOLS * CHANGES)
        slope = float(np.polyfit(messages, held, 1)[0]) * 2**20 if len(held) > 1 else float("nan")
        seconds = np.array(self.step_ms[SECONDS:])
        return {
            "share_of_a_core": float(np.median(seconds)) / 1e3,
            "worst_second_ms": float(seconds.max()),
            "messages": float(self.market.feeds["applied"].sum()),
            "gaps": float(self.market.feeds["gaps"].sum()),
            "held_mb": float(held[-1]),
            "bytes_a_message": slope,
        }


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Messages are made, not recorded: nobody has recorded so many symbols; what they cost is what recorded ones of their size do."""
    run = Run()
    return Prepared(
        run=run.once,
        amount=float(SECONDS * SYMBOLS * CHANGES),
        unit="messages",
        steps_ms=lambda: np.array(run.step_ms[SECONDS:]),
        facts=run.facts,
        notes=(
            f"made messages of {LEVELS} levels a side, books of {DEPTH} levels; a step is one second of all symbols, their closing in it",
            "bytes a message: slope of the memory held after each run; share of a core: of the median second",
        ),
    )


BENCHMARK = Benchmark(
    "feeds",
    f"{SYMBOLS} order books that change {CHANGES} times a second each: scanner, continuity, book, quality, COB and microstructure by the second",
    prepare,
    Target("bytes_a_message", 1.0, "memory that does not grow: less than a byte a message over ten million", at_most=True),
    rounds=ROUNDS,
)
