"""Do executed trades have the sides that were asked for? (137 BUY and no SELL, while one signal in seven said SELL: pain A01.)"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import MARKET
from metastackerbandit.evaluation.monitors.spec import DECISION, ENDED, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import evidence, least_share, mixture_log_e

INTENTS = 500  # trailing asks to enter, at least, whose sides are the null (method 5.5)
TRADES = 200  # executed trades that are held against it together, then the next ones: more would dilute a fault that begins late


class ExecutionSide(Struct, frozen=True):
    """Asks by side, trailing and since the block of trades began; lower limits of their shares; trades by side, in the block and all.

    `enters` is 1 where the last decision asked to enter, so that an order that is filled before the next one is an entry.
    """

    asks: int
    asked_buy: float
    asked_sell: float
    since_buy: float
    since_sell: float
    least_buy: float
    least_sell: float
    trades: int
    bought: float
    sold: float
    all_bought: int
    all_sold: int
    most: float
    enters: int


@kernel
def asked(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Keep the side of a decision that asked to enter, from flat or from the other side.

    Asks to increase what is held are left out: while the change is too small for an order they come at every bar, of one side, and say nothing.
    """
    held = row.position + row.pending
    if row.asks_risk == 0 or (row.side != 1 and row.side != -1) or held * row.side > 0:
        state.enters = 0
        return
    state.enters = 1
    place = state.asks % INTENTS
    leaving = memory[place] if state.asks >= INTENTS else 0.0
    memory[place] = float(row.side)
    state.asks += 1
    if row.side > 0:
        state.asked_buy += 1.0
        state.since_buy += 1.0
    else:
        state.asked_sell += 1.0
        state.since_sell += 1.0
    if leaving > 0.0:
        state.asked_buy -= 1.0
    elif leaving < 0.0:
        state.asked_sell -= 1.0


@kernel
def executed(state: Any, memory: Any, book: Any, limits: Any, order: Any) -> None:
    """Hold an entry that was filled against what was asked meanwhile; the k-th block of trades after the first spends 6 / (pi k)^2 of the chance."""
    if order.kind != MARKET or order.reduce_only != 0 or order.filled == 0 or state.enters == 0:
        return
    block = state.trades // TRADES
    if block > 0 and state.trades % TRADES == 0:
        state.bought = state.sold = 0.0
        state.since_buy = state.since_sell = 0.0
    state.trades += 1
    if order.lots > 0:
        state.bought += 1.0
        state.all_bought += 1
    else:
        state.sold += 1.0
        state.all_sold += 1
    buys, sells = state.asked_buy, state.asked_sell
    if state.since_buy + state.since_sell > buys + sells:
        buys, sells = state.since_buy, state.since_sell
    state.least_buy = least_share(buys, buys + sells)
    state.least_sell = least_share(sells, buys + sells)
    log_e = mixture_log_e(state.sold, state.bought, limits.prior, state.least_sell, state.least_buy)
    spent = math.log(math.pi * math.pi * block * block / 6.0) if block > 0 else 0.0
    state.most = max(state.most, log_e - spent)


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence so far."""
    if state.trades == 0 or state.asks == 0:
        return unavailable(limits.warn_evidence, state.trades)
    return reaching(evidence(state.most), limits.warn_evidence, limits.halt_evidence, state.trades)


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Both shares of SELL, side by side."""
    asks = float(state.asked_buy + state.asked_sell)
    share = float(state.asked_sell) / asks if asks else math.nan
    figures = {"executed_buy": int(state.all_bought), "executed_sell": int(state.all_sold), "asked": int(state.asks), "asked_sell_share": share}
    text = f"executed {state.all_bought:,} BUY and {state.all_sold:,} SELL, while {share:.1%} of the last {asks:,.0f} asks to enter were SELL"
    return text, figures | {"least_sell_share": float(state.least_sell), "most_sell_share": 1.0 - float(state.least_buy)}


MONITOR = MonitorSpec(
    name="execution_side",
    question="Do executed trades have the sides that were asked for?",
    statistic="beta-binomial mixture e-value of 200 executed entries at a time, against the 95 % limits of SELL among the asks meanwhile",
    null="each executed entry is SELL with the probability that an ask to enter is",
    unit="e-value",
    warn="warn_evidence",
    halt="halt_evidence",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20 where the share is known; simulated where it is estimated (200 fair streams of 10,000 trades)",
    counts="executed trade",
    needs=("decisions", "orders"),
    missing="no entry has been executed yet",
    state=ExecutionSide,
    memory=lambda gates: INTENTS,
    hears=((DECISION, asked), (ENDED, executed)),
    read=read,
    told=told,
)
