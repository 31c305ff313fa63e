"""Orders as a killed process may have left them: those that may be at the venue are in doubt, each under its own name, and no other."""

from __future__ import annotations

from metastackerbandit.domain.effects import SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.leg_words import LegLeaving, LegOver, LegPlanned, LegWord
from metastackerbandit.domain.rows import FILLED, MARKET, STOP, WORKING
from metastackerbandit.execution.held_past import held_past
from metastackerbandit.execution.intents import Intents
from metastackerbandit.execution.legs import UNSURE


def asked(*orders: int) -> Intents:
    """Stops under these numbers."""
    made = Intents()
    for order in orders:
        made.asked(SubmitOrder(0, order, 7, STOP, -10, 90, 1, 0, 5))
    return made


def test_a_leg_that_was_not_over_is_in_doubt_for_what_it_was_made_for() -> None:
    words: list[LegWord] = [
        LegPlanned(1, "a0", 10, 90, (10, 90)),
        LegPlanned(1, "a1", 10, 95, (10, 95)),
        LegLeaving("a0"),
        LegPlanned(1, "a1", 8, 96, (8, 96)),
    ]
    (held,) = held_past(asked(1), words)
    old, new = held.legs
    assert (old.client_id, old.state, old.is_leaving, old.asked) == ("a0", UNSURE, True, (10, 90))
    assert (new.client_id, new.lots, new.price, new.asked, new.is_leaving) == ("a1", 8, 96, (8, 96), False), "made anew before it was sent"
    assert held.planned == 2, "names that were given are not given again"


def test_a_leg_that_was_over_is_not_asked_for_and_its_name_is_used_up() -> None:
    words: list[LegWord] = [LegPlanned(1, "a0", 10, 90, (10, 90)), LegOver("a0"), LegLeaving("a0")]
    (held,) = held_past(asked(1), words)
    assert held.legs == [] and held.planned == 1
    (again,) = held_past(asked(1), [*words, LegPlanned(1, "a0", 10, 90, (10, 90))])
    assert [leg.client_id for leg in again.legs] == ["a0"] and again.planned == 1, "it was there after all"


def test_an_order_that_is_over_is_held_while_something_of_it_may_be_left() -> None:
    kept = asked(1, 2, 3)
    for order in (1, 2):
        kept.told(OrderReport(0, order, WORKING, 6))
        kept.told(OrderReport(0, order, FILLED, 7, -10, 90, trade=order))
    words: list[LegWord] = [
        LegPlanned(1, "a0", 10, 90, (10, 90)),
        LegPlanned(2, "b0", 10, 90, (10, 90)),
        LegOver("b0"),
        LegPlanned(9, "x0", 1, 1, (1, 1)),
    ]
    first, third = held_past(kept, words)
    assert (first.order, first.state, [leg.client_id for leg in first.legs]) == (1, FILLED, ["a0"])
    assert (third.order, third.legs, third.planned) == (3, [], 0), "what was asked for and never planned is still wanted"


def test_a_market_order_has_no_price() -> None:
    made = Intents()
    made.asked(SubmitOrder(0, 1, 7, MARKET, 4, 33, 0, 0, 5))
    assert held_past(made, [])[0].price == 0
