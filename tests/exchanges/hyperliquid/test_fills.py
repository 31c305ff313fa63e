"""Fills of followed traders against a plain reading: whose, of which coins, told before or new, and broken in one place."""

from __future__ import annotations

import json
import tarfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import FlowRow
from metastackerbandit.exchanges.decoded import FAULTS, routes_of
from metastackerbandit.exchanges.hyperliquid.fills import read_fills, traders_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.symbols import symbols_of
from tests.exchanges.hyperliquid.plain import fills_told
from tests.exchanges.reading import Wrong, broken
from tests.markets import instrument
from tests.shared import shared_data

COINS = {one.symbol: one for one in (instrument("BTC", tick_size="0.1", lot_size="0.00001"), instrument("ARB", tick_size="0.00001", lot_size="0.1"))}
TRADERS = ("0x" + "0a" * 20, "0x" + "Fe" * 20)
FLOWS = rows(FlowRow, 8)
SYMBOLS, ROUTES, FOLLOWED = symbols_of(list(COINS)), routes_of(tuple(COINS.values())), traders_of(TRADERS)
FIELDS, INNER = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)

FILL: dict[str, Any] = {"coin": "BTC", "px": "66653.0", "sz": "0.001", "side": "A", "time": 1781528065899, "tid": 745210434703679, "crossed": False}
MORE = {
    "startPosition": "-0.0213",
    "dir": "Open Short",
    "closedPnl": "0.0",
    "hash": "0x",
    "oid": 5,
    "fee": "0.009997",
    "feeToken": "USDC",
    "twapId": None,
}


def frame(*fills: Any, user: Any = TRADERS[1], channel: str = "userFills", **more: Any) -> bytes:
    """A user's frame."""
    return json.dumps({"channel": channel, "data": {"user": user, "fills": list(fills)} | more}).encode()


def read(text: bytes, alone: int = -1) -> list[dict[str, int]]:
    """The rows of a frame; Wrong with the fault's word."""
    raw = np.frombuffer(text or b" ", np.uint8)
    count = int(read_fills(raw, len(text), 77, SYMBOLS, ROUTES, FOLLOWED, FLOWS, FIELDS, INNER, alone))
    if count < 0:
        raise Wrong(FAULTS[-count][0])
    assert all(row["received_ns"] == 77 for row in FLOWS[:count])
    return [{name: row[name].item() for name in FLOWS.dtype.names or () if name != "received_ns"} for row in FLOWS[:count]]


def agrees(text: bytes, alone: int = -1) -> None:
    """Hold the scanner against the plain reading of one frame."""
    try:
        expected = fills_told(text, COINS, TRADERS, alone)
    except Wrong:
        with pytest.raises(Wrong):
            read(text, alone)
        return
    assert read(text, alone) == expected


def test_a_fill_has_its_trader_side_and_size() -> None:
    (row,) = read(frame(FILL | MORE, isSnapshot=True))
    expected = {"instrument": 0, "trader": 1, "trade_id": 745210434703679, "traded_ns": 1781528065899 * 10**6, "side": -1}
    assert row == expected | {"ticks": 666_530, "lots": 100, "is_taker": 0, "is_old": 1}


def test_an_address_is_one_in_capitals_too_and_strangers_are_foreign() -> None:
    assert read(frame(FILL, user=TRADERS[1].upper()))[0]["trader"] == 1
    for stranger in ("0x" + "0b" * 20, TRADERS[0] + "00"):
        with pytest.raises(Wrong, match="foreign"):
            read(frame(FILL, user=stranger))


def test_an_event_names_no_trader_so_it_is_the_connection_s() -> None:
    text = json.dumps({"channel": "user", "data": {"fills": [FILL]}}).encode()
    with pytest.raises(Wrong, match="foreign"):
        read(text)
    (row,) = read(text, alone=0)
    assert row["trader"] == 0
    agrees(text, alone=0)
    assert read(b'{"channel":"user","data":{"funding":{}}}') == []


def test_other_coins_and_what_is_no_trade_are_left_out() -> None:
    off_grid = FILL | {"px": "104730.168", "sz": "0.0000086141", "tid": 0}  # dust that was converted
    assert [row["ticks"] for row in read(frame(off_grid, FILL | {"coin": "@142"}, FILL | {"coin": "ARB", "px": "0.07482", "sz": "8552.3"}))] == [
        7_482
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (frame(FILL) + b"x", "malformed"),
        (frame(FILL)[:-1], "truncated"),
        (frame(5), "mistyped"),
        (frame(FILL | {"side": "X"}), "mistyped"),
        (frame(FILL | {"coin": 7}), "mistyped"),
        (frame({"tid": 1}), "missing"),
        (frame({"coin": "BTC", "tid": 1}), "missing"),
        (frame({"coin": "BTC"}), "missing"),
        (frame(FILL | {"px": "1.01"}), "off_grid"),
        (frame(FILL | {"crossed": 1}), "mistyped"),
        (frame(FILL, isSnapshot=1), "mistyped"),
        (frame(*[FILL] * 9), "too_many"),
        (b'{"channel":"userFills","data":[]}', "mistyped"),
        (b'{"channel":"userFills"}', "missing"),
        (b'{"channel":"userFills","data":{}}', "missing"),
        (b'{"channel":"userFills","data":{"fills":{}}}', "mistyped"),
    ],
)
def test_what_is_wrong_with_a_frame_is_named(text: bytes, fault: str) -> None:
    with pytest.raises(Wrong, match=fault):
        read(text)
    if fault != "too_many":
        agrees(text)


MADE = [frame(FILL | MORE), frame(FILL, FILL | {"coin": "ARB", "px": "0.1"}, isSnapshot=False), frame(FILL, channel="user"), frame()]


@given(text=st.sampled_from(MADE), place=st.integers(0, 600), byte=st.integers(0, 255), what=st.sampled_from(["set", "cut", "lost", "more"]))
@settings(max_examples=300)
def test_a_message_broken_in_one_place_is_read_as_the_plain_reader_reads_it(text: bytes, place: int, byte: int, what: str) -> None:
    agrees(broken(text, place, byte, what))


def test_a_recorded_liquidation_is_a_fill_of_the_one_who_was_followed() -> None:
    with tarfile.open(shared_data() / "ws_captures" / "venue_messages.tar.gz") as messages:
        file = messages.extractfile("hyperliquid/ws_user_fill_liquidation.json")
        assert file is not None
        text = file.read()
    agrees(text, alone=1)
    (row,) = read(text, alone=1)
    assert (row["trader"], row["ticks"], row["lots"], row["side"]) == (1, 666_530, 100, -1)
