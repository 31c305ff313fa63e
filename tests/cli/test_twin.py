"""`msb twin` and `msb run --twin`, as a user asks them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metastackerbandit.cli.main import app
from tests.cli.asking import RUNNER, candles, msb
from tests.covering import covers
from tests.shared import shared_data

WORDS = ("--symbols", "BTCUSDT", "--arm", "momentum", "--since", "2025-03-01", "--until", "2025-03-04")


def test_a_twin_finds_the_engine_fair_and_leaves_no_run(tmp_path: Path) -> None:
    code, told, _ = msb("twin", "--data", candles(), *WORDS, home=tmp_path)
    assert code == 0
    assert told["decisions"] == 3 * 288 and told["fills"] > 10 and told["settlements"] > 2
    assert told["mismatches"] == {} and told["first"] is None and told["alarm"] == ""
    assert told["microseconds_a_look"] > 0
    assert not (tmp_path / "journal.sqlite").exists()


@covers("K7")
def test_a_mood_that_is_up_in_the_mirror_too_alarms(tmp_path: Path) -> None:
    frame = pl.read_parquet(shared_data() / "klines" / "binance_usdm_5m" / "BTCUSDT.parquet")
    times = frame["open_time"].dt.offset_by("5m").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    folder = tmp_path / "mood"
    folder.mkdir()
    pl.DataFrame({"time": times, "mood": [1.5] * len(times), "mirror": [1.5] * len(times)}).write_csv(folder / "BTCUSDT.csv")
    words = ("twin", "--data", candles(), *WORDS, "--mood", str(folder))
    chosen = ("--set", "decision.consensus=hard", "--set", "decision.veto_unearned=true")
    code, told, _ = msb(*words, *chosen, home=tmp_path / "home")
    assert code == 1
    assert "mood" in told["alarm"] and told["mood"]["unmirrored"] == told["mood"]["answers"] > 100
    assert told["source_mismatches"] > 0 and told["mismatches"] == {}
    text = RUNNER.invoke(app, [*words, *chosen, "--home", str(tmp_path / "home")]).stdout
    assert "ALARM" in text


def test_a_paper_run_tells_what_its_twin_saw(tmp_path: Path) -> None:
    code, told, _ = msb("run", "--replay", "--twin", "--data", candles(), *WORDS, home=tmp_path)
    assert code == 0
    assert told["twin"]["decisions"] == told["decisions"] and told["twin"]["alarm"] == ""
    code, without, _ = msb("run", "--replay", "--data", candles(), *WORDS, home=tmp_path)
    assert without["twin"] is None
    assert without["identity"] == told["identity"] and without["equity"] == told["equity"]
