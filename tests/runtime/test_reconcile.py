"""Reconciliation in virtual time: what lasts holds new risk back, what passes or is mended does not, what is accepted stays accepted at its size."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from metastackerbandit.execution.reconcile import AccountView, Amount
from metastackerbandit.runtime.reconcile import Reconciler
from tests.covering import covers
from tests.runtime.order_scene import Scene
from tests.runtime.pretended_exchange import Known
from tests.runtime.virtual_time import VirtualClock


class Account(Scene):
    """A scene with a reconciler; `wallet` is what the engine thinks there is, in quote currency."""

    wallet = Decimal(1_000)

    def build(self) -> None:
        super().build()
        self.reconciler = Reconciler(self.desk, [self.one], self.ours, VirtualClock(), self.settings, self.events.append)

    def ours(self) -> AccountView:
        lots = sum(ours.told for ours in self.orders.values())
        if self.one.market == "spot":
            return AccountView(amounts=(Amount("BTC", Decimal("0.5")),))
        return AccountView(positions=(("BTCUSDT", lots),), amounts=(Amount("USDT", self.wallet),))


@covers("2.124")
def test_what_is_equal_is_free_and_what_lasts_is_held_until_it_is_accepted() -> None:
    scene = Account("perp")

    async def script() -> None:
        scene.submit(10)
        await asyncio.sleep(1.0)
        scene.stop(-10, 490_000)
        scene.target(-10, 510_000)
        await asyncio.sleep(1.0)
        assert await scene.reconciler.check() == () and not scene.desk.holders
        scene.venue.orders.append(Known(9, "web_1", 1, "LIMIT", 4, 400_000, 0, False))
        scene.venue.lots += 2
        first = await scene.reconciler.check()
        assert [(one.kind, one.name, one.amount) for one in first] == [("order foreign", "web_1", 4), ("position", "BTCUSDT", 2)]
        assert scene.desk.holders == ("reconciliation",)
        assert scene.reconciler.accept(first[0].key) and not scene.reconciler.accept("nothing")
        assert scene.desk.holders and scene.reconciler.accept(first[1].key) and not scene.desk.holders
        assert await scene.reconciler.check() == ()
        scene.venue.lots += 1
        (other,) = await scene.reconciler.check()
        assert other.amount == 3, "a difference of another size is another difference"

    scene.play(script)
    assert scene.happened("unmatched") == 3 and scene.happened("matched") == 1


def test_what_was_only_missed_is_asked_for_and_is_no_difference() -> None:
    scene = Account("perp")

    async def script() -> None:
        scene.submit(10)
        await asyncio.sleep(1.0)
        stop, target = scene.stop(-10, 490_000), scene.target(-5, 501_000)
        await asyncio.sleep(1.0)
        scene.is_away = True
        scene.venue.move(501_000)
        scene.venue.end(scene.venue.orders[1], "CANCELED")
        await asyncio.sleep(1.0)
        assert scene.told(target) == ["working"] == scene.told(stop)
        assert await scene.reconciler.check() == () and not scene.desk.holders
        assert scene.told(target)[-1] == "filled" and scene.told(stop)[-1] == "cancelled"

    scene.play(script)
    scene.agree()


def test_an_order_under_way_is_no_difference_and_one_of_another_run_is() -> None:
    scene = Account("perp")

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "lost after" if method == "POST" else ""
        scene.stop(-10, 490_000)
        await asyncio.sleep(1.0)
        assert await scene.reconciler.check() == ()
        scene.venue.orders.append(Known(9, "msb-bbbbbbbb-1-1-0", 1, "LIMIT", 4, 400_000, 0, False))
        (found,) = await scene.reconciler.check()
        assert (found.kind, found.name) == ("order unknown", "msb-bbbbbbbb-1-1-0")

    scene.play(script)


def test_spot_is_compared_by_what_it_holds() -> None:
    scene = Account("spot")

    async def script() -> None:
        scene.venue.coins = 0.5
        assert await scene.reconciler.check() == ()
        scene.venue.coins = 0.4
        (found,) = await scene.reconciler.check()
        assert (found.kind, found.name, found.amount) == ("amount", "BTC", Decimal("-0.1"))

    scene.play(script)


def test_it_is_looked_at_from_time_to_time_and_a_venue_that_is_down_changes_nothing() -> None:
    scene = Account("perp")

    async def script() -> None:
        running = asyncio.ensure_future(scene.reconciler.run())
        await asyncio.sleep(1.0)
        scene.wallet = Decimal(900)
        await asyncio.sleep(70.0)
        assert scene.desk.holders == ("reconciliation",) and scene.reconciler.found[0].amount == 100
        scene.venue.fault = lambda method, path, n: "down"
        scene.wallet = Decimal(1_000)
        await asyncio.sleep(70.0)
        assert scene.desk.holders and scene.happened("account_unread") >= 1
        scene.venue.fault = lambda method, path, n: ""
        await asyncio.sleep(70.0)
        assert not scene.desk.holders
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    scene.play(script)
