"""Who may come in: the key is known, the signature is that of the very text which was received, and it was sent just now.

Source: binance_spot REST "SIGNED endpoint security" (2026-07); the same rules hold on USD-M.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.replies import Security, WireRefusal, missing
from metastackerbandit.practice.venue_time import VenueTime

_AHEAD_MS = 1_000  # how far a timestamp may lie in the future
_WINDOW_MS, _MOST_WINDOW_MS = 5_000, 60_000
_KEY_LETTERS = 64
LATE = "Timestamp for this request is outside of the recvWindow."
EARLY = "Timestamp for this request was 1000ms ahead of the server's time."


def signed_text(parts: Iterable[str]) -> str:
    """What was signed of a query and a body as received: both without their signature, nothing between them."""
    return "".join("&".join(item for item in part.split("&") if not item.startswith("signature=")) for part in parts)


def sorted_text(params: Mapping[str, str]) -> str:
    """What is signed of a request over a WebSocket: parameters by name."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")


class Doorkeeper:
    """Lets requests in, by the keys it knows and the venue's clock."""

    def __init__(self, keys: KeyRing, time: VenueTime) -> None:
        self.keys, self._time = keys, time

    def admit(self, security: Security, api_key: str, given: Mapping[str, str], signed: str) -> Key | None:
        """The key of a request, None where none is asked for; raises WireRefusal. `signed` is the text that the signature must be of."""
        if security == "none":
            return None
        key = self.known(api_key)
        if security == "key":
            return key
        for name in ("timestamp", "signature"):
            if not given.get(name):
                raise missing(name)
        self._fresh(given["timestamp"], given.get("recvWindow"))
        made = hmac.new(key.secret.encode(), signed.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()
        if not signed.isascii() or not hmac.compare_digest(made.encode(), given["signature"].lower().encode("utf-8", "replace")):
            raise WireRefusal(400, -1022, "Signature for this request is not valid.")
        if security == "trade" and not key.may_trade:
            raise WireRefusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        return key

    def known(self, api_key: str) -> Key:
        """The key of this name; raises WireRefusal where its form is wrong or nobody knows it."""
        if not api_key or len(api_key) > _KEY_LETTERS or not api_key.isascii() or not api_key.isalnum():
            raise WireRefusal(401, -2014, "API-key format invalid.")
        key = self.keys.find(api_key)
        if key is None:
            raise WireRefusal(401, -2015, "Invalid API-key, IP, or permissions for action.")
        return key

    def _fresh(self, timestamp: str, window: str | None) -> None:
        """Refuse what was sent too long ago, or from the future."""
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
            raise missing("timestamp")
        sent_ms = int(timestamp) // (1_000 if len(timestamp) == 16 else 1)  # microseconds are taken too
        now_ms = self._time.told_ms()
        if sent_ms >= now_ms + _AHEAD_MS:
            raise WireRefusal(400, -1021, EARLY)
        if now_ms - sent_ms > self._window(window):
            raise WireRefusal(400, -1021, LATE)

    def _window(self, window: str | None) -> float:
        """How old a request may be, ms."""
        if window is None or window == "":
            return _WINDOW_MS
        whole, _, rest = window.partition(".")
        if not (window.isascii() and whole.isdigit() and len(whole) <= 6 and (rest == "" or rest.isdigit()) and len(rest) <= 3):
            raise missing("recvWindow")
        if float(window) > _MOST_WINDOW_MS:
            raise WireRefusal(400, -1131, "recvWindow must be less than 60000.")
        return float(window)
