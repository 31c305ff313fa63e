"""`msb data check` of captures: its shape and exit codes, and what it says of faults."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from metastackerbandit.cli.data import app
from metastackerbandit.storage.raw_blocks import REPLY, STREAM, Arrived
from metastackerbandit.storage.raw_log import RawLog
from metastackerbandit.storage.settings import RawLogSettings
from tests.cli.test_data_verbs import SHAPE, msb
from tests.exchanges.binance.venue import Venue, written
from tests.exchanges.hyperliquid.venue import pushed
from tests.shared import shared_data


def test_a_whole_capture_is_sound_and_a_broken_one_is_diagnosed(tmp_path: Path) -> None:
    told = Venue(1, is_perp=True).frames(60, 3)
    whole, broken = tmp_path / "whole.log", tmp_path / "broken.log"
    whole.write_bytes(written(told))
    code, answer = msb("check", whole, home=tmp_path)
    assert code == 0 and set(SHAPE) <= set(answer)
    assert (answer["kind"], answer["frames"], answer["gaps"], answer["issues"]) == ("capture", 121, 0, [])
    assert answer["bookticker"]["compared"] == answer["bookticker"]["equal"] >= 56
    quality = answer["books"][0]["quality"]
    assert quality["score"] == 1.0 and 0.9 < quality["time_weighted"] < 1.0 and quality["issues"] == {"missing": 1}
    del told[60:62]
    broken.write_bytes(written(told) + b"garbage\n")
    code, answer = msb("check", broken, home=tmp_path)
    assert code == 4 and answer["error"]["type"] == "DataRefused"
    assert [issue["type"] for issue in answer["issues"]] == ["not_a_frame", "gap"]
    text = CliRunner().invoke(app, ["check", str(broken), "--home", str(tmp_path)])
    assert text.exit_code == 4
    assert "1 gaps, 0 resyncs, 0 crossed books while live" in text.stdout and "BTCUSDT perp resync" in text.stdout
    assert "BTCUSDT quality 0.000 at the end (completeness 0.000 x" in text.stdout and "2 missing, 1 gap" in text.stdout


def test_files_of_a_session_are_one_capture_and_candles_are_not_mixed_in(tmp_path: Path) -> None:
    told = Venue(2, is_perp=False).frames(60, 3)
    first, second = tmp_path / "day1.log", tmp_path / "day2.log"
    first.write_bytes(written(told[:70]))
    second.write_bytes(written(told[70:]))
    code, answer = msb("check", first, second, home=tmp_path)
    assert code == 0 and answer["frames"] == 121 and answer["file"] == [str(first), str(second)]
    code, answer = msb("check", second, home=tmp_path)
    assert code == 4 and answer["issues"][0]["type"] == "no_snapshot"
    code, answer = msb("check", first, tmp_path / "x.parquet", home=tmp_path)
    assert code == 2 and answer["error"]["type"] == "UsageError"


def test_a_capture_of_hyperliquid_is_sound_without_a_snapshot(tmp_path: Path) -> None:
    whole = tmp_path / "whole.log"
    whole.write_bytes(written(pushed(10)))
    code, answer = msb("check", whole, home=tmp_path)
    assert code == 0 and (answer["frames"], answer["kinds"], answer["issues"]) == (20, {"depth": 10, "trades": 10}, [])
    assert [(book["symbol"], book["state"], book["trades"]) for book in answer["books"]] == [("BTC", "live", 20)]


def test_a_table_of_a_recorder_is_checked_as_a_capture_is(tmp_path: Path) -> None:
    folder = shared_data() / "ws_captures" / "binance_recorder"
    code, told = msb("check", folder / "usdm_trxusdt_merged_20250414_clean.csv.gz", home=tmp_path)
    assert (code, told["kind"], told["gaps"], told["issues"]) == (0, "capture", 0, [])
    code, told = msb("check", folder / "usdm_trxusdt_merged_20250414_broken.csv.gz", home=tmp_path)
    assert (code, told["gaps"]) == (4, 1) and "line 5,667" in told["issues"][2]["what"]


def test_a_raw_log_is_checked_as_the_capture_that_it_holds(tmp_path: Path) -> None:
    log = RawLog(tmp_path / "raw", RawLogSettings(block_kb=1))
    for line in written(Venue(1, is_perp=True).frames(30, 3)).splitlines():
        stamp, frame = line.split(b" ", 1)
        kind = REPLY if frame.startswith(b'{"lastUpdateId"') else STREAM
        log.put(Arrived(int(stamp), kind, "venue", frame, "https://venue.test/depth?symbol=BTCUSDT" if kind == REPLY else ""))
    log.close()
    code, told = msb("check", tmp_path / "raw", home=tmp_path)
    assert (code, told["kind"], told["gaps"], told["issues"], told["books"][0]["state"]) == (0, "capture", 0, [], "live")
