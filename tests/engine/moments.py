"""A moment of an account's books: a bar that has just closed at PRICE, volatility and volume known, gates so wide that none binds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.bench.wide import Rule, settings_of
from metastackerbandit.domain.inputs import OrderReport
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.rows import FILLED, MARKET
from metastackerbandit.engine.engine import step_report
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.plan import begin, plan_of
from metastackerbandit.engine.world import Out, World, empty_out
from tests.markets import START_NS, generated

BAR_NS = 300 * 10**9
NOW_NS = START_NS + BAR_NS  # when the bar closed
PRICE = 500_000  # ticks
UNIT = 10_000  # money of one tick of one lot
LOT = PRICE * UNIT  # money of one lot
LOTS = 100  # of a trade of fixed quantity
DEPOSIT = 10_000_000 * 10**8  # money
VARIANCE = 1e-5  # of a bar's return
A_YEAR = 105_192  # bars of 5 minutes


class Moment(NamedTuple):
    """The world, and what left it."""

    world: World
    out: Out

    @property
    def account(self) -> Any:
        """The account."""
        return self.world.account[0]

    @property
    def seat(self) -> Any:
        """The first book."""
        return self.world.seats[0]

    @property
    def limits(self) -> Any:
        """The first book's."""
        return self.world.limits[0]

    @property
    def draft(self) -> Any:
        """The decision that is being made."""
        return self.world.draft[0]

    @property
    def seen(self) -> Any:
        """What the gates look at."""
        return self.world.seen[0]

    def kept(self, name: str) -> Any:
        """The rows of one kind that have left so far."""
        return getattr(self.out, name)[: int(getattr(self.out.cursor[0], name))]

    def traced(self, gate: str, decision: int = -1) -> tuple[float, float, int]:
        """(observed, limit, verdict) of a gate in a decision's trace, the last one's unless said otherwise."""
        n = decision if decision >= 0 else int(self.out.cursor[0].decisions) - 1
        place = GATE_NAMES.index(gate)
        return float(self.out.observed[n, place]), float(self.out.limit[n, place]), int(self.out.verdict[n, place])

    def hold(self, lots: int, s: int = 0, price: int = PRICE) -> None:
        """Give a book a position, bought at this price for cash."""
        position, limits = self.world.seats[s].position, self.world.limits[s]
        value = lots * price * int(limits.rules.unit)
        account = self.account
        account.cash -= value - int(position.value)
        account.marked += value - int(position.value)
        account.gross += abs(value) - abs(int(position.value))
        position.lots, position.cost, position.value = lots, value, value
        position.mark = position.entry = position.best = price

    def fill(self, s: int = 0, at_ns: int = NOW_NS) -> None:
        """The venue fills every market order of a book at PRICE, the oldest first, for nothing."""
        while True:
            waiting = [order for order in self.world.working[s][: int(self.world.seats[s].working)] if order.kind == MARKET]
            if not waiting:
                return
            words = rows(OrderReport, 1)
            word, order = words[0], waiting[0]
            word.instrument, word.order, word.state, word.at_ns = s, order.order, FILLED, at_ns
            word.lots, word.ticks, word.reference = order.lots, PRICE, PRICE
            assert step_report(self.world, self.out, words, 0) == 0


def moment(
    arm: str = "sma_cross",
    *,
    symbols: int = 1,
    frame: str = "5m",
    frames: tuple[str, ...] = (),
    arms: tuple[str, ...] = (),
    market: str = "perp",
    funded: bool = False,
    moody: bool = False,
    **changes: dict[str, Any],
) -> Moment:
    """Books of this wiring; `changes` are of tables of settings, such as risk={"max_drawdown": 0.2}."""
    chosen = settings_of(Rule("sma_cross"), "0.1", 4.0)
    for table, own in changes.items():
        held: Struct = getattr(chosen, table)
        chosen = structs.replace(chosen, **{table: structs.replace(held, **own)})
    plan = plan_of(generated(1, 5, symbols=symbols, market=market, funded=funded, moody=moody), frame, arm, chosen, frames=frames, arms=arms)
    world = begin(plan)
    account = world.account[0]
    account.breakers.peak = account.breakers.high = account.breakers.day_equity = account.breakers.week_equity = account.cash
    for seat in world.seats:
        close_at(seat, PRICE, NOW_NS)
        seat.bars_seen, seat.position.mark = 500, PRICE
        activity = seat.activity
        activity.last_close, activity.returns = PRICE, 500
        activity.fast = activity.slow = VARIANCE
        activity.fast_weight = activity.slow_weight = activity.volume_weight = 1.0
        activity.volume = 100.0  # of a bar, base units
    return Moment(world, empty_out(len(GATES), 64, 512, 64))


def close_at(seat: Any, price: int, closed_ns: int) -> None:
    """The book's bar has just closed at this price, whole."""
    bar = seat.done
    bar.open = bar.high = bar.low = bar.close = price
    bar.opened_ns, bar.closed_ns, bar.known_ns = closed_ns - BAR_NS, closed_ns, closed_ns
    bar.parts = bar.parts_due = 1
    bar.volume = 100.0


def bytes_of(*arrays: Any) -> list[bytes]:
    """What these arrays hold now, to be compared with later."""
    return [np.ascontiguousarray(array).tobytes() for array in arrays]
