"""What is asked of venues: every symbol's every stream stands on exactly one connection, limits are kept, and answers are read exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.errors import AnswerRefused, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.exchanges.catalog import CODECS, STREAMS, streams_of
from metastackerbandit.exchanges.settings import EndpointSettings
from metastackerbandit.exchanges.streams import SocketPlan, VenueStreams, require_carried
from metastackerbandit.market.bars import BAR_FRAMES
from tests.covering import covers
from tests.markets import instrument

HOSTS = EndpointSettings()
EACH = pytest.mark.parametrize("streams", STREAMS, ids=lambda one: f"{one.venue} {one.market}")
OPENED_MS = 1_700_000_040_000


def named(streams: VenueStreams, count: int) -> list[Instrument]:
    return [instrument(f"COIN{n}USDT", streams.market, streams.venue) for n in range(count)]


def together(streams: VenueStreams) -> tuple[str, ...]:
    """All words that can be asked for at a time."""
    return tuple(word for word in streams.words if word != "fastDepth")


def subscribed(plan: SocketPlan) -> list[str]:
    """What a venue would take from the address and the messages."""
    told = [name for name in parse_qs(urlsplit(plan.url).query).get("streams", [""])[0].split("/") if name]
    for message in plan.opening:
        asked = json.loads(message)
        told += asked["params"] if "params" in asked else [message.decode()]
    return told


@EACH
@given(count=st.integers(1, 90))
def test_every_stream_is_on_one_connection_within_the_venue_s_limits(streams: VenueStreams, count: int) -> None:
    instruments, words = named(streams, count), together(streams)
    plans = streams.sockets(instruments, words, HOSTS)
    told = [name for plan in plans for name in subscribed(plan)]
    assert sorted(told) == sorted(name for plan in plans for name in plan.streams)
    assert len(told) == len(set(told)) == count * len(words)
    assert sorted(symbol for plan in plans for symbol in plan.books) == sorted(one.symbol for one in instruments)
    for plan in plans:
        assert 0 < len(plan.streams) <= streams.limits.streams and len(plan.url) < 4_300
        assert all(len(message) < 4_096 or streams.venue == "MEXC" for message in plan.opening) and plan.life_s <= 86_400
    assert len({plan.name for plan in plans}) == len(plans)


@EACH
def test_what_a_venue_has_not_is_refused_by_name(streams: VenueStreams) -> None:
    one = named(streams, 1)
    for words in ((), ("depth", "depth"), ("deep",), ("kline",), ("kline_7m",), ("depth_1m",)):
        with pytest.raises(UsageError) as raised:
            streams.sockets(one, words, HOSTS)
        assert raised.value.mend
    with pytest.raises(UsageError):
        streams.klines(one[0], "7m", 0, MINUTE_NS, 1, HOSTS)
    assert streams_of(streams.venue, streams.market) is streams
    assert streams.venue in {codec.venue for codec in CODECS} and set(streams.frames) <= set(BAR_FRAMES)


def test_a_market_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="mexc perp"):
        streams_of("MEXC", "perp")


@covers("C06")
def test_usdm_s_books_are_on_the_public_route_and_the_rest_on_market() -> None:
    one = [instrument("BTCUSDT", "perp", "BINANCE")]
    public, market = streams_of("BINANCE", "perp").sockets(one, ("depth", "trade", "bookTicker", "kline_1m", "markPrice", "aggTrade"), HOSTS)
    assert public.url == "wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/btcusdt@trade/btcusdt@bookTicker"
    assert market.url == "wss://fstream.binance.com/market/stream?streams=btcusdt@kline_1m/btcusdt@markPrice@1s/btcusdt@aggTrade"
    assert (public.books, market.books) == (("BTCUSDT",), ())
    (spot,) = streams_of("BINANCE", "spot").sockets([instrument("BTCUSDT", "spot", "BINANCE")], ("depth",), HOSTS)
    assert spot.url == "wss://stream.binance.com:9443/stream?streams=btcusdt@depth@100ms"
    with pytest.raises(UsageError, match="markPrice"):
        streams_of("BINANCE", "spot").sockets(one, ("markPrice",), HOSTS)


@covers("C06")
def test_mexc_and_hyperliquid_subscribe_in_their_own_words() -> None:
    (mexc,) = streams_of("MEXC", "spot").sockets([instrument("BTCUSDT", "spot", "MEXC")], ("trade", "kline_1h"), HOSTS)
    assert json.loads(mexc.opening[0]) == {
        "method": "SUBSCRIPTION",
        "params": ["spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT", "spot@public.kline.v3.api.pb@BTCUSDT@Min60"],
    }
    assert (mexc.heartbeat, mexc.url) == (b'{"method": "PING"}', "wss://wbs-api.mexc.com/ws")
    (hyper,) = streams_of("HYPERLIQUID", "perp").sockets([instrument("BTC", "perp", "HYPERLIQUID")], ("depth", "kline_1m"), HOSTS)
    assert [json.loads(message)["subscription"] for message in hyper.opening] == [
        {"type": "l2Book", "coin": "BTC"},
        {"type": "candle", "coin": "BTC", "interval": "1m"},
    ]
    with pytest.raises(UsageError, match="two pictures"):
        streams_of("HYPERLIQUID", "perp").sockets([instrument("BTC", "perp", "HYPERLIQUID")], ("depth", "fastDepth"), HOSTS)


@pytest.mark.parametrize(
    ("venue", "market", "levels", "limit", "weight"),
    [
        ("BINANCE", "spot", 5_000, 5_000, 250),
        ("BINANCE", "spot", 700, 700, 50),
        ("BINANCE", "perp", 5_000, 1_000, 20),
        ("BINANCE", "perp", 60, 100, 5),
        ("MEXC", "spot", 5_000, 5_000, 1),
    ],
)
def test_a_snapshot_weighs_what_the_venue_says(venue: str, market: str, levels: int, limit: int, weight: int) -> None:
    request = streams_of(venue, market).snapshot(instrument("BTCUSDT", market, venue), levels, HOSTS)
    assert request is not None
    assert parse_qs(urlsplit(request.url).query) == {"symbol": ["BTCUSDT"], "limit": [str(limit)]} and request.weight == weight


def test_candles_are_asked_for_by_the_instants_that_they_open_at() -> None:
    one = instrument("BTCUSDT", "perp", "BINANCE")
    request = streams_of("BINANCE", "perp").klines(one, "1m", OPENED_MS * 10**6, (OPENED_MS + 60_000) * 10**6, 1_500, HOSTS)
    query = parse_qs(urlsplit(request.url).query)
    assert (query["startTime"], query["endTime"], request.weight) == ([str(OPENED_MS)], [str(OPENED_MS + 59_999)], 10)
    mexc = streams_of("MEXC", "spot").klines(instrument("BTCUSDT", "spot", "MEXC"), "1h", 0, 3_600 * 10**9, 1, HOSTS)
    assert parse_qs(urlsplit(mexc.url).query)["interval"] == ["60m"]
    hyper = streams_of("HYPERLIQUID", "perp").klines(instrument("BTC", "perp", "HYPERLIQUID"), "1m", 0, MINUTE_NS, 120, HOSTS)
    assert json.loads(hyper.body)["req"] == {"coin": "BTC", "interval": "1m", "startTime": 0, "endTime": 59_999} and hyper.weight == 22


def told(venue: str, candles: Sequence[tuple[int, str, str, str, str]]) -> bytes:
    """Candles (opening in ms, open, high, low, close) in a venue's own words, each with a volume of 1.5."""
    if venue == "HYPERLIQUID":
        return json.dumps(
            [{"t": t, "T": t + 59_999, "s": "BTC", "i": "1m", "o": o, "h": h, "l": low, "c": c, "v": "1.5", "n": 3} for t, o, h, low, c in candles]
        ).encode()
    length, rest = (60_000, ["150.0"]) if venue == "MEXC" else (59_999, ["150.0", 3, "0.5", "50.0", "0"])
    return json.dumps([[t, o, h, low, c, "1.5", t + length, *rest] for t, o, h, low, c in candles]).encode()


