"""The private streams of Binance USD-M: one for each listen key, telling what happens to its account until the key is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from metastackerbandit.domain.timeframe import MILLI_NS
from metastackerbandit.practice.binance import perp_user
from metastackerbandit.practice.binance.perp_keys import ListenKey, ListenKeys
from metastackerbandit.practice.binance.perp_venue import PerpVenue
from metastackerbandit.practice.user_log import UserLog, UserStream
from metastackerbandit.simulation.exchange_words import BalanceEvent, Event, OrderEvent

EVENTS = "?events="


class PrivateStream:
    """The stream of a listen key; `words` are the events that are wanted, none for all."""

    pace_s = 0.0
    is_urgent = True
    is_depth = False
    symbol = ""

    def __init__(self, venue: PerpVenue, log: UserLog, keys: ListenKeys, key: ListenKey, words: Iterable[str]) -> None:
        self._venue, self._keys, self._key, self._words = venue, keys, key, frozenset(words)
        self._news, self._is_over = UserStream(log, key.owner), False

    def told(self, now_ns: int) -> Iterable[Any]:
        """Events since it was last asked; the last one says that the key is over."""
        if self._is_over:
            return []
        made = list(self._made(list(self._news.told(now_ns)), now_ns // MILLI_NS))
        if not self._keys.is_good(self._key, now_ns):
            self._is_over = True
            made.append(perp_user.key_expired(self._key.text, now_ns // MILLI_NS))
        return [one for one in made if not self._words or one["e"] in self._words or one["e"] == "listenKeyExpired"]

    def _made(self, events: list[Event], sent_ms: int) -> Iterator[dict[str, Any]]:
        """Events in the venue's words. The wallet and a position are told once, after all that changed them: they are told as they are now."""
        newest = {_what(event): n for n, event in enumerate(events) if isinstance(event, BalanceEvent)}
        for n, event in enumerate(events):
            if isinstance(event, OrderEvent):
                yield from perp_user.order_events(event, self._venue.steps[event.order.wish.s], sent_ms)
            elif not isinstance(event, BalanceEvent):
                yield perp_user.setting_update(event, self._venue.steps[event.s], sent_ms)
            elif newest[_what(event)] == n or event.change:
                yield perp_user.account_update(event, self._venue.exchange.perp, self._venue.steps, sent_ms)


def _what(event: BalanceEvent) -> tuple[str, tuple[int, ...]]:
    """What an event of balances is about."""
    return event.why, event.positions


def private_stream(venue: PerpVenue, log: UserLog, keys: ListenKeys, name: str) -> PrivateStream | None:
    """The stream that a name `KEY` or `KEY?events=A/B` means, None where nobody was given such a key."""
    text, _, words = name.partition(EVENTS)
    key = keys.find(text)
    return None if key is None else PrivateStream(venue, log, keys, key, (word for word in words.split("/") if word))
