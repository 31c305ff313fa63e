"""What an engine hears live: recorded sessions give the seconds and candles that the same recordings give as data, and no candle is ever left out."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.inputs import BarClosed, BarOpened, FundingSettled, Input, SecondSeen
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import MINUTE_NS, SECOND_NS, frame_ns
from metastackerbandit.engine.plan import Plan, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import NEVER
from metastackerbandit.market.settings import BarSettings, QualitySettings
from metastackerbandit.runtime import live_market
from metastackerbandit.runtime.bar_feed import bars_of
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.health import empty_health
from metastackerbandit.runtime.live_market import LiveMarket
from metastackerbandit.runtime.replay import moment
from metastackerbandit.runtime.second_feed import seconds_of
from metastackerbandit.storage.captures import read_capture
from tests.covering import covers
from tests.markets import instrument
from tests.shared import shared_data

START_NS = 1_700_000_400 * SECOND_NS  # a whole minute
BARS = BarSettings(grace_s=2.0, fills_gaps=True)


def plan(instruments: tuple[Any, ...], frames: tuple[str, ...] = ("1m", "5m"), arm: str = "sma_cross", engine: EngineSettings | None = None) -> Plan:
    """A plan of these symbols whose candles are of the first of these frames."""
    nothing = np.zeros(0, row(Bar(0, 0, 0, 1, 1, 1, 1, 0.0)).dtype)
    count = len(instruments)
    empty = Recording(instruments, frame_ns(frames[0]), (nothing,) * count, (None,) * count, (True,) * count, "test", "")
    return plan_of(empty, frames, arm, engine or EngineSettings())


class Heard:
    """A desk and a market behind it, what the engine was told, and which candles were asked for."""

    def __init__(self, made: Plan, now_ns: int) -> None:
        self.inputs: list[Input] = []
        self.asked: list[tuple[int, int]] = []
        self.market: LiveMarket
        instruments = {book.place: book.instrument for book in made.books}
        self.desk = FeedDesk(
            [instruments[place] for place in sorted(instruments)],
            empty_health(1, now_ns),
            QualitySettings(),
            now_ns,
            most_bytes=2**22,
            most_waiting=10_000,
            hear=lambda taken, feeds, received_ns: self.market.hear(taken, received_ns),
            passing=lambda now_ns: self.market.passing(now_ns),
        )
        self.market = LiveMarket(made, self.desk, BARS, self.inputs.append, lambda s, opened_ns: self.asked.append((s, opened_ns)))

    def of(self, kind: type[Any], book: int = 0) -> list[Any]:
        """What one book was told of a kind."""
        return [event for event in self.inputs if isinstance(event, kind) and event.instrument == book]


@cache
def captured() -> Capture:
    """BTCUSDT's perpetual, 2024-07-18 and 19."""
    folder = shared_data() / "ws_captures" / "binance"
    return read_capture([folder / "usdm_btcusdt_20240718.gz", folder / "usdm_btcusdt_20240719.gz"])


@cache
def replayed() -> Heard:
    """The recorded session as it would be live."""
    capture = captured()
    heard = Heard(plan(tuple(instruments_in(capture))), int(capture.received_ns[0]))
    heard.market.listens(0, int(capture.received_ns[0]))
    for n in range(len(capture.starts)):
        received_ns = int(capture.received_ns[n])
        if capture.asked[n] >= 0:
            heard.desk.take_snapshot(0, capture.frame(n), received_ns)
        else:
            heard.desk.take(capture.frame(n), received_ns, 0)
    return heard


@covers("2.029")
def test_a_recorded_session_gives_the_seconds_that_it_gives_as_data() -> None:
    known = seconds_of(captured(), instruments_in(captured()), settings=QualitySettings())
    told = np.concatenate([row(event.second) for event in replayed().of(SecondSeen)])
    assert len(known) > 400
    names = [name for name in known.dtype.names or () if name != "cob_imbalance"]
    for name in names:
        assert np.array_equal(told[name], known[name], equal_nan=known.dtype[name].kind == "f"), name
    assert len(replayed().of(SecondSeen, 1)) == len(told), "each book of the symbol hears them"


