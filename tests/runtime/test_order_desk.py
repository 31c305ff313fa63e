"""Orders sent to a venue that loses, repeats, reorders and refuses: the engine's view ends equal to the venue's, nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.effects import AmendOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.rows import CANCELLED, FILLED, MARKET, REJECTED, WORKING
from metastackerbandit.domain.trading import FillRecord
from metastackerbandit.domain.user_events import BalanceUpdate, Fill
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import THERE, Leg
from metastackerbandit.runtime.order_view import OrderView
from tests.covering import covers
from tests.markets import instrument
from tests.runtime.order_scene import Ours, Scene
from tests.runtime.pretended_exchange import FAULTS

MARKETS = pytest.mark.parametrize("market", ["spot", "perp"])
actions = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(1, 40)),
        st.tuples(st.just("sell"), st.integers(1, 40)),
        st.tuples(st.just("stop"), st.integers(-30, 30)),
        st.tuples(st.just("target"), st.integers(-30, 30)),
        st.tuples(st.just("cancel"), st.integers(1, 6)),
        st.tuples(st.just("amend"), st.integers(1, 6)),
        st.tuples(st.just("move"), st.integers(-40, 40)),
        st.tuples(st.just("away"), st.integers(0, 1)),
    ),
    min_size=1,
    max_size=9,
)


@covers("2.122", "2.123", "2.124", "2.125")
@pytest.mark.parametrize("market", ["spot", "perp"])
@given(
    asked=actions,
    faults=st.lists(st.sampled_from(FAULTS), max_size=14),
    delays=st.lists(st.sampled_from([0.0, 0.02, 0.3, 2.0, 7.0]), min_size=1, max_size=9),
    copies=st.lists(st.sampled_from([1, 1, 2, 0]), min_size=1, max_size=7),
    pauses=st.lists(st.sampled_from([0.0, 0.01, 0.1, 1.0, 6.0]), min_size=1, max_size=5),
    partly=st.integers(1, 2),
)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_is_lost_repeated_or_reordered_both_views_end_equal(
    market: str, asked: list[tuple[str, int]], faults: list[str], delays: list[float], copies: list[int], pauses: list[float], partly: int
) -> None:
    scene = Scene(market, books=2)  # stops and targets are of any size, as where several books share a symbol
    venue = scene.venue
    venue.partly = partly
    venue.coins = 10.0
    venue.fault = lambda method, path, n: faults[n] if n < len(faults) and "order" in path.lower() else ""
    counts = {"delay": 0, "copies": 0}

    def cycled(name: str, values: list) -> Callable:  # type: ignore[type-arg]
        def one():  # type: ignore[no-untyped-def]
            counts[name] += 1
            return values[counts[name] % len(values)]

        return one

    venue.delay, venue.copies = cycled("delay", delays), cycled("copies", copies)

    async def script() -> None:
        for n, (what, number) in enumerate(asked):
            match what:
                case "buy":
                    scene.submit(number)
                case "sell":
                    scene.submit(-number)
                case "stop" if number:
                    side = 1 if number > 0 else -1
                    scene.stop(side * 5, venue.price + number * 100)
                case "target" if number:
                    side = -1 if number > 0 else 1
                    scene.target(side * 5, venue.price + number * 100)
                case "cancel" if number in scene.orders:
                    scene.cancel(number)
                case "amend" if number in scene.orders and scene.orders[number].lots == 5:
                    side = 1 if n % 2 else -1
                    scene.amend(number, side * 5, venue.price + side * 3_000 + n)
                case "move":
                    venue.move(max(venue.price + number * 100, 1_000))
                case "away":
                    scene.is_away = bool(number)
            await asyncio.sleep(pauses[n % len(pauses)])
        await scene.settle()

    scene.play(script)
    scene.agree()


@covers("2.124")
@given(
    asked=st.lists(st.tuples(st.sampled_from(["buy", "move", "trail", "exit", "away"]), st.integers(-30, 30)), min_size=2, max_size=12),
    faults=st.lists(st.sampled_from(FAULTS), max_size=12),
    delays=st.lists(st.sampled_from([0.0, 0.02, 0.3, 2.0]), min_size=1, max_size=7),
    pauses=st.lists(st.sampled_from([0.01, 0.1, 1.0, 6.0]), min_size=1, max_size=5),
)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_one_stop_that_follows_the_position_overlaps_and_what_the_engine_cannot_take_is_told(
    asked: list[tuple[str, int]], faults: list[str], delays: list[float], pauses: list[float]
) -> None:
    scene = Scene("perp")
    venue = scene.venue
    venue.fault = lambda method, path, n: faults[n] if n < len(faults) and "order" in path.lower() else ""
    count = [0]
    stops: list[int] = []

    def delay() -> float:
        count[0] += 1
        return delays[count[0] % len(delays)]

    venue.delay = delay
    take = scene.take

    def follow(trigger: int = 0) -> None:
        """As the engine protects: one stop of the position's size, none when flat."""
        held = sum(ours.told for ours in scene.orders.values())
        live = [number for number in stops if scene.orders[number].state < FILLED]
        if held <= 0:
            for number in live:
                scene.cancel(number)
        elif not live:
            stops.append(scene.stop(-held, venue.price - 1_500))
        else:
            scene.amend(live[0], -(held + scene.orders[live[0]].filled), trigger or scene.desk.view.register.active[live[0]].price)

    def taken(report: OrderReport) -> None:
        take(report)
        if report.lots:
            asyncio.get_running_loop().call_soon(follow)

    scene.take = taken  # type: ignore[method-assign]

    async def script() -> None:
        for n, (what, number) in enumerate(asked):
            match what:
                case "buy":
                    scene.submit(abs(number) + 1)
                case "move":
                    venue.move(venue.price + number * 100)
                case "trail":
                    follow(venue.price - 1_000 - abs(number))
                case "exit":
                    held = sum(ours.told for ours in scene.orders.values())
                    scene.submit(-held, reduces=True) if held > 0 else None
                case "away":
                    scene.is_away = number > 0
            await asyncio.sleep(pauses[n % len(pauses)])
        await scene.settle()

    scene.play(script)
    told = sum(ours.told for ours in scene.orders.values())
    assert venue.lots - told == -(scene.happened("unmatched") and sum(event.count for event in scene.events if event.what == "unmatched"))
    assert all(times == 1 for times in venue.taken.values())
    if not scene.happened("unmatched"):
        scene.agree()


