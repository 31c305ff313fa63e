"""Binance's signatures by HMAC-SHA256: over the text as it is sent for REST, over sorted and unencoded names for its WebSocket API.

Source: spot REST "Request Security" (2026-07; percent-encode, then sign, since 2026-01-15), USD-M General Info (2026-05).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from metastackerbandit.exchanges.credentials import Credentials

Params = Sequence[tuple[str, str]]
KEY_HEADER = "X-MBX-APIKEY"


def query_text(params: Params) -> str:
    """Names and values as an address or a form carries them, percent-encoded, in their order."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)


def signed_query(credentials: Credentials, query: str, body: str = "") -> str:
    """The query with the signature of it and of the body behind it, without anything between them."""
    signature = credentials.secret.hmac_sha256(query + body)
    return f"{query}&signature={signature}" if query else f"signature={signature}"


def signed_params(credentials: Credentials, params: Params) -> dict[str, str]:
    """The parameters of a message to the WebSocket API, with the key and their signature."""
    named = {**dict(params), "apiKey": credentials.key}
    payload = "&".join(f"{name}={named[name]}" for name in sorted(named))
    return {**named, "signature": credentials.secret.hmac_sha256(payload)}
