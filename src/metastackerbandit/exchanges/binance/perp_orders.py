"""Orders and account of Binance USD-M: each question as a request. Orders that wait for a price go to a service of their own (2025-12-09)."""

from __future__ import annotations

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import (
    AmendAsked,
    BalancesAsked,
    CancelAsked,
    FillsAsked,
    LeverageAsked,
    MarginAsked,
    NewOrder,
    OneWayAsked,
    OpenOrdersAsked,
    OrderAsked,
    PositionsAsked,
    Question,
    RightsAsked,
    RulesAsked,
    Sort,
    StreamKeyAsked,
    StreamKeyKept,
    TermsAsked,
    TimeAsked,
)
from metastackerbandit.exchanges.binance.account_requests import keyed, life_of, named, not_offered, public, rights_request, signed, since_of
from metastackerbandit.exchanges.binance.order_answers import (
    MARGIN_MODES,
    read_perp_balances,
    read_perp_fills,
    read_perp_order,
    read_perp_orders,
    read_perp_position,
    read_perp_terms,
    read_rights,
    read_stream_key,
    read_time,
    reply_of,
)
from metastackerbandit.exchanges.binance.order_errors import perp_verdict
from metastackerbandit.exchanges.binance.signing import Params
from metastackerbandit.exchanges.binance.symbol_rules import read_rules
from metastackerbandit.exchanges.orders import Asking, OrderFamily, VenueOrders
from metastackerbandit.exchanges.streams import RestRequest, SocketPlan, hosts_of

_TYPES: dict[Sort, str] = {
    "market": "MARKET",
    "limit": "LIMIT",
    "stop": "STOP_MARKET",
    "stop_limit": "STOP",
    "target": "TAKE_PROFIT_MARKET",
    "target_limit": "TAKE_PROFIT",
}
_TRIGGERS = {"mark": "MARK_PRICE", "last": "CONTRACT_PRICE"}
_MARGINS = {mode: word for word, mode in MARGIN_MODES.items()}
_PAGE = 1_000


def request(question: Question, one: Instrument, asking: Asking) -> RestRequest:
    """The request of a question."""
    host = asking.endpoints.binance_perp_rest
    base, symbol = f"{host}/fapi/v1", ("symbol", one.symbol)
    match question:
        case NewOrder() | CancelAsked() | OrderAsked() | OpenOrdersAsked() if question.waits:
            return _waiting(question, one, asking)
        case NewOrder():
            return signed("order", one, f"{base}/order", "POST", _order(question, one), asking, 0, 1)
        case CancelAsked():
            return signed("cancel", one, f"{base}/order", "DELETE", (symbol, *named(question)), asking, 1)
        case AmendAsked():
            size = (("quantity", one.quantity_text(question.lots)), ("price", one.price_text(question.ticks)))
            params = (symbol, ("side", question.side.upper()), ("origClientOrderId", question.client_id), *size)
            return signed("amend", one, f"{base}/order", "PUT", params, asking, 0, 1)
        case OrderAsked():
            return signed("order state", one, f"{base}/order", "GET", (symbol, *named(question)), asking, 1)
        case OpenOrdersAsked():
            return signed("open orders", one, f"{base}/openOrders", "GET", (symbol,), asking, 1)
        case FillsAsked():
            return signed("fills", one, f"{base}/userTrades", "GET", (symbol, since_of(question), ("limit", str(_PAGE))), asking, 5)
        case BalancesAsked():
            return signed("balances", one, f"{host}/fapi/v3/balance", "GET", (), asking, 5)
        case PositionsAsked():
            return signed("positions", one, f"{host}/fapi/v3/positionRisk", "GET", (symbol,), asking, 5)
        case LeverageAsked():
            return signed("leverage", one, f"{base}/leverage", "POST", (symbol, ("leverage", str(question.leverage))), asking, 1)
        case MarginAsked():
            return signed("margin", one, f"{base}/marginType", "POST", (symbol, ("marginType", _MARGINS[question.mode])), asking, 1)
        case TermsAsked():
            return signed("terms", one, f"{base}/symbolConfig", "GET", (symbol,), asking, 5)
        case OneWayAsked():
            return signed("one way", one, f"{base}/positionSide/dual", "POST", (("dualSidePosition", "false"),), asking, 1)
        case RightsAsked():
            return rights_request(one, asking)
        case StreamKeyAsked():
            return keyed("stream key", f"{base}/listenKey", "POST", (), asking)
        case StreamKeyKept():
            return keyed("stream key", f"{base}/listenKey", "PUT", (), asking)
        case RulesAsked():
            return public("rules", f"{base}/exchangeInfo", 1)
        case TimeAsked():
            return public("time", f"{base}/time", 1)
        case _:
            raise not_offered(question, "Binance USD-M")


