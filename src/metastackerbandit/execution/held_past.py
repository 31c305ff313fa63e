"""The orders of a killed process as it may have left them at a venue: what was asked, and which of its legs were not over. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from metastackerbandit.domain.leg_words import LegLeaving, LegOver, LegPlanned, LegWord
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.intents import Intents
from metastackerbandit.execution.legs import UNSURE, Leg


def held_past(intents: Intents, words: Iterable[LegWord]) -> list[HeldOrder]:
    """Orders whose end the engine does not know, and those of which something may be left at the venue, in the order of their numbers.

    Each leg that was not over is in doubt: it may never have been sent. Whether a leg waits apart, and whether it can be amended in place, is for
    who knows the venue.
    """
    legs: dict[str, tuple[int, Leg]] = {}
    planned: dict[int, set[str]] = {}
    for word in words:
        match word:
            case LegPlanned():
                legs[word.client_id] = word.order, Leg(word.client_id, word.lots, word.price, word.asked, False, False, state=UNSURE)
                planned.setdefault(word.order, set()).add(word.client_id)
            case LegLeaving() if word.client_id in legs:
                legs[word.client_id][1].is_leaving = True
            case LegOver():
                legs.pop(word.client_id, None)
    wanted = {one.asked.order for one in intents.working} | {order for order, _ in legs.values() if order in intents.orders}
    found = []
    for number in sorted(wanted):
        held = intents.orders[number].held(len(planned.get(number, ())))
        held.legs = [leg for order, leg in legs.values() if order == number]
        found.append(held)
    return found
