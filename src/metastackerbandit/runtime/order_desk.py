"""The live path of orders to one market of a venue: the engine's requests go out once, and what the venue says comes back as its reports.

The engine's intent is in the journal before `act` is called. What is to be done next about each order is decided by execution.held_order; here it is
done: one step of an order at a time, several orders side by side. What may have been carried out is asked for under its client id before anything
else, and is sent again only when it was not there after the settle window.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.errors import AnswerRefused, RequestFailed
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.rows import MARKET, REJECTED, STOP, TARGET
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.trading import (
    WAITING_SORTS,
    AmendAsked,
    CancelAsked,
    FillsAsked,
    NewOrder,
    OpenOrdersAsked,
    OrderAsked,
    OrderState,
    Question,
    Sort,
    Verdict,
)
from metastackerbandit.domain.user_events import Side, UserEvent
from metastackerbandit.execution.client_ids import client_id, run_mark
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import OVER, PLANNED, SENDING, THERE, Leg, Step, Terms
from metastackerbandit.runtime.account_desk import AccountDesk, Reply
from metastackerbandit.runtime.breaker import Breaker
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.order_view import OrderView
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings

_SORTS: dict[int, Sort] = {MARKET: "market", STOP: "stop", TARGET: "limit"}  # a target rests at its price, as simulation has it
_LISTED_NS = 86_400 * SECOND_NS  # fills of a day are listed by every venue in one answer, however long ago it was
_REFUSALS = ("rejected", "key_refused")


class OrderDesk:
    """Takes SubmitOrder, CancelOrder and AmendOrder; `report` gets the answers, from within `run` and `heard`.

    `books` are the engine's instruments in its order, all of this market. `since_ns` is the venue's time from which fills may be unknown to us.
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
    ) -> None:
        self.account = account
        self.breaker = Breaker()
        self._clock, self._settings, self._tell, self._since_ns = clock, settings, tell, since_ns
        self.view = OrderView(books, run_mark(run), report, tell)
        self._shared = Counter(one.symbol for one in books)
        self._busy: set[int] = set()
        self._unsent: list[OrderReport] = []  # answers to `act` itself, told by `run`
        self._held_back: dict[str, str] = {}  # why no new risk is sent
        self._newest_trade: dict[str, str] = {}  # by symbol, as a list of fills said last
        self._from_ns: dict[str, int] = {}  # by symbol, while no list has told a fill
        self._wake = asyncio.Event()

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

    def hold(self, who: str, why: str) -> None:
        """Send no new risk while somebody holds it; protection, reductions and cancellations go on."""
        if self._held_back.get(who) != why:
            self._held_back[who] = why
            self._note("risk_held", "", f"{who}: {why}")

    def free(self, who: str) -> None:
        """Somebody does not hold new risk any more."""
        if self._held_back.pop(who, None) is not None:
            self._note("risk_free", "", f"{who} holds it no more; {', '.join(self._held_back) or 'nobody'} does")

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
        return "" if self.breaker.allows(self._clock.now_ns(), self._settings) else "the venue has refused too many orders in a row"

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
            for waits in (False, True) if self.account.venue.waits_apart else (False,):
                question = OpenOrdersAsked(waits)
                for state in self.account.venue.read_orders(await self.account.told(question, one), question, one):
                    found = self.view.register.find(state.client_id, state.order_id if not waits else "")
                    if found is not None:
                        self.view.state(*found, state, self.account.clock.now_ns())
                        seen.add(found[1].client_id)
            await self._fetch_fills(one)
            now_ns = self.account.clock.now_ns()
            for held in self.view.register.active.values():
                for leg in held.legs if self.view.books[held.instrument].symbol == symbol else ():
                    if leg.state == THERE and leg.client_id not in seen:
                        leg.doubt(now_ns)
        self._wake.set()

    async def _fetch_fills(self, one: Instrument) -> None:
        """Fills of a symbol since the last that a list told, page by page; while there was none, since a time that follows the venue's."""
        newest, from_ns = self._newest_trade.get(one.symbol, ""), self._from_ns.get(one.symbol, self._since_ns)
        while True:
            asked_ns = self.account.clock.now_ns()
            question = FillsAsked(newest, 0 if newest else from_ns)
            records = self.account.venue.read_fills(await self.account.told(question, one), one)
            self.view.fills(records)
            last = records[-1].fill.trade_id if records else newest
            if last != newest:
                newest = self._newest_trade[one.symbol] = last
            elif not newest and from_ns + _LISTED_NS < asked_ns:
                from_ns += _LISTED_NS  # a venue lists some days from the time that it is asked for
                continue
            if len(records) < self.account.venue.most_fills or last == question.from_trade:
                self._from_ns[one.symbol] = max(from_ns, asked_ns - _LISTED_NS)
                return

    # -- what is done ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Do what is due, until cancelled; only what is no network's fault is raised."""
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
                self.view.register.done(held)
                continue
            terms = self._terms(self.view.books[held.instrument])
            if held.wants_leg(terms) and not self._frees_first(held):
                self._plan_leg(held)
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
                self.view.emit(one.cancel(self.account.clock.now_ns()))
                self._wake.set()
        return any(not one.is_done for one in locking)

    def _plan_leg(self, held: HeldOrder) -> None:
        """Plan the next order at the venue for one of the engine's; a sale is cut to what the account has."""
        one, venue, sort = self.view.books[held.instrument], self.account.venue, _SORTS[held.kind]
        lots = held.left
        most = self.view.sellable(one) if venue.locks and held.side < 0 else None
        if most is not None and 0 < most < lots:
            self._note("order_cut", one.symbol, f"order {held.order} sells {most:,} of {lots:,} lots: there is no more of {one.base}")
            lots = most
        name = client_id(self.view.mark, held.decision, held.order, len(held.legs))
        waits = venue.waits_apart and sort in WAITING_SORTS
        leg = Leg(name, lots, held.price, (held.lots, held.price), waits, sort in venue.amends)
        held.legs.append(leg)
        self.view.named(held, leg)

    async def _do(self, held: HeldOrder, step: Step) -> None:
        """One step of an order."""
        one, leg = self.view.books[held.instrument], step.leg
        try:
            match step.what:
                case "send":
                    await self._send(held, leg, one)
                case "find":
                    await self._find(held, leg, one)
                case "cancel":
                    await self._cancel(held, leg, one)
                case "amend":
                    await self._amend(held, leg, one)
                case "fills":
                    await self._ask_fills(leg, one)
                case "give_up":
                    self._give_up(held, leg, one, "it could not be sent in time")
        finally:
            self._busy.discard(held.order)
            self._wake.set()

    async def _send(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        sort, is_risk = _SORTS[held.kind], not held.reduces
        side: Side = "buy" if held.side > 0 else "sell"
        rests = (leg.price, 0) if sort == "limit" else (0, leg.price)
        question = NewOrder(leg.client_id, side, sort, leg.lots, *rests, "gtc", held.reduces, self._settings.trigger_by)

        def ready(venue_ns: int) -> bool:
            if leg.state != PLANNED or (is_risk and venue_ns - held.born_ns > self._terms(one).stale_ns):
                return False
            leg.state, leg.sent_ns = SENDING, venue_ns
            if leg.resent:
                self._note("order_resent", one.symbol, f"{leg.client_id} was not there after the settle window")
            return True

        reply = await self.account.ask(question, one, ready)
        if leg.state == PLANNED or (leg.state == OVER and leg.sent_ns == 0):
            return  # kept back, or not wanted any more while it waited
        self._judge(reply.verdict, is_risk)
        state = self._order_state(reply, question, one)
        if state is not None:
            self.view.state(held, leg, state, reply.sent_ns)
            return
        if reply.verdict.meaning in _REFUSALS:
            self._note("order_refused", one.symbol, f"{leg.client_id}: code {reply.verdict.code}, {reply.verdict.words}")
        elif reply.verdict.meaning == "unknown":
            self._note("order_unknown", one.symbol, f"{leg.client_id}: {reply.verdict.words}")
        self.view.emit(held.sent(leg, reply.verdict.meaning, self.account.clock.now_ns(), self._terms(one)))

    async def _find(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        question = OrderAsked(order_id=leg.became) if leg.became else OrderAsked(leg.client_id, waits=leg.waits)
        reply = await self.account.ask(question, one)
        now_ns, terms = self.account.clock.now_ns(), self._terms(one)
        state = self._order_state(reply, question, one)
        if state is not None:
            self.view.state(held, leg, state, reply.sent_ns)
            held.found(leg, state.lots, state.ticks, now_ns, terms)
            self._note("order_found", one.symbol, f"{leg.client_id} is {state.word.lower()}")
        elif reply.verdict.meaning == "gone":
            self.view.emit(held.not_found(leg, reply.sent_ns, now_ns, terms))
            if leg.is_given_up:
                self._note("order_given_up", one.symbol, f"{leg.client_id} was never there")
        else:
            leg.due_ns = now_ns + terms.retry_ns

    async def _cancel(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        question = CancelAsked(order_id=leg.became) if leg.became else CancelAsked(leg.client_id, waits=leg.waits)
        reply = await self.account.ask(question, one, lambda _: leg.state != OVER)
        state = self._order_state(reply, question, one)
        if state is not None:
            self.view.state(held, leg, state, reply.sent_ns)
        held.cancelled(leg, reply.verdict.meaning, self.account.clock.now_ns(), self._terms(one))

    async def _amend(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        asked, size = (held.lots, held.price), held.size_of(leg)
        question = AmendAsked(leg.client_id, "buy" if held.side > 0 else "sell", size, held.price)
        reply = await self.account.ask(question, one, lambda _: leg.state != OVER)
        if reply.verdict.meaning in _REFUSALS:
            self._note("amend_refused", one.symbol, f"{leg.client_id} stays as it is: code {reply.verdict.code}, {reply.verdict.words}")
        held.amended(leg, asked, size, reply.verdict.meaning, self.account.clock.now_ns(), self._terms(one))

    async def _ask_fills(self, leg: Leg, one: Instrument) -> None:
        """Fills that the stream should have told; where the venue does not know them yet either, it is asked again."""
        leg.short_ns = self.account.clock.now_ns()
        try:
            await self._fetch_fills(one)
        except (RequestFailed, AnswerRefused) as error:
            self._note("account_unread", one.symbol, str(error))

    def _give_up(self, held: HeldOrder, leg: Leg, one: Instrument, why: str) -> None:
        self.breaker.given_up()
        self._note("order_given_up", one.symbol, f"{leg.client_id}: {why}")
        self.view.emit(held.give_up(leg, self.account.clock.now_ns()))

    def _order_state(self, reply: Reply, question: Question, one: Instrument) -> OrderState | None:
        """The state that a friendly answer tells; None where it tells none, or cannot be read, so that it must be asked for."""
        if reply.verdict.meaning != "done":
            return None
        try:
            return self.account.venue.read_order(reply.body, question, one)
        except AnswerRefused as error:
            self._note("account_unread", one.symbol, str(error))
            return None

    def _judge(self, verdict: Verdict, is_risk: bool) -> None:
        """Refusals in a row open the breaker; only an accepted order closes it."""
        was = self.breaker.state
        if verdict.meaning in _REFUSALS:
            self.breaker.failed(self._clock.now_ns(), self._settings)
        elif verdict.is_done:
            self.breaker.succeeded(self._settings)
        elif is_risk:
            self.breaker.given_up()
        if was != self.breaker.state and "open" in (was, self.breaker.state):
            opened = self.breaker.state == "open"
            self._note("risk_held" if opened else "risk_free", "", f"breaker: it is {self.breaker.state}")

    def _terms(self, one: Instrument) -> Terms:
        """The settings in ns of the venue's time; where several books trade one symbol, its position does not bound what each of them reduces."""
        clock, settings = self.account.clock, self._settings
        return Terms(
            retry_ns=clock.venue_ms(settings.retry_s * 1_000) * 10**6,
            settle_ns=clock.venue_ms(settings.window_ms) * 10**6 + round(settings.settle_s * SECOND_NS),
            stale_ns=round(settings.stale_s * SECOND_NS),
            fills_ns=clock.venue_ms(settings.fills_s * 1_000) * 10**6,
            resends=settings.resends,
            cancels_first=self.account.venue.locks or self._shared[one.symbol] > 1,
        )

    def _note(self, what: str, symbol: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "", symbol, words))
