"""Two views of an account: equal ones do not differ, any change is found with its size, and nothing else is."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from metastackerbandit.execution.reconcile import AccountView, Amount, Difference, OpenOrder, differences, lasting
from tests.covering import covers

lots = st.integers(1, 50)
orders = st.dictionaries(st.sampled_from([f"msb-aaaaaaaa-1-{n}-0" for n in range(6)]), lots, max_size=5).map(
    lambda held: tuple(OpenOrder("BTCUSDT", name, str(n), size, 0) for n, (name, size) in enumerate(held.items()))
)
views = st.builds(
    AccountView,
    orders,
    st.just(frozenset()),
    st.dictionaries(st.sampled_from(["BTCUSDT", "ETHUSDT"]), st.integers(-50, 50).filter(bool)).map(lambda held: tuple(held.items())),
    st.dictionaries(st.sampled_from(["USDT", "BTC"]), st.decimals(0, 100, places=4)).map(lambda held: tuple(Amount(*one) for one in held.items())),
)
ONE = OpenOrder("BTCUSDT", "msb-aaaaaaaa-1-2-0", "7", 10, 3)


@covers("2.124")
@given(views)
def test_equal_views_do_not_differ(view: AccountView) -> None:
    assert differences(view, view) == ()


@given(views, views)
def test_differences_are_mirrored_amounts_add_up_and_each_can_be_accepted(ours: AccountView, theirs: AccountView) -> None:
    found = differences(ours, theirs)
    moved = {one.name: one.amount for one in found if one.kind == "position"}
    held = {symbol: dict(theirs.positions).get(symbol, 0) - dict(ours.positions).get(symbol, 0) for symbol in ("BTCUSDT", "ETHUSDT")}
    assert moved == {symbol: amount for symbol, amount in held.items() if amount}
    gone = {one.name for one in found if one.kind == "order missing"}
    assert gone == {
        one.client_id
        for one in ours.orders
        if one.client_id not in {each.client_id for each in theirs.orders} and one.order_id not in {each.order_id for each in theirs.orders}
    }
    assert differences(ours, theirs, {one.key for one in found}) == ()
    for one in found:
        assert one not in differences(ours, theirs, {one.key}) and one.amount == one.theirs - one.ours != 0


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "name", "amount"),
    [
        (AccountView((ONE,)), AccountView(), "order missing", ONE.client_id, -10),
        (AccountView(), AccountView((ONE,)), "order unknown", ONE.client_id, 10),
        (AccountView(), AccountView((replace(ONE, client_id="web_1"),)), "order foreign", "web_1", 10),
        (AccountView(), AccountView((replace(ONE, client_id="", lots=None),)), "order foreign", "7", 1),
        (AccountView((ONE,)), AccountView((replace(ONE, lots=12),)), "order differs", ONE.client_id, 2),
        (AccountView((ONE,)), AccountView((replace(ONE, filled=4),)), "order differs", ONE.client_id, 1),
        (AccountView(positions=(("BTCUSDT", 5),)), AccountView(), "position", "BTCUSDT", -5),
        (
            AccountView(amounts=(Amount("USDT", Decimal(10), Decimal("0.5")),)),
            AccountView(amounts=(Amount("USDT", Decimal("10.6")),)),
            "amount",
            "USDT",
            "0.6",
        ),
        (AccountView(amounts=(Amount("USDT", Decimal(10)),)), AccountView(), "amount", "USDT", -10),
    ],
)
def test_each_kind_by_hand(ours: AccountView, theirs: AccountView, kind: str, name: str, amount: object) -> None:
    (found,) = differences(ours, theirs)
    assert (found.kind, found.name, found.amount) == (kind, name, Decimal(str(amount)))


def test_what_is_under_way_or_told_by_its_number_or_within_roundings_is_no_difference() -> None:
    assert differences(AccountView(under_way=frozenset({ONE.client_id})), AccountView((ONE,))) == ()
    assert differences(AccountView((ONE,)), AccountView((replace(ONE, client_id="x7"),))) == (), "an order that was triggered has another name"
    assert differences(AccountView((replace(ONE, filled=None),)), AccountView((ONE,))) == ()
    slack = AccountView(amounts=(Amount("USDT", Decimal(10), Decimal("0.5")),))
    assert differences(slack, AccountView(amounts=(Amount("USDT", Decimal("10.5")), Amount("BNB", Decimal(3))))) == ()


def test_only_what_stays_the_same_lasts() -> None:
    one = Difference("position", "BTCUSDT", "BTCUSDT", Decimal(5), Decimal(3))
    assert lasting([one], [one]) == (one,) and lasting([one], []) == ()
    assert lasting([replace(one, theirs=Decimal(4))], [one]) == ()
