"""Paper orders on recorded books: what they get is what stood there, every fill is told once, and a log of it all is run again to the bit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.backtest.logged import logged_of, run_logged
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import Input, OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import rate_up
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, MARKET, ON_STOP, ON_TARGET, PARTLY_FILLED, REJECTED, SENT, STOP, TARGET, WORKING
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan, deposit_row
from metastackerbandit.execution.lifecycle import advance
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.paper_broker import PaperBroker
from metastackerbandit.runtime.replay import Driver, moment
from metastackerbandit.runtime.trader import Trader
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import ArmSettings, RandomEntries
from metastackerbandit.storage.instruments import rules_of_capture
from tests.markets import same_bytes
from tests.runtime.test_capture_recording import FIXED
from tests.runtime.test_live_market import Heard, captured, plan


def ruled() -> tuple[Instrument, ...]:
    """The recorded instrument under the rules that we ship."""
    return tuple(rules_of_capture(one, 60_000.0, None)[0] for one in instruments_in(captured()))


class Paper:
    """The recorded session from its snapshot on, frame by frame, with a paper broker beside the market."""

    def __init__(self, latency_ms: float = 0.0, made: Plan | None = None) -> None:
        self.capture = captured()
        self.made = made or plan(ruled(), ("1m",))
        self.heard = Heard(self.made, int(self.capture.received_ns[0]))
        self.reports: list[OrderReport] = []
        self.broker = PaperBroker(self.made, self.heard.desk, SimulationSettings(latency_ms=latency_ms), self.reports.append)
        desk = self.heard.desk
        desk._passing = self._passing
        desk._hear = self._hear
        self.place, self.now_ns = 0, 0
        self.order = 0
        while desk.state(0) != "live" or desk.best(0) is None:
            self.step()

    def _hear(self, taken: Taken, feeds: Feeds, now_ns: int) -> None:
        self.broker.hear(taken, now_ns)
        self.heard.market.hear(taken, now_ns)

    def _passing(self, now_ns: int) -> None:
        self.broker.passing(now_ns)
        self.heard.market.passing(now_ns)

    def step(self) -> None:
        """One frame."""
        n, self.place = self.place, self.place + 1
        self.now_ns = int(self.capture.received_ns[n])
        if self.capture.asked[n] >= 0:
            self.heard.desk.take_snapshot(0, self.capture.frame(n), self.now_ns)
        else:
            self.heard.desk.take(self.capture.frame(n), self.now_ns, 0)

    def send(self, kind: int, lots: int, trigger: int = 0, reduce_only: int = 0) -> list[OrderReport]:
        """An order now."""
        self.order += 1
        return self.broker.act(SubmitOrder(0, self.order, 1, kind, lots, trigger, reduce_only, 0, self.now_ns))

    def walked(self, lots: int) -> list[tuple[int, int]]:
        """What the followed book gives a market order: (ticks, lots) of each price."""
        book, row = self.heard.desk.market.book, self.heard.desk.market.book.row[0]
        side, count = (book.asks[0], int(row["asks"])) if lots > 0 else (book.bids[0], int(row["bids"]))
        left, found = abs(lots), []
        for ticks, size in side[:count][::-1].tolist():
            if left == 0:
                break
            found.append((ticks, min(size, left)))
            left -= found[-1][1]
        return found


@settings(max_examples=6)
@given(orders=st.lists(st.tuples(st.integers(0, 300), st.integers(-40_000, 40_000).filter(bool)), min_size=1, max_size=4))
def test_a_market_order_gets_what_the_followed_book_has(orders: list[tuple[int, int]]) -> None:
    paper = Paper()
    unit = paper.made.instruments[0].rules().unit
    for frames, lots in orders:
        for _ in range(frames):
            paper.step()
        wanted = paper.walked(lots)
        told = paper.send(MARKET, lots)
        assert told[0].state == WORKING and told[-1].state == FILLED
        got: dict[int, int] = {}
        for report in told[1:]:
            got[report.ticks] = got.get(report.ticks, 0) + abs(report.lots)
            assert report.fee == rate_up(abs(report.lots) * report.ticks * unit, paper.broker._rates[0].taker)
        # Our own earlier orders may have eaten into prices that have not changed since.
        assert sum(got.values()) == abs(lots)
        assert orders.index((frames, lots)) > 0 or list(got.items()) == wanted


def test_a_target_rests_in_the_book_and_a_stop_waits_for_its_price() -> None:
    paper = Paper()
    assert [report.state for report in paper.send(MARKET, 1_000)][-1] == FILLED
    bid, _, ask, _ = paper.heard.desk.best(0) or (0, 0, 0, 0)
    assert [report.state for report in paper.send(TARGET, -1_000, ask + 5, 1)] == [WORKING]
    assert [report.state for report in paper.send(STOP, -1_000, bid - 20_000, 1)] == [WORKING]
    for _ in range(20_000):
        if paper.reports:
            break
        paper.step()
    fills = [report for report in paper.reports if report.order == 2]
    assert fills and all(report.ticks == ask + 5 and report.lots < 0 for report in fills), "at its own price, as a maker"
    assert sum(report.lots for report in fills) >= -1_000
    stopped = paper.broker.act(CancelOrder(0, 3, paper.now_ns))
    assert [report.state for report in stopped] == [CANCELLED]


def test_a_stop_that_is_moved_past_the_price_goes_to_the_market() -> None:
    paper = Paper()
    paper.send(MARKET, 1_000)
    bid, _, ask, _ = paper.heard.desk.best(0) or (0, 0, 0, 0)
    paper.send(STOP, -1_000, bid - 20_000, 1)
    while int(paper.broker.exchange.queues.row[0]["trade"]) < 2 or not paper.broker.exchange.queues.row[0]["last_ticks"]:
        paper.step()
    told = paper.broker.act(AmendOrder(0, 2, -1_000, ask + 20_000, paper.now_ns))
    assert told[-1].state == FILLED and sum(report.lots for report in told) == -1_000


def test_every_book_of_a_plan_has_an_account_of_its_own() -> None:
    made = plan(ruled(), ("1m", "5m", "15m"))
    exchange = Paper(made=made).broker.exchange
    assert exchange.orders.owners == (1, 2, 3) and exchange.queues.held.shape[1] == len(made.books) + 1


def test_what_only_reduces_expires_without_a_position() -> None:
    paper = Paper()
    assert [report.state for report in paper.send(MARKET, -500, reduce_only=1)][-1] in (EXPIRED, REJECTED)
    paper.send(MARKET, 300)
    told = paper.send(MARKET, -500, reduce_only=1)
    assert [report.state for report in told] == [WORKING, PARTLY_FILLED, EXPIRED] and sum(report.lots for report in told) == -300


def test_an_order_meets_the_book_of_when_it_arrives() -> None:
    paper = Paper(latency_ms=500.0)
    assert paper.send(MARKET, 10) == []
    sent_ns = paper.now_ns
    while not paper.reports:
        paper.step()
    assert paper.reports[0].state == WORKING and paper.reports[0].at_ns >= sent_ns + 500_000_000


class Recorder:
    """An engine that trades the recorded session by seconds through the paper broker, and everything that it was told."""

    def __init__(self, latency_ms: float) -> None:
        exits = ExitSettings(stop_bps=2.0, target_bps=2.0)
        arms = ArmSettings(random_entries=RandomEntries(seed=7, mean_bars=8))
        made = plan(ruled(), ("1s",), "random_entries", structs.replace(FIXED, exits=exits, arms=arms))
        self.paper = paper = Paper(latency_ms, made)
        self.told: list[Input] = []
        self.sink = MemorySink()
        self.sink.ledger(deposit_row(made))
        self.trader = Trader(Driver(Engine(made), paper.broker, self.sink, log=self.told.append), None)
        paper.heard.market._emit = self.trader.take
        paper.broker._deliver = self.trader.take
        paper.heard.market.listens(0, paper.now_ns)


@pytest.mark.parametrize("latency_ms", [0.0, 80.0])
def test_a_paper_runs_log_gives_the_same_decisions_orders_and_fills_in_the_block_driver(latency_ms: float) -> None:
    run = Recorder(latency_ms)
    paper = run.paper
    while paper.place < len(paper.capture.starts):
        paper.step()
    kept = run.sink.kept()
    kinds = {int(row["reason"]) for row in kept.fills}
    assert len(kept.decisions) > 300 and len(kept.fills) >= 15 and kinds & {ON_STOP, ON_TARGET}
    lots = {int(row["order"]): abs(int(row["lots"])) for row in kept.orders[::-1]}
    lives: dict[int, tuple[int, int]] = {}
    for event in run.told:
        if isinstance(event, OrderReport):
            state, filled = lives.get(event.order, (SENT, 0))
            state = int(advance(state, event.state, filled, abs(event.lots), lots[event.order]))
            lives[event.order] = state, filled + abs(event.lots)
    held = run.trader.driver.engine.world.seats[0].position.lots
    assert int(held) == int(paper.broker.exchange.queues.held[0, 1]) == int(kept.fills["lots"].sum())
    moments = [moment(event) for event in run.told]
    assert moments == sorted(moments)
    sink = MemorySink()
    run_logged(paper.made, logged_of(run.told), sink)
    same_bytes(kept, sink.kept())
