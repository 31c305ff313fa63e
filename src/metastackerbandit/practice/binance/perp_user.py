"""What Binance USD-M tells an account's owner over the private stream: orders, fills, balances, positions, settings, and orders that wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.perp_account import cross_wallet, entry
from metastackerbandit.practice.binance.perp_text import Steps
from metastackerbandit.practice.binance.perp_words import (
    CAUSES,
    TYPES,
    WORKING,
    algo_status,
    is_plain,
    lasts,
    reason_of,
    status_of,
    type_of,
)
from metastackerbandit.practice.binance.words import GUARDS, SIDES
from metastackerbandit.simulation.exchange_words import BalanceEvent, ExchangeFill, Order, OrderEvent, SettingEvent
from metastackerbandit.simulation.perp_money import PerpMoney

WHY = {"order": "ORDER", "funding": "FUNDING_FEE", "deposit": "DEPOSIT", "margin": "MARGIN_TYPE_CHANGE"}


def order_events(event: OrderEvent, steps: Steps, sent_ms: int) -> list[dict[str, Any]]:
    """What one event of an order becomes: the service that watches triggers speaks first, a fill is told shortly and then in full."""
    order = event.order
    told = [algo_update(order, word, event.at_ns, steps, sent_ms) for word in _algo_words(event)]
    if not is_plain(order):
        return told
    if event.fill is not None:
        told.append(trade_lite(order, event.fill, event.at_ns, steps, sent_ms))
    told.append(order_update(event, steps, sent_ms))
    return told


def _algo_words(event: OrderEvent) -> tuple[str, ...]:
    """What the service that watches triggers tells of an event."""
    order = event.order
    if not order.wish.trigger:
        return ()
    if event.cause == "new" and order.worked_ns:
        return "TRIGGERING", "TRIGGERED"
    if order.waits or not order.worked_ns or not order.is_open:
        return (algo_status(order),)
    return ()


def order_update(event: OrderEvent, steps: Steps, sent_ms: int) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE."""
    order, wish, fill = event.order, event.order.wish, event.fill
    worth = steps.turnover(order.left * wish.ticks if order.is_open else 0)
    told: dict[str, Any] = {
        "s": steps.symbol,
        "c": order.client_id,
        "S": SIDES[wish.side],
        "o": type_of(order),
        "f": lasts(order),
        "q": steps.size(order.lots),
        "p": steps.price(wish.ticks),
        "ap": steps.mean(order.turnover, order.filled),
        "sp": steps.price(wish.trigger),
        "x": CAUSES[event.cause],
        "X": status_of(order),
        "i": order.number,
        "l": steps.size(fill.lots if fill else 0),
        "z": steps.size(order.filled),
        "L": steps.price(fill.ticks if fill else 0),
        "T": event.at_ns // MILLI_NS,
        "t": fill.trade if fill else 0,
        "b": worth if wish.side == 0 else "0",
        "a": worth if wish.side == 1 else "0",
        "m": bool(fill and fill.is_maker),
        "R": wish.reduces_only,
        "wt": WORKING[wish.triggered_by],
        "ot": TYPES[wish.sort],
        "ps": "BOTH",
        "cp": wish.closes,
        "rp": text8(fill.realized if fill else 0),
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": GUARDS[wish.guard],
        "pm": "NONE",
        "gtd": 0,
        "er": reason_of(order) if order.status == "expired" else "0",
    }
    if fill:
        told["N"], told["n"] = fill.fee_asset, text8(fill.fee)
    return {"e": "ORDER_TRADE_UPDATE", "E": sent_ms, "T": event.at_ns // MILLI_NS, "o": told}


def trade_lite(order: Order, fill: ExchangeFill, at_ns: int, steps: Steps, sent_ms: int) -> dict[str, Any]:
    """TRADE_LITE."""
    return {
        "e": "TRADE_LITE",
        "E": sent_ms,
        "T": at_ns // MILLI_NS,
        "s": steps.symbol,
        "q": steps.size(order.lots),
        "p": steps.price(order.wish.ticks),
        "m": fill.is_maker,
        "c": order.client_id,
        "S": SIDES[order.wish.side],
        "L": steps.price(fill.ticks),
        "l": steps.size(fill.lots),
        "t": fill.trade,
        "i": order.number,
    }


def algo_update(order: Order, word: str, at_ns: int, steps: Steps, sent_ms: int) -> dict[str, Any]:
    """ALGO_UPDATE."""
    wish, was_met = order.wish, order.worked_ns > 0 and word != "TRIGGERING"
    told: dict[str, Any] = {
        "caid": order.client_id,
        "aid": order.number,
        "at": "CONDITIONAL",
        "o": TYPES[wish.sort],
        "s": steps.symbol,
        "S": SIDES[wish.side],
        "ps": "BOTH",
        "f": lasts(order),
        "q": steps.size(order.lots),
        "X": word,
        "ai": str(order.number) if was_met else "",
        "tp": steps.price(wish.trigger),
        "p": steps.price(wish.ticks),
        "V": GUARDS[wish.guard],
        "wt": WORKING[wish.triggered_by],
        "pm": "NONE",
        "cp": wish.closes,
        "pP": False,
        "R": wish.reduces_only,
        "tt": order.worked_ns // MILLI_NS,
        "gtd": 0,
        "rm": order.reason if word == "REJECTED" else "",
    }
    if was_met:
        told |= {"ap": steps.mean(order.turnover, order.filled), "aq": steps.size(order.filled), "act": type_of(order)}
    return {"e": "ALGO_UPDATE", "T": at_ns // MILLI_NS, "E": sent_ms, "o": told}


def account_update(event: BalanceEvent, money: PerpMoney, steps: Iterable[Steps], sent_ms: int) -> dict[str, Any]:
    """ACCOUNT_UPDATE, with the wallet and positions as they are now; funding of a cross position tells the wallet only."""
    wallet = money.wallets[event.owner]
    held = [(s, one, money.held[event.owner][s]) for s, one in enumerate(steps) if s in event.positions]
    if event.why == "funding":
        held = [one for one in held if one[2].is_isolated]
    told = {
        "m": WHY[event.why],
        "B": [{"a": money.asset, "wb": text8(wallet), "cw": text8(cross_wallet(money, event.owner)), "bc": text8(event.change)}],
        "P": [
            {
                "s": one.symbol,
                "pa": one.size(holding.lots),
                "ep": entry(holding.cost, holding.lots, one),
                "bep": entry(holding.cost, holding.lots, one),
                "cr": text8(holding.realized),
                "up": text8(money.unrealized(event.owner, s)),
                "mt": "isolated" if holding.is_isolated else "cross",
                "iw": text8(holding.set_aside if holding.is_isolated else 0),
                "ps": "BOTH",
                "ma": money.asset,
            }
            for s, one, holding in held
        ],
    }
    return {"e": "ACCOUNT_UPDATE", "E": sent_ms, "T": event.at_ns // MILLI_NS, "a": told}


def setting_update(event: SettingEvent, steps: Steps, sent_ms: int) -> dict[str, Any]:
    """ACCOUNT_CONFIG_UPDATE of a leverage."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": sent_ms, "T": event.at_ns // MILLI_NS, "ac": {"s": steps.symbol, "l": event.leverage}}


def key_expired(key: str, sent_ms: int) -> dict[str, Any]:
    """listenKeyExpired."""
    return {"e": "listenKeyExpired", "E": sent_ms, "listenKey": key}
