"""Every word of the exchange has one of Binance USD-M's."""

from __future__ import annotations

from typing import get_args

import pytest

from metastackerbandit.domain.user_events import Cause
from metastackerbandit.practice.binance import perp_refusals, perp_words
from metastackerbandit.simulation.exchange_words import Ended, NewOrder, Order, Refused, Sort, TriggeredBy
from metastackerbandit.simulation.listing import Listing, sizes_of
from tests.practice.walking import instruments

LISTING = Listing(instruments("perp")[0], min_ticks=100)


def test_types_lasts_and_triggers_can_be_read_back() -> None:
    assert set(perp_words.TYPES) == set(get_args(Sort)) and set(perp_words.WORKING) == set(get_args(TriggeredBy))
    for table, back in ((perp_words.TYPES, perp_words.SORTS), (perp_words.LASTS, perp_words.MODES)):
        assert {back[word]: word for word in table.values()} == table  # type: ignore[attr-defined]


def test_every_cause_and_reason_has_a_word() -> None:
    assert set(perp_words.CAUSES) == set(get_args(Cause))
    assert set(perp_words.REASONS) == set(get_args(Ended))


def test_every_word_of_refusal_has_a_code_and_a_text() -> None:
    assert set(perp_refusals.TOLD) == set(get_args(Refused))
    for why in get_args(Refused):
        made = perp_refusals.of_order(why, NewOrder(s=0, side=0, sort="limit", lots=1, ticks=100), LISTING, sizes_of(LISTING))
        assert made.code < 0 and made.msg and "{" not in made.msg
        assert made.http == (503 if why == "full" else 400)


@pytest.mark.parametrize(
    ("why", "wish", "code"),
    [
        ("price_filter", {"ticks": 99}, -4013),
        ("price_filter", {"ticks": 10**12}, -4002),
        ("lot_size", {"lots": 0}, -4003),
        ("lot_size", {"lots": 10**12}, -4005),
        ("percent_price", {"side": 0}, -4016),
        ("percent_price", {"side": 1}, -4024),
        ("notional", {}, -4164),
        ("margin", {}, -2019),
        ("would_take", {}, -5022),
        ("not_whole", {}, -5021),
        ("reduce_only", {}, -2022),
        ("duplicate", {}, -4116),
    ],
)
def test_below_and_above_and_both_sides_are_told_apart(why: Refused, wish: dict[str, int], code: int) -> None:
    order = NewOrder(**{"s": 0, "side": 0, "sort": "limit", "lots": 1, "ticks": 100, **wish})  # type: ignore[arg-type]
    assert perp_refusals.of_order(why, order, LISTING, sizes_of(LISTING)).code == code


def test_an_order_that_met_its_own_owners_is_told_as_such() -> None:
    wish = NewOrder(s=0, side=0, sort="limit", lots=5, ticks=100)
    order = Order(1, 1, wish, "", 5, "expired", 0, 0, reason="self_trade")
    assert (perp_words.status_of(order), perp_words.reason_of(order)) == ("EXPIRED_IN_MATCH", "1")
    market = Order(1, 1, NewOrder(s=0, side=0, sort="market", lots=5), "", 5, "expired", 0, 0, reason="unfilled")
    assert (perp_words.status_of(market), perp_words.reason_of(market), perp_words.type_of(market), perp_words.lasts(market)) == (
        "EXPIRED",
        "9",
        "MARKET",
        "GTC",
    )
