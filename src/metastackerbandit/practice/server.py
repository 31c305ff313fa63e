"""The venue as a process: http and ws on one port, https and wss on another, a loop that lets the markets go on, and an orderly stop.

How a market is plugged in stands in side.py.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

import msgspec
from aiohttp import web

from metastackerbandit.practice import faults_door
from metastackerbandit.practice.connection import Connection, Talk, accepted
from metastackerbandit.practice.desk import Answer
from metastackerbandit.practice.faults import Faults, Switched
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.rest import RestDoor, parameters_of, response_of
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.side import Side, stream_door
from metastackerbandit.practice.stream_talk import StreamTalk, names_in
from metastackerbandit.practice.venue_time import VenueTime

HOST = "127.0.0.1"
_LOOK_S = 1.0  # between looks at connections: pings, silence, life


class Venue:
    """Serves its sides on this machine alone. `start` gives the port; `stop` ends every connection. `market` names what is traded: another name,
    another past."""

    def __init__(self, sides: Sequence[Side], time: VenueTime, faults: Faults, hub: Hub, settings: PracticeSettings, market: str = "") -> None:
        self._market = market
        self.sides, self.time, self.faults, self.hub, self._settings = sides, time, faults, hub, settings
        self.connections: set[Connection] = set()
        self.requests = self.accepted = 0  # since it began: requests answered, WebSockets accepted
        self._rest = RestDoor([(side.desk, side.routes) for side in sides], self._answered)
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._looked_s = time.wall_s()
        faults.watchers.append(self._act)
        for side in sides:
            faults.watchers += side.acts

    async def start(self, port: int = 0, *, tls: ssl.SSLContext | None = None, tls_port: int = 0) -> tuple[int, int]:
        """Serve on a port (0: one that is free), and with TLS on another where a context is given; both ports, 0 for none."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        if tls is not None:
            await web.TCPSite(self._runner, HOST, tls_port, ssl_context=tls).start()
        self._tasks.append(asyncio.create_task(self._go_on()))
        bound = [address[1] for address in self._runner.addresses]
        return bound[0], bound[1] if tls is not None else 0

    async def stop(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self.connections):
            connection.end("the venue stops")
        if self._runner is not None:
            await self._runner.cleanup()

    def step(self) -> None:
        """Let the markets go on to now, and tell what is due."""
        now_ns = self.time.now_ns()
        for side in self.sides:
            side.desk.floor.advance(now_ns)
        self.hub.emit(now_ns)
        if self.time.wall_s() >= self._looked_s + _LOOK_S:
            self._looked_s = self.time.wall_s()
            for connection in list(self.connections):
                connection.look()

    async def _go_on(self) -> None:
        """Step for ever. An error ends the loop, and is raised by whoever waits for the venue (`ended`)."""
        while True:
            self.step()
            await asyncio.sleep(self._settings.look_ms / 1_000)

    async def ended(self) -> None:
        """Wait until the venue's loop ends; what ended it is raised."""
        await asyncio.gather(*self._tasks)

    def _answered(self) -> None:
        """A request was answered: accounts hear at once what it did."""
        self.hub.emit_urgent(self.time.now_ns())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """One request, or one WebSocket."""
        path = request.raw_path.partition("?")[0]
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._connect(request, path)
        if path == faults_door.PATH:
            return await faults_door.switch(request, self.faults)
        if path == "/practice":
            lineage = {side.name: side.desk.floor.source.lineage for side in self.sides}
            return response_of(
                Answer(
                    200,
                    {
                        "markets": lineage,
                        "market": self._market,
                        "since": str(self.time.begun_ns),
                        "rate": self.time.speed,
                        "serverTime": self.time.told_ms(),
                    },
                )
            )
        self.requests += 1
        return await self._rest.answer(request)

    async def _connect(self, request: web.Request, path: str) -> web.StreamResponse:
        """Accept a WebSocket, and talk on it until it ends."""
        query = parameters_of(request.raw_path.partition("?")[2])
        for side in self.sides:
            door, talk = stream_door(side, path), side.talks.get(path)
            if door is None and talk is None:
                continue
            if door is not None and len(names_in(door.tail, query)) > side.manners.streams:
                return response_of(Answer(400, {"code": 2, "msg": f"more than {side.manners.streams} streams"}))
            connection = await accepted(request, side.manners, self.time, self.faults, self._settings.queue)
            self.connections.add(connection)
            self.accepted += 1
            made: Talk
            if talk is not None:
                made = talk(connection, query)
            else:
                assert door is not None
                made = StreamTalk(connection, door.family, self.hub, names_in(door.tail, query), is_wrapped=door.is_wrapped)
            try:
                await connection.live(made)
            finally:
                self.connections.discard(connection)
            return connection.response
        return response_of(Answer(404, {"code": -5000, "msg": f"Path {path} is invalid"}))

    def _act(self, switched: Switched) -> None:
        """Faults that are acts of the whole venue."""
        fault = switched.fault
        if fault.name == "skew":
            self.time.skew_ms = int(fault.amount) if switched.is_on else 0
        elif fault.name == "end_of_life" and switched.is_on:
            for connection in list(self.connections):
                connection.end("its life is over")
            self.faults.switch_off(fault.name)
        elif fault.name == "shutdown" and switched.is_on:
            self._shut_down(fault.amount)
            self.faults.switch_off(fault.name)

    def _shut_down(self, late_s: float) -> None:
        """Tell every connection that the server goes, and close those that are still there a while later."""
        told = {"e": "serverShutdown", "E": self.time.told_ms()}
        there = list(self.connections)
        for connection in there:
            if not isinstance(connection.talk, StreamTalk):
                body: dict[str, object] = {"event": told}
            else:
                body = {"stream": "!serverShutdown", "data": told} if connection.talk.is_wrapped else told
            connection.send(msgspec.json.encode(body))
        loop = asyncio.get_running_loop()
        for connection in there:
            loop.call_later(late_s, connection.end, "serverShutdown")
