"""One order of the engine while a venue has it: whatever comes, in whatever order, the engine hears each fill once, and then how it ended.

The engine has one number; the venue may have several orders for it (legs), since an order that waits for a price is amended by another one in its
place. Where only reductions of one book's position are at stake, which the venue bounds by that position, the new one is there before the old one
goes, so that protection never lapses; else the old one is gone before the new one is sent, so that not both are filled.
"""

from __future__ import annotations

from msgspec import Struct, field

from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, PARTLY_FILLED, REJECTED, SENT, WORKING
from metastackerbandit.domain.trading import REFUSALS_OF_ALL, Meaning
from metastackerbandit.execution.client_ids import trade_number
from metastackerbandit.execution.legs import OVER, PLANNED, SENDING, THERE, UNSURE, Leg, Step, Terms


class HeldOrder(Struct):
    """An order of `lots` (above 0) on `side` (+1 buys), at `price` ticks (0: market), and what the engine was told of it.

    `state` and `filled` are the engine's. `unbooked` are lots that were filled and that the engine cannot take any more: a difference. `refused` is
    a wish (lots, price) that the venue did not take; the former leg stays. `trades` are the fills that were counted.

    `planned` legs there were, those that are over and forgotten among them. `told` are fills that an earlier process has told the engine: they are
    counted, and told no more.
    """

    instrument: int
    order: int
    decision: int
    kind: int
    side: int
    lots: int
    price: int
    reduces: bool
    born_ns: int
    legs: list[Leg] = field(default_factory=list)
    state: int = SENT
    filled: int = 0
    unbooked: int = 0
    is_leaving: bool = False
    refused: tuple[int, int] | None = None
    trades: set[str] = field(default_factory=set)
    planned: int = 0
    told: frozenset[int] = frozenset()

    # -- what the engine asks ----------------------------------------------------------------------------------------

    @property
    def wish(self) -> tuple[int, int]:
        """Lots in all and price, as they are wanted now."""
        return self.lots, self.price

    @property
    def left(self) -> int:
        """Lots that are wanted and not filled."""
        return max(self.lots - self.filled, 0)

    @property
    def is_done(self) -> bool:
        """Whether the engine knows the end, and nothing of it is left at the venue."""
        return self.state >= FILLED and all(leg.state == OVER and not leg.is_short for leg in self.legs)

    def cancel(self, now_ns: int) -> list[OrderReport]:
        """The engine wants it gone."""
        self.is_leaving = True
        return self._settled(now_ns)

    def amend(self, lots: int, price: int) -> None:
        """The engine wants it to be of so many lots in all, filled ones with them, at this price."""
        self.lots, self.price = lots, price

    # -- what the venue says -----------------------------------------------------------------------------------------

    def hear(self, at_ns: int) -> list[OrderReport]:
        """What the engine must be told after a leg has heard something."""
        reports = []
        if self.state == SENT and any(leg.state == THERE for leg in self.legs):
            self.state = WORKING
            reports.append(self._report(WORKING, at_ns))
        return reports + self._settled(at_ns)

    def fill(self, leg: Leg, trade_id: str, lots: int, ticks: int, fee: int, at_ns: int) -> list[OrderReport]:
        """One fill of a leg, told once however often it comes; `fee` in money."""
        if trade_id in self.trades:
            return []
        self.trades.add(trade_id)
        leg.count(lots)
        number = trade_number(trade_id)
        if number in self.told:
            return self._settled(at_ns)
        taken = min(lots, self.left) if self.state < FILLED else 0
        self.unbooked += lots - taken
        if taken == 0:
            return self._settled(at_ns)
        self.filled += taken
        self.state = FILLED if self.filled == self.lots else PARTLY_FILLED
        return [self._report(self.state, at_ns, self.side * taken, ticks, fee, number), *self._settled(at_ns)]

    def sent(self, leg: Leg, meaning: Meaning, now_ns: int, terms: Terms) -> list[OrderReport]:
        """The answer to a leg's sending, but for the state that a friendly one tells."""
        if leg.state != SENDING:
            return self._settled(now_ns)  # an event was faster
        if meaning in REFUSALS_OF_ALL:
            leg.state, leg.due_ns = PLANNED, now_ns + terms.retry_ns
        elif meaning in ("unknown", "duplicate", "done", "nothing_to_change"):
            leg.doubt(now_ns)
        else:
            leg.end(REJECTED)
        return self._settled(now_ns)

    def not_found(self, leg: Leg, asked_ns: int, now_ns: int, terms: Terms) -> list[OrderReport]:
        """The venue has no such order: final only where it was asked after the settle window, before which an order may still arrive."""
        if leg.state != UNSURE:
            return []
        final_ns = leg.sent_ns + terms.settle_ns
        if asked_ns < final_ns:
            leg.due_ns = min(now_ns + terms.retry_ns, max(final_ns, now_ns + 1))
        elif leg.order_id:
            leg.end(CANCELLED)  # it was there, and is not kept any more
        elif leg.resent < terms.resends and not self.is_leaving and self.state < FILLED and not self._is_stale(now_ns, terms):
            leg.state, leg.resent, leg.due_ns = PLANNED, leg.resent + 1, now_ns
        else:
            leg.end(REJECTED)
            leg.is_given_up = True
        return self._settled(now_ns)

    def cancelled(self, leg: Leg, meaning: Meaning, now_ns: int, terms: Terms) -> None:
        """The answer to a leg's cancellation, where it tells no state: it must be asked for, unless nothing was done."""
        if meaning not in REFUSALS_OF_ALL:
            leg.doubt(now_ns)
        if meaning not in ("done", "gone"):
            leg.due_ns = now_ns + terms.retry_ns

    def amended(self, leg: Leg, asked: tuple[int, int], size: int, meaning: Meaning, now_ns: int, terms: Terms) -> None:
        """The answer to a leg's amendment in place, to `size` lots of the wish `asked`."""
        if meaning in ("done", "nothing_to_change"):
            leg.lots, leg.price, leg.asked = size, asked[1], asked
        elif meaning in REFUSALS_OF_ALL:
            leg.due_ns = now_ns + terms.retry_ns
        elif meaning in ("unknown", "gone", "duplicate"):
            leg.doubt(now_ns)
        else:
            self.refused = asked

    def found(self, leg: Leg, lots: int | None, price: int | None, now_ns: int, terms: Terms) -> None:
        """A leg that was asked for is of so many lots at this price; what still is to be done about it is not done at once again."""
        leg.due_ns = now_ns + (0 if leg.state == UNSURE and leg.became else terms.retry_ns)
        if leg.amends and lots and price:
            leg.lots, leg.price = lots, price
            if (lots, price) == (self.size_of(leg), self.price):
                leg.asked = self.wish

    def give_up(self, leg: Leg, now_ns: int) -> list[OrderReport]:
        """A leg that was never sent will not be."""
        leg.end(REJECTED)
        return self._settled(now_ns)

    # -- what is to be done ------------------------------------------------------------------------------------------

    def size_of(self, leg: Leg) -> int:
        """Lots that a leg should have in all, beside what the others have filled."""
        return self.lots - (self.filled - leg.counted)

    def next_step(self, now_ns: int, terms: Terms) -> Step | None:
        """The step that is due first; None while only the venue's word is waited for."""
        steps = [step for leg in self.legs if (step := self._step(leg, now_ns, terms)) is not None]
        return min(steps, key=lambda step: max(step.at_ns, now_ns)) if steps else None

    def wants_leg(self, terms: Terms) -> bool:
        """Whether another leg must be planned: the first one, or one in the place of the current one."""
        if self.is_leaving or self.state >= FILLED or self.left == 0:
            return False
        if not self.legs:
            return True
        current = self._current()
        if self._is_refused():
            return False
        if current.state == OVER:  # cancelled to make room, even if it is wanted as it was meanwhile
            return current.is_leaving and current.ended == CANCELLED and not current.is_short
        if current.asked == self.wish:
            return False
        return current.state == THERE and not (current.amends or current.became or terms.cancels_first)

    def _step(self, leg: Leg, now_ns: int, terms: Terms) -> Step | None:
        """What a leg needs."""
        if leg.state == UNSURE:
            return Step("find", leg, leg.due_ns)
        if leg.state == PLANNED:
            return Step("give_up" if self._is_stale(now_ns, terms) else "send", leg, leg.due_ns)
        if leg.state == THERE and self._is_unwanted(leg, terms):
            leg.is_leaving = True
            return Step("cancel", leg, leg.due_ns)
        if leg.state == THERE and leg.amends and leg.asked != self.wish and not self._is_refused():
            return Step("amend", leg, leg.due_ns)
        return Step("fills", leg, leg.short_ns + terms.fills_ns) if leg.is_short else None

    def _is_unwanted(self, leg: Leg, terms: Terms) -> bool:
        """Whether a leg that is there should go: the order's end is wanted or known, another one has its place, or must have."""
        if self.is_leaving or self.state >= FILLED or self.left == 0 or leg.is_leaving:
            return True
        current = self._current()
        if leg is not current:
            return current.state == THERE
        return terms.cancels_first and not leg.amends and leg.asked != self.wish and not self._is_refused()

    def _is_refused(self) -> bool:
        """Whether the venue did not take what is wanted now."""
        return self.refused == self.wish or any(leg.ended == REJECTED and leg.asked == self.wish for leg in self.legs)

    def _current(self) -> Leg:
        """The newest leg that the venue has not refused."""
        return next((leg for leg in reversed(self.legs) if leg.ended != REJECTED), self.legs[-1])

    def _is_stale(self, now_ns: int, terms: Terms) -> bool:
        """Whether it is new risk whose price is gone."""
        return not self.reduces and now_ns - self.born_ns > terms.stale_ns

    def _settled(self, now_ns: int) -> list[OrderReport]:
        """How it ended, once nothing is open and every fill was told; one that is to be replaced has not ended."""
        if self.is_leaving or self.state >= FILLED or self.left == 0:
            for leg in self.legs:
                if leg.state == PLANNED:
                    leg.end(CANCELLED)
        if self.state >= FILLED or (not self.legs and not self.is_leaving) or any(leg.state != OVER or leg.is_short for leg in self.legs):
            return []
        how = self._current().ended if self.legs else CANCELLED
        if how == CANCELLED and self.legs and self._current().is_leaving and not self.is_leaving and self.left > 0 and not self._is_refused():
            return []
        if how == FILLED or (how == REJECTED and self.state != SENT):
            how = EXPIRED  # what was cut from it, or refused of what was there, does not come any more
        self.state = how
        return [self._report(how, now_ns)]

    def _report(self, state: int, at_ns: int, lots: int = 0, ticks: int = 0, fee: int = 0, trade: int = 0) -> OrderReport:
        """A word for the engine; the price is its own reference, since nobody measured another one."""
        return OrderReport(self.instrument, self.order, state, at_ns, lots, ticks, ticks, fee, trade=trade)
