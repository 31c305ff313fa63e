"""What the loopback exchange and a live run need at their start, compiled beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metastackerbandit.domain.capture import Capture
    from metastackerbandit.domain.inputs import Input
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.engine.plan import Plan
    from metastackerbandit.runtime.book_feed import Feeds
    from metastackerbandit.runtime.live_take import Taken


def live_jobs(capture: Callable[[], Capture], one: Instrument) -> list[tuple[str, Callable[[], object]]]:
    """Names and jobs; `capture` has the frames of a made feed of `one`, a perpetual."""
    return [("loopback exchange", serve), ("live market", lambda: follow(capture(), one))]


def serve() -> None:
    """Make both markets of an exchange, with a short past, and let them go on."""
    from metastackerbandit.cli.venue_asked import Served
    from metastackerbandit.cli.venue_made import foreseen, made_markets
    from metastackerbandit.cli.venue_process import venue_of
    from metastackerbandit.domain.timeframe import SECOND_NS
    from metastackerbandit.practice.made_source import MadeSource

    asked = Served(
        port=0,
        tls_port=None,
        speed=1.0,
        step_s=1.0,
        markets=("spot", "perp"),
        preset="normal",
        symbols=("BTCUSDT",),
        seed=1,
        days=2,
        seconds=None,
        faults=(),
    )
    markets = made_markets(asked)
    venue, _ = venue_of(markets)
    for side in venue.sides:
        side.desk.floor.advance(side.desk.floor.now_ns + 5 * SECOND_NS)
    source = markets.sides["perp"].source
    assert isinstance(source, MadeSource), "made markets have made sources"
    foreseen(asked, source)


def follow(capture: Capture, one: Instrument) -> None:
    """Follow a feed with a live market, and bring orders of every kind to its books."""
    from metastackerbandit.domain.bar import Bar
    from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
    from metastackerbandit.domain.inputs import Input
    from metastackerbandit.domain.kernel import rows
    from metastackerbandit.domain.recording import Recording
    from metastackerbandit.domain.rows import MARKET, STOP, TARGET
    from metastackerbandit.domain.timeframe import MINUTE_NS
    from metastackerbandit.engine.plan import plan_of
    from metastackerbandit.engine.settings import EngineSettings
    from metastackerbandit.exchanges.account import grids_of
    from metastackerbandit.market.settings import BarSettings, QualitySettings
    from metastackerbandit.runtime.feed_desk import FeedDesk
    from metastackerbandit.runtime.health import empty_health
    from metastackerbandit.runtime.live_market import LiveMarket
    from metastackerbandit.runtime.paper_broker import PaperBroker
    from metastackerbandit.simulation.settings import SimulationSettings

    first_ns, told = int(capture.received_ns[0]), list[Input]()
    recording = Recording((one,), MINUTE_NS, (rows(Bar, 0),), (None,), (True,), "warm", "warm")
    plan = plan_of(recording, "1m", "buy_and_hold", EngineSettings())

    def passing(now_ns: int) -> None:
        broker.passing(now_ns)
        market.passing(now_ns)

    def hear(taken: Taken, feeds: Feeds, now_ns: int) -> None:
        broker.hear(taken, now_ns)
        market.hear(taken, now_ns)

    quality = QualitySettings()
    desk = FeedDesk([one], empty_health(1, first_ns), quality, first_ns, most_bytes=2**22, most_waiting=1_000, hear=hear, passing=passing)
    market = LiveMarket(plan, desk, BarSettings(), told.append, lambda s, opened_ns: None)
    broker = PaperBroker(plan, desk, SimulationSettings(), told.append)
    market.listens(0, first_ns)
    for n in range(len(capture.starts)):
        now_ns = int(capture.received_ns[n])
        if capture.asked[n] >= 0:
            desk.take_snapshot(0, capture.frame(n), now_ns)
        else:
            desk.take(capture.frame(n), now_ns, 0)
    market.look(now_ns + 3 * MINUTE_NS)
    best = desk.best(0)
    assert best is not None, "the made feed has a book"
    for number, (kind, lots, ticks) in enumerate(((MARKET, 1, 0), (STOP, -1, best[0] // 2), (TARGET, -1, best[2] + 1)), 1):
        broker.act(SubmitOrder(0, number, 1, kind, lots, ticks, int(kind != MARKET), 0, now_ns))
    broker.act(AmendOrder(0, 2, -1, best[0] // 3, now_ns))
    broker.act(CancelOrder(0, 3, now_ns))
    grids_of([one]).lots(0, one.lot_size, "warm")  # as sizes in an account are read


def log(plan: Plan, inputs: Iterable[Input]) -> None:
    """Run inputs as a log of them is verified, and step what a live run alone is told: a second of a book, a report."""
    import numpy as np

    from metastackerbandit.backtest.logged import logged_of, run_logged
    from metastackerbandit.domain.inputs import OrderReport, SecondSeen
    from metastackerbandit.domain.kernel import layout, rows, struct_of
    from metastackerbandit.domain.seconds import SecondRow
    from metastackerbandit.domain.sink import MemorySink
    from metastackerbandit.engine.engine import Engine, step_report
    from metastackerbandit.engine.gates import GATES
    from metastackerbandit.engine.world import empty_out

    run_logged(plan, logged_of(inputs), MemorySink())
    engine = Engine(plan)
    engine.step(SecondSeen(0, struct_of(SecondRow, rows(SecondRow, 1)[0])))
    step_report(engine.world, empty_out(len(GATES), 4, 1_024, 4), np.zeros(1, layout(OrderReport)), 0)  # of no order: it is refused
