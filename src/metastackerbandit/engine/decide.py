"""One decision: the opinion, its size, every gate's verdict, and the orders that follow."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.costs.impact import impact_rate
from metastackerbandit.decision.policy import vetoed, wish
from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.money import BPS_RATE, opposes
from metastackerbandit.domain.rows import ENTER, EXIT, HOLD, INCREASE, KEEP, MARKET, ON_KILL, ON_OPPOSITE, ON_TIME, REDUCE
from metastackerbandit.domain.timeframe import DAY_NS, DAYS_A_YEAR
from metastackerbandit.engine.agreement import agree
from metastackerbandit.engine.gates import LEGAL_GATE, ask_all
from metastackerbandit.engine.ghosts import haunt
from metastackerbandit.engine.orders import cancel_kind, desk_of, pending_lots, place_order
from metastackerbandit.engine.portfolio import grows, look_around, make_room, weigh_others
from metastackerbandit.engine.regime import context_cell, regime_allowed
from metastackerbandit.execution.quantize import least_lots, legal_lots
from metastackerbandit.market.activity import annual_volatility, daily_volume
from metastackerbandit.risk.breakers import loss_of
from metastackerbandit.risk.sizing import drawdown_scale, wanted_lots


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


@inlined
def decide(world: Any, out: Any, s: int, now_ns: int, signal: int, side: int, scale: float, alpha: float, kelly: float) -> int:
    """Decide on the closed bar in the seat; returns 0 or a fault of engine.orders.

    `scale` is the opinion's position scale as the alpha gate judges it, `alpha` the one that sizes a trade, `kelly` the most of equity
    that its edge is worth (infinity for a rule arm). What stands behind a prediction is before the gates already (engine.voices.present).
    """
    draft = world.draft[0]
    draft.at_ns = now_ns
    draft.signal = signal
    draft.side = side
    draft.scale = scale
    draft.kelly = kelly
    draft.sent = 0
    account = world.account[0]
    seat = world.seats[s]
    limits = world.limits[s]
    seen = world.seen[0]
    n = out.cursor[0].decisions
    seen.side = 0 if side == KEEP else side
    draft.alpha = alpha * agree(seat, limits, world.predictions[s, 0], seen.has_model, now_ns, seen)
    if limits.asks_regime != 0:
        seen.regime_allowed = regime_allowed(seat, limits, world.terciles[s])
    draft.pending = pending_lots(world.working[s], seat.working) if seat.market_out != 0 else 0
    value(account, seat, limits, draft)
    propose(seat, limits, draft)
    if limits.books > 1 and (side == 1 or side == -1):
        weigh_others(world.seats, world.working, world.limits, world.trails, world.pairs, s, draft)
    if grows(draft):
        make_room(seat, limits, draft, seen, world.predictions[s, 0].barrier_bps)
    wish_for(account, seat, limits, draft)
    quantize(seat, limits, draft)
    look(account, seat, limits, draft, seen)
    if limits.has_book != 0:
        look_at_book(seat.touch, draft, seen)
    look_around(account, seat, limits, draft, seen)
    draft.binding, draft.blocked = ask_all(seen, limits, world.lenient, out.observed, out.limit, out.verdict, n)
    judge(draft)
    account.decisions += 1
    seat.last_decision = account.decisions
    if draft.blocked > 0 and draft.asks != 0 and draft.change != 0:
        cell = context_cell(seat, limits, world.terciles[s])
        haunt(world.ghosts[s], seat, limits, draft, world.predictions[s, 0], seen, cell, account.decisions, world.arms)
    fault = 0
    if draft.wanted != draft.held:
        fault = act(desk_of(world, out, s), world.predictions[s, 0], seen, s, draft)
    keep_decision(out.decisions[n], account, seat, limits, draft, seen.side, s, world.arms[seat.arm])
    out.cursor[0].decisions += 1
    return fault


@kernel
def value(account: Any, seat: Any, limits: Any, draft: Any) -> None:
    """What the account and the market are worth at this close."""
    draft.price = seat.done.close
    draft.lot_money = draft.price * limits.rules.unit
    draft.equity = account.cash + account.marked
    draft.volatility = annual_volatility(seat.activity, limits.pace)
    breakers = account.breakers
    draft.drawdown = loss_of(draft.equity, breakers.peak)
    draft.fall = draft.drawdown if breakers.high == breakers.peak else loss_of(draft.equity, breakers.high)


@kernel
def propose(seat: Any, limits: Any, draft: Any) -> None:
    """The size that the one formula gives a book alone, before caps."""
    draft.held = seat.position.lots + draft.pending
    draft.correlation = 1.0
    draft.drawdown_scale = drawdown_scale(draft.fall, limits.max_drawdown, limits.drawdown_floor)
    draft.target = wanted_lots(
        limits.sizing,
        draft.alpha,
        limits.share,
        draft.equity,
        draft.lot_money,
        draft.volatility,
        limits.volatility_target,
        limits.fraction,
        limits.notional,
        limits.lots,
        draft.drawdown_scale,
        draft.kelly,
    )


@kernel
def wish_for(account: Any, seat: Any, limits: Any, draft: Any) -> None:
    """The position that the opinion asks for; a kill switch and a time exit come before it."""
    kind, wanted, asks, reason = wish(draft.held, draft.side, draft.target, limits.resizes != 0, limits.resize_band, limits.flips != 0)
    if account.killed != 0:
        kind, wanted, asks, reason = (EXIT if draft.held != 0 else HOLD), 0, 0, ON_KILL
    elif seat.position.lots != 0 and is_over(seat, limits):
        kind, wanted, asks, reason = (EXIT if draft.held != 0 else HOLD), 0, 0, ON_TIME
    draft.kind = kind
    draft.wanted = wanted
    draft.asks = asks
    draft.reason = reason


@kernel
def quantize(seat: Any, limits: Any, draft: Any) -> None:
    """The order that the wish needs, in lots that the venue takes, and what it would move the market."""
    if draft.at_ns >= seat.next_day_ns:
        seat.next_day_ns = (draft.at_ns // DAY_NS + 1) * DAY_NS
        seat.entries_today = 0
        seat.lots_today = 0
    draft.turns = 1 if opposes(draft.wanted, draft.held) else 0
    change = draft.wanted if draft.turns != 0 else draft.wanted - draft.held
    draft.change = change
    draft.moves = 1 if draft.asks != 0 or change != 0 else 0
    if draft.moves == 0:
        draft.legal = 0
        draft.participation = 0.0
        draft.impact = 0
        return
    draft.legal = legal_lots(change, draft.price, limits.rules, draft.asks == 0) if change != 0 else 0
    draft.volume = daily_volume(seat.activity, limits.pace)
    if draft.legal == 0 and not math.isnan(draft.volume):
        draft.participation = 0.0
        draft.impact = 0
        return
    draft.participation = abs(draft.legal) * limits.lot_size / draft.volume
    draft.impact = impact_rate(limits.rates.impact_coefficient, draft.volatility / math.sqrt(DAYS_A_YEAR), draft.participation)


@kernel
def look(account: Any, seat: Any, limits: Any, draft: Any, seen: Any) -> None:
    """Put before the gates what they may look at; what stands behind the opinion is there already."""
    bar = seat.done
    equity = draft.equity
    seen.asks = draft.asks
    seen.moves = draft.moves
    seen.completeness = bar.parts / bar.parts_due
    seen.age_bars = (draft.at_ns - bar.closed_ns) / limits.frame_ns
    seen.bars_seen = float(seat.bars_seen)
    seen.alpha = draft.scale
    seen.volatility = draft.volatility
    seen.has_funding = limits.has_funding
    seen.funding_bps = seat.funding_bps * seen.side
    seen.since_exit = -1.0 if seat.exit_bar < 0 else float(seat.bars_seen - seat.exit_bar)
    seen.last_side = seat.last_side
    seen.is_new_signal = 0.0 if seat.spent_side != 0 and seat.spent_side == draft.side else 1.0
    seen.has_volume = limits.has_volume
    if draft.moves != 0:
        seen.change_bps = abs(draft.legal) * draft.lot_money * 1e4 / equity if equity > 0 else 0.0
        seen.impact_bps = draft.impact / 1e4 if not math.isnan(draft.participation) else math.nan
        seen.participation = draft.participation
        seen.day_participation = (seat.lots_today + abs(draft.legal)) * limits.lot_size / draft.volume
    if seen.has_model != 0:
        seen.net_edge_bps = seen.edge_bps - limits.cost_bps - 2.0 * draft.impact / 1e4
    seen.orders_today = float(seat.entries_today + 1)
    seen.legal_lots = float(abs(draft.legal))
    is_small_refused = draft.asks != 0 or limits.rules.is_spot != 0
    seen.least_lots = float(least_lots(draft.price, limits.rules)) if is_small_refused else float(limits.rules.min_lots)
    seen.daily_loss = loss_of(equity, account.breakers.day_equity)
    seen.daily_tripped = account.breakers.daily_tripped
    seen.drawdown = draft.drawdown
    seen.drawdown_tripped = account.breakers.drawdown_tripped
    seen.stopped = 2.0 if account.killed != 0 else float(account.paused)


@kernel
def look_at_book(touch: Any, draft: Any, seen: Any) -> None:
    """The order book as last seen. The spread is over the decision's price, so that a mirrored market has the same."""
    is_known = touch.bid > 0 and touch.ask > 0
    seen.book_age_s = (draft.at_ns - touch.changed_ns) * 1e-9 if touch.changed_ns > 0 else math.nan
    seen.spread_bps = (touch.ask - touch.bid) * 1e4 / draft.price if is_known else math.nan
    seen.feed_quality = touch.quality
    seen.depth = math.nan
    if is_known:
        resting = touch.ask_depth if draft.change > 0 else touch.bid_depth
        seen.depth = resting / abs(draft.change) if draft.change != 0 else math.inf  # there is nothing to be taken


