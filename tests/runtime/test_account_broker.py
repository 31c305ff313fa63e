"""An account at a venue and the engine's ledger: after whatever was traded they say the same, to the last unit of money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.rows import FILLED, MARKET
from metastackerbandit.runtime.new_risk import DayBefore, Guard, NewRisk
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.storage.unlocks import Locked, Terms, Unlock
from tests.covering import covers
from tests.practice.walking import KEY
from tests.runtime.live_scene import LiveScene
from tests.runtime.virtual_time import in_virtual_time


def wallet(scene: LiveScene) -> Decimal:
    """What the account has at the venue, in the quote asset."""
    held: int = scene.network.usdm.exchange.perp.wallets[KEY.owner]
    return Decimal(held) / Decimal(ASSET_ONE)


@covers("2.122", "2.124")
@settings(max_examples=5)
@given(seed=st.integers(0, 2**31 - 1), minutes=st.integers(3, 9))
def test_the_wallet_that_the_ledger_implies_is_the_venues_to_the_last_unit(seed: int, minutes: int) -> None:
    scene = LiveScene("random_entries", has_account=True, seed=seed)
    seen: list[int] = []

    async def script() -> None:
        for _ in range(minutes):
            await asyncio.sleep(60.0)
            view = scene.broker._ours()
            assert [one.value for one in view.amounts] == [wallet(scene)] and dict(view.positions) == dict(
                zip(("BTCUSDT", "ETHUSDT"), scene.venue_lots, strict=True)
            )
            seen.append(len(scene.sink.kept().fills))

    scene.play(script)
    assert scene.broker.differences(scene.engine) == [] and scene.lots == scene.venue_lots == [0, 0]
    assert [one.value for one in scene.broker._ours().amounts] == [wallet(scene)]
    assert len(scene.sink.kept().fills) >= 4 and wallet(scene) != 1_000_000, "each symbol was traded, and fees were paid"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_what_somebody_else_trades_at_the_account_is_told_with_its_size(side: str) -> None:
    scene = LiveScene(has_account=True)

    async def script() -> None:
        await asyncio.sleep(5.0)
        scene.network.usdm.order(type="MARKET", side=side, quantity="0.01")
        await scene.broker.compare()
        found = {one["kind"]: one for one in scene.broker.differences(scene.engine)}
        lots = 1_000 if side == "BUY" else -1_000
        assert (found["position"]["symbol"], found["position"]["ours"], found["position"]["venue"]) == ("BTCUSDT", "0", f"{lots}")
        assert Decimal(found["amount"]["venue"]) == wallet(scene) < Decimal(found["amount"]["ours"]) == 1_000_000

    scene.play(script)


LIMITS = HardLimits("USDT", 1_000 * 10**8, 1_500 * 10**8, 1_000 * 10**8, 20, 3, 10**15)
UNLOCK = Unlock(Terms("loopback", "perp", ("BTCUSDT", "ETHUSDT"), "615", "USDT", 0, 2**62, "ada", "why", "hash"), 1, "seal")


def guarded(scene: LiveScene, unlocked: Callable[[], Unlock | Locked], limits: HardLimits = LIMITS) -> None:
    """The scene's account takes new risk as limits and unlock allow."""
    scene.guard = lambda engine: Guard(NewRisk(scene.made, engine, limits, unlocked, DayBefore(0, 0, 0)).objection)


@pytest.mark.parametrize("seed", [3, 8])
def test_an_account_never_comes_to_more_than_its_limits_allow(seed: int) -> None:
    """A purchase of BTC is worth some 600 USDT, one of ETH 30: not both fit."""
    scene = LiveScene("random_entries", has_account=True, seed=seed)
    guarded(scene, lambda: UNLOCK)
    worst: list[float] = []

    async def script() -> None:
        for _ in range(12):
            await asyncio.sleep(30.0)
            marks = scene.network.usdm.exchange.marks
            worst.append(sum(abs(lots) * int(mark) * worth for lots, mark, worth in zip(scene.venue_lots, marks, (1e-7, 1e-6), strict=True)))

    scene.play(script)
    entries = [row for row in scene.sink.kept().orders if row["kind"] == MARKET and not row["reduce_only"] and row["state"] == FILLED]
    assert 0 < max(worst) <= 615 * 1.01 and 0 < len(entries) <= 3, "a percent: prices move after an order was looked at"
    assert scene.happened("limit_refused") > 0 and scene.lots == scene.venue_lots == [0, 0], "what was held has left all the same"


def test_an_unlock_that_is_taken_back_ends_new_risk_and_not_the_way_out() -> None:
    scene = LiveScene(has_account=True)
    words: list[Unlock | Locked] = [UNLOCK]
    guarded(scene, lambda: words[-1], HardLimits("USDT", 10**15, 10**15, 10**15, 20, 100, 10**15))
    words[0] = structs.replace(UNLOCK, terms=structs.replace(UNLOCK.terms, max_notional="1000000"))

    async def script() -> None:
        await asyncio.sleep(65.0)
        assert all(lots > 0 for lots in scene.venue_lots)
        words.append(Locked("locked"))
        await asyncio.sleep(5.0)

    scene.play(script)
    assert scene.lots == scene.venue_lots == [0, 0] and scene.broker.differences(scene.engine) == []


def test_a_wallet_that_holds_less_than_the_run_counts_on_is_refused_before_anything_is_sent() -> None:
    scene = LiveScene(has_account=True)
    scene.guard = lambda engine: Guard(least_wallet=Decimal(1_000_001))

    async def work() -> None:
        passing = asyncio.ensure_future(scene.network.run())
        scene.build()
        with pytest.raises(ConfigRefused, match=r"the wallet holds 1000000.* and account.deposit says 1000001"):
            await scene.run.run(asyncio.Event())
        passing.cancel()

    in_virtual_time(work())
    assert scene.legs == []