def once(place: int, what: str) -> Callable[[str, str, int], str]:
    """A fault that befalls one request about orders, counted from 0."""
    seen = [0]

    def fault(method: str, path: str, n: int) -> str:
        if "rder" not in path:
            return ""
        seen[0] += 1
        return what if seen[0] == place + 1 else ""

    return fault


@covers("2.123", "2.125")
@MARKETS
@pytest.mark.parametrize("what", ["503", "-1007", "lost after"])
def test_an_order_that_was_accepted_with_an_error_is_found_and_not_sent_twice(market: str, what: str) -> None:
    scene = Scene(market)

    async def script() -> None:
        scene.venue.fault = once(0, what)
        scene.venue.copies = lambda: 0  # the stream tells nothing
        scene.submit(10)
        await asyncio.sleep(30.0)

    scene.play(script)
    scene.agree()
    assert scene.told(1)[-1] == "filled" and scene.happened("order_unknown") == 1 == scene.happened("order_found")
    assert sum(method == "POST" for _, method, _ in scene.venue.asked) == 1


@covers("2.125")
@MARKETS
def test_an_order_that_never_arrived_is_sent_again_under_its_own_id_and_not_before_the_settle_window(market: str) -> None:
    scene = Scene(market)

    async def script() -> None:
        scene.venue.fault = once(0, "lost before")
        scene.submit(10)
        await asyncio.sleep(60.0)

    scene.play(script)
    scene.agree()
    first, second = (at for at, method, _ in scene.venue.asked if method == "POST")
    assert second - first >= 15.0, "the request's window of 5 s and the settle window of 10 s"
    assert len(scene.venue.taken) == 1 and scene.told(1)[-1] == "filled"


@MARKETS
def test_an_order_that_is_never_there_is_given_up(market: str) -> None:
    scene = Scene(market, stale_s=600.0)

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "lost before" if method == "POST" else ""
        scene.submit(10)
        await asyncio.sleep(120.0)

    scene.play(script)
    assert scene.told(1) == ["rejected"] and scene.happened("order_given_up") == 1
    assert sum(method == "POST" for _, method, _ in scene.venue.asked) == 2


