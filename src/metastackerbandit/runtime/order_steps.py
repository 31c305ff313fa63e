"""The steps of an order at a venue, each done once: plan a leg, send, find, cancel, amend it, ask for its fills. When and why is another's rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from metastackerbandit.domain.errors import AnswerRefused, RequestFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.leg_words import LegLeaving
from metastackerbandit.domain.rows import MARKET, STOP, TARGET
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.domain.trading import WAITING_SORTS, AmendAsked, CancelAsked, NewOrder, OrderAsked, OrderState, Question, Sort, Verdict
from metastackerbandit.domain.user_events import Side
from metastackerbandit.execution.client_ids import client_id
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import OVER, PLANNED, SENDING, Leg, Step, Terms
from metastackerbandit.runtime.account_desk import AccountDesk, Reply
from metastackerbandit.runtime.breaker import Breaker
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.fill_lists import FillLists
from metastackerbandit.runtime.order_view import OrderView, planned
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings

_SORTS: dict[int, Sort] = {MARKET: "market", STOP: "stop", TARGET: "limit"}  # a target rests at its price, as simulation has it
_REFUSALS = ("rejected", "key_refused")


class OrderSteps:
    """Does steps for the orders of a view. Refusals are told to `refused`, and in a row open `breaker`, which the desk asks before new risk."""

    def __init__(
        self,
        view: OrderView,
        account: AccountDesk,
        fills: FillLists,
        clock: LiveClock,
        settings: OrderSettings,
        tell: Tell,
        refused: Callable[[], None],
    ) -> None:
        self.breaker = Breaker()
        self._refused = refused
        self._view, self._account, self._fills = view, account, fills
        self._clock, self._settings, self._tell = clock, settings, tell
        self._shared = Counter(one.symbol for one in view.books)

    def plan_leg(self, held: HeldOrder) -> None:
        """Plan the next order at the venue for one of the engine's."""
        sort = _SORTS[held.kind]
        name = client_id(self._view.mark, held.decision, held.order, held.planned)
        leg = Leg(name, 0, 0, (0, 0), self._waits(sort), sort in self._account.venue.amends)
        held.legs.append(leg)
        held.planned += 1
        self._make(held, leg)
        self._view.named(held, leg)

    def _make(self, held: HeldOrder, leg: Leg) -> None:
        """A leg that was not sent is made for what is wanted now; a sale is cut to what the account has."""
        one = self._view.books[held.instrument]
        lots = held.left
        most = self._view.sellable(one) if self._account.venue.locks and held.side < 0 else None
        if most is not None and 0 < most < lots:
            self._note("order_cut", one.symbol, f"order {held.order} sells {most:,} of {lots:,} lots: there is no more of {one.base}")
            lots = most
        leg.lots, leg.price, leg.asked = lots, held.price, held.wish
        self._view.keep(planned(held, leg))

    def take_up(self, held: HeldOrder) -> None:
        """An order of an earlier process, with legs that may be there: each is known by its name from now on."""
        sort = _SORTS[held.kind]
        for leg in held.legs:
            leg.waits, leg.amends = self._waits(sort), sort in self._account.venue.amends
            self._view.named(held, leg)

    def _waits(self, sort: Sort) -> bool:
        return self._account.venue.waits_apart and sort in WAITING_SORTS

    async def do(self, held: HeldOrder, step: Step) -> None:
        """One step of an order."""
        one, leg = self._view.books[held.instrument], step.leg
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

    async def _send(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        if leg.asked != held.wish:
            self._make(held, leg)
        sort, is_risk = _SORTS[held.kind], not held.reduces
        side: Side = "buy" if held.side > 0 else "sell"
        rests = (leg.price, 0) if sort == "limit" else (0, leg.price)
        question = NewOrder(leg.client_id, side, sort, leg.lots, *rests, "gtc", held.reduces, self._settings.trigger_by)

        def ready(venue_ns: int) -> bool:
            if leg.state != PLANNED or leg.asked != held.wish or (is_risk and venue_ns - held.born_ns > self.terms(one).stale_ns):
                return False
            leg.state, leg.sent_ns = SENDING, venue_ns
            if leg.resent:
                self._note("order_resent", one.symbol, f"{leg.client_id} was not there after the settle window")
            return True

        reply = await self._account.ask(question, one, ready)
        if leg.state == PLANNED or (leg.state == OVER and leg.sent_ns == 0):
            return  # kept back, or not wanted any more while it waited
        self._judge(reply.verdict, is_risk)
        state = self._order_state(reply, question, one)
        if state is not None:
            self._view.state(held, leg, state, reply.sent_ns)
            return
        if reply.verdict.meaning in _REFUSALS:
            self._refused()
            self._note("order_refused", one.symbol, f"{leg.client_id}: code {reply.verdict.code}, {reply.verdict.words}")
        elif reply.verdict.meaning == "unknown":
            self._note("order_unknown", one.symbol, f"{leg.client_id}: {reply.verdict.words}")
        self._view.settle(held, held.sent(leg, reply.verdict.meaning, self._account.clock.now_ns(), self.terms(one)))

    async def _find(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        question = OrderAsked(order_id=leg.became) if leg.became else OrderAsked(leg.client_id, waits=leg.waits)
        reply = await self._account.ask(question, one)
        now_ns, terms = self._account.clock.now_ns(), self.terms(one)
        state = self._order_state(reply, question, one)
        if state is not None:
            self._view.state(held, leg, state, reply.sent_ns)
            held.found(leg, state.lots, state.ticks, now_ns, terms)
            self._note("order_found", one.symbol, f"{leg.client_id} is {state.word.lower()}")
        elif reply.verdict.meaning == "gone":
            self._view.settle(held, held.not_found(leg, reply.sent_ns, now_ns, terms))
            if leg.is_given_up:
                self._note("order_given_up", one.symbol, f"{leg.client_id} was never there")
        else:
            leg.due_ns = now_ns + terms.retry_ns

    async def _cancel(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        self._view.keep(LegLeaving(leg.client_id))
        question = CancelAsked(order_id=leg.became) if leg.became else CancelAsked(leg.client_id, waits=leg.waits)
        reply = await self._account.ask(question, one, lambda _: leg.state != OVER)
        state = self._order_state(reply, question, one)
        if state is not None:
            self._view.state(held, leg, state, reply.sent_ns)
        held.cancelled(leg, reply.verdict.meaning, self._account.clock.now_ns(), self.terms(one))

    async def _amend(self, held: HeldOrder, leg: Leg, one: Instrument) -> None:
        asked, size = held.wish, held.size_of(leg)
        question = AmendAsked(leg.client_id, "buy" if held.side > 0 else "sell", size, held.price)
        reply = await self._account.ask(question, one, lambda _: leg.state != OVER)
        if reply.verdict.meaning in _REFUSALS:
            self._note("amend_refused", one.symbol, f"{leg.client_id} stays as it is: code {reply.verdict.code}, {reply.verdict.words}")
        held.amended(leg, asked, size, reply.verdict.meaning, self._account.clock.now_ns(), self.terms(one))

    async def _ask_fills(self, leg: Leg, one: Instrument) -> None:
        """Fills that the stream should have told; where the venue does not know them yet either, it is asked again."""
        leg.short_ns = self._account.clock.now_ns()
        try:
            await self._fills.fetch(one)
        except (RequestFailed, AnswerRefused) as error:
            self._note("account_unread", one.symbol, str(error))

    def _give_up(self, held: HeldOrder, leg: Leg, one: Instrument, why: str) -> None:
        self.breaker.given_up()
        self._note("order_given_up", one.symbol, f"{leg.client_id}: {why}")
        self._view.settle(held, held.give_up(leg, self._account.clock.now_ns()))

    def _order_state(self, reply: Reply, question: Question, one: Instrument) -> OrderState | None:
        """The state that a friendly answer tells; None where it tells none, or cannot be read, so that it must be asked for."""
        if reply.verdict.meaning != "done":
            return None
        try:
            return self._account.venue.read_order(reply.body, question, one)
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

    def terms(self, one: Instrument) -> Terms:
        """The settings in ns of the venue's time; where several books trade one symbol, its position does not bound what each of them reduces."""
        clock, settings = self._account.clock, self._settings
        return Terms(
            retry_ns=clock.venue_ms(settings.retry_s * 1_000) * 10**6,
            settle_ns=clock.venue_ms(settings.window_ms) * 10**6 + round(settings.settle_s * SECOND_NS),
            stale_ns=round(settings.stale_s * SECOND_NS),
            fills_ns=clock.venue_ms(settings.fills_s * 1_000) * 10**6,
            resends=settings.resends,
            cancels_first=self._account.venue.locks or self._shared[one.symbol] > 1,
        )

    def _note(self, what: str, symbol: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "", symbol, words))
