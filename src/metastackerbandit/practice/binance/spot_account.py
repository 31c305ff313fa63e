"""What an owner asks a spot market of his account: orders, fills, balances, commissions, what was counted, what a key may do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from metastackerbandit.domain.timeframe import DAY_NS, MILLI_NS
from metastackerbandit.practice.allowance import Allowance
from metastackerbandit.practice.binance import spot_orders
from metastackerbandit.practice.binance.amounts import Amounts
from metastackerbandit.practice.binance.decimals import text8
from metastackerbandit.practice.binance.spot_info import place_of_symbol
from metastackerbandit.practice.binance.spot_wishes import client_id_in
from metastackerbandit.practice.binance.words import NO_SUCH_ORDER
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.keys import KeyRing
from metastackerbandit.practice.replies import Asked, Parameters, Route, Routes, WireRefusal, Worded, missing, one_or_all
from metastackerbandit.simulation.exchange_words import Order

_BIPS = 10_000
_MISMATCH = (400, -2039, "Client order ID is not correct for this order ID")


class SpotAccount:
    """Handlers of requests that change nothing."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts], keys: KeyRing, allowance: Allowance) -> None:
        self._floor, self._amounts, self._keys, self._allowance = floor, amounts, keys, allowance

    def order(self, asked: Asked) -> dict[str, Any]:
        """One order."""
        s, order = found_order(self._floor, asked, NO_SUCH_ORDER, _MISMATCH)
        return spot_orders.queried(order, self._amounts[s])

    def open_orders(self, asked: Asked) -> list[dict[str, Any]]:
        """Open orders of a symbol, or of all."""
        symbol = asked.given.maybe("symbol")
        s = -1 if symbol is None else place_of_symbol(self._floor, symbol)
        return [spot_orders.queried(one, self._amounts[one.wish.s]) for one in self._floor.exchange.orders.open(asked.owner, s)]

    def all_orders(self, asked: Asked) -> list[dict[str, Any]]:
        """Orders of a symbol, open or not."""
        s, given = place_of_symbol(self._floor, asked.given.text("symbol")), asked.given
        first, limit, (start, end) = given.whole("orderId", -1), given.whole("limit", 500, 1, 1_000), _span(given)
        found = [one for one in self._floor.exchange.orders.of(asked.owner, s) if one.number >= first and start <= one.placed_ns // MILLI_NS <= end]
        found = found[:limit] if first >= 0 or start > 0 else found[-limit:]
        return [spot_orders.queried(one, self._amounts[s]) for one in found]

    def fills(self, asked: Asked) -> list[dict[str, Any]]:
        """Fills of a symbol."""
        s, given = place_of_symbol(self._floor, asked.given.text("symbol")), asked.given
        number, first, limit, (start, end) = given.whole("orderId", 0), given.whole("fromId", -1), given.whole("limit", 500, 1, 1_000), _span(given)
        found = [
            one
            for one in self._floor.fills_of(asked.owner, s)
            if number in (0, one.order.number) and one.fill.trade >= first and start <= one.at_ns // MILLI_NS <= end
        ]
        found = found[:limit] if first >= 0 or start > 0 else found[-limit:]
        return [spot_orders.own_trade(one, self._amounts[s]) for one in found]

    def account(self, asked: Asked) -> dict[str, Any]:
        """Balances and commissions."""
        money, listing = self._floor.exchange.spot, self._floor.exchange.listings[0]
        omits = asked.given.flag("omitZeroBalances")
        key = self._keys.find(asked.api_key)
        maker, taker = text8(listing.maker), text8(listing.taker)
        return {
            "makerCommission": listing.maker // _BIPS,
            "takerCommission": listing.taker // _BIPS,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": maker, "taker": taker, "buyer": text8(0), "seller": text8(0)},
            "canTrade": key is not None and key.may_trade,
            "canWithdraw": key is not None and key.may_withdraw,
            "canDeposit": False,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._floor.updated_ns[asked.owner] // MILLI_NS,
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": text8(free), "locked": text8(money.locked[asked.owner][asset])}
                for asset, free in money.free[asked.owner].items()
                if not omits or money.total(asked.owner, asset)
            ],
            "permissions": ["SPOT"],
            "uid": asked.owner,
        }

    def order_counts(self, asked: Asked) -> list[dict[str, Any]]:
        """How many orders were counted."""
        return list(self._allowance.counted(asked.address, asked.owner, ["ORDERS"]))

    def commission(self, asked: Asked) -> dict[str, Any]:
        """A symbol's commissions."""
        return {"symbol": asked.given.text("symbol"), **rates_of(self._floor, place_of_symbol(self._floor, asked.given.text("symbol")))}


def found_order(floor: Floor, asked: Asked, unknown: Worded, mismatch: Worded) -> tuple[int, Order]:
    """The instrument and the order that a number or a client id means; raises these where there is none, or where the two mean different ones."""
    given = asked.given
    s = place_of_symbol(floor, given.text("symbol"))
    number, client_id = given.whole("orderId", 0), client_id_in(given, "origClientOrderId")
    if not number and not client_id:
        raise missing("orderId")
    order = floor.exchange.orders.find(asked.owner, s, number, client_id)
    if order is None:
        raise WireRefusal(*unknown)
    if number and client_id and order.client_id != client_id:
        raise WireRefusal(*mismatch)
    return s, order


def rates_of(floor: Floor, s: int) -> dict[str, Any]:
    """Commissions of an instrument."""
    listing, none = floor.exchange.listings[s], dict.fromkeys(("maker", "taker", "buyer", "seller"), text8(0))
    return {
        "standardCommission": none | {"maker": text8(listing.maker), "taker": text8(listing.taker)},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": text8(0)},
    }


def _span(given: Parameters) -> tuple[int, int]:
    """From and to in ms; a day at most where both are given."""
    start, end = given.whole("startTime", 0, 0), given.whole("endTime", 2**62, 0)
    if start and end < 2**62 and not 0 <= end - start <= DAY_NS // MILLI_NS:
        raise WireRefusal(400, -1127, "More than 24 hours between startTime and endTime.")
    return start, end


def account_routes(account: SpotAccount) -> Routes:
    """Their paths, weights and rights."""
    v3 = "/api/v3"

    return {
        ("GET", f"{v3}/order"): Route(account.order, 4, "user"),
        ("GET", f"{v3}/openOrders"): Route(account.open_orders, one_or_all(6, 80), "user"),
        ("GET", f"{v3}/allOrders"): Route(account.all_orders, 20, "user"),
        ("GET", f"{v3}/myTrades"): Route(account.fills, lambda given: 5 if given.maybe("orderId") else 20, "user"),
        ("GET", f"{v3}/account"): Route(account.account, 20, "user"),
        ("GET", f"{v3}/rateLimit/order"): Route(account.order_counts, 40, "user"),
        ("GET", f"{v3}/account/commission"): Route(account.commission, 20, "user"),
    }