@covers("A32", "2.125")
@MARKETS
def test_after_429_nothing_is_sent_before_and_then_the_order_goes(market: str) -> None:
    scene = Scene(market)

    async def script() -> None:
        scene.venue.fault = once(0, "429")
        scene.submit(10)
        await asyncio.sleep(20.0)

    scene.play(script)
    scene.agree()
    first, second = (at for at, method, _ in scene.venue.asked if method == "POST")
    assert second - first >= 3.0 and scene.told(1)[-1] == "filled"  # the venue's Retry-After


@covers("A32", "2.125")
def test_after_418_the_cancellation_goes_first() -> None:
    scene = Scene("perp")

    async def script() -> None:
        stop = scene.stop(-5, 490_000)
        await asyncio.sleep(1.0)
        scene.venue.fault = once(0, "418")
        scene.submit(10)
        await asyncio.sleep(0.2)
        scene.submit(11)
        scene.cancel(stop)
        await asyncio.sleep(20.0)

    scene.play(script)
    scene.agree()
    banned = scene.venue.asked[1][0]
    later = [(at, method) for at, method, _ in scene.venue.asked[2:]]
    assert later[0][0] - banned >= 3.0 and later[0][1] == "DELETE"


@MARKETS
def test_a_fill_before_the_answer_is_told_once(market: str) -> None:
    scene = Scene(market)

    async def script() -> None:
        scene.venue.delay = lambda: 0.0
        scene.venue.partly = 2
        scene.submit(10)
        await asyncio.sleep(5.0)

    scene.play(script)
    scene.agree()
    assert scene.told(1)[-2:] == ["partly filled", "filled"] and sum(report.lots for report in scene.reports) == 10


@covers("2.124")
@MARKETS
def test_a_fill_that_races_a_cancellation_wins(market: str) -> None:
    scene = Scene(market)

    async def script() -> None:
        scene.venue.coins = 1.0
        scene.submit(10)
        await asyncio.sleep(1.0)
        target = scene.target(-10, 501_000)
        await asyncio.sleep(1.0)
        scene.venue.delay = lambda: 2.0
        scene.cancel(target)
        scene.venue.move(501_000)  # filled while the cancellation is under way
        await asyncio.sleep(20.0)

    scene.play(script)
    scene.agree()
    assert scene.told(2) == ["working", "filled"]


@covers("2.125")
def test_a_refused_time_is_measured_again_and_the_order_goes() -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.venue.offset_s = -30.0
        scene.submit(10)
        await asyncio.sleep(10.0)

    scene.play(script)
    scene.agree()
    assert scene.told(1)[-1] == "filled" and scene.happened("clock_off") == 1 and scene.happened("clock_known") == 1


def test_coins_that_a_balance_has_already_are_not_counted_again() -> None:
    one, told = instrument("BTCUSDT", "spot", "BINANCE"), list[OrderReport]()
    view = OrderView([one], "mark", told.append, lambda event: None, lambda word: None)
    view.event(BalanceUpdate("BTC", "outboundAccountPosition", 50, 50, free=Decimal(2), locked=Decimal(0)), 60)
    for name, made_ns in (("before", 40), ("after", 70)):
        held = HeldOrder(0, made_ns, 1, MARKET, 1, 5, 0, False, 0, [Leg(name, 5, 0, (5, 0), False, False, state=THERE, order_id=name)])
        view.register.add(held)
        view.named(held, held.legs[0])
        view.fills((FillRecord(name, Fill(f"t {name}", 5, 500_000, Decimal(5_000), False, Decimal(0), "USDT"), made_ns),))
    assert [one.lots for one in told if one.lots] == [5, 5]
    assert view.coins["BTC"] == 2 + 5 * Decimal(one.lot_size)