def test_a_recorded_session_gives_the_candles_of_its_trades() -> None:
    (one,) = instruments_in(captured())
    heard = replayed()
    told = [event.bar for event in heard.of(BarClosed)]
    known = closed_bars(bars_of(captured(), [one], [bar_terms(one)], BARS, (MINUTE_NS,)), 0, 0)
    whole = known[known["parts"] == 1]
    asked = heard.asked[0][1]
    assert asked == int(known[0]["opened_ns"]) and told == [], "the minute in which the session began was not heard whole: it is asked for"
    heard.market.mended(0, whole_candle(known[:1]), int(captured().received_ns[-1]))
    told = [event.bar for event in heard.of(BarClosed)]
    assert [bar.opened_ns for bar in told] == [int(bar["opened_ns"]) for bar in known]
    for bar, wanted in zip(told[1:], whole, strict=True):
        assert all(
            getattr(bar, name) == wanted[name] for name in ("open", "high", "low", "close", "volume", "quote_volume", "taker_volume", "trades")
        )


def whole_candle(candle: np.ndarray) -> np.ndarray:
    """A candle as the venue tells it."""
    made = candle.copy()
    made["parts"] = made["parts_due"] = 1
    return made


class Scene:
    """Made trades of one symbol, a venue that answers what is asked, and time."""

    def __init__(self) -> None:
        self.heard = Heard(plan((instrument("BTCUSDT", "perp", "BINANCE"),), ("1m",)), START_NS)
        self.now_ns, self.number = START_NS, 0
        before = rows(Bar, 1)
        before["opened_ns"], before["closed_ns"] = START_NS - MINUTE_NS, START_NS
        self.heard.market.begin(0, before)
        self.heard.market.listens(0, START_NS)

    def trade(self, ticks: int) -> None:
        """One trade."""
        self.number += 1
        stamp = self.now_ns // 1_000_000
        body = {"e": "trade", "E": stamp, "s": "BTCUSDT", "t": self.number, "p": f"{ticks / 10:.1f}", "q": "0.005", "T": stamp, "m": False}
        self.heard.desk.take(json.dumps(body, separators=(",", ":")).encode(), self.now_ns, 0)

    def mend(self, most: int) -> None:
        """The venue's answers to what is missing, of at most so many candles each, until nothing is."""
        while (stretch := self.heard.market.missing(0)) is not None:
            self.heard.market.mended(0, self.candles(stretch[0], min(stretch[1], stretch[0] + most * MINUTE_NS)), self.now_ns)

    def candles(self, from_ns: int, to_ns: int) -> np.ndarray:
        """The venue's candles of the minutes of a stretch."""
        made = rows(Bar, (to_ns - from_ns) // MINUTE_NS)
        for name in ("open", "high", "low", "close"):
            made[name] = 7
        made["opened_ns"] = np.arange(from_ns, to_ns, MINUTE_NS)
        made["closed_ns"], made["known_ns"] = made["opened_ns"] + MINUTE_NS, self.now_ns
        made["parts"] = made["parts_due"] = 1
        return made


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 100)),
        st.tuples(st.just("trade"), st.integers(900, 1_100)),
        st.tuples(st.just("break"), st.integers(0, 200)),
        st.tuples(st.just("mend"), st.integers(1, 4)),
    ),
    max_size=40,
)


