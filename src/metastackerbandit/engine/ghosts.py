"""What a gate prevented: the trade that it alone stopped lives on as a ghost, with the engine's exits and the venue's costs.

A decision that asked for new risk and was blocked leaves a ghost of the trade: of the gate, where one alone blocked, and one of
ANY_GATE in any case. It enters at the next open, carries the stop, target and horizon that the engine would have given it, leaves on the
opinion on which the engine would have left, and its end is one outcome, net of what the venue would have charged for its size. While a
ghost of a gate lives, further blocked wishes of its side are the same trade; one of the other side ends it first, as it would a position.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.costs.impact import impact_rate
from metastackerbandit.costs.price import taken_at
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import BPS_RATE, opposes, rate_signed, rate_up
from metastackerbandit.domain.rows import ANY_GATE, KEEP, ON_FLAT, ON_KILL, ON_OPPOSITE, ON_STOP, ON_TARGET, ON_TIME
from metastackerbandit.domain.timeframe import DAYS_A_YEAR
from metastackerbandit.execution.quantize import legal_lots
from metastackerbandit.exits.rules import stop_fill, stop_hit, stop_price, target_fill, target_hit, target_price
from metastackerbandit.market.activity import annual_volatility, daily_volume


class Prevented(Struct, frozen=True):
    """A trade that was not sent: its side (0: none), lots and decision; its order could trade from `sent_ns` on.

    `impact` (1e-8) is what entry and stop pay. Stop and target lie `stop` and `target` (1e-8, 0 for none) from `anchor` ticks (0: from its own
    entry); `best` (ticks) and `bars` are those of the position that it would have enlarged. `horizon` is the bars it may last (0: no end).
    `holder` is the place in the world's arms, and `arm` the number, of the arm it is of. `volatility` over the horizon (fraction) and context
    `cell` are those of the decision.
    """

    side: int
    lots: int
    decision: int
    sent_ns: int
    impact: int
    anchor: int
    best: int
    bars: int
    stop: int
    target: int
    horizon: int
    holder: int
    arm: int
    cell: int
    volatility: float


class Ghost(Struct, frozen=True):
    """One gate's prevented trades: the one that is on (`held`), the one that waits for the next open (`wish`), and a used-up signal (`spent`).

    `entry` ticks paid; `entry_value`, `fees`, `funding` money; `stop_at`, `target_at` trigger ticks (0 for none); `best`, `mark` ticks;
    `leaves` is 1 while an exit for `reason` waits for the first open from `leave_ns` on, paying `leave_impact` (1e-8).
    """

    gate: int
    held: Prevented
    wish: Prevented
    spent: int
    opened_ns: int
    entry: int
    entry_value: int
    fees: int
    funding: int
    stop_at: int
    target_at: int
    best: int
    mark: int
    bars: int
    leaves: int
    leave_ns: int
    leave_impact: int
    reason: int


@kernel
def haunt(ghosts: Any, seat: Any, limits: Any, draft: Any, prediction: Any, seen: Any, cell: int, number: int, arms: Any) -> None:
    """A blocked wish for new risk: its ghost begins, one of the gate that alone blocked it, and one of ANY_GATE."""
    if draft.sole >= 0:
        begin_ghost(ghosts, seat, limits, draft, prediction, seen, cell, number, arms, draft.sole)
    begin_ghost(ghosts, seat, limits, draft, prediction, seen, cell, number, arms, -2)


@kernel
def begin_ghost(ghosts: Any, seat: Any, limits: Any, draft: Any, prediction: Any, seen: Any, cell: int, number: int, arms: Any, gate: int) -> None:
    """The trade of this decision becomes the wish of the gate's ghost, unless that has one on, or sizing left nothing to trade."""
    change = draft.legal if draft.legal != 0 else draft.change
    if change == 0:
        return
    side = 1 if change > 0 else -1
    place = -1
    for g in range(seat.ghosts):
        if ghosts[g].gate == gate:
            place = g
    if place < 0:
        if seat.ghosts >= len(ghosts):
            return
        place = seat.ghosts
        seat.ghosts += 1
        clear_ghost(ghosts[place], gate)
    ghost = ghosts[place]
    is_turn = limits.flips != 0 and ghost.held.side == -side
    if ghost.wish.side != 0 or ghost.spent == side or (ghost.held.side != 0 and not is_turn):
        return
    wish = ghost.wish
    wish.side = side
    wish.lots = abs(change)
    wish.decision = number
    wish.sent_ns = draft.at_ns
    wish.impact = draft.impact
    wish.cell = cell
    wish.volatility = draft.volatility / math.sqrt(limits.pace.a_year) * math.sqrt(float(limits.horizon))
    set_terms(wish, seat, limits, prediction, seen)
    wish.arm = arms[wish.holder]


