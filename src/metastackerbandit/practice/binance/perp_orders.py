"""Orders and fills as Binance USD-M's REST answers tell them.

`avgPrice` and `cumQuote` are told where an order is asked for, not where it is placed or ended: the venue left them out of these on 2026-07-15.
"""

from __future__ import annotations

from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.binance.perp_words import TYPES, WORKING, algo_status, lasts, status_of, type_of
from metastackerbandit.practice.binance.words import GUARDS, SIDES
from metastackerbandit.simulation.exchange_words import ExchangeFill, Order


def acted(order: Order, steps: Steps) -> dict[str, Any]:
    """An order as placing, amending or cancelling it answers."""
    wish = order.wish
    return {
        "orderId": order.number,
        "symbol": steps.symbol,
        "status": status_of(order),
        "clientOrderId": order.client_id,
        "price": steps.price(wish.ticks),
        "origQty": steps.size(order.lots),
        "executedQty": steps.size(order.filled),
        "cumQty": steps.size(order.filled),
        "timeInForce": lasts(order),
        "type": type_of(order),
        "reduceOnly": wish.reduces_only,
        "closePosition": wish.closes,
        "side": SIDES[wish.side],
        "positionSide": "BOTH",
        "stopPrice": steps.price(wish.trigger),
        "workingType": WORKING[wish.triggered_by],
        "priceProtect": False,
        "origType": TYPES[wish.sort],
        "priceMatch": "NONE",
        "selfTradePreventionMode": GUARDS[wish.guard],
        "goodTillDate": 0,
        "updateTime": order.updated_ns // MILLI_NS,
    }


def asked(order: Order, steps: Steps) -> dict[str, Any]:
    """An order as a question for it is answered."""
    made = acted(order, steps)
    del made["cumQty"]
    made["avgPrice"] = steps.mean(order.turnover, order.filled)
    made["cumQuote"] = steps.turnover(order.turnover)
    made["time"] = order.placed_ns // MILLI_NS
    return made


def algo(order: Order, steps: Steps) -> dict[str, Any]:
    """An order with a trigger; once that is met, `actualOrderId` names the engine's order, which has the same number."""
    wish, was_met = order.wish, order.worked_ns > 0
    return {
        "algoId": order.number,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": TYPES[wish.sort],
        "symbol": steps.symbol,
        "side": SIDES[wish.side],
        "positionSide": "BOTH",
        "timeInForce": lasts(order),
        "quantity": steps.size(order.lots),
        "algoStatus": algo_status(order),
        "actualOrderId": str(order.number) if was_met else "",
        "actualPrice": steps.mean(order.turnover, order.filled),
        "triggerPrice": steps.price(wish.trigger),
        "price": steps.price(wish.ticks),
        "selfTradePreventionMode": GUARDS[wish.guard],
        "workingType": WORKING[wish.triggered_by],
        "priceMatch": "NONE",
        "closePosition": wish.closes,
        "priceProtect": False,
        "reduceOnly": wish.reduces_only,
        "createTime": order.placed_ns // MILLI_NS,
        "updateTime": order.updated_ns // MILLI_NS,
        "triggerTime": order.worked_ns // MILLI_NS,
        "goodTillDate": 0,
    }


def user_trade(order: Order, fill: ExchangeFill, at_ns: int, steps: Steps) -> dict[str, Any]:
    """One fill of an owner's order."""
    return {
        "symbol": steps.symbol,
        "pair": steps.symbol,
        "id": fill.trade,
        "orderId": order.number,
        "side": SIDES[order.wish.side],
        "positionSide": "BOTH",
        "price": steps.price(fill.ticks),
        "qty": steps.size(fill.lots),
        "quoteQty": steps.turnover(fill.ticks * fill.lots),
        "realizedPnl": text8(fill.realized),
        "commission": text8(fill.fee),
        "commissionAsset": fill.fee_asset,
        "marginAsset": fill.fee_asset,
        "buyer": order.wish.side == 0,
        "maker": fill.is_maker,
        "time": at_ns // MILLI_NS,
    }
