"""`msb heatmap`: the book of a capture as numbers and as a picture, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from typer.testing import CliRunner

from metastackerbandit.cli.heatmap_books import first_told
from metastackerbandit.cli.main import app
from metastackerbandit.domain.kernel import rows
from metastackerbandit.market.book import BookRow
from metastackerbandit.market.cob import CobTerms, close_second, empty_cob, heatmap
from tests.covering import covers
from tests.exchanges.binance.venue import Venue, written
from tests.exchanges.hyperliquid.venue import pushed
from tests.shared import shared_data

COUNT = 200  # changes, ten a second


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of a book."""
    path = tmp_path_factory.mktemp("captures") / "capture.log"
    path.write_bytes(written(Venue(1, is_perp=True).frames(COUNT, 3)))
    return path


def asked(*words: object) -> tuple[int, dict[str, Any]]:
    """The exit code and the answer."""
    result = CliRunner().invoke(app, ["heatmap", *map(str, words), "--json"])
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return result.exit_code, answer


def test_values_are_told_by_second_and_bucket_and_drawn(capture: Path, tmp_path: Path) -> None:
    picture = tmp_path / "book.png"
    code, told = asked(capture, "--symbol", "btcusdt", "--metric", "volume", "--radius", 2, "--bucket", 0.5, "--png", picture)
    assert code == 0 and (told["symbol"], told["market"], told["bucket"], told["prices"]) == ("BTCUSDT", "perp", 0.5, [-2, -1, 0, 1, 2])
    assert 19 <= len(told["times"]) <= 21 and told["times"] == list(range(told["times"][0], told["times"][0] + len(told["times"])))
    assert all(len(values) == 5 for values in told["values"]) and all(95.0 < mid < 105.0 for mid in told["mids"])
    assert max(value for values in told["values"] for value in values if value is not None) > 0
    assert set(told["imbalance"]) == {"now", "1s", "5s", "15s", "60s"} and told["imbalance"]["now"] == told["imbalance"]["1s"]
    assert picture.read_bytes().startswith(b"\x89PNG") and told["picture"] == str(picture)
    first = picture.read_bytes()
    for metric in ("imbalance", "spread", "volume"):
        assert asked(capture, "--metric", metric, "--radius", 2, "--bucket", 0.5, "--png", picture)[0] == 0
    assert picture.read_bytes() == first  # the same bytes for the same capture


def test_a_time_before_the_end_shows_the_book_as_it_stood(capture: Path) -> None:
    _, whole = asked(capture, "--metric", "spread", "--radius", 0)
    _, early = asked(capture, "--metric", "spread", "--radius", 0, "--until", "2023-11-14T22:13:30")
    shared = [whole["times"].index(at) for at in early["times"][:-1]]
    assert 0 < len(early["times"]) < len(whole["times"])
    assert [whole["values"][place] for place in shared] == early["values"][:-1]


