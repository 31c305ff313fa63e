"""A recorded session of a venue's raw frames to a followed order book: best prices and the COB's buckets after each change of depth."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.bench.interleaved import timed
from metastackerbandit.bench.seconds import ns_a_change
from metastackerbandit.bench.spec import Asked, Benchmark, Prepared, Target, Unequal
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import entry, kernel, rows
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.continuity import APPLY
from metastackerbandit.market.cob import COLUMNS, CobTerms, bucket_width, fill_side
from metastackerbandit.runtime.book_feed import Feeds, feeds_of, take
from metastackerbandit.runtime.capture_check import CheckedCapture, check_capture
from metastackerbandit.runtime.capture_rules import instruments_in, places_of_replies
from metastackerbandit.runtime.frame_walk import frames_of, walking
from metastackerbandit.storage.captures import read_capture

FOLDER = Path("ws_captures", "binance")  # beside the folder of candle folders
FILE = "usdm_btcusdt_20240808.gz"
SCRIPTS = {"ccxt": "play.py", "cryptofeed": "play.py", "nautilus": "book.py"}
SMALL = 2_048  # bytes: frames up to here are timed one by one
TIMES = 5  # that a further figure is measured; the least counts


class Session(Struct, frozen=True, eq=False):
    """A capture of one instrument and what is needed to follow it: `alone` (F,) as `take` wants it, the width of buckets in `terms` (1,) CobTerms."""

    capture: Capture
    instruments: tuple[Instrument, ...]
    alone: np.ndarray
    terms: np.ndarray
    checked: CheckedCapture


class Followed(Struct, frozen=True, eq=False):
    """Where a session led: `bests` (N, 5) int64 of update id, best bid and its lots, best ask and its lots after each change; the newest buckets (C,)
    of either side in quote currency; the books as they stand at the end."""

    bests: np.ndarray
    bids: np.ndarray
    asks: np.ndarray
    market: Feeds


@kernel
def note(row: Any, bids: Any, asks: Any, terms: Any, best: Any, bid_buckets: Any, ask_buckets: Any) -> None:
    """What there is to know of a book that has changed: its best prices to `best` (5,), its buckets around their middle to (C,) a side."""
    best[0] = row.last_id
    if row.bids == 0 or row.asks == 0:
        best[1:] = 0
        return
    bid, ask = bids[row.bids - 1], asks[row.asks - 1]
    best[1], best[2], best[3], best[4] = bid[0], bid[1], ask[0], ask[1]
    centre = (bid[0] + ask[0]) // (2 * terms.width)
    fill_side(bids, row.bids, 1, row.known_bid, terms.width, centre, terms.unit, bid_buckets)
    fill_side(asks, row.asks, -1, row.known_ask, terms.width, centre, terms.unit, ask_buckets)


class Following(NamedTuple):
    """What is known after each change: `terms` (S,) CobTerms, `bests` (N, 5), `changes` (1,) of them so far, the newest buckets (S, C) a side."""

    terms: Any
    bests: Any
    changes: Any
    bids: Any
    asks: Any


@kernel
def note_change(mine: Any, market: Any, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Where a change has gone into a book, write down what is known of it."""
    if kind == DEPTH:
        s = market.decoded.depth[0].instrument
        if market.feeds[s].verdict == APPLY:
            note(market.book.row[s], market.book.bids[s], market.book.asks[s], mine.terms[s], mine.bests[mine.changes[0]], mine.bids[s], mine.asks[s])
            mine.changes[0] += 1


def session(paths: Sequence[Path]) -> Session:
    """The capture in these files, checked; buckets of 2 bp of its last best bid."""
    capture = read_capture(paths)
    instruments = instruments_in(capture)
    checked = check_capture(capture, instruments)
    terms = rows(CobTerms, len(instruments))
    for place, (one, book) in enumerate(zip(instruments, checked.books, strict=True)):
        tick = float(one.tick_size)
        terms[place] = (bucket_width(float(book["best"][0] or tick), tick), tick * float(one.lot_size), 1)
    return Session(capture, instruments, places_of_replies(capture, [one.symbol for one in instruments]), terms, checked)


def following(given: Session) -> Callable[[], Followed]:
    """The session, ready: `run()` begins with empty books, and takes the frames from the first to the last."""
    capture, count = given.capture, len(given.instruments)
    bests = np.zeros((len(capture.starts), 5), np.int64)
    frames, follow = frames_of(capture, given.instruments), walking(given.instruments[0].venue, note_change)

    def run() -> Followed:
        market = feeds_of(given.instruments)
        mine = Following(given.terms, bests, np.zeros(1, np.int64), np.zeros((count, COLUMNS)), np.zeros((count, COLUMNS)))
        follow(frames, market, mine)
        return Followed(bests[: int(mine.changes[0])], mine.bids, mine.asks, market)

    return run


def one_by_one(given: Session) -> np.ndarray:
    """Nanoseconds that each frame of at most SMALL bytes took (M,): from bytes by one call from Python; the clock's own are in it."""
    capture = given.capture
    sizes = capture.ends - capture.starts
    frames = [capture.frame(place) for place in range(len(sizes))]
    received, alone = capture.received_ns.tolist(), given.alone.tolist()
    buffer, market = np.zeros(int(sizes.max()), np.uint8), feeds_of(given.instruments)
    view, clock = buffer.data, time.perf_counter_ns
    step = entry(take, buffer, 0, 0, -1, market)  # every call hands in this buffer and these feeds
    took = np.zeros(len(frames), np.int64)
    for place, frame in enumerate(frames):
        began = clock()
        size = len(frame)
        view[:size] = frame
        step(buffer, size, received[place], alone[place], market)
        took[place] = clock() - began
    return took[sizes <= SMALL]


