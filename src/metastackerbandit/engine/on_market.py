"""What the engine does when the market moves: the ports that drivers call, once an event or in a loop."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.money import RATE_ONE, rate_signed
from metastackerbandit.domain.rows import (
    BY_DAILY_LOSS,
    BY_DRAWDOWN,
    BY_OPERATOR,
    BY_WEEKLY_LOSS,
    FLATTEN,
    KEEP,
    KILL,
    MARKET,
    ON_FLATTEN,
    ON_KILL,
    RESET,
    RESUME,
    TRIP,
)
from metastackerbandit.engine.agreement import follow_mood
from metastackerbandit.engine.choice import charge_all
from metastackerbandit.engine.controls import keep_control, keep_rests
from metastackerbandit.engine.decide import decide, is_quiet
from metastackerbandit.engine.fills import pay_funding
from metastackerbandit.engine.ghosts import age, charge_ghosts, follow_rule, leave_all, open_ghosts, pass_candle
from metastackerbandit.engine.on_prediction import begin_waiting, give_up, keep_point
from metastackerbandit.engine.orders import cancel_kind, desk_of, place_order, trail
from metastackerbandit.engine.regime import follow_regime
from metastackerbandit.market.activity import observe
from metastackerbandit.market.resample import absorb, overdue
from metastackerbandit.risk.breakers import begin_day, climb, loss_of, must_watch, watch
from metastackerbandit.risk.correlation import follow
from metastackerbandit.risk.rests import is_routine, look_at_bar, score_bar
from metastackerbandit.stacking.ask import ask_arm, hear_second
from metastackerbandit.stacking.consensus import MOOD_SOURCE


@inlined
def on_closed(world: Any, out: Any, s: int, bar: Any, lean: bool) -> int:
    """A candle closed: mark, look at the breakers, and decide where it completes the frame's bar."""
    if world.seats[s].ghosts != 0:
        pass_candle(world.ghosts[s], world.seats[s], world.limits[s], s, bar, out.cursor[0], out.outcomes)
    if world.seats[s].awaits != 0 and bar.known_ns >= world.seats[s].due_ns:
        fault = give_up(world, out, s, bar.known_ns, lean)
        if fault != 0:
            return fault
    attention = mark(world.account[0], world.seats[s], world.limits[s], bar)
    if attention != 0:
        attend(world, out, s, bar)
    if absorb(world.seats[s].forming, bar, world.limits[s].base_ns, world.limits[s].frame_ns, world.seats[s].done):
        return on_frame(world, out, s, bar.known_ns, lean)
    return 0


@kernel
def mark(account: Any, seat: Any, limits: Any, bar: Any) -> int:
    """Value the position at the close; 1 when the breakers or a trailing stop must be looked at."""
    position = seat.position
    position.mark = bar.close
    attention = 0
    if position.lots != 0:
        value = position.lots * bar.close * limits.rules.unit
        account.marked += value - position.value
        account.gross += abs(value) - abs(position.value)
        position.value = value
        if limits.exits.trail != 0:
            attention = 1
    equity = account.cash + account.marked
    climb(account.breakers, equity, limits.max_drawdown)
    if must_watch(account.breakers, bar.known_ns, equity):
        attention = 1
    return attention


@kernel
def attend(world: Any, out: Any, s: int, bar: Any) -> None:
    """The day's turn, the breakers and the trailing stop."""
    account = world.account[0]
    limits = world.limits[s]
    breakers = account.breakers
    trail(desk_of(world, out, s), bar.known_ns, bar.close)
    equity = account.cash + account.marked
    now_ns = bar.known_ns
    if now_ns >= breakers.next_day_ns:
        reset = begin_day(breakers, now_ns, equity, limits.max_daily_loss, limits.max_weekly_loss, limits.max_drawdown)
        if reset & 1:
            keep_control(out.cursor[0], out.controls, now_ns, RESET, BY_DAILY_LOSS, 0.0, limits.max_daily_loss, 0, -1)
        if reset & 2:
            keep_control(out.cursor[0], out.controls, now_ns, RESET, BY_DRAWDOWN, 0.0, limits.max_drawdown, 0, -1)
        if reset & 4:
            keep_control(out.cursor[0], out.controls, now_ns, RESET, BY_WEEKLY_LOSS, 0.0, limits.max_weekly_loss, 0, -1)
    tripped = watch(breakers, equity)
    if tripped & 1:
        lost = loss_of(equity, breakers.day_equity)
        keep_control(out.cursor[0], out.controls, now_ns, TRIP, BY_DAILY_LOSS, lost, limits.max_daily_loss, breakers.next_day_ns, -1)
    if tripped & 2:
        lost = loss_of(equity, breakers.peak)
        keep_control(out.cursor[0], out.controls, now_ns, TRIP, BY_DRAWDOWN, lost, limits.max_drawdown, breakers.next_day_ns, -1)
    if tripped & 4:
        lost = loss_of(equity, breakers.week_equity)
        keep_control(out.cursor[0], out.controls, now_ns, TRIP, BY_WEEKLY_LOSS, lost, limits.max_weekly_loss, breakers.next_week_ns, -1)


