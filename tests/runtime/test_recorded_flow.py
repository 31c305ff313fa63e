"""A capture as flow: at every message the exchange's book is the recorded one, and its trades are the recorded trades."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.continuity import ANEW, APPLY
from metastackerbandit.runtime import recorded_flow as module
from metastackerbandit.runtime.book_feed import feeds_of
from metastackerbandit.runtime.capture_rules import codec_in, instruments_in
from metastackerbandit.runtime.frame_walk import frames_of, walking_to
from metastackerbandit.runtime.recorded.gathering import rows_in
from metastackerbandit.runtime.recorded_flow import RecordedFlow, recorded_flow
from metastackerbandit.simulation.flow import PRINT, flow_in
from metastackerbandit.simulation.queues import Queues, empty_queues
from metastackerbandit.storage.captures import read_capture
from metastackerbandit.storage.instruments import rules_of_capture
from tests.exchanges.binance.venue import Told, Venue, written
from tests.shared import shared_data

Levels = list[tuple[int, int]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where captures are written."""
    return tmp_path_factory.mktemp("captures")


def captured(told: list[Told], folder: Path) -> Capture:
    """The frames written by a recorder and read back."""
    path = folder / "capture.log"
    path.write_bytes(written(told))
    return read_capture([path])


def ruled(capture: Capture) -> list[Instrument]:
    """A capture's instruments under the rules that we ship."""
    return [rules_of_capture(one, 60_000.0, None)[0] for one in instruments_in(capture)]


@kernel
def note(mine: np.ndarray, market: object, frame: int, received_ns: int, kind: int, alone: int, is_again: bool) -> None:
    """Whether the newest frame has changed a book."""
    if kind == DEPTH:
        verdict = market.feeds[0].verdict  # type: ignore[attr-defined]
        if verdict == APPLY or verdict == ANEW:
            mine[0] += 1
            mine[1] = market.decoded.depth[0].exchange_ns  # type: ignore[attr-defined]


def compared(capture: Capture, instruments: list[Instrument], found: RecordedFlow, every: int) -> int:
    """Play the flow beside the capture, and hold the books to each other behind every so many book messages; how often that was done."""
    codec = codec_in(capture, instruments)
    market, frames = feeds_of(instruments, 16_384, codec), frames_of(capture, instruments)
    queues, seen = empty_queues(len(instruments), prices=found.prices, orders=4 * found.prices), np.zeros(2, np.int64)
    played, applied, many = 0, 0, 0
    times = np.ascontiguousarray(found.flow["at_ns"])
    walk = walking_to(codec.venue, note)
    for frame in range(1, len(capture.starts) + 1):
        walk(frames, market, seen, frame)
        if seen[0] < applied + every or seen[1] <= found.begun_ns:
            continue
        applied = int(seen[0])
        until = int(np.searchsorted(times, seen[1], "right"))
        if until < len(times) and next_is_same_message(capture, frame, int(seen[1])):
            continue
        played = flow_all(queues, found.flow[:until], played)
        for side, name in enumerate(("bids", "asks")):
            assert side_of(queues, side) == list(map(tuple, getattr(market.book, name)[0, : int(market.book.row[0][name])].tolist()))
        many += 1
    flow_all(queues, found.flow, played)
    return many


def next_is_same_message(capture: Capture, frame: int, at_ns: int) -> bool:
    """Whether a frame that comes next is stamped as this one: the flow of both is played together."""
    return any(
        b"depth" in capture.frame(n) and b'"E":%d,' % (at_ns // 1_000_000) in capture.frame(n)
        for n in range(frame, min(frame + 40, len(capture.starts)))
    )


def flow_all(queues: Queues, flow: np.ndarray, played: int) -> int:
    """Let rows happen from a place on."""
    assert flow_in(queues, np.ascontiguousarray(flow), played) == len(flow)
    return len(flow)


def side_of(queues: Queues, side: int) -> Levels:
    """Prices and sizes of a side, the best last."""
    return [(ticks, lots) for ticks, lots, *_ in queues.prices[0, side, : int(queues.row[0]["asks" if side else "bids"])].tolist()]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), is_perp=st.booleans(), snapshots=st.lists(st.integers(0, 59), min_size=1, max_size=3, unique=True))
def test_at_every_message_the_book_is_the_recorded_one(seed: int, is_perp: bool, snapshots: list[int], folder: Path) -> None:
    venue, told = Venue(seed, is_perp=is_perp), list[Told]()
    for place in range(60):
        if place in snapshots:
            told.append(venue.snapshot())
        told += venue.changed()
    capture = captured(told, folder)
    instruments = list(instruments_in(capture))
    found = recorded_flow(capture, instruments)
    assert compared(capture, instruments, found, 1) >= 59 - min(snapshots)
    queues = empty_queues(1, prices=found.prices, orders=4 * found.prices)
    flow_all(queues, found.flow, 0)
    for side, known in enumerate(venue.levels):
        assert dict(side_of(queues, side)) == known
    assert (np.diff(found.flow["at_ns"]) >= 0).all() and found.ended_ns == found.flow["at_ns"][-1]


@pytest.mark.parametrize(("name", "every"), [("usdm_btcusdt_20240718.gz", 20), ("spot_btcusdt_20240808.gz", 50), ("usdm_btcusdt_20230404.gz", 50)])
def test_recorded_books_and_trades_are_played_as_they_were(name: str, every: int) -> None:
    capture = read_capture([shared_data() / "ws_captures" / "binance" / name])
    instruments = ruled(capture)
    found = recorded_flow(capture, instruments)
    assert compared(capture, instruments, found, every) > 20
    trades = rows_in(capture, instruments).trades
    prints = found.flow[found.flow["what"] == PRINT]
    assert len(prints) == len(trades) > 500
    for ours, theirs in (("at_ns", trades["traded_ns"]), ("ticks", trades["ticks"]), ("lots", trades["lots"]), ("side", (trades["side"] < 0) * 1)):
        assert (prints[ours] == theirs).all(), ours
    if "20230404" in name:
        assert len(found.marks) > 90 and (np.diff(found.marks["exchange_ns"]) > 0).all()


def test_a_trade_that_comes_again_is_played_once(folder: Path) -> None:
    venue = Venue(1, is_perp=False)
    told = [venue.snapshot(), *venue.changed()]
    for number in (7, 8, 7, 8, 9):
        body = {
            "e": "trade",
            "E": 1_700_000_000_500,
            "T": 1_700_000_000_400 + number,
            "s": "BTCUSDT",
            "t": number,
            "p": "100.10",
            "q": "0.005",
            "m": True,
        }
        told.append(Told(told[-1].received_ns, json.dumps({"stream": "btcusdt@trade", "data": body}, separators=(",", ":")).encode()))
    capture = captured(told, folder)
    prints = recorded_flow(capture, list(instruments_in(capture))).flow
    assert [(int(one["ticks"]), int(one["lots"]), int(one["side"])) for one in prints[prints["what"] == PRINT]] == [(1_001, 5, 1)] * 3


def test_without_a_snapshot_or_with_too_many_prices_it_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = captured(Venue(1, is_perp=True).frames(9, 99), folder)
    with pytest.raises(DataRefused, match="no whole book of BTCUSDT"):
        recorded_flow(alone, list(instruments_in(alone)))
    whole = captured(Venue(1, is_perp=True).frames(9, 3), folder)
    monkeypatch.setattr(module, "MOST_PRICES", 32)
    with pytest.raises(DataRefused, match="more than 32 prices"):
        recorded_flow(whole, list(instruments_in(whole)))
