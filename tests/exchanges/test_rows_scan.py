"""Frames of rows are scanned into the rows that they were made of, and anything else is a named fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import DEPTH, QUOTE, TRADES, DepthRow, QuoteRow, TradeRow
from metastackerbandit.domain.row_frames import ROW_OF, frames_of_rows
from metastackerbandit.exchanges.decoded import FAULTS, empty_decoded, routes_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.rows.scan import scan
from metastackerbandit.exchanges.symbols import symbols_of
from tests.exchanges.test_catalog import one_of

ONE = one_of("BINANCE")
SYMBOLS, ROUTES, DECODED = symbols_of([ONE.symbol]), routes_of([ONE]), empty_decoded(8, 4)
FIELDS, INNER = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)
NUMBERS = st.integers(-(2**63), 2**63 - 1)


def scanned(text: np.ndarray, received_ns: int = 77) -> tuple[int, str]:
    kind = int(scan(text if len(text) else np.zeros(1, np.uint8), len(text), received_ns, SYMBOLS, ROUTES, DECODED, FIELDS, INNER, -1))
    return kind, FAULTS[int(DECODED.found[0]["fault"])][0]


def made(kind: int, values: dict[str, int]) -> np.ndarray:
    row = rows(ROW_OF[kind], 1)
    for name, value in values.items():
        row[name] = value
    return row


@given(
    st.fixed_dictionaries(dict.fromkeys(("first_id", "last_id", "prior_id", "exchange_ns", "engine_ns", "received_ns"), NUMBERS)),
    st.integers(0, 2),
    *[st.lists(st.tuples(st.integers(1, 2**62), st.integers(0, 2**62)), max_size=8)] * 2,
)
@settings(max_examples=50)
def test_a_book_message_comes_back(ids: dict[str, int], is_whole: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
    row = made(DEPTH, {**ids, "is_whole": is_whole, "bids": len(bids), "asks": len(asks)})
    frames = frames_of_rows(DEPTH, row, np.array([*bids, *asks], np.int64).reshape(-1, 2))
    assert scanned(frames.text, ids["received_ns"]) == (DEPTH, "sound")
    assert DECODED.depth[0] == row[0]
    assert [tuple(level) for level in DECODED.bids[: len(bids)].tolist()] == bids
    assert [tuple(level) for level in DECODED.asks[: len(asks)].tolist()] == asks


@given(NUMBERS, st.integers(1, 2**62), st.sampled_from([-1, 0, 1]))
def test_trades_and_quotes_come_back(number: int, amount: int, side: int) -> None:
    trade = made(TRADES, {"first_id": number, "traded_ns": number, "ticks": amount, "lots": amount, "side": side, "received_ns": 77})
    assert scanned(frames_of_rows(TRADES, trade).text) == (TRADES, "sound") and DECODED.trades[0] == trade[0]
    quote = made(QUOTE, {"update_id": number, "bid": amount, "ask_lots": amount, "received_ns": 77})
    assert scanned(frames_of_rows(QUOTE, quote).text) == (QUOTE, "sound") and DECODED.quotes[0] == quote[0]


def _depth(**values: int) -> np.ndarray:
    return frames_of_rows(DEPTH, made(DEPTH, {"bids": 1, **values}), np.array([[100, 5]])).text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (np.zeros(8, np.uint8), "truncated"),
        (_depth()[:-1], "malformed"),
        (_depth()[:-8], "truncated"),
        (_depth()[:24], "truncated"),
        (_depth(instrument=1), "foreign"),
        (_depth(instrument=-1), "foreign"),
        (_depth(is_whole=3), "malformed"),
        (frames_of_rows(DEPTH, made(DEPTH, {"asks": 9}), np.ones((9, 2), np.int64)).text, "too_many"),
        (frames_of_rows(DEPTH, made(DEPTH, {"asks": 1}), np.array([[0, 1]])).text, "negative"),
        (frames_of_rows(DEPTH, made(DEPTH, {"bids": 1}), np.array([[1, -1]])).text, "negative"),
        (frames_of_rows(TRADES, made(TRADES, {"ticks": 1})).text, "negative"),
        (frames_of_rows(TRADES, made(TRADES, {"ticks": 1, "lots": 1})).text[:-8], "truncated"),
        (frames_of_rows(QUOTE, made(QUOTE, {"bid": -1})).text, "negative"),
        (frames_of_rows(QUOTE, made(QUOTE, {})).text[:-8], "truncated"),
        (np.array([9, 0], "<i8").view(np.uint8), "malformed"),
    ],
)
def test_what_is_wrong_is_named(text: np.ndarray, fault: str) -> None:
    assert scanned(np.ascontiguousarray(text)) == (0, fault)


def test_the_structs_are_those_of_the_kinds() -> None:
    assert {DEPTH: DepthRow, TRADES: TradeRow, QUOTE: QuoteRow} == ROW_OF
