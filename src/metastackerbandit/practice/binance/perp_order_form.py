"""How an order is asked for at Binance USD-M: parameters to a wish of the exchange; raises WireRefusal with the venue's code where they are wrong."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from metastackerbandit.practice.binance.perp_refusals import (
    BAD_CLIENT_ID,
    BAD_GUARD,
    BAD_LAST,
    BAD_SIDE,
    BAD_TYPE,
    OFF_STEP,
    OFF_TICK,
    TOO_FINE,
    USE_ALGO,
    WRONG_SIDE,
    refused,
)
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.binance.perp_words import ALGO_TYPES, GUARDED, MODES, PLAIN_TYPES, SIDES, SORTS, TRIGGERED_BY
from metastackerbandit.practice.replies import Parameters, WireRefusal, Worded, missing
from metastackerbandit.simulation.exchange_words import NewOrder
from metastackerbandit.simulation.matching import RESTS, TAKES
from metastackerbandit.simulation.queues import BUY, SELL

_CLIENT_ID = re.compile(r"[.A-Za-z:/0-9_-]{1,36}\Z")
_UNSUPPORTED = "{} is not offered by this exchange."


class Grid(Struct, frozen=True):
    """What prices and sizes must lie on: an instrument's steps, of which they are whole multiples of `coarse`."""

    steps: Steps
    coarse: int = 1


def plain_order(given: Parameters, s: int, grid: Grid, made_id: str) -> NewOrder:
    """A limit or a market order of POST /fapi/v1/order."""
    sort = given.one_of("type", (*PLAIN_TYPES, *ALGO_TYPES, "TRAILING_STOP_MARKET"), BAD_TYPE)
    if sort not in PLAIN_TYPES:
        raise WireRefusal(*USE_ALGO)
    side = _side(given)
    lots = lots_of(given, "quantity", grid)
    ticks, mode = (_limit(given, grid)) if sort == "LIMIT" else (0, TAKES)
    return NewOrder(
        s=s,
        side=side,
        sort=SORTS[sort],
        lots=lots,
        ticks=ticks,
        mode=mode,
        guard=_guard(given),
        client_id=client_id(given, "newClientOrderId", made_id),
        reduces_only=given.flag("reduceOnly"),
    )


def algo_order(given: Parameters, s: int, grid: Grid, made_id: str) -> NewOrder:
    """An order with a trigger, of POST /fapi/v1/algoOrder."""
    given.one_of("algoType", ("CONDITIONAL",), None)
    sort = given.one_of("type", (*ALGO_TYPES, "TRAILING_STOP_MARKET"), BAD_TYPE)
    if sort == "TRAILING_STOP_MARKET":
        raise refused(-1116, _UNSUPPORTED.format("TRAILING_STOP_MARKET"))
    side, closes = _side(given), given.flag("closePosition")
    has_limit = sort in ("STOP", "TAKE_PROFIT")
    if closes and (has_limit or given.maybe("quantity") is not None):
        raise refused(-4136, "closePosition goes with STOP_MARKET and TAKE_PROFIT_MARKET, without a quantity.")
    ticks, mode = _limit(given, grid) if has_limit else (0, TAKES)
    return NewOrder(
        s=s,
        side=side,
        sort=SORTS[sort],
        lots=0 if closes else lots_of(given, "quantity", grid),
        ticks=ticks,
        mode=mode,
        guard=_guard(given),
        client_id=client_id(given, "clientAlgoId", made_id),
        trigger=ticks_of(given, "triggerPrice", grid),
        triggered_by=TRIGGERED_BY[given.one_of("workingType", TRIGGERED_BY, None, "CONTRACT_PRICE")],
        reduces_only=given.flag("reduceOnly"),
        closes=closes,
    )


def _side(given: Parameters) -> int:
    """0 to buy, 1 to sell; a position side must be that of one-way mode."""
    if given.maybe("positionSide") not in (None, "BOTH"):
        raise WireRefusal(*WRONG_SIDE)
    return (BUY, SELL)[SIDES.index(given.one_of("side", SIDES, BAD_SIDE))]


def _limit(given: Parameters, grid: Grid) -> tuple[int, int]:
    """A limit order's price and mode."""
    if given.maybe("priceMatch") not in (None, "NONE"):
        raise refused(-1102, _UNSUPPORTED.format("priceMatch"))
    word = given.maybe("timeInForce")
    if word is None:
        raise missing("timeInForce")
    if word not in MODES:
        raise WireRefusal(*BAD_LAST)
    return ticks_of(given, "price", grid), MODES.get(word, RESTS)


def _guard(given: Parameters) -> int:
    """Who expires where an owner would meet himself."""
    word = given.one_of("selfTradePreventionMode", GUARDED, BAD_GUARD, "EXPIRE_MAKER")
    return GUARDED[word]


def client_id(given: Parameters, name: str, made: str) -> str:
    """The client's own id of an order, else one that is made for it."""
    word = given.maybe(name)
    if word is not None and not _CLIENT_ID.match(word):
        raise WireRefusal(*BAD_CLIENT_ID)
    return word or made


def ticks_of(given: Parameters, name: str, grid: Grid) -> int:
    """A price on the grid."""
    value = given.decimal(name)
    if value is None:
        raise missing(name)
    return _whole(value, grid.steps.tick, grid.steps.price_digits, grid.coarse, OFF_TICK, (400, -4001, "Price less than 0."))


def lots_of(given: Parameters, name: str, grid: Grid) -> int:
    """A size on the grid."""
    value = given.decimal(name)
    if value is None:
        raise missing(name)
    return _whole(value, grid.steps.lot, grid.steps.size_digits, grid.coarse, OFF_STEP, (400, -4003, "Quantity less than or equal to zero."))


def _whole(value: Decimal, step: int, digits: int, coarse: int, off: Worded, none: Worded) -> int:
    """Whole steps of a value, which is refused where it has more digits than the step, lies between two, or is 0."""
    scaled = value.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise WireRefusal(*TOO_FINE)
    count, rest = divmod(int(scaled), step)
    if rest or count % coarse:
        raise WireRefusal(*off)
    if count <= 0:
        raise WireRefusal(*none)
    return count
