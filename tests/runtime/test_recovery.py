"""A run that is killed at any moment and taken up again: its engine is what it was, its account what its ledger says, to the last unit."""

from __future__ import annotations

import asyncio
import copy
import os
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.backtest.logged import logged_of, run_logged
from metastackerbandit.domain.inputs import BarClosed, OrderReport
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from tests.covering import covers
from tests.markets import same_bytes
from tests.practice.walking import KEY
from tests.runtime.live_scene import LiveScene

SEEDS = int(os.environ.get("MSB_SOAK_SEEDS", "5"))  # `make soak` sets 200


@covers("2.124", "4.13")
@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**31 - 1),
    kills=st.lists(st.tuples(st.floats(0.3, 130.0), st.sampled_from([0.0, 2.0, 45.0, 150.0])), min_size=1, max_size=4),
    has_account=st.booleans(),
    keeps=st.booleans(),
)
def test_whenever_it_is_killed_nothing_is_lost_and_nothing_done_twice(
    seed: int, kills: list[tuple[float, float]], has_account: bool, keeps: bool
) -> None:
    scene = LiveScene("random_entries", has_account=has_account, seed=seed)

    async def script() -> None:
        await asyncio.sleep(100.0)
        for lives_s, down_s in kills:
            await asyncio.sleep(lives_s)
            before, known = scene.engine.snapshot(), structs.replace(copy.deepcopy(scene.past), legs=(), lots=[])
            await scene.killed(down_s)
            assert scene.replayed == before
            assert scene.known == known, "what was asked and told stands as it stood"
            if keeps:
                scene.keep()
        await asyncio.sleep(100.0)

    scene.play(script)
    assert scene.broker.differences(scene.engine) == [] and scene.lots == [0, 0] and len(scene.sink.kept().fills) > 0
    if has_account:
        wallet = Decimal(scene.network.usdm.exchange.perp.wallets[KEY.owner]) / Decimal(ASSET_ONE)
        assert [one.value for one in scene.broker._ours().amounts] == [wallet] and scene.venue_lots == [0, 0]
        trades = [(event.instrument, event.trade) for event in scene.inputs if isinstance(event, OrderReport) and event.lots]
        assert len(set(trades)) == len(trades) and all(trade for _, trade in trades)
    for s in (0, 1):
        opened = [event.bar.opened_ns for event in scene.inputs if isinstance(event, BarClosed) and event.instrument == s]
        assert opened == list(range(opened[0], opened[0] + len(opened) * MINUTE_NS, MINUTE_NS)), "no candle is missing, and none is told twice"
    again = MemorySink()
    run_logged(scene.made, logged_of(scene.inputs), again)
    same_bytes(scene.sink.kept(), again.kept())
