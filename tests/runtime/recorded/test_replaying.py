"""Columns that were made of a recording are replayed as the recording itself, to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.market.settings import QualitySettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_recording import best_bid, recording_of_capture
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.recorded.replaying import recording_of_columns, store_replay
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.instruments import rules_of_capture
from tests.covering import covers
from tests.exchanges.binance.venue import Venue, written
from tests.markets import by_block, same_bytes
from tests.shared import shared_data

FIXED = EngineSettings(sizing=SizingSettings(mode="quantity", quantity="0.01"))


def replayed(capture: Capture) -> Recording:
    """The recording that `msb replay FILE` makes of a capture."""
    seen = instruments_in(capture)
    checked = check_capture(capture, seen)
    rules = [rules_of_capture(one, best_bid(checked, one.symbol) or 0, None)[0] for one in seen]
    return recording_of_capture(capture, rules, checked, QualitySettings())


def stored(home: Path, capture: Capture) -> None:
    seen = instruments_in(capture)
    _, issues = store_replay(home, capture, seen, {one.symbol for one in seen}, check_capture(capture, seen), QualitySettings())
    assert issues == []


@pytest.fixture(scope="module")
def perpetual() -> Capture:
    """2024-07-18, BTCUSDT: the recorder's clock is 1.5 s behind the venue's, so that the last seconds are the next day's."""
    return read_capture([shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"])


@pytest.fixture(scope="module")
def columns(perpetual: Capture, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    stored(home, perpetual)
    return home / "market"


@covers("2.085", "B13")
def test_columns_are_replayed_as_the_capture_to_the_bit(perpetual: Capture, columns: Path) -> None:
    capture, again = replayed(perpetual), recording_of_columns(columns, ())
    assert again.digest == capture.digest and again.instruments == capture.instruments and again.has_flow == capture.has_flow
    assert again.bars[0].tobytes() == capture.bars[0].tobytes() and len(again.bars[0]) > 150
    assert again.seconds[0] is not None and capture.seconds[0] is not None and again.seconds[0].tobytes() == capture.seconds[0].tobytes()
    expected, _ = by_block(capture, "1s", "book_pressure", FIXED)
    found, _ = by_block(again, "1s", "book_pressure", FIXED)
    same_bytes(expected, found)
    assert len(found.decisions) > 150 and len(found.fills) > 0
    (notice,) = again.notices
    assert "behind the venue's in 1 of 1 recordings, by at most 1,522.3 ms" in notice


def test_several_instruments_come_back_in_their_places(tmp_path: Path) -> None:
    """2021-07-22, four USD-M perpetuals for 30 s (Cryptofeed's recording), whose order is not that of their names; rules are inferred."""
    folder = shared_data() / "ws_captures" / "cryptofeed"
    capture = read_capture([folder / "BINANCE_FUTURES.ws.1.0.gz", folder / "BINANCE_FUTURES.http.0.0.gz"])
    seen = instruments_in(capture)
    stored(tmp_path, capture)
    again = recording_of_columns(tmp_path / "market", ())
    assert [one.symbol for one in again.instruments] == ["SUSHIUSDT", "AKROUSDT", "KEEPUSDT", "CTKUSDT"]
    traded = {one.symbol for one in again.instruments}
    checked = check_capture(capture, [one for one in seen if one.symbol in traded])
    rules = [rules_of_capture(one, best_bid(checked, one.symbol) or 0, None)[0] for one in seen if one.symbol in traded]
    assert again.digest == recording_of_capture(capture, rules, checked, QualitySettings()).digest


def test_a_stretch_and_a_symbol_can_be_asked_for(columns: Path) -> None:
    whole = recording_of_columns(columns, ())
    opened = whole.bars[0]["opened_ns"]
    part = recording_of_columns(columns, ("BTCUSDT",), int(opened[20]), int(opened[60]))
    assert part.seconds[0] is not None and np.array_equal(part.bars[0], whole.bars[0][20:60])
    assert int(part.seconds[0]["closed_ns"].min()) - SECOND_NS >= opened[20] and int(part.seconds[0]["closed_ns"].max()) <= opened[60]
    with pytest.raises(UsageError, match="BTCUSDT has 0 bars of a second in that time"):
        recording_of_columns(columns, (), None, int(opened[0]))
    with pytest.raises(NotFound, match="no columns of ETHUSDT"):
        recording_of_columns(columns, ("ETHUSDT",))


def test_rules_of_a_file_take_the_place_of_those_stored_where_their_steps_are_the_same(columns: Path, tmp_path: Path) -> None:
    words = 'symbol = "BTCUSDT", base = "BTC", quote = "USDT", market = "perp", venue = "BINANCE"'
    limits = 'min_quantity = "0.002", max_quantity = "5", min_notional = "7"'
    path = tmp_path / "rules.toml"
    path.write_text(f'instruments = [ {{ {words}, tick_size = "0.1", lot_size = "0.001", {limits} }} ]')
    assert recording_of_columns(columns, (), instruments_file=path).instruments[0].min_notional == "7"
    path.write_text(f'instruments = [ {{ {words}, tick_size = "1", lot_size = "0.001", {limits} }} ]')
    assert recording_of_columns(columns, (), instruments_file=path).instruments[0].tick_size == "0.1"  # the shipped ones fit, and the file's do not


def test_what_a_replay_could_not_trade_is_not_stored(tmp_path: Path) -> None:
    """Too few bars; nobody dealt; a symbol of which nobody knows in what it is paid, which is told."""
    path = tmp_path / "quiet.log"
    path.write_bytes(written(Venue(1, is_perp=True).frames(40, 3)))
    capture = read_capture([path])
    seen = instruments_in(capture)
    checked = check_capture(capture, seen)
    assert store_replay(tmp_path, capture, seen, {"BTCUSDT"}, checked, QualitySettings()) == ([], [])
    assert store_replay(tmp_path, capture, seen, (), checked, QualitySettings()) == ([], [])
    path.write_bytes(written(Venue(1, is_perp=True).frames(40, 3)).replace(b"BTCUSDT", b"XYZ").replace(b"btcusdt", b"xyz"))
    capture = read_capture([path])
    seen = instruments_in(capture)
    stored, (issue,) = store_replay(tmp_path, capture, seen, {"XYZ"}, check_capture(capture, seen), QualitySettings())
    assert stored == [] and (issue.kind, issue.where) == ("not_replayable", "XYZ")
    assert not (tmp_path / "market").exists()