@covers("2.125", "2.054")
def test_a_storm_of_refusals_stops_new_risk_and_nothing_else() -> None:
    scene = Scene("perp", failures_to_open=3, open_s=60.0)

    async def script() -> None:
        held = scene.submit(20)
        await asyncio.sleep(1.0)
        stop = scene.stop(-20, 490_000)
        await asyncio.sleep(1.0)
        scene.venue.refuse = lambda asked: (-2019, "Margin is insufficient.") if asked["type"] == "MARKET" and "reduceOnly" not in asked else None
        for _ in range(5):
            scene.submit(1)
            await asyncio.sleep(1.0)
        assert scene.desk.breaker.state == "open" and scene.orders[held].state == FILLED
        asked = len(scene.venue.asked)
        scene.submit(1)
        await asyncio.sleep(1.0)
        assert len(scene.venue.asked) == asked, "new risk does not leave"
        scene.amend(stop, -20, 491_000)
        exit_ = scene.submit(-5, reduces=True)
        await asyncio.sleep(1.0)
        scene.cancel(stop)
        await asyncio.sleep(1.0)
        assert (scene.orders[stop].state, scene.orders[exit_].state) == (CANCELLED, FILLED)
        scene.venue.refuse = lambda asked: None
        await asyncio.sleep(60.0)
        scene.submit(1)
        await asyncio.sleep(1.0)
        assert scene.desk.breaker.state == "closed"

    scene.play(script)
    scene.agree()
    assert [ours.state for ours in scene.orders.values()].count(REJECTED) == 6 and scene.happened("risk_held") == 1


def test_while_somebody_holds_it_no_new_risk_is_sent_and_protection_is() -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.desk.hold("reconcile", "position differs")
        scene.desk.hold("reconcile", "position differs")
        assert scene.desk.holders == ("reconcile",)
        scene.submit(10)
        scene.stop(-10, 490_000)
        await asyncio.sleep(2.0)
        scene.desk.free("reconcile")
        scene.desk.free("nobody")
        scene.submit(10)
        await asyncio.sleep(2.0)

    scene.play(script)
    assert (scene.told(1), scene.told(2), scene.told(3)[-1]) == (["rejected"], ["working"], "filled")
    assert (scene.happened("risk_held"), scene.happened("risk_free")) == (1, 1)


def test_protection_is_moved_by_placing_the_new_stop_before_the_old_one_goes() -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.submit(10)
        await asyncio.sleep(1.0)
        stop = scene.stop(-10, 490_000)
        await asyncio.sleep(1.0)
        for trigger in (491_000, 492_000, 493_000):
            scene.amend(stop, -10, trigger)
            for _ in range(20):
                await asyncio.sleep(0.02)
                assert any(one.is_open for one in scene.venue.orders), "a position without a stop"
        await asyncio.sleep(2.0)
        assert [one.trigger for one in scene.venue.orders if one.is_open] == [493_000]
        scene.venue.move(492_900)
        await asyncio.sleep(2.0)

    scene.play(script)
    scene.agree()
    assert scene.told(2) == ["working", "filled"] and scene.venue.lots == 0


def test_an_exit_on_spot_frees_what_the_stop_locks_and_sells_no_more_than_fees_have_left() -> None:
    scene = Scene("spot")

    async def script() -> None:
        scene.submit(10_000)
        await asyncio.sleep(1.0)
        scene.stop(-10_000, 490_000)
        scene.target(-10_000, 510_000)
        await asyncio.sleep(1.0)
        scene.submit(-10_000, reduces=True)
        await asyncio.sleep(3.0)

    scene.play(script)
    scene.agree()
    assert (scene.told(2), scene.told(3)) == (["working", "cancelled"], ["rejected"])
    assert scene.told(4)[-2:] == ["partly filled", "expired"] and scene.orders[4].filled == 9_990  # a thousandth of the coins was the fee
    assert scene.happened("order_cut") == 2 and scene.orders[1].fee == 500 * 10**8


def test_fees_in_a_third_coin_are_told_and_not_booked() -> None:
    scene = Scene("perp")
    tell = scene.venue._event

    async def script() -> None:
        scene.venue._event = lambda one, cause, trade: tell(one, cause, trade and {**trade, "commissionAsset": "BNB"})  # type: ignore[method-assign]
        scene.submit(10)
        await asyncio.sleep(2.0)

    scene.play(script)
    scene.agree()
    assert scene.orders[1].fee == 0 and scene.happened("fee_unbooked") == 1
    assert any("0.01000000 BNB" in event.words for event in scene.events if event.what == "fee_unbooked")


def test_new_risk_that_cannot_leave_in_time_is_given_up_and_a_stop_is_not() -> None:
    scene = Scene("perp", stale_s=5.0)

    async def script() -> None:
        scene.submit(20)
        await asyncio.sleep(1.0)
        scene.venue.fault = lambda method, path, n: "down"
        scene.submit(10)
        scene.stop(-10, 490_000)
        await asyncio.sleep(20.0)
        scene.venue.fault = lambda method, path, n: ""
        await asyncio.sleep(5.0)

    scene.play(script)
    scene.agree()
    assert (scene.told(2), scene.told(3)) == (["rejected"], ["working"]) and scene.happened("order_given_up") == 1