@kernel
def judge(draft: Any) -> None:
    """A wish for new risk that a gate blocked becomes a hold; what reduces is only held back where no venue would take it."""
    draft.sole = draft.binding if draft.blocked == 1 else -1
    if draft.asks != 0 and draft.blocked > 0:
        kind, wanted = vetoed(draft.kind, draft.held, draft.side)
        draft.kind = kind
        draft.wanted = wanted
        if kind == EXIT:
            draft.reason = ON_OPPOSITE
    elif draft.asks == 0:
        draft.binding = -1
        draft.sole = -1
        if draft.moves != 0 and draft.legal == 0:
            draft.kind = HOLD
            draft.wanted = draft.held
            draft.binding = LEGAL_GATE
            draft.sole = LEGAL_GATE
    elif draft.turns != 0:
        draft.wanted = draft.legal
    else:
        draft.wanted = draft.held + draft.legal


@kernel
def act(desk: Any, prediction: Any, seen: Any, s: int, draft: Any) -> int:
    """Send what the decision needs, reductions first; returns 0 or a fault of engine.orders."""
    seat, limits, number, at_ns = desk.seat, desk.limits, desk.account.decisions, draft.at_ns
    reduces = draft.kind == EXIT or draft.kind == REDUCE
    base = draft.held
    if draft.pending != 0 and reduces:
        cancel_kind(desk, at_ns, False)
        base = seat.position.lots
    fault = 0
    if opposes(draft.wanted, base):
        leave = legal_lots(-base, draft.price, limits.rules, True)
        fault = place_order(desk, s, at_ns, number, MARKET, ON_OPPOSITE, leave, 0, 1, draft.impact)
        draft.sent = leave + draft.wanted
        lots, reduce_only = draft.wanted, 0
    else:
        draft.sent = legal_lots(draft.wanted - base, draft.price, limits.rules, True) if reduces else draft.wanted - base
        lots, reduce_only = draft.sent, 1 if reduces else 0
    if lots != 0 and fault == 0:
        fault = place_order(desk, s, at_ns, number, MARKET, draft.reason, lots, 0, reduce_only, draft.impact)
    if not (draft.kind == EXIT or draft.kind == HOLD):
        seat.correlation = draft.correlation
    if draft.kind == ENTER or draft.kind == INCREASE:
        remember_entry(seat, limits, prediction, seen, draft)
    return fault


