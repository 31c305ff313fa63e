"""The live path of orders to one market of a venue: the engine's requests go out once, and what the venue says comes back as its reports.

The engine's intent is in the journal before `act` is called. What is to be done next about each order is decided by execution.held_order; here it is
done: one step of an order at a time, several orders side by side. What may have been carried out is asked for under its client id before anything
else, and is sent again only when it was not there after the settle window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.rows import MARKET, REJECTED, STOP, TARGET
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.user_events import UserEvent
from metastackerbandit.execution.client_ids import run_mark
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import PLANNED, SENDING, THERE, Step
from metastackerbandit.runtime.account_desk import AccountDesk
from metastackerbandit.runtime.breaker import Breaker
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.fill_lists import FillLists
from metastackerbandit.runtime.new_risk import LastLook, nothing_limited
from metastackerbandit.runtime.order_steps import OrderSteps
from metastackerbandit.runtime.order_view import Keep, OrderView
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings


class OrderDesk:
    """Takes SubmitOrder, CancelOrder and AmendOrder; `report` gets the answers, from within `run` and `heard`.

    `books` are the engine's instruments in its order, all of this market. `since_ns` is the venue's time from which fills may be unknown to us,
    `keep` gets what must be written down of legs before they are sent. `last_look` is asked about every order of new risk when nothing else speaks
    against it. `refusals` is set when the venue has refused an order.
    """

    def __init__(
        self,
        books: Sequence[Instrument],
        run: str,
        account: AccountDesk,
        clock: LiveClock,
        settings: OrderSettings,
        report: Callable[[OrderReport], None],
        tell: Tell,
        since_ns: int,
        keep: Keep,
        last_look: LastLook = nothing_limited,
    ) -> None:
        self.account = account
        self._clock, self._settings, self._tell = clock, settings, tell
        self.view = OrderView(books, run_mark(run), report, tell, keep)
        self._fills = FillLists(self.view, account, since_ns)
        self.refusals = asyncio.Event()
        self._steps = OrderSteps(self.view, account, self._fills, clock, settings, tell, self.refusals.set)
        self._last_look = last_look
        self._shut: dict[str, str] = {}  # symbols of which no new risk is sent, and why
        self._busy: set[int] = set()
        self._unsent: list[OrderReport] = []  # answers to `act` itself, told by `run`
        self._held_back: dict[str, str] = {}  # why no new risk is sent
        self._wake = asyncio.Event()
        self._taken_up: list[HeldOrder] = []  # of an earlier process

    # -- what the engine asks ----------------------------------------------------------------------------------------

    def act(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> None:
        """Begin to do what is asked; the answers come by `report`."""
        match effect:
            case SubmitOrder():
                self._submit(effect)
            case CancelOrder() if effect.order in self.view.register.active:
                self._unsent += self.view.register.active[effect.order].cancel(self.account.clock.now_ns())
            case AmendOrder() if effect.order in self.view.register.active:
                self.view.register.active[effect.order].amend(abs(effect.lots), effect.trigger)
            case _:
                pass  # it ended before the engine heard of it
        self._wake.set()

    def take_up(self, past: Sequence[HeldOrder]) -> None:
        """Orders as a killed process may have left them; they are asked for when `run` begins."""
        for held in past:
            self.view.register.add(held)
            self._steps.take_up(held)
            self._fills.reach_back(held.born_ns)
        self._taken_up += past

    def hold(self, who: str, why: str, *, is_expected: bool = False) -> None:
        """Send no new risk while somebody holds it; protection, reductions and cancellations go on.

        It is expected at a start and after a wished end, and no trouble there.
        """
        if self._held_back.get(who) != why:
            self._held_back[who] = why
            self._note("risk_waits" if is_expected else "risk_held", "", f"{who}: {why}")

    def free(self, who: str) -> None:
        """Somebody does not hold new risk any more."""
        if self._held_back.pop(who, None) is not None:
            self._note("risk_free", "", f"{who} holds it no more; {', '.join(self._held_back) or 'nobody'} does")

    def shut(self, symbol: str, why: str) -> None:
        """Send no new risk of a symbol until it is opened again."""
        self._shut[symbol] = why

    def reopen(self, symbol: str) -> None:
        """New risk of a symbol is sent again."""
        self._shut.pop(symbol, None)

    @property
    def breaker(self) -> Breaker:
        """What opens by refusals in a row."""
        return self._steps.breaker

    @property
    def holders(self) -> tuple[str, ...]:
        """Who holds new risk back."""
        return tuple(self._held_back)

    def _submit(self, effect: SubmitOrder) -> None:
        one = self.view.books[effect.instrument]
        why = self._objection(effect, one)
        if why:
            self._note("order_refused", one.symbol, f"order {effect.order} is not sent: {why}")
            self._unsent.append(OrderReport(effect.instrument, effect.order, REJECTED, self.account.clock.now_ns()))
            return
        self.view.register.add(
            HeldOrder(
                instrument=effect.instrument,
                order=effect.order,
                decision=effect.decision,
                kind=effect.kind,
                side=1 if effect.lots > 0 else -1,
                lots=abs(effect.lots),
                price=effect.trigger if effect.kind != MARKET else 0,
                reduces=effect.reduce_only != 0 or effect.kind != MARKET,
                born_ns=self.account.clock.now_ns(),
            )
        )

    def _objection(self, effect: SubmitOrder, one: Instrument) -> str:
        """Why an order is not sent, "" where nothing speaks against it."""
        if effect.kind == TARGET and self.account.venue.locks and any(held.kind == STOP for held in self._beside(effect.instrument, effect.order)):
            return "what it would sell is locked by the stop"
        if effect.reduce_only or effect.kind != MARKET:
            return ""
        if self._held_back:
            return f"new risk is held back by {', '.join(self._held_back)}"
        if one.symbol in self._shut:
            return self._shut[one.symbol]
        if not any(self._is_unanswered(held) for held in self.view.register.active.values()):
            self.breaker.given_up()  # one that was to try and never left tries nothing
        if not self.breaker.allows(self._clock.now_ns(), self._settings):
            return "the venue has refused too many orders in a row"
        why = self._last_look(effect, self.view.register.active.values(), self.account.clock.now_ns())
        if why:
            self.breaker.given_up()  # the one that was to try is not sent
            self._note("limit_refused", one.symbol, f"order {effect.order}: {why}")
        return why

    def _is_refused(self, held: HeldOrder) -> bool:
        """Whether the last look speaks against new risk that an earlier process may not have looked at."""
        others = [one for one in self.view.register.active.values() if one is not held]
        asked = SubmitOrder(held.instrument, held.order, held.decision, held.kind, held.side * held.left, 0, 0, 0, held.born_ns)
        why = self._last_look(asked, others, self.account.clock.now_ns())
        if why:
            self._note("limit_refused", self.view.books[held.instrument].symbol, f"order {held.order}, of an earlier process: {why}")
        return bool(why)

    def _is_unanswered(self, held: HeldOrder) -> bool:
        """Whether it is new risk of which the venue has not been heard."""
        return not held.reduces and (not held.legs or any(leg.state in (PLANNED, SENDING) for leg in held.legs))

    def _beside(self, instrument: int, order: int) -> list[HeldOrder]:
        """The other orders of a symbol that are not over."""
        symbol = self.view.books[instrument].symbol
        return [held for held in self.view.register.active.values() if held.order != order and self.view.books[held.instrument].symbol == symbol]

    # -- what the venue tells ----------------------------------------------------------------------------------------

    def heard(self, event: UserEvent) -> None:
        """An event of the account."""
        self.view.event(event, self.account.clock.now_ns())
        self._wake.set()

    async def recover(self) -> None:
        """Ask for everything that may have been missed: open orders, fills since the last that a list told, and orders that are not open any more.

        Raises:
            RequestFailed, AnswerRefused: the venue did not answer; it must be asked again.
        """
        for symbol, one in {one.symbol: one for one in self.view.books}.items():
            seen: set[str] = set()
            for state in await self.account.open_orders(one):
                found = self.view.register.find(state.client_id, "" if state.waits else state.order_id)
                if found is not None:
                    self.view.state(*found, state, self.account.clock.now_ns())
                    seen.add(found[1].client_id)
            await self._fills.fetch(one)
            now_ns = self.account.clock.now_ns()
            for held in self.view.register.active.values():
                for leg in held.legs if self.view.books[held.instrument].symbol == symbol else ():
                    if leg.state == THERE and leg.client_id not in seen:
                        leg.doubt(now_ns)
        self._wake.set()

    # -- what is done ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Do what is due, until cancelled; only what is no network's fault is raised."""
        now_ns = self.account.clock.now_ns()
        for held in self._taken_up:
            for leg in held.legs:
                leg.sent_ns = leg.due_ns = now_ns  # at the latest: whoever sent it is dead
            is_refused = not held.reduces and not held.legs and self._is_refused(held)
            self.view.settle(held, held.cancel(now_ns) if is_refused else held.hear(now_ns))  # one that was cancelled before it was sent is over
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                unsent, self._unsent = self._unsent, []
                self.view.emit(unsent)
                soonest_ns = self._begin_steps(group)
                await self._sleep_until(soonest_ns)

    def _begin_steps(self, group: asyncio.TaskGroup) -> int | None:
        """Begin every step that is due; when the next one is, None for nothing."""
        now_ns = self.account.clock.now_ns()
        soonest_ns: int | None = None
        for held in list(self.view.register.active.values()):
            if held.order in self._busy:
                continue
            if held.is_done:
                self.view.settle(held, ())
                continue
            terms = self._steps.terms(self.view.books[held.instrument])
            if held.wants_leg(terms) and not self._frees_first(held):
                self._steps.plan_leg(held)
            step = held.next_step(now_ns, terms)
            if step is None:
                continue
            if step.at_ns <= now_ns:
                self._busy.add(held.order)
                group.create_task(self._do(held, step))
            elif soonest_ns is None or step.at_ns < soonest_ns:
                soonest_ns = step.at_ns
        return soonest_ns

    async def _sleep_until(self, venue_ns: int | None) -> None:
        """Until something happened, or it is that late at the venue."""
        wait_s = None if venue_ns is None else self.account.clock.wall_s(max(venue_ns - self.account.clock.now_ns(), 0) / SECOND_NS)
        waking = asyncio.ensure_future(self._wake.wait())
        waiting = [waking] if wait_s is None else [waking, asyncio.ensure_future(self._clock.sleep(max(wait_s, 0.001)))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _frees_first(self, held: HeldOrder) -> bool:
        """Whether what an exit sells is still locked by protection; that is cancelled first, and the exit waits for it."""
        if not self.account.venue.locks or not held.reduces or held.kind != MARKET:
            return False
        locking = [one for one in self._beside(held.instrument, held.order) if one.kind != MARKET]
        for one in locking:
            if not one.is_leaving:
                self.view.settle(one, one.cancel(self.account.clock.now_ns()))
                self._wake.set()
        return any(not one.is_done for one in locking)

    async def _do(self, held: HeldOrder, step: Step) -> None:
        """One step, during which the order has no other."""
        try:
            await self._steps.do(held, step)
        finally:
            self._busy.discard(held.order)
            self._wake.set()

    def _note(self, what: str, symbol: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "", symbol, words))
