"""Sockets and requests against servers on loopback: frames as they were sent, every end with its code and reason, every failure by name."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from aiohttp import TraceConfig, TraceRequestHeadersSentParams, web

from metastackerbandit.domain.errors import ConnectFailed, RateLimited, RequestFailed
from metastackerbandit.exchanges.settings import TransportSettings
from metastackerbandit.exchanges.transport.aiohttp_rest import AiohttpRest
from metastackerbandit.exchanges.transport.picows_socket import PicowsConnector
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed, Connection
from tests.covering import covers

SETTINGS = TransportSettings(connect_s=0.5, request_s=0.3, most_frame_bytes=4_096, most_body_bytes=10_000)


class Heard:
    """A listener that writes down what it hears, and stumbles on demand."""

    def __init__(self, stumbles: bool = False) -> None:
        self.frames: list[bytes] = []
        self.times: list[int] = []
        self.pongs: list[bytes] = []
        self.errors: list[BaseException] = []
        self.over: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self.stumbles = stumbles
        self.began: list[int] = []

    def opened(self, at_ns: int) -> None:
        assert not self.frames
        self.began.append(at_ns)

    def heard(self, frame: bytes, received_ns: int) -> None:
        if self.stumbles:
            raise RuntimeError("the log is full")
        self.frames.append(frame)
        self.times.append(received_ns)

    def ponged(self, payload: bytes, received_ns: int) -> None:
        self.pongs.append(payload)

    def ended(self, how: Closed) -> None:
        self.over.set_result(how)

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


def now_ns(count: list[int] = [0]) -> int:  # noqa: B006 - a clock that counts its readings
    count[0] += 1
    return count[0]


def driven(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(work, 5))


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]], trust: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server on a free port: its host and port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust)
    await site.start()
    assert site._server is not None
    host, port = site._server.sockets[0].getsockname()[:2]  # type: ignore[attr-defined]
    try:
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


def socket_server(talk: Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await talk(socket, request)
        return socket

    return handler


async def connected(address: str, heard: Heard) -> Connection:
    return await PicowsConnector(SETTINGS, now_ns).connect(f"ws://{address}/stream?streams=a/b", heard)


def raw(opcode: int, body: bytes, *, is_last: bool = True) -> bytes:
    """One frame as a server writes it."""
    length = bytes([len(body)]) if len(body) < 126 else b"\x7e" + struct.pack(">H", len(body))
    return bytes([(0x80 if is_last else 0) | opcode]) + length + body


@covers("2.030")
def test_frames_come_whole_in_order_and_stamped_and_a_goodbye_has_its_words() -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        assert request.query["streams"] == "a/b"
        assert request.transport is not None
        await socket.send_str("{}")
        await socket.send_bytes(b"\x00\xff\n")
        request.transport.write(raw(1, b"in ", is_last=False) + raw(0, b"three ", is_last=False) + raw(9, b"ping") + raw(0, b"parts"))  # type: ignore[attr-defined]
        assert (await socket.receive()).data == "hello"
        await socket.close(code=1001, message=b"maintenance")

    async def work() -> None:
        async with serving(socket_server(talk)) as address:
            heard = Heard()
            connection = await connected(address, heard)
            connection.send(b"hello")
            connection.ping(b"17")
            how = await heard.over
            connection.send(b"to nobody")
            connection.close(1000, "twice")
        assert heard.frames == [b"{}", b"\x00\xff\n", b"in three parts"]
        assert heard.times == sorted(heard.times) and heard.began[0] < heard.times[0]
        assert how == Closed(1001, "maintenance", "venue")

    driven(work())


def test_a_ping_is_answered_and_our_own_goodbye_is_ours() -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        async for _ in socket:
            pass

    async def work() -> None:
        async with serving(socket_server(talk)) as address:
            heard = Heard()
            connection = await connected(address, heard)
            connection.ping(b"17")
            while not heard.pongs:
                await asyncio.sleep(0.005)
            connection.close(1000, "enough")
            assert await heard.over == Closed(1000, "enough", "us")
            assert heard.pongs == [b"17"]

    driven(work())


@pytest.mark.parametrize(
    ("sent", "code", "by"),
    [
        (b"\x81\x7e\x0f\x00only a part", ABNORMAL, "network"),  # cut off within a frame
        (raw(1, b"x" * 5_000), 1009, "us"),  # larger than allowed
        (raw(1, b"y" * 3_000, is_last=False) + raw(0, b"y" * 3_000), 1009, "us"),  # the same in parts
        (b"\x83\x01x", 1002, "us"),  # an opcode that does not exist
    ],
)
def test_what_breaks_the_connection_is_told_by_code_and_side(sent: bytes, code: int, by: str) -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        assert request.transport is not None
        request.transport.write(sent)  # type: ignore[attr-defined]
        await asyncio.sleep(0.02)
        if by == "network":
            request.transport.abort()  # type: ignore[attr-defined]
        await socket.receive()

    async def work() -> None:
        async with serving(socket_server(talk)) as address:
            heard = Heard()
            await connected(address, heard)
            how = await heard.over
        assert (how.code, how.by, heard.frames) == (code, by, []) and how.reason

    driven(work())


def test_an_error_of_the_listener_is_not_lost() -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.send_str("{}")
        await socket.receive()

    async def work() -> None:
        async with serving(socket_server(talk)) as address:
            heard = Heard(stumbles=True)
            await connected(address, heard)
            assert (await heard.over).code == 1011
        assert [str(error) for error in heard.errors] == ["the log is full"]

    driven(work())


def test_no_connection_has_a_name() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        if "limited" in request.path:
            return web.Response(status=429, headers={"Retry-After": "9"})
        if "slow" in request.path:
            await asyncio.sleep(3)
        return web.Response(status=403)

    async def work() -> None:
        connector = PicowsConnector(SETTINGS, now_ns)
        async with serving(refuse) as address:
            for path, words in (("no", "status 403"), ("slow", "0.5 s")):
                with pytest.raises(ConnectFailed, match=words):
                    await connector.connect(f"ws://{address}/{path}", Heard())
            with pytest.raises(RateLimited) as raised:
                await connector.connect(f"ws://{address}/limited", Heard())
            assert raised.value.wait_s == 9.0
            with pytest.raises(ConnectFailed, match=r"TLS|no connection"):
                await connector.connect(f"wss://{address}/", Heard())  # no TLS is spoken there
        with pytest.raises(ConnectFailed, match="no connection"):
            await connector.connect(f"ws://{address}/", Heard())  # nobody is there any more
        with pytest.raises(ConnectFailed):
            await connector.connect("ws://no-such-host.invalid/", Heard())
        with pytest.raises(ConnectFailed):
            await connector.connect("http://127.0.0.1/", Heard())

    driven(work())


def test_a_signed_request_arrives_byte_for_byte_with_its_method_and_headers() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        told = f"{request.method} {request.raw_path} {request.headers['X-MBX-APIKEY']} {request.content_type} {await request.text()}"
        return web.Response(text=told)

    async def work() -> None:
        async with serving(reply) as address, AiohttpRest(SETTINGS, now_ns) as rest:
            path = "/api/v3/order?symbol=%EF%BC%91&a=1%2C2+3&signature=ab"
            form = {"X-MBX-APIKEY": "key", "Content-Type": "application/x-www-form-urlencoded"}
            answer = await rest.ask(f"http://{address}{path}", b"quantity=1", method="PUT", headers=form)
            assert answer.body.decode() == f"PUT {path} key application/x-www-form-urlencoded quantity=1"
            answer = await rest.ask(f"http://{address}{path}", method="DELETE", headers={"X-MBX-APIKEY": "key"})
            assert answer.body.decode().startswith(f"DELETE {path} key")
        async with AiohttpRest(SETTINGS, now_ns) as rest:
            with pytest.raises(RequestFailed) as failed:
                await rest.ask(f"http://{address}/order?a=1&signature=ab", method="DELETE")
            assert "signature" not in str(failed.value)

    driven(work())


def test_whoever_traces_requests_is_told_as_they_leave() -> None:
    left: list[str] = []

    async def leaves(session: Any, context: Any, told: TraceRequestHeadersSentParams) -> None:
        left.append(f"{told.method} {told.url.path}")

    async def reply(request: web.Request) -> web.StreamResponse:
        assert left == ["POST /order"], "it was told before the request came"
        return web.Response(text="done")

    async def work() -> None:
        traces = TraceConfig()
        traces.on_request_headers_sent.append(leaves)
        async with serving(reply) as address, AiohttpRest(SETTINGS, now_ns, traces=[traces]) as rest:
            assert (await rest.ask(f"http://{address}/order", method="POST")).body == b"done"

    driven(work())


def test_requests_are_answered_whole_with_any_status_or_fail_by_name() -> None:
    async def reply(request: web.Request) -> web.StreamResponse:
        if "slow" in request.path:
            await asyncio.sleep(2)
        if "large" in request.path:
            return web.Response(body=b"x" * 20_000)
        if "cut" in request.path:
            half = web.StreamResponse(headers={"Content-Length": "100"})
            await half.prepare(request)
            await half.write(b"half")
            assert request.transport is not None
            request.transport.abort()  # type: ignore[attr-defined]
            return half
        if "moved" in request.path:
            raise web.HTTPFound("/")
        status = 418 if "banned" in request.path else 200
        return web.Response(status=status, body=await request.read() or request.query_string.encode(), headers={"X-Mbx-Used-Weight-1m": "5"})

    async def work() -> None:
        async with serving(reply) as address, AiohttpRest(SETTINGS, now_ns) as rest:
            base = f"http://{address}"
            answer = await rest.ask(f"{base}/depth?symbol=BTCUSDT&limit=5")
            assert (answer.status, answer.body, answer.headers["x-mbx-used-weight-1m"]) == (200, b"symbol=BTCUSDT&limit=5", "5")
            assert (await rest.ask(f"{base}/info", b'{"type":"meta"}')).body == b'{"type":"meta"}'
            assert (await rest.ask(f"{base}/banned")).status == 418
            assert (await rest.ask(f"{base}/moved")).status == 302  # nobody is followed elsewhere
            for path, words in (("slow", "0.3 s"), ("large", "above 10,000 bytes"), ("cut", "no whole answer")):
                with pytest.raises(RequestFailed, match=words):
                    await rest.ask(f"{base}/{path}")
            with pytest.raises(RequestFailed):
                await rest.ask(f"https://{address}/")
        async with AiohttpRest(SETTINGS, now_ns) as rest:
            for url in (f"{base}/", "http://no-such-host.invalid/", "not an address"):
                with pytest.raises(RequestFailed):
                    await rest.ask(url)

    driven(work())
