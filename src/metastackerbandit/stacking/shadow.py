"""What an arm would have earned, chosen or not: one arm's portfolio on one symbol, cut into pieces that do not overlap.

A side wanted at a bar's close is entered at the next bar's open. A piece ends when the side changes, at its stop or target, or after
`horizon` bars, and is one outcome: its net return in units of the volatility over the horizon, as known when it was decided on. Pieces do
not overlap, so each is an independent outcome of its own. Flat is known to be zero and gives none.

Costs are a share of the entry price: half of the round trip at each trade. A rule arm that stays on its side past the horizon is only
marked there, and pays when it trades; a predicted trade leaves by then, unless its side is asked for anew (docs/decisions/0013).
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP

MOST_OUTCOMES = 2  # a bar can end one piece at its open and another inside


class Piece(Struct, frozen=True):
    """The terms of a piece: side, context cell, volatility over the horizon (fraction), stop and target (fractions of the entry, 0 for none),
    bars it may last, whether a prediction asked for it, and the decision it was asked for at."""

    side: int
    cell: int
    volatility: float
    stop: float
    target: float
    horizon: int
    predicted: int
    decision: int


class Shadow(Struct, frozen=True):
    """What is held (`side` 0: nothing): bought at `opened` ticks, its piece counted from `entry` ticks for `bars` closed bars, with `costs` so far
    (fraction of the entry); what is wished for from the next open on; and the side whose signal a stop or target used up (0: none)."""

    held: Piece
    opened: int
    entry: int
    bars: int
    costs: float
    wish: Piece
    spent: int


class Outcome(Struct, frozen=True):
    """One ended piece: net return in units of volatility, the cell and the decision it was decided in, its side, bars, and net return (fraction)."""

    outcome: float
    cell: int
    side: int
    bars: int
    decision: int
    net: float


@kernel
def copy_piece(to: Any, piece: Any) -> None:
    """All terms of one piece into another."""
    to.side = piece.side
    to.cell = piece.cell
    to.volatility = piece.volatility
    to.stop = piece.stop
    to.target = piece.target
    to.horizon = piece.horizon
    to.predicted = piece.predicted
    to.decision = piece.decision


@kernel
def end_piece(shadow: Any, price: float, bound: float, outcome: Any) -> None:
    """Write down what the piece earned at `price` ticks, after the costs charged to it."""
    held = shadow.held
    gross = held.side * (price - shadow.entry) / shadow.entry
    net = gross - shadow.costs
    outcome.outcome = min(max(net / held.volatility, -bound), bound)
    outcome.net = net
    outcome.decision = held.decision
    outcome.cell = held.cell
    outcome.side = held.side
    outcome.bars = shadow.bars


@kernel
def exit_inside(shadow: Any, low: int, high: int, open: int) -> float:
    """Price at which the held piece leaves inside a bar, stop first and at the open where that is beyond it; NaN when it stays."""
    held = shadow.held
    if held.stop > 0.0:
        trigger = shadow.opened * (1.0 - held.side * held.stop)
        if held.side > 0 and low <= trigger:
            return min(float(open), trigger)
        if held.side < 0 and high >= trigger:
            return max(float(open), trigger)
    if held.target > 0.0:
        limit = shadow.opened * (1.0 + held.side * held.target)
        if (held.side > 0 and high >= limit) or (held.side < 0 and low <= limit):
            return limit
    return math.nan


@kernel
def advance(shadow: Any, bar: Any, round_trip: float, bound: float, outcomes: Any) -> int:
    """Live through one closed bar (open, high, low, close in ticks): the wish of the bar before takes effect at its open, then stop and target.

    `round_trip` is the cost of entry and exit, a fraction. Ended pieces are written to outcomes (2,), in order; returns how many.
    """
    count = 0
    held = shadow.held
    half = 0.5 * round_trip
    wanted = shadow.wish.side
    is_over = held.side != 0 and shadow.bars >= held.horizon
    if held.side != wanted or is_over:
        stays = held.side == wanted
        if held.side != 0:
            if not stays:
                shadow.costs += half
            end_piece(shadow, float(bar.open), bound, outcomes[count])
            count += 1
        if stays:
            held.cell = shadow.wish.cell
            held.volatility = shadow.wish.volatility
            held.horizon = shadow.wish.horizon
            held.decision = shadow.wish.decision
        else:
            copy_piece(held, shadow.wish)
            shadow.opened = bar.open
        shadow.entry = bar.open
        shadow.bars = 0
        shadow.costs = 0.0 if stays else half
    if held.side == 0:
        return count
    shadow.bars += 1
    price = exit_inside(shadow, bar.low, bar.high, bar.open)
    if not math.isnan(price):
        shadow.costs += half
        end_piece(shadow, price, bound, outcomes[count])
        count += 1
        shadow.spent = 0 if held.predicted != 0 else held.side
        held.side = 0
        shadow.wish.side = 0
    return count


@kernel
def charge(shadow: Any, rate: float) -> None:
    """A funding settlement at which a long pays `rate` (fraction of the position) and a short receives it."""
    if shadow.held.side != 0:
        shadow.costs += shadow.held.side * rate


@kernel
def want(shadow: Any, side: int, cell: int, volatility: float, stop: float, target: float, horizon: int, predicted: int) -> None:
    """What the arm wants at a bar's close, after `advance`, from the next open on; the terms hold for a piece that begins then.

    KEEP leaves the side as it is, except that a predicted trade whose time is up leaves. A rule arm's signal that a stop or target used up
    asks for nothing until it changes. Without a known volatility or cell an outcome could not be counted, and nothing new is wanted.
    """
    wish = shadow.wish
    if side == KEEP:
        side = wish.side
        if shadow.held.side != 0 and shadow.held.predicted != 0 and shadow.bars >= shadow.held.horizon:
            side = 0
    elif shadow.spent != 0:
        if side == shadow.spent:
            side = 0
        else:
            shadow.spent = 0
    if not volatility > 0.0 or cell < 0:
        wish.side = side if side == shadow.held.side else 0
        return
    wish.side = side
    wish.cell = cell
    wish.volatility = volatility
    wish.stop = stop
    wish.target = target
    wish.horizon = horizon
    wish.predicted = predicted