def test_a_replay_gives_the_same_names() -> None:
    names = []
    for _ in range(2):
        scene = Scene("perp")

        async def script(scene: Scene = scene) -> None:
            scene.submit(10)
            await asyncio.sleep(1.0)
            scene.amend(scene.stop(-10, 490_000), -10, 491_000)
            await asyncio.sleep(2.0)

        scene.play(script)
        names.append([one.client_id for one in scene.venue.orders])
    assert names[0] == names[1] == ["msb-3m7i7odx-7-1-0", "msb-3m7i7odx-7-2-0"] and scene.orders[2].state == WORKING


def test_requests_for_an_order_that_has_ended_are_too_late_and_change_nothing() -> None:
    scene = Scene("perp")

    async def script() -> None:
        number = scene.submit(10)
        await asyncio.sleep(2.0)
        scene.cancel(number)
        scene.desk.act(AmendOrder(0, number, 3, 1, 0))
        await asyncio.sleep(2.0)

    scene.play(script)
    scene.agree()
    assert len(scene.venue.asked) == 1


def test_an_unknown_word_is_told_and_the_order_is_followed_on() -> None:
    scene = Scene("perp")
    told = scene.venue._told

    async def script() -> None:
        scene.venue._told = lambda one: told(one) | {"status": "PONDERED"}  # type: ignore[method-assign]
        scene.venue.delay = lambda: 1.0
        scene.submit(10)
        await asyncio.sleep(5.0)

    scene.play(script)
    scene.agree()
    assert scene.happened("account_unread") == 1


def test_what_was_given_up_and_is_there_after_all_is_cancelled() -> None:
    scene = Scene("perp", resends=0)
    lost: list[str] = []

    async def script() -> None:
        real = scene.venue.fault

        def fault(method: str, path: str, n: int) -> str:
            return "lost before" if method == "POST" else real(method, path, n)

        scene.venue.fault = fault
        scene.stop(-10, 490_000)
        await asyncio.sleep(60.0)
        assert scene.told(1) == ["rejected"]
        asked = {"clientAlgoId": "msb-3m7i7odx-7-1-0", "side": "SELL", "quantity": "0.010", "type": "STOP_MARKET", "triggerPrice": "49000.0"}
        scene.venue._new(asked, True)
        await asyncio.sleep(5.0)
        lost.extend(one.status for one in scene.venue.orders)

    scene.play(script)
    assert lost == ["CANCELED"] and scene.told(1) == ["rejected"]


def test_what_fills_after_it_was_given_up_is_told_as_a_difference() -> None:
    scene = Scene("perp", resends=0)

    async def script() -> None:
        scene.venue.fault = lambda method, path, n: "lost before" if method == "POST" else ""
        scene.submit(10)
        await asyncio.sleep(60.0)
        asked = {"newClientOrderId": "msb-3m7i7odx-7-1-0", "side": "BUY", "quantity": "0.010", "type": "MARKET"}
        scene.venue._new(asked, False)
        await asyncio.sleep(5.0)

    scene.play(script)
    assert scene.told(1) == ["rejected"] and scene.happened("unmatched") == 1 and scene.venue.lots == 10


def test_a_stray_order_of_this_run_is_told_and_one_of_somebody_else_is_not() -> None:
    scene = Scene("perp")

    async def script() -> None:
        for name in ("msb-3m7i7odx-9-9-0", "web_1", "msb-bbbbbbbb-1-1-0"):
            scene.venue._new({"newClientOrderId": name, "side": "BUY", "quantity": "0.010", "type": "LIMIT", "price": "100.0"}, False)
        scene.venue._new(
            {"clientAlgoId": "msb-3m7i7odx-9-8-0", "side": "SELL", "quantity": "0.010", "type": "STOP_MARKET", "triggerPrice": "49000.0"}, True
        )
        await asyncio.sleep(2.0)

    scene.play(script)
    assert [event.words[:18] for event in scene.events] == ["msb-3m7i7odx-9-9-0", "msb-3m7i7odx-9-8-0"]


