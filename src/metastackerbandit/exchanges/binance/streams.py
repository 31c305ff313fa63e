"""Binance's streams and requests, spot and USD-M perpetuals; a perpetual's sockets are routed: /public has the books, /market the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.kline_rows import arrays_of, bars_of, best_of, decoded_json, funding_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import (
    MOST_FUNDING,
    Best,
    RestRequest,
    SocketPlan,
    VenueLimits,
    VenueStreams,
    head_of,
    hosts_of,
    in_parts,
    require_once,
    split_word,
)

# A word -> how the stream is named behind the symbol's at sign.
_SPOT_NAMES = {
    "depth": "depth@100ms",
    "depth5": "depth5@100ms",
    "depth20": "depth20@100ms",
    "trade": "trade",
    "aggTrade": "aggTrade",
    "bookTicker": "bookTicker",
    "kline": "kline_",
}
_PERP_NAMES = {**_SPOT_NAMES, "markPrice": "markPrice@1s", "forceOrder": "forceOrder"}
_PUBLIC = ("depth", "depth5", "depth20", "bookTicker", "trade")  # `trade` is served and not documented: other clients ask for it here
_PERP_FRAMES = ("1m", "5m", "15m", "1h", "4h", "12h", "1d")
_SPOT_FRAMES = ("1s", *_PERP_FRAMES)
_A_MESSAGE = 100  # streams of one SUBSCRIBE
_SPOT_DEPTHS = ((100, 5), (500, 25), (1_000, 50), (5_000, 250))  # levels at most, weight
_PERP_DEPTHS = ((5, 2), (10, 2), (20, 2), (50, 2), (100, 5), (500, 10), (1_000, 20))


class _Funding(Struct):
    symbol: str
    fundingTime: int
    fundingRate: str
    markPrice: str = ""


class _BookTicker(Struct):
    symbol: str
    bidPrice: str
    askPrice: str


def spot_sockets(instruments: Sequence[Instrument], words: Sequence[str], endpoints: EndpointSettings) -> tuple[SocketPlan, ...]:
    """One connection for each 1,024 streams."""
    names = _names(instruments, words, _SPOT_NAMES, _SPOT_FRAMES, "Binance spot")
    bases = [f"{host}/stream" for host in hosts_of(endpoints.binance_spot_stream)]
    return _plans("spot", bases, names, 0.25)


def perp_sockets(instruments: Sequence[Instrument], words: Sequence[str], endpoints: EndpointSettings) -> tuple[SocketPlan, ...]:
    """Connections to the routes that the streams belong to."""
    names = _names(instruments, words, _PERP_NAMES, _PERP_FRAMES, "Binance USD-M")
    plans: list[SocketPlan] = []
    for route in ("public", "market"):
        routed = [one for one in names if (one[1].partition("_")[0] in _PUBLIC) == (route == "public")]
        plans += _plans(route, [f"{host}/{route}/stream" for host in hosts_of(endpoints.binance_perp_stream)], routed, 0.125)
    return tuple(plans)


def _names(
    instruments: Sequence[Instrument], words: Sequence[str], known: dict[str, str], frames: Sequence[str], where: str
) -> list[tuple[str, str, str]]:
    """(symbol, word, stream) of every stream that is asked for."""
    require_once(words, where)
    made = []
    for word in words:
        kind, frame = split_word(word, tuple(known), frames, where)
        made += [(one.symbol, word, f"{one.symbol.lower()}@{known[kind]}{frame}") for one in instruments]
    return made


def _plans(name: str, bases: Sequence[str], names: Sequence[tuple[str, str, str]], message_s: float) -> tuple[SocketPlan, ...]:
    """Connections of at most 1,024 streams; those that do not fit into the address are subscribed to by messages."""
    made, asked = [], {stream: (symbol, word) for symbol, word, stream in names}
    for place, part in enumerate(in_parts(list(asked), 1_024)):
        head = head_of(part)
        rest = [part[n : n + _A_MESSAGE] for n in range(head, len(part), _A_MESSAGE)]
        opening = [json.dumps({"method": "SUBSCRIBE", "params": list(names), "id": n}).encode() for n, names in enumerate(rest, start=1)]
        first, *others = [f"{base}?streams={'/'.join(part[:head])}" for base in bases]
        fed = tuple(dict.fromkeys(asked[stream][0] for stream in part if asked[stream][1] == "depth"))
        carries = tuple(asked[stream] for stream in part)
        made.append(SocketPlan(f"{name}{place or ''}", first, tuple(opening), part, fed, message_s, others=tuple(others), carries=carries))
    return tuple(made)


def spot_snapshot(one: Instrument, levels: int, endpoints: EndpointSettings) -> RestRequest:
    """The book to begin from; more than 5,000 levels are not to be had."""
    limit, weight = next(((most, weight) for most, weight in _SPOT_DEPTHS if most >= levels), _SPOT_DEPTHS[-1])
    url = f"{endpoints.binance_spot_rest}/api/v3/depth?symbol={one.symbol}&limit={min(levels, limit)}"
    return RestRequest("depth", one.symbol, url, weight, levels=min(levels, limit))


def perp_snapshot(one: Instrument, levels: int, endpoints: EndpointSettings) -> RestRequest:
    """The book to begin from; only these numbers of levels are allowed."""
    limit, weight = next(((most, weight) for most, weight in _PERP_DEPTHS if most >= levels), _PERP_DEPTHS[-1])
    url = f"{endpoints.binance_perp_rest}/fapi/v1/depth?symbol={one.symbol}&limit={limit}"
    return RestRequest("depth", one.symbol, url, weight, levels=limit)


def spot_klines(one: Instrument, frame: str, from_ns: int, to_ns: int, limit: int, endpoints: EndpointSettings) -> RestRequest:
    """Candles that open in [from, to)."""
    split_word(f"kline_{frame}", ("kline",), _SPOT_FRAMES, "Binance spot")
    span = f"startTime={from_ns // 10**6}&endTime={to_ns // 10**6 - 1}&limit={limit}"
    return RestRequest("klines", one.symbol, f"{endpoints.binance_spot_rest}/api/v3/klines?symbol={one.symbol}&interval={frame}&{span}", 2)


def perp_klines(one: Instrument, frame: str, from_ns: int, to_ns: int, limit: int, endpoints: EndpointSettings) -> RestRequest:
    """Candles that open in [from, to); the weight grows with their number."""
    split_word(f"kline_{frame}", ("kline",), _PERP_FRAMES, "Binance USD-M")
    span = f"startTime={from_ns // 10**6}&endTime={to_ns // 10**6 - 1}&limit={limit}"
    weight = 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10
    return RestRequest("klines", one.symbol, f"{endpoints.binance_perp_rest}/fapi/v1/klines?symbol={one.symbol}&interval={frame}&{span}", weight)


def spot_best(one: Instrument, endpoints: EndpointSettings) -> RestRequest:
    """Best bid and ask."""
    return RestRequest("best", one.symbol, f"{endpoints.binance_spot_rest}/api/v3/ticker/bookTicker?symbol={one.symbol}", 2)


def perp_best(one: Instrument, endpoints: EndpointSettings) -> RestRequest:
    """Best bid and ask."""
    return RestRequest("best", one.symbol, f"{endpoints.binance_perp_rest}/fapi/v1/ticker/bookTicker?symbol={one.symbol}", 2)


def read_klines(body: bytes, one: Instrument, frame_ns: int, known_ns: int) -> np.ndarray:
    """Arrays of 12: opening, open, high, low, close, volume, end, quote volume, trades, taker's base volume, taker's quote volume, "0"."""
    told = arrays_of(body, (int, str, str, str, str, str, int, str, int, str), f"candles of {one.symbol}")
    return bars_of(((row[0], row[1:5], (row[5], row[7], row[9]), row[8]) for row in told), one, frame_ns, known_ns)


def perp_funding(one: Instrument, from_ns: int, to_ns: int, endpoints: EndpointSettings) -> RestRequest:
    """What was settled in [from, to]; it counts apart, 500 requests in 5 minutes, and weighs so much here that they are kept."""
    span = f"startTime={from_ns // 10**6}&endTime={to_ns // 10**6}&limit={MOST_FUNDING}"
    return RestRequest("funding", one.symbol, f"{endpoints.binance_perp_rest}/fapi/v1/fundingRate?symbol={one.symbol}&{span}", 24)


def read_funding(body: bytes, one: Instrument) -> np.ndarray:
    """[{"symbol", "fundingTime", "fundingRate", "markPrice"}]; a mark price that is not told is 0."""
    told = [row for row in decoded_json(body, list[_Funding], f"funding of {one.symbol}") if row.symbol == one.symbol]
    return funding_of([(row.fundingTime, row.fundingRate, row.markPrice) for row in told], one)


def read_best(body: bytes, one: Instrument) -> Best:
    """{"symbol", "bidPrice", "askPrice", ...}, which MEXC's is too."""
    told = decoded_json(body, _BookTicker, f"best prices of {one.symbol}")
    return best_of(told.symbol, told.bidPrice, told.askPrice, one)


SPOT = VenueStreams(
    "BINANCE",
    "spot",
    (*(name for name in _SPOT_NAMES if name != "kline"), *(f"kline_{frame}" for frame in _SPOT_FRAMES)),
    _SPOT_FRAMES,
    1_000,
    VenueLimits(6_000, 60.0, 1_024, 300),
    spot_sockets,
    spot_snapshot,
    spot_klines,
    spot_best,
    read_klines,
    read_best,
)
PERP = VenueStreams(
    "BINANCE",
    "perp",
    (*(name for name in _PERP_NAMES if name != "kline"), *(f"kline_{frame}" for frame in _PERP_FRAMES)),
    _PERP_FRAMES,
    1_500,
    VenueLimits(2_400, 60.0, 1_024, 300),
    perp_sockets,
    perp_snapshot,
    perp_klines,
    perp_best,
    read_klines,
    read_best,
    perp_funding,
    read_funding,
)
