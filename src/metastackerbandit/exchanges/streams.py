"""What to ask of a venue: which sockets with which streams, which requests, what they weigh. Pure: text in, text out.

Streams are asked for by words that are the same for every venue: depth, trade, bookTicker, kline_1m and so on. Each venue says which it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.exchanges.settings import EndpointSettings

MOST_FUNDING = 1_000  # settlements of one answer
LONGEST_URL = 4_000  # characters of streams named in an address; more are subscribed to by messages


class SocketPlan(Struct, frozen=True):
    """One connection: its address, what is sent once it stands, and the streams it then carries.

    `books` are the symbols whose books it feeds. `message_s` lies between two messages of ours, `heartbeat` (empty: none, the protocol's own pings
    do) is sent every `heartbeat_s`, and the venue ends a connection that is `life_s` old. `shown` is the address for logs, where it holds a key.
    `others` are the same streams at other hosts of the venue, `carries` what it carries as (symbol, word).
    """

    name: str
    url: str
    opening: tuple[bytes, ...]
    streams: tuple[str, ...]
    books: tuple[str, ...]
    message_s: float
    heartbeat: bytes = b""
    heartbeat_s: float = 0.0
    life_s: float = 86_400.0
    shown: str = ""
    others: tuple[str, ...] = ()
    carries: tuple[tuple[str, str], ...] = ()

    @property
    def told_url(self) -> str:
        """The address as logs and events may show it."""
        return self.shown or self.url


class RestRequest(Struct, frozen=True):
    """One request: what it is for, of which symbol, and its weight; GET, or POST of a JSON `body`, unless it names another `method`.

    `orders` is what it takes of the venue's counts of orders, `urgency` who goes first where a budget makes requests wait (0 before 1),
    `is_kept` whether the answer may stand in a log, and `levels` how many a side were asked for of a book: one with fewer is whole.
    """

    what: str
    symbol: str
    url: str
    weight: int
    body: bytes = b""
    method: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    orders: int = 0
    urgency: int = 2
    is_kept: bool = True
    levels: int = 0

    @property
    def shown(self) -> str:
        """The address as logs and errors may show it: without its signature."""
        return self.url.partition("&signature=")[0]


class VenueLimits(Struct, frozen=True):
    """Weight that a venue allows in a window of so many seconds, streams a socket, new connections a window of 300 s; and connections and streams at
    a time from one address (0: as many as one likes)."""

    weight: int
    window_s: float
    streams: int
    attempts: int
    connections: int = 0
    subscriptions: int = 0


class Best(Struct, frozen=True):
    """Best bid and ask in quote currency."""

    bid: float
    ask: float


class VenueStreams(Struct, frozen=True):
    """What one market of a venue offers.

    `sockets(instruments, words, endpoints)` gives the connections; `snapshot(instrument, levels, endpoints)` the request of a book, None where
    streams send whole books; `klines(instrument, frame, from_ns, to_ns, limit, endpoints)` and `best(instrument, endpoints)` requests, whose answers
    `read_klines(body, instrument, frame_ns, known_ns)` turns into bars (N,) in the layout of Bar, candles that still form left out, and
    `read_best(body, instrument)` into a Best. `funding(instrument, from_ns, to_ns, endpoints)` asks what was settled in [from, to], the first
    MOST_FUNDING of it, and `read_funding(body, instrument)` gives rows (K,) of FundingRow, oldest first; None where nothing is settled. All three
    raise AnswerRefused. `words` are streams that can be asked for, `frames` lengths of candles, `most_klines` of one answer.
    """

    venue: str
    market: str
    words: tuple[str, ...]
    frames: tuple[str, ...]
    most_klines: int
    limits: VenueLimits
    sockets: Callable[[Sequence[Instrument], Sequence[str], EndpointSettings], tuple[SocketPlan, ...]]
    snapshot: Callable[[Instrument, int, EndpointSettings], RestRequest | None]
    klines: Callable[[Instrument, str, int, int, int, EndpointSettings], RestRequest]
    best: Callable[[Instrument, EndpointSettings], RestRequest]
    read_klines: Callable[[bytes, Instrument, int, int], np.ndarray]
    read_best: Callable[[bytes, Instrument], Best]
    funding: Callable[[Instrument, int, int, EndpointSettings], RestRequest] | None = None
    read_funding: Callable[[bytes, Instrument], np.ndarray] | None = None


def split_word(word: str, known: Sequence[str], frames: Sequence[str], where: str) -> tuple[str, str]:
    """A stream's word as (kind, frame): kline_1m is ("kline", "1m"), depth is ("depth", ""); UsageError where the venue has no such stream."""
    kind, _, frame = word.partition("_")
    is_known = kind in known and ((kind == "kline") == bool(frame)) and (not frame or frame in frames)
    if not is_known:
        offered = ", ".join(f"kline_{'|'.join(frames)}" if one == "kline" else one for one in known)
        raise UsageError(f"there is no stream {word!r} of {where}", where="--streams", mend=f"it has {offered}")
    return kind, frame


def require_once(words: Sequence[str], where: str) -> None:
    """UsageError where no stream is asked for, or one twice."""
    if not words or len(set(words)) != len(words):
        raise UsageError(f"streams {', '.join(words) or '(none)'}", where=where, mend="name each stream once, and at least one")


def require_carried(plans: Sequence[SocketPlan], instruments: Sequence[Instrument], words: Sequence[str], where: str) -> None:
    """UsageError where a stream that is asked for is carried by no connection."""
    carried = {pair for plan in plans for pair in plan.carries}
    missing = [f"{word} of {one.symbol}" for word in words for one in instruments if (one.symbol, word) not in carried]
    if missing:
        raise UsageError(f"no connection to {where} carries {', '.join(missing)}", where="--streams", mend="ask for streams that the venue has")


def hosts_of(endpoint: str) -> tuple[str, ...]:
    """The hosts that an endpoint names, the first one first."""
    return tuple(part.strip() for part in endpoint.split(",") if part.strip())


def in_parts(names: Sequence[str], most: int) -> list[tuple[str, ...]]:
    """Names in parts of at most so many, as even as they can be."""
    count = -(-len(names) // most)
    edges = [len(names) * n // count for n in range(count + 1)] if count else []
    return [tuple(names[first:last]) for first, last in pairwise(edges)]


def head_of(names: Sequence[str]) -> int:
    """How many names fit into an address."""
    size = 0
    for place, name in enumerate(names):
        size += len(name) + 1
        if size > LONGEST_URL:
            return place
    return len(names)


def frame_word(length_ns: int) -> str:
    """What venues call candles of a length: a day is 1d, where we say 24h."""
    name = frame_name(length_ns)
    return "1d" if name == "24h" else name
