"""The book benchmark: what is timed is the venue's own book at every change, and a peer counts only where its book is the same to the last level."""

from __future__ import annotations

import gzip
import importlib.util
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.bench import peers
from metastackerbandit.bench.spec import Unequal
from metastackerbandit.bench.works.book import FILE, FOLDER, SCRIPTS, Followed, equal, following, only_depth, prepare, session, write_frames
from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.market.cob import COLUMNS, RADIUS
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import Told, Venue, written
from tests.shared import shared_data

COUNT = 60
FIRST = 800  # frames of a recorded session


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for captures."""
    return tmp_path_factory.mktemp("book")


def captured(told: list[Told], folder: Path) -> Path:
    path = folder / "capture.log"
    path.write_bytes(written(told))
    return path


def quoted(told: list[Told]) -> dict[int, list[int]]:
    """The venue's own best prices and sizes by update id, in ticks of 0.1 and lots of 0.001."""
    found = {}
    for one in told:
        body = json.loads(one.text).get("data", {})
        if "A" in body:
            found[body["u"]] = [round(float(body[name]) * scale) for name, scale in (("b", 10), ("B", 1_000), ("a", 10), ("A", 1_000))]
    return found


@given(seed=st.integers(0, 10**6), is_perp=st.booleans(), snapshot_at=st.integers(0, COUNT // 2))
@settings(max_examples=15)
def test_best_prices_after_each_change_are_the_venue_s(seed: int, is_perp: bool, snapshot_at: int, folder: Path) -> None:
    told = Venue(seed, is_perp=is_perp).frames(COUNT, snapshot_at)
    given_session = session([captured(told, folder)])
    ours = following(given_session)()
    own = quoted(told)
    assert len(ours.bests) >= COUNT - snapshot_at - 1
    assert [row[1:] for row in ours.bests.tolist()] == [own[last] for last in ours.bests[:, 0].tolist()]
    alone = following(only_depth(given_session))()
    assert np.array_equal(ours.bests, alone.bests) and np.array_equal(ours.bids, alone.bids, equal_nan=True)


def test_buckets_are_of_the_book_as_it_stands_and_every_run_begins_anew(folder: Path) -> None:
    given_session = session([captured(Venue(7, is_perp=True).frames(COUNT, 3), folder)])
    run = following(given_session)
    first, ours = run(), run()
    assert np.array_equal(first.bests, ours.bests) and np.array_equal(first.asks, ours.asks, equal_nan=True)
    width, unit = int(given_session.terms[0]["width"]), float(given_session.terms[0]["unit"])
    row, book = ours.market.book.row[0], ours.market.book
    centre = (int(ours.bests[-1, 1]) + int(ours.bests[-1, 3])) // (2 * width)
    for buckets, side, known, sign in (
        (ours.bids[0], book.bids[0, : row["bids"]], row["known_bid"], 1),
        (ours.asks[0], book.asks[0, : row["asks"]], row["known_ask"], -1),
    ):
        for column in range(COLUMNS):
            place = centre - RADIUS + column
            resting = [ticks * lots for ticks, lots in side.tolist() if ticks // width == place]
            is_known = place * width >= known if sign > 0 else (place + 1) * width - 1 <= known
            assert buckets[column] == pytest.approx(sum(resting) * unit) if is_known else np.isnan(buckets[column])
    assert ours.bids[0, RADIUS] + ours.asks[0, RADIUS] > 0.0


def answered(ours: Followed) -> dict[str, Any]:
    """What a peer with our book would answer."""
    row, book = ours.market.book.row[0], ours.market.book
    bids, asks = book.bids[0, : row["bids"]][::-1].tolist(), book.asks[0, : row["asks"]][::-1].tolist()
    return {"changes": ours.bests.tolist(), "bids": bids, "asks": asks}


@given(place=st.integers(0, COUNT - 3), column=st.integers(0, 4))
@settings(max_examples=20)
def test_a_peer_whose_book_differs_anywhere_is_told_where(place: int, column: int, folder: Path) -> None:
    ours = following(session([captured(Venue(11, is_perp=True).frames(COUNT, 0), folder)]))()
    assert f"all {len(ours.bests)} changes" in equal("twin", ours, answered(ours))
    other = answered(ours)
    other["changes"][place][column] += 1
    with pytest.raises(Unequal, match=f"twin differs from ours at change {place + 1} of {len(ours.bests)}: ours .*, theirs "):
        equal("twin", ours, other)
    less = answered(ours)
    del less["changes"][-1]
    with pytest.raises(Unequal, match="theirs None"):
        equal("twin", ours, less)
    for side in ("bids", "asks"):
        other = answered(ours)
        other[side].pop()
        with pytest.raises(Unequal, match=f"twin has other {side}"):
            equal("twin", ours, other)


def test_a_benchmark_is_made_of_the_capture_beside_the_candles(tmp_path: Path) -> None:
    path = tmp_path / FOLDER / FILE
    path.parent.mkdir(parents=True)
    told = Venue(5, is_perp=True).frames(COUNT, 4)
    path.write_bytes(gzip.compress(written(told)))
    with ExitStack() as stack:
        ready = prepare(stack, tmp_path / "klines")
        ours, facts = ready.run(), ready.facts
        assert (ready.amount, ready.unit) == (2 * COUNT + 1, "frames") and ready.equal is not None and facts is not None
        assert len(ours.bests) >= COUNT - 5
        found = facts()
        assert found["compared"] == found["equal"] >= COUNT - 5
        assert all(found[name] > 0.0 for name in ("depth_frames_a_second", "ns_a_kb", "p50_us_a_frame"))
        assert found["p99_us_a_frame"] >= found["p50_us_a_frame"]
        for name, asked in ready.peers.items():
            assert (peers.folder() / asked.home / SCRIPTS[name]).is_file()
            assert asked.job.get("quiet") and asked.check is not None and not asked.check.get("quiet")
            assert Path(asked.job["frames"]).read_bytes().count(b"\n") == 2 * COUNT + 1


def test_without_recorded_frames_the_folder_is_named(tmp_path: Path) -> None:
    for data in (None, tmp_path / "klines"):
        with ExitStack() as stack, pytest.raises(DataRefused, match="no recorded frames") as refused:
            prepare(stack, data)
        assert FILE in refused.value.mend


def test_a_recorded_session_is_followed_and_peers_read_its_frames(tmp_path: Path) -> None:
    """The first frames of BTCUSDT perpetual, 2024-07-18: best prices against the venue's own quotes at the same update, read with a plain reader."""
    path, start = shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz", tmp_path / "start"
    with gzip.open(path) as file:
        start.write_bytes(b"".join(file.readline() for _ in range(FIRST)))
    given_session = session([start])
    ours = following(given_session)()
    capture = read_capture([start])
    assert len(capture.starts) == FIRST and given_session.checked.compared == given_session.checked.equal
    own = quoted([Told(0, capture.frame(place)) for place in range(FIRST)])
    held = [row for row in ours.bests.tolist() if row[0] in own]
    assert [row[1:] for row in held] == [own[row[0]] for row in held]
    assert len(held) == given_session.checked.compared > 10
    frames = write_frames(given_session.capture, tmp_path / "frames")
    spec = importlib.util.spec_from_file_location("captured", peers.folder() / peers.COMMON / "captured.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    read = module.read({"frames": str(frames)})
    assert [frame.text for frame in read] == [capture.frame(place) for place in range(FIRST)]
    assert [frame.is_reply for frame in read] == (capture.asked >= 0).tolist() and sum(frame.is_reply for frame in read) == 1
