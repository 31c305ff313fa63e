"""What is known of our orders in one market, from events, answers and lists of fills in whatever order: the engine hears each fill once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal

from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.leg_words import LegOver, LegPlanned, LegWord
from metastackerbandit.domain.trading import FillRecord, OrderState
from metastackerbandit.domain.user_events import BalanceUpdate, Fill, FillUpdate, OrderUpdate, UserEvent, WaitingUpdate
from metastackerbandit.execution.client_ids import numbers_of
from metastackerbandit.execution.fees import fee_money, nearest_tick
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.legs import OVER, Leg
from metastackerbandit.runtime.feed_events import FeedEvent, Tell
from metastackerbandit.runtime.order_register import OrderRegister

Keep = Callable[[LegWord], None]


def planned(held: HeldOrder, leg: Leg) -> LegPlanned:
    """What is written down of a leg before it is sent."""
    return LegPlanned(held.order, leg.client_id, leg.lots, leg.price, leg.asked)


class OrderView:
    """Our orders of the books (the engine's instruments, several of which may be one symbol), and what coins the account holds.

    `report` gets the engine's reports, `tell` what an operator should know, `keep` what must be written down of legs. `coins` are
    whole balances where told.
    """

    def __init__(self, books: Sequence[Instrument], mark: str, report: Callable[[OrderReport], None], tell: Tell, keep: Keep) -> None:
        self.books = tuple(books)
        self.register: OrderRegister[FillRecord | OrderUpdate] = OrderRegister()
        self.mark = mark
        self.coins: dict[str, Decimal] = {}
        self._coins_ns: dict[str, int] = {}  # when they were told
        self._report, self._tell, self.keep = report, tell, keep

    def emit(self, reports: Sequence[OrderReport]) -> None:
        """Tell the engine."""
        for one in reports:
            self._report(one)

    def event(self, event: UserEvent, now_ns: int) -> None:
        """What the venue tells of the account."""
        match event:
            case OrderUpdate():
                self._order_event(event, now_ns)
            case WaitingUpdate():
                found = self.register.find(event.client_id, "")
                if found is not None:
                    found[1].hear(event.status, None, event.order_id, event.became, event.made_ns, is_apart=True)
                    self._heard(*found, event.made_ns)
                else:
                    self._unknown(event.symbol, event.client_id, event.order_id, now_ns)
            case FillUpdate() if event.fill.fee is not None:
                self.fills((FillRecord(event.order_id, event.fill, event.made_ns),))
            case BalanceUpdate() if event.free is not None and event.locked is not None:
                self.coins[event.asset], self._coins_ns[event.asset] = event.free + event.locked, event.made_ns
            case _:
                pass  # a balance's change, a setting, a fill that the order's own update tells with its fee

    def state(self, held: HeldOrder, leg: Leg, state: OrderState, at_ns: int) -> None:
        """Where an answer says that a leg stands, with the fills that it tells."""
        for record in state.fills:
            self._fill(held, leg, record.fill, record.made_ns)
        if state.status is None:
            words = f"{leg.client_id} is {state.word!r}, a word that nobody here knows"
            self._tell(FeedEvent(at_ns, "account_unread", "", self.books[held.instrument].symbol, words))
        at_ns = state.updated_ns or at_ns
        leg.hear(state.status, state.filled_lots, state.order_id, state.became, at_ns, is_apart=state.waits, is_answer=True)
        self._heard(held, leg, at_ns)

    def fills(self, records: Sequence[FillRecord]) -> None:
        """Fills that were asked for, or that come by themselves; those of unknown orders are kept until these are known."""
        for record in records:
            found = self.register.find("", record.order_id)
            if found is None:
                self.register.stray(record.order_id, record)
            else:
                self._fill(*found, record.fill, record.made_ns)

    def named(self, held: HeldOrder, leg: Leg) -> None:
        """A leg has a name more: what came under it before is taken now."""
        for stray in self.register.name(held, leg):
            if isinstance(stray, FillRecord):
                self._fill(held, leg, stray.fill, stray.made_ns)
            else:
                self._told(held, leg, stray)

    def sellable(self, one: Instrument) -> int | None:
        """Lots of the base coin that the account has, None where it was never told."""
        coins = self.coins.get(one.base)
        return None if coins is None else max(int((coins / Decimal(one.lot_size)).to_integral_value(ROUND_FLOOR)), 0)

    def _order_event(self, event: OrderUpdate, now_ns: int) -> None:
        found = self.register.find(event.client_id, event.order_id)
        if found is None:
            self.register.stray(event.order_id, event)
            self._unknown(event.symbol, event.client_id, event.order_id, now_ns)
            return
        held, leg = found
        if leg.waits and not leg.became and event.order_id != leg.order_id:
            leg.became, leg.sent_ns = event.order_id, event.made_ns  # the venue gave what was triggered our own name
            self.named(held, leg)
        self._told(held, leg, event)

    def _told(self, held: HeldOrder, leg: Leg, event: OrderUpdate) -> None:
        """An event of a known leg: its fill first, so that an end is not told before it."""
        if event.fill is not None and event.fill.lots > 0:
            self._fill(held, leg, event.fill, event.made_ns)
        if leg.amends and event.cause == "amended":
            leg.lots, leg.price = event.lots, event.ticks
        leg.hear(event.status, event.filled_lots, event.order_id, "", event.made_ns)
        self._heard(held, leg, event.made_ns)

    def _heard(self, held: HeldOrder, leg: Leg, at_ns: int) -> None:
        """The names that a leg's state has brought, and what the engine must know of it."""
        self.named(held, leg)
        self.settle(held, held.hear(at_ns))

    def _fill(self, held: HeldOrder, leg: Leg, fill: Fill, at_ns: int) -> None:
        """One fill of a leg, with its fee in money."""
        if fill.trade_id in held.trades:
            return
        one = self.books[held.instrument]
        before = held.unbooked
        ticks = fill.ticks or nearest_tick(fill.price, held.side, one)
        self.settle(held, held.fill(leg, fill.trade_id, fill.lots, ticks, self._fee(held, fill, one, at_ns), at_ns))
        if at_ns > self._coins_ns.get(one.base, at_ns):  # a balance that is newer has it already; none was told: none is kept
            self.coins[one.base] += held.side * fill.lots * Decimal(one.lot_size) - ((fill.fee or 0) if fill.fee_asset == one.base else 0)
        if held.unbooked > before:
            words = f"order {held.order} was filled by {held.unbooked - before} lots more than the engine can take"
            self._tell(FeedEvent(at_ns, "unmatched", "", one.symbol, words, held.unbooked - before))

    def _fee(self, held: HeldOrder, fill: Fill, one: Instrument, at_ns: int) -> int:
        """The fee as money, 0 where it cannot be priced, which is told."""
        if fill.fee is None or fill.fee == 0:
            return 0
        money = fee_money(fill.fee, fill.fee_asset, fill.price, one)
        if money is None:
            words = f"order {held.order} paid {fill.fee:f} {fill.fee_asset}, which its fill does not price: the engine's cash has not paid it"
            self._tell(FeedEvent(at_ns, "fee_unbooked", "", one.symbol, words))
        return money or 0

    def settle(self, held: HeldOrder, reports: Sequence[OrderReport]) -> None:
        """Tell the engine, write down which legs are over since, and move the order to where it belongs now."""
        self.emit(reports)
        for leg in held.legs:
            is_over = leg.state == OVER and not leg.is_short
            if is_over != leg.is_noted:
                leg.is_noted = is_over
                self.keep(LegOver(leg.client_id) if is_over else planned(held, leg))
        if held.is_done and held.order in self.register.active:
            self.register.done(held)
        elif not held.is_done:
            self.register.revive(held)

    def _unknown(self, symbol: str, name: str, order_id: str, now_ns: int) -> None:
        """An order that is not ours is another's business; one of this run that nobody knows is told."""
        told = numbers_of(name)
        if told is not None and told[0] == self.mark:
            self._tell(FeedEvent(now_ns, "order_stray", "", symbol, f"{name} (the venue's {order_id}) is of this run, and nobody here knows it"))
