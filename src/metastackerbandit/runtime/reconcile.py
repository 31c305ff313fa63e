"""Our view of an account held against the venue's from time to time; what differs and lasts holds new risk back until it is gone or accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from metastackerbandit.domain.errors import VenueError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import BalancesAsked, PositionsAsked
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import SENDING, THERE, UNSURE, Leg
from metastackerbandit.execution.reconcile import AccountView, Amount, Difference, OpenOrder, differences, lasting
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.order_desk import OrderDesk
from metastackerbandit.runtime.ports import LiveClock
from metastackerbandit.runtime.settings import OrderSettings

_WHO = "reconciliation"
_SHOWN = 5  # differences that a line names


class Reconciler:
    """Compares. `ours()` gives the engine's positions (by symbol, in lots) and the amounts that should be there, in assets that it answers for."""

    def __init__(
        self,
        desk: OrderDesk,
        instruments: Sequence[Instrument],
        ours: Callable[[], AccountView],
        clock: LiveClock,
        settings: OrderSettings,
        tell: Tell,
    ) -> None:
        self.found: tuple[Difference, ...] = ()
        self._desk, self._account, self._ours = desk, desk.account, ours
        self._ones = tuple({one.symbol: one for one in instruments}.values())
        self._clock, self._settings, self._tell = clock, settings, tell
        self._accepted: set[str] = set()

    def accept(self, key: str) -> bool:
        """An operator accepts a difference as it is; whether there was one of this key. One of another size is another difference."""
        is_known = any(one.key == key for one in self.found)
        if is_known:
            self._accepted.add(key)
            self._settle(tuple(one for one in self.found if one.key != key))
        return is_known

    async def run(self) -> None:
        """Compare until cancelled, the first time at once."""
        while True:
            try:
                await self.check()
            except VenueError as error:
                self._note("account_unread", f"the account could not be compared: {error}")
            await self._clock.sleep(self._settings.reconcile_s)

    async def check(self) -> tuple[Difference, ...]:
        """Compare; where something differs, ask for what may have been missed, and look again: it stands only if it is the same then.

        Raises:
            VenueError: the venue did not answer; what was found before stands.
        """
        first = await self._compared()
        if first:
            await self._desk.recover()
            await self._clock.sleep(self._settings.fills_s)
        self._settle(lasting(await self._compared(), first) if first else ())
        return self.found

    async def _compared(self) -> tuple[Difference, ...]:
        """The differences of now; our view is taken when the venue has answered, so that fills meanwhile are in it."""
        theirs = await self._theirs()
        stated = self._ours()
        under_way = frozenset(leg.client_id for _, leg in self._legs() if leg.state in (SENDING, UNSURE))
        return differences(AccountView(self._orders(), under_way, stated.positions, stated.amounts), theirs, self._accepted)

    async def _theirs(self) -> AccountView:
        """The venue's view."""
        venue, account = self._account.venue, self._account
        orders: list[OpenOrder] = []
        positions: list[tuple[str, int]] = []
        for one in self._ones:
            for state in await account.open_orders(one):
                orders.append(OpenOrder(one.symbol, state.client_id, state.order_id, state.lots, state.filled_lots))
            if venue.read_position is not None:
                positions.append((one.symbol, venue.read_position(await account.told(PositionsAsked(), one), one)))
        balances = venue.read_balances(await account.told(BalancesAsked(), self._ones[0]))
        amounts = tuple(Amount(one.asset, one.whole) for one in balances)
        return AccountView(orders=tuple(orders), positions=tuple(positions), amounts=amounts)

    def _orders(self) -> tuple[OpenOrder, ...]:
        """Orders that we take for open; what is under way or in doubt is being asked for anyway, and what was triggered goes by its new number."""
        books = self._desk.view.books
        return tuple(
            OpenOrder(books[held.instrument].symbol, leg.client_id, leg.became or leg.order_id, leg.lots, None if leg.waits else leg.filled)
            for held, leg in self._legs()
            if leg.state == THERE
        )

    def _legs(self) -> list[tuple[HeldOrder, Leg]]:
        return [(held, leg) for held in self._desk.view.register.active.values() for leg in held.legs]

    def _settle(self, found: tuple[Difference, ...]) -> None:
        """What was found holds new risk back, or holds it no more."""
        changed = {one.key for one in found} != {one.key for one in self.found}
        self.found = found
        if not found:
            self._desk.free(_WHO)
        else:
            words = "; ".join(f"{one.kind} {one.name}: ours {one.ours:f}, the venue's {one.theirs:f}" for one in found[:_SHOWN])
            self._desk.hold(_WHO, words if len(found) <= _SHOWN else f"{words}; and {len(found) - _SHOWN} more")
        if changed:
            what, words = ("unmatched", f"{len(found)} differences") if found else ("matched", "our view is the venue's")
            self._tell(FeedEvent(self._clock.now_ns(), what, "", "", words, len(found)))

    def _note(self, what: str, words: str) -> None:
        self._tell(FeedEvent(self._clock.now_ns(), what, "", "", words))
