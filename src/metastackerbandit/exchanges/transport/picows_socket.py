"""WebSocket connections by picows: a frame's time is taken before anything else, and the frame handed on in the same call."""

from __future__ import annotations

import ssl
from asyncio import timeout
from collections.abc import Callable
from types import TracebackType

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from metastackerbandit.domain.errors import ConnectFailed
from metastackerbandit.exchanges.settings import TransportSettings
from metastackerbandit.exchanges.transport.answers import limited
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed, Connection, Listener

_LONGEST_REASON = 123  # bytes that a closing message has room for


class PicowsConnector:
    """Makes connections; `now_ns` is the clock that stamps frames, `trust` other certificates than the system's."""

    def __init__(self, settings: TransportSettings, now_ns: Callable[[], int], trust: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._now_ns = now_ns
        self._trust = trust

    async def connect(self, url: str, listener: Listener) -> Connection:
        """Open a connection.

        Raises:
            ConnectFailed: no address, nobody there, an untrusted certificate, a refused handshake, or too slow.
            RateLimited: the handshake was answered by 429 or 418.
        """
        allowed = self._settings.connect_s
        try:
            async with timeout(allowed):
                transport, made = await ws_connect(
                    lambda: _Heard(listener, self._now_ns, self._settings.most_frame_bytes),
                    url,
                    ssl_context=self._trust,
                    websocket_handshake_timeout=allowed,
                    max_frame_size=self._settings.most_frame_bytes,
                    max_redirects=0,
                )
        except WSHandshakeError as error:
            status = int(error.response.status) if error.response is not None else 0
            headers = {str(name).lower(): str(value) for name, value in error.response.headers.items()} if error.response is not None else {}
            if status in (418, 429):
                raise limited(status, headers, b"", url) from None
            what = f"the handshake was answered by status {status}" if status else f"the handshake failed: {error}"
            raise ConnectFailed(what, where=url, mend="check the address and the stream names") from None
        except TimeoutError:
            raise ConnectFailed(f"no connection within {allowed:g} s", where=url, mend="check the network; it is tried again") from None
        except ssl.SSLError as error:
            raise ConnectFailed(f"TLS: {error.reason or error}", where=url, mend="check the certificate and the machine's clock") from None
        except (OSError, ValueError, WSError) as error:
            raise ConnectFailed(f"no connection: {error}", where=url, mend="check the address and the network; it is tried again") from None
        assert isinstance(made, _Heard)
        return _Connection(transport, made)


class _Connection:
    """An open connection of picows."""

    def __init__(self, transport: WSTransport, heard: _Heard) -> None:
        self._transport = transport
        self._heard = heard

    def send(self, message: bytes) -> None:
        if not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, message)

    def ping(self, payload: bytes) -> None:
        if not self._transport.is_disconnected:
            self._transport.send_ping(payload)

    def close(self, code: int, reason: str) -> None:
        self._heard.left = Closed(code, reason, "us")
        if not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode(code), reason.encode()[:_LONGEST_REASON])
            self._transport.disconnect()

    def abort(self) -> None:
        self._heard.left = self._heard.left or Closed(ABNORMAL, "given up", "us")
        self._transport.disconnect(graceful=False)


class _Handing:
    """The frame around what a listener does: what it raises is handed to it as its failure, and ends the connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.transport: WSTransport | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None:
            return False
        self._listener.failed(error)
        if self.transport is not None:
            self.transport.send_close(WSCloseCode.INTERNAL_ERROR)
            self.transport.disconnect(graceful=False)
        return True


class _Heard(WSListener):
    """Turns frames into whole messages."""

    def __init__(self, listener: Listener, now_ns: Callable[[], int], most_bytes: int) -> None:
        self._listener = listener
        self._now_ns = now_ns
        self._most_bytes = most_bytes
        self._parts = bytearray()
        self._handing = _Handing(listener)
        self.left: Closed | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._handing.transport = transport
        with self._handing:
            self._listener.opened(self._now_ns())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        received_ns = self._now_ns()
        kind = frame.msg_type
        with self._handing:
            if (kind == WSMsgType.TEXT or kind == WSMsgType.BINARY) and frame.fin:
                self._listener.heard(frame.get_payload_as_bytes(), received_ns)
            elif kind == WSMsgType.TEXT or kind == WSMsgType.BINARY or kind == WSMsgType.CONTINUATION:
                self._part(transport, frame, received_ns)
            elif kind == WSMsgType.PONG:
                self._listener.ponged(frame.get_payload_as_bytes(), received_ns)
            elif kind == WSMsgType.CLOSE:
                self._closing(transport, frame)

    def _part(self, transport: WSTransport, frame: WSFrame, received_ns: int) -> None:
        """Put a message together that comes in several frames."""
        self._parts += frame.get_payload_as_memoryview()
        if len(self._parts) > self._most_bytes:
            self.left = Closed(WSCloseCode.MESSAGE_TOO_BIG.value, f"a message is above {self._most_bytes:,} bytes", "us")
            transport.send_close(WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
        elif frame.fin:
            whole = bytes(self._parts)
            self._parts.clear()
            self._listener.heard(whole, received_ns)

    def _closing(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a closing message."""
        code = frame.get_close_code()
        if self.left is None:
            reason = (frame.get_close_message() or b"").decode(errors="replace")
            number = int(code.value) if isinstance(code, WSCloseCode) else int(code)
            self.left = Closed(number or 1005, reason, "venue")  # 1005: closed without saying why (RFC 6455)
        transport.send_close(code if isinstance(code, WSCloseCode) and code is not WSCloseCode.NO_INFO else WSCloseCode.OK)
        transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        sent = transport.close_handshake.sent if transport.close_handshake else None
        if self.left is None and sent is not None:  # what was heard broke the protocol, or the listener failed
            self.left = Closed(int(sent.code.value), sent.reason or "a frame could not be taken", "us")
        self._listener.ended(self.left or Closed(ABNORMAL, "the connection was cut", "network"))