@covers("2.011", "2.014", "B14")
def test_the_configured_width_of_the_symbol_counts_where_no_flag_says_another(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSB_COB__BUCKET", "{ BTCUSDT = 0.4, ETHUSDT = 7.0 }")
    assert asked(capture)[1]["bucket"] == pytest.approx(0.4)
    assert asked(capture, "--bucket", 0.5)[1]["bucket"] == 0.5
    monkeypatch.setenv("MSB_COB__BUCKET", "{ ETHUSDT = 7.0 }")
    assert asked(capture)[1]["bucket"] == pytest.approx(0.1)  # 2 bp of 100 is less than a tick


def test_a_reader_gets_a_summary(capture: Path) -> None:
    text = CliRunner().invoke(app, ["heatmap", str(capture)]).stdout
    assert "BTCUSDT perp: 2" in text and "imbalance of the nearest buckets" in text and "--png FILE.png draws it" in text


def test_what_cannot_be_shown_is_told_with_the_mend(capture: Path, tmp_path: Path) -> None:
    lines = capture.read_bytes().splitlines(keepends=True)
    late = tmp_path / "late.log"
    late.write_bytes(b"".join(line for line in lines if b"lastUpdateId" not in line))
    other = tmp_path / "other.log"
    other.write_bytes(written(Venue(2, is_perp=True, symbol="ETHUSDT").frames(20, 3)))
    for words, code, what in (
        ((late,), 4, "no snapshot"),
        ((capture, "--symbol", "ETHUSDT"), 6, "no ETHUSDT in the capture"),
        ((capture, other), 2, "2 instruments"),
        ((capture, "--until", "2001-01-01"), 2, "nothing was received in that time"),
        ((tmp_path / "none",), 6, "no such file"),
    ):
        found, answer = asked(*words)
        assert (found, what in answer["error"]["what"]) == (code, True), answer
        assert answer["error"]["mend"]


def test_a_coin_that_does_not_say_what_it_is_quoted_in_is_drawn_too(tmp_path: Path) -> None:
    capture, picture = tmp_path / "capture.log", tmp_path / "book.png"
    capture.write_bytes(written(pushed(20)))
    code, told = asked(capture, "--metric", "volume", "--radius", 2, "--bucket", 1, "--png", picture)
    assert code == 0 and (told["symbol"], told["market"]) == ("BTC", "perp") and picture.stat().st_size > 1_000


@covers("2.034")
def test_pictures_of_the_best_levels_are_drawn_in_buckets_as_narrow_as_they_reach(tmp_path: Path) -> None:
    """2023-01-09: ten levels of a tick each reach ten ticks; usual buckets of 2 bp are 34 ticks wide and none would be known to its end."""
    file, picture = shared_data() / "book" / "binance_usdm_btcusdt_depth10_250ms_20230109.parquet", tmp_path / "book.png"
    code, told = asked(file, "--metric", "volume", "--png", picture)
    assert code == 0 and (told["bucket"], len(told["times"]), told["symbol"]) == (0.1, 300, "BTCUSDT")
    assert all(value is not None and value > 0 for values in told["values"] for value in values[10:12])
    assert picture.stat().st_size > 10_000
    code, answer = asked(file, "--bucket", 100)
    assert code == 4 and "known to its end" in answer["error"]["what"] and "--bucket" in answer["error"]["mend"]


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Twenty seconds of two venues' books of one asset."""
    folder = tmp_path_factory.mktemp("venues")
    spot, perp = folder / "spot.log", folder / "perp.log"
    spot.write_bytes(written(Venue(5, is_perp=False).frames(COUNT, 3)))
    perp.write_bytes(written(Venue(6, is_perp=True).frames(COUNT, 3)))
    return spot, perp


@covers("2.059", "2.070")
def test_captures_of_several_venues_are_one_book_and_one_of_them_can_be_asked_for(several: tuple[Path, Path], tmp_path: Path) -> None:
    picture = tmp_path / "book.png"
    words = (*several, "--metric", "volume", "--bucket", 0.5, "--radius", 3)
    code, whole = asked(*words, "--png", picture)
    assert code == 0 and (whole["symbol"], whole["market"], whole["bucket"]) == ("BTC", "spot, perp", 0.5)
    assert [(one["venue"], one["symbol"], one["shown"]) for one in whole["venues"]] == [
        ("binance-spot", "BTCUSDT", True),
        ("binance-perp", "BTCUSDT", True),
    ]
    parts = [asked(*words, "--venues", name)[1] for name in ("binance-spot", "BINANCE-PERP")]
    assert [one["shown"] for one in parts[0]["venues"]] == [True, False] and parts[0]["mids"] == whole["mids"]
    sums = [0.0, 0.0]
    for row, one, other in zip(whole["values"], parts[0]["values"], parts[1]["values"], strict=True):
        for value, a, b in zip(row, one, other, strict=True):
            assert value == (None if a is None and b is None else pytest.approx((a or 0.0) + (b or 0.0)))
            if a is not None and b is not None:
                sums = [sums[0] + a, sums[1] + b]
    assert [one["share"] for one in whole["venues"]] == pytest.approx([part / sum(sums) for part in sums], abs=0.02)  # a side may be known alone
    assert picture.read_bytes().startswith(b"\x89PNG")
    both = asked(*several)[1]["imbalance"]
    assert both["now"] is not None and both["now"] != asked(*several, "--venues", "binance-spot")[1]["imbalance"]["now"]


def test_a_capture_alone_is_all_of_the_book(capture: Path) -> None:
    (only,) = asked(capture)[1]["venues"]
    assert (only["venue"], only["share"], only["shown"], only["source"]) == ("binance-perp", 1.0, True, str(capture))


def test_a_reader_is_told_each_venue_s_share(several: tuple[Path, Path]) -> None:
    text = CliRunner().invoke(app, ["heatmap", *map(str, several), "--venues", "binance-spot"]).stdout
    assert "BTC spot, perp: " in text and "binance-spot BTCUSDT: " in text and "% of what rests near the middle" in text
    assert text.count("not shown") == 1


def test_venues_that_do_not_go_together_are_told_with_the_mend(several: tuple[Path, Path], tmp_path: Path) -> None:
    later, other = tmp_path / "later.log", tmp_path / "other.log"
    frames = [structs.replace(one, received_ns=one.received_ns + 10**12) for one in Venue(7, is_perp=True).frames(20, 3)]
    later.write_bytes(written(frames))
    other.write_bytes(written(Venue(8, is_perp=True, symbol="ETHUSDT").frames(20, 3)))
    for words, code, what in (
        ((several[0], later), 4, "do not overlap in time: binance-spot ends at 2023-11-14T22:13:40 UTC"),
        ((several[0], other), 4, "different assets"),
        ((*several, "--venues", "kraken-spot"), 6, "no kraken-spot among the captures"),
        ((*several, "--venues", ","), 6, "no venue among the captures"),
        ((*several, "--symbol", "ETH"), 6, "no ETH in the captures"),
        ((*several, "--bucket", 1000), 4, "known to its end"),
    ):
        found, answer = asked(*words)
        assert (found, what in answer["error"]["what"]) == (code, True), answer
        assert answer["error"]["where"] and answer["error"]["mend"]


def test_what_is_told_begins_where_buckets_are_as_wide_as_the_last() -> None:
    terms = rows(CobTerms, 1)
    cob = empty_cob(terms)
    sides = (np.array([[[side, 1]]], np.int64) for side in (1_000_000, 1_000_001))
    row, (bids, asks) = rows(BookRow, 1), sides
    row[0]["bids"] = row[0]["asks"] = 1
    for second in range(100, 106):
        if second == 103:
            cob.terms[0]["width"] = 500
        close_second(cob, 0, second, np.array([second != 104]), row, bids, asks)
    assert first_told(cob, heatmap(cob, 0, seconds=6)) == 3 and first_told(cob, heatmap(cob, 0, seconds=2)) == 1


@covers("2.059", "2.070")
def test_recorded_spot_and_perpetual_are_drawn_as_one_book(tmp_path: Path) -> None:
    """2024-08-08: of what rests near the middle, where both books are known, 88 % is the perpetual's."""
    folder, picture = shared_data() / "ws_captures" / "binance", tmp_path / "book.png"
    files = (folder / "spot_btcusdt_20240808.gz", folder / "usdm_btcusdt_20240808.gz")
    code, told = asked(*files, "--png", picture)
    assert code == 0 and (told["symbol"], told["bucket"], len(told["times"])) == ("BTC", 12.4, 300)
    assert [round(one["share"], 3) for one in told["venues"]] == [0.121, 0.879] and [one["seconds"] for one in told["venues"]] == [300, 300]
    assert picture.stat().st_size > 50_000
    found, answer = asked(files[0], folder / "usdm_btcusdt_20240718.gz")
    assert found == 4 and "binance-perp ends at 2024-07-18T23:59:58 UTC" in answer["error"]["what"]