@covers("A27", "0.37")
@settings(max_examples=60)
@given(steps=STEPS)
def test_candles_are_told_in_order_without_a_hole_whatever_breaks(steps: list[tuple[str, int]]) -> None:
    scene = Scene()
    heard, market = scene.heard, scene.heard.market
    broken: list[tuple[int, int]] = []
    for what, amount in [*steps, ("pass", 130), ("mend", 4)]:
        if what == "pass":
            scene.now_ns += amount * SECOND_NS
            market.look(scene.now_ns)
        elif what == "trade":
            scene.trade(amount)
        elif what == "break":
            market.listens(0, NEVER)
            broken.append((scene.now_ns, scene.now_ns + amount * SECOND_NS))
            scene.now_ns += amount * SECOND_NS
            market.look(scene.now_ns)
            market.listens(0, scene.now_ns)
        else:
            scene.mend(amount)
    told = [event.bar for event in heard.of(BarClosed)]
    assert [bar.opened_ns for bar in told] == [START_NS + n * MINUTE_NS for n in range(len(told))]
    assert all(bar.known_ns >= bar.closed_ns and bar.parts == bar.parts_due for bar in told)
    for bar in told:
        is_ours = bar.close != 7
        if is_ours:
            assert not any(begins < bar.closed_ns and ends > bar.opened_ns for begins, ends in broken), "its trades were not all heard"
    asked, mended = {opened_ns for _, opened_ns in heard.asked}, {bar.opened_ns for bar in told if bar.close == 7}
    assert asked <= mended and all(opened_ns in asked or opened_ns - MINUTE_NS in mended for opened_ns in mended), (
        "the first of each row is asked for"
    )
    ours = sum(bar.close != 7 for bar in told)
    assert market.heard_share(0) == (pytest.approx(ours / len(told)) if told else None)
    moments = [moment(event) for event in heard.inputs]
    assert moments == sorted(moments)
    last = None
    for event in heard.inputs:
        if isinstance(event, BarClosed):
            last = event
        elif isinstance(event, BarOpened):
            assert last is not None and event.at_ns >= last.bar.known_ns


@given(minutes=st.integers(1, 12), most=st.integers(2, 4))
def test_a_symbol_that_waits_long_keeps_what_there_is_room_for_and_asks_for_the_rest(minutes: int, most: int) -> None:
    scene = Scene()
    market = scene.heard.market
    market.listens(0, NEVER)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live_market, "MOST_WAITING", most)
        for _ in range(minutes):
            scene.trade(1_000)
            scene.now_ns += 61 * SECOND_NS
            market.look(scene.now_ns)
            assert market.waits(0) <= most
        assert (market.let_go > 0) == (minutes > most)
        for _ in range(minutes + 2):
            scene.mend(3)
            scene.trade(1_000)
            scene.now_ns += 61 * SECOND_NS
            market.look(scene.now_ns)
        scene.mend(3)
    told = [event.bar.opened_ns for event in scene.heard.of(BarClosed)]
    assert told == [START_NS + n * MINUTE_NS for n in range(len(told))] and len(told) >= 2 * minutes


def test_funding_is_told_once_when_its_time_has_passed_at_what_was_said_last() -> None:
    scene = Scene()
    due = START_NS // 1_000_000 + 60_000

    def mark(price: str, rate: str, settles: int) -> None:
        stamp = scene.now_ns // 1_000_000
        body = {"e": "markPriceUpdate", "E": stamp, "s": "BTCUSDT", "p": price, "i": price, "P": price, "r": rate, "T": settles}
        scene.heard.desk.take(json.dumps(body, separators=(",", ":")).encode(), scene.now_ns, 0)

    mark("100.0", "0.00010000", due)
    scene.now_ns += 59 * SECOND_NS
    mark("101.04", "0.00012345", due)
    assert scene.heard.of(FundingSettled) == []
    scene.now_ns += 2 * SECOND_NS
    mark("102.0", "0.00001000", due + 8 * 3_600_000)
    mark("102.0", "0.00001000", due + 8 * 3_600_000)
    assert scene.heard.of(FundingSettled) == [FundingSettled(0, scene.now_ns, 12_345, 1_010)]
    scene.now_ns -= SECOND_NS
    mark("101.04", "0.00012345", due)  # as another connection, which is late, has told it
    scene.now_ns += 2 * SECOND_NS
    mark("102.1", "0.00001000", due + 8 * 3_600_000)
    assert len(scene.heard.of(FundingSettled)) == 1