def _order(order: NewOrder, one: Instrument) -> Params:
    """The parameters of a new order that does not wait."""
    params = [("symbol", one.symbol), ("side", order.side.upper()), ("type", _TYPES[order.sort])]
    if order.sort == "limit":
        params += [("timeInForce", life_of(order, "GTX")), ("price", one.price_text(order.ticks))]
    params.append(("quantity", one.quantity_text(order.lots)))
    params += [("reduceOnly", "true")] if order.reduces_only else []
    return (*params, ("newClientOrderId", order.client_id), ("newOrderRespType", "RESULT"))


def _waiting(question: NewOrder | CancelAsked | OrderAsked | OpenOrdersAsked, one: Instrument, asking: Asking) -> RestRequest:
    """The same questions of orders that wait for a price."""
    url, symbol = f"{asking.endpoints.binance_perp_rest}/fapi/v1/algoOrder", ("symbol", one.symbol)
    match question:
        case NewOrder():
            return signed("order", one, url, "POST", _waiting_order(question, one), asking, 0, 1)
        case CancelAsked():
            return signed("cancel", one, url, "DELETE", (symbol, *named(question, "clientAlgoId", "algoId")), asking, 1)
        case OrderAsked():
            return signed("order state", one, url, "GET", (symbol, *named(question, "clientAlgoId", "algoId")), asking, 1)
        case OpenOrdersAsked():
            return signed("open orders", one, f"{asking.endpoints.binance_perp_rest}/fapi/v1/openAlgoOrders", "GET", (symbol,), asking, 1)


def _waiting_order(order: NewOrder, one: Instrument) -> Params:
    """The parameters of a new order that waits; its trigger's source is always stated."""
    params = [("algoType", "CONDITIONAL"), ("symbol", one.symbol), ("side", order.side.upper()), ("type", _TYPES[order.sort])]
    if order.sort in ("stop_limit", "target_limit"):
        params += [("timeInForce", life_of(order, "GTX")), ("price", one.price_text(order.ticks))]
    params += [("quantity", one.quantity_text(order.lots)), ("triggerPrice", one.price_text(order.trigger_ticks))]
    params += [("workingType", _TRIGGERS[order.trigger_by])]
    params += [("reduceOnly", "true")] if order.reduces_only else []
    return (*params, ("clientAlgoId", order.client_id))


def private_plan(key: str, asking: Asking) -> SocketPlan:
    """The private route with the stream's key, which no log may show."""
    base = f"{hosts_of(asking.endpoints.binance_perp_stream)[0]}/private/ws"
    return SocketPlan("account", f"{base}/{key}", (), ("account",), (), 0.125, shown=f"{base}/...")


PERP_ORDERS = VenueOrders(
    venue="BINANCE",
    market="perp",
    families=(OrderFamily(300, 10.0, "x-mbx-order-count-10s"), OrderFamily(1_200, 60.0, "x-mbx-order-count-1m")),
    request=request,
    verdict=perp_verdict,
    read_order=read_perp_order,
    read_orders=read_perp_orders,
    read_fills=read_perp_fills,
    read_balances=read_perp_balances,
    read_position=read_perp_position,
    read_terms=read_perp_terms,
    read_rights=read_rights,
    read_rules=read_rules,
    read_time=read_time,
    read_stream_key=read_stream_key,
    private_plan=private_plan,
    reply_of=reply_of,
    key_life_s=3_600.0,
    most_fills=_PAGE,
    waits_apart=True,
    amends=("limit",),
    locks=False,
)
