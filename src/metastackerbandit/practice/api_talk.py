"""Requests over a WebSocket (WS-API): the same desk answers them, signed by parameters in the order of their names.

Source: binance_spot "WebSocket API" (2026-07). Prices and sizes come as text or as JSON numbers, which are signed as they are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from metastackerbandit.practice.allowance import Sort
from metastackerbandit.practice.connection import Connection
from metastackerbandit.practice.desk import Answer, Call, Desk
from metastackerbandit.practice.doorkeeper import sorted_text
from metastackerbandit.practice.message_id import is_message_id
from metastackerbandit.practice.replies import Route

Methods = Mapping[str, Route]


class ApiTalk:
    """Answers a client's requests: `methods` as routes. `answered` is called before each answer is sent, `ends` when the connection has ended."""

    def __init__(self, connection: Connection, desk: Desk, methods: Methods, answered: Callable[[], None], ends: Callable[[], None]) -> None:
        self.connection = connection
        self._desk, self._methods, self._answered, self._ends = desk, methods, answered, ends

    def heard(self, text: str) -> None:
        """A request."""
        try:
            asked = msgspec.json.decode(text)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse(None, -1000, "Request is not a valid JSON object.")
            return
        number, params = asked.get("id"), asked.get("params", {})
        if not is_message_id(number):
            self._refuse(None, -1000, "id must be a number, a string of up to 36 letters, or null.")
        elif not isinstance(params, dict):
            self._refuse(number, -1000, "params must be an object.")
        else:
            self._ask(number, str(asked.get("method", "")).removeprefix("v3/"), params)

    def closed(self) -> None:
        """The client is gone."""
        self._ends()

    def _ask(self, number: Any, method: str, params: dict[str, Any]) -> None:
        """Let the desk answer, now or when a fault lets the request arrive."""
        route = self._methods.get(method)
        if route is None:
            self._refuse(number, -1000, "Method is not supported.", 404)
            return
        given = {str(name): _text(value) for name, value in params.items() if value is not None}
        call = Call(given, sorted_text(given), given.get("apiKey", ""), self.connection.address)
        tells_limits = given.pop("returnRateLimits", "true").lower() != "false"  # it is signed all the same
        held_s = self._desk.hold_s(route, call)
        if held_s:
            asyncio.get_running_loop().call_later(held_s, self._answer, number, route, call, tells_limits)
        else:
            self._answer(number, route, call, tells_limits)

    def _answer(self, number: Any, route: Route, call: Call, tells_limits: bool) -> None:
        answer = self._desk.answer(route, call)
        self._answered()
        data = msgspec.json.encode(self._frame(number, answer, route, call, tells_limits))
        if answer.late_s:
            asyncio.get_running_loop().call_later(answer.late_s, self.connection.send, data)
        else:
            self.connection.send(data)

    def _frame(self, number: Any, answer: Answer, route: Route, call: Call, tells_limits: bool) -> dict[str, Any]:
        frame: dict[str, Any] = {"id": number, "status": answer.http, "result" if answer.http == 200 else "error": answer.body}
        if tells_limits:
            sorts: list[Sort] = ["ORDERS", "REQUEST_WEIGHT"] if route.orders and answer.owner else ["REQUEST_WEIGHT"]
            frame["rateLimits"] = self._desk.allowance.counted(call.address, answer.owner, sorts)
        return frame

    def _refuse(self, number: Any, code: int, msg: str, status: int = 400) -> None:
        self.connection.send(msgspec.json.encode({"id": number, "status": status, "error": {"code": code, "msg": msg}}))


def _text(value: Any) -> str:
    """A JSON value as it is signed."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
