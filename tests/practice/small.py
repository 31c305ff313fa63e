"""A side of a market that is as small as one can be: it echoes, counts, and tells changes of one book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from metastackerbandit.practice.connection import Manners
from metastackerbandit.practice.hub import Family, Stream
from metastackerbandit.practice.replies import Asked, Route, WireRefusal
from metastackerbandit.practice.side import Side
from metastackerbandit.practice.tape import changes_since, newest_update
from tests.practice.walking import Ground

MANNERS = Manners(ping_s=20, silence_s=60, messages=5, streams=8, life_ns=600 * 10**9)


class Changes:
    """A book's changes."""

    is_urgent, is_depth, symbol = False, True, "BTCUSDT"

    def __init__(self, ground: Ground, pace_s: float) -> None:
        self._queues, self.pace_s = ground.exchange.queues, pace_s
        self._seen = newest_update(self._queues, 0)

    def told(self, now_ns: int) -> Iterable[Any]:
        """One event of all changes, where there are any."""
        chunk = changes_since(self._queues, 0, self._seen)
        if chunk is None:
            return []
        self._seen = chunk.last
        return [{"U": chunk.first, "u": chunk.last}]


class Answers:
    """An account's news: whatever a test puts into `news`."""

    is_urgent, is_depth, symbol, pace_s = True, False, "", 0.0

    def __init__(self, news: list[Any]) -> None:
        self._news = news

    def told(self, now_ns: int) -> Iterable[Any]:
        """What is new."""
        told = list(self._news)
        self._news.clear()
        return told


def small_side(ground: Ground, news: list[Any] | None = None) -> Side:
    """Routes: /echo, /private, /order; streams: slow, quick, news."""
    kept: list[Any] = [] if news is None else news

    def echo(asked: Asked) -> Any:
        number = asked.given.whole("n", 0, 0, 9)
        if number == 9:
            raise WireRefusal(400, -9, "nine", extra={"data": 9})
        return {"n": number, "ms": asked.now_ns // 1_000_000}

    def order(asked: Asked) -> Any:
        kept.append({"placed": asked.given.text("symbol")})
        return {"owner": asked.owner}

    def opened(name: str) -> Stream | None:
        made: dict[str, Stream] = {"slow": Changes(ground, 1.0), "quick": Changes(ground, 0.1), "news": Answers(kept)}
        return made.get(name)

    routes = {
        ("GET", "/echo"): Route(echo, 2),
        ("GET", "/private"): Route(lambda asked: {"owner": asked.owner}, 5, "user"),
        ("POST", "/order"): Route(order, 1, "trade", orders=1, is_free=True, kind="place"),
        ("DELETE", "/order"): Route(lambda asked: {}, 1, "trade", kind="cancel"),
    }
    return Side("small", ground.desk, routes, MANNERS, {"": Family("small", opened), "/other": Family("other", opened)})
