"""A live run from the candles before it to its end: nothing is traded on what has passed, no candle is missing, and its end is orderly."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from metastackerbandit.domain.errors import StorageFailed
from metastackerbandit.domain.inputs import BarClosed, Control, FundingSettled, Input
from metastackerbandit.domain.kernel import rows, struct_of
from metastackerbandit.domain.market_rows import MarkRow
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.settings import UpkeepSettings
from metastackerbandit.runtime.replay import moment
from metastackerbandit.runtime.settings import UpkeepWorkerSettings
from tests.covering import covers
from tests.runtime.live_scene import WARM, LiveScene

KLINES = "/fapi/v1/klines"


@pytest.mark.parametrize("has_account", [False, True])
def test_what_was_before_is_heard_under_a_pause_and_trading_begins_with_now(has_account: bool) -> None:
    scene = LiveScene(has_account=has_account)

    async def script() -> None:
        assert [(one.word, one.at_ns) for one in scene.controls()] == [
            ("pause", scene.closed(0)[0].opened_ns),
            ("resume", scene.network.now_ns()),
        ]
        assert isinstance(scene.inputs[0], Control) and isinstance(scene.inputs[-1], Control), "the pause is around all of it"
        assert len(scene.closed(0)) == len(scene.closed(1)) == WARM
        assert scene.run.warmed == scene.engine.world.account[0].decisions > 0 and scene.engine.world.account[0].orders == 0
        await asyncio.sleep(130.0)
        assert scene.engine.world.account[0].decisions > scene.run.warmed
        assert all(scene.lots), "the first candle of now is traded on"
        assert not has_account or scene.lots == scene.venue_lots

    scene.play(script)
    moments = [moment(one) for one in scene.inputs]
    assert moments == sorted(moments)


def test_a_lost_connection_costs_no_candle() -> None:
    scene = LiveScene()

    async def script() -> None:
        await asyncio.sleep(100.0)
        before = scene.network.asked.count(KLINES)
        assert scene.run.live == ("BTCUSDT", "ETHUSDT")
        scene.network.drop()
        await asyncio.sleep(140.0)
        assert scene.network.asked.count(KLINES) >= before + 2, "the minute of the break, of each symbol"
        assert scene.run.live == ("BTCUSDT", "ETHUSDT") and scene.happened("closed") >= 2

    scene.play(script)
    for s in (0, 1):
        opened = [bar.opened_ns for bar in scene.closed(s)]
        assert opened == list(range(opened[0], opened[0] + len(opened) * MINUTE_NS, MINUTE_NS)) and len(opened) >= WARM + 3
        ranged = [bar.high - bar.low for bar in scene.closed(s)[WARM:]]
        assert min(ranged) > 0 and all(bar.parts == bar.parts_due for bar in scene.closed(s)), "each was whole when it was told"


def test_a_candle_that_the_venue_has_not_got_is_asked_for_again_and_those_behind_it_wait() -> None:
    scene = LiveScene(mend_s=0.5)

    async def script() -> None:
        answer = scene.network.ask

        async def away(url: str, *given: object, **named: object) -> object:
            if KLINES in url:
                scene.network.asked.append(KLINES)
                return (await answer(url.replace("BTCUSDT", "NOSUCH"))) if is_away else await answer(url, *given, **named)  # type: ignore[arg-type]
            return await answer(url, *given, **named)  # type: ignore[arg-type]

        is_away = True
        scene.network.ask = away  # type: ignore[method-assign,assignment]
        await asyncio.sleep(150.0)
        assert scene.happened("candle_failed") > 10 and len(scene.closed(0)) == WARM and scene.run.market.waits(0) >= 2
        is_away = False
        await asyncio.sleep(10.0)
        assert scene.run.market.waits(0) == 0 and len(scene.closed(0)) >= WARM + 2

    scene.play(script)
    opened = [bar.opened_ns for bar in scene.closed(0)]
    assert opened == list(range(opened[0], opened[0] + len(opened) * MINUTE_NS, MINUTE_NS))


@covers("2.122")
@pytest.mark.parametrize("has_account", [False, True])
def test_an_orderly_end_leaves_every_position(has_account: bool) -> None:
    scene = LiveScene(has_account=has_account)

    async def script() -> None:
        await asyncio.sleep(130.0)
        assert all(scene.lots)

    scene.play(script)
    assert scene.controls()[-1].word == "kill" and scene.lots == [0, 0] and scene.broker.is_idle
    assert scene.broker.differences(scene.engine) == [] and (not has_account or scene.venue_lots == [0, 0])
    assert scene.run.live == ("BTCUSDT", "ETHUSDT"), "as the feed stood when the run was asked to end"


def test_a_run_that_holds_at_its_end_keeps_its_positions() -> None:
    scene = LiveScene(has_account=True, at_end="hold")

    async def script() -> None:
        await asyncio.sleep(130.0)

    scene.play(script)
    assert all(scene.lots) and scene.venue_lots == scene.lots and scene.controls()[-1].word == "resume"
    assert scene.broker.differences(scene.engine) == []


def test_what_a_monitor_asks_for_pauses_the_run() -> None:
    scene = LiveScene()

    async def script() -> None:
        assert not scene.engine.world.account[0].paused
        scene.pauses = True
        await asyncio.sleep(5.0)
        scene.pauses = False
        await asyncio.sleep(150.0)

    scene.play(script)
    asked = [place for place, one in enumerate(scene.inputs) if isinstance(one, Control) and one.word == "pause"]
    assert len(asked) > 1 and scene.lots == [0, 0]
    decided = [one for one in scene.inputs[asked[-1] :] if isinstance(one, BarClosed)]
    assert len(decided) >= 4 and scene.engine.world.account[0].orders == 0, "candles go on, and nothing is traded on them"


def test_queues_are_told_and_a_settlement_too_many_counts_as_it_was_told_before() -> None:
    scene = LiveScene()

    async def script() -> None:
        await asyncio.sleep(5.0)
        assert set(scene.run.depths().now) == {"changes", "snapshots", "requests", "candles", "settlements", "words"}
        now_ns = scene.network.now_ns()
        mark = structs.replace(struct_of(MarkRow, rows(MarkRow, 1)[0]), instrument=1, mark_price=3_000.0, rate=77, settles_ns=now_ns)
        before = len(scene.inputs)
        for _ in range(5):  # two of each of two symbols have room
            scene.run._settle(mark)
        told = [event for event in scene.inputs[before:] if isinstance(event, FundingSettled)]
        assert [(event.instrument, event.rate) for event in told] == [(1, 77)] and scene.happened("funding_failed") == 1
        assert scene.run.depths().now["settlements"] == 4 and scene.run.depths().let_go["settlements"] == 1

    scene.play(script)


@covers("2.002", "2.003")
def test_candles_that_were_told_are_held_against_the_venues_and_what_differs_is_told() -> None:
    scene = LiveScene()
    scene.upkeep = (UpkeepWorkerSettings(every_s=30.0, audit_bars=5), UpkeepSettings(bars=WARM, settle_s=1.0))

    async def script() -> None:
        await asyncio.sleep(300.0)
        assert scene.happened("candle_differs") == scene.happened("candle_failed") == 0, "what was heard is what the venue has"
        closed_bars(scene.run.market.told, 1, 0)[-1:]["close"] += 1
        await asyncio.sleep(35.0)
        assert [(event.symbol, event.count) for event in scene.events if event.what == "candle_differs"] == [("ETHUSDT", 1)]
        await asyncio.sleep(100.0)
        assert scene.happened("candle_differs") == 1, "what is told holds the venue's from then on"

    scene.play(script)
    for s in (0, 1):
        kept = closed_bars(scene.run.market.told, s, 0)
        heard = scene.closed(s)[WARM:]
        assert len(heard) >= 6 and [int(at) for at in kept["opened_ns"][-len(heard) :]] == [bar.opened_ns for bar in heard]
        assert kept["close"][-len(heard) :].tolist() == [bar.close for bar in heard]


def test_an_operators_word_is_taken_by_the_run_itself() -> None:
    scene = LiveScene()

    async def script() -> None:
        asked_ns = scene.network.now_ns()
        assert await scene.run.obey("pause") >= asked_ns and scene.engine.world.account[0].paused
        await scene.run.obey("resume")
        assert not scene.engine.world.account[0].paused

    scene.play(script)
    assert [one.word for one in scene.controls()] == ["pause", "resume", "pause", "resume", "kill"]


def test_a_word_that_cannot_be_kept_ends_the_run() -> None:
    scene = LiveScene()

    def full(event: Input) -> None:
        raise StorageFailed("no space", where="the log", mend="make some")

    async def script() -> None:
        scene.run.trader.take = full  # type: ignore[method-assign]
        with pytest.raises(StorageFailed):
            await scene.run.obey("pause")

    with pytest.raises(StorageFailed, match="no space"):
        scene.play(script)


def test_a_book_that_is_away_holds_no_orders_of_another_back() -> None:
    scene = LiveScene()

    async def script() -> None:
        scene.broker._is_live = lambda book: book != 0
        await asyncio.sleep(130.0)
        assert scene.lots[0] == 0 and scene.lots[1] != 0 and not scene.broker.is_idle
        del scene.broker._is_live
        await asyncio.sleep(1.0)
        assert all(scene.lots), "what waited for its book meets it when it is back"

    scene.play(script)
