"""What the last look at an order of new risk must know: positions, orders that are out, prices, the day's orders and loss, and what is unlocked.

The rule itself is execution.last_check. What is asked for lies outside of the engine's reach: no setting, model or rollout takes part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.effects import SubmitOrder
from metastackerbandit.domain.hard_limits import HardLimits
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.plan import Plan
from metastackerbandit.execution.held_order import HeldOrder
from metastackerbandit.execution.last_check import Exposed, passed
from metastackerbandit.storage.unlocks import Locked, Unlock

Unlocked = Callable[[], Unlock | Locked]
LastLook = Callable[
    [SubmitOrder, Iterable[HeldOrder], int], str
]  # an order, those that are out, the venue's time: why it is not sent, "" for nothing


class DayBefore(Struct, frozen=True):
    """What was done before on the UTC day that begins at `day_ns`: orders of new risk `sent`, by this run too, and what other runs `lost` (money)."""

    day_ns: int
    sent: int
    lost: int


def nothing_limited(effect: SubmitOrder, out: Iterable[HeldOrder], now_ns: int) -> str:
    """The last look where no real money is traded."""
    return ""


class Guard(Struct, frozen=True):
    """What real money asks for beyond any account: the last look, a key that is bound to addresses, and so much in the wallet at the start."""

    last_look: LastLook = nothing_limited
    needs_bound_key: bool = False
    least_wallet: Decimal = Decimal(0)


NO_GUARD = Guard()


class NewRisk:
    """Looks at each order of new risk of one run; one that it lets go is counted as sent. `engine` is the run's."""

    def __init__(self, plan: Plan, engine: Engine, limits: HardLimits, unlocked: Unlocked, before: DayBefore) -> None:
        self._plan, self._engine, self._limits, self._unlocked, self._before = plan, engine, limits, unlocked, before
        self._units = [book.instrument.rules().unit for book in plan.books]
        self._day_ns, self._sent = before.day_ns, before.sent

    def objection(self, effect: SubmitOrder, out: Iterable[HeldOrder], now_ns: int) -> str:
        """Why an order is not sent, "" where nothing speaks against it. `out` are all orders that are not over, `now_ns` is the venue's time."""
        unlock = self._unlocked()
        if isinstance(unlock, Locked):
            return unlock.why
        symbol = self._plan.books[effect.instrument].instrument.symbol
        if symbol not in unlock.terms.symbols:
            return f"{symbol} is not unlocked: {', '.join(unlock.terms.symbols)} is"
        self._begin_day(now_ns)
        limits = self._limits.within(money_of(unlock.terms.max_notional, self._limits.currency))
        exposed, lost = self._exposed(out), self._lost()
        found = passed(limits, exposed, self._plan.symbols.index(symbol), effect.lots, self._sent, lost)
        if found is not None:
            return found.words(limits.currency)
        self._sent += 1
        return ""

    def _begin_day(self, now_ns: int) -> None:
        day_ns = now_ns // DAY_NS * DAY_NS
        if day_ns > self._day_ns:
            self._day_ns, self._sent = day_ns, 0

    def _exposed(self, out: Iterable[HeldOrder]) -> list[Exposed]:
        """Every symbol with what is held and what is out of it, over all its books, at the highest price that is known."""
        seats, symbols = self._engine.world.seats, self._plan.symbols
        lots, buys, sells, ticks, units = ([0] * len(symbols) for _ in range(5))
        for s, book in enumerate(self._plan.books):
            place = symbols.index(book.instrument.symbol)
            lots[place] += int(seats[s].position.lots)
            ticks[place] = max(ticks[place], int(seats[s].position.mark), int(seats[s].touch.ask))
            units[place] = self._units[s]
        for held in out:
            if not held.reduces:
                place = symbols.index(self._plan.books[held.instrument].instrument.symbol)
                (buys if held.side > 0 else sells)[place] += held.left
        return [Exposed(*of) for of in zip(symbols, lots, buys, sells, ticks, units, strict=True)]

    def _lost(self) -> int:
        """The day's loss, open positions with it: this run's, by its equity at the day's first candle, and that of runs before it."""
        account = self._engine.world.account[0]
        start = int(account.breakers.day_equity)
        own = start - int(account.cash + account.marked) if start else 0
        return own + (self._before.lost if self._day_ns == self._before.day_ns else 0)
