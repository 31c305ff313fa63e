"""Requests over HTTP: text as it was received to a call of a market's desk, and its answer to bytes. Whatever is sent, the answer is JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from metastackerbandit.practice.desk import Answer, Call, Desk
from metastackerbandit.practice.doorkeeper import signed_text
from metastackerbandit.practice.replies import Routes

Arrived = Callable[[Call], None]
_BODY = 65_536  # bytes
_PARAMETERS = 200


def parameters_of(text: str) -> dict[str, str]:
    """Form text to parameters, the first of a name counts; those beyond a bound are left out."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace")[:_PARAMETERS]:
        found.setdefault(name, value)
    return found


def call_of(method: str, query: str, body: str, api_key: str, address: str) -> Call:
    """A request: parameters of query and body, where the query counts in a clash; GET has no body."""
    body = "" if method == "GET" else body
    return Call(parameters_of(body) | parameters_of(query), signed_text((query, body)), api_key, address)


def response_of(answer: Answer) -> web.Response:
    """An answer as bytes."""
    return web.Response(body=msgspec.json.encode(answer.body), status=answer.http, headers=dict(answer.headers), content_type="application/json")


class RestDoor:
    """Answers HTTP requests: `sides` are the desks of markets with their routes; where two have one, it is the first's. `arrived` is told of each
    request before anything is done with it, `answered` is called before each answer is sent.
    """

    def __init__(self, sides: Sequence[tuple[Desk, Routes]], answered: Callable[[], None], arrived: Arrived) -> None:
        self._routes = {place: (desk, route) for desk, routes in reversed(sides) for place, route in routes.items()}
        self._paths = {path for _, path in self._routes}
        self._answered, self._arrived = answered, arrived

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        path, _, query = request.raw_path.partition("?")
        found = self._routes.get((request.method, path))
        if found is None:
            http = 405 if path in self._paths else 404
            return response_of(Answer(http, {"code": -5000, "msg": f"Path {path}, Method {request.method} is invalid"}))
        desk, route = found
        if (request.content_length or 0) > _BODY:
            return response_of(Answer(413, {"code": -1100, "msg": "The body is too large."}))
        body = (await request.read()).decode("utf-8", "surrogateescape")
        call = call_of(request.method, query, body, request.headers.get("X-MBX-APIKEY", ""), request.remote or "")
        self._arrived(call)
        if held_s := desk.hold_s(route, call):
            await asyncio.sleep(held_s)
        answer = desk.answer(route, call)
        self._answered()
        if answer.late_s:
            await asyncio.sleep(answer.late_s)
        return response_of(answer)
