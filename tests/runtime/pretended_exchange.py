"""A venue in memory that behaves as Binance does, for tests of order entry in virtual time: it verifies signatures, loses answers, tells events late.

It takes an id again once the first order with it is filled, carries out what it answers by 503, tells fills before answers, and refuses what Binance
refuses. `fault(method, path, n)` says what befalls the n-th request; `delay()` how long an event takes; `dropped()` whether it is lost.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.credentials import Secret
from metastackerbandit.exchanges.transport.ports import Answer
from tests.runtime.virtual_time import START_NS, VirtualClock

SECRET = Secret("shh")
NEVER = 1e6
FAULTS = ("", "", "", "lost before", "lost after", "503", "-1007", "429", "late", "down")


@dataclass
class Known:
    """An order at the venue; one that waits on USD-M has `algo` and becomes another."""

    id: int
    client_id: str
    side: int
    kind: str
    lots: int
    ticks: int
    trigger: int
    reduces: bool
    algo: bool = False
    status: str = "NEW"
    filled: int = 0
    became: int = 0

    @property
    def is_open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")


class Exchange:
    """One symbol of one account, with a price that tests move."""

    def __init__(self, one: Instrument, price: int = 500_000) -> None:
        self.one, self.price, self.is_spot = one, price, one.market == "spot"
        self.orders: list[Known] = []
        self.trades: list[dict[str, Any]] = []
        self.taken: Counter[str] = Counter()  # accepted orders by client id
        self.asked: list[tuple[float, str, str]] = []
        self.lots = 0
        self.coins = 0.0
        self.offset_s = 0.0
        self.rate = 1.0  # of its seconds to ours
        self.partly = 1  # fills that a market order comes in
        self.fault: Callable[[str, str, int], str] = lambda method, path, n: ""
        self.delay: Callable[[], float] = lambda: 0.02
        self.copies: Callable[[], int] = lambda: 1  # how often an event comes; 0: lost
        self.hear: Callable[[bytes], None] = lambda frame: None
        self.refuse: Callable[[dict[str, str]], tuple[int, str] | None] = lambda asked: None
        self.rights = {"enableWithdrawals": False, "enableReading": True}
        self.terms = {"symbol": one.symbol, "marginType": "CROSSED", "leverage": 1}
        self.rules: dict[str, str] = {}  # of the instrument, where they are not those that it has
        self.keys = 0
        self._ids = 100

    # -- the port ----------------------------------------------------------------------------------------------------

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Answer after a twentieth of a second, or as the fault says."""
        parts = urlsplit(url)
        method = method or "GET"
        self.asked.append((asyncio.get_running_loop().time(), method, parts.path))
        fault = self.fault(method, parts.path, len(self.asked) - 1)
        if fault == "lost before":
            await asyncio.sleep(NEVER)
        if fault == "late":
            asyncio.get_running_loop().call_later(4.0, self._do, method, parts.path, parts.query)
            await asyncio.sleep(NEVER)
        await asyncio.sleep(0.02)
        if fault in ("429", "418"):
            return self._answer(int(fault), {"code": -1003, "msg": "too many"}, {"retry-after": "3"})
        if fault == "down":
            return self._answer(503, {"code": -1008, "msg": "busy"})
        status, told = self._do(method, parts.path, parts.query)
        await asyncio.sleep(0.03)
        if fault == "lost after":
            await asyncio.sleep(NEVER)
        if fault == "503":
            return Answer(503, b"Unknown error, please check your request or try again later.", {}, VirtualClock().now_ns())
        if fault == "-1007":
            return self._answer(408, {"code": -1007, "msg": "Timeout waiting for response from backend server."})
        return self._answer(status, told)

    def _answer(self, status: int, told: Any, headers: dict[str, str] | None = None) -> Answer:
        return Answer(status, json.dumps(told).encode(), headers or {}, VirtualClock().now_ns())

    def now_ms(self) -> int:
        """The venue's time."""
        return (START_NS + round((VirtualClock().now_ns() - START_NS) * self.rate)) // 10**6 + round(self.offset_s * 1_000)

    def _do(self, method: str, path: str, query: str) -> tuple[int, Any]:
        """Carry a request out."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        name = path.rpartition("/")[2]
        if name == "time":
            return 200, {"serverTime": self.now_ms()} | ({"rate": self.rate} if self.rate != 1.0 else {})
        if name == "exchangeInfo":
            return 200, {"symbols": [] if "gone" in self.rules else [self._listed()]}
        if name == "listenKey":
            return (200, {"listenKey": f"key{self.keys}"}) if method == "POST" or self.keys else (400, {"code": -1125, "msg": "no such key"})
        payload, _, signature = query.partition("&signature=")
        if SECRET.hmac_sha256(payload) != signature:
            return 400, {"code": -1022, "msg": "Signature for this request is not valid."}
        late_ms = self.now_ms() - int(asked["timestamp"])
        if late_ms > int(asked["recvWindow"]) or late_ms <= -1_000:
            return 400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
        match method, name:
            case "POST", "order" | "algoOrder":
                return self._new(asked, name == "algoOrder")
            case "DELETE", "order" | "algoOrder":
                return self._cancel(asked, name == "algoOrder")
            case "PUT", "order":
                return self._amend(asked)
            case "GET", "order" | "algoOrder":
                found = self._find(asked, name == "algoOrder")
                return (400, {"code": -2013, "msg": "Order does not exist."}) if found is None else (200, self._told(found))
            case "GET", "openOrders" | "openAlgoOrders":
                return 200, [self._told(one) for one in self.orders if one.is_open and one.algo == (name == "openAlgoOrders")]
            case "GET", "myTrades" | "userTrades":
                return 200, [
                    one for one in self.trades if one["id"] >= int(asked.get("fromId", 0)) and one["time"] >= int(asked.get("startTime", 0))
                ][:1000]
            case "GET", "account":
                return 200, {"balances": [{"asset": self.one.base, "free": f"{self.coins:.8f}", "locked": "0"}]}
            case "GET", "balance":
                return 200, [{"asset": "USDT", "balance": "1000", "availableBalance": "900"}]
            case "GET", "positionRisk":
                zero = {"entryPrice": "0", "markPrice": "0", "unRealizedProfit": "0", "liquidationPrice": "0"}
                return 200, [{"symbol": self.one.symbol, "positionAmt": self.one.quantity_text(self.lots), **zero}]
            case "GET", "apiRestrictions":
                return 200, self.rights
            case "GET", "symbolConfig":
                return 200, [self.terms]
            case "POST", "leverage":
                self.terms = self.terms | {"leverage": int(asked["leverage"])}
                return 200, {"leverage": int(asked["leverage"]), "maxNotionalValue": "1000000", "symbol": self.one.symbol}
            case "POST", "marginType" if self.lots:
                return 400, {"code": -4048, "msg": "Margin type cannot be changed if there exists position."}
            case "POST", "marginType":
                self.terms = self.terms | {"marginType": asked["marginType"]}
                return 200, {"code": 200, "msg": "success"}
        raise AssertionError(f"{method} {path} is not pretended")

    def _listed(self) -> dict[str, Any]:
        """The instrument's rules of now."""
        one = replace(self.one, **{name: text for name, text in self.rules.items() if name != "status"})
        price = {"filterType": "PRICE_FILTER", "minPrice": one.tick_size, "maxPrice": "1000000000", "tickSize": one.tick_size}
        lot = {"filterType": "LOT_SIZE", "minQty": one.min_quantity, "maxQty": one.max_quantity, "stepSize": one.lot_size}
        notional = {"filterType": "MIN_NOTIONAL", "notional": one.min_notional}
        named = {"symbol": one.symbol, "baseAsset": one.base, "quoteAsset": one.quote, "contractType": "" if self.is_spot else "PERPETUAL"}
        return {**named, "status": self.rules.get("status", "TRADING"), "filters": [price, lot, notional]}

    # -- orders ------------------------------------------------------------------------------------------------------

    def _new(self, asked: dict[str, str], algo: bool) -> tuple[int, Any]:
        client_id = asked["clientAlgoId" if algo else "newClientOrderId"]
        refused = self.refuse(asked)
        if refused is not None:
            return 400, {"code": refused[0], "msg": refused[1]}
        if any(one.is_open and one.client_id == client_id for one in self.orders):
            return 400, {"code": -2010 if self.is_spot else -4116, "msg": "Duplicate order sent."}
        side, lots = (1 if asked["side"] == "BUY" else -1), self.one.lots(asked["quantity"])
        reduces = asked.get("reduceOnly") == "true"
        if reduces and not algo and side * self.lots >= 0:
            return 400, {"code": -2022, "msg": "ReduceOnly Order is rejected."}
        locked = sum(one.lots - one.filled for one in self.orders if one.is_open and one.side < 0)
        if self.is_spot and side < 0 and (locked + lots) * float(self.one.lot_size) > self.coins + 1e-9:
            return 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}
        ticks = self.one.ticks(asked["price"]) if "price" in asked else 0
        stop = asked.get("triggerPrice") or asked.get("stopPrice")
        made = Known(self._id(), client_id, side, asked["type"], lots, ticks, self.one.ticks(stop) if stop else 0, reduces, algo)
        self.taken[client_id] += 1
        self.orders.append(made)
        self._tell(made, "NEW")
        if asked["type"] == "MARKET":
            self._fill(made, self.price)
        self._match()
        return 200, self._told(made)

    def _cancel(self, asked: dict[str, str], algo: bool) -> tuple[int, Any]:
        found = self._find(asked, algo)
        if found is None or not found.is_open:
            return 400, {"code": -2011, "msg": "Unknown order sent."}
        self.end(found, "CANCELED")
        if algo:
            return 200, {"algoId": found.id, "clientAlgoId": found.client_id, "code": "200", "msg": "success"}
        return 200, self._told(found) | {"origClientOrderId": found.client_id, "clientOrderId": "cancel"}

    def _amend(self, asked: dict[str, str]) -> tuple[int, Any]:
        found = self._find(asked, False)
        if found is None or not found.is_open:
            return 400, {"code": -2013, "msg": "Order does not exist."}
        lots, ticks = self.one.lots(asked["quantity"]), self.one.ticks(asked["price"])
        if (lots, ticks) == (found.lots, found.ticks):
            return 400, {"code": -5027, "msg": "No need to modify the order."}
        if lots <= found.filled:
            return 400, {"code": -4003, "msg": "Quantity less than or equal to zero."}
        found.lots, found.ticks = lots, ticks
        self._tell(found, "AMENDMENT")
        self._match()
        return 200, self._told(found)

    def _find(self, asked: dict[str, str], algo: bool) -> Known | None:
        number, name = asked.get("algoId" if algo else "orderId"), asked.get("clientAlgoId" if algo else "origClientOrderId")
        fitting = [one for one in self.orders if one.algo == algo and (str(one.id) == number if number else one.client_id == name)]
        return fitting[-1] if fitting else None

    def _id(self) -> int:
        self._ids += 1
        return self._ids

    def move(self, price: int) -> None:
        """The price is another one from now on."""
        self.price = price
        self._match()

    def _match(self) -> None:
        """Trigger and fill what the price reaches."""
        for one in list(self.orders):
            if not one.is_open or one.kind == "MARKET":
                continue
            if one.trigger and one.side * (self.price - one.trigger) >= 0:
                if one.algo:
                    self._trigger(one)
                else:
                    self._fill(one, self.price)
            elif one.ticks and not one.trigger and one.side * (one.ticks - self.price) >= 0:
                self._fill(one, one.ticks)

    def _trigger(self, one: Known) -> None:
        """An order that waited becomes another one under a number of its own."""
        if one.reduces and one.side * self.lots >= 0:
            self.end(one, "EXPIRED")
            return
        lots = min(one.lots, abs(self.lots)) if one.reduces else one.lots
        made = Known(self._id(), f"x{one.id}", one.side, "MARKET", lots, 0, 0, one.reduces)
        self.orders.append(made)
        one.became, one.status = made.id, "TRIGGERED"
        self._tell(one, "")
        self._tell(made, "NEW")
        self._fill(made, self.price)
        one.status = "FINISHED"
        self._tell(one, "")

    def _fill(self, one: Known, ticks: int, lots: int = 0) -> None:
        """Fill so many lots (all that are left by default), in as many parts as `partly` says; reduce-only is cut to the position."""
        left = lots or one.lots - one.filled
        most = abs(self.lots) if one.reduces and one.side * self.lots < 0 else 0 if one.reduces else left
        take = min(left, most)
        parts = [take] if self.partly < 2 or take < 2 else [take // 2, take - take // 2]
        for part in parts:
            if part:
                self._trade(one, ticks, part)
        if take < left and one.is_open:
            self.end(one, "EXPIRED")

    def fill_part(self, one: Known, lots: int, ticks: int) -> None:
        """One fill of a resting order."""
        self._fill(one, ticks, lots)

    def _trade(self, one: Known, ticks: int, lots: int) -> None:
        one.filled += lots
        one.status = "FILLED" if one.filled == one.lots else "PARTIALLY_FILLED"
        self.lots += one.side * lots
        size = lots * float(self.one.lot_size)
        in_coin = self.is_spot and one.side > 0
        self.coins += one.side * size - (size * 0.001 if in_coin else 0.0)
        trade = {
            "id": self._id(),
            "orderId": one.id,
            "price": self.one.price_text(ticks),
            "qty": self.one.quantity_text(lots),
            "commission": f"{size * 0.001:.8f}" if in_coin else "0.01000000",
            "commissionAsset": self.one.base if in_coin else "USDT",
            "time": self.now_ms(),
            "isBuyer": one.side > 0,
            "buyer": one.side > 0,
            "isMaker": False,
            "maker": False,
            "realizedPnl": "0",
        }
        self.trades.append(trade)
        self._tell(one, "TRADE", trade)
        self.tell_coins()

    def tell_coins(self) -> None:
        """What of the base coin is held."""
        if self.is_spot:
            held = [{"a": self.one.base, "f": f"{self.coins:.8f}", "l": "0"}]
            self._say({"e": "outboundAccountPosition", "E": self.now_ms(), "u": self.now_ms(), "B": held})

    def end(self, one: Known, status: str) -> None:
        """An order is over, by whomever."""
        one.status = status
        self._tell(one, status)

    # -- what is told ------------------------------------------------------------------------------------------------

    def _told(self, one: Known) -> dict[str, Any]:
        size, price = self.one.quantity_text(one.lots), self.one.price_text(one.ticks)
        if one.algo:
            more = {"triggerPrice": self.one.price_text(one.trigger), "updateTime": self.now_ms(), "actualOrderId": str(one.became or "")}
            return {"algoId": one.id, "clientAlgoId": one.client_id, "algoStatus": one.status, "quantity": size, "price": price, **more}
        fills = [trade for trade in self.trades if trade["orderId"] == one.id] if self.is_spot else []
        return {
            "symbol": self.one.symbol,
            "orderId": one.id,
            "clientOrderId": one.client_id,
            "status": one.status,
            "side": "BUY" if one.side > 0 else "SELL",
            "origQty": size,
            "executedQty": self.one.quantity_text(one.filled),
            "price": price,
            "stopPrice": "0",
            "updateTime": self.now_ms(),
            "fills": [{**fill, "tradeId": fill["id"]} for fill in fills],
        }

    def _tell(self, one: Known, cause: str, trade: dict[str, Any] | None = None) -> None:
        """Tell an event, after its own delay, as often as it comes."""
        self._say(self._waiting_event(one) if one.algo else self._event(one, cause, trade))

    def _say(self, event: dict[str, Any]) -> None:
        frame = json.dumps(event).encode()
        for _ in range(self.copies()):
            asyncio.get_running_loop().call_later(self.delay(), lambda: self.hear(frame))

    def _waiting_event(self, one: Known) -> dict[str, Any]:
        told = {"s": self.one.symbol, "caid": one.client_id, "aid": one.id, "X": one.status, "ai": str(one.became or ""), "rm": ""}
        return {"e": "ALGO_UPDATE", "E": self.now_ms(), "T": self.now_ms(), "o": told}

    def _event(self, one: Known, cause: str, trade: dict[str, Any] | None) -> dict[str, Any]:
        text, price = self.one.quantity_text, self.one.price_text
        told = {
            "s": self.one.symbol,
            "c": one.client_id,
            "S": "BUY" if one.side > 0 else "SELL",
            "o": one.kind,
            "q": text(one.lots),
            "p": price(one.ticks),
            "x": cause,
            "X": one.status,
            "i": one.id,
            "l": trade["qty"] if trade else "0",
            "z": text(one.filled),
            "L": trade["price"] if trade else "0",
            "n": trade["commission"] if trade else "0",
            "N": trade["commissionAsset"] if trade else None,
            "T": self.now_ms(),
            "t": trade["id"] if trade else -1,
            "m": False,
        }
        if self.is_spot:
            return {"e": "executionReport", "E": self.now_ms(), **told, "P": "0", "C": "", "r": "NONE", "Z": "0"}
        return {
            "e": "ORDER_TRADE_UPDATE",
            "E": self.now_ms(),
            "T": self.now_ms(),
            "o": {**told, "ap": "0", "sp": "0", "R": one.reduces, "ps": "BOTH"},
        }
