"""An exchange in memory: money is conserved whatever owners do, events tell all that happened, and orders live as a venue lets them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.money import BOUND, rate_up
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE, BalanceEvent, NewOrder, Order, OrderEvent, Refusal
from metastackerbandit.simulation.flow import ADD, TAKE
from metastackerbandit.simulation.matching import GUARD_BOTH, GUARD_MAKER, GUARD_NONE, GUARD_TAKER, MAKES, RESTS, TAKES, WHOLE
from metastackerbandit.simulation.queues import BUY, NONE, SELL
from tests.simulation.floor import GIVEN, background, exchange, placed, refused

SIDES = st.sampled_from([BUY, SELL])
WISHES = st.builds(
    NewOrder,
    s=st.integers(0, 1),
    side=SIDES,
    sort=st.sampled_from(["limit", "market"]),
    lots=st.integers(1, 900),
    ticks=st.integers(985, 1_015),
    mode=st.sampled_from([RESTS, TAKES, WHOLE, MAKES]),
    guard=st.sampled_from([GUARD_NONE, GUARD_TAKER, GUARD_MAKER, GUARD_BOTH]),
    reduces_only=st.booleans(),
    spend=st.sampled_from([0, 0, 700 * ASSET_ONE, 3_000 * ASSET_ONE]),
)
STOPS = st.builds(
    NewOrder,
    s=st.integers(0, 1),
    side=SIDES,
    sort=st.sampled_from(["stop", "take_profit", "stop_limit", "take_profit_limit"]),
    lots=st.integers(1, 900),
    ticks=st.integers(985, 1_015),
    trigger=st.integers(985, 1_015),
)
OWNERS = st.integers(1, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), OWNERS, WISHES),
        st.tuples(st.just("place"), OWNERS, STOPS),
        st.tuples(st.just("cancel"), OWNERS, st.integers(0, 30)),
        st.tuples(st.just("amend"), OWNERS, st.integers(0, 30), st.integers(1, 900), st.integers(985, 1_015)),
        st.tuples(st.just("flow"), SIDES, st.sampled_from([ADD, TAKE]), st.integers(985, 1_015), st.integers(1, 3_000)),
        st.tuples(st.just("mark"), st.integers(0, 1), st.integers(990, 1_010)),
        st.tuples(st.just("leverage"), OWNERS, st.integers(1, 20)),
    ),
    max_size=30,
)


def as_wished(wish: NewOrder, market: str) -> NewOrder:
    """A generated wish as clients of a market can put it."""
    has_limit = wish.sort in ("limit", "stop_limit", "take_profit_limit")
    mode = wish.mode if has_limit else TAKES
    values: dict[str, Any] = {"ticks": wish.ticks if has_limit else 0, "mode": mode, "reduces_only": wish.reduces_only and market == "perp"}
    values["spend"] = wish.spend if market == "spot" and wish.sort == "market" else 0
    return NewOrder(**{**{name: getattr(wish, name) for name in NewOrder.__struct_fields__}, **values})


def acted(made: Exchange, step: Any, market: str, now_ns: int) -> None:
    """One generated step."""
    if step[0] == "place":
        made.place(step[1], as_wished(step[2], market), now_ns)
    elif step[0] in ("cancel", "amend"):
        mine = made.orders.open(step[1])
        if mine:
            order = mine[step[2] % len(mine)]
            what: Any = made.cancel if step[0] == "cancel" else made.amend
            what(step[1], order.wish.s, order.number, *step[3:], now_ns)
    elif step[0] == "flow":
        made.flow(background((step[2], step[1], 0 if step[2] == TAKE else step[3], step[4]), at_ns=now_ns))
    elif market == "perp" and step[0] == "mark":
        made.mark(step[1], step[2], now_ns)
        made.fund(step[1], 10_000, step[2], now_ns)
    elif market == "perp" and step[0] == "leverage":
        made.set_leverage(step[1], 0, step[2], now_ns)
    made.look(now_ns)


@given(steps=STEPS)
def test_on_spot_every_unit_is_with_an_owner_the_background_or_the_exchange(steps: list[Any]) -> None:
    made = exchange("spot", instruments=2)
    for now_ns, step in enumerate(steps, start=100):
        acted(made, step, "spot", now_ns)
        spot = made.spot
        moved: dict[str, int] = defaultdict(int)  # what the background has gained
        for s, sizes in enumerate(made.sizes):
            trades = made.queues.trades[s, 1 : int(made.queues.row[s]["trade"]) + 1]
            for one in trades:
                buyer, seller = (int(one[name]) for name in ("buyer", "seller"))
                sign = (buyer == 0) - (seller == 0)
                moved[made.listings[s].instrument.base] += sign * int(one["lots"]) * sizes.lot
                moved["USDT"] -= sign * int(one["lots"]) * int(one["ticks"]) * sizes.unit
        for asset, given_amount in GIVEN.items():
            held = sum(spot.total(owner, asset) for owner in (1, 2))
            assert held + spot.fees[asset] + moved[asset] == 2 * given_amount
        for owner in (1, 2):
            locked: dict[str, int] = defaultdict(int)
            for order in made.orders.open(owner):
                wish = order.wish
                paid = order.left * (made.sizes[wish.s].lot if wish.side == SELL else (wish.ticks or wish.trigger) * made.sizes[wish.s].unit)
                assert order.locked == paid
                locked[spot.paid_in(wish.s, wish.side)] += paid
            assert {asset: amount for asset, amount in spot.locked[owner].items() if amount} == {a: n for a, n in locked.items() if n}
            assert min(spot.free[owner].values()) >= 0


@given(steps=STEPS)
def test_a_perpetuals_wallet_is_the_deposit_with_results_less_fees_and_funding(steps: list[Any]) -> None:
    made = exchange("perp", instruments=2)
    cash = {1: GIVEN["USDT"], 2: GIVEN["USDT"]}
    lots: dict[tuple[int, int], int] = defaultdict(int)
    for now_ns, step in enumerate(steps, start=100):
        acted(made, step, "perp", now_ns)
        for event in made.drain():
            if isinstance(event, OrderEvent) and event.fill is not None:
                wish, fill, owner = event.order.wish, event.fill, event.order.owner
                signed = fill.lots if wish.side == BUY else -fill.lots
                if wish.reduces_only:
                    assert lots[owner, wish.s] * signed < 0 and abs(signed) <= abs(lots[owner, wish.s])
                lots[owner, wish.s] += signed
                worth = fill.lots * fill.ticks * made.sizes[wish.s].unit
                assert fill.fee == rate_up(worth, made.listings[wish.s].maker if fill.is_maker else made.listings[wish.s].taker)
                cash[owner] -= signed * fill.ticks * made.sizes[wish.s].unit + fill.fee
            elif isinstance(event, BalanceEvent) and event.why == "funding":
                cash[event.owner] += event.change
        for owner in (1, 2):
            held = made.perp.held[owner]
            assert [one.lots for one in held] == [lots[owner, s] for s in (0, 1)] == [int(made.queues.held[s, owner]) for s in (0, 1)]
            assert made.perp.wallets[owner] == cash[owner] + sum(one.cost for one in held)
            assert all(one.lots != 0 or one.cost == 0 for one in held)


@given(steps=STEPS, market=st.sampled_from(["spot", "perp"]))
def test_events_tell_every_change_of_an_order_once_and_in_order(steps: list[Any], market: str) -> None:
    made = exchange(market, instruments=2)
    told: dict[int, Order] = {}
    for now_ns, step in enumerate(steps, start=100):
        acted(made, step, market, now_ns)
        for event in made.drain():
            if isinstance(event, OrderEvent):
                before = told.get(event.order.number)
                assert before is None or before.is_open, "nothing happens to an order that is over"
                assert before is not None or event.cause == "new"
                assert event.order.filled - (before.filled if before else 0) == (event.fill.lots if event.fill else 0)
                assert event.order.filled <= event.order.lots
                told[event.order.number] = event.order
        still = {order.number: order for owner in (1, 2) for order in made.orders.open(owner)}
        assert {number for number, order in told.items() if order.is_open} == set(still)
        for number, order in still.items():
            assert (told[number].filled, told[number].lots, told[number].status) == (order.filled, order.lots, order.status)
            assert (order.slot == NONE) == order.waits
            assert order.waits or int(made.queues.orders[order.wish.s, order.slot]["lots"]) == order.left


def test_a_limit_order_is_filled_by_the_background_that_comes_to_it() -> None:
    made = exchange("spot", maker=100_000, taker=100_000)
    order = placed(made, 1, NewOrder(0, BUY, "limit", 300, 1_000, client_id="mine"))
    assert (order.status, order.slot != NONE, made.spot.locked[1]["USDT"]) == ("new", True, 300 * ASSET_ONE)
    made.flow(background((TAKE, SELL, 1_000, 100), at_ns=30))
    assert (order.status, order.filled, made.spot.locked[1]["USDT"]) == ("partly_filled", 100, 200 * ASSET_ONE)
    assert made.spot.free[1]["AAA"] == GIVEN["AAA"] + ASSET_ONE - ASSET_ONE // 1_000, "a fee of 10 bps in what was bought"
    assert made.orders.find(1, 0, client_id="mine") is order
    assert made.cancel(1, 0, order.number, 40) is order and order.status == "canceled" and made.spot.locked[1]["USDT"] == 0
    assert refused(made.cancel(1, 0, order.number, 41)) == "unknown_order"


def test_a_market_order_walks_the_book_and_what_finds_nobody_expires() -> None:
    made = exchange("perp")
    order = placed(made, 1, NewOrder(0, SELL, "market", 4_500))
    assert (order.status, order.filled, order.turnover) == ("filled", 4_500, 1_000 * (999 + 998 + 997 + 996) + 500 * 995)
    rest = placed(made, 2, NewOrder(0, SELL, "market", 900))
    assert (rest.status, rest.filled, rest.reason) == ("expired", 500, "unfilled")


def test_a_client_id_is_taken_while_its_order_is_open_and_free_again_once_it_is_filled() -> None:
    made = exchange("spot")
    first = placed(made, 1, NewOrder(0, BUY, "limit", 10, 990, client_id="one"))
    assert refused(made.place(1, NewOrder(0, BUY, "limit", 10, 990, client_id="one"), 21)) == "duplicate"
    placed(made, 2, NewOrder(0, BUY, "limit", 10, 990, client_id="one"))
    made.cancel(1, 0, first.number, 22)
    assert placed(made, 1, NewOrder(0, BUY, "limit", 10, 1_001, client_id="one")).status == "filled"
    assert placed(made, 1, NewOrder(0, BUY, "limit", 10, 1_001, client_id="one")).status == "filled", "as Binance does: an id may come again"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (NewOrder(0, BUY, "limit", 10, 1_300), "percent_price"),
        (NewOrder(0, SELL, "limit", 10, 700), "percent_price"),
        (NewOrder(0, BUY, "limit", 1, 1_000), "lot_size"),
        (NewOrder(0, BUY, "limit", 100_001, 1_000), "lot_size"),
        (NewOrder(0, BUY, "limit", 4, 1_000), "notional"),
        (NewOrder(0, BUY, "limit", 9_000, 1_000), "balance"),
        (NewOrder(0, SELL, "limit", 5_001, 1_010), "balance"),
        (NewOrder(0, BUY, "limit", 10, 1_001, MAKES), "would_take"),
        (NewOrder(0, SELL, "stop", 10, trigger=1_001), "would_trigger"),
        (NewOrder(0, SELL, "take_profit", 10, trigger=1_001), "would_trigger"),
    ],
)
def test_what_a_venue_refuses_is_refused_and_changes_nothing(wish: NewOrder, why: str) -> None:
    made = exchange("spot")
    made.flow(background((TAKE, BUY, 1_001, 1)))  # the newest trade was at 1,001
    before = dict(made.spot.free[1]), dict(made.spot.locked[1]), int(made.queues.row[0]["update"])
    assert refused(made.place(1, wish, 20)) == why
    assert (made.spot.free[1], made.spot.locked[1], int(made.queues.row[0]["update"])) == before
    assert made.orders.open(1) == [] and made.drain() == []


@pytest.mark.parametrize("market", ["spot", "perp"])
def test_a_fill_or_kill_order_that_cannot_be_filled_expires_at_a_spot_venue_and_is_refused_at_a_futures_venue(market: str) -> None:
    made = exchange(market)
    before = int(made.queues.row[0]["update"])
    told = made.place(1, NewOrder(0, BUY, "limit", 1_001, 1_001, WHOLE), 20)
    if market == "perp":
        assert refused(told) == "not_whole" and made.drain() == []
    else:
        assert isinstance(told, Order) and (told.status, told.reason, told.filled) == ("expired", "not_whole", 0)
        assert [event.cause for event in made.drain() if isinstance(event, OrderEvent)] == ["new", "expired"]
        assert made.spot.locked[1]["USDT"] == 0 and made.orders.find(1, 0, told.number) is told
    assert made.orders.open(1) == [] and int(made.queues.row[0]["update"]) == before


def test_a_stop_waits_for_its_price_and_then_sells_at_the_market() -> None:
    made = exchange("perp")
    placed(made, 1, NewOrder(0, BUY, "market", 500))
    stop = placed(made, 1, NewOrder(0, SELL, "stop", 0, trigger=998, triggered_by="mark", closes=True))
    made.mark(0, 999, 30)
    assert stop.waits and stop.is_open
    made.drain()
    made.mark(0, 998, 40)
    assert (stop.status, stop.filled, made.perp.held[1][0].lots) == ("filled", 500, 0)
    assert [event.cause for event in made.drain() if isinstance(event, OrderEvent)] == ["new", "trade"]


def test_a_stop_is_met_by_a_trade_that_has_passed_and_come_back() -> None:
    made = exchange("spot")
    made.flow(background((TAKE, BUY, 1_001, 1)))
    stop = placed(made, 1, NewOrder(0, SELL, "stop_limit", 100, 990, trigger=998))
    made.flow(background((TAKE, SELL, 998, 2_500), (ADD, SELL, 999, 1), (TAKE, BUY, 999, 1), at_ns=30))
    assert not stop.waits and (stop.status, stop.filled) == ("filled", 100)


def test_a_stop_is_not_met_by_a_trade_from_before_it_waited() -> None:
    made = exchange("spot")
    placed(made, 2, NewOrder(0, SELL, "market", 2_500))
    lowest = int(made.queues.row[0]["last_ticks"])
    placed(made, 2, NewOrder(0, BUY, "market", 100))
    assert lowest < int(made.queues.row[0]["last_ticks"])
    stop = placed(made, 1, NewOrder(0, SELL, "stop_limit", 100, 990, trigger=lowest))
    made.flow(background((ADD, SELL, 1_010, 1)))
    assert stop.waits and stop.is_open


def test_a_stop_without_anything_left_to_reduce_is_over() -> None:
    made = exchange("perp")
    placed(made, 1, NewOrder(0, BUY, "market", 500))
    stop = placed(made, 1, NewOrder(0, SELL, "stop", 500, trigger=990, triggered_by="mark", reduces_only=True))
    placed(made, 1, NewOrder(0, SELL, "market", 500))
    made.mark(0, 989, 40)
    assert (stop.status, stop.reason, made.perp.held[1][0].lots) == ("expired", "reduce_only", 0)


def test_reducing_orders_rest_beside_each_other_and_go_with_the_position() -> None:
    made = exchange("perp")
    placed(made, 1, NewOrder(0, BUY, "market", 500))
    first = placed(made, 1, NewOrder(0, SELL, "limit", 500, 1_005, reduces_only=True))
    second = placed(made, 1, NewOrder(0, SELL, "limit", 500, 1_006, reduces_only=True))
    assert refused(made.place(1, NewOrder(0, BUY, "limit", 10, 990, reduces_only=True), 21)) == "reduce_only"
    placed(made, 1, NewOrder(0, SELL, "market", 200, reduces_only=True))
    assert first.is_open and second.is_open, "each may still take off what is left"
    made.flow(background((TAKE, BUY, 1_006, 9_000), at_ns=30))
    assert (first.status, first.filled, made.perp.held[1][0].lots) == ("expired", 300, 0)
    assert (second.status, second.filled, second.reason) == ("expired", 0, "reduce_only")


def test_margin_is_needed_for_what_adds_and_never_for_what_takes_off() -> None:
    made = exchange("perp")
    made.set_leverage(1, 0, 1, 20)
    assert refused(made.place(1, NewOrder(0, BUY, "limit", 5_001, 1_000), 21)) == "margin"
    placed(made, 1, NewOrder(0, BUY, "limit", 4_900, 1_000))
    assert refused(made.place(1, NewOrder(0, BUY, "limit", 200, 1_000), 22)) == "margin"
    placed(made, 1, NewOrder(0, SELL, "limit", 4_000, 1_010))  # the other side: only the larger exposure counts
    assert isinstance(made.set_leverage(1, 0, 21, 23), Refusal)


def test_an_amendment_that_only_reduces_keeps_its_place_and_another_price_does_not() -> None:
    made = exchange("spot")
    first = placed(made, 1, NewOrder(0, BUY, "limit", 300, 1_000))
    second = placed(made, 2, NewOrder(0, BUY, "limit", 300, 1_000))
    assert made.amend(1, 0, first.number, 200, 1_000, 30) is first
    made.flow(background((TAKE, SELL, 1_000, 100), at_ns=31))
    assert (first.filled, second.filled) == (100, 0)
    assert made.amend(1, 0, first.number, 250, 1_000, 32) is first, "more of it goes to the end"
    made.flow(background((TAKE, SELL, 1_000, 100), at_ns=33))
    assert (first.filled, second.filled, made.spot.locked[1]["USDT"]) == (100, 100, 150 * ASSET_ONE)
    assert refused(made.amend(1, 0, first.number, 250, 1_000, 34)) == "no_change"
    assert refused(made.amend(1, 0, first.number, 9_000, 1_000, 35)) == "balance"
    assert (first.lots, made.spot.locked[1]["USDT"]) == (250, 150 * ASSET_ONE)


def test_an_order_may_be_put_in_money_instead_of_lots() -> None:
    made = exchange("spot")
    order = placed(made, 1, NewOrder(0, BUY, "market", 0, spend=1_500 * ASSET_ONE))
    assert order.filled == 1_000 + (150_000 * 10 - 1_000 * 1_001) // 1_002 and order.turnover <= 1_500 * 1_000


@pytest.mark.parametrize(("lots", "spend"), [(4_500, 0), (0, 4_900 * ASSET_ONE)])
@pytest.mark.parametrize("guard", [GUARD_TAKER, GUARD_MAKER, GUARD_BOTH])
def test_a_market_order_that_meets_its_owners_own_is_paid_for_as_far_as_it_trades(guard: int, lots: int, spend: int) -> None:
    made = exchange("spot")
    placed(made, 1, NewOrder(0, SELL, "limit", 4_000, 1_002))  # behind the background's 1,000
    made.flow(background((ADD, SELL, 1_050, 5_000)))
    order = placed(made, 1, NewOrder(0, BUY, "market", lots, guard=guard, spend=spend))
    assert order.filled > 0 and min(made.spot.free[1].values()) >= 0 and made.spot.locked[1]["USDT"] == 0
    paid = order.turnover * made.sizes[0].unit
    assert made.spot.free[1]["USDT"] == GIVEN["USDT"] - paid and paid <= (spend or paid)
    assert order.filled == (2_000 if guard != GUARD_MAKER else order.filled)


def test_a_market_order_that_can_only_pay_for_lots_it_will_not_take_is_refused() -> None:
    made = exchange("spot")
    placed(made, 1, NewOrder(0, SELL, "limit", 4_000, 1_001))  # its own, cheaper than what it would really get
    wish = NewOrder(0, BUY, "market", 4_990, guard=GUARD_MAKER)
    assert refused(made.place(1, wish, 30)) == "balance" and made.orders.open(1, 0)[0].is_open
    assert placed(made, 1, msgspec.structs.replace(wish, guard=GUARD_NONE)).filled == 4_990


def test_an_amount_to_spend_that_money_has_no_room_for_or_that_buys_nothing_is_refused() -> None:
    made = exchange("spot")
    for amount, why in ((10**30, "notional"), (BOUND, "notional"), (1, "lot_size")):
        for side in (BUY, SELL):
            assert refused(made.place(1, NewOrder(0, side, "market", 0, spend=amount), 20)) == why
    assert made.drain() == [] and made.spot.locked[1] == dict.fromkeys(made.spot.locked[1], 0)
    assert placed(made, 1, NewOrder(0, SELL, "market", 0, spend=BOUND - 1)).filled == 5_000, (
        "all that the book has: it may bring so much, and brings less"
    )


def test_an_amended_order_that_only_reduces_takes_no_more_than_the_position() -> None:
    made = exchange("perp")
    placed(made, 1, NewOrder(0, BUY, "market", 500))
    order = placed(made, 1, NewOrder(0, SELL, "limit", 500, 1_005, reduces_only=True))
    assert made.amend(1, 0, order.number, 900, 999, 30) is order
    assert (order.status, order.filled, made.perp.held[1][0].lots) == ("filled", 500, 0)
    placed(made, 1, NewOrder(0, BUY, "market", 300))
    rests = placed(made, 1, NewOrder(0, SELL, "limit", 200, 1_005, reduces_only=True))
    assert made.amend(1, 0, rests.number, 900, 1_005, 31) is rests and (rests.lots, rests.left, rests.is_open) == (300, 300, True)


@pytest.mark.parametrize(("side", "away", "through"), [(BUY, 999, 1_001), (SELL, 1_001, 999)])
def test_a_post_only_order_may_be_amended_to_any_price_that_does_not_take(side: int, away: int, through: int) -> None:
    made = exchange("spot")
    order = placed(made, 1, NewOrder(0, side, "limit", 100, 990 if side == BUY else 1_010, MAKES))
    assert refused(made.amend(1, 0, order.number, 100, through, 30)) == "would_take"
    assert made.amend(1, 0, order.number, 100, away, 31) is order and (order.status, order.filled, order.wish.ticks) == ("new", 0, away)
    assert made.amend(1, 0, order.number, 100, 1_000, 32) is order and order.slot != NONE


def test_there_is_room_for_as_many_owners_as_were_said() -> None:
    made = Exchange(exchange("spot").listings, prices=64, orders=64, owners=3)
    for owner in (1, 2):
        made.open(owner, GIVEN)
        placed(made, owner, NewOrder(0, BUY, "limit", 100, 1_000))
    for owner in (0, 3, -1):
        with pytest.raises(ConfigRefused, match=f"no account {owner} among 2"):
            made.open(owner, GIVEN)
    assert made.orders.owners == (1, 2)


def test_what_is_over_is_forgotten_beyond_a_bound_and_open_orders_never_are() -> None:
    made = Exchange([exchange("spot").listings[0]], prices=64, orders=256, kept=3)
    made.open(1, GIVEN)
    stays = placed(made, 1, NewOrder(0, BUY, "limit", 10, 900))
    gone = [placed(made, 1, NewOrder(0, BUY, "limit", 10, 900, client_id=f"c{n}")) for n in range(5)]
    for order in gone:
        made.cancel(1, 0, order.number, 30)
    assert [made.orders.find(1, 0, order.number) is not None for order in gone] == [False, False, True, True, True]
    assert made.orders.find(1, 0, client_id="c0") is None and made.orders.find(1, 0, stays.number) is stays


def test_terms_may_change_while_orders_rest() -> None:
    made = exchange("spot")
    order = placed(made, 1, NewOrder(0, BUY, "limit", 10, 990))
    made.relist(0, exchange("spot", min_ticks=995).listings[0])
    assert refused(made.place(1, NewOrder(0, BUY, "limit", 10, 990), 30)) == "price_filter" and order.is_open


def test_another_margin_mode_is_told_where_nothing_stands_in_its_way() -> None:
    made = exchange("perp")
    assert made.set_isolated(1, 0, True, 20) is None and made.perp.held[1][0].is_isolated
    assert made.drain() == [BalanceEvent(20, 1, "margin", ("USDT",), (0,))]
    assert refused(made.set_isolated(1, 0, True, 21)) == "no_change" and made.drain() == []


def test_a_position_says_when_it_last_changed() -> None:
    made = exchange("perp")
    placed(made, 1, NewOrder(0, BUY, "limit", 100, 999), 30)
    made.flow(background((TAKE, SELL, 999, 1_050), at_ns=44))
    assert (made.perp.held[1][0].lots, made.perp.held[1][0].updated_ns, made.perp.held[2][0].updated_ns) == (50, 44, 0)
