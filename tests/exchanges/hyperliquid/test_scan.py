"""Hyperliquid's scanner against a plain reading of the same bytes: messages as documented, made, recorded, and broken in one place."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.market_rows import ACK, DEPTH, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.hyperliquid.scan import scan
from tests.exchanges.hyperliquid.plain import told
from tests.exchanges.reading import Reader, broken
from tests.markets import instrument
from tests.shared import shared_data

PERPS = Reader(
    scan,
    told,
    instrument("BTC", tick_size="0.1", lot_size="0.00001"),
    instrument("ETH", tick_size="0.01", lot_size="0.0001"),
    instrument("PURR/USDC", "spot", tick_size="0.00000001", lot_size="1"),
)
MS = 10**6

BOOK = '{"coin":"BTC","time":1754450974231,"levels":[[{"px":"113377.0","sz":"7.6699","n":17}],[{"px":"113397.0","sz":"0.11543","n":3}]]}'
ZEROS = "0" * 64
DOCUMENTED = {
    DEPTH: [f'{{"channel":"l2Book","data":{BOOK}}}', BOOK],
    QUOTE: [
        '{"channel":"bbo","data":{"coin":"BTC","time":1754450974231,"bbo":[{"px":"113377.0","sz":"7.6699","n":17},{"px":"113397.0","sz":"0.1","n":3}]}}',
        '{"channel":"bbo","data":{"coin":"ETH","time":1754450974231,"bbo":[null,{"px":"3397.01","sz":"0.1","n":3}]}}',
        '{"channel":"bbo","data":{"coin":"ETH","time":1754450974231,"bbo":[{"px":"3397.01","sz":"0.1","n":3},null]}}',
    ],
    TRADES: [
        f'{{"channel":"trades","data":[{{"coin":"BTC","side":"B","px":"113397.0","sz":"0.01","time":1754450974300,"hash":"0x{ZEROS}","tid":118906512037719,'
        '"users":["0x0000000000000000000000000000000000000001","0x0000000000000000000000000000000000000002"]},'
        '{"coin":"BTC","side":"A","px":"113396.0","sz":"0.02","time":1754450974301,"hash":"0x","tid":3,"users":[]}]}'
    ],
    VENUE_BARS: [
        '{"channel":"candle","data":{"t":1754450940000,"T":1754450999999,"s":"BTC","i":"1m","o":"113377.0","c":"113390.0","h":"113400.0","l":"113370.0",'
        '"v":"12.345","n":77}}',
        '{"channel":"candle","data":[{"t":1754450940000,"T":1754450999999,"s":"ETH","i":"4h","o":"3377.01","c":"3390.0","h":"3400.0","l":"3370.0",'
        '"v":"0.0","n":0}]}',
    ],
    MARK: [
        '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":"-0.0000015186","openInterest":"27353.17682","prevDayPx":"76317.0",'
        '"dayNtlVlm":"1516669192.1953897476","premium":null,"oraclePx":"77605.0","markPx":"77562.0","midPx":null,"impactPxs":null}}}'
    ],
    ACK: [
        '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"l2Book","coin":"BTC","nSigFigs":null,"mantissa":null}}}',
        '{"channel":"pong"}',
        '{"channel":"error","data":"Already subscribed: {}"}',
        "Websocket connection established.",
    ],
    USER: [
        '{"channel":"userFills","data":{"user":"0x1","fills":[],"isSnapshot":true}}',
        '{"channel":"orderUpdates","data":[]}',
        '{"channel":"user"}',
    ],
    NOTHING: [
        '{"channel":"allMids","data":{"mids":{"BTC":"113377.0"}}}',
        '{"channel":"activeSpotAssetCtx","data":{"coin":"PURR/USDC","ctx":{}}}',
        '{"channel":"trades","data":[]}',
        '{"channel":7}',
        "{}",
        "[]",
        "null",
    ],
}
EVERY = [text for texts in DOCUMENTED.values() for text in texts]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in DOCUMENTED.items() for text in texts])
def test_documented_messages_are_what_they_say_however_they_are_spaced(kind: int, text: str) -> None:
    assert PERPS.read(text.encode()) == kind and PERPS.fault == "sound"
    PERPS.agrees(text.encode())
    if text[0] == "{":
        for separators in ((",", ":"), (" , ", "\t:\n")):
            PERPS.agrees(json.dumps(json.loads(text), separators=separators).encode())
        PERPS.agrees(json.dumps(dict(reversed(json.loads(text).items()))).encode())


def test_a_book_is_a_whole_picture_numbered_by_its_time() -> None:
    assert PERPS.read(DOCUMENTED[DEPTH][0].encode()) == DEPTH
    (row,) = PERPS.rows(DEPTH)
    assert (row["instrument"], row["is_whole"], row["first_id"], row["last_id"], row["prior_id"]) == (0, 1, 1754450974231, 1754450974231, -1)
    assert (row["exchange_ns"], row["bids"], row["asks"]) == (1754450974231 * MS, [(1_133_770, 766_990)], [(1_133_970, 11_543)])


def test_a_rest_reply_is_the_data_alone_and_of_the_coin_that_was_asked_for() -> None:
    assert PERPS.read(BOOK.encode(), alone=0) == DEPTH and PERPS.rows(DEPTH)[0]["is_whole"] == 2
    assert PERPS.read(BOOK.encode(), alone=1) == NOTHING and PERPS.fault == "foreign"


def test_trades_come_one_a_row_and_an_empty_side_is_none() -> None:
    assert PERPS.read(DOCUMENTED[TRADES][0].encode()) == TRADES
    assert [(row["ticks"], row["lots"], row["side"], row["first_id"]) for row in PERPS.rows(TRADES)] == [
        (1_133_970, 1_000, 1, 118906512037719),
        (1_133_960, 2_000, -1, 3),
    ]
    assert PERPS.read(DOCUMENTED[QUOTE][1].encode()) == QUOTE
    (row,) = PERPS.rows(QUOTE)
    assert (row["bid"], row["bid_lots"], row["ask"], row["ask_lots"], row["update_id"]) == (0, 0, 339_701, 1_000, -1)


def test_the_mark_has_the_oracle_s_price_and_the_hour_s_rate() -> None:
    assert PERPS.read(DOCUMENTED[MARK][0].encode()) == MARK
    (row,) = PERPS.rows(MARK)
    assert (row["mark_price"], row["index_price"], row["rate"], row["settles_ns"]) == (77562.0, 77605.0, -152, 0)


TRADE = {"coin": "BTC", "side": "B", "px": "1.0", "sz": "1", "time": 1, "tid": 1}
LEVEL = {"px": "1", "sz": "1"}


def message(channel: str, data: Any) -> bytes:
    """A frame of a channel."""
    return json.dumps({"channel": channel, "data": data}).encode()


def book(levels: Any, **more: Any) -> bytes:
    """A frame of a book."""
    return message("l2Book", {"coin": "BTC", "time": 1, "levels": levels} | more)


def candle(**more: Any) -> bytes:
    """A frame of a candle."""
    return message("candle", {"t": 1, "s": "BTC", "i": "1m", "o": "1", "c": "1", "h": "1", "l": "1", "v": "1", "n": 1} | more)


def context(**more: Any) -> bytes:
    """A frame of a mark price."""
    return message("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1", "oraclePx": "1", "funding": "0"} | more})


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"", "truncated"),
        (b'{"channel":"pong"', "truncated"),
        (b'{"channel":"pong",}', "malformed"),
        (b'{"channel":"pong"} x', "malformed"),
        (b"[] x", "malformed"),
        (b"Websocket connection lost.", "malformed"),
        (b'{"channel":"\xff"}', "unreadable"),
        (b'{"x":' + b"[" * 99 + b"]" * 99 + b"}", "too_deep"),
        (b'{"channel":"l2Book"}', "missing"),
        (message("l2Book", []), "mistyped"),
        (message("trades", {}), "mistyped"),
        (message("trades", [[]]), "mistyped"),
        (message("trades", [TRADE | {"coin": "NOBODY"}]), "foreign"),
        (message("trades", [TRADE | {"coin": 5}]), "mistyped"),
        (message("trades", [TRADE | {"side": "C"}]), "mistyped"),
        (message("trades", [TRADE | {"side": "BA"}]), "mistyped"),
        (message("trades", [TRADE | {"px": "1.01"}]), "off_grid"),
        (message("trades", [TRADE | {"px": "-1"}]), "negative"),
        (message("trades", [TRADE | {"px": 1}]), "mistyped"),
        (message("trades", [TRADE | {"sz": "9" * 40}]), "too_large"),
        (message("trades", [TRADE | {"tid": "1"}]), "mistyped"),
        (message("trades", [{"coin": "BTC"}]), "missing"),
        (message("trades", [TRADE] * 9), "too_many"),
        (message("trades", [TRADE, TRADE | {"time": 10**18}]), "too_large"),
        (book([[LEVEL]]), "missing"),
        (book([]), "missing"),
        (book([[], [], []]), "mistyped"),
        (book([[], {}]), "mistyped"),
        (book([[], [[]]]), "mistyped"),
        (book({}), "mistyped"),
        (book([[], [{"px": "0", "sz": "1"}]]), "negative"),
        (book([[{"px": "1"}], []]), "missing"),
        (book([[LEVEL] * 41, []]), "too_many"),
        (book([[], []], time="1"), "mistyped"),
        (book([[], []], coin="NOBODY"), "foreign"),
        (message("l2Book", {"time": 1, "levels": [[], []]}), "foreign"),
        (message("bbo", {"coin": "BTC", "time": 1, "bbo": [None]}), "missing"),
        (message("bbo", {"coin": "BTC", "time": 1, "bbo": []}), "missing"),
        (message("bbo", {"coin": "BTC", "time": 1, "bbo": [None, None, None]}), "mistyped"),
        (message("bbo", {"coin": "BTC", "time": 1, "bbo": [5, None]}), "mistyped"),
        (message("bbo", {"coin": "BTC", "time": 1}), "missing"),
        (message("bbo", {"coin": "BTC", "bbo": [None, None]}), "missing"),
        (candle(i="1M"), "mistyped"),
        (candle(i=""), "missing"),
        (candle(v="-1"), "mistyped"),
        (candle(v=None), "mistyped"),
        (candle(o="1.01"), "off_grid"),
        (message("candle", [5]), "mistyped"),
        (message("candle", "x"), "mistyped"),
        (context(markPx="0"), "mistyped"),
        (context(oraclePx=None), "mistyped"),
        (context(funding="x"), "mistyped"),
        (message("activeAssetCtx", {"coin": "BTC", "ctx": {"markPx": "1"}}), "missing"),
        (message("activeAssetCtx", {"coin": "BTC"}), "missing"),
        (message("activeAssetCtx", {"coin": "BTC", "ctx": []}), "mistyped"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(frame: bytes, fault: str) -> None:
    assert PERPS.read(frame) == NOTHING
    assert PERPS.fault == fault
    if fault not in ("too_many", "too_deep"):  # the plain reader has room for all
        PERPS.agrees(frame)


LEVELS = st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**9)), max_size=5)


@given(bids=LEVELS, asks=LEVELS, ms=st.integers(0, 8_999_999_999_999), order=st.permutations(["px", "sz", "n"]))
@settings(max_examples=40)
def test_whatever_levels_are_told_are_read(bids: list[tuple[int, int]], asks: list[tuple[int, int]], ms: int, order: list[str]) -> None:
    def level(ticks: int, lots: int) -> dict[str, Any]:
        whole = {"px": f"{ticks // 10}.{ticks % 10}", "sz": f"{lots // 10**5}.{lots % 10**5:05d}", "n": 1}
        return {key: whole[key] for key in order}

    assert PERPS.read(book([[level(*one) for one in side] for side in (bids, asks)], time=ms)) == DEPTH
    (row,) = PERPS.rows(DEPTH)
    assert (row["bids"], row["asks"], row["exchange_ns"], row["last_id"]) == (bids, asks, ms * MS, ms)


@given(
    text=st.sampled_from([*EVERY, '{"channel":"trades","data":[]}']),
    place=st.integers(0, 700),
    byte=st.integers(0, 255),
    what=st.sampled_from(["set", "cut", "lost", "more"]),
)
@settings(max_examples=700)
def test_a_message_broken_in_one_place_is_read_as_the_plain_reader_reads_it(text: str, place: int, byte: int, what: str) -> None:
    PERPS.agrees(broken(text.encode(), place, byte, what))


def test_recorded_frames_are_read_as_the_plain_reader_reads_them() -> None:
    folder = shared_data() / "ws_captures"
    reader = Reader(scan, told, instrument("BTC", tick_size="0.1", lot_size="0.00001"), most_rows=40)
    with gzip.open(folder / "hyperliquid" / "btcusd_20250126.gz") as lines:
        frames = [line.rstrip(b"\n").partition(b" ")[2] for line in lines]
    for frame in frames:
        reader.agrees(frame)
    kinds = [reader.read(frame) for frame in frames]
    assert (len(frames), kinds.count(DEPTH), kinds.count(TRADES)) == (55, 46, 9)
    with tarfile.open(folder / "venue_messages.tar.gz") as messages:
        reply = messages.extractfile("hyperliquid/http_l2_book_btc.json")
        assert reply is not None
        text = reply.read()
    reader.agrees(text, alone=0)
    assert reader.read(text, alone=0) == DEPTH and reader.rows(DEPTH)[0]["bids"][0] == (1_104_270, 411_882)
