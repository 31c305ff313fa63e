"""Hyperliquid's streams and requests: one address for all coins, subscribed to by messages, kept alive by ours; every request is a POST."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import AnswerRefused, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.kline_rows import bars_of, best_of, decoded_json
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import (
    Best,
    RestRequest,
    SocketPlan,
    VenueLimits,
    VenueStreams,
    hosts_of,
    in_parts,
    require_once,
    split_word,
)

_SUBSCRIPTIONS: dict[str, dict[str, Any]] = {
    "depth": {"type": "l2Book"},  # 20 levels a side, every 5 s since 2026-07
    "fastDepth": {"type": "l2Book", "fast": True},  # 5 levels, each half second
    "trade": {"type": "trades"},
    "bookTicker": {"type": "bbo"},
    "kline": {"type": "candle"},
    "markPrice": {"type": "activeAssetCtx"},
}
_FRAMES = ("1m", "5m", "15m", "1h", "4h", "12h", "1d")
_PING = json.dumps({"method": "ping"}).encode()
_PING_S = 30.0  # the venue ends a connection to which it has sent nothing for 60 s


class _Level(Struct):
    px: str
    sz: str


class _Book(Struct):
    coin: str
    levels: tuple[list[_Level], list[_Level]]


class _Candle(Struct):
    t: int
    s: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    n: int


def sockets(instruments: Sequence[Instrument], words: Sequence[str], endpoints: EndpointSettings) -> tuple[SocketPlan, ...]:
    """One connection for each 1,000 subscriptions."""
    require_once(words, "Hyperliquid")
    if "depth" in words and "fastDepth" in words:
        raise UsageError("depth and fastDepth are two pictures of one book", where="--streams", mend="name one of them")
    asked: dict[str, tuple[str, str]] = {}
    for word in words:
        kind, frame = split_word(word, tuple(_SUBSCRIPTIONS), _FRAMES, "Hyperliquid")
        for one in instruments:
            subscription = {**_SUBSCRIPTIONS[kind], "coin": one.symbol} | ({"interval": frame} if frame else {})
            asked[json.dumps({"method": "subscribe", "subscription": subscription})] = (one.symbol, word)
    plans = []
    for place, part in enumerate(in_parts(list(asked), 1_000)):
        fed = tuple(dict.fromkeys(asked[text][0] for text in part if asked[text][1] in ("depth", "fastDepth")))
        opening = tuple(text.encode() for text in part)
        first, *others = [f"{host}/ws" for host in hosts_of(endpoints.hyperliquid_stream)]
        carries = tuple(asked[text] for text in part)
        plans.append(
            SocketPlan(f"all{place or ''}", first, opening, part, fed, 0.03, _PING, _PING_S, others=tuple(others), carries=carries),
        )
    return tuple(plans)


def snapshot(one: Instrument, levels: int, endpoints: EndpointSettings) -> None:
    """Nothing: each message of the stream is a whole book."""


def klines(one: Instrument, frame: str, from_ns: int, to_ns: int, limit: int, endpoints: EndpointSettings) -> RestRequest:
    """Candles that open in [from, to)."""
    split_word(f"kline_{frame}", ("kline",), _FRAMES, "Hyperliquid")
    span = {"coin": one.symbol, "interval": frame, "startTime": from_ns // 10**6, "endTime": to_ns // 10**6 - 1}
    return _asked("klines", one, {"type": "candleSnapshot", "req": span}, 20 + limit // 60, endpoints)


def best(one: Instrument, endpoints: EndpointSettings) -> RestRequest:
    """The book, whose best prices are read."""
    return _asked("best", one, {"type": "l2Book", "coin": one.symbol}, 2, endpoints)


def _asked(what: str, one: Instrument, body: dict[str, Any], weight: int, endpoints: EndpointSettings) -> RestRequest:
    return RestRequest(what, one.symbol, f"{endpoints.hyperliquid_rest}/info", weight, json.dumps(body).encode())


def read_klines(body: bytes, one: Instrument, frame_ns: int, known_ns: int) -> np.ndarray:
    """Objects; neither quote volume nor what takers bought is told."""
    told = decoded_json(body, list[_Candle], f"candles of {one.symbol}")
    if any(candle.s != one.symbol for candle in told):
        raise AnswerRefused(f"candles of {told[0].s} came", where=one.id, mend="it is asked again")
    return bars_of(((row.t, (row.o, row.h, row.l, row.c), (row.v, "", ""), row.n) for row in told), one, frame_ns, known_ns)


def read_best(body: bytes, one: Instrument) -> Best:
    """The first level of each side."""
    book = decoded_json(body, _Book, f"book of {one.symbol}")
    bids, asks = book.levels
    if not bids or not asks:
        raise AnswerRefused(f"a side of the book of {one.symbol} is empty", where=one.id, mend="it is asked again")
    return best_of(book.coin, bids[0].px, asks[0].px, one)


def _market(market: str) -> VenueStreams:
    words = (*(name for name in _SUBSCRIPTIONS if name != "kline"), *(f"kline_{frame}" for frame in _FRAMES))
    limits = VenueLimits(1_200, 60.0, 1_000, 150, connections=10, subscriptions=1_000)
    return VenueStreams("HYPERLIQUID", market, words, _FRAMES, 5_000, limits, sockets, snapshot, klines, best, read_klines, read_best)


SPOT, PERP = _market("spot"), _market("perp")
