"""Orders and account of Binance spot: each question as a request. Stops and targets are order types of its own; coins are locked by what rests."""

from __future__ import annotations

import json

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import (
    BalancesAsked,
    CancelAsked,
    FillsAsked,
    NewOrder,
    OpenOrdersAsked,
    OrderAsked,
    Question,
    RightsAsked,
    RulesAsked,
    Sort,
    TimeAsked,
)
from metastackerbandit.exchanges.binance.account_requests import (
    LONGEST_WINDOW_MS,
    life_of,
    named,
    not_offered,
    public,
    rights_request,
    signed,
    since_of,
)
from metastackerbandit.exchanges.binance.order_answers import (
    read_rights,
    read_spot_balances,
    read_spot_fills,
    read_spot_order,
    read_spot_orders,
    read_time,
    reply_of,
)
from metastackerbandit.exchanges.binance.order_errors import spot_verdict
from metastackerbandit.exchanges.binance.signing import Params, signed_params
from metastackerbandit.exchanges.binance.symbol_rules import read_rules
from metastackerbandit.exchanges.orders import Asking, OrderFamily, VenueOrders
from metastackerbandit.exchanges.streams import RestRequest, SocketPlan

_TYPES: dict[Sort, str] = {
    "market": "MARKET",
    "limit": "LIMIT",
    "stop": "STOP_LOSS",
    "stop_limit": "STOP_LOSS_LIMIT",
    "target": "TAKE_PROFIT",
    "target_limit": "TAKE_PROFIT_LIMIT",
}
_PAGE = 1_000


def request(question: Question, one: Instrument, asking: Asking) -> RestRequest:
    """The request of a question; UsageError for those of futures."""
    base, symbol = f"{asking.endpoints.binance_spot_rest}/api/v3", ("symbol", one.symbol)
    match question:
        case NewOrder():
            return signed("order", one, f"{base}/order", "POST", _order(question, one), asking, 1, 1)
        case CancelAsked():
            return signed("cancel", one, f"{base}/order", "DELETE", (symbol, *named(question)), asking, 1)
        case OrderAsked():
            return signed("order state", one, f"{base}/order", "GET", (symbol, *named(question)), asking, 4)
        case OpenOrdersAsked():
            return signed("open orders", one, f"{base}/openOrders", "GET", (symbol,), asking, 6)
        case FillsAsked():
            return signed("fills", one, f"{base}/myTrades", "GET", (symbol, since_of(question), ("limit", str(_PAGE))), asking, 20)
        case BalancesAsked():
            return signed("balances", one, f"{base}/account", "GET", (("omitZeroBalances", "true"),), asking, 20)
        case RightsAsked():
            return rights_request(one, asking)
        case RulesAsked():
            return public("rules", f"{base}/exchangeInfo?symbol={one.symbol}" if one.symbol else f"{base}/exchangeInfo", 20)
        case TimeAsked():
            return public("time", f"{base}/time", 1)
        case _:
            raise not_offered(question, "Binance spot")


def _order(order: NewOrder, one: Instrument) -> Params:
    """A new order's parameters; post-only is a type, and nothing reduces only, since nothing can be short."""
    is_maker = order.sort == "limit" and order.life == "post_only"
    params = [("symbol", one.symbol), ("side", order.side.upper()), ("type", "LIMIT_MAKER" if is_maker else _TYPES[order.sort])]
    if order.sort in ("limit", "stop_limit", "target_limit"):
        params += [] if is_maker else [("timeInForce", life_of(order, "GTC"))]
        params.append(("price", one.price_text(order.ticks)))
    params.append(("quantity", one.quantity_text(order.lots)))
    if order.waits:
        params.append(("stopPrice", one.price_text(order.trigger_ticks)))
    return (*params, ("newClientOrderId", order.client_id), ("newOrderRespType", "FULL"))


def private_plan(key: str, asking: Asking) -> SocketPlan:
    """The WebSocket API with a signed subscription, which is good for as long as the signature's window."""
    named_params = (("timestamp", str(asking.now_ms)), ("recvWindow", str(min(asking.window_ms, LONGEST_WINDOW_MS))))
    whole = dict(named_params)  # numbers travel as numbers, and are signed as the same digits
    params = {name: int(text) if name in whole else text for name, text in signed_params(asking.credentials, named_params).items()}
    opening = json.dumps({"id": "account", "method": "userDataStream.subscribe.signature", "params": params}).encode()
    return SocketPlan("account", f"{asking.endpoints.binance_spot_socket}/ws-api/v3", (opening,), ("account",), (), 0.25)


SPOT_ORDERS = VenueOrders(
    venue="BINANCE",
    market="spot",
    families=(OrderFamily(50, 10.0, "x-mbx-order-count-10s"), OrderFamily(160_000, 86_400.0, "x-mbx-order-count-1d")),
    request=request,
    verdict=spot_verdict,
    read_order=read_spot_order,
    read_orders=read_spot_orders,
    read_fills=read_spot_fills,
    read_balances=read_spot_balances,
    read_position=None,
    read_terms=None,
    read_rights=read_rights,
    read_rules=read_rules,
    read_time=read_time,
    read_stream_key=None,
    private_plan=private_plan,
    reply_of=reply_of,
    key_life_s=0.0,
    most_fills=_PAGE,
    waits_apart=False,
    amends=(),
    locks=True,
)
