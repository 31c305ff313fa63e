"""Several connections of the same streams: whatever one of them does, no change and no trade is lost or doubled, and no book leaves live."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.exchanges.streams import SocketPlan, VenueLimits
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed
from metastackerbandit.market.bars import NEVER
from metastackerbandit.runtime.feed_standing import standing_of
from metastackerbandit.runtime.live_feed import backups_of
from metastackerbandit.runtime.live_route import RouteFacts
from metastackerbandit.runtime.settings import HealthSettings
from tests.covering import covers
from tests.runtime.light_scene import LightScene
from tests.runtime.light_venue import Wire

MARKETS = ("spot", "perp")
FAILURES = ("half open", "cut", "closed", "stall")


def fail(wire: Wire, how: str) -> None:
    """One connection fails."""
    if how == "half open":
        wire.is_mute = True
    elif how == "stall":
        wire.stall(True)
    else:
        wire.end(Closed(ABNORMAL, "the cable", "network") if how == "cut" else Closed(1001, "maintenance", "venue"))


def fared(scene: LightScene) -> RouteFacts:
    """How the connections of the only plan took over from each other."""
    (route,) = scene.feed.routes
    return route.facts()


@covers("0.34", "0.36", "0.37", "0.43", "2.029", "A27", "C28")
@settings(max_examples=20)
@given(
    market=st.sampled_from(MARKETS),
    seed=st.integers(0, 10_000),
    failures=st.lists(st.tuples(st.sampled_from(FAILURES), st.booleans(), st.floats(6.0, 12.0)), min_size=1, max_size=4),
)
def test_one_failure_at_a_time_costs_nothing(market: str, seed: int, failures: list[tuple[str, bool, float]]) -> None:
    scene = LightScene(market, seed)

    async def script() -> None:
        await asyncio.sleep(5.0)
        for how, is_active, later_s in failures:
            fail(scene.active if is_active else scene.others[0], how)
            await asyncio.sleep(later_s)
        assert scene.feed.live() == ("BTCUSDT", "ETHUSDT") and len(scene.venue.wires) == 2

    scene.play(script)
    assert scene.is_sound() and scene.compared > 100 and all(scene.heard)
    assert scene.left_live == 0 and scene.was_whole_all_along() and not scene.happened("gap")
    facts = fared(scene)
    assert facts.switches == sum(is_active for _, is_active, _ in failures) == len(facts.failover_ms)
    assert all(lasted < 2_000.0 for lasted in facts.failover_ms)
    assert [event.count for event in scene.happened("resumed")] == [round(lasted) for lasted in facts.failover_ms]


@covers("2.030", "B15", "0.37")
@settings(max_examples=20)
@given(
    market=st.sampled_from(MARKETS),
    seed=st.integers(0, 10_000),
    backups=st.integers(0, 2),
    delays=st.lists(st.floats(0.0, 0.9), min_size=4, max_size=4),
)
def test_a_rotation_costs_nothing_however_late_each_connection_is(market: str, seed: int, backups: int, delays: list[float]) -> None:
    scene = LightScene(market, seed, life_s=60.0, backups=backups, rotate_before_s=20.0, watch_s=0.1)
    places = iter(range(10**6))
    scene.venue.delay_s = lambda: delays[next(places) % len(delays)]  # type: ignore[method-assign]

    async def script() -> None:
        await asyncio.sleep(150.0)
        assert scene.feed.live() == ("BTCUSDT", "ETHUSDT") and len(scene.venue.wires) >= 1 + backups

    scene.play(script)
    assert scene.is_sound() and scene.compared > 500 and all(scene.heard)
    assert scene.left_live == 0 and scene.was_whole_all_along() and not scene.happened("gap")
    assert len(scene.happened("rotated")) >= 3 * (1 + backups) - 1 and not scene.happened("closed") and not scene.happened("uncarried")
    facts = fared(scene)
    assert facts.rotations == len(scene.happened("rotated"))


def test_where_nothing_is_left_books_are_stale_until_somebody_carries_them_again() -> None:
    scene = LightScene("spot", 3)

    async def script() -> None:
        await asyncio.sleep(5.0)
        scene.venue.is_shut = True
        for wire in list(scene.venue.wires):
            fail(wire, "closed")
        await asyncio.sleep(0.1)
        assert scene.feed.live() == () and standing_of(scene.feed).carriers["BTCUSDT"] == {"depth": "", "trade": ""}
        assert [event.symbol for event in scene.happened("stale")] == ["BTCUSDT", "ETHUSDT"]
        await asyncio.sleep(20.0)
        scene.venue.is_shut = False
        await asyncio.sleep(10.0)
        assert scene.feed.live() == ("BTCUSDT", "ETHUSDT")
        assert all(5.0 / 35.1 < share < 15.0 / 35.1 for share in scene.feed.live_shares().values())

    scene.play(script)
    assert len(scene.happened("uncarried")) == 1 and len(scene.happened("carried")) == 2 and not scene.wrong
    assert scene.whole[1] == NEVER and scene.whole[2] == scene.happened("carried")[1].at_ns, "what is heard is whole again from the new connection on"
    facts = fared(scene)
    assert facts.switches == 1 and max(facts.failover_ms, default=0.0) < 1_000.0, "the venue's outage is no failover"


@covers("0.37")
def test_the_first_connection_is_gone_back_to_once_it_was_green_for_long_enough() -> None:
    scene = LightScene("spot", 4)

    async def script() -> None:
        await asyncio.sleep(20.0)
        fail(scene.active, "half open")
        await asyncio.sleep(1.0 + 60.0)
        assert standing_of(scene.feed).carriers["ETHUSDT"]["depth"] == "spot.2" and not scene.happened("returned")
        await asyncio.sleep(4.0)
        assert standing_of(scene.feed).carriers["ETHUSDT"]["depth"] == "spot"

    scene.play(script)
    (returned,) = scene.happened("returned")
    made_anew = scene.happened("connected")[2]
    assert 60.0 <= (returned.at_ns - made_anew.at_ns) / 1e9 < 60.5 and "green for 60 s" in returned.words
    assert scene.is_sound() and scene.left_live == 0 and scene.was_whole_all_along()


def test_a_connection_whose_messages_are_too_late_is_left_for_one_that_is_in_time() -> None:
    scene = LightScene("perp", 5)

    async def script() -> None:
        await asyncio.sleep(20.0)
        scene.active.delay_s = 0.8
        await asyncio.sleep(40.0)
        assert standing_of(scene.feed).carriers["BTCUSDT"]["trade"] == "public.2"

    scene.play(script)
    (switched,) = scene.happened("switched")
    assert switched.words == "from public to public.2: the former is red" and switched.severity == "medium"
    graded = [event.words for event in scene.happened("graded") if event.connection == "public"]
    assert "-> red: messages are" in graded[-1]
    assert scene.is_sound() and scene.left_live == 0 and scene.was_whole_all_along()


def test_a_replacement_that_does_not_join_is_given_up_and_the_old_one_goes_on() -> None:
    scene = LightScene("spot", 6, life_s=300.0, backups=0, rotate_before_s=100.0, join_s=10.0)

    async def script() -> None:
        await asyncio.sleep(140.0)
        scene.venue.is_mute = True
        await asyncio.sleep(80.0)
        assert scene.happened("rotation_failed") and not scene.happened("rotated") and len(scene.venue.wires) <= 2
        scene.venue.is_mute = False
        await asyncio.sleep(30.0)
        assert len(scene.happened("rotated")) == 1 and scene.feed.live() == ("BTCUSDT", "ETHUSDT")

    scene.play(script)
    assert scene.is_sound() and scene.left_live == 0 and scene.was_whole_all_along() and not scene.happened("uncarried")


def test_a_hole_in_what_a_backup_has_kept_is_told_and_mended() -> None:
    scene = LightScene("perp", 7)

    async def script() -> None:
        await asyncio.sleep(6.0)
        scene.active.is_mute = True
        await asyncio.sleep(0.5)
        scene.others[0].loses = 1
        await asyncio.sleep(6.0)
        assert scene.feed.live() == ("BTCUSDT", "ETHUSDT")

    scene.play(script)
    assert len(scene.happened("gap")) == 1 and not scene.wrong, "no best price was wrong: the book was not live until a snapshot came"


def test_trades_that_nobody_has_kept_are_not_said_to_be_heard() -> None:
    scene = LightScene("spot", 8, most_kept=100)

    async def script() -> None:
        await asyncio.sleep(10.0)
        scene.venue._pace_s = lambda: 0.01  # so much that what is kept does not reach back far enough
        scene.active.is_mute = True
        await asyncio.sleep(6.0)
        assert scene.feed.live() == ("BTCUSDT", "ETHUSDT")

    scene.play(script)
    assert len(scene.whole) >= 2 and scene.whole[-1] > scene.whole[0] and not scene.wrong
    missed = [one for one in range(scene.heard[0][0], scene.heard[0][-1]) if one not in scene.heard[0]]
    assert missed and scene.feed.desk.missing >= len(missed)


def test_the_log_has_what_was_taken_and_nothing_else() -> None:
    scene = LightScene("spot", 9)
    taken: list[int] = []

    async def script() -> None:
        take = scene.feed.desk.take
        scene.feed.desk.take = lambda *given: (taken.append(1), take(*given))[1]  # type: ignore[method-assign,func-returns-value]
        await asyncio.sleep(6.0)
        fail(scene.active, "half open")
        await asyncio.sleep(6.0)

    scene.play(script)
    assert scene.sink.kinds.count("frame") == len(taken) > 100
    assert scene.sink.kinds.count("opened") == 3 == scene.sink.kinds.count("closed")


def test_a_backup_is_at_another_host_of_the_venue_where_there_is_one() -> None:
    spot, perp = LightScene("spot"), LightScene("perp", backups=2)

    async def script() -> None:
        await asyncio.sleep(3.0)

    spot.play(script)
    perp.play(script)
    assert [url.partition("/stream")[0] for url in spot.venue.connected] == ["ws://one", "ws://other"]
    assert [url.partition("/public")[0] for url in perp.venue.connected] == ["ws://one"] * 3


def test_no_more_connections_are_made_than_a_venue_allows() -> None:
    plans = [SocketPlan("x", "", (), tuple("abcde"), (), 0.0)] * 3
    assert backups_of(VenueLimits(1, 1.0, 1, 300), plans, 1) == 1
    assert backups_of(VenueLimits(1, 1.0, 1, 300, connections=10), plans, 3) == 2
    assert backups_of(VenueLimits(1, 1.0, 1, 300, connections=3), plans[:2], 1) == 0
    assert backups_of(VenueLimits(1, 1.0, 1, 300, subscriptions=50), plans, 3) == 2, "45 of three connections each, and 5 of one more"
    assert backups_of(VenueLimits(1, 1.0, 1, 300, subscriptions=49), plans, 3) == 1
    scene = LightScene("spot", weight_share=0.01)  # 3 new connections of 300 in 5 minutes

    async def script() -> None:
        scene.venue.is_shut = True
        await asyncio.sleep(299.0)

    scene.play(script)
    assert len(scene.venue.connected) == 3


def test_a_venue_that_is_silent_on_all_connections_is_nobodys_failure() -> None:
    scene = LightScene("perp", 10)

    async def script() -> None:
        await asyncio.sleep(6.0)
        for wire in scene.venue.wires:
            wire.stall(True)
        await asyncio.sleep(5.0)
        for wire in scene.venue.wires:
            wire.stall(False)
        await asyncio.sleep(5.0)

    scene.play(script)
    assert scene.is_sound() and not scene.happened("switched") and not scene.happened("closed") and scene.left_live == 0


@pytest.mark.parametrize("market", MARKETS)
def test_health_is_of_each_connection_and_a_replacement_goes_on_with_it(market: str) -> None:
    scene = LightScene(market, 11, life_s=60.0, rotate_before_s=20.0, health=HealthSettings(every_s=1.0))

    async def script() -> None:
        await asyncio.sleep(100.0)
        name = market if market == "spot" else "public"
        for facts in (scene.feed.health()[name], scene.feed.health()[f"{name}.2"]):
            assert facts.drops == 0 and facts.uptime is not None and facts.uptime > 0.99 and facts.attempts == facts.connected >= 2
            assert facts.latency_ms is not None and 5.0 < facts.latency_ms < 90.0 and facts.rate > 5.0

    scene.play(script)


@pytest.mark.parametrize("is_active", [True, False])
def test_in_a_quiet_market_a_late_connection_makes_no_other_one_seem_behind(is_active: bool) -> None:
    scene = LightScene("spot", 12, pace_s=lambda: 5.0)
    scene.venue.beats = (1,)

    async def script() -> None:
        await asyncio.sleep(12.0)
        (scene.active if is_active else scene.others[0]).delay_s = 0.65
        await asyncio.sleep(120.0)

    scene.play(script)
    assert not scene.happened("closed") and scene.is_sound() and scene.was_whole_all_along()
    assert all("red" in event.words for event in scene.happened("switched"))


@pytest.mark.parametrize("seed", range(4))
def test_in_a_quiet_market_a_rotation_makes_no_connection_seem_behind(seed: int) -> None:
    scene = LightScene("spot", seed, pace_s=lambda: 5.0, life_s=300.0, rotate_before_s=100.0)
    scene.venue.beats = (1,)

    async def script() -> None:
        await asyncio.sleep(2_000.0)

    scene.play(script)
    assert len(scene.happened("rotated")) >= 14 and not scene.happened("closed") and not scene.happened("switched")
    assert scene.is_sound() and scene.left_live == 0 and scene.was_whole_all_along()


def test_at_a_message_a_second_a_failure_is_over_within_two() -> None:
    scene = LightScene("perp", 13, pace_s=lambda: 1.0)
    scene.venue.beats = (1,)

    async def script() -> None:
        await asyncio.sleep(10.3)
        for _ in range(4):
            fail(scene.active, "half open")
            await asyncio.sleep(15.35)

    scene.play(script)
    assert len(fared(scene).failover_ms) == 4 and max(fared(scene).failover_ms) < 2_000.0 and scene.is_sound()
