"""The rest of the account as one book's trade meets it: what other books hold, what they risk together, and the room that the caps leave.

Orders that are out count as filled, so that books that decide at one instant do not take the same room twice.
"""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.money import BPS_RATE, RATE_ONE, opposes
from metastackerbandit.domain.timeframe import DAYS_A_YEAR
from metastackerbandit.engine.orders import pending_lots
from metastackerbandit.market.activity import annual_volatility
from metastackerbandit.risk.breakers import loss_of
from metastackerbandit.risk.caps import heat_with, room_for, room_for_heat, smaller
from metastackerbandit.risk.correlation import account_scale, bets_square, correlated_square, correlation_scale, heat_along, shared_bets
from metastackerbandit.risk.rests import volatility_ratio
from metastackerbandit.risk.sizing import UNKNOWN_SIZE


@kernel
def stop_share(stop: int, limits: Any, volatility: float) -> float:
    """Share of its price that a position loses at its stop; without one, so many daily deviations. NaN where those are not known.

    `stop` (1e-8) is the distance that a prediction gave, for books that take it from there.
    """
    distance = stop if limits.stop_by_model != 0 else limits.exits.stop
    trail = limits.exits.trail
    if trail > 0 and (distance == 0 or trail < distance):
        distance = trail
    if distance > 0:
        return distance / RATE_ONE
    return limits.unstopped_deviations * volatility / math.sqrt(DAYS_A_YEAR)


@kernel
def weigh_others(seats: Any, working: Any, limits: Any, trails: Any, pairs: Any, s: int, draft: Any) -> None:
    """Sum up into the draft, and as signed heats into trails (Y,), what every book but s holds or has ordered, and scale the trade by it.

    A bet is a position's money times its volatility at the size that it would have alone: divided by its own correlation scale, so that two
    equal books come to the same size whichever was first.
    """
    draft.gross = 0
    draft.net = 0
    draft.along = 0
    draft.heat = 0.0
    side = draft.side
    symbol = limits[s].symbol
    for y in range(len(trails)):
        trails[y].heat = 0.0
        trails[y].bet = 0.0
    for b in range(len(seats)):
        seat = seats[b]
        pending = pending_lots(working[b], seat.working) if seat.market_out != 0 else 0
        lots = seat.position.lots + pending
        if b == s or lots == 0:
            continue
        own = limits[b]
        a_lot = seat.position.mark * own.rules.unit
        value = lots * a_lot
        draft.gross += abs(value)
        draft.net += value
        if own.symbol == symbol and not opposes(value, side):
            draft.along += abs(value)
        volatility = annual_volatility(seat.activity, own.pace)
        heat = abs(value) * stop_share(seat.stop, own, volatility)
        draft.heat += heat
        trails[own.symbol].heat += heat if lots > 0 else -heat
        trails[own.symbol].bet += abs(value) * volatility / seat.correlation
    if limits[s].resizes != 0 and draft.target > 0:
        correlate(seats[s], limits[s], trails, pairs, draft)
    if grows(draft):
        stress = limits[s].correlation.stress
        draft.heat_square = correlated_square(trails, pairs, stress)
        draft.heat_along = heat_along(trails, pairs, symbol, side, stress)


@kernel
def correlate(seat: Any, limits: Any, trails: Any, pairs: Any, draft: Any) -> None:
    """Scale a size by volatility by what the trade shares with the other books' bets in trails (Y,).

    Bets on one thing are one bet, and however little all have in common the account keeps within its volatility target: the smaller counts.
    Where the volatility of a book that holds something is not known, neither is the size (risk.sizing.UNKNOWN_SIZE).
    A position keeps the scale that it was sized with until it should be `correlation_band` smaller: following every book that comes and
    goes would cost more than it is worth (docs/risk.md).
    """
    stress = limits.correlation.stress
    draft.shared = shared_bets(trails, pairs, limits.symbol, stress)
    draft.bets_square = bets_square(trails, pairs, stress)
    if math.isnan(draft.shared):
        draft.target = -1
        return
    alone = smaller(draft.target, room_for(limits.max_symbol_exposure, draft.equity, 0.0, float(draft.lot_money)))
    own = alone * float(draft.lot_money) * draft.volatility
    most = limits.volatility_target * draft.equity * draft.drawdown_scale
    alike = correlation_scale(own, limits.correlation_weight * draft.shared)
    draft.correlation = min(alike, account_scale(own, draft.shared, draft.bets_square, most))
    is_held = draft.held != 0 and not opposes(draft.held, draft.side)
    if is_held and draft.correlation > (1.0 - limits.correlation_band) * seat.correlation:
        draft.correlation = seat.correlation
    draft.target = int(alone * draft.correlation)


