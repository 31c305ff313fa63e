"""Faults are switched by REST: `GET /practice/faults` tells them, `POST` (a JSON Fault) switches one on, `DELETE ?name=` one off, or all."""

from __future__ import annotations

import msgspec
from aiohttp import web

from metastackerbandit.practice.desk import Answer
from metastackerbandit.practice.faults import FAULTS, Fault, Faults
from metastackerbandit.practice.rest import parameters_of, response_of

PATH = "/practice/faults"


async def switch(request: web.Request, faults: Faults) -> web.Response:
    """One request for the switchboard."""
    if request.method == "POST":
        try:
            fault = msgspec.json.decode(await request.read(), type=Fault)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return response_of(Answer(400, {"code": -1102, "msg": f"not a fault: {error}"}))
        if fault.name not in FAULTS:
            return response_of(Answer(400, {"code": -1102, "msg": f"no fault is called {fault.name[:64]!r}: {', '.join(FAULTS)}"}))
        faults.switch_on(fault)
    elif request.method == "DELETE":
        name = parameters_of(request.raw_path.partition("?")[2]).get("name")
        for one in [name] if name else [fault.name for fault in faults.all()]:
            faults.switch_off(one)
    elif request.method != "GET":
        return response_of(Answer(405, {"code": -5000, "msg": f"Path {PATH}, Method {request.method} is invalid"}))
    return response_of(Answer(200, {"on": faults.all(), "known": FAULTS}))
