"""The venue's rules of what a run trades, asked for again: a change that would refuse or cut its orders holds new risk on that symbol.

The engine sizes by the rules that the run began with; while others hold, nothing new is risked there until the run is begun anew, or they are back.
Exits and protection are sent all the same: the venue says what it takes of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import structs

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import RulesAsked
from metastackerbandit.exchanges.rules import changes_of
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings


class RulesWatch:
    """Asks every `orders.rules_s`, and soon after the venue has refused an order (`desk.refusals`)."""

    def __init__(self, desk: OrderDesk, instruments: Sequence[Instrument], clock: LiveClock, settings: OrderSettings, tell: Tell) -> None:
        self._desk, self._clock, self._settings, self._tell = desk, clock, settings, tell
        self._ones = tuple({one.symbol: one for one in instruments}.values())
        self._all = structs.replace(instruments[0], symbol="")  # of no symbol: of all
        self._changed: dict[str, str] = {}

    async def run(self) -> None:
        """Look until cancelled, the first time at once."""
        while True:
            self._desk.refusals.clear()
            try:
                await self.look()
            except VenueError as error:
                self._note("account_unread", "", f"the rules could not be asked for: {error}")
            await self._clock.sleep(self._settings.retry_s)  # refusals in a row are one question
            await self._wait()

    async def look(self) -> None:
        """Ask now. Raises VenueError where the venue did not answer; what was known stands."""
        body = await self._desk.account.told(RulesAsked(), self._all)
        listed = {rules.symbol: rules for rules in self._desk.account.venue.read_rules(body)}
        for one in self._ones:
            words = "; ".join(changes_of(one, listed.get(one.symbol)))
            if words == self._changed.get(one.symbol, ""):
                continue
            if words:
                self._changed[one.symbol] = words
                self._desk.shut(one.symbol, f"the venue's rules changed: {words}")
                self._note("rules_changed", one.symbol, f"{words}; no new risk is taken there until the run is begun anew")
            else:
                del self._changed[one.symbol]
                self._desk.reopen(one.symbol)
                self._note("rules_back", one.symbol, "its rules are those that the run began with, or allow as much")

    async def _wait(self) -> None:
        """Until it is time, or an order was refused."""
        waiting = [asyncio.ensure_future(self._desk.refusals.wait()), asyncio.ensure_future(self._clock.sleep(self._settings.rules_s))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()

    def _note(self, what: str, symbol: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "", symbol, words))
