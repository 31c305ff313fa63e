"""The catalog of venues: each has a scanner that takes any bytes, and a rule for its books; no other venue has one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.market_rows import MARKET_KINDS, NOTHING, USER
from metastackerbandit.exchanges.account import grids_of
from metastackerbandit.exchanges.catalog import CODECS, Codec, codec_for, codec_of
from metastackerbandit.exchanges.continuity import BY_FIRST, BY_PRIOR, WHOLE
from metastackerbandit.exchanges.decoded import FAULTS, FoundRow, empty_decoded, routes_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.symbols import symbols_of


def one_of(venue: str, market: str = "perp") -> Instrument:
    """An instrument of a venue."""
    return Instrument("BTCUSDT", "BTC", "USDT", market, venue, "0.1", "0.001", "0.001", "1000", "5")  # type: ignore[arg-type]


DECODED, ONE = empty_decoded(8, 4), one_of("BINANCE")
SYMBOLS, ROUTES = symbols_of([ONE.symbol]), routes_of([ONE])
FIELDS, INNER = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)


@pytest.mark.parametrize("codec", CODECS, ids=[codec.venue for codec in CODECS])
@given(text=st.binary(max_size=60) | st.sampled_from([b'{"channel":', b"\n\x00", b'{"stream":"', b"{}", b"[[]"]), alone=st.sampled_from([-1, 0]))
@settings(max_examples=60)
def test_any_bytes_are_a_kind_or_a_named_fault(codec: Codec, text: bytes, alone: int) -> None:
    raw = np.frombuffer(text or b" ", np.uint8)
    kind = int(codec.scan(raw, len(text), 77, SYMBOLS, ROUTES, DECODED, FIELDS, INNER, alone))
    found = struct_of(FoundRow, DECODED.found[0])
    assert 0 <= kind < len(MARKET_KINDS) and found.kind == kind
    assert 0 <= found.fault < len(FAULTS) and 0 <= found.rows <= 4
    if found.fault:
        assert (kind, found.rows) == (NOTHING, 0)


@pytest.mark.parametrize(
    ("venue", "market", "rule"),
    [
        ("BINANCE", "spot", BY_FIRST),
        ("BINANCE", "perp", BY_PRIOR),
        ("MEXC", "spot", BY_FIRST),
        ("HYPERLIQUID", "perp", WHOLE),
        ("HYPERLIQUID", "spot", WHOLE),
    ],
)
def test_books_are_followed_by_the_venue_s_rule(venue: str, market: str, rule: int) -> None:
    one = one_of(venue, market)
    assert codec_for([one, one]).rule_of(one) == rule
    assert codec_for([one]) is codec_of(venue)


def test_only_binance_numbers_its_trades_one_after_another() -> None:
    assert [codec.venue for codec in CODECS if codec.numbers_trades] == ["BINANCE"]
    assert len({codec.venue for codec in CODECS}) == len(CODECS)


def test_what_a_scanner_finds_to_be_of_an_account_is_read_where_there_is_a_reader() -> None:
    frames = {"BINANCE": b'{"e":"listenKeyExpired","E":1}', "MEXC": bytes.fromhex("9a13060a0455534454")}
    assert {codec.venue for codec in CODECS if codec.read_user} == frames.keys()
    for venue, frame in frames.items():
        codec, raw = codec_of(venue), np.frombuffer(frame, np.uint8)
        assert codec.scan(raw, len(frame), 77, SYMBOLS, ROUTES, DECODED, FIELDS, INNER, -1) == USER
        assert codec.read_user is not None and len(codec.read_user(frame, grids_of([ONE]))) == 1


def test_other_venues_and_several_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="'KRAKEN' cannot be read"):
        codec_of("KRAKEN")
    for instruments in ([], [one_of("BINANCE"), one_of("MEXC")]):
        with pytest.raises(UsageError, match="venues"):
            codec_for(instruments)
