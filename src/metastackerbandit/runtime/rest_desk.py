"""One venue's REST as everyone here asks it: within its budgets, every answer kept before it is looked at, refusals of the venue obeyed.

Where a budget makes several wait, the more urgent go first: cancellations before questions, questions before new orders.
"""

from __future__ import annotations

import asyncio

from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.exchanges.transport.answers import UNTOLD_WAIT_S, limited, require_answer, used_weight
from metastackerbandit.exchanges.transport.ports import Answer, Rest
from metastackerbandit.runtime.order_counts import OrderCounts
from metastackerbandit.runtime.ports import LiveClock, RawSink
from metastackerbandit.runtime.weight_budget import WeightBudget


class RestDesk:
    """Asks; several may at a time, and each waits for its part of the budgets. `counts` are those of orders, for who sends any."""

    def __init__(self, rest: Rest, budget: WeightBudget, clock: LiveClock, sink: RawSink | None = None, counts: OrderCounts | None = None) -> None:
        self.budget = budget
        self._rest = rest
        self._clock = clock
        self._sink = sink
        self._counts = counts or OrderCounts((), 1.0)
        self._waiting: list[RestRequest] = []
        self._left = asyncio.Event()

    @property
    def waits(self) -> int:
        """How many requests wait for their turn."""
        return len(self._waiting)

    async def ask(self, request: RestRequest) -> Answer:
        """The answer, of status 200.

        Raises:
            RequestFailed, VenueDown, RequestRefused, RateLimited: as exchanges.transport says.
            StorageFailed: the answer could not be kept.
        """
        await self.turn(request)
        answer = await self.send(request)
        require_answer(answer, request.shown)
        return answer

    async def turn(self, request: RestRequest) -> bool:
        """Wait until the request may be sent, and take its part of the budgets; whether it had to wait."""
        waited = False
        self._waiting.append(request)
        try:
            while (wait_s := self._wait_s(request)) > 0.0 or self._is_preceded(request):
                waited = True
                if wait_s > 0.0:
                    await self._clock.sleep(wait_s)
                else:
                    self._left.clear()
                    await self._left.wait()
            now_ns = self._clock.now_ns()
            self.budget.spend(request.weight, now_ns)
            self._counts.spend(request.orders, now_ns)
            return waited
        finally:
            self._waiting.remove(request)
            self._left.set()

    async def send(self, request: RestRequest) -> Answer:
        """Send what had its turn; the answer of any status, kept, and obeyed where it asks for silence.

        Raises:
            RequestFailed: none came whole.
            StorageFailed: the answer could not be kept.
        """
        answer = await self._rest.ask(request.url, request.body, method=request.method, headers=dict(request.headers))
        used, now_ns = used_weight(answer), self._clock.now_ns()  # an answer may be stamped by another clock than frames and budgets go by
        if self._sink is not None and request.is_kept:
            self._sink.write("reply", "rest", now_ns, request.shown, answer.body)
        if used is not None:
            self.budget.told(used, now_ns)
        self._counts.told(answer.headers, now_ns)
        if answer.status in UNTOLD_WAIT_S:
            self.budget.be_silent(limited(answer.status, answer.headers, b"", request.shown).wait_s, now_ns)
        return answer

    def _wait_s(self, request: RestRequest) -> float:
        """Seconds until the budgets allow a request."""
        now_ns = self._clock.now_ns()
        return max(self.budget.wait_s(request.weight, now_ns), self._counts.wait_s(request.orders, now_ns))

    def _is_preceded(self, request: RestRequest) -> bool:
        """Whether something more urgent may go now too."""
        return any(one.urgency < request.urgency and self._wait_s(one) <= 0.0 for one in self._waiting)
