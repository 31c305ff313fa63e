"""One decision: the opinion, its size, every gate's verdict, and the orders that follow."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.costs.impact import impact_rate
from metastackerbandit.decision.policy import vetoed, wish
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import BPS_RATE, opposes
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE, KEEP, MARKET, ON_KILL, ON_OPPOSITE, ON_TIME, REDUCE
from metastackerbandit.domain.timeframe import DAY_NS
from metastackerbandit.engine.gates import LEGAL_GATE, ask_all
from metastackerbandit.engine.orders import cancel_kind, pending_lots, send
from metastackerbandit.execution.quantize import least_lots, legal_lots
from metastackerbandit.market.activity import annual_volatility, daily_volume
from metastackerbandit.risk.breakers import loss_of
from metastackerbandit.risk.sizing import capped_lots, drawdown_scale, wanted_lots

DAYS_A_YEAR = 365.25


@kernel
def is_over(seat: Any, limits: Any) -> bool:
    """True when a position has been held for all the bars it may be."""
    most = seat.horizon if limits.time_by_model != 0 else limits.exits.max_bars
    return most > 0 and seat.position.bars >= most


@kernel
def is_quiet(account: Any, seat: Any, limits: Any, side: int) -> bool:
    """True when nothing that a decision could do is wanted: only its journal row would differ."""
    lots = seat.position.lots
    if seat.market_out != 0 or (lots != 0 and account.killed != 0):
        return False
    if lots != 0 and is_over(seat, limits):
        return False
    if side == KEEP:
        return True
    if lots == 0:
        return side == 0
    return limits.resizes == 0 and side * lots > 0


@kernel
def decide(world: Any, out: Any, s: int, now_ns: int, signal: int, side: int, scale: float, alpha: float, kelly: float) -> int:
    """Decide on the closed bar in the seat; returns 0 or a fault of engine.orders.

    `scale` is the opinion's position scale as the alpha gate judges it, `alpha` the one that sizes a trade, `kelly` the most of equity
    that its edge is worth (infinity for a rule arm).
    """
    account = world.account[0]
    seat = world.seats[s]
    limits = world.limits[s]
    position = seat.position
    bar = seat.done
    price = bar.close
    lot_money = price * limits.rules.unit
    equity = account.cash + account.marked
    volatility = annual_volatility(seat.activity, limits.pace)
    drawdown = loss_of(equity, account.breakers.peak)
    throttle = drawdown_scale(drawdown, limits.max_drawdown)

    # the wish
    size = wanted_lots(
        limits.sizing,
        alpha,
        limits.share,
        equity,
        lot_money,
        volatility,
        limits.volatility_target,
        limits.fraction,
        limits.notional,
        limits.lots,
        throttle,
        kelly,
    )
    if size > 0:
        others = account.gross - abs(position.value)
        size = capped_lots(size, equity, lot_money, limits.max_symbol_exposure, others, limits.max_gross_exposure, limits.rules.max_lots)
    pending = pending_lots(world, s)
    held = position.lots + pending
    kind, wanted, asks, reason = wish(held, side, size, limits.resizes != 0, limits.resize_band, limits.flips != 0)
    if account.killed != 0:
        kind, wanted, asks, reason = (EXIT if held != 0 else HOLD), 0, 0, ON_KILL
    elif position.lots != 0 and is_over(seat, limits):
        kind, wanted, asks, reason = EXIT, 0, 0, ON_TIME
        if held == 0:
            kind = HOLD

    # the order it needs, after the quantiser
    turns = opposes(wanted, held)
    change = wanted if turns else wanted - held
    legal = legal_lots(change, price, limits.rules, asks == 0)
    moves = 1 if asks != 0 or change != 0 else 0
    if now_ns >= seat.next_day_ns:
        seat.next_day_ns = (now_ns // DAY_NS + 1) * DAY_NS
        seat.entries_today = 0
        seat.lots_today = 0
    volume = daily_volume(seat.activity, limits.pace)
    participation = abs(legal) * limits.lot_size / volume
    impact = impact_rate(limits.rates.impact_coefficient, volatility / math.sqrt(DAYS_A_YEAR), participation)

    # the gates
    seen = world.seen[0]
    seen.side = 0 if side == KEEP else side
    seen.asks = asks
    seen.moves = moves
    seen.completeness = bar.parts / bar.parts_due
    seen.age_bars = (now_ns - bar.closed_ns) / limits.frame_ns
    seen.bars_seen = float(seat.bars_seen)
    seen.alpha = scale
    seen.volatility = volatility
    seen.has_funding = limits.has_funding
    seen.funding_bps = seat.funding_bps * seen.side
    seen.since_exit = -1.0 if seat.exit_bar < 0 else float(seat.bars_seen - seat.exit_bar)
    seen.last_side = seat.last_side
    seen.is_new_signal = 0.0 if seat.spent_side != 0 and seat.spent_side == side else 1.0
    seen.change_bps = abs(legal) * lot_money * 1e4 / equity if equity > 0 else 0.0
    seen.has_volume = limits.has_volume
    seen.impact_bps = impact / 1e4 if not math.isnan(participation) else math.nan
    if seen.has_model != 0:
        seen.net_edge_bps = seen.edge_bps - limits.cost_bps - 2.0 * impact / 1e4
    seen.orders_today = float(seat.entries_today + 1)
    seen.participation = participation
    seen.day_participation = (seat.lots_today + abs(legal)) * limits.lot_size / volume
    seen.gross_exposure = account.gross / equity if equity > 0 else math.inf
    seen.legal_lots = float(abs(legal))
    seen.least_lots = float(least_lots(price, limits.rules)) if asks != 0 or limits.rules.is_spot != 0 else float(limits.rules.min_lots)
    seen.daily_loss = loss_of(equity, account.breakers.day_equity)
    seen.daily_tripped = account.breakers.daily_tripped
    seen.drawdown = drawdown
    seen.drawdown_tripped = account.breakers.drawdown_tripped
    seen.stopped = 2.0 if account.killed != 0 else float(account.paused)
    cursor = out.cursor[0]
    n = cursor.decisions
    binding, blocked = ask_all(seen, limits, world.lenient, out.observed, out.limit, out.verdict, n)
    sole = binding if blocked == 1 else -1
    if asks != 0 and blocked > 0:
        kind, wanted = vetoed(kind, held, side)
        if kind == EXIT:
            reason = ON_OPPOSITE
    elif asks == 0:
        binding = -1
        sole = -1
        if moves != 0 and legal == 0:
            kind, wanted = HOLD, held
            binding = LEGAL_GATE
            sole = LEGAL_GATE
    elif turns:
        wanted = legal
    else:
        wanted = held + legal

    # the orders
    account.decisions += 1
    seat.last_decision = account.decisions
    fault = 0
    sent = 0
    if wanted != held:
        base = held
        if pending != 0 and (kind == EXIT or kind == REDUCE):
            cancel_kind(world, out, s, now_ns, False)
            base = position.lots
        if opposes(wanted, base):
            leave = legal_lots(-base, price, limits.rules, True)
            fault = send(world, out, s, now_ns, account.decisions, MARKET, ON_OPPOSITE, leave, 0, 1, impact)
            sent = leave + wanted
            if fault == 0:
                fault = send(world, out, s, now_ns, account.decisions, MARKET, reason, wanted, 0, 0, impact)
        else:
            reduces = kind == EXIT or kind == REDUCE
            sent = legal_lots(wanted - base, price, limits.rules, True) if reduces else wanted - base
            if sent != 0:
                fault = send(world, out, s, now_ns, account.decisions, MARKET, reason, sent, 0, 1 if reduces else 0, impact)
        if kind == ENTER or kind == INCREASE:
            seat.entries_today += 1
            seat.lots_today += abs(legal)
            seat.impact = impact
        if kind == ENTER and limits.hears != 0:
            follows = seen.has_model != 0
            seat.holder = seat.arm
            seat.barrier = round(world.predictions[s, 0].barrier_bps * BPS_RATE) if follows else 0
            seat.stop = round(world.predictions[s, 0].barrier_bps * seen.stop_scale * BPS_RATE) if follows else 0
            seat.horizon = world.predictions[s, 0].horizon if follows else 0

    row = out.decisions[n]
    row.decision = account.decisions
    row.instrument = s
    row.at_ns = now_ns
    row.closed_ns = bar.closed_ns
    row.frame_ns = limits.frame_ns
    row.close = price
    row.arm = world.arms[seat.arm]
    row.signal = signal
    row.side = seen.side
    row.kind = kind
    row.alpha = alpha
    row.position = position.lots
    row.pending = pending
    row.wanted = wanted
    row.sent = sent
    row.asks_risk = asks
    row.reason = reason
    row.binding = binding
    row.sole = sole
    row.blocked = blocked
    row.volatility = volatility
    row.equity = equity
    cursor.decisions += 1
    return fault
