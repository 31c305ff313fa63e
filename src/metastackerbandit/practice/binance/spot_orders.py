"""Orders of a spot market as Binance tells them: acknowledged, with their result, with their fills, queried, cancelled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import ZERO, text8
from metastackerbandit.practice.binance.words import GUARDS, SIDES, STATUSES
from metastackerbandit.practice.floor import OwnFill
from metastackerbandit.simulation.exchange_words import Ended, Order
from metastackerbandit.simulation.matching import MAKES, RESTS, TAKES, WHOLE

_TYPES = {
    "limit": "LIMIT",
    "market": "MARKET",
    "stop": "STOP_LOSS",
    "stop_limit": "STOP_LOSS_LIMIT",
    "take_profit": "TAKE_PROFIT",
    "take_profit_limit": "TAKE_PROFIT_LIMIT",
}
_IN_FORCE = {RESTS: "GTC", TAKES: "IOC", WHOLE: "FOK", MAKES: "GTC"}
_EXPIRED: dict[Ended, str] = {
    "unfilled": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "not_whole": "UNFILLED_FOK_ORDER_EXPIRED",
    "would_take": "REJECTED",
    "money": "REJECTED",
    "full": "EXCHANGE_CANCELED",
}


def type_of(order: Order) -> str:
    """The venue's name of an order's sort."""
    return "LIMIT_MAKER" if order.wish.sort == "limit" and order.wish.mode == MAKES else _TYPES[order.wish.sort]


def in_force(order: Order) -> str:
    """Its time in force; an order without a limit is said to be GTC."""
    return _IN_FORCE[order.wish.mode] if order.wish.ticks else "GTC"


def status_of(order: Order) -> str:
    """Its status."""
    return "EXPIRED_IN_MATCH" if order.reason == "self_trade" else STATUSES[order.status]


def expiry_of(order: Order) -> dict[str, str]:
    """Why it expired, where the venue has a word for it."""
    if order.status != "expired" or order.reason not in _EXPIRED:
        return {}
    is_market = not order.wish.ticks and order.reason == "unfilled"
    return {"expiryReason": "INSUFFICIENT_LIQUIDITY" if is_market else _EXPIRED[order.reason]}


def acknowledged(order: Order, amounts: Amounts, now_ns: int) -> dict[str, Any]:
    """ACK."""
    return {
        "symbol": amounts.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": now_ns // MILLI_NS,
    }


def _state(order: Order, amounts: Amounts) -> dict[str, Any]:
    """What every longer form says."""
    wish = order.wish
    return {
        "price": amounts.price(wish.ticks),
        "origQty": amounts.size(order.lots),
        "executedQty": amounts.size(order.filled),
        "origQuoteOrderQty": text8(wish.spend),
        "cummulativeQuoteQty": amounts.quote(order.turnover),
        "status": status_of(order),
        "timeInForce": in_force(order),
        "type": type_of(order),
        "side": SIDES[wish.side],
        "selfTradePreventionMode": GUARDS[wish.guard],
    }


def _stop(order: Order, amounts: Amounts) -> dict[str, Any]:
    return {"stopPrice": amounts.price(order.wish.trigger)} if order.wish.trigger else {}


def resulted(order: Order, amounts: Amounts, now_ns: int) -> dict[str, Any]:
    """RESULT."""
    working = order.worked_ns // MILLI_NS if order.worked_ns else -1
    return acknowledged(order, amounts, now_ns) | _state(order, amounts) | _stop(order, amounts) | {"workingTime": working} | expiry_of(order)


def filled(order: Order, amounts: Amounts, now_ns: int, fills: Iterable[OwnFill]) -> dict[str, Any]:
    """FULL."""
    told = [
        {
            "price": amounts.price(one.fill.ticks),
            "qty": amounts.size(one.fill.lots),
            "commission": text8(one.fill.fee),
            "commissionAsset": one.fill.fee_asset,
            "tradeId": one.fill.trade,
        }
        for one in fills
    ]
    return resulted(order, amounts, now_ns) | {"fills": told}


def queried(order: Order, amounts: Amounts) -> dict[str, Any]:
    """An order that was asked for."""
    working = order.worked_ns // MILLI_NS if order.worked_ns else -1
    return {
        "symbol": amounts.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        **_state(order, amounts),
        "stopPrice": amounts.price(order.wish.trigger),
        "icebergQty": ZERO,
        "time": order.placed_ns // MILLI_NS,
        "updateTime": order.updated_ns // MILLI_NS,
        "isWorking": not order.waits,
        "workingTime": working,
        **expiry_of(order),
    }


def cancelled(order: Order, amounts: Amounts, now_ns: int, client_id: str) -> dict[str, Any]:
    """A cancel's report; `client_id` is the cancel's own."""
    return {
        "symbol": amounts.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": client_id,
        "transactTime": now_ns // MILLI_NS,
        **_state(order, amounts),
        **_stop(order, amounts),
    }


def own_trade(one: OwnFill, amounts: Amounts) -> dict[str, Any]:
    """A fill in myTrades."""
    fill = one.fill
    return {
        "symbol": amounts.symbol,
        "id": fill.trade,
        "orderId": one.order.number,
        "orderListId": -1,
        "price": amounts.price(fill.ticks),
        "qty": amounts.size(fill.lots),
        "quoteQty": amounts.quote(fill.lots * fill.ticks),
        "commission": text8(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": one.at_ns // MILLI_NS,
        "isBuyer": one.order.wish.side == 0,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }
