"""What an engine asked for and was told of its orders: where it believes each to stand, and the order as an account's desk holds it."""

from __future__ import annotations

import pytest

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.rows import CANCELLED, FILLED, MARKET, PARTLY_FILLED, REJECTED, SENT, STOP, TARGET, WORKING
from metastackerbandit.execution import intents as module
from metastackerbandit.execution.intents import Intents


def submitted(kind: int = MARKET, lots: int = 10, trigger: int = 0, order: int = 1, *, reduces: int = 0) -> SubmitOrder:
    return SubmitOrder(0, order, 7, kind, lots, trigger, reduces, 0, 5)


def test_an_order_stands_where_its_reports_say_and_is_wanted_as_it_was_asked_for_last() -> None:
    kept = Intents()
    kept.asked(submitted(STOP, -10, 90))
    kept.told(OrderReport(0, 1, WORKING, 6))
    kept.asked(AmendOrder(0, 1, -8, 95, 7))
    kept.told(OrderReport(0, 1, PARTLY_FILLED, 8, -3, 94, trade=21))
    (one,) = kept.working
    assert (one.lots, one.price, one.state, one.filled, one.trades, one.is_leaving) == (8, 95, PARTLY_FILLED, 3, {21}, False)
    kept.asked(CancelOrder(0, 1, 9))
    held = one.held(2)
    assert (held.side, held.lots, held.price, held.filled, held.planned, held.told) == (-1, 8, 95, 3, 2, frozenset({21}))
    assert held.is_leaving and held.reduces and held.born_ns == 5 and held.legs == [] and held.decision == 7
    kept.told(OrderReport(0, 1, PARTLY_FILLED, 9, -5, 94, trade=22))
    assert one.is_over and one.state == FILLED and kept.working == (), "a fill's state follows from its lots"


@pytest.mark.parametrize(("kind", "reduces", "wanted"), [(MARKET, 0, False), (MARKET, 1, True), (TARGET, 0, True)])
def test_only_new_risk_does_not_reduce(kind: int, reduces: int, wanted: bool) -> None:
    kept = Intents()
    kept.asked(submitted(kind, trigger=77, reduces=reduces))
    held = kept.working[0].held(0)
    assert held.reduces is wanted and held.state == SENT and held.price == (0 if kind == MARKET else 77), "a market order has no price"


def test_what_is_asked_of_an_order_that_is_over_or_not_known_changes_nothing() -> None:
    kept = Intents()
    kept.asked(CancelOrder(0, 4, 1))
    kept.told(OrderReport(0, 4, CANCELLED, 1))
    kept.asked(submitted())
    kept.told(OrderReport(0, 1, REJECTED, 6))
    kept.asked(CancelOrder(0, 1, 7))
    kept.asked(AmendOrder(0, 1, 3, 3, 7))
    assert (kept.orders[1].is_leaving, kept.orders[1].lots) == (False, 10) and list(kept.orders) == [1]


def test_the_oldest_that_are_over_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OVER", 2)
    kept = Intents()
    for order in range(1, 5):
        kept.asked(submitted(order=order))
        if order != 2:
            kept.told(OrderReport(0, order, CANCELLED, 6))
    assert list(kept.orders) == [2, 3, 4] and [one.asked.order for one in kept.working] == [2]