def only_depth(given: Session) -> Session:
    """The session without its quotes and trades."""
    capture = given.capture
    kept = np.array([given.alone[n] >= 0 or b'"depthUpdate"' in capture.frame(n)[:120] for n in range(len(capture.starts))])
    columns = {name: getattr(capture, name)[kept] for name in ("starts", "ends", "received_ns", "asked")}
    return structs.replace(given, capture=structs.replace(capture, **columns), alone=given.alone[kept])


def write_frames(capture: Capture, path: Path) -> Path:
    """The frames as peers read them (benchmarks/peers/common/captured.py): `S ` and what a stream sent, `R ` and a reply's body, a line each."""
    with path.open("wb") as file:
        for place in range(len(capture.starts)):
            file.write((b"R " if capture.asked[place] >= 0 else b"S ") + capture.frame(place) + b"\n")
    return path


def equal(name: str, ours: Followed, answer: dict[str, Any]) -> str:
    """Hold a peer's best prices and sizes after every change against ours, and every level of its book at the end.

    Raises:
        Unequal: there is a difference; the first one is named.
    """
    theirs = np.array(answer["changes"], np.int64).reshape(-1, 5)
    if theirs.shape != ours.bests.shape or (theirs != ours.bests).any():
        both = min(len(theirs), len(ours.bests))
        differing = np.flatnonzero((theirs[:both] != ours.bests[:both]).any(axis=1))
        first = int(differing[0]) if len(differing) else both
        told = (rows[first].tolist() if first < len(rows) else None for rows in (ours.bests, theirs))
        raise Unequal("{} differs from ours at change {:,} of {:,}: ours {}, theirs {}".format(name, first + 1, len(ours.bests), *told))
    for side in ("bids", "asks"):
        levels = getattr(ours.market.book, side)[0, : ours.market.book.row[0][side]][::-1].tolist()
        if levels != answer[side]:
            raise Unequal(f"{name} has other {side} than ours at the end: {len(answer[side]):,} levels, ours are {len(levels):,}")
    return f"best prices and sizes after all {len(theirs):,} changes, and all levels at the end"


def prepare(stack: ExitStack, data: Path | None) -> Prepared:
    """Peers read the same frames from a file; a peer's answer is compared in full, and timed telling its number of changes.

    Raises:
        DataRefused: no recorded frames are at hand; made ones would say nothing of a venue's.
    """
    path = None if data is None else data.parent / FOLDER / FILE
    if path is None or not path.is_file():
        mend = f"name the folder of candle folders beside which {FOLDER}/{FILE} lies"
        raise DataRefused("no recorded frames of BTCUSDT", where="--data", mend=mend)
    given = session([path])
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    one = given.instruments[0]
    frames = str(write_frames(given.capture, folder / "frames"))
    job = {"frames": frames, "symbol": one.symbol, "tick": one.tick_size, "step": one.lot_size}
    run = following(given)
    count, size = len(given.capture.starts), int((given.capture.ends - given.capture.starts).sum())
    return Prepared(
        run=run,
        amount=float(count),
        unit="frames",
        peers={name: Asked(name, "book", job | {"quiet": True}, script, check=job) for name, script in SCRIPTS.items()},
        equal=equal,
        facts=partial(_facts, given, run),
        notes=(
            f"{path.name}: {count:,} frames of {one.symbol} perpetual as they came, {size / 1e6:.1f} MB of depth, best prices and trades",
            "ours gives the buckets of the consolidated book too, which no peer does; peers run without a connection, and nobody waits for them",
            "cryptofeed has no handler for trades one by one, and passes over them",
            f"a single frame: at most {SMALL:,} bytes, from the bytes by one call from Python, the clock's own time in it; "
            "further figures are by least CPU time, a KB is 1,000 bytes",
        ),
    )


def _facts(given: Session, run: Callable[[], Followed]) -> dict[str, float]:
    depth = only_depth(given)
    changes = following(depth)
    took: dict[Callable[[], Followed], list[float]] = {run: [], changes: []}
    for work in (run, changes) * TIMES:
        took[work].append(timed(work).cpu_s)
    one_by_one(given)
    middle, late = np.percentile(one_by_one(given), (50, 99)) / 1e3
    return {
        "depth_frames_a_second": len(depth.capture.starts) / min(took[changes]),
        "ns_a_kb": min(took[run]) * 1e12 / float((given.capture.ends - given.capture.starts).sum()),
        "p50_us_a_frame": middle,
        "p99_us_a_frame": late,
        "ns_a_change_for_seconds": ns_a_change(depth.capture, given.instruments),
        "compared": given.checked.compared,
        "equal": given.checked.equal,
    }


BENCHMARK = Benchmark(
    "book",
    "raw frames of a recorded session to a followed order book, best prices and COB buckets after each change of depth",
    prepare,
    Target("ratio", 10.0, "at least 10 times the best peer"),
    rounds=5,
)
