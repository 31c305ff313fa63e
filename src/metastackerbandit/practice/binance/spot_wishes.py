"""A new order's parameters, as a wish that an exchange understands; what they lack is said in the venue's words."""

from __future__ import annotations

from collections.abc import Callable

from metastackerbandit.practice.binance.amounts import Amounts, eighths, filtered, steps_of
from metastackerbandit.practice.binance.spot_info import ORDER_TYPES
from metastackerbandit.practice.binance.words import BAD_LAST, BAD_TYPE, CLIENT_ID, GUARD, GUARDED, side_in
from metastackerbandit.practice.replies import Parameters, WireRefusal, missing
from metastackerbandit.simulation.exchange_words import NewOrder, Sort
from metastackerbandit.simulation.matching import MAKES, RESTS, TAKES, WHOLE

IN_FORCE = {"GTC": RESTS, "IOC": TAKES, "FOK": WHOLE}
SORTS: dict[str, Sort] = {
    "LIMIT": "limit",
    "LIMIT_MAKER": "limit",
    "MARKET": "market",
    "STOP_LOSS": "stop",
    "STOP_LOSS_LIMIT": "stop_limit",
    "TAKE_PROFIT": "take_profit",
    "TAKE_PROFIT_LIMIT": "take_profit_limit",
}
_UNSUPPORTED = ("icebergQty", "trailingDelta", "pegPriceType", "pegOffsetValue", "pegOffsetType")


def client_id_in(given: Parameters, name: str) -> str:
    """A client's own id, "" where none was sent."""
    value = given.maybe(name)
    if value is not None and not CLIENT_ID.fullmatch(value):
        raise WireRefusal(400, -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[\\.A-Z\\:/a-z0-9_-]{{1,36}}$'.")
    return value or ""


def wish_of(given: Parameters, s: int, amounts: Amounts, step: int, named: Callable[[], str]) -> NewOrder:
    """The order that is wished for; prices and sizes are whole `step`s of ticks and lots. `named` gives an id where the client sent none."""
    side = side_in(given)
    sort = given.one_of("type", ORDER_TYPES, BAD_TYPE)
    for name in _UNSUPPORTED:
        if given.maybe(name) is not None:
            raise WireRefusal(400, -2010, "Unsupported order combination")
    given.whole("strategyId", 0)
    given.whole("strategyType", 1_000_000, 1_000_000)
    has_limit = sort in ("LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")
    lots, spend = _size(given, sort, amounts, step)
    return NewOrder(
        s,
        side,
        SORTS[sort],
        lots,
        ticks=_price(given, "price", amounts, step) if has_limit else _not_sent(given, "price"),
        mode=_mode(given, sort, has_limit),
        guard=GUARDED[given.one_of("selfTradePreventionMode", GUARDED, None, GUARD)],
        client_id=client_id_in(given, "newClientOrderId") or named(),
        trigger=_price(given, "stopPrice", amounts, step) if sort.startswith(("STOP", "TAKE")) else _not_sent(given, "stopPrice"),
        spend=spend,
    )


def _mode(given: Parameters, sort: str, has_limit: bool) -> int:
    """What becomes of what is left."""
    if sort == "LIMIT_MAKER" or not has_limit:
        _not_sent(given, "timeInForce")
        return MAKES if has_limit else TAKES
    return IN_FORCE[given.one_of("timeInForce", IN_FORCE, BAD_LAST)]


def _price(given: Parameters, name: str, amounts: Amounts, step: int) -> int:
    """A price in ticks."""
    value = given.decimal(name)
    if value is None:
        raise missing(name)
    ticks = steps_of(name, value, amounts.tick * step, "PRICE_FILTER") * step
    if not ticks:
        raise filtered("PRICE_FILTER")
    return ticks


def _size(given: Parameters, sort: str, amounts: Amounts, step: int) -> tuple[int, int]:
    """Lots, or what a market order is to spend or bring in 1e-8 of the quote asset."""
    quantity, spend = given.decimal("quantity"), given.decimal("quoteOrderQty")
    if quantity is None and (spend is None or sort != "MARKET"):
        raise missing("quantity")
    if spend is not None and (quantity is not None or sort != "MARKET"):
        raise WireRefusal(400, -1106, "Parameter 'quoteOrderQty' sent when not required.")
    if quantity is None:
        assert spend is not None
        amount = eighths("quoteOrderQty", spend, "NOTIONAL")
        if not amount:
            raise filtered("NOTIONAL")
        return 0, amount
    return steps_of("quantity", quantity, amounts.lot * step, "LOT_SIZE") * step, 0


def _not_sent(given: Parameters, name: str) -> int:
    """A parameter that this sort of order has not."""
    if given.maybe(name) is not None:
        raise WireRefusal(400, -1106, f"Parameter '{name}' sent when not required.")
    return 0
