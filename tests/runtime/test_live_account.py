"""A whole account in virtual time: begun soundly, followed by its stream, compared from time to time, over a day and over faults."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from metastackerbandit.domain.errors import ConfigRefused, UsageError
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.execution.reconcile import AccountView, Amount
from metastackerbandit.runtime.live_account import LiveAccount, LiveAccountSettings
from metastackerbandit.runtime.live_feed import World
from tests.covering import covers
from tests.markets import instrument
from tests.runtime.order_scene import Scene
from tests.runtime.pretended import Half, Nowhere
from tests.runtime.pretended_exchange import SECRET
from tests.runtime.test_account_terms import RIGHTS
from tests.runtime.test_user_feed import Board
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

DAY_S = 86_400.0


class Whole(Scene):
    """A scene around a whole account."""

    def __init__(self, rate: float = 1.0) -> None:
        super().__init__("perp")
        self.board = Board(lambda n: True)
        self.venue.rights, self.venue.keys, self.venue.rate = RIGHTS, 1, rate
        real = self.venue._do
        mode: tuple[int, Any] = (200, {"code": 200, "msg": "success"})
        self.venue._do = lambda method, path, query: mode if path.endswith("/dual") else real(method, path, query)  # type: ignore[method-assign]

    def build(self) -> None:
        world = World(self.board, self.venue, VirtualClock(), Half(), Nowhere())
        settings = LiveAccountSettings(orders=self.settings)
        self.whole = LiveAccount(
            [self.one],
            "run-1",
            Credentials("key", SECRET),
            world,
            settings,
            report=self.take,
            tell=self.events.append,
            ours=self.ours,
            since_ns=START_NS,
            keep=self.words.append,
        )
        self.desk, self.account = self.whole.desk, self.whole.account
        self.venue.hear = self.board.say

    def ours(self) -> AccountView:
        return AccountView(positions=(("BTCUSDT", sum(one.told for one in self.orders.values())),), amounts=(Amount("USDT", Decimal(1_000)),))


@covers("2.122", "2.123", "2.124")
@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_an_account_is_followed_for_a_day(rate: float) -> None:
    scene = Whole(rate)

    async def work() -> None:
        scene.build()
        running = asyncio.ensure_future(scene.whole.run())
        await asyncio.sleep(10.0)
        assert not scene.desk.holders and scene.account.clock.is_known
        scene.submit(10)
        await asyncio.sleep(5.0)
        stop = scene.stop(-10, 490_000)
        for _ in range(8):
            await asyncio.sleep(DAY_S / 8 / rate)
            assert scene.board.line is not None
            scene.board.line.abort()
        await asyncio.sleep(60.0)
        scene.amend(stop, -10, 495_000)
        await asyncio.sleep(5.0)
        scene.venue.move(494_000)
        await asyncio.sleep(70.0)
        assert not scene.desk.holders and not running.done()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    in_virtual_time(work())
    scene.agree()
    assert scene.venue.lots == 0 and not scene.happened("unmatched") and scene.happened("account_live") == 9


def test_an_account_whose_key_can_withdraw_does_not_begin() -> None:
    scene = Whole()
    scene.venue.rights = RIGHTS | {"enableWithdrawals": True}

    async def work() -> None:
        scene.build()
        with pytest.raises(ConfigRefused, match="can withdraw"):
            await scene.whole.run()

    in_virtual_time(work())
    assert not scene.board.lines


def test_a_venue_that_is_away_at_the_start_is_waited_for() -> None:
    scene = Whole()
    scene.venue.fault = lambda method, path, n: "down" if n < 20 else ""

    async def work() -> None:
        scene.build()
        running = asyncio.ensure_future(scene.whole.run())
        await asyncio.sleep(60.0)
        assert not scene.desk.holders
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    in_virtual_time(work())
    assert scene.happened("account_unread") > 0


def test_fills_are_asked_for_by_days_while_there_was_none() -> None:
    scene = Scene("perp")

    async def script() -> None:
        await asyncio.sleep(3.5 * DAY_S)
        await scene.desk.recover()
        assert sum(path.endswith("userTrades") for _, _, path in scene.venue.asked) == 4
        await scene.desk.recover()
        assert sum(path.endswith("userTrades") for _, _, path in scene.venue.asked) == 5

    scene.play(script)


def test_an_account_is_of_one_market_that_can_be_read() -> None:
    scene = Whole()
    for ones in ([scene.one, instrument("BTCUSDT", "spot", "BINANCE")], [instrument("BTCUSDT", "perp", "HYPERLIQUID")]):
        with pytest.raises(UsageError, match="one market"):
            scene_of(scene, ones)


def scene_of(scene: Whole, ones: list[Any]) -> LiveAccount:
    world = World(scene.board, scene.venue, VirtualClock(), Half(), Nowhere())
    sinks = {"report": scene.take, "tell": scene.events.append, "ours": scene.ours, "keep": scene.words.append}
    return LiveAccount(ones, "run-1", Credentials("key", SECRET), world, LiveAccountSettings(), since_ns=START_NS, **sinks)  # type: ignore[arg-type]