@pytest.mark.parametrize("rate", [1.0, 60.0])
def test_on_a_venue_that_runs_faster_windows_are_in_its_time(rate: float) -> None:
    scene = Scene("perp")

    async def script() -> None:
        scene.venue.rate, scene.venue.offset_s = rate, 7_000.0
        await scene.account.clock.measure()
        scene.submit(10)
        await asyncio.sleep(2.0)
        scene.venue.fault = once(0, "lost before")
        began = asyncio.get_running_loop().time()
        scene.submit(-5, reduces=True)
        await asyncio.sleep(40.0)
        sent = [at - began for at, method, _ in scene.venue.asked if method == "POST" and at >= began]
        assert len(sent) == 2 and sent[1] >= 5.0 + 10.0 / rate, "the window is ours, the settle window the venue's"

    scene.play(script)
    scene.agree()
    assert scene.told(2)[-1] == "filled"


def test_a_trying_order_that_never_leaves_does_not_hold_the_next_one() -> None:
    scene = Scene("perp", failures_to_open=1, open_s=5.0)

    async def script() -> None:
        scene.venue.refuse = lambda asked: (-2019, "Margin is insufficient.")
        scene.submit(1)
        await asyncio.sleep(6.0)
        scene.venue.refuse = lambda asked: None
        scene.cancel(scene.submit(1))  # the one that was to try
        await asyncio.sleep(1.0)
        scene.submit(1)
        await asyncio.sleep(1.0)

    scene.play(script)
    scene.agree()
    assert (scene.told(1), scene.told(2), scene.told(3)[-1]) == (["rejected"], ["cancelled"], "filled")


def test_the_last_look_is_asked_about_new_risk_alone_and_its_refusal_takes_nobody_s_trial() -> None:
    scene = Scene("perp", failures_to_open=1, open_s=30.0)
    asked: list[int] = []
    refuses = [""]

    def look(effect: SubmitOrder, out: Iterable[HeldOrder], now_ns: int) -> str:
        asked.append(effect.order)
        assert all(not held.is_done for held in out) and now_ns > 0
        return refuses[0]

    async def script() -> None:
        scene.desk._last_look = look
        entry = scene.submit(10)
        await asyncio.sleep(2.0)
        refuses[0] = "it is locked"
        refused, stop, leaving = scene.submit(10), scene.stop(-5, 490_000), scene.submit(-5, reduces=True)
        await asyncio.sleep(2.0)
        assert (scene.told(entry)[-1], scene.told(refused), scene.told(stop), scene.told(leaving)[-1]) == (
            "filled",
            ["rejected"],
            ["working"],
            "filled",
        )
        assert asked == [entry, refused] and scene.happened("limit_refused") == 1
        assert [event.words for event in scene.events if event.what == "limit_refused"] == [f"order {refused}: it is locked"]
        refuses[0] = ""
        scene.venue.refuse = lambda asked: (-2019, "Margin is insufficient.")
        scene.submit(10)
        await asyncio.sleep(40.0)  # the breaker lets one try again
        refuses[0] = "it is locked"
        scene.submit(10)
        refuses[0], scene.venue.refuse = "", lambda asked: None
        tries = scene.submit(10)
        await asyncio.sleep(2.0)
        assert scene.told(tries)[-1] == "filled", "the trial was still there"

    scene.play(script)


class TakenUp(Scene):
    """A desk that takes up an order of new risk which its killed process had not sent."""

    def __init__(self, refuses: str) -> None:
        super().__init__("perp")
        self.refuses = refuses
        self.orders[1] = Ours(10)

    def build(self) -> None:
        super().build()
        self.desk._last_look = lambda effect, out, now_ns: self.refuses if list(out) == [] and effect.lots == 10 else "it was counted twice"
        self.desk.take_up([HeldOrder(0, 1, 7, MARKET, 1, 10, 0, False, self.account.clock.now_ns())])


@pytest.mark.parametrize(("refuses", "ends", "lots"), [("", "filled", 10), ("it is locked", "cancelled", 0)])
def test_new_risk_that_a_killed_process_had_not_sent_is_looked_at_again(refuses: str, ends: str, lots: int) -> None:
    scene = TakenUp(refuses)

    async def script() -> None:
        await asyncio.sleep(5.0)
        assert scene.told(1)[-1] == ends and scene.venue.lots == lots and scene.happened("limit_refused") == (lots == 0)

    scene.play(script)
