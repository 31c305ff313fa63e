"""A state seen in a mirror: what it would be had every move of the market been the other way.

Prices are reflected about the price of the moment, so that moves up are moves down and the moment's money is the same: positions, orders,
sides and funding turn their sign; up and down, buy and sell limits, rising and falling contexts change places. What has no side
(volatility, volume, equity, clocks) stays. Only copies of the engine's world are ever turned around (engine.twin).
"""

from __future__ import annotations

from typing import Any, get_type_hints

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, written
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.limits import Limits
from metastackerbandit.stacking.context import CELLS


def _sided(struct: type[Struct]) -> tuple[tuple[str, str], ...]:
    """Fields of a record that come once a side: x_buy and x_sell."""
    names = tuple(get_type_hints(struct))
    return tuple((name, f"{name[:-4]}_sell") for name in names if name.endswith("_buy") and f"{name[:-4]}_sell" in names)


_SWAPS = "".join(f"    limits.{one}, limits.{other} = limits.{other}, limits.{one}\n" for one, other in _sided(Limits))

swap_limits = kernel(written("swap_limits", "def swap_limits(limits):\n" + _SWAPS, {}, __name__))
"""swap_limits(limits): what is written for buying holds for selling, and the other way round."""


@kernel
def turned(bits: int) -> int:
    """A set of contexts (bits) with every trend turned around."""
    return (bits >> 3 & 7) | (bits & 7) << 3


@kernel
def mirror_prediction(prediction: Any) -> None:
    """Up and down change places."""
    prediction.p_down, prediction.p_up = prediction.p_up, prediction.p_down
    prediction.long_bps, prediction.short_bps = prediction.short_bps, prediction.long_bps
    prediction.p_value_down, prediction.p_value_up = prediction.p_value_up, prediction.p_value_down
    held = prediction.conformal_set
    prediction.conformal_set = (held & 2) | (held & 1) << 2 | (held & 4) >> 2


@kernel
def mirror_standing(standing: Any) -> None:
    """What a source has shown on one side it has shown on the other."""
    standing.ups, standing.downs = standing.downs, standing.ups
    standing.right_up, standing.right_down = standing.right_down, standing.right_up
    standing.wrong_up, standing.wrong_down = standing.wrong_down, standing.wrong_up


@kernel
def mirror_position(account: Any, position: Any, unit: int, about: int) -> None:
    """The same trade on the other side, every price reflected about `about` ticks; the account's equity stays what it is."""
    equity = account.cash + account.marked
    before = position.value
    twice = 2 * about * position.lots * unit
    position.cost -= twice
    position.value -= twice
    position.lots = -position.lots
    position.entry = 2 * about - position.entry
    position.best = 2 * about - position.best
    position.mark = 2 * about - position.mark
    account.marked += position.value - before
    account.gross += abs(position.value) - abs(before)
    account.cash = equity - account.marked


@kernel
def mirror_orders(working: Any, count: int, about: int) -> None:
    """Bought is sold; triggers are reflected."""
    for w in range(count):
        order = working[w]
        order.lots = -order.lots
        if order.trigger != 0:
            order.trigger = 2 * about - order.trigger


@kernel
def mirror_touch(touch: Any, about: int) -> None:
    """What was bid is asked, reflected about `about` ticks."""
    if touch.bid > 0 and touch.ask > 0:
        touch.bid, touch.ask = 2 * about - touch.ask, 2 * about - touch.bid
    else:
        touch.bid, touch.ask = 0, 0
    touch.bid_depth, touch.ask_depth = touch.ask_depth, touch.bid_depth


@kernel
def mirror_seat(seat: Any, limits: Any) -> None:
    """Sides and what the book has seen of a direction."""
    seat.last_side = -seat.last_side
    seat.spent_side = -seat.spent_side
    seat.funding_bps = -seat.funding_bps
    seat.mood = -seat.mood
    if seat.level != 0.0:
        seat.level = 2.0 * seat.done.close - seat.level
    mirror_standing(seat.mood_standing)
    mirror_standing(seat.model_standing)
    limits.regimes = turned(limits.regimes)
    swap_limits(limits)


@kernel
def mirror_portfolio(shadow: Any, evidence: Any) -> None:
    """An arm's own portfolio and what it has earned, every context with its trend turned around."""
    shadow.held.side = -shadow.held.side
    shadow.spent = -shadow.spent
    if shadow.wish.side != KEEP:
        shadow.wish.side = -shadow.wish.side
    for c in range(3):
        one = evidence[c]
        other = evidence[c + 3]
        one.outcomes, other.outcomes = other.outcomes, one.outcomes
        one.total, other.total = other.total, one.total
        one.squares, other.squares = other.squares, one.squares
        one.is_believed = 0
        other.is_believed = 0


@kernel
def mirror_world(world: Any, about: int, s: int) -> None:
    """Turn a copy around: book `s` about `about` ticks, the others about their last marks; the arms' words are not touched."""
    for b in range(len(world.seats)):
        seat = world.seats[b]
        limits = world.limits[b]
        level = about if b == s else seat.position.mark
        mirror_orders(world.working[b], seat.working, level)
        mirror_position(world.account[0], seat.position, limits.rules.unit, level)
        mirror_seat(seat, limits)
        mirror_touch(seat.touch, level)
        for k in range(world.predictions.shape[1]):
            mirror_prediction(world.predictions[b, k])
        for a in range(len(world.arms)):
            mirror_portfolio(world.shadows[b, a], world.evidence[b, a])


assert (IN_DOWN, IN_FLAT, IN_UP, CELLS) == (1, 2, 4, 6), "mirror_prediction, turned and mirror_portfolio write these as literals"
