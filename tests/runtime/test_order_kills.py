"""An engine that is killed at any point of its orders' lives and started again: nothing is sent twice, no fill is lost, both views end equal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.covering import covers
from tests.runtime.order_scene import Life, Scene
from tests.runtime.pretended_exchange import FAULTS

SEEDS = int(os.environ.get("MSB_SOAK_SEEDS", "60"))  # of random stories of each market; `make soak` sets more, and has every point killed
STEP = 1 if "MSB_SOAK_SEEDS" in os.environ else 2


async def story(scene: Scene, down_s: float) -> None:
    """Entries in two fills each, a stop and a target that follow price and position, an exit, a trigger; dead for `down_s` where killed.

    As the engine has it, a stop is of what is held, which bounds what it may fill.
    """
    venue = scene.venue
    venue.partly, venue.coins = 2, 10.0

    async def then(seconds: float, *acts: Callable[[], object]) -> None:
        for act in acts:
            if scene.life.is_dead:
                await asyncio.sleep(down_s)
                await scene.revive()
            act()
        await asyncio.sleep(seconds)

    def follow(order: int, price: int) -> None:
        scene.amend(order, -sum(ours.told for ours in scene.orders.values()) or -1, price)

    await then(0.5, lambda: scene.submit(10))
    await then(0.5, lambda: scene.stop(-10, 490_000))
    await then(0.05, lambda: follow(2, 492_000))
    await then(0.5, lambda: follow(2, 493_000))
    if not venue.is_spot:  # where a stop locks nothing
        await then(0.3, lambda: scene.target(-10, 505_000))
        await then(0.3, lambda: follow(3, 504_000))
        await then(0.3, lambda: scene.submit(7))
        await then(0.3, lambda: follow(2, 493_000))
        await then(0.5, lambda: scene.cancel(3))
    await then(0.5, lambda: scene.submit(-5, reduces=True))
    await then(0.5, lambda: follow(2, 493_500))
    await then(0.5, lambda: venue.move(491_000))  # the stop is triggered
    await scene.settle()


@covers("2.122", "2.123", "2.124")
@pytest.mark.parametrize("down_s", [0.0, 3.0, 40.0])
@pytest.mark.parametrize(("market", "books"), [("spot", 1), ("perp", 1), ("perp", 2)])
def test_a_process_that_is_killed_at_any_write_question_or_turn_is_taken_up(market: str, books: int, down_s: float) -> None:
    whole = Scene(market, books)
    whole.play(lambda: story(whole, down_s))
    whole.agree()
    last = whole.life.points
    assert last > 200
    for point in range(1 + int(down_s) % STEP, last + 1, STEP):
        scene = Scene(market, books)
        scene.life = Life(point)
        scene.play(lambda scene=scene: story(scene, down_s))  # type: ignore[misc]
        try:
            scene.agree()
            assert market == "spot" or scene.told(2)[-1] != "cancelled", "what was cancelled to make room must be put back"
        except AssertionError as error:
            raise AssertionError(f"{market}, killed at point {point} of {last}, down for {down_s:g} s: {error}") from error


actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 40)),
        st.tuples(st.sampled_from(["stop", "target", "move"]), st.integers(-30, 30)),
        st.tuples(st.sampled_from(["cancel", "amend"]), st.integers(1, 6)),
    ),
    min_size=1,
    max_size=9,
)


@covers("2.122", "2.123", "2.124", "2.125")
@pytest.mark.parametrize("market", ["spot", "perp"])
@given(
    asked=actions,
    faults=st.lists(st.sampled_from(FAULTS), max_size=10),
    deaths=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    down_s=st.sampled_from([0.0, 0.5, 8.0, 60.0]),
    pauses=st.lists(st.sampled_from([0.0, 0.01, 0.1, 1.0, 6.0]), min_size=1, max_size=5),
    copies=st.lists(st.sampled_from([1, 1, 2, 0]), min_size=1, max_size=7),
)
@settings(max_examples=SEEDS, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_lost_and_whenever_it_is_killed_both_views_end_equal(
    market: str,
    asked: list[tuple[str, int]],
    faults: list[str],
    deaths: list[int],
    down_s: float,
    pauses: list[float],
    copies: list[int],
) -> None:
    scene = Scene(market, books=2)  # stops and targets are of any size, as where several books share a symbol
    venue, heard = scene.venue, [0]
    venue.coins, venue.partly = 10.0, 2
    venue.fault = lambda method, path, n: faults[n] if n < len(faults) and "order" in path.lower() else ""
    scene.life, scene.deaths = Life(deaths[0]), deaths[1:]

    def copied() -> int:
        heard[0] += 1
        return copies[heard[0] % len(copies)]

    venue.copies = copied

    async def script() -> None:
        for n, (what, number) in enumerate(asked):
            if scene.life.is_dead:
                await asyncio.sleep(down_s)
                await scene.revive()
            match what:
                case "buy" | "sell":
                    scene.submit(number if what == "buy" else -number)
                case "stop" if number:
                    scene.stop(5 if number > 0 else -5, venue.price + number * 100)
                case "target" if number:
                    scene.target(-5 if number > 0 else 5, venue.price + number * 100)
                case "move":
                    venue.move(max(venue.price + number * 100, 1_000))
                case "cancel" if number in scene.orders:
                    scene.cancel(number)
                case "amend" if number in scene.orders and scene.orders[number].lots == 5:
                    side = 1 if n % 2 else -1
                    scene.amend(number, side * 5, venue.price + side * 3_000 + n)
                case _:
                    pass
            await asyncio.sleep(pauses[n % len(pauses)])
        await scene.settle()

    scene.play(script)
    scene.agree()
