"""Binance spot's WebSocket API: the same answers as by REST, and the user stream, which is subscribed to there.

Source: binance_spot "User data: what replaced listenKey" (2026-02). Logging on takes an Ed25519 key, which a loopback exchange does not hand out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from metastackerbandit.practice.api_talk import ApiTalk, Methods
from metastackerbandit.practice.connection import Connection
from metastackerbandit.practice.desk import Desk
from metastackerbandit.practice.faults import Faults, Switched
from metastackerbandit.practice.hub import Family, Hub
from metastackerbandit.practice.replies import Asked, Route, Routes, WireRefusal
from metastackerbandit.practice.user_log import UserLog, UserStream
from metastackerbandit.practice.venue_time import VenueTime

PATHS: Mapping[str, tuple[str, str]] = {
    "ping": ("GET", "/api/v3/ping"),
    "time": ("GET", "/api/v3/time"),
    "exchangeInfo": ("GET", "/api/v3/exchangeInfo"),
    "depth": ("GET", "/api/v3/depth"),
    "trades.recent": ("GET", "/api/v3/trades"),
    "trades.historical": ("GET", "/api/v3/historicalTrades"),
    "trades.aggregate": ("GET", "/api/v3/aggTrades"),
    "klines": ("GET", "/api/v3/klines"),
    "uiKlines": ("GET", "/api/v3/uiKlines"),
    "avgPrice": ("GET", "/api/v3/avgPrice"),
    "ticker.24hr": ("GET", "/api/v3/ticker/24hr"),
    "ticker.price": ("GET", "/api/v3/ticker/price"),
    "ticker.book": ("GET", "/api/v3/ticker/bookTicker"),
    "order.place": ("POST", "/api/v3/order"),
    "order.test": ("POST", "/api/v3/order/test"),
    "order.cancel": ("DELETE", "/api/v3/order"),
    "order.cancelReplace": ("POST", "/api/v3/order/cancelReplace"),
    "order.amend.keepPriority": ("PUT", "/api/v3/order/amend/keepPriority"),
    "order.status": ("GET", "/api/v3/order"),
    "openOrders.status": ("GET", "/api/v3/openOrders"),
    "openOrders.cancelAll": ("DELETE", "/api/v3/openOrders"),
    "allOrders": ("GET", "/api/v3/allOrders"),
    "myTrades": ("GET", "/api/v3/myTrades"),
    "account.status": ("GET", "/api/v3/account"),
    "account.commission": ("GET", "/api/v3/account/commission"),
    "account.rateLimits.orders": ("GET", "/api/v3/rateLimit/order"),
}
_MOST = 1_000  # subscriptions at once on a connection


class SpotApi:
    """Talks to clients of the WebSocket API; `log` is what user streams tell."""

    def __init__(self, desk: Desk, routes: Routes, hub: Hub, log: UserLog, time: VenueTime, faults: Faults) -> None:
        self._desk, self._hub, self._time, self._faults = desk, hub, time, faults
        self._methods = {name: routes[place] for name, place in PATHS.items()}
        self._family = Family("spot user", lambda name: UserStream(log, int(name)))
        self._sessions: set[_Session] = set()

    def talk(self, connection: Connection, query: Mapping[str, str]) -> ApiTalk:
        """A new client."""
        session = _Session(connection, self._hub, self._family, self._time)
        self._sessions.add(session)

        def ends() -> None:
            session.end_all(is_told=False)
            self._sessions.discard(session)

        return ApiTalk(connection, self._desk, {**self._methods, **session.methods()}, self._answered, ends)

    def act(self, switched: Switched) -> None:
        """Every user stream ends where the fault is that they expire."""
        if switched.fault.name == "listen_key" and switched.is_on:
            for session in list(self._sessions):
                session.end_all(is_told=True)
            self._faults.switch_off("listen_key")

    def _answered(self) -> None:
        self._hub.emit_urgent(self._time.now_ns())


class _Session:
    """One client's subscriptions to accounts, by their number."""

    def __init__(self, connection: Connection, hub: Hub, family: Family, time: VenueTime) -> None:
        self._connection, self._hub, self._family, self._time = connection, hub, family, time
        self._owners: dict[int, int] = {}
        self._next = 0

    def methods(self) -> Methods:
        """What this client alone may ask."""
        return {
            "userDataStream.subscribe.signature": Route(self._subscribe, 2, "user"),
            "userDataStream.subscribe": Route(self._not_logged_on, 2),
            "userDataStream.unsubscribe": Route(self._unsubscribe, 2),
            "session.subscriptions": Route(self._told, 2),
            "session.status": Route(self._status, 2),
            "session.logon": Route(self._no_logon, 2),
            "session.logout": Route(self._status, 2),
        }

    def end_all(self, *, is_told: bool) -> None:
        """End every subscription."""
        for number in list(self._owners):
            self._end(number, is_told=is_told)

    def _subscribe(self, asked: Asked) -> dict[str, Any]:
        if asked.owner in self._owners.values():
            raise WireRefusal(400, -2035, "User Data Stream subscription already active.")
        if len(self._owners) >= _MOST:
            raise WireRefusal(400, -2042, "Too many subscriptions.")
        number, self._next = self._next, self._next + 1
        self._owners[number] = asked.owner
        self._hub.subscribe(self._family, str(asked.owner), self._connection, b'{"subscriptionId":%d,"event":' % number)
        return {"subscriptionId": number}

    def _unsubscribe(self, asked: Asked) -> dict[str, Any]:
        number = asked.given.whole("subscriptionId", -1)
        if number >= 0 and number not in self._owners:
            raise WireRefusal(400, -2036, "User Data Stream subscription not active.")
        for one in list(self._owners) if number < 0 else [number]:
            self._end(one, is_told=True)
        return {}

    def _end(self, number: int, *, is_told: bool) -> None:
        self._hub.leave(self._family, str(self._owners.pop(number)), self._connection)
        if is_told:
            event = {"e": "eventStreamTerminated", "E": self._time.told_ms()}
            self._connection.send(msgspec.json.encode({"subscriptionId": number, "event": event}))

    def _told(self, asked: Asked) -> list[dict[str, int]]:
        return [{"subscriptionId": number} for number in self._owners]

    def _status(self, asked: Asked) -> dict[str, Any]:
        return {
            "apiKey": None,
            "authorizedSince": None,
            "connectedSince": self._connection.begun_ms,
            "returnRateLimits": True,
            "serverTime": self._time.told_ms(),
            "userDataStream": bool(self._owners),
        }

    def _no_logon(self, asked: Asked) -> dict[str, Any]:
        raise WireRefusal(400, -4056, "HMAC_SHA256 API key is not supported.")

    def _not_logged_on(self, asked: Asked) -> dict[str, Any]:
        raise WireRefusal(401, -2015, "Not logged on: use userDataStream.subscribe.signature.")
