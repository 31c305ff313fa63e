"""Paper trading on a live market: an order meets the followed book as it stands when it arrives, and rests behind whoever stood there before.

Each book of the plan has an account of its own at an exchange in memory, whose background is the recorded market. The engine keeps the money; fees
are the plan's, in quote currency. Stops wait for a trade at their trigger and then go to the market; targets rest in the book as limit orders. What
both have in common: they only reduce.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from metastackerbandit.costs.rates import CostRates, rates_of
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.kernel import entry, rows
from metastackerbandit.domain.market_rows import DEPTH, TRADES
from metastackerbandit.domain.money import rate_up
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, MARKET, PARTLY_FILLED, REJECTED, STOP, WORKING
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan
from metastackerbandit.exchanges.continuity import ANEW, APPLY
from metastackerbandit.runtime.feed_desk import FeedDesk
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.paper_flow import DEPTH_KEPT, changed_flow, printed_flow, whole_flow
from metastackerbandit.runtime.recovery import Past
from metastackerbandit.runtime.replay import FilledElsewhere
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import NewOrder, Order, OrderEvent, Refusal
from metastackerbandit.simulation.flow import Flow
from metastackerbandit.simulation.listing import Listing
from metastackerbandit.simulation.matching import RESTS, TAKES, best_of
from metastackerbandit.simulation.queues import BUY, SELL
from metastackerbandit.simulation.settings import SimulationSettings

Request = SubmitOrder | CancelOrder | AmendOrder
_PRICES = 4 * DEPTH_KEPT  # room for prices of a side; past three quarters of it the book is laid in anew
_ENOUGH = 10**17  # 1e-8 of an asset: the account at the exchange is never what refuses


class _Sent(Struct):
    """An engine's order at the exchange: its book, number, signed lots, how many of them were filled, and the price at which it came."""

    book: int
    order: int
    kind: int
    lots: int
    reference: int
    filled: int = 0
    number: int = 0  # the exchange's, 0 while it is not there
    is_told: bool = False  # that it works