@EACH
@given(
    rows=st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 99), st.integers(0, 99), st.integers(0, 1), st.integers(0, 1)), max_size=30),
    forming=st.integers(0, 3),
)
def test_candles_are_read_to_the_tick_and_those_that_form_are_left_out(
    streams: VenueStreams, rows: list[tuple[int, int, int, int, int]], forming: int
) -> None:
    one = instrument("BTC" if streams.venue == "HYPERLIQUID" else "BTCUSDT", streams.market, streams.venue)
    ticks = [(low + up * a, low + up + more, low, low + up * b) for low, up, more, a, b in rows]
    candles = [(OPENED_MS + 60_000 * n, *(f"{price // 10}.{price % 10}0" for price in row)) for n, row in enumerate(ticks)]
    ends_ms = OPENED_MS + 60_000 * max(len(rows) - forming, 0)
    bars = streams.read_klines(told(streams.venue, candles), one, MINUTE_NS, ends_ms * 10**6)  # type: ignore[arg-type]
    assert len(bars) == max(len(rows) - forming, 0)
    for bar, row, candle in zip(bars, ticks, candles, strict=False):
        assert tuple(int(bar[name]) for name in ("open", "high", "low", "close")) == row
        opened_ns = int(str(candle[0])) * 10**6
        assert (bar["opened_ns"], bar["closed_ns"], bar["parts"], bar["volume"]) == (opened_ns, opened_ns + MINUTE_NS, 1, 1.5)
        assert bool(np.isnan(bar["taker_volume"])) == (streams.venue != "BINANCE") and bool(np.isnan(bar["trades"])) == (streams.venue == "MEXC")


