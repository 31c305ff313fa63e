"""What happened to each account, in the words of a market, kept for streams that tell it: each reads on from where it began."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any


class UserLog:
    """News of accounts, the newest of each; `told` counts all that there ever were."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._news: dict[int, deque[Any]] = {}
        self._told: dict[int, int] = {}

    def add(self, owner: int, event: Any) -> None:
        """Something happened."""
        self._news.setdefault(owner, deque(maxlen=self._kept)).append(event)
        self._told[owner] = self.told(owner) + 1

    def told(self, owner: int) -> int:
        """How much has happened to an account."""
        return self._told.get(owner, 0)

    def since(self, owner: int, seen: int) -> list[Any]:
        """What happened after that much had; the oldest of it may not be kept any more."""
        news = self._news.get(owner, deque())
        return list(islice(news, max(len(news) - (self.told(owner) - seen), 0), None))


class UserStream:
    """An account's news from now on."""

    pace_s, is_urgent, is_depth, symbol = 0.0, True, False, ""

    def __init__(self, log: UserLog, owner: int) -> None:
        self._log, self._owner, self._seen = log, owner, log.told(owner)

    def told(self, now_ns: int) -> Iterable[Any]:
        """What is new."""
        found, self._seen = self._log.since(self._owner, self._seen), self._log.told(self._owner)
        return found
