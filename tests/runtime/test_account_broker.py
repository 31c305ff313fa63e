"""An account at a venue and the engine's ledger: after whatever was traded they say the same, to the last unit of money."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.simulation.exchange_words import ASSET_ONE
from tests.covering import covers
from tests.practice.walking import KEY
from tests.runtime.live_scene import LiveScene


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