@kernel
def make_room(seat: Any, limits: Any, draft: Any, seen: Any, barrier_bps: float) -> None:
    """Find the lots that each cap leaves to the trade, others at what they hold, and shrink the size to the least of them."""
    draft.distance = stop_share(trade_stop(seat, limits, draft, barrier_bps, seen), limits, draft.volatility)
    equity = draft.equity
    side = draft.side
    a_lot = float(draft.lot_money)
    risked = a_lot * draft.distance
    draft.gross_room = room_for(limits.max_gross_exposure, equity, float(draft.gross), a_lot)
    draft.symbol_room = room_for(limits.max_symbol_exposure, equity, float(draft.along), a_lot)
    draft.side_room = room_for(limits.max_side_exposure, equity, 0.5 * (draft.gross + side * draft.net), a_lot)
    draft.net_room = room_for(limits.max_net_exposure, equity, float(side * draft.net), a_lot)
    draft.heat_room = room_for(limits.max_heat, equity, draft.heat, risked)
    draft.correlated_room = room_for_heat(limits.max_correlated_heat, equity, draft.heat_square, draft.heat_along, risked)
    cap(limits, draft)


@kernel
def cap(limits: Any, draft: Any) -> None:
    """Shrink the size to the smallest room and to the venue's largest order; what is held already stays, since a cap only stops new risk."""
    size = min(draft.target, limits.rules.max_lots)
    size = smaller(size, draft.gross_room)
    size = smaller(size, draft.symbol_room)
    size = smaller(size, draft.side_room)
    size = smaller(size, draft.net_room)
    size = smaller(size, draft.heat_room)
    size = smaller(size, draft.correlated_room)
    kept = 0 if opposes(draft.held, draft.side) else abs(draft.held)
    draft.target = max(size, min(draft.target, kept))


@kernel
def grows(draft: Any) -> bool:
    """Whether the size wants more than is held on the trade's side, or nothing is: only then do caps matter."""
    if draft.side != 1 and draft.side != -1:
        return False
    if draft.held == 0 or opposes(draft.held, draft.side):
        return True
    return draft.target > abs(draft.held)


@kernel
def trade_stop(seat: Any, limits: Any, draft: Any, barrier_bps: float, seen: Any) -> int:
    """Distance (1e-8) of the stop that the trade would have by its prediction: the position's own, or that of an entry still to come."""
    if draft.held != 0 and not opposes(draft.held, draft.side):
        return seat.stop
    if limits.hears == 0 or seen.has_model == 0 or not barrier_bps > 0.0:
        return 0
    return round(barrier_bps * seen.stop_scale * BPS_RATE)


@kernel
def over(money: float, equity: int) -> float:
    """Money as a share of equity; infinite where there is no equity."""
    return money / equity if equity > 0 else math.inf


@kernel
def look_around(account: Any, seat: Any, limits: Any, draft: Any, seen: Any) -> None:
    """Put the portfolio before the gates: the account as the order would leave it, or its least order where the caps leave none."""
    breakers = account.breakers
    rests = seat.rests
    seen.weekly_loss = loss_of(draft.equity, breakers.week_equity)
    seen.weekly_tripped = breakers.weekly_tripped
    seen.rests = rests.tripped
    seen.loss_streak = float(rests.losses)
    seen.volatility_spike = volatility_ratio(seat.activity, limits.pace.warm_up)
    seen.data_quality = rests.bad / limits.rests.bars
    seen.drift = rests.excess if rests.downs + rests.flats + rests.ups > 0 else math.nan
    if draft.asks == 0:
        return
    equity = draft.equity
    lots = abs(draft.legal)
    if lots == 0:
        lots = int(seen.least_lots)
    if draft.turns == 0:
        lots += abs(draft.held)
    side = draft.side
    money = lots * float(draft.lot_money)
    heat = money * draft.distance
    seen.cap_lots = float(lots)
    seen.gross_exposure = over(draft.gross + money, equity)
    seen.symbol_exposure = over(draft.along + money, equity)
    seen.side_exposure = over(0.5 * (draft.gross + side * draft.net) + money, equity)
    seen.net_exposure = over(side * draft.net + money, equity)
    seen.heat = over(draft.heat + heat, equity)
    seen.correlated_heat = over(heat_with(draft.heat_square, draft.heat_along, heat), equity)
    seen.gross_room = draft.gross_room
    seen.symbol_room = draft.symbol_room
    seen.side_room = draft.side_room
    seen.net_room = draft.net_room
    seen.heat_room = draft.heat_room
    seen.correlated_room = draft.correlated_room


assert UNKNOWN_SIZE == -1, "correlate writes it as a literal"
