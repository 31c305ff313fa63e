"""Rules that change in a run: new risk on that symbol is held, with the change in words, and nothing else stops."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import Question
from metastackerbandit.runtime.rules_watch import RulesWatch
from tests.covering import covers
from tests.runtime.order_scene import Scene
from tests.runtime.virtual_time import VirtualClock


async def watched(scene: Scene) -> asyncio.Task[None]:
    """The watch, which has looked once."""
    watch = RulesWatch(scene.desk, [scene.one, scene.one], VirtualClock(), scene.settings, scene.events.append)
    running = asyncio.ensure_future(watch.run())
    await asyncio.sleep(5.0)
    return running


async def ended(running: asyncio.Task[None]) -> None:
    """It is cancelled, and had not ended by itself."""
    assert not running.done(), running
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@covers("2.123")
@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"tick_size": "0.5", "min_notional": "5"}, "prices go in steps of 0.5"),
        ({"lot_size": "0.01", "min_quantity": "0.01"}, "quantities go in steps of 0.01"),
        ({"min_notional": "50"}, "the least notional is 50"),
        ({"status": "BREAK"}, "its state is BREAK"),
        ({"gone": ""}, "not listed any more"),
    ],
)
def test_a_changed_rule_holds_new_risk_and_lets_exits_and_stops_go_until_it_is_back(rules: dict[str, Any], words: str) -> None:
    scene = Scene("perp", rules_s=60.0)

    async def script() -> None:
        running = await watched(scene)
        entry = scene.submit(10)
        await asyncio.sleep(2.0)
        assert scene.told(entry)[-1] == "filled" and not scene.happened("rules_changed")
        scene.venue.rules = rules
        await asyncio.sleep(70.0)
        assert [words in event.words for event in scene.events if event.what == "rules_changed"] == [True]
        refused, stop, leaving = scene.submit(10), scene.stop(-10, 490_000), scene.submit(-5, reduces=True)
        await asyncio.sleep(5.0)
        assert (scene.told(refused), scene.told(stop), scene.told(leaving)[-1]) == (["rejected"], ["working"], "filled")
        assert any(words in event.words for event in scene.events if event.what == "order_refused")
        scene.venue.rules = {}
        await asyncio.sleep(70.0)
        again = scene.submit(5)
        await asyncio.sleep(2.0)
        assert scene.told(again)[-1] == "filled" and scene.happened("rules_back") == 1
        await ended(running)

    scene.play(script)


def test_a_refused_order_brings_the_next_look_forward_and_many_are_one_question() -> None:
    scene = Scene("perp", rules_s=3_600.0, failures_to_open=100)

    async def script() -> None:
        running = await watched(scene)
        scene.venue.refuse = lambda asked: (-4014, "Price not increased by tick size.")
        scene.venue.rules = {"tick_size": "0.5"}
        for _ in range(20):
            scene.submit(10)
        await asyncio.sleep(10.0)
        assert scene.happened("rules_changed") == 1 and scene.happened("order_refused") >= 20
        assert sum(path.endswith("exchangeInfo") for _, _, path in scene.venue.asked) in (2, 3)
        await ended(running)

    scene.play(script)


def test_a_venue_that_does_not_tell_its_rules_is_asked_again_and_changes_nothing() -> None:
    scene = Scene("perp", rules_s=30.0)
    scene.venue.fault = lambda method, path, n: "down" if path.endswith("exchangeInfo") else ""

    async def script() -> None:
        running = await watched(scene)
        assert scene.happened("account_unread") == 1
        entry = scene.submit(10)
        await asyncio.sleep(2.0)
        assert scene.told(entry)[-1] == "filled"
        await ended(running)

    scene.play(script)


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_all_symbols_rules_are_asked_for_and_not_those_of_the_first(market: str) -> None:
    """Binance spot tells one symbol's alone where one is named: the others would look as if they were gone."""
    scene, asked = Scene(market), list[str]()

    async def script() -> None:
        real = scene.account.told

        async def told(question: Question, one: Instrument) -> bytes:
            asked.append(one.symbol)
            return await real(question, one)

        scene.account.told = told  # type: ignore[method-assign]
        await ended(await watched(scene))

    scene.play(script)
    assert asked == [""] and not scene.happened("rules_changed")