@kernel
def set_terms(wish: Any, seat: Any, limits: Any, prediction: Any, seen: Any) -> None:
    """The exits that the engine would give the trade (engine.decide.remember_entry, engine.fills); more of a position has the position's own."""
    exits = limits.exits
    follows = limits.hears != 0 and seen.has_model != 0
    barrier = round(prediction.barrier_bps * BPS_RATE) if follows else 0
    stop = round(prediction.barrier_bps * seen.stop_scale * BPS_RATE) if follows else 0
    horizon = prediction.horizon if follows else 0
    wish.holder = seat.arm
    wish.anchor = 0
    wish.best = 0
    wish.bars = 0
    position = seat.position
    if position.lots != 0 and not opposes(position.lots, wish.side):
        barrier = seat.barrier
        stop = seat.stop
        horizon = seat.horizon
        wish.holder = seat.holder
        wish.anchor = position.entry
        wish.best = position.best
        wish.bars = position.bars
    wish.stop = stop if limits.stop_by_model != 0 else exits.stop
    wish.target = barrier if limits.target_by_model != 0 else exits.target
    if exits.trail > 0 and (wish.stop == 0 or exits.trail < wish.stop):
        wish.stop = exits.trail
    wish.horizon = horizon if limits.time_by_model != 0 else exits.max_bars


@kernel
def clear_ghost(ghost: Any, gate: int) -> None:
    """A ghost of a gate that has prevented nothing yet."""
    ghost.gate = gate
    ghost.held.side = 0
    ghost.wish.side = 0
    ghost.spent = 0
    ghost.leaves = 0


# -- the market moves --------------------------------------------------------------------------------------------------


@kernel
def open_ghosts(ghosts: Any, seat: Any, limits: Any, s: int, at_ns: int, price: int, cursor: Any, outcomes: Any) -> None:
    """A candle's first price (ticks), after the book's own bars were closed: what the open jumped over, exits that wait, entries that wait."""
    for g in range(seat.ghosts):
        ghost = ghosts[g]
        held = ghost.held
        if held.side != 0:
            if ghost.stop_at != 0 and stop_hit(held.side, ghost.stop_at, price, price):
                end_ghost(ghost, limits, s, at_ns, price, True, held.impact, ON_STOP, cursor, outcomes)
            elif ghost.target_at != 0 and target_hit(held.side, ghost.target_at, price, price):
                end_ghost(ghost, limits, s, at_ns, price, False, 0, ON_TARGET, cursor, outcomes)
            elif ghost.leaves != 0 and ghost.leave_ns <= at_ns:
                end_ghost(ghost, limits, s, at_ns, price, True, ghost.leave_impact, ghost.reason, cursor, outcomes)
        if held.side == 0 and ghost.wish.side != 0 and ghost.wish.sent_ns <= at_ns:
            enter(ghost, limits, at_ns, price)


