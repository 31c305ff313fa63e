"""Requests within budgets: who is urgent goes first, silence is kept, orders are counted, and no signature is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import RateLimited
from metastackerbandit.exchanges.orders import OrderFamily
from metastackerbandit.exchanges.streams import RestRequest, VenueLimits
from metastackerbandit.exchanges.transport.ports import Answer
from metastackerbandit.runtime.order_counts import OrderCounts
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.weight_budget import WeightBudget
from tests.covering import covers
from tests.runtime.pretended import Desk
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

S = 10**9
FAMILIES = (OrderFamily(4, 10.0, "x-mbx-order-count-10s"), OrderFamily(6, 60.0, "x-mbx-order-count-1m"))
BUDGET = VenueLimits(100, 60.0, 0, 0)


def request(name: str, urgency: int = 2, orders: int = 0, weight: int = 1) -> RestRequest:
    return RestRequest(name, "X", f"https://v/{name}?a=1&signature=ff", weight, method="POST", headers=(("K", "v"),), orders=orders, urgency=urgency)


def names(rest: Desk) -> list[str]:
    return [url.split("/")[-1].partition("?")[0] for _, url in rest.asked]


@covers("2.123", "A32")
def test_after_too_many_requests_nothing_is_sent_before_and_cancellations_go_first() -> None:
    async def work() -> None:
        rest = Desk(lambda url, n: 429 if n == 0 else b"{}")
        desk = RestDesk(rest, WeightBudget(BUDGET, 1.0), VirtualClock())
        with pytest.raises(RateLimited):
            await desk.ask(request("first"))
        await asyncio.gather(*(desk.ask(request(f"{urgency}{n}", urgency)) for n in range(3) for urgency in (2, 1, 0)))
        assert min(at for at, _ in rest.asked[1:]) >= 30.0  # the venue's Retry-After
        assert sorted(names(rest)[1:4]) == ["00", "01", "02"] and sorted(names(rest)[7:]) == ["20", "21", "22"]

    in_virtual_time(work())


def test_whoever_had_to_wait_for_its_turn_is_told_so() -> None:
    async def work() -> None:
        desk = RestDesk(Desk(lambda url, n: b"{}"), WeightBudget(BUDGET, 1.0), VirtualClock())
        assert not await desk.turn(request("first", weight=100))
        assert await desk.turn(request("second", weight=100))

    in_virtual_time(work())


def test_silence_is_kept_by_our_clock_whichever_clock_stamps_answers() -> None:
    """As with a venue whose time runs faster than ours: frames and budgets go by its time, answers are stamped by ours."""

    class Stamped(Desk):
        async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
            return structs.replace(await super().ask(url, body, method=method, headers=headers), received_ns=5)

    async def work() -> None:
        rest, kept = Stamped(lambda url, n: 429 if n == 0 else b"{}"), list[int]()

        class Sink:
            def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
                kept.append(received_ns)

        desk = RestDesk(rest, WeightBudget(BUDGET, 1.0), VirtualClock(), Sink())
        with pytest.raises(RateLimited):
            await desk.ask(request("first"))
        await desk.ask(request("second"))
        assert rest.asked[1][0] >= 30.0 and min(kept) > START_NS

    in_virtual_time(work())


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 20)), min_size=1, max_size=25))
def test_whoever_waits_goes_some_day_and_no_family_is_passed(asked: list[tuple[int, int, int]]) -> None:
    sent: list[tuple[float, int]] = []

    async def work() -> None:
        rest = Desk(lambda url, n: b"{}", after_s=0.0)
        desk = RestDesk(rest, WeightBudget(BUDGET, 1.0), VirtualClock(), None, OrderCounts(FAMILIES, 1.0))

        async def one(urgency: int, orders: int, later: int) -> None:
            await asyncio.sleep(later)
            await desk.turn(request("x", urgency, orders))
            sent.append((asyncio.get_running_loop().time(), orders))

        await asyncio.gather(*(one(*each) for each in asked))

    in_virtual_time(work())
    assert len(sent) == len(asked)
    for begins, _ in sent:
        assert sum(orders for at, orders in sent if begins <= at < begins + 10.0) <= 4
        assert sum(orders for at, orders in sent if begins <= at < begins + 60.0) <= 6


def test_the_venue_s_own_counts_are_heard() -> None:
    counts = OrderCounts(FAMILIES, 0.5)
    assert counts.wait_s(1, 0) == 0.0
    counts.told({"x-mbx-order-count-10s": "4", "x-mbx-order-count-1m": "no number"}, 0)
    assert counts.wait_s(1, S) == pytest.approx(9.0) and counts.wait_s(0, S) == 0.0
    assert OrderCounts((), 1.0).wait_s(5, 0) == 0.0


def test_a_ban_is_obeyed_and_a_signature_is_not_written_down() -> None:
    kept: list[tuple[str, bytes]] = []

    class Sink:
        def write(self, kind: str, connection: str, received_ns: int, url: str, body: bytes) -> None:
            kept.append((url, body))

    async def work() -> None:
        rest = Desk(lambda url, n: 418 if n == 1 else b"{}")
        desk = RestDesk(rest, WeightBudget(BUDGET, 1.0), VirtualClock(), Sink())
        answers: list[Answer] = []
        for name in ("a", "b", "c"):
            await desk.turn(request(name))
            answers.append(await desk.send(request(name)))
        assert [one.status for one in answers] == [200, 418, 200] and rest.asked[2][0] - rest.asked[1][0] >= 30.0
        await desk.send(RestRequest("key", "", "https://v/listenKey", 1, is_kept=False))

    in_virtual_time(work())
    assert [url for url, _ in kept] == ["https://v/a?a=1", "https://v/b?a=1", "https://v/c?a=1"]


def test_who_does_not_wait_any_more_holds_nobody_up() -> None:
    async def work() -> None:
        rest = Desk(lambda url, n: b"{}")
        budget = WeightBudget(BUDGET, 1.0)
        desk = RestDesk(rest, budget, VirtualClock())
        budget.be_silent(10.0, VirtualClock().now_ns())
        urgent = asyncio.ensure_future(desk.turn(request("urgent", 0)))
        other = asyncio.ensure_future(desk.ask(request("other", 2)))
        await asyncio.sleep(1.0)
        urgent.cancel()
        await other
        assert names(rest) == ["other"]

    in_virtual_time(work())
