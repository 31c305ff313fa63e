"""A run over a market that moves by itself: each input is written down, stepped and predicted on, and what it asks for goes to the broker at once.

Inputs come from several places, some while another is still being worked on; they are taken one after another, in the order in which they came, and
never at an earlier time than the one before. So the log of a run is its history, and running it again gives the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import structs

from metastackerbandit.domain.inputs import BarClosed, BarOpened, Input, SecondSeen
from metastackerbandit.runtime.replay import Driver, Oracle, moment


class Trader:
    """Feeds a driver; `predictor` hears what the market does and answers, None where nobody does. `taken` counts inputs."""

    def __init__(self, driver: Driver, predictor: Oracle | None, watch: Callable[[Input, int], None] | None = None) -> None:
        self.driver = driver
        self.taken = 0
        self.now_ns = 0  # of the newest input
        self._predictor, self._watch = predictor, watch
        self._waiting: deque[Input] = deque()
        self._is_busy = False

    def take(self, event: Input) -> None:
        """An input; what comes while another is worked on waits for its turn."""
        self._waiting.append(event)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._waiting:
                self._take(self._waiting.popleft())
        finally:
            self._is_busy = False

    def _take(self, event: Input) -> None:
        self.now_ns = max(self.now_ns, moment(event))
        event = at_least(event, self.now_ns)
        answers = self._predictor.hear(event) if self._predictor is not None else []
        said: list[Input] = [structs.replace(answer, at_ns=self.now_ns) for answer in answers]  # it counts from when it is there
        # A bar that only the next one's opening closes is answered before that opening, any other behind the candle that closes it.
        for one in [*said, event] if isinstance(event, BarOpened) else [event, *said]:
            self.driver.take(one)
            self.taken += 1
            if self._watch is not None:
                self._watch(one, self.taken)


def at_least(event: Input, now_ns: int) -> Input:
    """The event, not earlier than the input before it."""
    if moment(event) >= now_ns:
        return event
    if isinstance(event, BarClosed):
        return BarClosed(event.instrument, structs.replace(event.bar, known_ns=now_ns))
    if isinstance(event, SecondSeen):
        return SecondSeen(event.instrument, structs.replace(event.second, known_ns=now_ns))
    return structs.replace(event, at_ns=now_ns)
