"""Binance's user events: documented ones field by field, any one broken in one place, and what is refused by name."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict

from metastackerbandit.domain.errors import MessageRefused
from metastackerbandit.domain.market_rows import USER
from metastackerbandit.domain.user_events import (
    BalanceUpdate,
    Fill,
    FillUpdate,
    ListUpdate,
    MarginCall,
    OrderUpdate,
    OtherUpdate,
    PositionUpdate,
    SettingUpdate,
    StreamEnded,
    WaitingUpdate,
)
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.binance.scan import scan
from metastackerbandit.exchanges.binance.user import read_user
from tests.exchanges.reading import Reader, broken
from tests.markets import instrument
from tests.shared import shared_data

MS = 10**6
ONES = (
    instrument("ETHBTC", "spot", tick_size="0.0000001", lot_size="0.0001", min_quantity="0.0001"),
    instrument("BTCUSDT", tick_size="0.1", lot_size="0.001"),
)
GRIDS = grids_of(ONES)

REPORT: dict[str, Any] = {
    "e": "executionReport",
    "E": 1499405658658,
    "s": "ETHBTC",
    "c": "mUvoqJxFIILMdfAW5iGSOW",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "1.00000000",
    "p": "0.10264410",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 4293153,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": 1499405658657,
    "t": -1,
    "v": 3,
    "I": 8641984,
    "w": True,
    "m": False,
    "M": False,
    "O": 1499405658657,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "W": 1499405658657,
    "V": "NONE",
}
ORDER: dict[str, Any] = {
    "s": "BTCUSDT",
    "c": "TEST",
    "S": "SELL",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.001",
    "p": "9910",
    "ap": "0",
    "sp": "0",
    "x": "NEW",
    "X": "NEW",
    "i": 8886774,
    "l": "0",
    "z": "0",
    "L": "0",
    "T": 1568879465650,
    "t": 0,
    "b": "0",
    "a": "9.91",
    "m": False,
    "R": False,
    "wt": "CONTRACT_PRICE",
    "ot": "LIMIT",
    "ps": "BOTH",
    "cp": False,
    "rp": "0",
    "pP": False,
    "si": 0,
    "ss": 0,
    "V": "EXPIRE_MAKER",
    "pm": "NONE",
    "gtd": 0,
    "er": "0",
}
POSITION = {
    "s": "BTCUSDT",
    "pa": "-0.020",
    "ep": "6563.66500",
    "bep": "6563.6",
    "cr": "1.5",
    "up": "2850.21200",
    "mt": "isolated",
    "iw": "13200.7",
    "ps": "SHORT",
}
WALLET = {"a": "USDT", "wb": "122624.12345678", "cw": "100.12345678", "bc": "50.12345678"}
CALLED = {"s": "BTCUSDT", "ps": "LONG", "pa": "132", "mt": "CROSSED", "iw": "0", "mp": "9187.17127000", "up": "-1.166074", "mm": "1.614445"}


def perp_order(**more: Any) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE with a few fields otherwise."""
    return {"e": "ORDER_TRADE_UPDATE", "E": 1568879465651, "T": 1568879465650, "o": ORDER | more}


