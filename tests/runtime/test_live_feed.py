"""Live books held against what was recorded: whatever the venue and the network do, best prices said to be live are the venue's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvloop
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.settings import EndpointSettings, TransportSettings
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.feed_events import FeedEvent
from metastackerbandit.runtime.live_feed import FeedSettings, LiveFeed, World, issue_of
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.ports import LoopClock
from metastackerbandit.runtime.settings import BackoffSettings, LiveSettings
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.settings import RawLogSettings
from tests.covering import covers
from tests.runtime.recorded_venue import Book, RecordedVenue, Sent, quotes, recorded
from tests.shared import shared_data

COUNT = 2_000
LIVE = LiveSettings(backups=0, ping_s=0.2, pong_s=0.2, silence_s=1.0, snapshot_gap_s=0.0, audit_s=0.0, look_s=0.05, quiet_s=0.5)
BACKOFF = BackoffSettings(first_s=0.01, most_s=0.05)


class Kept:
    """A sink that keeps all in memory."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, int, str, bytes]] = []

    def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
        self.rows.append((kind, connection, received_ns, url, body))

    def bodies(self, kind: str) -> list[bytes]:
        return [row[4] for row in self.rows if row[0] == kind]


class Half:
    """Chance without chance."""

    def random(self) -> float:
        return 0.5


