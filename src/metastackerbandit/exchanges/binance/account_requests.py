"""How a question to Binance about an account is put: signed, timed, with its weight."""

from __future__ import annotations

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.trading import CancelAsked, FillsAsked, NewOrder, OrderAsked, Question
from metastackerbandit.exchanges.binance.signing import KEY_HEADER, Params, query_text, signed_query
from metastackerbandit.exchanges.kline_rows import MS
from metastackerbandit.exchanges.orders import CANCELS_FIRST, ORDERS_LAST, QUERIES_NEXT, Asking
from metastackerbandit.exchanges.streams import RestRequest

LONGEST_WINDOW_MS = 60_000  # the venue's own bound
LIVES = {"gtc": "GTC", "ioc": "IOC", "fok": "FOK"}
URGENCIES = {"cancel": CANCELS_FIRST, "order": ORDERS_LAST, "amend": ORDERS_LAST}


def signed(what: str, one: Instrument, url: str, method: str, params: Params, asking: Asking, weight: int, orders: int = 0) -> RestRequest:
    """A request with time and signature."""
    timed = (*params, ("recvWindow", str(min(asking.window_ms, LONGEST_WINDOW_MS))), ("timestamp", str(asking.now_ms)))
    query = signed_query(asking.credentials, query_text(timed))
    urgency = URGENCIES.get(what, QUERIES_NEXT)
    return RestRequest(what, one.symbol, f"{url}?{query}", weight, method=method, headers=_key(asking), orders=orders, urgency=urgency)


def keyed(what: str, url: str, method: str, params: Params, asking: Asking) -> RestRequest:
    """A request with the key alone; its answer is a key too, and stands in no log."""
    query = f"?{query_text(params)}" if params else ""
    return RestRequest(what, "", f"{url}{query}", 1, method=method, headers=_key(asking), urgency=QUERIES_NEXT, is_kept=False)


def public(what: str, url: str, weight: int) -> RestRequest:
    """A request that anybody may make."""
    return RestRequest(what, "", url, weight, urgency=QUERIES_NEXT)


def named(question: CancelAsked | OrderAsked, client_name: str = "origClientOrderId", id_name: str = "orderId") -> Params:
    """The name of an order: the venue's where it is known, else ours."""
    return ((id_name, question.order_id),) if question.order_id else ((client_name, question.client_id),)


def since_of(question: FillsAsked) -> tuple[str, str]:
    """From where on fills are asked for."""
    return ("fromId", question.from_trade) if question.from_trade else ("startTime", str(question.from_ns // MS))


def rights_request(one: Instrument, asking: Asking) -> RestRequest:
    """The key's own page, which only spot's host has."""
    return signed("rights", one, f"{asking.endpoints.binance_spot_rest}/sapi/v1/account/apiRestrictions", "GET", (), asking, 1)


def life_of(order: NewOrder, post_only: str) -> str:
    """How long an order lives, in the venue's word."""
    return post_only if order.life == "post_only" else LIVES[order.life]


def not_offered(question: Question, where: str) -> UsageError:
    """The error of a question that a market does not have."""
    return UsageError(f"{where} has no question {type(question).__name__}", mend="ask the venue's futures market, or leave it out")


def _key(asking: Asking) -> tuple[tuple[str, str], ...]:
    return ((KEY_HEADER, asking.credentials.key),)