@inlined
def on_frame(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The frame's bar stands in `seat.done`: volatility, the rules' words, and the decision unless it waits for a prediction."""
    bar = world.seats[s].done
    changed = count_bar(world.seats[s], world.limits[s], now_ns)
    if changed != 0 or world.limits[s].feeds != 0:
        heed_bar(world.account[0], world.seats[s], world.limits[s], world.trails, world.pairs, out.cursor[0], out.controls, s, now_ns, changed)
    if world.limits[s].follows_regime != 0:
        follow_regime(world.seats[s], world.limits[s], world.terciles[s], world.context[s])
    if world.limits[s].follows_mood != 0:
        follow_mood(world.seats[s], world.limits[s], world.outputs[s, MOOD_SOURCE], now_ns)
    if world.seats[s].ghosts != 0:
        age(world.ghosts[s], world.seats[s])
    if world.limits[s].hears != 0:
        return begin_waiting(world, out, s, now_ns, lean)
    world.signals[s, 0] = ask_arm(world.arms[0], world.memory[s, 0], world.reals[s, 0], bar.high, bar.low, bar.close)
    fault = -1
    if world.draft[0].halts == 0:
        fault = answer_rule(world, out, s, now_ns, lean)
    return fault


@inlined
def answer_rule(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """A rule that is heard alone has spoken: its word is decided on."""
    signal = world.signals[s, 0]
    side = hear(world.seats[s], world.limits[s], signal)
    fault = 0
    if lean and is_quiet(world.account[0], world.seats[s], world.limits[s], side):
        world.account[0].decisions += 1
        world.seats[s].last_decision = world.account[0].decisions
    else:
        alpha = 0.0 if side == 0 or side == KEEP else 1.0
        fault = decide(world, out, s, now_ns, signal, side, alpha, alpha, math.inf)
        if lean:
            out.cursor[0].decisions = 0
    if world.seats[s].ghosts != 0:
        follow_rule(world.ghosts[s], world.seats[s], world.limits[s], world.account[0], signal, side, now_ns)
    keep_point(out.cursor[0], out.curve[out.cursor[0].curve], world.account[0], s, world.seats[s].done.closed_ns)
    return fault


@kernel
def count_bar(seat: Any, limits: Any, now_ns: int) -> int:
    """Take the closed bar into volatility, volume and the book's breakers, and count it; bits of the breakers that tripped or lifted."""
    bar = seat.done
    rests = seat.rests
    observe(seat.activity, limits.pace, bar.close, bar.volume)
    seat.bars_seen += 1
    if seat.position.lots != 0:
        seat.position.bars += 1
    if limits.hears != 0:
        score_bar(rests, bar, limits.rests)
    last_ns = rests.closed_ns
    if is_routine(rests, bar, limits.frame_ns, seat.activity, limits.rests):
        return 0
    late = bar.closed_ns - last_ns if last_ns > 0 else 0
    return look_at_bar(rests, bar, limits.frame_ns, late, now_ns, seat.activity, limits.pace.warm_up, limits.rests)


@kernel
def heed_bar(account: Any, seat: Any, limits: Any, trails: Any, pairs: Any, cursor: Any, controls: Any, s: int, now_ns: int, changed: int) -> None:
    """Write down which of the book's breakers changed, and let the correlations follow the symbol's close."""
    if changed != 0:
        keep_rests(cursor, controls, seat, limits, changed, now_ns, s)
    bar = seat.done
    if limits.feeds != 0 and bar.closed_ns % limits.grid_ns == 0:
        follow(trails, pairs, limits.symbol, bar.closed_ns, bar.close, limits.correlation, account.matrix)


@kernel
def hear(seat: Any, limits: Any, signal: int) -> int:
    """Turn a rule's word into a side: spot cannot be short; a used-up signal is free again once it changed."""
    if seat.spent_side != 0 and signal != seat.spent_side:
        seat.spent_side = 0
    if signal == -1 and limits.rules.is_spot != 0:
        return 0
    return signal


@inlined
def on_opened(world: Any, out: Any, s: int, at_ns: int, price: int, lean: bool) -> int:
    """A new candle began at `price`: a frame bar whose last candle never came is closed now, and decided on."""
    if world.seats[s].awaits != 0 and at_ns >= world.seats[s].due_ns:
        fault = give_up(world, out, s, at_ns, lean)
        if fault != 0:
            return fault
    forming = world.seats[s].forming
    if forming.parts != 0 and overdue(forming, at_ns, world.limits[s].base_ns, world.limits[s].frame_ns, world.seats[s].done):
        fault = late_frame(world, out, s, at_ns, lean)
        if fault != 0:
            return fault
    if world.seats[s].ghosts != 0:
        open_ghosts(world.ghosts[s], world.seats[s], world.limits[s], s, at_ns, price, out.cursor[0], out.outcomes)
    return 0


@kernel
def late_frame(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """on_frame, compiled once for the rare bar that closes late."""
    return on_frame(world, out, s, now_ns, lean)


@kernel
def on_funding(world: Any, out: Any, s: int, at_ns: int, rate: int, mark: int) -> int:
    """Funding settled: longs pay a positive rate on the notional at the mark price, shorts receive it."""
    seat = world.seats[s]
    seat.funding_bps = rate * 1e4 / RATE_ONE
    if world.limits[s].chooses != 0:
        charge_all(world, s, rate / RATE_ONE)
    if seat.ghosts != 0:
        charge_ghosts(world.ghosts[s], seat, world.limits[s], rate, mark)
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
def on_mood(seat: Any, at_ns: int, mood: float, mirror: float) -> None:
    """The mood was seen; it stands until the next one."""
    seat.mood = mood
    seat.mood_mirror = mirror
    seat.mood_ns = at_ns


@kernel
def on_second(world: Any, s: int, second: Any) -> None:
    """A second of the order book has ended: what the gates ask of it is kept, and the arms that follow it hear it."""
    touch = world.seats[s].touch
    is_known = second.is_trusted != 0
    touch.bid = second.bid_ticks if is_known else 0
    touch.ask = second.ask_ticks if is_known else 0
    touch.bid_depth = second.bid_depth_10
    touch.ask_depth = second.ask_depth_10
    touch.changed_ns = second.changed_ns if is_known else 0
    touch.quality = second.score
    for a in range(len(world.arms)):
        hear_second(world.arms[a], world.memory[s, a], world.reals[s, a], second)


@kernel
def on_control(world: Any, out: Any, at_ns: int, word: int) -> int:
    """An operator's word (one of domain.inputs.Control, as its place in domain.rows.CONTROLS)."""
    account = world.account[0]
    keep_control(out.cursor[0], out.controls, at_ns, word, BY_OPERATOR, 0.0, 0.0, 0, -1)
    if word == RESUME:
        account.paused = 0
    elif word == KILL:
        account.killed = 1
    else:
        account.paused = 1
    if word == KILL or word == FLATTEN:
        reason = ON_KILL if word == KILL else ON_FLATTEN
        for s in range(len(world.seats)):
            desk = desk_of(world, out, s)
            cancel_kind(desk, at_ns, False)
            if word == KILL:
                leave_all(world.ghosts[s], world.seats[s], at_ns)
            lots = world.seats[s].position.lots
            if lots != 0:
                fault = place_order(desk, s, at_ns, world.seats[s].last_decision, MARKET, reason, -lots, 0, 1, world.seats[s].impact)
                if fault != 0:
                    return fault
    return 0
