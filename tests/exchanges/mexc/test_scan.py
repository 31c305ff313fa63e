"""MEXC's scanner: byte-exact frames, whatever an independent encoder writes, and frames broken in one place against a plain reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.market_rows import ACK, DEPTH, NOTHING, QUOTE, TRADES, USER, VENUE_BARS
from metastackerbandit.exchanges.mexc.scan import scan
from tests.exchanges.mexc.plain import encode, field, told, varint
from tests.exchanges.reading import Reader, broken
from tests.markets import instrument

SPOT = Reader(
    scan,
    told,
    instrument("BTCUSDT", "spot", tick_size="0.01", lot_size="0.00000001"),
    instrument("PEPEUSDT", "spot", tick_size="0.0000000001", lot_size="1"),
)

# The venue's documented values, serialised by another encoder with the tables of 2026-06.
DEAL_FRAME = bytes.fromhex(
    "0a2f73706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d7340425443555344541a074254435553445430bca9d9d0c432d2134a0a1f0a0839"
    "333232302e3030120a302e3034343338323433180220bba9d9d0c432122773706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d73"
)
DEPTH_FRAME = bytes.fromhex(
    "0a2f73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d7340425443555344541a074254435553445430bad2c3d1c432ca135b12160a0839"
    "323837372e3538120a302e30303030303030301a2773706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d73220b3130353839363332333539"
    "2a0b3130353839363332333539"
)
TICKER_FRAME = bytes.fromhex(
    "0a3473706f74407075626c69632e61676772652e626f6f6b5469636b65722e76332e6170692e7062403130306d7340425443555344541a07425443555344543091b0e7d1c432da1327"
    "0a0839333338372e32381207332e37333438351a0839333338372e32392208372e363639383735"
)
CANDLE_FRAME = bytes.fromhex(
    "0a2973706f74407075626c69632e6b6c696e652e76332e6170692e70624042544355534454404d696e31351a074254435553445428f3ec92d1c432a2134e0a054d696e313510848bfe"
    "bb061a053932393235220839333135382e34372a0839333135382e3437320539323830303a0b33362e3833383033323234420a333432343831312e3035488892febb06"
)
ACCOUNT_FRAME = bytes.fromhex(
    "0a1e73706f7440707269766174652e6163636f756e742e76332e6170692e706228c18095d4c43230c38095d4c4329a133d0a04555344541a1132312e39343231303335363030343338"
    "34220231302a01303201303a11434f4e54524143545f5452414e5346455240b0b58dd4c432"
)
FRAMES = [DEAL_FRAME, DEPTH_FRAME, TICKER_FRAME, CANDLE_FRAME, ACCOUNT_FRAME]
AGGRE = "spot@public.aggre.{}.v3.api.pb@100ms@{}"
MS = 10**6


def test_byte_exact_frames_hold_what_was_put_in_and_the_tests_own_encoder_writes_the_same_bytes() -> None:
    stream = "spot@public.aggre.deals.v3.api.pb@100ms"
    deal = {"price": "93220.00", "quantity": "0.04438243", "tradeType": 2, "time": 1736409765051}
    wrapper = {"channel": stream + "@BTCUSDT", "symbol": "BTCUSDT", "sendTime": 1736409765052}
    assert encode(wrapper | {"publicAggreDeals": {"deals": [deal], "eventType": stream}}) == DEAL_FRAME
    assert SPOT.read(DEAL_FRAME) == TRADES
    expected = {"instrument": 0, "first_id": -1, "last_id": -1, "exchange_ns": 1736409765052 * MS, "traded_ns": 1736409765051 * MS}
    assert SPOT.rows(TRADES) == [expected | {"ticks": 9_322_000, "lots": 4_438_243, "side": -1}]

    assert SPOT.read(DEPTH_FRAME) == DEPTH
    (row,) = SPOT.rows(DEPTH)
    assert (row["first_id"], row["last_id"], row["prior_id"], row["is_whole"]) == (10589632359, 10589632359, -1, 0)
    assert (row["exchange_ns"], row["bids"], row["asks"]) == (1736411507002 * MS, [(9_287_758, 0)], [])

    assert SPOT.read(TICKER_FRAME) == QUOTE
    (row,) = SPOT.rows(QUOTE)
    assert (row["bid"], row["bid_lots"], row["ask"], row["ask_lots"]) == (9_338_728, 373_485_000, 9_338_729, 766_987_500)
    assert (row["update_id"], row["exchange_ns"]) == (-1, 1736412092433 * MS)

    assert SPOT.read(CANDLE_FRAME) == VENUE_BARS
    (row,) = SPOT.rows(VENUE_BARS)
    assert (row["open"], row["high"], row["low"], row["close"]) == (9_292_500, 9_315_847, 9_280_000, 9_315_847)
    assert (row["opened_ns"], row["closed_ns"], row["frame_ns"]) == (1736410500 * 10**9, 1736411400 * 10**9, 900 * 10**9)
    assert (row["volume"], row["quote_volume"], row["taker_volume"], row["trades"]) == (36.83803224, 3424811.05, None, -1)
    assert row["exchange_ns"] == 1736410707571 * MS

    assert SPOT.read(ACCOUNT_FRAME) == USER
    for frame in FRAMES:
        SPOT.agrees(frame)


def test_answers_to_requests_are_json() -> None:
    for text in ('{"id":0,"code":0,"msg":"spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"}', '{"id":0,"code":0,"msg":"PONG"}', '{"code":10072}'):
        assert SPOT.read(text.encode()) == ACK and SPOT.fault == "sound"
        SPOT.agrees(text.encode())
    for text in ("{}", "[]", '{"msg":"x"}', "[1,2]"):
        assert SPOT.read(text.encode()) == NOTHING and SPOT.fault == "sound"
        SPOT.agrees(text.encode())


def test_a_snapshot_is_of_the_instrument_that_asked_for_it() -> None:
    text = b'{"lastUpdateId":1377008,"bids":[["93387.28","3.7"],["93387.27","0.00000001"]],"asks":[["93387.29","7.5"]],"timestamp":1736412092433}'
    assert SPOT.read(text) == NOTHING and SPOT.fault == "foreign"
    assert SPOT.read(text, alone=0) == DEPTH
    (row,) = SPOT.rows(DEPTH)
    assert (row["instrument"], row["is_whole"], row["first_id"], row["last_id"], row["prior_id"]) == (0, 2, 1377008, 1377008, -1)
    assert (row["bids"], row["asks"]) == ([(9_338_728, 370_000_000), (9_338_727, 1)], [(9_338_729, 750_000_000)])
    for wrong in (text[:-1], text + b"}", text.replace(b"1377008", b"null"), text.replace(b'"asks"', b'"x"'), text.replace(b"[[", b"[[[")):
        SPOT.agrees(wrong, alone=0)
        assert SPOT.fault != "sound"


def deals(*made: dict[str, Any], **wrapper: Any) -> bytes:
    """A frame of trades."""
    named = {"channel": AGGRE.format("deals", "BTCUSDT"), "symbol": "BTCUSDT", "sendTime": 1, "publicAggreDeals": {"deals": list(made)}}
    return encode(named | wrapper)


DEAL = {"price": "1.00", "quantity": "1", "tradeType": 1, "time": 1}


def ticker(**fields: str) -> bytes:
    """A frame of best prices."""
    body = {"bidPrice": "1", "bidQuantity": "1", "askPrice": "2", "askQuantity": "1"} | fields
    return encode({"symbol": "BTCUSDT", "publicAggreBookTicker": body})


def depth(**fields: Any) -> bytes:
    """A frame of changes."""
    return encode({"symbol": "BTCUSDT", "publicAggreDepths": {"fromVersion": "1", "toVersion": "2"} | fields})


def candle(**fields: Any) -> bytes:
    """A frame of a candle."""
    prices = dict.fromkeys(("openingPrice", "closingPrice", "highestPrice", "lowestPrice"), "1.5")
    body = {"interval": "Min1", "windowStart": 60, "volume": "0E-8", "amount": "0", **prices, **fields}
    return encode({"symbol": "BTCUSDT", "publicSpotKline": body})


LEVEL = {"price": "1", "quantity": "1"}


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"", "truncated"),
        (DEAL_FRAME[:-1], "truncated"),
        (b"\x0b", "malformed"),
        (field(1, 5), "mistyped"),
        (field(5, b"x"), "mistyped"),
        (field(313, 5), "mistyped"),
        (field(3, b"\xff\xff"), "unreadable"),
        (varint(5 << 3) + b"\x80" * 10 + b"\x00", "malformed"),
        (varint(5 << 3) + b"\xff" * 9 + b"\x7f", "too_large"),
        (DEAL_FRAME + field(315, b""), "malformed"),
        (deals(DEAL, channel="", symbol=""), "foreign"),
        (deals(DEAL, channel="", symbol="NOBODY"), "foreign"),
        (deals(DEAL, symbol="PEPEUSDT"), "foreign"),
        (deals(DEAL, channel=AGGRE.format("deals", "NOBODY")), "foreign"),
        (deals(DEAL, sendTime=-1), "negative"),
        (deals(DEAL, sendTime=2**60), "too_large"),
        (deals(DEAL | {"price": "1.001"}), "off_grid"),
        (deals(DEAL | {"price": "-1"}), "negative"),
        (deals(DEAL | {"price": "x"}), "mistyped"),
        (deals(DEAL | {"price": ""}), "missing"),
        (deals(DEAL | {"quantity": ""}), "missing"),
        (deals(DEAL | {"time": 0}), "missing"),
        (deals(DEAL | {"tradeType": 3}), "mistyped"),
        (deals(DEAL | {"price": "9" * 40}), "too_large"),
        (deals(*[DEAL] * 9), "too_many"),
        (depth(asks=[LEVEL] * 41), "too_many"),
        (depth(bids=[LEVEL] * 41), "too_many"),
        (depth(fromVersion="3"), "malformed"),
        (depth(fromVersion=""), "missing"),
        (depth(toVersion="x"), "mistyped"),
        (depth(asks=[{"price": "0", "quantity": "1"}]), "negative"),
        (depth(asks=[{"price": "1"}]), "missing"),
        (encode({"symbol": "BTCUSDT", "publicLimitDepths": {}}), "missing"),
        (ticker(bidPrice=""), "missing"),
        (ticker(askQuantity=""), "missing"),
        (ticker(version="x"), "mistyped"),
        (candle(interval="Month1"), "mistyped"),
        (candle(interval="Min0"), "mistyped"),
        (candle(interval="Week331"), "too_large"),
        (candle(interval=""), "missing"),
        (candle(volume=""), "missing"),
        (candle(volume="-1"), "mistyped"),
        (candle(windowStart=0), "missing"),
        (candle(windowStart=-5), "negative"),
        (candle(windowStart=2**40), "too_large"),
        (candle(lowestPrice="1.234"), "off_grid"),
        (b'{"lastUpdateId":1,"bids":[],"asks":[]}', "foreign"),
        (b'{"lastUpdateId":1', "truncated"),
        (b"{} x", "malformed"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(frame: bytes, fault: str) -> None:
    assert SPOT.read(frame) == NOTHING
    assert SPOT.fault == fault
    if fault != "too_many":  # the plain reader has room for all
        SPOT.agrees(frame)


def test_a_trade_without_a_whole_id_has_none_and_a_side_may_not_be_told() -> None:
    many = [DEAL | {"tradeId": "505979017439002624X1"}, DEAL | {"tradeId": "17", "tradeType": 0}, DEAL | {"tradeType": 2, "tradeId": "9" * 30}]
    assert SPOT.read(deals(*many)) == TRADES
    assert [(row["first_id"], row["last_id"], row["side"]) for row in SPOT.rows(TRADES)] == [(-1, -1, 1), (17, 17, 0), (-1, -1, -1)]
    assert SPOT.read(deals()) == NOTHING and (SPOT.fault, SPOT.decoded.found[0].rows) == ("sound", 0)


def test_an_empty_side_is_told_as_none() -> None:
    assert SPOT.read(ticker(bidPrice="", bidQuantity="", version="12")) == QUOTE
    (row,) = SPOT.rows(QUOTE)
    assert (row["bid"], row["bid_lots"], row["ask"], row["ask_lots"], row["update_id"]) == (0, 0, 200, 100_000_000, 12)


def test_a_level_that_is_gone_may_be_written_in_the_short_form() -> None:
    gone = [{"price": "1.01", "quantity": size} for size in ("0", "0.00000000", "0E-8")]
    assert SPOT.read(depth(bids=gone)) == DEPTH
    assert SPOT.rows(DEPTH)[0]["bids"] == [(101, 0)] * 3
    frame = encode(
        {"symbol": "PEPEUSDT", "publicAggreDepths": {"fromVersion": "1", "toVersion": "1", "asks": [{"price": "8.51E-7", "quantity": "1E+3"}]}}
    )
    assert SPOT.read(frame) == DEPTH and SPOT.rows(DEPTH)[0]["asks"] == [(8_510, 1_000)]


def test_bodies_that_nobody_reads_are_nothing_and_private_ones_are_the_user_s() -> None:
    for number in range(301, 316):
        if number in (304, 306, 307):
            assert SPOT.read(field(number, b"\xff")) == USER
        elif number not in (303, 308, 313, 314, 315):
            assert SPOT.read(field(1, b"x") + field(number, b"\xff")) == NOTHING and SPOT.fault == "sound"
    assert SPOT.read(field(1, b"x")) == NOTHING and SPOT.fault == "sound"


PRICES = st.integers(1, 10**9).map(lambda cents: f"{cents // 100}.{cents % 100:02d}")
SIZES = st.integers(0, 10**12).map(lambda lots: f"{lots // 10**8}.{lots % 10**8:08d}")
LEVELS = st.lists(st.fixed_dictionaries({"price": PRICES, "quantity": SIZES}), max_size=6)
TIMES = st.integers(1, 8_999_999_999_999)


def ticks(price: str) -> int:
    """A price of two decimals in hundredths."""
    return int(price.replace(".", ""))


@given(
    bids=LEVELS,
    asks=LEVELS,
    first=st.integers(0, 2**60),
    more=st.integers(0, 99),
    sent=TIMES,
    made=st.integers(0, 10**12),
    order=st.permutations(range(5)),
    strange=st.lists(st.tuples(st.integers(7, 15), st.binary(max_size=9)), max_size=3),
)
@settings(max_examples=40)
def test_whatever_is_written_is_read_back_in_any_order_and_among_unknown_fields(
    bids: Any, asks: Any, first: int, more: int, sent: int, made: int, order: list[int], strange: list[tuple[int, bytes]]
) -> None:
    changes = {"bids": bids, "asks": asks, "fromVersion": str(first), "toVersion": str(first + more), "lastOrderCreateTime": made}
    body = encode({"publicAggreDepths": changes})
    parts = [encode({"channel": AGGRE.format("depth", "BTCUSDT")}), encode({"symbol": "btcusdt"}), encode({"sendTime": sent}), body]
    parts.append(b"".join(field(number, value) for number, value in strange))
    assert SPOT.read(b"".join(parts[place] for place in order)) == DEPTH
    (row,) = SPOT.rows(DEPTH)
    assert (row["first_id"], row["last_id"], row["exchange_ns"], row["engine_ns"]) == (first, first + more, sent * MS, made * MS)
    for side, levels in (("bids", bids), ("asks", asks)):
        assert row[side] == [(ticks(level["price"]), ticks(level["quantity"])) for level in levels]


@given(
    made=st.lists(
        st.fixed_dictionaries(
            {"price": PRICES, "quantity": SIZES, "tradeType": st.integers(0, 2), "time": TIMES, "tradeId": st.integers(0, 10**15).map(str)}
        ),
        min_size=1,
        max_size=8,
    ),
    sent=TIMES,
)
@settings(max_examples=30)
def test_trades_come_out_one_a_row_as_they_went_in(made: list[dict[str, Any]], sent: int) -> None:
    assert SPOT.read(deals(*made, sendTime=sent)) == TRADES
    for row, deal in zip(SPOT.rows(TRADES), made, strict=True):
        assert (row["ticks"], row["lots"], row["traded_ns"]) == (ticks(deal["price"]), ticks(deal["quantity"]), deal["time"] * MS)
        assert (row["side"], row["first_id"], row["exchange_ns"]) == ((0, 1, -1)[deal["tradeType"]], int(deal["tradeId"]), sent * MS)


@given(bids=LEVELS, asks=LEVELS, version=st.integers(0, 2**60), sent=TIMES)
@settings(max_examples=20)
def test_a_picture_of_the_best_levels_is_whole(bids: Any, asks: Any, version: int, sent: int) -> None:
    picture = {"bids": bids, "asks": asks, "version": str(version)}
    frame = encode({"channel": "spot@public.limit.depth.v3.api.pb@PEPEUSDT@20", "createTime": sent, "publicLimitDepths": picture})
    assert SPOT.read(frame) == (DEPTH if all("." in level["price"] for level in bids) else NOTHING)
    (row,) = SPOT.rows(DEPTH)
    assert (row["instrument"], row["is_whole"], row["first_id"], row["last_id"], row["exchange_ns"]) == (1, 1, version, version, sent * MS)
    assert row["asks"] == [(ticks(level["price"]) * 10**8, max(ticks(level["quantity"]) // 10**8, ticks(level["quantity"]) > 0)) for level in asks]


SNAPSHOT = b'{"lastUpdateId":1377008,"bids":[["93387.28","3.7"]],"asks":[["93387.29","7.5"]]}'
MANY = [*FRAMES, deals(DEAL, DEAL, DEAL | {"tradeId": "7"}), depth(asks=[LEVEL] * 3, bids=[LEVEL]), ticker(version="5"), candle(), SNAPSHOT]


@given(frame=st.sampled_from(MANY), place=st.integers(0, 400), byte=st.integers(0, 255), what=st.sampled_from(["set", "cut", "lost", "more"]))
@settings(max_examples=800)
def test_a_frame_broken_in_one_place_is_read_as_the_plain_reader_reads_it(frame: bytes, place: int, byte: int, what: str) -> None:
    SPOT.agrees(broken(frame, place, byte, what), alone=0 if frame == SNAPSHOT else -1)


@pytest.mark.parametrize("frame", MANY)
def test_every_cut_and_every_byte_turned_over_is_read_as_the_plain_reader_reads_it(frame: bytes) -> None:
    for place in range(len(frame)):
        SPOT.agrees(frame[:place], alone=0)
        for mask in (1, 128):
            SPOT.agrees(frame[:place] + bytes([frame[place] ^ mask]) + frame[place + 1 :], alone=0)


def test_the_rest_reply_reads_like_the_venue_s_own_text() -> None:
    body = {"lastUpdateId": 3, "bids": [["0.05", "1"]] * 3, "asks": [["0.06", "1"]] * 2}
    for separators in ((",", ":"), (" , ", " : ")):
        SPOT.agrees(json.dumps(body, separators=separators).encode(), alone=0)
        assert SPOT.decoded.found[0].kind == DEPTH
