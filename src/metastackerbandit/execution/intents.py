"""What an engine has asked for and was told of its orders, gathered from its effects and inputs in their order: from it a killed run is taken up."""

from __future__ import annotations

from msgspec import Struct, field

from metastackerbandit.domain.effects import AmendOrder, CancelOrder, SubmitOrder
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.rows import FILLED, MARKET, SENT
from metastackerbandit.execution.held_order import HeldOrder

MOST_OVER = 5_000  # orders that are over and are still known; what is left of one at the venue is gone within seconds


class Intent(Struct):
    """One order: as it was `asked` for, its size and price as they were wanted last, and where the engine believes it to stand.

    `lots` are above 0; `filled` of them are done, in the fills `trades`.
    """

    asked: SubmitOrder
    lots: int
    price: int
    state: int = SENT
    filled: int = 0
    is_leaving: bool = False
    trades: set[int] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Whether the engine knows its end."""
        return self.state >= FILLED

    def held(self, planned: int) -> HeldOrder:
        """The order as an account's desk holds it, without its legs, of which so many were planned."""
        asked = self.asked
        return HeldOrder(
            instrument=asked.instrument,
            order=asked.order,
            decision=asked.decision,
            kind=asked.kind,
            side=1 if asked.lots > 0 else -1,
            lots=self.lots,
            price=self.price,
            reduces=asked.reduce_only != 0 or asked.kind != MARKET,
            born_ns=asked.at_ns,
            state=self.state,
            filled=self.filled,
            is_leaving=self.is_leaving,
            planned=planned,
            told=frozenset(self.trades),
        )


class Intents(Struct):
    """Orders by the engine's number; those that are `over` (by number, the oldest first) are forgotten when there are too many."""

    orders: dict[int, Intent] = field(default_factory=dict)
    over: list[int] = field(default_factory=list)

    @property
    def working(self) -> tuple[Intent, ...]:
        """Those whose end the engine does not know, in the order in which they were asked for."""
        return tuple(one for one in self.orders.values() if not one.is_over)

    def asked(self, effect: SubmitOrder | CancelOrder | AmendOrder) -> None:
        """The engine asks; a word about an order that is over changes nothing."""
        if isinstance(effect, SubmitOrder):
            self.orders[effect.order] = Intent(effect, abs(effect.lots), effect.trigger if effect.kind != MARKET else 0)
            return
        intent = self.orders.get(effect.order)
        if intent is None or intent.is_over:
            return
        if isinstance(effect, CancelOrder):
            intent.is_leaving = True
        else:
            intent.lots, intent.price = abs(effect.lots), effect.trigger

    def told(self, report: OrderReport) -> None:
        """The engine has taken a report, which its order's life allowed."""
        intent = self.orders.get(report.order)
        if intent is None:
            return
        intent.filled += abs(report.lots)
        intent.state = FILLED if report.lots and intent.filled >= intent.lots else report.state
        if report.trade:
            intent.trades.add(report.trade)
        if intent.is_over:
            self.over.append(report.order)
            if len(self.over) > MOST_OVER:
                del self.orders[self.over.pop(0)]
