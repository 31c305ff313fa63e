"""What is said on a connection of streams: subscribe, unsubscribe, what is subscribed, whether events are wrapped.

Source: binance_spot "Live subscribing" (2026-07); USD-M is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from metastackerbandit.practice.connection import Connection
from metastackerbandit.practice.hub import Family, Hub
from metastackerbandit.practice.message_id import is_message_id

_NAME = re.compile(r"[!-~]{1,128}|\w[^\s/]{0,127}")


def names_in(tail: str, query: Mapping[str, str]) -> list[str]:
    """Streams that an address asks for: its path behind the door, `streams=`, `listenKey=` (and of it `events=`, KEY?events=A/B).

    A number alone is a client's own count, no stream.
    """
    tail = "" if tail in ("ws", "") else tail.removeprefix("ws/")
    key, events = query.get("listenKey", ""), query.get("events", "")
    asked = [*unquote(tail).split("/"), *query.get("streams", "").split("/"), f"{key}?events={events}" if key and events else key]
    return [name for name in dict.fromkeys(asked) if name and not name.isdigit()]


class StreamTalk:
    """One client's subscriptions in a family of streams."""

    def __init__(self, connection: Connection, family: Family, hub: Hub, names: Iterable[str], *, is_wrapped: bool) -> None:
        self.is_wrapped = is_wrapped
        self._connection, self._family, self._hub = connection, family, hub
        self._names: dict[str, None] = {}
        self.subscribe(names)

    def subscribe(self, names: Iterable[str]) -> bool:
        """More streams; False, and none of them, where they would be too many."""
        wanted = dict.fromkeys((*self._names, *names))
        if len(wanted) > self._connection.manners.streams:
            return False
        for name in wanted:
            wrapper = b'{"stream":' + msgspec.json.encode(name) + b',"data":' if self.is_wrapped else b""
            self._hub.subscribe(self._family, name, self._connection, wrapper)
        self._names = wanted
        return True

    def heard(self, text: str) -> None:
        """A control message."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            self._say(_refused(3, f"Invalid JSON: {error}"))
            return
        self._say(self._answer(asked) if isinstance(asked, dict) else _refused(2, "Invalid request: it must be an object"))

    def closed(self) -> None:
        """Nobody listens any more."""
        for name in self._names:
            self._hub.leave(self._family, name, self._connection)

    def _say(self, what: Mapping[str, Any]) -> None:
        self._connection.send(msgspec.json.encode(what))

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is said to a control message."""
        number = asked.get("id")
        if not is_message_id(number):
            return _refused(2, "Invalid request: request ID must be an unsigned integer or a string of up to 36 letters")
        method, params = asked.get("method"), asked.get("params", [])
        if not isinstance(params, list):
            return _refused(2, "Invalid request: params must be a list", number)
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(self._names), "id": number}
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return self._subscriptions(method, params, number)
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(method, params, number)
        return _refused(
            2, "Invalid request: unknown variant, expected one of SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, SET_PROPERTY, GET_PROPERTY", number
        )

    def _subscriptions(self, method: str, params: list[Any], number: Any) -> dict[str, Any]:
        if not params or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in params):
            return _refused(2, "Invalid request: params must be names of streams", number)
        if method == "SUBSCRIBE":
            if not self.subscribe(params):
                return _refused(2, f"Invalid request: more than {self._connection.manners.streams} streams", number)
        else:
            for name in params:
                self._names.pop(name, None)
                self._hub.leave(self._family, name, self._connection)
        return {"result": None, "id": number}

    def _property(self, method: str, params: list[Any], number: Any) -> dict[str, Any]:
        if not params or params[0] != "combined":
            return _refused(0, "Unknown property", number)
        if method == "GET_PROPERTY":
            return {"result": self.is_wrapped, "id": number}
        if len(params) < 2 or not isinstance(params[1], bool):
            return _refused(1, "Invalid value type: expected Boolean", number)
        self.is_wrapped = params[1]
        self.subscribe(())
        return {"result": None, "id": number}


def _refused(code: int, msg: str, number: Any = None) -> dict[str, Any]:
    return {"code": code, "msg": msg, "id": number}
