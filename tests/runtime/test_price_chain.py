"""Live prices, in virtual time: who is asked in which order, what is told with which age, and when a price is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import NoPrice, StalePrice, VenueError
from metastackerbandit.exchanges.catalog import streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import Best
from metastackerbandit.runtime.price_chain import PriceChain, Seen
from metastackerbandit.runtime.price_choice import LivePrice, PriceChoice, Source, require_fresh
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import BackoffSettings, PriceSettings
from metastackerbandit.runtime.weight_budget import WeightBudget
from tests.covering import covers
from tests.markets import instrument
from tests.runtime.pretended import Desk, Half
from tests.runtime.virtual_time import START_NS, VirtualClock, in_virtual_time

S = 10**9
RULE = PriceSettings()


def best(bid: str, ask: str) -> bytes:
    return f'{{"symbol":"BTCUSDT","bidPrice":"{bid}","bidQty":"1","askPrice":"{ask}","askQty":"1"}}'.encode()


OURS, THEIRS = best("100.0", "100.2"), best("101.0", "101.4")
Reply = Callable[[str, int], bytes | int | VenueError | None]


class Chain:
    """A chain for BTCUSDT, spot at Binance, with MEXC behind it."""

    def __init__(self, binance: Reply, mexc: Reply | None = None, settings: PriceSettings = RULE) -> None:
        self.book: Seen | None = None
        self.lines: list[str] = []
        self.desks = {"BINANCE": Desk(binance), "MEXC": Desk(mexc or (lambda url, n: THEIRS))}
        clock = VirtualClock()
        budgets = {venue: WeightBudget(streams_of(venue, "spot").limits, 1.0) for venue in self.desks}
        self.chain = PriceChain(
            [instrument("BTCUSDT", "spot", "BINANCE")],
            lambda symbol: self.book,
            {venue: RestDesk(desk, budgets[venue], clock) for venue, desk in self.desks.items()},
            clock=clock,
            chance=Half(),
            settings=settings,
            backoff=BackoffSettings(),
            endpoints=EndpointSettings(),
            log=self.lines.append,
        )

    def asked(self) -> tuple[int, int]:
        return len(self.desks["BINANCE"].asked), len(self.desks["MEXC"].asked)


@covers("2.052", "2.055", "2.056")
def test_the_book_goes_first_then_the_venue_then_the_other_one() -> None:
    async def work() -> None:
        made = Chain(lambda url, n: OURS if n < 1 else 503)
        made.book = Seen(Best(99.0, 99.5), VirtualClock().now_ns())
        price = await made.chain.price("BTCUSDT")
        assert (price.price, price.source, price.venue, price.age_s, made.asked()) == (99.25, "binance book", "BINANCE", 0.0, (0, 0))
        await asyncio.sleep(1.5)
        assert (await made.chain.price("BTCUSDT")).age_s == 1.5 and made.asked() == (0, 0)
        await asyncio.sleep(1.0)  # the book has not changed for 2.5 s
        price = await made.chain.price("BTCUSDT")
        assert (price.price, price.source, made.asked()) == (100.1, "binance rest", (1, 0))
        await asyncio.sleep(0.4)
        price = await made.chain.price("BTCUSDT")
        assert (price.source, price.age_s, made.asked()) == ("binance rest", pytest.approx(0.4), (1, 0))  # of the cache, and its age is told
        await asyncio.sleep(0.2)
        price = await made.chain.price("BTCUSDT")
        assert (price.price, price.source, price.venue, made.asked()) == (pytest.approx(101.2), "mexc rest", "MEXC", (3, 1))
        assert made.lines == [
            "BTCUSDT: prices come from binance book now, and came from nobody",
            "BTCUSDT: prices come from binance rest now, and came from binance book",
            "BTCUSDT: prices come from mexc rest now, and came from binance rest",
        ]

    in_virtual_time(work())


@covers("2.053", "2.054")
def test_a_source_that_fails_is_tried_again_then_left_alone_then_tried_once() -> None:
    async def work() -> None:
        made = Chain(lambda url, n: 500 if n < 4 else OURS)
        for _ in range(3):
            assert (await made.chain.price("BTCUSDT")).source == "mexc rest"
            await asyncio.sleep(1.0)
        at = [when for when, _ in made.desks["BINANCE"].asked]
        assert len(at) == 3 and at[1] - at[0] == pytest.approx(0.05 + 0.1 * 0.75)  # the third failure has opened the breaker
        assert any("left alone for 30 s" in line for line in made.lines)
        await asyncio.sleep(30.0)
        assert (await made.chain.price("BTCUSDT")).source == "mexc rest" and len(made.desks["BINANCE"].asked) == 4  # one try, which failed
        await asyncio.sleep(31.0)
        assert (await made.chain.price("BTCUSDT")).source == "binance rest"

    in_virtual_time(work())


@covers("2.001", "2.052", "B16")
def test_where_nobody_answers_it_says_so_and_the_old_price_keeps_its_age() -> None:
    async def work() -> None:
        made = Chain(lambda url, n: OURS if n == 0 else None, lambda url, n: b"<html>")
        first = await made.chain.order_price("BTCUSDT")
        await asyncio.sleep(10.0)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(NoPrice, match="no answer within 2 s") as raised:
            await made.chain.price("BTCUSDT")
        assert "the newest is" in raised.value.what and asyncio.get_running_loop().time() - begun < 6.0
        newest = made.chain.newest("BTCUSDT")
        assert newest is not None and (newest.price, newest.venue) == (first.price, "BINANCE") and newest.age_s > 10.0
        with pytest.raises(StalePrice, match="s old, and may be 5 s"):
            require_fresh(newest, VirtualClock().now_ns(), RULE)

    in_virtual_time(work())


def test_many_who_ask_at_once_are_answered_by_one_request_and_a_limit_is_obeyed() -> None:
    async def work() -> None:
        made = Chain(lambda url, n: OURS)
        prices = await asyncio.gather(*(made.chain.price("BTCUSDT") for _ in range(50)))
        assert {price.price for price in prices} == {100.1} and made.asked() == (1, 0)
        limited = Chain(lambda url, n: 429 if n == 0 else OURS)
        assert (await limited.chain.price("BTCUSDT")).source == "mexc rest"
        await asyncio.sleep(1.0)
        assert (await limited.chain.price("BTCUSDT")).source == "mexc rest"
        assert limited.asked()[0] == 1  # it has asked for 30 s of silence
        alone = Chain(lambda url, n: 500, settings=PriceSettings(has_fallback=False))
        with pytest.raises(NoPrice):
            await alone.chain.price("BTCUSDT")
        assert alone.asked() == (2, 0)

    in_virtual_time(work())


@covers("B22")
@given(age_ns=st.integers(-20 * S, 20 * S))
def test_only_a_price_of_now_may_price_an_order(age_ns: int) -> None:
    now = START_NS
    price = LivePrice("BTCUSDT", 100.0, 99.0, 101.0, "book", "BINANCE", now - age_ns, 0.0)
    if abs(age_ns) <= 5 * S:
        assert require_fresh(price, now, RULE) is price
    else:
        with pytest.raises(StalePrice):
            require_fresh(price, now, RULE)


@covers("2.055", "B22")
@given(story=st.lists(st.tuples(st.integers(0, 3 * S), st.booleans()), max_size=40))
def test_no_source_is_tried_oftener_than_it_may_and_a_cached_price_is_never_old(story: list[tuple[int, bool]]) -> None:
    choice, now = PriceChoice("X", [Source("a", "A"), Source("b", "B")], RULE), 0
    for later, is_answered in story:
        now += later
        cached = choice.cached(now)
        assert cached is None or cached.age_s < 0.5
        choice.begin()
        tried: list[int] = []
        while (place := choice.next(now)) is not None:
            tried.append(place)
            if is_answered:
                told, _ = choice.said(place, Best(1.0, 2.0), now, now)
                assert (told.price, told.age_s, choice.cached(now)) == (1.5, 0.0, told)
                break
            choice.failed(place, now)
        assert tried == sorted(tried) and all(tried.count(place) <= RULE.tries for place in tried)
