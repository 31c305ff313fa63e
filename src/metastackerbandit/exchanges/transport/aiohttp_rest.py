"""REST by aiohttp: one session, bounded in time and size; every status is an answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from metastackerbandit.domain.errors import RequestFailed
from metastackerbandit.exchanges.settings import TransportSettings
from metastackerbandit.exchanges.transport.ports import Answer

_CHUNK = 65_536


class AiohttpRest:
    """Asks over HTTP; to be opened with `async with`. `now_ns` stamps answers, `trust` are other certificates than the system's, `traces` are told of
    each request's steps.
    """

    def __init__(
        self,
        settings: TransportSettings,
        now_ns: Callable[[], int],
        trust: ssl.SSLContext | None = None,
        traces: Sequence[aiohttp.TraceConfig] = (),
    ) -> None:
        self._settings = settings
        self._traces = list(traces)
        self._now_ns = now_ns
        self._trust: ssl.SSLContext | bool = trust if trust is not None else True
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        allowed = aiohttp.ClientTimeout(total=self._settings.request_s, connect=self._settings.connect_s)
        connector = aiohttp.TCPConnector(ssl=self._trust)
        self._session = aiohttp.ClientSession(timeout=allowed, connector=connector, auto_decompress=True, trace_configs=self._traces)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, url: str, body: bytes = b"", *, method: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """GET, or POST of a JSON body, unless `method` and `headers` say otherwise. Errors show the address without its signature.

        Raises:
            RequestFailed: no address, nobody there, an untrusted certificate, cut off, too slow, or larger than allowed.
        """
        assert self._session is not None, "open the client with `async with`"
        method = method or ("POST" if body else "GET")
        sent = {**({"Content-Type": "application/json"} if body else {}), **(headers or {})}
        asked, url = url, url.partition("&signature=")[0]
        try:
            exact = URL(asked, encoded=True)  # a signature is over the text as it is sent
            async with self._session.request(method, exact, data=body or None, headers=sent, allow_redirects=False) as reply:
                told = await self._whole(reply, url)
                return Answer(reply.status, told, {name.lower(): value for name, value in reply.headers.items()}, self._now_ns())
        except TimeoutError:
            what = f"no whole answer within {self._settings.request_s:g} s"
            raise RequestFailed(what, where=url, mend="it is asked again, later each time") from None
        except aiohttp.ClientSSLError as error:
            raise RequestFailed(f"TLS: {error}", where=url, mend="check the certificate and the machine's clock") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            what = f"no whole answer: {type(error).__name__} {error}".rstrip()
            raise RequestFailed(what, where=url, mend="it is asked again, later each time") from None

    async def _whole(self, reply: aiohttp.ClientResponse, url: str) -> bytes:
        """The body, read no further than is allowed."""
        parts = bytearray()
        async for part in reply.content.iter_chunked(_CHUNK):
            parts += part
            if len(parts) > self._settings.most_body_bytes:
                reply.close()
                raise RequestFailed(f"the answer is above {self._settings.most_body_bytes:,} bytes", where=url, mend="ask for less")
        return bytes(parts)
