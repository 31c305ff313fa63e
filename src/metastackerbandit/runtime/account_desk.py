"""One account's questions to its venue: each waits for its turn, is signed when it leaves, has a deadline, and comes back as a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from metastackerbandit.domain.errors import RequestFailed
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import (
    AmendAsked,
    CancelAsked,
    NewOrder,
    OpenOrdersAsked,
    OrderState,
    Question,
    TimeAsked,
    VenueTime,
    Verdict,
)
from metastackerbandit.exchanges.catalog import orders_of, streams_of
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.exchanges.orders import Asking, VenueOrders
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.exchanges.transport.ports import Rest
from metastackerbandit.runtime.feed_events import Tell
from metastackerbandit.runtime.order_counts import OrderCounts
from metastackerbandit.runtime.ports import LiveClock, RawSink
from metastackerbandit.runtime.rest_desk import RestDesk
from metastackerbandit.runtime.settings import OrderSettings
from metastackerbandit.runtime.venue_clock import VenueClock
from metastackerbandit.runtime.weight_budget import WeightBudget


class Reply(Struct, frozen=True):
    """What came of a question: its meaning, the body where it is "done", and when it left (venue time, UTC ns)."""

    verdict: Verdict
    body: bytes
    sent_ns: int


class AccountDesk:
    """Asks one market of a venue in one account's name. `clock` is the venue's, fed by this desk's own questions."""

    def __init__(
        self,
        venue: VenueOrders,
        one: Instrument,
        rest: RestDesk,
        credentials: Credentials,
        endpoints: EndpointSettings,
        clock: LiveClock,
        settings: OrderSettings,
        tell: Tell,
    ) -> None:
        self.venue = venue
        self._one, self._rest, self._settings = one, rest, settings
        self._credentials, self._endpoints = credentials, endpoints
        self.clock = VenueClock(self._time, clock, settings, tell, f"{venue.venue.lower()} {venue.market}")

    def asking(self) -> Asking:
        """What a question is asked with now."""
        window_ms = self.clock.venue_ms(self._settings.window_ms)
        return Asking(self._credentials, self._endpoints, self.clock.stamp_ms(), window_ms)

    async def ask(self, question: Question, one: Instrument, ready: Callable[[int], bool] | None = None) -> Reply:
        """The venue's verdict. `ready(venue_ns)` is called when it is about to leave, and keeps it back by False (the verdict is "down" then).

        Raises:
            UsageError: the venue has no such question.
            StorageFailed: the answer could not be kept.
        """
        request = self._request(question, one)
        is_older = await self._rest.turn(request)
        sent_ns = self.clock.now_ns()
        if ready is not None and not ready(sent_ns):
            return Reply(Verdict("down", words="kept back"), b"", sent_ns)
        try:
            async with asyncio.timeout(self._settings.patience_s):
                answer = await self._rest.send(self._request(question, one) if is_older else request)
        except TimeoutError:
            return Reply(self._unanswered(question, f"no answer within {self._settings.patience_s:g} s"), b"", sent_ns)
        except RequestFailed as error:
            return Reply(self._unanswered(question, str(error)), b"", sent_ns)
        verdict = self.venue.verdict(question, answer)
        if verdict.wait_s > 0.0:
            self._rest.budget.be_silent(verdict.wait_s, answer.received_ns)
        if verdict.meaning == "skew":
            await self.clock.mistaken()  # what was refused cannot go before that
        return Reply(verdict, answer.body, sent_ns)

    async def told(self, question: Question, one: Instrument) -> bytes:
        """The body of an answer that must be "done".

        Raises:
            RequestFailed: it is not, in the venue's words.
        """
        reply = await self.ask(question, one)
        if not reply.verdict.is_done:
            raise refused(reply.verdict, type(question).__name__)
        return reply.body

    async def open_orders(self, one: Instrument) -> tuple[OrderState, ...]:
        """Every open order of an instrument, those that wait apart with them.

        Raises:
            RequestFailed, AnswerRefused: the venue did not answer.
        """
        found: list[OrderState] = []
        for waits in (False, True) if self.venue.waits_apart else (False,):
            question = OpenOrdersAsked(waits)
            found += self.venue.read_orders(await self.told(question, one), question, one)
        return tuple(found)

    async def _time(self) -> VenueTime:
        """The venue's time; a sample that had to wait for its turn has a long trip, and does not count."""
        request = self._request(TimeAsked(), self._one)
        await self._rest.turn(request)
        try:
            async with asyncio.timeout(self._settings.patience_s):
                answer = await self._rest.send(request)
        except TimeoutError:
            raise RequestFailed(f"no answer within {self._settings.patience_s:g} s", where="time", mend="it is asked again") from None
        verdict = self.venue.verdict(TimeAsked(), answer)
        if not verdict.is_done:
            raise refused(verdict, "time")
        return self.venue.read_time(answer.body)

    def _request(self, question: Question, one: Instrument) -> RestRequest:
        return self.venue.request(question, one, self.asking())

    def _unanswered(self, question: Question, words: str) -> Verdict:
        """No answer: what was to be changed may have been changed."""
        return Verdict("unknown" if isinstance(question, NewOrder | CancelAsked | AmendAsked) else "down", words=words)


def refused(verdict: Verdict, where: str) -> RequestFailed:
    """A verdict as the error of who cannot go on without an answer."""
    return RequestFailed(f"{verdict.meaning}, code {verdict.code}: {verdict.words}", where=where, mend="it is asked again")


def open_account(
    one: Instrument,
    rest: Rest,
    credentials: Credentials,
    endpoints: EndpointSettings,
    clock: LiveClock,
    settings: OrderSettings,
    tell: Tell,
    sink: RawSink | None = None,
) -> AccountDesk:
    """The desk of an instrument's market, with this program's shares of the venue's budgets; `sink` keeps answers, but for keys of streams."""
    venue = orders_of(one.venue, one.market)
    budget = WeightBudget(streams_of(one.venue, one.market).limits, settings.weight_share)
    desk = RestDesk(rest, budget, clock, sink, OrderCounts(venue.families, settings.order_share))
    return AccountDesk(venue, one, desk, credentials, endpoints, clock, settings, tell)
