"""What the engine does when the market moves: the ports that drivers call, once an event or in a loop."""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import RATE_ONE, rate_signed
from metastackerbandit.domain.rows import BY_DAILY_LOSS, BY_DRAWDOWN, BY_OPERATOR, MARKET, ON_KILL, RESET, TRIP
from metastackerbandit.engine.decide import decide, is_quiet
from metastackerbandit.engine.orders import cancel_kind, pay_funding, send, trail
from metastackerbandit.market.activity import observe
from metastackerbandit.market.resample import absorb, overdue
from metastackerbandit.risk.breakers import begin_day, loss_of, watch
from metastackerbandit.stacking.ask import ask_arm


@kernel
def keep_control(out: Any, at_ns: int, kind: int, cause: int, observed: float, limit: float, until_ns: int) -> None:
    """Append a control row."""
    cursor = out.cursor[0]
    control = out.controls[cursor.controls]
    control.at_ns = at_ns
    control.kind = kind
    control.cause = cause
    control.observed = observed
    control.limit = limit
    control.until_ns = until_ns
    cursor.controls += 1


@kernel
def on_opened(world: Any, out: Any, s: int, at_ns: int, lean: bool) -> int:
    """A new candle began: a frame bar whose last candle never came is closed now, and decided on."""
    seat = world.seats[s]
    if seat.forming.parts == 0:
        return 0
    limits = world.limits[s]
    if overdue(seat.forming, at_ns, limits.base_ns, limits.frame_ns, seat.done):
        return _on_frame(world, out, s, at_ns, lean)
    return 0


@kernel
def on_closed(world: Any, out: Any, s: int, bar: Any, lean: bool) -> int:
    """A candle closed: mark, look at the breakers, and decide where it completes the frame's bar."""
    account = world.account[0]
    seat = world.seats[s]
    limits = world.limits[s]
    position = seat.position
    if position.lots != 0:
        account.marked -= position.value
        account.gross -= abs(position.value)
        position.mark = bar.close
        position.value = position.lots * bar.close * limits.rules.unit
        account.marked += position.value
        account.gross += abs(position.value)
        if limits.exits.trail != 0:
            trail(world, out, s, bar.known_ns, bar.close)
    else:
        position.mark = bar.close
    _watch(world, out, s, bar.known_ns)
    if absorb(seat.forming, bar, limits.base_ns, limits.frame_ns, seat.done):
        return _on_frame(world, out, s, bar.known_ns, lean)
    return 0


@kernel
def _watch(world: Any, out: Any, s: int, now_ns: int) -> None:
    """The day's turn and the breakers, from the equity as marked now."""
    account = world.account[0]
    breakers = account.breakers
    equity = account.cash + account.marked
    if now_ns >= breakers.next_day_ns:
        limits = world.limits[s]
        reset = begin_day(breakers, now_ns, equity, limits.max_daily_loss, limits.max_drawdown)
        if reset & 1:
            keep_control(out, now_ns, RESET, BY_DAILY_LOSS, 0.0, limits.max_daily_loss, 0)
        if reset & 2:
            keep_control(out, now_ns, RESET, BY_DRAWDOWN, 0.0, limits.max_drawdown, 0)
    if equity > breakers.peak or equity <= breakers.day_floor or equity <= breakers.peak_floor:
        limits = world.limits[s]
        tripped = watch(breakers, equity, limits.max_drawdown)
        if tripped & 1:
            keep_control(out, now_ns, TRIP, BY_DAILY_LOSS, loss_of(equity, breakers.day_equity), limits.max_daily_loss, breakers.next_day_ns)
        if tripped & 2:
            keep_control(out, now_ns, TRIP, BY_DRAWDOWN, loss_of(equity, breakers.peak), limits.max_drawdown, breakers.next_day_ns)


@kernel
def _on_frame(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The frame's bar stands in `seat.done`: volatility, the arm's word, the decision, a point of the equity curve."""
    account = world.account[0]
    seat = world.seats[s]
    bar = seat.done
    observe(seat.activity, world.limits[s].pace, bar.close, bar.volume)
    seat.bars_seen += 1
    if seat.position.lots != 0:
        seat.position.bars += 1
    signal = ask_arm(seat.arm, world.memory[s], world.reals[s], bar.high, bar.low, bar.close)
    if seat.spent_side != 0 and signal != seat.spent_side:
        seat.spent_side = 0
    side = signal
    if signal == -1 and world.limits[s].rules.is_spot != 0:
        side = 0
    fault = 0
    if lean and is_quiet(world, s, side):
        account.decisions += 1
        seat.last_decision = account.decisions
    else:
        fault = decide(world, out, s, now_ns, signal, side)
        if lean:
            out.cursor[0].decisions = 0
    cursor = out.cursor[0]
    point = out.curve[cursor.curve]
    point.at_ns = bar.closed_ns
    point.instrument = s
    point.equity = account.cash + account.marked
    point.gross = account.gross
    cursor.curve += 1
    return fault


@kernel
def on_funding(world: Any, out: Any, s: int, at_ns: int, rate: int, mark: int) -> int:
    """Funding settled: longs pay a positive rate on the notional at the mark price, shorts receive it."""
    seat = world.seats[s]
    seat.funding_bps = rate * 1e4 / RATE_ONE
    lots = seat.position.lots
    price = mark if mark > 0 else seat.position.mark
    if lots == 0 or price == 0:
        return 0
    notional = abs(lots) * price * world.limits[s].rules.unit
    payment = rate_signed(notional, rate if lots > 0 else -rate)
    if payment != 0:
        pay_funding(world, out, s, at_ns, payment)
    return 0


@kernel
def on_control(world: Any, out: Any, at_ns: int, word: int) -> int:
    """An operator's word: 0 pause, 1 resume, 2 kill (cancel entries, exit at the next price, stay out)."""
    account = world.account[0]
    keep_control(out, at_ns, word, BY_OPERATOR, 0.0, 0.0, 0)
    if word == 0:
        account.paused = 1
    elif word == 1:
        account.paused = 0
    else:
        account.killed = 1
        for s in range(len(world.seats)):
            cancel_kind(world, out, s, at_ns, False)
            lots = world.seats[s].position.lots
            if lots != 0:
                fault = send(world, out, s, at_ns, world.seats[s].last_decision, MARKET, ON_KILL, -lots, 0, 1, 0)
                if fault != 0:
                    return fault
    return 0


