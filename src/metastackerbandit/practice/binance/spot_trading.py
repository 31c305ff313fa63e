"""Placing, testing, cancelling, replacing and amending orders of a spot market."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import spot_orders
from metastackerbandit.practice.binance.amounts import Amounts, steps_of
from metastackerbandit.practice.binance.spot_account import found_order, rates_of
from metastackerbandit.practice.binance.spot_info import place_of_symbol
from metastackerbandit.practice.binance.spot_refusals import worded
from metastackerbandit.practice.binance.spot_wishes import client_id_in, wish_of
from metastackerbandit.practice.binance.words import NOT_OPEN
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.replies import Asked, Parameters, Reply, Route, Routes, WireRefusal, missing
from metastackerbandit.simulation.exchange_words import NewOrder, Order, Refusal

_RESPONSES = ("ACK", "RESULT", "FULL")
_MODES = ("STOP_ON_FAILURE", "ALLOW_FAILURE")
_OLD = {"orderId": "cancelOrderId", "origClientOrderId": "cancelOrigClientOrderId", "newClientOrderId": "cancelNewClientOrderId"}
_MISMATCH = (400, -2011, "Cancel order is invalid. Check origClOrdId and orderId.")


class SpotTrading:
    """Handlers of requests that trade. `cancel_ids` are the own ids of cancels by the order's number, until they were told."""

    def __init__(self, floor: Floor, amounts: Sequence[Amounts]) -> None:
        self._floor, self._amounts = floor, amounts
        self.cancel_ids: dict[int, str] = {}
        self._made = count(1)

    def place(self, asked: Asked) -> dict[str, Any]:
        """A new order."""
        s, wish = self._wish(asked)
        sort = asked.given.given.get("type", "")
        form = asked.given.one_of("newOrderRespType", _RESPONSES, None, "FULL" if sort in ("MARKET", "LIMIT") else "ACK")
        asked.given.settle()
        return self._placed(self._entered(wish, asked), self._amounts[s], form, asked.now_ns)

    def test(self, asked: Asked) -> dict[str, Any]:
        """Whether an order's parameters are right."""
        asked.given.maybe("newOrderRespType")
        s, _ = self._wish(asked)
        return rates_of(self._floor, s) if asked.given.flag("computeCommissionRates") else {}

    def cancel(self, asked: Asked) -> dict[str, Any]:
        """Cancel an order."""
        s, order = found_order(self._floor, asked, NOT_OPEN, _MISMATCH)
        only = asked.given.maybe("cancelRestrictions")
        if only not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
            raise WireRefusal(400, -1145, "Invalid cancelRestrictions")
        if only is not None and order.is_open and (order.status == "new") != (only == "ONLY_NEW"):
            raise WireRefusal(400, -2011, "Order was not canceled due to cancel restrictions.")
        client_id = client_id_in(asked.given, "newClientOrderId")
        asked.given.settle()
        return self._cancelled(s, order, client_id, asked.now_ns)

    def cancel_all(self, asked: Asked) -> list[dict[str, Any]]:
        """Cancel every open order of a symbol."""
        s = place_of_symbol(self._floor, asked.given.text("symbol"))
        asked.given.settle()
        mine = self._floor.exchange.orders.open(asked.owner, s)
        if not mine:
            raise WireRefusal(*NOT_OPEN)
        return [self._cancelled(s, order, "", asked.now_ns) for order in mine]

    def replace(self, asked: Asked) -> Any:
        """Cancel an order and place another one."""
        given = asked.given
        mode = given.one_of("cancelReplaceMode", _MODES, None)
        sent = {name: given.given[from_name] for name, from_name in _OLD.items() if given.maybe(from_name)}
        old = Parameters(sent | {"symbol": given.text("symbol")})
        s, wish = self._wish(asked)  # what is wrong with the parameters is said before anything is done
        if only := given.maybe("cancelRestrictions"):
            old.given["cancelRestrictions"] = only
        given.settle()
        gone, is_gone = _tried(lambda: self.cancel(Asked(old, asked.now_ns, asked.owner)))
        if not is_gone and mode == "STOP_ON_FAILURE":
            told = {"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": gone, "newOrderResponse": None}
            return Reply({"code": -2022, "msg": "Order cancel-replace failed.", "data": told}, 400)
        made, is_made = _tried(lambda: self._placed(self._entered(wish, asked), self._amounts[s], "FULL", asked.now_ns))
        told = {
            "cancelResult": "SUCCESS" if is_gone else "FAILURE",
            "newOrderResult": "SUCCESS" if is_made else "FAILURE",
            "cancelResponse": gone,
            "newOrderResponse": made,
        }
        if is_gone and is_made:
            return told
        if not (is_gone or is_made):
            return Reply({"code": -2022, "msg": "Order cancel-replace failed.", "data": told}, 400)
        return Reply({"code": -2021, "msg": "Order cancel-replace partially failed.", "data": told}, 409)

    def amend(self, asked: Asked) -> dict[str, Any]:
        """Make an order smaller; it keeps its place."""
        s, order = found_order(self._floor, asked, NOT_OPEN, _MISMATCH)
        amounts, quantity = self._amounts[s], asked.given.decimal("newQty")
        if quantity is None:
            raise missing("newQty")
        lots = steps_of("newQty", quantity, amounts.lot * self._floor.steps[s], "LOT_SIZE") * self._floor.steps[s]
        if not order.filled < lots < order.lots:
            raise WireRefusal(
                400, -2038, "The order amend request is rejected: newQty must lie below the order's quantity and above what was filled."
            )
        client_id_in(asked.given, "newClientOrderId")
        asked.given.settle()
        amended = self._told(self._floor.exchange.amend(asked.owner, s, order.number, lots, order.wish.ticks, asked.now_ns))
        now_ms = asked.now_ns // MILLI_NS
        return {"transactTime": now_ms, "executionId": next(self._made), "amendedOrder": spot_orders.queried(amended, amounts)}

    # -- steps -------------------------------------------------------------------------------------------------------

    def _wish(self, asked: Asked) -> tuple[int, NewOrder]:
        """The order that is wished for, under an id of its own."""
        s = place_of_symbol(self._floor, asked.given.text("symbol"))
        wish = wish_of(asked.given, s, self._amounts[s], self._floor.steps[s], lambda: f"practice{next(self._made):014d}")
        return s, wish

    def _placed(self, order: Order, amounts: Amounts, form: str, now_ns: int) -> dict[str, Any]:
        """A new order in the form that was asked for."""
        if form == "ACK":
            return spot_orders.acknowledged(order, amounts, now_ns)
        if form == "RESULT":
            return spot_orders.resulted(order, amounts, now_ns)
        self._floor.tell()
        return spot_orders.filled(order, amounts, now_ns, self._floor.fills_of_order(order))

    def _cancelled(self, s: int, order: Order, client_id: str, now_ns: int) -> dict[str, Any]:
        client_id = client_id or f"practice{next(self._made):014d}"
        if order.is_open:
            self.cancel_ids[order.number] = client_id
        gone = self._told(self._floor.exchange.cancel(order.owner, s, order.number, now_ns))
        return spot_orders.cancelled(gone, self._amounts[s], now_ns, client_id)

    def _entered(self, wish: NewOrder, asked: Asked) -> Order:
        """An order that the exchange takes."""
        return self._told(self._floor.exchange.place(asked.owner, wish, asked.now_ns))

    def _told(self, made: Order | Refusal) -> Order:
        if isinstance(made, Refusal):
            raise worded(made)
        return made


def _tried(what: Callable[[], Any]) -> tuple[Any, bool]:
    """What is said, and whether it was done."""
    try:
        return what(), True
    except WireRefusal as refusal:
        return refusal.body, False


def trading_routes(trading: SpotTrading) -> Routes:
    """Their paths, weights and rights."""
    v3 = "/api/v3"

    def tests(given: Parameters) -> int:
        return 20 if given.flag("computeCommissionRates") else 1

    return {
        ("POST", f"{v3}/order"): Route(trading.place, 1, "trade", orders=1, is_free=True, kind="place"),
        ("POST", f"{v3}/order/test"): Route(trading.test, tests, "trade"),
        ("DELETE", f"{v3}/order"): Route(trading.cancel, 1, "trade", is_free=True, kind="cancel"),
        ("DELETE", f"{v3}/openOrders"): Route(trading.cancel_all, 1, "trade", is_free=True, kind="cancel"),
        ("POST", f"{v3}/order/cancelReplace"): Route(trading.replace, 1, "trade", orders=1, is_free=True, kind="place"),
        ("PUT", f"{v3}/order/amend/keepPriority"): Route(trading.amend, 4, "trade"),
    }