@kernel
def remember_entry(seat: Any, limits: Any, prediction: Any, seen: Any, draft: Any) -> None:
    """Count the entry, and keep the terms of the prediction that it was taken on: they end the position."""
    seat.entries_today += 1
    seat.lots_today += abs(draft.legal)
    seat.impact = draft.impact
    if draft.kind == ENTER and limits.hears != 0:
        follows = seen.has_model != 0
        seat.holder = seat.arm
        seat.barrier = round(prediction.barrier_bps * BPS_RATE) if follows else 0
        seat.stop = round(prediction.barrier_bps * seen.stop_scale * BPS_RATE) if follows else 0
        seat.horizon = prediction.horizon if follows else 0


@kernel
def keep_decision(row: Any, account: Any, seat: Any, limits: Any, draft: Any, side: int, s: int, arm: int) -> None:
    """Write the decision's row; its trace stands there already."""
    row.decision = account.decisions
    row.instrument = s
    row.at_ns = draft.at_ns
    row.closed_ns = seat.done.closed_ns
    row.frame_ns = limits.frame_ns
    row.close = draft.price
    row.arm = arm
    row.signal = draft.signal
    row.side = side
    row.kind = draft.kind
    row.alpha = draft.alpha
    row.position = seat.position.lots
    row.pending = draft.pending
    row.wanted = draft.wanted
    row.sent = draft.sent
    row.asks_risk = draft.asks
    row.reason = draft.reason
    row.binding = draft.binding
    row.sole = draft.sole
    row.blocked = draft.blocked
    row.volatility = draft.volatility
    row.equity = draft.equity