EVENTS: list[dict[str, Any]] = [
    REPORT,
    REPORT
    | {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.5", "z": "0.5", "L": "0.1026441", "n": "0.0005", "N": "ETH", "t": 77, "m": True, "Z": "0.0513"},
    perp_order(),
    perp_order(x="TRADE", X="FILLED", l="0.001", z="0.001", L="9910.1", ap="9910.1", n="0.0039", N="USDT", t=9, rp="-0.5", R=True, ps="LONG", m=True),
    {
        "e": "TRADE_LITE",
        "E": 5,
        "T": 4,
        "s": "BTCUSDT",
        "q": "0.001",
        "p": "0",
        "m": False,
        "c": "z8",
        "S": "BUY",
        "L": "64089.2",
        "l": "0.040",
        "t": 6,
        "i": 8,
    },
    {"e": "outboundAccountPosition", "E": 1564034571105, "u": 1564034571073, "B": [{"a": "ETH", "f": "10000.000000", "l": "0.5"}]},
    {"e": "balanceUpdate", "E": 1573200697110, "a": "BTC", "d": "-100.00000000", "T": 1573200697068},
    {"e": "externalLockUpdate", "E": 1581557507324, "a": "NEO", "d": "10.00000000", "T": 1581557507268},
    {"e": "ACCOUNT_UPDATE", "E": 1564745798939, "T": 1564745798938, "a": {"m": "ORDER", "B": [WALLET], "P": [POSITION]}},
    {"e": "MARGIN_CALL", "E": 1587727187525, "cw": "3.16812045", "p": [CALLED, CALLED | {"mt": "ISOLATED", "iw": "7"}]},
    {"e": "ACCOUNT_CONFIG_UPDATE", "E": 2, "T": 1, "ac": {"s": "BTCUSDT", "l": 25}},
    {"e": "ACCOUNT_CONFIG_UPDATE", "E": 2, "T": 1, "ai": {"j": True}},
    {
        "e": "listStatus",
        "E": 1564035303637,
        "s": "ETHBTC",
        "g": 2,
        "c": "OCO",
        "l": "EXEC_STARTED",
        "L": "EXECUTING",
        "r": "NONE",
        "C": "F4",
        "T": 1564035303625,
        "O": [{"s": "ETHBTC", "i": 17, "c": "AJ"}, {"s": "ETHBTC", "i": 18, "c": "bf"}],
    },
    {"e": "listenKeyExpired", "E": 1736996475556, "listenKey": "WsCMN0a4KHUPTQuX6IUnqEZfB1inxmv1qR4kbf1LuEjur5VdbzqvyxqG9TSjVVxv"},
    {"e": "eventStreamTerminated", "E": 1728973001334},
]


def read(message: Any) -> Any:
    """The events of a message."""
    return read_user(json.dumps(message).encode(), GRIDS)


def test_an_order_s_life_on_the_spot_market() -> None:
    (new,) = read(EVENTS[0])
    assert new == OrderUpdate(
        symbol="ETHBTC",
        instrument=0,
        order_id="4293153",
        client_id="mUvoqJxFIILMdfAW5iGSOW",
        side="buy",
        sort="LIMIT",
        status="new",
        cause="new",
        lots=10_000,
        filled_lots=0,
        ticks=1_026_441,
        stop_ticks=0,
        turnover=Decimal(0),
        average_price=None,
        fill=None,
        reason="",
        sent_ns=1499405658658 * MS,
        made_ns=1499405658657 * MS,
    )
    (filled,) = read(EVENTS[1])
    assert filled.fill == Fill("77", 5_000, 1_026_441, Decimal("0.1026441"), True, Decimal("0.0005"), "ETH")
    assert (filled.status, filled.cause, filled.filled_lots, filled.turnover) == ("partly_filled", "trade", 5_000, Decimal("0.0513"))
    (gone,) = read(REPORT | {"x": "CANCELED", "X": "CANCELED", "c": "of the cancellation", "C": "of the order"})
    assert (gone.client_id, gone.status, gone.cause) == ("of the order", "canceled", "canceled")
    (refused,) = read(REPORT | {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"})
    assert (refused.status, refused.reason) == ("rejected", "INSUFFICIENT_BALANCES")


def test_an_order_s_life_on_the_perpetual_market() -> None:
    (new,) = read(EVENTS[2])
    assert (new.side, new.lots, new.ticks, new.fill, new.average_price, new.turnover) == ("sell", 1, 99_100, None, None, None)
    (done,) = read(EVENTS[3])
    assert done.fill == Fill("9", 1, 99_101, Decimal("9910.1"), True, Decimal("0.0039"), "USDT", Decimal("-0.5"))
    assert (done.status, done.average_price, done.reduces_only, done.position) == ("filled", Decimal("9910.1"), True, "long")
    order = {key: value for key, value in ORDER.items() if key not in ("n", "N", "er")}
    (forced,) = read(perp_order() | {"o": order | {"x": "CALCULATED", "X": "FILLED", "l": "0.001", "L": "9910.123", "c": "autoclose-1"}})
    assert (forced.cause, forced.fill.fee, forced.fill.ticks, forced.fill.price) == ("liquidated", Decimal(0), 0, Decimal("9910.123"))
    (light,) = read(EVENTS[4])
    assert light == FillUpdate("BTCUSDT", 1, "8", "z8", "buy", Fill("6", 40, 640_892, Decimal("64089.2"), False), 5 * MS, 4 * MS)


def test_balances_positions_and_settings() -> None:
    assert read(EVENTS[5]) == (BalanceUpdate("ETH", "", 1564034571105 * MS, 1564034571073 * MS, free=Decimal("10000.000000"), locked=Decimal("0.5")),)
    assert read(EVENTS[6]) == (BalanceUpdate("BTC", "balanceUpdate", 1573200697110 * MS, 1573200697068 * MS, change=Decimal("-100")),)
    assert read(EVENTS[7])[0].why == "externalLockUpdate"
    wallet, position = read(EVENTS[8])
    assert (wallet.asset, wallet.wallet, wallet.cross_wallet, wallet.change, wallet.why) == (
        "USDT",
        Decimal("122624.12345678"),
        Decimal("100.12345678"),
        Decimal("50.12345678"),
        "ORDER",
    )
    assert isinstance(position, PositionUpdate)
    assert (position.lots, position.position, position.is_isolated, position.entry_price) == (-20, "short", True, Decimal("6563.66500"))
    assert read({"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "FUNDING_FEE", "B": []}}) == ()
    crossed, isolated = read(EVENTS[9])
    assert isinstance(crossed, MarginCall) and (crossed.cross_wallet, isolated.cross_wallet) == (Decimal("3.16812045"), None)
    assert (crossed.lots, crossed.mark_price, crossed.maintenance, isolated.isolated_wallet) == (
        132_000,
        Decimal("9187.17127"),
        Decimal("1.614445"),
        7,
    )
    assert read(EVENTS[10]) + read(EVENTS[11]) == (
        SettingUpdate("BTCUSDT", 25, None, 2 * MS, MS),
        SettingUpdate("", None, True, 2 * MS, MS),
    )
    (listed,) = read(EVENTS[12])
    assert isinstance(listed, ListUpdate) and (listed.list_id, listed.sort, listed.orders) == ("2", "OCO", (("17", "AJ"), ("18", "bf")))
    assert read(EVENTS[13]) + read(EVENTS[14]) == (
        StreamEnded("listenKeyExpired", 1736996475556 * MS),
        StreamEnded("eventStreamTerminated", 1728973001334 * MS),
    )


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["e"]))
def test_an_event_is_the_same_however_it_is_wrapped_and_the_scanner_knows_it(event: dict[str, Any]) -> None:
    reader = Reader(scan, lambda *_: (USER, []), *ONES)
    bare = read(event)
    for frame in (event, {"subscriptionId": 0, "event": event}, {"stream": "listenKey", "data": event}, event | {"new": {"fields": [1]}}):
        assert read(frame) == bare
        assert reader.read(json.dumps(frame, separators=(",", ":")).encode()) == USER, frame


WAITING = {"caid": "msb-1", "aid": 2148719, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL", "X": "NEW", "ai": "", "rm": ""}


@pytest.mark.parametrize(
    ("changes", "status", "became"),
    [
        ({}, "new", ""),
        ({"X": "TRIGGERED", "ai": "77"}, "new", "77"),
        ({"X": "FINISHED", "ai": 77}, "expired", "77"),
        ({"X": "CANCELED", "ai": "0"}, "canceled", ""),
        ({"X": "NEWER THAN WE", "rm": "why"}, None, ""),
    ],
)
def test_an_order_that_waits_says_where_it_stands_and_what_it_became(changes: dict[str, Any], status: str | None, became: str) -> None:
    (told,) = read({"e": "ALGO_UPDATE", "E": 4, "T": 3, "o": WAITING | changes})
    word = str((WAITING | changes)["X"])
    assert told == WaitingUpdate("BTCUSDT", 1, "2148719", "msb-1", status, word, became, str(changes.get("rm", "")), 4 * MS, 3 * MS)  # type: ignore[arg-type]


def test_what_nobody_reads_and_orders_of_others_are_told_as_such() -> None:
    assert read({"e": "GRID_UPDATE", "E": 3, "s": "BTCUSDT"}) == (OtherUpdate("GRID_UPDATE", "BTCUSDT", 3 * MS),)
    others = [REPORT | {"s": "XRPBTC"}, perp_order(s="XRPUSDT"), EVENTS[4] | {"s": "XRPUSDT"}]
    others += [{"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "ORDER", "P": [POSITION | {"s": "XRPUSDT"}]}}]
    others += [{"e": "ALGO_UPDATE", "E": 1, "T": 1, "o": WAITING | {"s": "XRPUSDT"}}]
    others += [{"e": "MARGIN_CALL", "E": 1, "p": [CALLED | {"s": "XRPUSDT"}]}]
    for event in others:
        (told,) = read(event)
        assert isinstance(told, OtherUpdate) and told.symbol.startswith("XRP") and told.event == event["e"]


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (b"", "not as documented"),
        (b"[]", "not as documented"),
        (b"{}", "missing"),
        (b'{"e":5}', "not as documented"),
        (b'{"e":"balanceUpdate"}', "not as documented"),
        (b'{"e":"x","E":10000000000000}', "too_large"),
        (b'{"event":5}', "not as documented"),
        (b'\xff{"e":"x"}', "not as documented"),
        (json.dumps(REPORT | {"i": "1"}).encode(), "Expected `int`"),
        (json.dumps(REPORT | {"q": 1}).encode(), "Expected `str`"),
        (json.dumps(REPORT | {"q": "1e5"}).encode(), "regex"),
        (json.dumps(REPORT | {"q": "1\n"}).encode(), "regex"),
        (json.dumps(REPORT | {"p": "0.00000001"}).encode(), "off_grid"),
        (json.dumps(REPORT | {"p": "-1"}).encode(), "negative"),
        (json.dumps(REPORT | {"z": "9" * 40}).encode(), "too_large"),
        (json.dumps(REPORT | {"X": "WHATEVER"}).encode(), "mistyped"),
        (json.dumps(REPORT | {"x": "WHATEVER"}).encode(), "mistyped"),
        (json.dumps(REPORT | {"S": "HOLD"}).encode(), "Invalid enum"),
        (json.dumps(REPORT | {"m": 1}).encode(), "Expected `bool`"),
        (b'{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1}', "missing"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_told(frame: bytes, what: str) -> None:
    with pytest.raises(MessageRefused, match=what) as refused:
        read_user(frame, GRIDS)
    assert refused.value.where and refused.value.mend


@given(event=st.sampled_from(EVENTS), place=st.integers(0, 900), byte=st.integers(0, 255), what=st.sampled_from(["set", "cut", "lost", "more"]))
@settings(max_examples=300)
def test_an_event_broken_in_one_place_is_refused_or_another_whole_one(event: dict[str, Any], place: int, byte: int, what: str) -> None:
    try:
        told = read_user(broken(json.dumps(event).encode(), place, byte, what), GRIDS)
    except MessageRefused:
        return
    assert all(asdict(one) for one in told)


def test_every_documented_event_is_read() -> None:
    with gzip.open(shared_data() / "reference" / "binance_docs" / "examples.jsonl.gz") as lines:
        examples = [json.loads(line) for line in lines]
    events = [one["example"] for one in examples if one["doc"] == "user-data-stream.md"]
    told = [event for example in events for event in read(example)]
    assert [type(event).__name__ for event in told] == ["BalanceUpdate", "BalanceUpdate", "OrderUpdate", "ListUpdate", "StreamEnded", "BalanceUpdate"]
    assert told[2] == read(EVENTS[0])[0]
