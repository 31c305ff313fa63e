"""backtrader at work: rules over candles with fees, slippage, funding, stop and target, and its trades told.

backtrader fills a market order at the open of the bar after the one that sent it, and what is sent when it tells of that fill waits one bar more, so
that no stop could be hit in the candle of its entry. `cheat_on_open` is its own answer: `next` decides at the close, `next_open` sends at the open.
A job with `cheat_on_open` 0 plays without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
import candles
import numpy as np
from following import KEEP, Following, barriers, slipped
from serving import serve

EPOCH_DAY = 719_163  # days from year 1 to 1970, as backtrader counts
DAY_NS = 86_400 * 10**9
MINUTE_NS = 60 * 10**9


class Feed(bt.feed.DataBase):
    """Candles out of lists, stamped with their opens."""

    params = (("columns", ()),)

    def start(self) -> None:
        super().start()
        self.place = 0

    def _load(self) -> bool:
        if self.place == len(self.p.columns[0]):
            return False
        lines = self.lines
        for line, column in zip((lines.datetime, lines.open, lines.high, lines.low, lines.close, lines.volume), self.p.columns, strict=True):
            line[0] = column[self.place]
        lines.openinterest[0] = 0.0
        self.place += 1
        return True


class Broker(bt.brokers.BackBroker):
    """backtrader's broker, slipping where it slips by a share of the price that is rounded to a tick; limits do not slip."""

    params = (("slippage_bps", 0.0),)

    def paid(self, price: float, side: int) -> int:
        """Ticks that a taker pays."""
        return slipped(round(price), side, self.p.slippage_bps)

    def _slip_up(self, pmax: float, price: float, doslip: bool = True, lim: bool = False) -> float:
        return price if lim else float(self.paid(price, 1))

    def _slip_down(self, pmin: float, price: float, doslip: bool = True, lim: bool = False) -> float:
        return price if lim else float(self.paid(price, -1))


class Terms(bt.CommInfoBase):
    """A fee as a share of notional, and funding as the credit interest that the broker charges before a bar's orders.

    `rates` holds by candle the rate and the mark price in ticks, 0 where it is not known: then the last close stands for it.
    """

    params: Any = (("commtype", bt.CommInfoBase.COMM_PERC), ("percabs", True), ("stocklike", True), ("rates", {}))

    def get_credit_interest(self, data: Any, pos: Any, dt: Any) -> float:
        settled = self.p.rates.get(len(data) - 1)
        if settled is None:
            return 0.0
        rate, mark = settled
        return float(rate * pos.size * (mark or data.close[-1]))


class Trading(bt.Strategy):
    """Turns what a rule says at a close into orders at the next open; a subclass is the rule."""

    params = (("job", None), ("ended", None))

    def start(self) -> None:
        self.rule = self.p.job["strategy"]
        self.lots = candles.lots_of(self.p.job)
        self.following = Following(self.rule)
        self.wanted = 0
        self.at_open = self.p.job.get("cheat_on_open", True)
        self.protection: list[Any] = []

    def word(self) -> int:
        """What the rule says at this close."""
        raise NotImplementedError

    def side(self) -> int:
        return int(np.sign(self.position.size))

    def next(self) -> None:
        self.wanted = self.following.wanted(self.side(), self.word())
        if not self.at_open:
            self.act()

    def next_open(self) -> None:
        if self.act() and self.wanted:
            self.protect(self.wanted, self.broker.paid(self.data.open[0], self.wanted))

    def act(self) -> bool:
        """Send what was decided; False where nothing is to be changed."""
        if self.wanted == self.side():
            return False
        for order in self.protection:
            self.cancel(order)
        self.protection = []
        self.order_target_size(target=self.wanted * self.lots)
        return True

    def protect(self, side: int, entry: int) -> None:
        """Stop and target, of which one cancels the other, of a position entered at `entry` ticks."""
        stop, target = barriers(self.rule, side, entry)
        leave = self.sell if side > 0 else self.buy
        if stop is not None:
            self.protection.append(leave(exectype=bt.Order.Stop, price=float(stop), size=self.lots))
        if target is not None:
            oco = self.protection[0] if self.protection else None
            self.protection.append(leave(exectype=bt.Order.Limit, price=float(target), size=self.lots, oco=oco))

    def notify_order(self, order: Any) -> None:
        if order.status != order.Completed:
            return
        if order.exectype != bt.Order.Market:
            self.following.was_stopped(-1 if order.isbuy() else 1)
            self.protection = []
        elif not self.at_open and self.side():
            self.protect(self.side(), round(order.executed.price))

    def notify_trade(self, trade: Any) -> None:
        if trade.isclosed:
            self.p.ended(trade)


