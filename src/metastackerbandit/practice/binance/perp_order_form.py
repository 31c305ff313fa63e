"""How an order is asked for at Binance USD-M: parameters to a wish of the exchange; raises WireRefusal with the venue's code where they are wrong."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.money import BOUND
from metastackerbandit.practice.binance.decimals import whole
from metastackerbandit.practice.binance.perp_refusals import (
    BAD_CLIENT_ID,
    BAD_GUARD,
    NO_PRICE,
    NO_SIZE,
    OFF_STEP,
    OFF_TICK,
    TOO_FINE,
    USE_ALGO,
    WRONG_SIDE,
    refused,
    told,
)
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.binance.perp_words import ALGO_TYPES, MODES, PLAIN_TYPES, SORTS, TRIGGERED_BY
from metastackerbandit.practice.binance.words import BAD_LAST, BAD_TYPE, CLIENT_ID, GUARD, GUARDED, side_in
from metastackerbandit.practice.replies import Parameters, WireRefusal, Worded, missing
from metastackerbandit.simulation.exchange_words import NewOrder, Refused
from metastackerbandit.simulation.matching import RESTS, TAKES

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
    return side_in(given)


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
    word = given.one_of("selfTradePreventionMode", GUARDED, BAD_GUARD, GUARD)
    return GUARDED[word]


def client_id(given: Parameters, name: str, made: str) -> str:
    """The client's own id of an order, else one that is made for it."""
    word = given.maybe(name)
    if word is not None and not CLIENT_ID.fullmatch(word):
        raise WireRefusal(*BAD_CLIENT_ID)
    return word or made


def ticks_of(given: Parameters, name: str, grid: Grid) -> int:
    """A price on the grid."""
    value = given.decimal(name)
    if value is None:
        raise missing(name)
    return _whole(value, grid.steps.tick, grid.steps.price_digits, grid.coarse, OFF_TICK, NO_PRICE, "price_filter")


def lots_of(given: Parameters, name: str, grid: Grid) -> int:
    """A size on the grid."""
    value = given.decimal(name)
    if value is None:
        raise missing(name)
    return _whole(value, grid.steps.lot, grid.steps.size_digits, grid.coarse, OFF_STEP, NO_SIZE, "lot_size")


def _whole(value: Decimal, step: int, digits: int, coarse: int, off: Worded, none: Worded, over: Refused) -> int:
    """Whole steps of a value, which is refused where it has more digits than the step, lies between two, is 0, or is beyond what the venue counts."""
    scaled = whole(value, digits)
    if scaled is None:
        raise WireRefusal(*TOO_FINE)
    if scaled >= BOUND:
        raise told(over)
    count, rest = divmod(scaled, step)
    if rest or count % coarse:
        raise WireRefusal(*off)
    if count <= 0:
        raise WireRefusal(*none)
    return count
