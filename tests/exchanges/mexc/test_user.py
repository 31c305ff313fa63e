"""MEXC's private events: made by the venue's .proto tables and read back, a documented frame to the last field, and what is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import MessageRefused
from metastackerbandit.domain.market_rows import USER
from metastackerbandit.domain.user_events import BalanceUpdate, Fill, FillUpdate, OrderUpdate, OtherUpdate
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.mexc.scan import scan
from metastackerbandit.exchanges.mexc.user import read_user
from tests.exchanges.mexc.plain import WRAPPER, encode
from tests.exchanges.reading import Reader, broken
from tests.markets import instrument

MS = 10**6
ONE = instrument("BTCUSDT", "spot", tick_size="0.01", lot_size="0.00001", min_quantity="0.00001")
GRIDS = grids_of([ONE])
NAMES = {304: "privateOrders", 306: "privateDeals", 307: "privateAccount"}
ORDER_NAMES = ("id", "clientId", "price", "quantity", "amount", "avgPrice", "orderType", "tradeType", "isMaker", "remainAmount", "remainQuantity")
ORDER: dict[int, tuple[str, Any]] = {
    **{n: (name, "i" if n in (7, 8, 9) else "s") for n, name in enumerate(ORDER_NAMES, 1)},
    12: ("lastDealQuantity", "s"),
    13: ("cumulativeQuantity", "s"),
    14: ("cumulativeAmount", "s"),
    15: ("status", "i"),
    16: ("createTime", "i"),
    17: ("market", "s"),
    18: ("triggerType", "i"),
    19: ("triggerPrice", "s"),
    26: ("currencyId", "s"),
}
DEAL_NAMES = (
    "price",
    "quantity",
    "amount",
    "tradeType",
    "isMaker",
    "isSelfTrade",
    "tradeId",
    "clientOrderId",
    "orderId",
    "feeAmount",
    "feeCurrency",
    "time",
)
DEAL: dict[int, tuple[str, Any]] = {n: (name, "i" if n in (4, 5, 6, 12) else "s") for n, name in enumerate(DEAL_NAMES, 1)}
ACCOUNT_NAMES = ("vcoinName", "coinId", "balanceAmount", "balanceAmountChange", "frozenAmount", "frozenAmountChange", "type", "time")
ACCOUNT: dict[int, tuple[str, Any]] = {n: (name, "i" if n == 8 else "s") for n, name in enumerate(ACCOUNT_NAMES, 1)}
TABLE = WRAPPER | {304: (NAMES[304], ORDER), 306: (NAMES[306], DEAL), 307: (NAMES[307], ACCOUNT)}

ORDERED = {"id": "C02__1", "clientId": "mine", "price": "93220.01", "quantity": "0.5", "orderType": 1, "tradeType": 1, "isMaker": 1, "status": 3}
ORDERED |= {"cumulativeQuantity": "0.2", "cumulativeAmount": "18644.002", "avgPrice": "93220.01", "createTime": 1736409765000, "market": "x"}
DEALT = {"price": "93220.01", "quantity": "0.2", "tradeType": 2, "isMaker": 0, "tradeId": "t1", "clientOrderId": "mine", "orderId": "C02__1"}
DEALT |= {"feeAmount": "0.000000000000000123", "feeCurrency": "MX", "time": 1736409765051}


def frame(number: int, body: dict[str, Any], symbol: str = "BTCUSDT", **more: Any) -> bytes:
    """A private frame."""
    head = {"channel": "spot@private.x.v3.api.pb", "symbol": symbol, "sendTime": 1736409765052} | more
    return encode(head | {NAMES[number]: body}, TABLE)


def test_an_order_says_where_it_stands() -> None:
    assert read_user(frame(304, ORDERED), GRIDS) == (
        OrderUpdate(
            symbol="BTCUSDT",
            instrument=0,
            order_id="C02__1",
            client_id="mine",
            side="buy",
            sort="LIMIT",
            status="partly_filled",
            cause="untold",
            lots=50_000,
            filled_lots=20_000,
            ticks=9_322_001,
            stop_ticks=0,
            turnover=Decimal("18644.002"),
            average_price=Decimal("93220.01"),
            fill=None,
            reason="",
            sent_ns=1736409765052 * MS,
            made_ns=1736409765000 * MS,
        ),
    )
    (gone,) = read_user(frame(304, {"id": "7", "tradeType": 2, "orderType": 99, "status": 5}), GRIDS)
    assert isinstance(gone, OrderUpdate) and (gone.status, gone.side, gone.sort, gone.lots, gone.average_price) == (
        "partly_canceled",
        "sell",
        "99",
        0,
        None,
    )


def test_a_deal_is_a_fill_with_its_fee_to_the_last_digit() -> None:
    fill = Fill("t1", 20_000, 9_322_001, Decimal("93220.01"), False, Decimal("0.000000000000000123"), "MX")
    assert read_user(frame(306, DEALT), GRIDS) == (FillUpdate("BTCUSDT", 0, "C02__1", "mine", "sell", fill, 1736409765052 * MS, 1736409765051 * MS),)


def test_the_documented_frame_of_an_account() -> None:
    raw = bytes.fromhex(
        "0a1e73706f7440707269766174652e6163636f756e742e76332e6170692e706228c18095d4c43230c38095d4c4329a133d0a04555344541a1132312e393432313033353630"
        "3034333834220231302a01303201303a11434f4e54524143545f5452414e5346455240b0b58dd4c432"
    )
    sent_ns, made_ns = 1736417034307 * MS, 1736416910000 * MS
    assert read_user(raw, GRIDS) == (
        BalanceUpdate("USDT", "CONTRACT_TRANSFER", sent_ns, made_ns, free=Decimal("21.94210356004384"), locked=Decimal(0), change=Decimal(10)),
    )


@pytest.mark.parametrize(("number", "event", "body"), [(304, "order", ORDERED), (306, "deal", DEALT)])
def test_what_is_of_an_instrument_that_nobody_asked_for_is_told_as_such(number: int, event: str, body: dict[str, Any]) -> None:
    assert read_user(frame(number, body, "XRPUSDT"), GRIDS) == (OtherUpdate(event, "XRPUSDT", 1736409765052 * MS),)
    assert Reader(scan, lambda *_: (USER, []), ONE).read(frame(number, body)) == USER


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "missing"),
        (encode({"symbol": "BTCUSDT"}), "missing"),
        (encode({"privateOrders": {}, "privateDeals": {}}, TABLE), "malformed"),
        (b"\xff", "truncated"),
        (frame(304, ORDERED)[:-3], "truncated"),
        (frame(304, ORDERED | {"id": ""}), "missing"),
        (frame(304, ORDERED | {"status": 9}), "mistyped"),
        (frame(304, ORDERED | {"tradeType": 3}), "mistyped"),
        (frame(304, ORDERED | {"price": "1.001"}), "off_grid"),
        (frame(304, ORDERED | {"quantity": "-1e-99x"}), "mistyped"),
        (frame(304, ORDERED | {"cumulativeAmount": "NaN"}), "mistyped"),
        (frame(304, ORDERED | {"createTime": -1}), "mistyped"),
        (frame(306, DEALT | {"price": ""}), "missing"),
        (frame(306, DEALT | {"quantity": ""}), "missing"),
        (frame(306, DEALT | {"tradeId": ""}), "missing"),
        (frame(307, {"balanceAmount": "1"}), "missing"),
        (frame(307, {"vcoinName": "USDT", "balanceAmount": "x"}), "mistyped"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_told(raw: bytes, what: str) -> None:
    with pytest.raises(MessageRefused, match=what) as refused:
        read_user(raw, GRIDS)
    assert refused.value.where and refused.value.mend


@given(
    raw=st.sampled_from([frame(304, ORDERED), frame(306, DEALT), frame(307, {"vcoinName": "USDT", "balanceAmount": "0E-8", "time": 5})]),
    place=st.integers(0, 200),
    byte=st.integers(0, 255),
    what=st.sampled_from(["set", "cut", "lost", "more"]),
)
@settings(max_examples=300)
def test_an_event_broken_in_one_place_is_refused_or_another_whole_one(raw: bytes, place: int, byte: int, what: str) -> None:
    try:
        (told,) = read_user(broken(raw, place, byte, what), GRIDS)
    except MessageRefused:
        return
    assert isinstance(told, OrderUpdate | FillUpdate | BalanceUpdate | OtherUpdate)