@cache
def captured() -> Capture:
    """A recorded session of BTCUSDT, the perpetual, 2024-07-18."""
    return read_capture([shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"])


def instruments(*symbols: str) -> list[Any]:
    """The recorded instrument under these names."""
    (one,) = instruments_in(captured())
    return [structs.replace(one, symbol=symbol, base=symbol) for symbol in symbols]


class Run:
    """One feed against one venue: what it said while live, its events, its log."""

    def __init__(self, venue: RecordedVenue, *symbols: str, live: LiveSettings = LIVE) -> None:
        self.venue = venue
        self.events: list[FeedEvent] = []
        self.sink = Kept()
        self.live = live
        self.symbols = symbols or ("BTCUSDT",)
        self.said: dict[str, dict[int, tuple[int, ...]]] = {symbol: {} for symbol in self.symbols}
        self.feed: LiveFeed

    def hear(self, taken: Taken, market: Feeds, received_ns: int) -> None:
        if taken.kind == DEPTH and (best := self.feed.desk.best(taken.instrument)) is not None:
            row = market.book.row[taken.instrument]
            self.said[self.symbols[taken.instrument]][int(row["last_id"])] = best

    async def play(self, until: Callable[[Run], bool] | None = None) -> None:
        """Follow until everything was sent and heard, and `until` holds."""
        endpoints = EndpointSettings(binance_perp_stream=f"ws://{self.venue.url}", binance_perp_rest=f"http://{self.venue.url}")
        transport, clock = TransportSettings(connect_s=2.0, request_s=2.0), LoopClock()
        async with AiohttpRest(transport, clock.now_ns) as rest:
            world = World(PicowsConnector(transport, clock.now_ns), rest, clock, Half(), self.sink)
            settings = FeedSettings(live=self.live, backoff=BACKOFF, transport=transport, endpoints=endpoints)
            self.feed = LiveFeed(instruments(*self.symbols), ("depth", "bookTicker", "trade"), world, settings, self.events.append, self.hear)
            following = asyncio.ensure_future(self.feed.run())
            async with asyncio.timeout(8):
                while not (self.venue.done.is_set() and len(self.sink.bodies("frame")) >= len(self.venue.sent) and (until is None or until(self))):
                    if following.done():
                        break
                    await asyncio.sleep(0.01)
            following.cancel()
            await asyncio.wait({following})
            if not following.cancelled() and following.exception() is not None:
                raise following.exception()  # type: ignore[misc]

    def happened(self, what: str) -> list[FeedEvent]:
        return [event for event in self.events if event.what == what]

    def compared(self, symbol: str, frames: list[Sent]) -> int:
        """Hold what was said while live against the venue's own best prices; at how many ids both spoke."""
        (one,) = instruments(symbol)
        tick, lot = Decimal(one.tick_size), Decimal(one.lot_size)
        theirs = quotes(frames)
        shared = sorted(set(theirs) & set(self.said[symbol]))
        for update in shared:
            bid, bid_size, ask, ask_size = (Decimal(text) for text in theirs[update])
            assert self.said[symbol][update] == (bid / tick, bid_size / lot, ask / tick, ask_size / lot), update
        return len(shared)


def driven(work: Coroutine[Any, Any, None]) -> None:
    """Run on the loop that serves."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def one_symbol(faults: dict[int, str] | None = None, count: int = COUNT) -> tuple[RecordedVenue, list[Sent]]:
    snapshot, frames = recorded(captured(), count)
    return RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames], faults), frames


def changes(frames: list[Sent]) -> list[int]:
    return [place for place, frame in enumerate(frames) if frame.change is not None]


def is_live(run: Run) -> bool:
    return run.feed.live() == run.symbols


def test_a_sound_venue_is_followed_and_nothing_is_lost() -> None:
    async def work() -> None:
        venue, frames = one_symbol()
        async with venue.served():
            run = Run(venue)
            await run.play(is_live)
        assert run.sink.bodies("frame") == venue.sent == [frame.text for frame in frames]
        assert run.compared("BTCUSDT", frames) > 30
        assert not run.happened("gap") and len(run.happened("live")) == 1
        assert run.feed.desk.best(0) is None and run.feed.desk.state(0) == "stale"  # it was stopped: nothing keeps its book

    driven(work())


@covers("2.030", "B15", "C07")
@pytest.mark.parametrize("fault", ["lost", "exchanged", "twice", "cut", "closed", "stalled"])
def test_after_a_fault_the_book_is_right_again(fault: str) -> None:
    async def work() -> None:
        snapshot, frames = recorded(captured(), COUNT)
        venue = RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames], {changes(frames)[300]: fault})
        async with venue.served():
            run = Run(venue)
            await run.play(is_live)
        assert run.sink.bodies("frame") == venue.sent
        assert run.compared("BTCUSDT", frames) > 20
        noticed = 0 if fault == "twice" else 1
        assert (len(run.happened("gap")), len(run.happened("live"))) == (noticed, 1 + noticed)
        ends = 1 if fault in ("cut", "closed", "stalled") else 0
        assert len(run.happened("closed")) == len(run.happened("stale")) == ends == sum(one.drops for one in run.feed.health().values())
        if fault == "closed":
            assert run.happened("closed")[0].words == "1001 by venue: maintenance"
        assert [row[0] for row in run.sink.rows if row[0] in ("opened", "closed")] == ["opened", "closed"] * (1 + ends)

    driven(work())


GARBAGE = [b"<html>", b"{}", b"\xff", b'{"lastUpdateId":1,"bids":[["a","b"]],"asks":[]}']


@covers("2.028")
@pytest.mark.parametrize("replies", [[500, 502], [429], GARBAGE, ["old"], ["late"]])
def test_snapshots_that_fail_come_late_or_are_old_only_delay_the_book(replies: list[Any]) -> None:
    async def work() -> None:
        snapshot, frames = recorded(captured(), COUNT)
        venue = RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames])
        old = Book({**snapshot, "lastUpdateId": 17}).told()
        venue.replies = [old if reply == "old" else reply for reply in replies]
        async with venue.served():
            run = Run(venue)
            await run.play(is_live)
        assert run.compared("BTCUSDT", frames) > 20 and not run.happened("gap")
        assert len(run.happened("live")) == 1 and len(venue.asked) == len(replies) + (replies != ["late"])
        assert len(run.happened("snapshot_old")) == (replies == ["old"])
        assert len(run.happened("snapshot_failed")) == (0 if replies in (["late"], ["old"]) else len(replies))
        assert len(run.sink.bodies("reply")) == len(venue.asked)  # what was no snapshot is kept too

    driven(work())


@covers("2.028", "B15")
def test_a_gap_of_one_symbol_leaves_the_other_live() -> None:
    async def work() -> None:
        snapshot, frames = recorded(captured(), 1_500)
        _, others = recorded(captured(), 1_500, "ETHUSDT")
        both = [pair for one, other in zip(frames, others, strict=True) for pair in (("BTCUSDT", one), ("ETHUSDT", other))]
        lost = [place for place, (symbol, frame) in enumerate(both) if symbol == "ETHUSDT" and frame.change is not None][200]
        venue = RecordedVenue({"BTCUSDT": snapshot, "ETHUSDT": snapshot}, both, {lost: "lost"})
        async with venue.served():
            run = Run(venue, "BTCUSDT", "ETHUSDT")
            await run.play(is_live)
        assert run.compared("BTCUSDT", frames) > 10 and run.compared("ETHUSDT", others) > 10
        assert [event.symbol for event in run.happened("gap")] == ["ETHUSDT"]
        assert venue.asked.count("BTCUSDT") == 1 and venue.asked.count("ETHUSDT") == 2
        synced = min(run.said["BTCUSDT"])
        own = {frame.change["u"] for frame in frames if frame.change is not None and frame.change["u"] >= synced}
        assert own <= set(run.said["BTCUSDT"])  # it was live at each of its own changes

    driven(work())


@covers("2.028")
def test_an_audit_finds_a_book_that_was_spoilt_and_mends_it() -> None:
    async def work() -> None:
        snapshot, frames = recorded(captured(), COUNT)
        venue = RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames])
        audited = structs.replace(LIVE, audit_s=0.02, audit_wait_s=0.5)

        def mended(run: Run) -> bool:
            """Spoil a size far from the best price once, and wait until two audits have spoken."""
            book = run.feed.desk.market.book
            if run.feed.live() and not run.happened("differs") and not spoilt:
                spoilt.append(int(book.bids[0, 5, 0]))
                book.bids[0, 5, 1] += 1
            told = [event.what for event in run.events]
            return "differs" in told and "audited" in told[told.index("differs") :]

        spoilt: list[int] = []
        async with venue.served():
            run = Run(venue, live=audited)
            await run.play(mended)
        (found,) = run.happened("differs")
        issue = issue_of(found)
        assert issue is not None and (issue.kind, issue.severity, issue.count, issue.where) == ("differs", "critical", 1, "BTCUSDT")
        assert not run.happened("gap") and run.events.index(run.happened("audited")[-1]) > run.events.index(found)

    driven(work())


@covers("2.028")
def test_the_log_driven_again_gives_the_same_book(tmp_path: Path) -> None:
    async def work() -> None:
        snapshot, frames = recorded(captured(), COUNT)
        venue = RecordedVenue({"BTCUSDT": snapshot}, [("BTCUSDT", frame) for frame in frames], {changes(frames)[300]: "lost"})
        async with venue.served():
            run = Run(venue)
            await run.play(is_live)
        log = RawLog(tmp_path / "log", RawLogSettings())
        for row in run.sink.rows:
            log.write(*row)
        log.close()
        found = check_capture(read_capture([log.folder]), instruments("BTCUSDT"))
        (book,) = found.books
        last = max(run.said["BTCUSDT"])
        bid, _, ask, _ = run.said["BTCUSDT"][last]
        (one,) = instruments("BTCUSDT")
        assert book["best"] == [one.price_text(bid), one.price_text(ask)] and (book["state"], found.gaps, found.resyncs) == ("live", 1, 1)
        assert book["levels"] == [int(run.feed.desk.market.book.row[0][side]) for side in ("bids", "asks")]
        assert found.compared == found.equal > 20 and found.crossed == 0

    driven(work())


def test_a_log_that_is_full_ends_the_feed_by_name() -> None:
    class Full(Kept):
        def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
            if len(self.rows) == 50:
                raise StorageFailed("no space left", where="log", mend="make room")
            super().write(kind, connection, received_ns, url, body)

    async def work() -> None:
        venue, _ = one_symbol(count=500)
        async with venue.served():
            run = Run(venue)
            run.sink = Full()
            with pytest.raises(BaseExceptionGroup) as raised:
                await run.play()
        assert raised.group_contains(StorageFailed)

    driven(work())
