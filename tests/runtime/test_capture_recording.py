"""A capture drives the engine: both drivers leave the same rows, and nothing of it is known before it came."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InstrumentRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.market.bar_ring import closed_bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.settings import BarSettings, QualitySettings
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.runtime.bar_feed import bars_of
from metastackerbandit.runtime.capture_check import check_capture
from metastackerbandit.runtime.capture_recording import on_one_clock, recording_of_capture, refuse_inverse
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.instruments import rules_of_capture
from tests.covering import covers
from tests.exchanges.binance.venue import Venue, written
from tests.markets import by_block, by_stream, same_bytes
from tests.shared import shared_data

FIXED = EngineSettings(sizing=SizingSettings(mode="quantity", quantity="0.01"))


@pytest.fixture(scope="module")
def capture() -> Capture:
    """Three minutes of a perpetual's book and trades."""
    return read_capture([shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"])


def of(capture: Capture, ahead_ns: int | None = None) -> Recording:
    """The recording of a capture under the shipped rules."""
    seen = instruments_in(capture)
    checked = check_capture(capture, seen)
    if ahead_ns is not None:
        checked = structs.replace(checked, ahead_ns=ahead_ns)
    return recording_of_capture(capture, [rules_of_capture(one, 60_000.0, None)[0] for one in seen], checked, QualitySettings())


def until(capture: Capture, received_ns: int) -> Capture:
    """What had come by then."""
    kept = capture.received_ns <= received_ns
    return structs.replace(capture, **{name: getattr(capture, name)[kept] for name in ("starts", "ends", "received_ns", "asked")})


@covers("2.138")
def test_both_drivers_leave_the_same_rows_of_a_recorded_book(capture: Capture) -> None:
    recording = of(capture)
    block, _ = by_block(recording, "1s", "book_pressure", FIXED)
    stream, _ = by_stream(recording, "1s", "book_pressure", FIXED)
    same_bytes(block, stream)
    assert len(block.decisions) > 150 and len(block.fills) > 0
    asked = [GATE_NAMES.index(name) for name in ("book_live", "spread", "depth", "feed_quality")]
    wanted = block.decisions["asks_risk"] != 0
    assert wanted.sum() > 10 and (block.verdict[wanted][:, asked] != 0).all()  # no gate of the book is n/a


@covers("K4", "B20")
def test_what_comes_later_changes_nothing_that_was_known(capture: Capture) -> None:
    whole, ahead_ns = of(capture), check_capture(capture, instruments_in(capture)).ahead_ns
    assert ahead_ns > 10**9  # the recorder's clock was behind
    cut_ns = int(capture.received_ns[0]) + 120 * SECOND_NS
    part = of(until(capture, cut_ns), ahead_ns)
    assert whole.seconds[0] is not None and part.seconds[0] is not None
    assert part.bars[0].tobytes() == whole.bars[0][: len(part.bars[0])].tobytes() and len(part.bars[0]) > 100
    assert part.seconds[0].tobytes() == whole.seconds[0][: len(part.seconds[0])].tobytes() and len(part.seconds[0]) > 100
    assert int(part.bars[0]["known_ns"].max()) <= cut_ns + ahead_ns and int(part.seconds[0]["known_ns"].max()) <= cut_ns + ahead_ns


def test_bars_are_those_of_the_trades_and_seconds_without_one_are_flat(capture: Capture) -> None:
    recording = of(capture)
    shifted = on_one_clock(capture, check_capture(capture, instruments_in(capture)).ahead_ns)
    one = recording.instruments[0]
    plain = closed_bars(bars_of(shifted, [one], [bar_terms(one)], BarSettings(), (SECOND_NS,)), 0, 0)
    bars = recording.bars[0]
    dealt = bars[bars["trades"] > 0]
    for name in ("opened_ns", "open", "high", "low", "close", "volume", "taker_volume", "trades"):
        assert np.array_equal(dealt[name][: len(plain)], plain[name][: len(dealt)]), name
    assert (np.diff(bars["opened_ns"]) == SECOND_NS).all() and (bars["known_ns"] >= bars["closed_ns"]).all()
    assert recording.has_flow == (True,) and math.isclose(float(np.median(bars["known_ns"] - bars["closed_ns"])) / 1e9, 0.27, abs_tol=0.05)


def test_what_cannot_be_traded_is_refused_with_the_mend(capture: Capture, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("captures") / "quiet.log"
    path.write_bytes(written(Venue(1, is_perp=True).frames(40, 3)))
    with pytest.raises(DataRefused, match="BTCUSDT has 0 bars of a second"):
        of(read_capture([path]))
    inverse = Instrument("BTCUSD_PERP", "BTC", "USD", "perp", "BINANCE", "0.1", "1", "1", "1", "0")
    with pytest.raises(InstrumentRefused, match="inverse contract"):
        refuse_inverse([inverse])
    refuse_inverse(instruments_in(capture))