class SmaCross(Trading):
    """Long while the fast average of closes is above the slow one, short while below; as before while they are equal."""

    def __init__(self) -> None:
        rule = self.p.job["strategy"]
        self.fast, self.slow = (bt.ind.SMA(self.data.close, period=rule[name]) for name in ("fast", "slow"))
        self.last = 0

    def word(self) -> int:
        self.last = int(np.sign(self.fast[0] - self.slow[0])) or self.last
        return self.last


class Breakout(Trading):
    """Long at a close above the highest high of the bars before, short below the lowest low; else as it is."""

    def __init__(self) -> None:
        length = self.p.job["strategy"]["length"]
        self.highest = bt.ind.Highest(self.data.high(-1), period=length)
        self.lowest = bt.ind.Lowest(self.data.low(-1), period=length)

    def word(self) -> int:
        close = self.data.close[0]
        if close > self.highest[0]:
            return 1
        return -1 if close < self.lowest[0] else KEEP


def preparing(rule: type[Trading]) -> Callable[[dict[str, Any]], Callable[[], Any]]:
    """The kind of work that follows one rule: candles are read and converted before, a run builds and runs one Cerebro."""

    def prepare(job: dict[str, Any]) -> Callable[[], Any]:
        seen = candles.read(job)
        frame_ns = int(np.diff(seen.opened_ns).min())
        columns = [(EPOCH_DAY + seen.opened_ns / DAY_NS).tolist()] + [column.tolist() for column in seen[1:]]
        settled = job.get("funding") or []
        places = np.searchsorted(seen.opened_ns, [row[0] for row in settled])  # paid before the orders of the first candle at or after it
        tick = float(job["tick"])
        rates = {int(place): (row[1], row[2] / tick) for place, row in zip(places, settled, strict=True)}
        return lambda: candles.told(job, play(rule, job, columns, frame_ns, rates), seen.opened_ns)

    return prepare


def play(
    rule: type[Trading], job: dict[str, Any], columns: list[list[float]], frame_ns: int, rates: dict[int, tuple[float, float]]
) -> list[list[float]]:
    """One run of the engine -> its closed trades in ticks and lots."""
    fee = job["fee_bps"] * 1e-4
    rows: list[list[float]] = []

    def ended(trade: Any) -> None:
        entry, last = trade.history[0].event, trade.history[-1].event
        fees = entry.commission + abs(last.size) * last.price * fee  # backtrader books funding with the fee of the fill that closes
        side = 1 if entry.size > 0 else -1
        funding = trade.commission - fees if rates else 0.0
        rows.append([trade.baropen - 1, trade.barclose - 1, side, abs(entry.size), entry.price, last.price, fees, funding, trade.pnlcomm])

    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=bool(job.get("cheat_on_open", True)), tradehistory=True)
    cerebro.broker = Broker(cash=job["cash"] / candles.money_of(job), checksubmit=False, slippage_bps=job["slippage_bps"])
    cerebro.broker.addcommissioninfo(Terms(commission=fee, rates=rates))
    cerebro.adddata(Feed(columns=columns, timeframe=bt.TimeFrame.Minutes, compression=frame_ns // MINUTE_NS))
    cerebro.addstrategy(rule, job=job, ended=ended)
    cerebro.run()
    return rows


if __name__ == "__main__":
    serve({"sma_cross": preparing(SmaCross), "breakout": preparing(Breakout)}, versions=("backtrader",))
