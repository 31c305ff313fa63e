"""Captures driven through scanner, continuity and book: what was recorded is whole and the venue's own, and every planted fault is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.runtime.capture_check import DEFAULTS, CheckedCapture, check_capture
from metastackerbandit.runtime.capture_rules import grids_in, instruments_in, is_by_prior_id, symbols_in, venue_in
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.binance.venue import Told, Venue, written
from tests.exchanges.hyperliquid.venue import pushed
from tests.markets import instrument
from tests.shared import shared_data

COUNT = 120


def captured(told: list[Told], folder: Path) -> Capture:
    """The frames written by a recorder and read back."""
    path = folder / "capture.log"
    path.write_bytes(written(told))
    return read_capture([path])


def checked(told: list[Told], folder: Path, is_perp: bool) -> CheckedCapture:
    """The capture of these frames, checked."""
    return check_capture(captured(told, folder), [instrument("BTCUSDT", "perp" if is_perp else "spot", "BINANCE")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for captures."""
    return tmp_path_factory.mktemp("captures")


@given(seed=st.integers(0, 10**6), is_perp=st.booleans(), snapshot_at=st.integers(0, COUNT // 2))
@settings(max_examples=40)
def test_a_whole_capture_has_the_venue_s_book_at_every_update(seed: int, is_perp: bool, snapshot_at: int, folder: Path) -> None:
    found = checked(Venue(seed, is_perp=is_perp).frames(COUNT, snapshot_at), folder, is_perp)
    (book,) = found.books
    assert (found.gaps, found.crossed, found.faults, found.issues, book["state"]) == (0, 0, {}, (), "live")
    assert found.compared == found.equal >= COUNT - snapshot_at - 1  # the message that the snapshot lies in may be all old
    assert found.frames == 2 * COUNT + 1 and found.kinds == {"depth": COUNT + 1, "quote": COUNT}
    quality = book["quality"]
    assert (quality["completeness"], quality["consistency"], quality["age_seconds"], quality["issues"]) == (1.0, 1.0, 0.0, {"missing": 1})
    synced = (COUNT - snapshot_at) / COUNT  # a change each tenth of a second; before the snapshot there is no book
    assert quality["score"] == 1.0 and quality["time_weighted"] == pytest.approx(synced, abs=0.02)
    assert found.latency_ms is not None and found.latency_ms[1] == (3.0 if is_perp else pytest.approx(3.0))


@given(
    seed=st.integers(0, 10**6),
    is_perp=st.booleans(),
    place=st.integers(10, COUNT - 3),
    fault=st.sampled_from(["lost", "twice", "exchanged", "broken"]),
)
@settings(max_examples=80)
def test_a_fault_anywhere_is_noticed_and_the_next_snapshot_mends_it(seed: int, is_perp: bool, place: int, fault: str, folder: Path) -> None:
    venue = Venue(seed, is_perp=is_perp)
    told = venue.frames(COUNT, 0)
    changes = [n for n, one in enumerate(told) if one.is_change]
    at, following = changes[place], changes[place + 1]
    broken = list(told)
    if fault == "lost":
        del broken[at]
    elif fault == "twice":
        broken.insert(at, broken[at])
    elif fault == "exchanged":
        broken[at], broken[following] = broken[following], broken[at]
    else:
        broken[at] = Told(broken[at].received_ns, broken[at].text[:-9], is_change=True)
    found = checked(broken, folder, is_perp)
    (book,) = found.books
    assert found.compared == found.equal and found.crossed == 0  # nothing wrong is ever said to be live
    if fault == "twice":
        assert (found.gaps, book["old"], book["state"]) == (0, 1, "live")
        return
    assert (found.gaps, book["state"]) == (1, "resync")
    assert "gap" in [issue.kind for issue in found.issues]
    assert found.faults == ({"truncated": 1} if fault == "broken" else {})
    assert book["quality"]["score"] == 0.0 and book["quality"]["issues"] == {"missing": 2, "gap": 1} | (
        {"time_back": 1} if fault == "exchanged" else {}
    )
    mended = checked([*broken, venue.snapshot(), *venue.changed(), *venue.changed()], folder, is_perp)
    assert (mended.books[0]["state"], mended.resyncs) == ("live", 1)
    assert mended.equal == mended.compared > found.equal


def test_two_instruments_do_not_touch_each_other(folder: Path) -> None:
    one, other = Venue(1, is_perp=True).frames(COUNT, 5), Venue(2, is_perp=True, symbol="ETHUSDT").frames(COUNT, 5)
    del one[[n for n, told in enumerate(one) if told.is_change][40]]
    told = [frame for frame in (*one, *other) if not frame.is_snapshot]
    told = sorted(told, key=lambda frame: frame.received_ns)
    lines = written(told) + b"".join(
        b"https://x.test/depth?symbol=%s -> %.9f: %s\n" % (name, frame.received_ns / 1e9, frame.text)
        for name, frames in ((b"BTCUSDT", one), (b"ETHUSDT", other))
        for frame in frames
        if frame.is_snapshot
    )
    streams, replies = folder / "streams", folder / "replies"
    streams.write_bytes(b"".join(line + b"\n" for line in lines.split(b"\n") if not line.startswith(b"https")))
    replies.write_bytes(b"".join(line + b"\n" for line in lines.split(b"\n") if line.startswith(b"https")))
    capture = read_capture([streams, replies])
    assert sorted(symbols_in(capture)) == ["BTCUSDT", "ETHUSDT"]
    found = check_capture(capture, [instrument("BTCUSDT", venue="BINANCE"), instrument("ETHUSDT", venue="BINANCE")])
    broken, whole = found.books
    assert (broken["state"], broken["gaps"], whole["state"], whole["gaps"]) == ("resync", 1, "live", 0)
    assert whole["compared"] == whole["equal"] > COUNT - 10


def test_trades_are_counted_and_a_missing_number_is_told(folder: Path) -> None:
    frame = '{{"e":"trade","E":1700000000001,"s":"BTCUSDT","t":{},"p":"100.1","q":"0.5","T":1700000000000,"m":true}}'
    told = [Told(1_700_000_000_005_000_000 + n, frame.format(number).encode()) for n, number in enumerate((5, 6, 9, 10))]
    found = check_capture(captured(told, folder), [instrument("BTCUSDT", venue="BINANCE")])
    assert (found.books[0]["trades"], found.books[0]["trade_holes"]) == (4, 1)
    assert [issue.what for issue in found.issues] == ["trade 9 follows trade 6"]


def test_a_clock_that_goes_back_is_told(folder: Path) -> None:
    told = Venue(3, is_perp=False).frames(10, 0)
    late = told[7]
    told[7] = Told(late.received_ns - 10**10, late.text, late.is_change)
    found = checked(told, folder, False)
    assert [issue.kind for issue in found.issues] == ["received_backwards"] and found.books[0]["state"] == "live"


def test_a_crossed_book_costs_the_score_for_as_long_as_it_stands(folder: Path) -> None:
    venue = Venue(6, is_perp=True)
    told = [venue.snapshot(), *venue.told({}, {}), *venue.told({1_002: 5}, {}, 10**9), *venue.told({1_002: 0}, {}, 2 * 10**9)]
    told += [frame for _ in range(40) for frame in venue.changed()]
    (book,) = checked(told, folder, True).books
    quality = book["quality"]
    assert quality["issues"]["crossed"] == 1 and quality["seconds"] == pytest.approx(7.1)
    by_hand = 0.1 + 1.0 + 4.0  # the two crossed seconds count nothing
    assert quality["time_weighted"] == pytest.approx(by_hand / 7.1, abs=0.01) and quality["score"] == 1.0


def test_limits_are_the_reader_s_own(folder: Path) -> None:
    capture = captured(Venue(7, is_perp=False).frames(40, 0), folder)
    strict = structs.replace(DEFAULTS, half_life_seconds=0.05, min_levels=1_000)
    (book,) = check_capture(capture, [instrument("BTCUSDT", "spot", "BINANCE")], strict).books
    assert book["quality"]["issues"] == {"missing": 1, "shallow": 1}
    assert book["quality"]["time_weighted"] == pytest.approx((1 - 2**-2) / (2 * 0.6931), abs=0.02)  # 0.1 s between changes is two half-lives


def test_without_a_snapshot_there_is_no_book_and_the_mend_is_told(folder: Path) -> None:
    told = [one for one in Venue(4, is_perp=True).frames(10, 0) if not one.is_snapshot]
    found = checked(told, folder, True)
    (issue,) = found.issues
    assert (issue.kind, issue.severity) == ("no_snapshot", "critical") and "first day" in issue.what
    assert (found.books[0]["state"], found.books[0]["best"]) == ("syncing", [None, None])


def test_steps_and_market_are_seen_in_the_frames(folder: Path) -> None:
    for is_perp in (False, True):
        capture = captured(Venue(5, is_perp=is_perp).frames(COUNT, 3), folder)
        assert (symbols_in(capture), is_by_prior_id(capture), grids_in(capture, ["BTCUSDT"])) == (
            ("BTCUSDT",),
            is_perp,
            {"BTCUSDT": ("0.1", "0.001")},
        )


RECORDED = {
    ("binance/usdm_btcusdt_20230404.gz", "binance/usdm_btcusdt_20230405.gz"): (73_765, 1_565),
    ("binance/usdm_btcusdt_20240718.gz", "binance/usdm_btcusdt_20240719.gz"): (71_984, 625),
    ("binance/usdm_btcusdt_20240808.gz",): (93_954, 629),
    ("binance/spot_btcusdt_20240808.gz", "binance/spot_btcusdt_20240809.gz"): (99_574, 1_072),
    ("binance/cm_btcusd_perp_20240808.gz", "binance/cm_btcusd_perp_20240809.gz"): (98_386, 1_885),
    ("cryptofeed/BINANCE.http.0.0.gz", "cryptofeed/BINANCE.ws.1.0.gz"): (269, 26),
    ("cryptofeed/BINANCE_FUTURES.http.0.0.gz", "cryptofeed/BINANCE_FUTURES.ws.1.0.gz"): (1_539, 50),
    ("cryptofeed/BINANCE_DELIVERY.http.0.0.gz", "cryptofeed/BINANCE_DELIVERY.ws.1.0.gz"): (4_381, 214),
}


@pytest.mark.parametrize(("names", "expected"), RECORDED.items(), ids=[names[-1].rpartition("/")[2] for names in RECORDED])
def test_recorded_captures_have_no_gap_and_the_venue_s_own_best_prices(names: tuple[str, ...], expected: tuple[int, int]) -> None:
    capture = read_capture([shared_data() / "ws_captures" / name for name in names])
    found = check_capture(capture, instruments_in(capture))
    assert (found.frames, found.compared, found.equal) == (expected[0], expected[1], expected[1])
    assert (found.gaps, found.crossed, found.faults) == (0, 0, {})
    assert all(book["state"] == "live" and book["trade_holes"] == 0 for book in found.books)
    assert not found.issues
    assert all(0.0 < book["quality"]["time_weighted"] <= 1.0 and book["quality"]["consistency"] == 1.0 for book in found.books)


def test_hyperliquid_s_books_need_no_snapshot_and_every_trade_of_a_frame_counts(folder: Path) -> None:
    told = pushed(20)
    capture = captured(told, folder)
    (one,) = instruments_in(capture)
    assert (venue_in(capture), symbols_in(capture)) == ("HYPERLIQUID", ("BTC",))
    assert (one.venue, one.market, one.quote, one.tick_size, one.lot_size) == ("HYPERLIQUID", "perp", "USDC", "0.001", "0.001")
    found = check_capture(capture, [one])
    (book,) = found.books
    assert (book["state"], book["applied"], book["trades"], book["trade_holes"], book["best"]) == ("live", 20, 40, 0, ["1000.000", "1003.000"])
    assert (found.kinds, found.faults, found.gaps, found.crossed, found.issues) == ({"depth": 20, "trades": 20}, {}, 0, 0, ())
    assert found.latency_ms == (40.0, 40.0, 40.0)


def test_a_book_of_hyperliquid_that_is_older_than_the_last_one_is_left_out(folder: Path) -> None:
    told = pushed(20)
    late, early = told[30], told[34]
    told[30], told[34] = Told(late.received_ns, early.text, True), Told(early.received_ns, late.text, True)
    found = check_capture(captured(told, folder), instruments_in(captured(told, folder)))
    (book,) = found.books
    assert (book["applied"], book["old"], book["gaps"], book["state"]) == (18, 2, 0, "live")
    assert {issue.kind for issue in found.issues} == {"time_backwards"}


def test_the_recorded_capture_of_hyperliquid_is_whole() -> None:
    capture = read_capture([shared_data() / "ws_captures" / "hyperliquid" / "btcusd_20250126.gz"])
    instruments = instruments_in(capture)
    assert [(one.symbol, one.tick_size, one.lot_size) for one in instruments] == [("BTC", "0.1", "0.00001")]
    found = check_capture(capture, instruments)
    (book,) = found.books
    assert (found.frames, found.kinds, found.faults, found.gaps, found.crossed) == (55, {"depth": 46, "trades": 9}, {}, 0, 0)
    assert (book["state"], book["applied"], book["trades"], book["levels"]) == ("live", 46, 64, [20, 20])
    assert book["best"] == ["105050.0", "105051.0"] and not found.issues


def test_a_venue_that_nobody_reads_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="'TEST' cannot be read"):
        check_capture(captured(pushed(2), folder), [instrument("BTC")])