class PaperBroker(FilledElsewhere):
    """The broker of a paper run; `deliver` gets reports that come later than the request that they answer.

    `hear` and `passing` are called as a market's are (runtime.live_market), before it.
    """

    def __init__(self, plan: Plan, desk: FeedDesk, settings: SimulationSettings, deliver: Callable[[OrderReport], None]) -> None:
        self._desk, self._deliver = desk, deliver
        self._latency_ns = round(settings.latency_ms * 1e6)
        self._places = [book.place for book in plan.books]
        self._owners = [1 + self._places[:b].count(s) for b, s in enumerate(self._places)]  # at the exchange: of a symbol's books each is another
        self._rates: list[CostRates] = [rates_of(one) for one in plan.costs]
        self._units = [one.rules().unit for one in plan.instruments]
        listings = [Listing(one, maker=0, taker=0, band=10**8) for one in desk.instruments]
        self.exchange = Exchange(listings, prices=_PRICES, orders=8 * _PRICES, owners=len(plan.books) + 1, kept=1_000)
        for book in range(len(plan.books)):
            assets = {asset: _ENOUGH for one in desk.instruments for asset in (one.base, one.quote)}
            if self._owners[book] not in self.exchange.orders.owners:
                self.exchange.open(self._owners[book], assets)
        self._flow = rows(Flow, 4 * _PRICES)
        self._sent: dict[tuple[int, int], _Sent] = {}
        self._by_number: dict[int, _Sent] = {}
        self._refused: list[tuple[_Sent, int]] = []
        self._due: dict[int, deque[tuple[int, Request]]] = {}  # of symbols that have any: when a request arrives, and what it is
        self._lost: list[_Sent] = []  # of a killed run, and not to be placed again
        market, queues = desk.market, self.exchange.queues
        self._changed: Any = entry(changed_flow, market, 1, 1, self._flow)
        self._whole: Any = entry(whole_flow, market, queues, 1, 1, self._flow)
        self._printed: Any = entry(printed_flow, market, 1, self._flow)

    # -- the engine's side -------------------------------------------------------------------------------------------

    def take_up(self, past: Past) -> None:
        """Hold what a killed run held, and place again what worked: what the market did meanwhile is not known here.

        A stop whose trigger was passed fires at the first price that is seen; a target rests behind whoever stands there now. New risk that was not
        taken yet is given up: its price is gone.
        """
        for book, lots in enumerate(past.lots):
            self.exchange.queues.held[self._places[book], self._owners[book]] = lots
        for intent in past.intents.working:
            asked, side = intent.asked, 1 if intent.asked.lots > 0 else -1
            key = asked.instrument, asked.order
            sent = self._sent[key] = _Sent(*key, asked.kind, side * intent.lots, intent.price, side * intent.filled, is_told=intent.state >= WORKING)
            if intent.is_leaving or not (asked.kind != MARKET or asked.reduce_only):
                self._lost.append(sent)
            else:
                due = self._due.setdefault(self._places[asked.instrument], deque())
                due.append((past.now_ns, AmendOrder(*key, side * intent.lots, intent.price, past.now_ns)))

    def act(self, effect: Request) -> list[OrderReport]:
        """Take a request; what is known of it at once."""
        s = self._places[effect.instrument]
        if self._latency_ns or self._due.get(s) or not self._is_live(effect.instrument):
            self._due.setdefault(s, deque()).append((effect.at_ns + self._latency_ns, effect))
            return []
        return self._do(effect, effect.at_ns)

    async def begin(self, engine: Engine) -> None:
        """There is nothing to know before."""

    async def run(self) -> None:
        """There is nothing to follow: the market's frames bring all that happens."""

    async def compare(self) -> None:
        """There is nobody to ask."""

    @property
    def is_idle(self) -> bool:
        """Whether no order works or is under way."""
        return not self._sent and not self._due

    def differences(self, engine: Engine) -> list[dict[str, str]]:
        """Positions as the engine's ledger has them against those at the exchange in memory."""
        held, found = self.exchange.queues.held, []
        for b, book in enumerate(engine.plan.books):
            ours, theirs = int(engine.world.seats[b].position.lots), int(held[book.place, self._owners[b]])
            if ours != theirs:
                found.append({"kind": "position", "symbol": book.instrument.symbol, "name": book.frame, "ours": f"{ours}", "venue": f"{theirs}"})
        return found

    @property
    def holds_risk(self) -> bool:
        """They are told at the end, and hold nothing back."""
        return False

    def accept(self, key: str) -> bool:
        """Nothing here can differ by anybody's will."""
        return False

    # -- the market's side -------------------------------------------------------------------------------------------

    def passing(self, now_ns: int) -> None:
        """Requests that have arrived meet the book as it is, before it changes."""
        lost, self._lost = self._lost, []
        for sent in lost:
            self._deliver(self._over(sent, CANCELLED, now_ns))
        for s in sorted(self._due):
            due = self._due[s]
            while due and due[0][0] <= now_ns and self._is_live(due[0][1].instrument):
                for report in self._do(due.popleft()[1], now_ns):
                    self._deliver(report)
            if not due:
                del self._due[s]

    def hear(self, taken: Taken, received_ns: int) -> None:
        """A frame was taken by the desk just now: the book that orders meet changes with it."""
        market = self._desk.market
        if taken.kind == DEPTH and taken.verdict in (APPLY, ANEW):
            s = taken.instrument
            row = self.exchange.queues.row[s]
            is_whole = taken.verdict == ANEW or market.decoded.depth[0]["is_whole"] or 4 * max(int(row["bids"]), int(row["asks"])) > 3 * _PRICES
            count = (
                self._whole(market, self.exchange.queues, s, received_ns, self._flow)
                if is_whole
                else self._changed(market, s, received_ns, self._flow)
            )
        elif taken.kind == TRADES:
            count = self._printed(market, received_ns, self._flow)
        else:
            return
        self.exchange.flow(self._flow[: int(count)])
        for report in self._reports():
            self._deliver(report)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _is_live(self, book: int) -> bool:
        return self._desk.state(self._places[book]) == "live"

    def _do(self, effect: Request, now_ns: int) -> list[OrderReport]:
        """What a request comes to when it arrives."""
        key = effect.instrument, effect.order
        if isinstance(effect, SubmitOrder):
            sent = self._sent[key] = _Sent(effect.instrument, effect.order, effect.kind, effect.lots, self._middle(effect.instrument, effect.lots))
            self._place(sent, effect.lots, effect.trigger, bool(effect.reduce_only), now_ns)
        elif (known := self._sent.get(key)) is not None:
            s, owner = self._places[known.book], self._owners[known.book]
            if isinstance(effect, CancelOrder):
                self.exchange.cancel(owner, s, known.number, now_ns)
            else:
                self._by_number.pop(known.number, None)  # the old one goes without a word
                self.exchange.cancel(owner, s, known.number, now_ns)
                known.lots = effect.lots
                self._place(known, effect.lots - known.filled, effect.trigger, True, now_ns)
        return self._reports()

    def _place(self, sent: _Sent, lots: int, trigger: int, reduces: bool, now_ns: int) -> None:
        """Bring an order to the exchange; a stop whose price has passed already goes to the market."""
        s, side, size = self._places[sent.book], BUY if lots > 0 else SELL, abs(lots)
        if sent.kind == MARKET:
            wish = NewOrder(s, side, "market", size, mode=TAKES, reduces_only=reduces)
        elif sent.kind == STOP:
            wish = NewOrder(s, side, "stop", size, mode=TAKES, trigger=trigger, reduces_only=True)
        else:
            wish = NewOrder(s, side, "limit", size, trigger, RESTS, reduces_only=True)
        made = self._brought(sent, wish, now_ns)
        if made == Refusal("would_trigger"):
            made = self._brought(sent, NewOrder(s, side, "market", size, mode=TAKES, reduces_only=True), now_ns)
        if isinstance(made, Refusal):
            self._refused.append((sent, now_ns))

    def _brought(self, sent: _Sent, wish: NewOrder, now_ns: int) -> Order | Refusal:
        """Place a wish, so that what it does at once is known to be of this order."""
        sent.number = self.exchange.next_number
        self._by_number[sent.number] = sent
        made = self.exchange.place(self._owners[sent.book], wish, now_ns)
        if isinstance(made, Refusal):
            self._by_number.pop(sent.number)
        return made

    def _reports(self) -> list[OrderReport]:
        """What has happened at the exchange, in the engine's words."""
        told: list[OrderReport] = []
        for event in self.exchange.drain():
            if isinstance(event, OrderEvent) and (sent := self._by_number.get(event.order.number)) is not None:
                told += self._report(sent, event)
        for sent, now_ns in self._refused:
            told.append(self._over(sent, REJECTED, now_ns))
        self._refused.clear()
        return told

    def _report(self, sent: _Sent, event: OrderEvent) -> list[OrderReport]:
        """One event."""
        if event.cause == "new":
            is_known, sent.is_told = sent.is_told, True
            return [] if is_known else [OrderReport(sent.book, sent.order, WORKING, event.at_ns)]
        if event.fill is None:
            return [self._over(sent, CANCELLED if event.cause == "canceled" else EXPIRED, event.at_ns)] if not event.order.is_open else []
        fill, side = event.fill, 1 if sent.lots > 0 else -1
        sent.filled += side * fill.lots
        unit, rates = self._units[sent.book], self._rates[sent.book]
        fee = int(rate_up(fill.lots * fill.ticks * unit, rates.maker if fill.is_maker else rates.taker))
        reference = sent.reference if sent.kind == MARKET else event.order.wish.trigger or fill.ticks
        lost = side * (fill.ticks - reference) * fill.lots * unit
        state = FILLED if sent.filled == sent.lots else PARTLY_FILLED
        told = [OrderReport(sent.book, sent.order, state, event.at_ns, side * fill.lots, fill.ticks, reference, fee, lost, 0)]
        if not event.order.is_open:
            told += [self._over(sent, EXPIRED, event.at_ns)] if state == PARTLY_FILLED else []
            self._forget(sent)
        return told

    def _over(self, sent: _Sent, state: int, at_ns: int) -> OrderReport:
        self._forget(sent)
        return OrderReport(sent.book, sent.order, state, at_ns)

    def _forget(self, sent: _Sent) -> None:
        self._by_number.pop(sent.number, None)
        self._sent.pop((sent.book, sent.order), None)

    def _middle(self, book: int, lots: int) -> int:
        """The price between the best bid and ask, rounded towards whoever takes; the newest trade where a side is empty."""
        s, queues = self._places[book], self.exchange.queues
        bid, ask = int(best_of(queues, s, BUY)), int(best_of(queues, s, SELL))
        if not bid or not ask:
            return int(queues.row[s]["last_ticks"]) or bid or ask
        return -(-(bid + ask) // 2) if lots > 0 else (bid + ask) // 2