@kernel
def enter(ghost: Any, limits: Any, at_ns: int, price: int) -> None:
    """The wish is filled as a market order of its size would be, and gets its stop and target (engine.fills._protect)."""
    held = ghost.held
    wish = ghost.wish
    held.side = wish.side
    held.lots = wish.lots
    held.decision = wish.decision
    held.sent_ns = wish.sent_ns
    held.impact = wish.impact
    held.stop = wish.stop
    held.target = wish.target
    held.horizon = wish.horizon
    held.holder = wish.holder
    held.arm = wish.arm
    held.cell = wish.cell
    held.volatility = wish.volatility
    side = wish.side
    wish.side = 0
    ghost.leaves = 0
    ghost.opened_ns = at_ns
    ghost.entry = taken_at(price, side, limits.rates.touch + held.impact)
    ghost.entry_value = held.lots * ghost.entry * limits.rules.unit
    ghost.fees = rate_up(ghost.entry_value, limits.rates.taker)
    ghost.funding = 0
    ghost.mark = price
    ghost.bars = wish.bars
    anchor = wish.anchor if wish.anchor > 0 else ghost.entry
    ghost.best = wish.best if wish.anchor > 0 else ghost.entry
    ghost.stop_at = stop_price(side, anchor, held.stop) if held.stop > 0 else 0
    ghost.target_at = target_price(side, anchor, held.target) if held.target > 0 else 0
    if wish.anchor > 0 and limits.exits.trail > 0 and side * ghost.best > side * anchor:
        tighter = stop_price(side, ghost.best, limits.exits.trail)
        if side * tighter > side * ghost.stop_at:
            ghost.stop_at = tighter


@kernel
def pass_candle(ghosts: Any, seat: Any, limits: Any, s: int, bar: Any, cursor: Any, outcomes: Any) -> None:
    """A candle closed: its range against stops, then targets; those that stay are marked, and a trailing stop follows."""
    for g in range(seat.ghosts):
        ghost = ghosts[g]
        side = ghost.held.side
        if side == 0:
            continue
        if ghost.stop_at != 0 and stop_hit(side, ghost.stop_at, bar.low, bar.high):
            price = stop_fill(side, ghost.stop_at, bar.open)
            end_ghost(ghost, limits, s, bar.closed_ns, price, True, ghost.held.impact, ON_STOP, cursor, outcomes)
        elif ghost.target_at != 0 and target_hit(side, ghost.target_at, bar.low, bar.high):
            price = target_fill(side, ghost.target_at, bar.open)
            end_ghost(ghost, limits, s, bar.closed_ns, price, False, 0, ON_TARGET, cursor, outcomes)
        else:
            ghost.mark = bar.close
            if limits.exits.trail > 0 and side * bar.close > side * ghost.best:
                ghost.best = bar.close
                trigger = stop_price(side, bar.close, limits.exits.trail)
                if side * trigger > side * ghost.stop_at:
                    ghost.stop_at = trigger


@kernel
def age(ghosts: Any, seat: Any) -> None:
    """A bar of the book's frame closed; what is on has lasted one more."""
    for g in range(seat.ghosts):
        if ghosts[g].held.side != 0:
            ghosts[g].bars += 1


@kernel
def charge_ghosts(ghosts: Any, seat: Any, limits: Any, rate: int, mark: int) -> None:
    """Funding settled (1e-8) at `mark` ticks (0: the last mark), as on a position."""
    for g in range(seat.ghosts):
        ghost = ghosts[g]
        if ghost.held.side != 0:
            price = mark if mark > 0 else ghost.mark
            ghost.funding += rate_signed(ghost.held.lots * price * limits.rules.unit, ghost.held.side * rate)


@kernel
def end_ghost(ghost: Any, limits: Any, s: int, at_ns: int, price: int, takes: bool, impact: int, reason: int, cursor: Any, outcomes: Any) -> None:
    """The trade leaves at `price` ticks as the venue would fill it, and its outcome is written."""
    held = ghost.held
    rates = limits.rates
    ticks = taken_at(price, -held.side, rates.touch + impact) if takes else price
    value = held.lots * ticks * limits.rules.unit
    fees = ghost.fees + rate_up(value, rates.taker if takes else rates.maker)
    net = held.side * (value - ghost.entry_value) - fees - ghost.funding
    kept = outcomes[cursor.outcomes]
    kept.at_ns = at_ns
    kept.instrument = s
    kept.arm = held.arm
    kept.cell = held.cell
    kept.side = held.side
    kept.bars = ghost.bars
    kept.net_bps = net / ghost.entry_value * 1e4
    kept.outcome = kept.net_bps / 1e4 / held.volatility
    kept.gate = ghost.gate
    kept.decision = held.decision
    kept.reason = reason
    kept.opened_ns = ghost.opened_ns
    kept.lots = held.lots
    kept.net = net
    cursor.outcomes += 1
    had_changed = ghost.leaves != 0 and (ghost.reason == ON_FLAT or ghost.reason == ON_OPPOSITE)
    if limits.hears == 0 and (reason == ON_STOP or reason == ON_TARGET or reason == ON_TIME) and not had_changed:
        ghost.spent = held.side  # as of a position: a rule's signal is not bought twice
    held.side = 0
    ghost.leaves = 0


