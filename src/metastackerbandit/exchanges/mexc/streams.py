"""MEXC spot's streams and requests: 30 subscriptions a connection, subscribed to by messages, kept alive by ours."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.binance.streams import read_best
from metastackerbandit.exchanges.kline_rows import arrays_of, bars_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import (
    RestRequest,
    SocketPlan,
    VenueLimits,
    VenueStreams,
    hosts_of,
    in_parts,
    require_once,
    split_word,
)

_CHANNELS = {
    "depth": "spot@public.aggre.depth.v3.api.pb@100ms@{symbol}",
    "depth5": "spot@public.limit.depth.v3.api.pb@{symbol}@5",
    "depth20": "spot@public.limit.depth.v3.api.pb@{symbol}@20",
    "trade": "spot@public.aggre.deals.v3.api.pb@100ms@{symbol}",
    "bookTicker": "spot@public.aggre.bookTicker.v3.api.pb@100ms@{symbol}",
    "kline": "spot@public.kline.v3.api.pb@{symbol}@{frame}",
}
_PUSHED = {"1m": "Min1", "5m": "Min5", "15m": "Min15", "1h": "Min60", "4h": "Hour4", "1d": "Day1"}  # as streams name lengths of candles
_ASKED = {"1m": "1m", "5m": "5m", "15m": "15m", "1h": "60m", "4h": "4h", "1d": "1d"}  # as requests do
_PING = json.dumps({"method": "PING"}).encode()
_PING_S = 20.0  # a connection without data dies after 60 s


def sockets(instruments: Sequence[Instrument], words: Sequence[str], endpoints: EndpointSettings) -> tuple[SocketPlan, ...]:
    """One connection for each 30 channels."""
    require_once(words, "MEXC spot")
    channels: dict[str, tuple[str, str]] = {}
    for word in words:
        kind, frame = split_word(word, tuple(_CHANNELS), tuple(_PUSHED), "MEXC spot")
        for one in instruments:
            channels[_CHANNELS[kind].format(symbol=one.symbol, frame=_PUSHED.get(frame, ""))] = (one.symbol, word)
    plans = []
    for place, part in enumerate(in_parts(list(channels), 30)):
        opening = json.dumps({"method": "SUBSCRIPTION", "params": list(part)}).encode()
        fed = tuple(dict.fromkeys(channels[name][0] for name in part if channels[name][1] == "depth"))
        first, *others = [f"{host}/ws" for host in hosts_of(endpoints.mexc_spot_stream)]
        carries = tuple(channels[name] for name in part)
        plans.append(
            SocketPlan(f"spot{place or ''}", first, (opening,), part, fed, 0.05, _PING, _PING_S, others=tuple(others), carries=carries),
        )
    return tuple(plans)


def snapshot(one: Instrument, levels: int, endpoints: EndpointSettings) -> RestRequest:
    """The book to begin from."""
    most = min(levels, 5_000)
    return RestRequest("depth", one.symbol, f"{endpoints.mexc_spot_rest}/api/v3/depth?symbol={one.symbol}&limit={most}", 1, levels=most)


def klines(one: Instrument, frame: str, from_ns: int, to_ns: int, limit: int, endpoints: EndpointSettings) -> RestRequest:
    """Candles that open in [from, to)."""
    split_word(f"kline_{frame}", ("kline",), tuple(_ASKED), "MEXC spot")
    span = f"startTime={from_ns // 10**6}&endTime={to_ns // 10**6 - 1}&limit={limit}"
    return RestRequest("klines", one.symbol, f"{endpoints.mexc_spot_rest}/api/v3/klines?symbol={one.symbol}&interval={_ASKED[frame]}&{span}", 1)


def best(one: Instrument, endpoints: EndpointSettings) -> RestRequest:
    """Best bid and ask."""
    return RestRequest("best", one.symbol, f"{endpoints.mexc_spot_rest}/api/v3/ticker/bookTicker?symbol={one.symbol}", 1)


def read_klines(body: bytes, one: Instrument, frame_ns: int, known_ns: int) -> np.ndarray:
    """Arrays of 8: opening, open, high, low, close, volume, end (the next opening), quote volume."""
    told = arrays_of(body, (int, str, str, str, str, str, int, str), f"candles of {one.symbol}")
    return bars_of(((row[0], row[1:5], (row[5], row[7], ""), -1) for row in told), one, frame_ns, known_ns)


SPOT = VenueStreams(
    "MEXC",
    "spot",
    (*(name for name in _CHANNELS if name != "kline"), *(f"kline_{frame}" for frame in _PUSHED)),
    tuple(_ASKED),
    1_000,
    VenueLimits(300, 10.0, 30, 300),  # each request has a pool of its own, which some have seen at 300 instead of 500: one pool is the safe reading
    sockets,
    snapshot,
    klines,
    best,
    read_klines,
    read_best,
)
