"""Readers of a floor, each of which tells a stream what is new since it was last asked, in the words that it is given.

A reader begins where things stand when it is made. Times that it gives on are venue time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from metastackerbandit.practice.binance.klines import EVER_NS, candles_of, closed_at, opened_at, trades_of
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.tape import Bests, Chunk, best_levels, changes_since, joined_between, newest_update, trades_between

Tell = Callable[[int], Iterable[Any]]  # a venue time in ns -> events
_MOST_CANDLES = 1_000  # that can pass between two tellings


class Told:
    """A stream of a symbol, or of all (""), that tells what a reader gives."""

    is_urgent = False

    def __init__(self, symbol: str, pace_s: float, tell: Tell, *, is_depth: bool = False) -> None:
        self.symbol, self.pace_s, self.told, self.is_depth = symbol, pace_s, tell, is_depth


def trades(floor: Floor, s: int, form: Callable[[Any, int], Any]) -> Tell:
    """Trades of an instrument: `form` is given each (fields of Traded) and the time."""
    queues = floor.exchange.queues
    return _rows(lambda: int(queues.row[s]["trade"]), lambda seen, last: trades_between(queues, s, seen, last), form)


def joined(floor: Floor, s: int, form: Callable[[Any, int], Any]) -> Tell:
    """Aggregated trades of an instrument: `form` is given each (fields of Joined) and the time."""
    tape = floor.tape
    return _rows(lambda: int(tape.row[s]["number"]), lambda seen, last: joined_between(tape, s, seen, last), form)


def _rows(newest: Callable[[], int], between: Callable[[int, int], list[Any]], form: Callable[[Any, int], Any]) -> Tell:
    seen = newest()

    def tell(now_ns: int) -> Iterator[Any]:
        nonlocal seen
        found, seen = between(seen, last := newest()), last
        return (form(one, now_ns) for one in found)

    return tell


def changes(floor: Floor, s: int, form: Callable[[Chunk, int, int], Any]) -> Tell:
    """Changes of a book: `form` is given them, the update that was told last, and the time.

    Where the ring has lost changes nothing is told of them, and clients see that what follows does not go on from there.
    """
    queues = floor.exchange.queues
    seen = newest_update(queues, s)

    def tell(now_ns: int) -> list[Any]:
        nonlocal seen
        before, chunk, seen = seen, changes_since(queues, s, seen), newest_update(queues, s)
        return [] if chunk is None else [form(chunk, before, now_ns)]

    return tell


def bests(floor: Floor, places: Iterable[int], form: Callable[[int, int, Bests, int], Any], *, tells_first: bool) -> Tell:
    """Best prices of instruments where they changed: `form` is given the place, the update, the prices and the time, and gives None for what is not
    to be told. What stands at the beginning is told only where a market `tells_first`.
    """
    queues = floor.exchange.queues
    known = {s: (-1, None) if tells_first else (newest_update(queues, s), best_levels(queues, s)) for s in places}

    def tell(now_ns: int) -> Iterator[Any]:
        for s, (seen, before) in known.items():
            update = newest_update(queues, s)
            if update != seen:
                known[s] = update, best = update, best_levels(queues, s)
                if best != before and (made := form(s, update, best, now_ns)) is not None:
                    yield made

    return tell


def candles(floor: Floor, s: int, interval: str, form: Callable[[Any, tuple[int, int], int, int], Any]) -> Tell:
    """The candle that forms, as it changes, and each once more when it is over: `form` is given a record of Bar, the numbers of its first and last
    trade, when it closes, and the time.
    """
    queues = floor.exchange.queues
    seen, since = -1, opened_at(interval, floor.now_ns)

    def tell(now_ns: int) -> Iterator[Any]:
        nonlocal seen, since
        newest = int(queues.row[s]["trade"])
        if newest == seen and now_ns < closed_at(interval, since):
            return
        seen = newest
        for bar in candles_of(floor.board, s, interval, since, EVER_NS, _MOST_CANDLES, newest=False):
            opened_ns = int(bar["opened_ns"])
            closed_ns = closed_at(interval, opened_ns)
            since = closed_ns if closed_ns <= now_ns else opened_ns
            yield form(bar, trades_of(queues, s, bar, closed_ns), closed_ns, now_ns)

    return tell


def traded(floor: Floor, form: Callable[[int, int], Any]) -> Tell:
    """A list of the instruments that traded since it was last told, of all at first: `form` is given each place and the time."""
    queues = floor.exchange.queues
    seen = [-1] * len(floor.instruments)

    def tell(now_ns: int) -> list[Any]:
        newest = [int(number) for number in queues.row["trade"]]
        changed = [s for s, number in enumerate(newest) if number != seen[s]]
        seen[:] = newest
        return [[form(s, now_ns) for s in changed]] if changed else []

    return tell
