"""The scanner against a plain reading of the same bytes: messages as documented, made, recorded, and broken in one place."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.market_rows import ACK, DEPTH, LIQUIDATION, MARK, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.binance.scan import scan
from metastackerbandit.exchanges.decoded import FAULTS, Decoded, empty_decoded, routes_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.symbols import symbols_of
from tests.exchanges.binance.plain import told
from tests.exchanges.reading import Wrong
from tests.markets import instrument
from tests.shared import shared_data

KINDS = {DEPTH: "depth", TRADES: "trades", QUOTE: "quotes", VENUE_BARS: "bars", MARK: "marks", LIQUIDATION: "liquidations"}


class Reader:
    """The scanner with its scratch, for some instruments."""

    def __init__(self, *instruments: Instrument) -> None:
        self.instruments = {one.symbol: one for one in instruments}
        self.decoded: Decoded = empty_decoded(1_200, 4)
        self._symbols, self._routes = symbols_of(list(self.instruments)), routes_of(instruments)
        self._fields, self._inner = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)

    def read(self, frame: bytes, alone: int = -1) -> int:
        """The kind of a frame."""
        text = np.frombuffer(frame, np.uint8)
        return int(scan(text, len(text), 77, self._symbols, self._routes, self.decoded, self._fields, self._inner, alone))

    @property
    def fault(self) -> str:
        """What was wrong with the last frame."""
        return FAULTS[int(self.decoded.found[0].fault)][0]

    def row(self, kind: int, place: int = 0) -> dict[str, Any]:
        """A row of the last frame without the time of receipt."""
        record = getattr(self.decoded, KINDS[kind])[place]
        assert record.received_ns == 77
        row = {name: record[name].item() for name in record.dtype.names if name != "received_ns"}
        row |= {name: None for name, value in row.items() if value != value}
        if kind == DEPTH:
            row["bids"], row["asks"] = ([tuple(level) for level in side[:count].tolist()] for side, count in self.sides(row))
        return row

    def sides(self, row: dict[str, Any]) -> tuple[Any, Any]:
        """The arrays of levels and how many count."""
        return (self.decoded.bids, row["bids"]), (self.decoded.asks, row["asks"])

    def agrees(self, frame: bytes) -> None:
        """Hold the scanner against the plain reading of one frame."""
        try:
            expected = told(frame, self.instruments)
        except Wrong:
            assert (self.read(frame), self.decoded.found[0].rows) == (NOTHING, 0)
            assert self.fault != "sound", frame
            return
        kind = self.read(frame)
        assert self.fault == "sound", (self.fault, frame)
        assert kind == expected[0], frame
        if kind in KINDS:
            assert self.row(kind) == expected[1]
            assert self.decoded.found[0].rows == 1


SPOT = Reader(instrument("BNBBTC", "spot", tick_size="0.0001", lot_size="1"), instrument("BNBUSDT", "spot", tick_size="0.0001", lot_size="0.01"))

DOCUMENTED = {
    DEPTH: [
        '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","100"]]}',
        '{"stream":"bnbbtc@depth5","data":{"lastUpdateId":160,"bids":[["0.0024","10",[]]],"asks":[["0.0026","100",[]]]}}',
        '{"e":"depthUpdate","E":123456789,"T":123456788,"s":"BNBUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"]],"a":[],"st":1,"ps":"BNBUSDT"}',
    ],
    TRADES: [
        '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}',
        '{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":false,"M":true}',
    ],
    QUOTE: ['{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}'],
    VENUE_BARS: [
        '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020",'
        '"h":"0.0025","l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}',
        '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"i":"1m","f":-1,"L":-1,"o":"0.0010","c":"0.0010",'
        '"h":"0.0010","l":"0.0010","v":"0","n":0,"x":true,"q":"0","V":"0"}}',
    ],
    MARK: [
        '{"e":"markPriceUpdate","E":1562305380000,"s":"BNBUSDT","p":"11794.15000000","i":"11784.62659091","P":"11784.25641265","r":"0.00038167",'
        '"T":1562306400000}'
    ],
    LIQUIDATION: [
        '{"e":"forceOrder","E":1568014460893,"o":{"s":"BNBBTC","S":"SELL","o":"LIMIT","f":"IOC","q":"14","p":"9910","ap":"9910.5","X":"FILLED","l":"14","z":"14",'
        '"T":1568014460893}}'
    ],
    USER: [
        '{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH","f":"10000.000000","l":"0.000000"}]}}',
        '{"e":"TRADE_LITE","E":1721895408092,"s":"BNBUSDT","q":"0.001"}',
        '{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{"s":"BNBUSDT"}}',
        '{"e":"executionReport","E":1,"s":"BNBBTC"}',
    ],
    ACK: ['{"result":null,"id":1}', '{"code":2,"msg":"Invalid request: unknown variant","id":7}'],
    NOTHING: ['{"e":"24hrMiniTicker","E":1,"s":"BNBBTC"}', "{}", "[]", '{"e":"serverShutdown","E":1}'],
}
EVERY = [text for texts in DOCUMENTED.values() for text in texts]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in DOCUMENTED.items() for text in texts])
def test_documented_messages_are_read_as_they_stand_and_in_the_combined_form(kind: int, text: str) -> None:
    SPOT.agrees(text.encode())
    assert SPOT.read(text.encode()) == kind
    message = json.loads(text)
    if isinstance(message, dict) and "stream" not in message:
        symbol = message.get("s") or message.get("o", {}).get("s", "BNBBTC")
        for wrapped in ({"stream": f"{symbol.lower()}@x", "data": message}, {"data": message, "stream": f"{symbol.lower()}@x"}):
            for separators in ((",", ":"), (" , ", "\t:\n")):
                SPOT.agrees(json.dumps(wrapped, separators=separators).encode())


MARKS = st.sampled_from(["BNBBTC", "BNBUSDT", "bnbusdt", "ETHUSDT", "XRPUSDT"])


@given(
    symbols=st.lists(MARKS, max_size=4), ms=st.integers(10**12, 9 * 10**12 - 9), wrapped=st.sampled_from(["", "first", "last"]), spaced=st.booleans()
)
def test_a_list_of_all_mark_prices_is_a_row_for_each_that_was_asked_for(symbols: list[str], ms: int, wrapped: str, spaced: bool) -> None:
    messages = [json.loads(DOCUMENTED[MARK][0]) | {"s": symbol, "E": ms + place} for place, symbol in enumerate(symbols)]
    frame: Any = messages
    if wrapped:
        name = {"stream": "!markPrice@arr@1s"}
        frame = name | {"data": messages} if wrapped == "first" else {"data": messages} | name
    asked = [message for message in messages if message["s"].upper() in SPOT.instruments]
    assert SPOT.read(json.dumps(frame, separators=None if spaced else (",", ":")).encode()) == (MARK if asked else NOTHING)
    assert (SPOT.fault, SPOT.decoded.found[0].rows) == ("sound", len(asked))
    assert [SPOT.row(MARK, place) for place in range(len(asked))] == [told(json.dumps(one).encode(), SPOT.instruments)[1] for one in asked]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[{}, 5, [], null]", "sound"),
        ('[{"e":"24hrMiniTicker","s":"BNBBTC"}]', "sound"),
        ('[{"e":"markPriceUpdate","s":"NOBODY"}]', "sound"),
        ('[{"e":"markPriceUpdate"}]', "missing"),
        ('[{"e":"markPriceUpdate","s":5}]', "mistyped"),
        (f"[{DOCUMENTED[MARK][0]},{DOCUMENTED[MARK][0].replace('11794.15000000', '0')}]", "mistyped"),
        (f"[{','.join([DOCUMENTED[MARK][0]] * 5)}]", "too_many"),
        (f"[{DOCUMENTED[MARK][0]}", "truncated"),
        (f"[{DOCUMENTED[MARK][0]}] x", "malformed"),
        (f"[{DOCUMENTED[MARK][0]},]", "malformed"),
    ],
)
def test_a_list_with_something_wrong_is_set_aside_whole(text: str, fault: str) -> None:
    assert (SPOT.read(text.encode()), SPOT.fault, SPOT.decoded.found[0].rows) == (NOTHING, fault, 0)


def test_a_snapshot_is_of_the_instrument_that_asked_for_it() -> None:
    text = b'{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00020000","12.00000000"]]}'
    assert SPOT.read(text) == NOTHING and SPOT.fault == "foreign"
    assert SPOT.read(text, alone=1) == DEPTH
    row = SPOT.row(DEPTH)
    assert (row["instrument"], row["is_whole"], row["last_id"], row["prior_id"]) == (1, 2, 1027024, -1)
    assert (row["bids"], row["asks"]) == ([(40_000, 43_100)], [(40_002, 1_200)])


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"", "truncated"),
        (b'{"e":"trade"', "truncated"),
        (b'{"e":"trade",}', "malformed"),
        (b'{"e":"trade"} x', "malformed"),
        (b'{"e":"\xff"}', "unreadable"),
        (b'{"x":' + b"[" * 99 + b"]" * 99 + b"}", "too_deep"),
        (b'{"e":"trade","s":"NOBODY"}', "foreign"),
        (b'{"e":"trade","s":"BNBBTC"}', "missing"),
        (b'{"e":"trade","s":"BNBBTC","E":"1","T":1,"t":1,"p":"1","q":"1","m":true}', "mistyped"),
        (b'{"e":"trade","s":"BNBBTC","E":1,"T":1,"t":1,"p":"0.00001","q":"1","m":true}', "off_grid"),
        (b'{"e":"trade","s":"BNBBTC","E":1,"T":1,"t":1,"p":"-1","q":"1","m":true}', "negative"),
        (b'{"e":"trade","s":"BNBBTC","E":1,"T":1,"t":1,"p":"NaN","q":"1","m":true}', "mistyped"),
        (b'{"e":"trade","s":"BNBBTC","E":1,"T":1,"t":1,"p":"' + b"9" * 40 + b'","q":"1","m":true}', "too_large"),
        (b'{"e":"depthUpdate","s":"BNBBTC","E":1,"U":1,"u":2,"b":[' + b'["1","1"],' * 1_200 + b'["1","1"]],"a":[]}', "too_many"),
        (b'{"e":"depthUpdate","s":"BNBBTC","E":1,"U":3,"u":2,"b":[],"a":[]}', "malformed"),
        (b'{"e":"depthUpdate","s":"BNBBTC","E":1,"U":1,"u":2,"b":[["0","1"]],"a":[]}', "negative"),
        (b'{"e":"depthUpdate","s":"BNBBTC","E":1,"U":1,"u":2,"b":[["1"]],"a":[]}', "missing"),
        (b'{"stream":"bnbusdt@depth","data":{"e":"depthUpdate","s":"BNBBTC","E":1,"U":1,"u":2,"b":[],"a":[]}}', "foreign"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(frame: bytes, fault: str) -> None:
    assert SPOT.read(frame) == NOTHING
    assert SPOT.fault == fault


@given(
    text=st.sampled_from(EVERY),
    wrapped=st.booleans(),
    place=st.integers(0, 600),
    byte=st.integers(0, 255),
    what=st.sampled_from(["set", "cut", "lost", "more"]),
)
@settings(max_examples=600)
def test_a_message_broken_in_one_place_is_read_as_the_plain_reader_reads_it(text: str, wrapped: bool, place: int, byte: int, what: str) -> None:
    if wrapped and '"s":"' in text:
        symbol = text.partition('"s":"')[2].partition('"')[0].lower()
        text = f'{{"stream":"{symbol}@depth@100ms","data":{text}}}'
    frame = bytearray(text.encode())
    place %= max(len(frame), 1)
    if what == "set":
        frame[place] = byte
    elif what == "cut":
        del frame[place:]
    elif what == "lost":
        del frame[place]
    else:
        frame.insert(place, byte)
    SPOT.agrees(bytes(frame))


PRICES = st.integers(1, 10**9).map(lambda ticks: f"{ticks // 10_000}.{ticks % 10_000:04d}")
SIZES = st.integers(0, 10**9).map(str)
SIDES = st.lists(st.tuples(PRICES, SIZES), max_size=6)


@given(bids=SIDES, asks=SIDES, first=st.integers(0, 2**62), more=st.integers(0, 99), order=st.permutations(range(7)), spaced=st.booleans())
def test_keys_come_in_any_order(bids: Any, asks: Any, first: int, more: int, order: list[int], spaced: bool) -> None:
    fields = [("e", "depthUpdate"), ("E", 1_672_515_782_136), ("s", "BNBBTC"), ("U", first), ("u", first + more), ("b", bids), ("a", asks)]
    SPOT.agrees(json.dumps(dict(fields[place] for place in order), indent=1 if spaced else None).encode())


RECORDED = (
    ("usdm_btcusdt_20240808", "perp", "BTCUSDT", "0.1", "0.001"),
    ("usdm_btcusdt_20230404", "perp", "BTCUSDT", "0.1", "0.001"),
    ("spot_btcusdt_20240808", "spot", "BTCUSDT", "0.01", "0.00001"),
    ("cm_btcusd_perp_20240808", "perp", "BTCUSD_PERP", "0.1", "1"),
)


@pytest.mark.parametrize(("name", "market", "symbol", "tick", "lot"), RECORDED)
def test_recorded_frames_are_read_as_the_plain_reader_reads_them(name: str, market: str, symbol: str, tick: str, lot: str) -> None:
    path = shared_data() / "ws_captures" / "binance" / f"{name}.gz"
    reader = Reader(instrument(symbol, market, tick_size=tick, lot_size=lot, min_quantity=lot, max_quantity="1000"))
    with gzip.open(path) as lines:
        frames = [line.rstrip(b"\n").partition(b" ")[2] for line in lines]
    snapshots = [frame for frame in frames if frame.startswith(b'{"lastUpdateId"')]
    for frame in (*frames[:3_000], *frames[3_000::23]):
        if frame not in snapshots:
            reader.agrees(frame)
    (snapshot,) = snapshots
    assert reader.read(snapshot, alone=0) == DEPTH
    body, row = json.loads(snapshot), reader.row(DEPTH)
    assert [len(row[side]) for side in ("bids", "asks")] == [len(body[side]) for side in ("bids", "asks")] == [1_000, 1_000]