# -- the arm speaks ----------------------------------------------------------------------------------------------------


@kernel
def follow_rule(ghosts: Any, seat: Any, limits: Any, account: Any, signal: int, side: int, now_ns: int) -> None:
    """A rule's word at the account's newest decision, as every prevented trade of the book hears it."""
    for g in range(seat.ghosts):
        follow(ghosts[g], seat, limits, account, signal, side, now_ns)
    bury(ghosts, seat)


@kernel
def follow(ghost: Any, seat: Any, limits: Any, account: Any, signal: int, side: int, now_ns: int) -> None:
    """What the arm's word means for a trade that is on, or waits: it stays or leaves as a position would (decision.policy.wish).

    A trade that the account's newest decision was itself denied does not hear that decision's word; one more at the same instant it does.
    """
    if ghost.spent != 0 and signal != ghost.spent:
        ghost.spent = 0
    held = ghost.held.side
    reason = -1
    if account.killed != 0:
        reason = ON_KILL
    elif held != 0 and is_ghost_over(ghost):
        reason = ON_TIME
    if held != 0 and ghost.leaves == 0:
        if reason < 0 and side != KEEP and side != held:
            reason = ON_FLAT if side == 0 else ON_OPPOSITE
        if reason >= 0 and legal_lots(-held * ghost.held.lots, seat.done.close, limits.rules, True) != 0:
            ghost.leaves = 1
            ghost.leave_ns = now_ns
            ghost.leave_impact = exit_impact(seat, limits, ghost.held.lots)
            ghost.reason = reason
    wish = ghost.wish
    if wish.side != 0 and wish.decision != account.decisions and (account.killed != 0 or (side != KEEP and side != wish.side)):
        wish.side = 0


@kernel
def is_ghost_over(ghost: Any) -> bool:
    """True when the trade has been on for all the bars it may be."""
    return ghost.held.horizon > 0 and ghost.bars >= ghost.held.horizon


@kernel
def exit_impact(seat: Any, limits: Any, lots: int) -> int:
    """What an exit of `lots` would move the market (1e-8), as the engine reckons it at this close."""
    volatility = annual_volatility(seat.activity, limits.pace)
    participation = lots * limits.lot_size / daily_volume(seat.activity, limits.pace)
    return int(impact_rate(limits.rates.impact_coefficient, volatility / math.sqrt(DAYS_A_YEAR), participation))


@kernel
def leave_all(ghosts: Any, seat: Any, at_ns: int) -> None:
    """A kill between bars: what is on leaves at the next open, what waits is given up."""
    for g in range(seat.ghosts):
        ghost = ghosts[g]
        ghost.wish.side = 0
        if ghost.held.side != 0 and ghost.leaves == 0:
            ghost.leaves = 1
            ghost.leave_ns = at_ns
            ghost.leave_impact = ghost.held.impact
            ghost.reason = ON_KILL


@kernel
def bury(ghosts: Any, seat: Any) -> None:
    """Give up the places of ghosts that have nothing on, nothing waiting and no used-up signal."""
    g = 0
    while g < seat.ghosts:
        ghost = ghosts[g]
        if ghost.held.side == 0 and ghost.wish.side == 0 and ghost.spent == 0:
            seat.ghosts -= 1
            ghosts[g] = ghosts[seat.ghosts]
        else:
            g += 1


assert ANY_GATE == -2, "haunt writes ANY_GATE as a literal, so that its argument has one type"
