"""Listen keys of Binance USD-M: one an account, good for sixty minutes of venue time, kept up by asking again; who knows it hears the account."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.practice.binance.perp_refusals import NO_SUCH_KEY
from metastackerbandit.practice.faults import Switched
from metastackerbandit.practice.replies import Asked, Route, Routes, WireRefusal

LIFE_NS = 60 * MINUTE_NS
KEPT = 10_000  # keys that are over are known so long, so that their streams say so


class ListenKey(Struct):
    """A key of an owner and the venue time at which it ends."""

    text: str
    owner: int
    until_ns: int


class ListenKeys:
    """Keys by owner, and those that were given out."""

    def __init__(self) -> None:
        self._of: dict[int, ListenKey] = {}
        self._known: dict[str, ListenKey] = {}
        self._numbers = count(1)

    def routes(self) -> Routes:
        """Everything that answers here."""
        return {
            ("POST", "/fapi/v1/listenKey"): Route(self.begin, 1, "key"),
            ("PUT", "/fapi/v1/listenKey"): Route(self.keep, 1, "key"),
            ("DELETE", "/fapi/v1/listenKey"): Route(self.end, 1, "key"),
        }

    def find(self, text: str) -> ListenKey | None:
        """A key that was given out, also one that is over."""
        return self._known.get(text)

    def is_good(self, key: ListenKey, now_ns: int) -> bool:
        """Whether a key is not over."""
        return self._of.get(key.owner) is key and now_ns < key.until_ns

    def begin(self, asked: Asked) -> Any:
        """A key: the same one while it is good, whose life begins anew."""
        key = self._of.get(asked.owner)
        if key is None or asked.now_ns >= key.until_ns:
            key = ListenKey(_text(asked.owner, next(self._numbers)), asked.owner, 0)
            self._of[asked.owner] = self._known[key.text] = key
            if len(self._known) > KEPT:
                del self._known[next(iter(self._known))]
        key.until_ns = asked.now_ns + LIFE_NS
        return {"listenKey": key.text}

    def keep(self, asked: Asked) -> Any:
        """Let a key's life begin anew."""
        key = self._of.get(asked.owner)
        if key is None or asked.now_ns >= key.until_ns:
            raise WireRefusal(*NO_SUCH_KEY)
        key.until_ns = asked.now_ns + LIFE_NS
        return {"listenKey": key.text}

    def end(self, asked: Asked) -> Any:
        """End a key."""
        key = self._of.get(asked.owner)
        if key is not None:
            key.until_ns = 0
        return {}

    def act(self, switched: Switched) -> None:
        """End every key now, where the fault is that they expire."""
        if switched.fault.name == "listen_key" and switched.is_on:
            for key in self._of.values():
                key.until_ns = 0


def _text(owner: int, number: int) -> str:
    """A key's text, letters and digits that nobody guesses by chance."""
    return "L" + hashlib.sha256(f"{owner} {number}".encode()).hexdigest()[:63]