@EACH
@pytest.mark.parametrize(
    "candles",
    [
        [(OPENED_MS, "1.05", "1.1", "1.0", "1.0")],  # off the grid of 0.1
        [(OPENED_MS, "1.0", "0.9", "0.8", "0.9")],  # open above high
        [(OPENED_MS + 1, "1.0", "1.0", "1.0", "1.0")],  # off the clock
        [(OPENED_MS, "1.0", "1.0", "1.0", "1.0")] * 2,
        [(OPENED_MS, "NaN", "1.0", "1.0", "1.0")],
        [(OPENED_MS, "x", "1.0", "1.0", "1.0")],
        [(OPENED_MS, "-1.0", "1.0", "-1.0", "1.0")],
    ],
)
def test_a_candle_that_cannot_be_is_refused(streams: VenueStreams, candles: list[tuple[int, str, str, str, str]]) -> None:
    one = instrument("BTC" if streams.venue == "HYPERLIQUID" else "BTCUSDT", streams.market, streams.venue)
    with pytest.raises(AnswerRefused):
        streams.read_klines(told(streams.venue, candles), one, MINUTE_NS, 2 * OPENED_MS * 10**6)


@EACH
@given(body=st.binary(max_size=60) | st.sampled_from([b"[]", b"{}", b"[[]]", b"[[1]]", b'{"code":-1}', b'[["1","2"]]', b"null", b"\xff"]))
def test_an_answer_of_any_bytes_is_read_or_refused(streams: VenueStreams, body: bytes) -> None:
    one = instrument("BTCUSDT", streams.market, streams.venue)
    try:
        assert len(streams.read_klines(body, one, MINUTE_NS, 1)) == 0
    except AnswerRefused as error:
        assert error.what
    with pytest.raises(AnswerRefused):
        streams.read_best(body, one)


def test_best_prices_are_of_the_symbol_and_not_crossed() -> None:
    binance, one = streams_of("BINANCE", "spot"), instrument("BTCUSDT", "spot", "BINANCE")
    best = binance.read_best(b'{"symbol":"BTCUSDT","bidPrice":"99.5","bidQty":"1","askPrice":"100.5","askQty":"2","time":1}', one)
    assert (best.bid, best.ask) == (99.5, 100.5)
    for wrong in ("ETHUSDT", "99.5", "100.5"), ("BTCUSDT", "100.5", "99.5"), ("BTCUSDT", "0", "99.5"), ("BTCUSDT", "", "1"):
        with pytest.raises(AnswerRefused):
            binance.read_best(json.dumps(dict(zip(("symbol", "bidPrice", "askPrice"), wrong, strict=True))).encode(), one)
    hyper, coin = streams_of("HYPERLIQUID", "perp"), instrument("BTC", "perp", "HYPERLIQUID")
    book = {"coin": "BTC", "time": 1, "levels": [[{"px": "99.0", "sz": "1", "n": 1}], [{"px": "100.0", "sz": "2", "n": 1}]]}
    assert hyper.read_best(json.dumps(book).encode(), coin).ask == 100.0
    with pytest.raises(AnswerRefused):
        hyper.read_best(json.dumps(book | {"levels": [[], book["levels"][1]]}).encode(), coin)  # type: ignore[index]


@EACH
@given(count=st.integers(1, 90))
def test_the_routing_table_has_each_symbol_s_each_stream_once(streams: VenueStreams, count: int) -> None:
    instruments, words = named(streams, count), together(streams)
    plans = streams.sockets(instruments, words, HOSTS)
    carried = [pair for plan in plans for pair in plan.carries]
    assert sorted(carried) == sorted((one.symbol, word) for one in instruments for word in words)
    assert all(len(plan.carries) == len(plan.streams) for plan in plans)
    require_carried(plans, instruments, words, streams.venue)
    if len(plans) > 1:
        (symbol, word), *_ = plans[-1].carries
        with pytest.raises(UsageError, match=f"carries .*{word} of {symbol}"):
            require_carried(plans[:-1], instruments, words, streams.venue)


@EACH
def test_the_same_streams_are_at_every_host_that_an_endpoint_names(streams: VenueStreams) -> None:
    endpoint = f"{streams.venue.lower()}_{'' if streams.venue == 'HYPERLIQUID' else streams.market + '_'}stream"
    several = structs.replace(HOSTS, **{endpoint: "wss://first, wss://second:443,"})
    for alone, plan in zip(
        streams.sockets(named(streams, 3), ("depth", "trade"), structs.replace(HOSTS, **{endpoint: "wss://first"})),
        streams.sockets(named(streams, 3), ("depth", "trade"), several),
        strict=True,
    ):
        assert (alone.others, plan.url) == ((), alone.url)
        assert plan.others == (plan.url.replace("wss://first", "wss://second:443"),)
