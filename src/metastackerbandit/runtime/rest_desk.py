"""One venue's REST as everyone here asks it: within the weight budget, every answer kept before it is looked at, refusals of the venue obeyed."""

from __future__ import annotations

from metastackerbandit.domain.errors import RateLimited
from metastackerbandit.exchanges.streams import RestRequest
from metastackerbandit.exchanges.transport.answers import require_answer, used_weight
from metastackerbandit.exchanges.transport.ports import Answer, Rest
from metastackerbandit.runtime.ports import LiveClock, RawSink
from metastackerbandit.runtime.weight_budget import WeightBudget


class RestDesk:
    """Asks; several may at a time, and each waits for its part of the budget."""

    def __init__(self, rest: Rest, budget: WeightBudget, clock: LiveClock, sink: RawSink | None = None) -> None:
        self.budget = budget
        self._rest = rest
        self._clock = clock
        self._sink = sink

    async def ask(self, request: RestRequest) -> Answer:
        """The answer, of status 200.

        Raises:
            RequestFailed, VenueDown, RequestRefused, RateLimited: as exchanges.transport says.
            StorageFailed: the answer could not be kept.
        """
        while (wait_s := self.budget.wait_s(request.weight, self._clock.now_ns())) > 0.0:
            await self._clock.sleep(wait_s)
        self.budget.spend(request.weight, self._clock.now_ns())
        answer = await self._rest.ask(request.url, request.body)
        if self._sink is not None:
            self._sink.write("reply", "rest", answer.received_ns, request.url, answer.body)
        used = used_weight(answer)
        if used is not None:
            self.budget.told(used, answer.received_ns)
        try:
            require_answer(answer, request.url)
        except RateLimited as error:
            self.budget.be_silent(error.wait_s, answer.received_ns)
            raise
        return answer
