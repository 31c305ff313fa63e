"""Orders over a real connection on loopback: the venue in memory behind an HTTP server, which sees signatures over exactly the text that was sent."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from metastackerbandit.domain.rows import FILLED
from metastackerbandit.exchanges.credentials import Credentials
from metastackerbandit.exchanges.settings import EndpointSettings, TransportSettings
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.runtime.account_desk import open_account
from metastackerbandit.runtime.order_desk import OrderDesk
from tests.covering import covers
from tests.exchanges.transport.test_loopback import driven, serving
from tests.runtime.order_scene import Scene
from tests.runtime.pretended_exchange import SECRET
from tests.runtime.virtual_time import START_NS, VirtualClock


@covers("2.122", "2.123")
@pytest.mark.parametrize("market", ["spot", "perp"])
def test_an_order_is_sent_signed_filled_and_known(market: str) -> None:
    scene = Scene(market, fills_s=0.1, retry_s=0.05)
    keys: set[str] = set()

    async def reply(request: web.Request) -> web.StreamResponse:
        keys.add(request.headers.get("X-MBX-APIKEY", ""))
        answer = await scene.venue.ask(f"http://venue{request.raw_path}", method=request.method)
        return web.Response(status=answer.status, body=answer.body)

    async def work() -> None:
        clock = VirtualClock()
        async with serving(reply) as address, AiohttpRest(TransportSettings(), clock.now_ns) as rest:
            hosts = EndpointSettings(binance_spot_rest=f"http://{address}", binance_perp_rest=f"http://{address}")
            scene.account = open_account(scene.one, rest, Credentials("key", SECRET), hosts, clock, scene.settings, scene.events.append)
            await scene.account.clock.measure()
            scene.desk = OrderDesk(
                [scene.one], "run-1", scene.account, clock, scene.settings, scene.take, scene.events.append, START_NS, scene.words.append
            )
            running = asyncio.ensure_future(scene.desk.run())
            number = scene.submit(10)
            while scene.orders[number].state != FILLED:
                await asyncio.sleep(0.02)
            stop = scene.stop(-5, 490_000)
            while scene.told(stop) != ["working"]:
                await asyncio.sleep(0.02)
            scene.cancel(stop)
            while scene.told(stop)[-1] != "cancelled":
                await asyncio.sleep(0.02)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    driven(work())
    scene.agree()
    assert scene.told(1)[-1] == "filled" and "key" in keys
