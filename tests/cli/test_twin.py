"""`msb twin` and `msb run --twin`, as a user asks them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from metastackerbandit.cli.main import app
from metastackerbandit.evaluation.monitors.catalog import NAMES
from metastackerbandit.evaluation.monitors.mirror import BESIDE_NAMES, SOURCE
from metastackerbandit.storage.journal import Journal
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


def test_alarms_of_a_twin_are_journaled_as_monitors_alarms_are(tmp_path: Path) -> None:
    """A mood that only says up: the alarm stands in the journal, and monitors, status and readiness see it."""
    frame = pl.read_parquet(shared_data() / "klines" / "binance_usdm_5m" / "BTCUSDT.parquet")
    times = frame["open_time"].dt.offset_by("5m").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "mood").mkdir()
    pl.DataFrame({"time": times, "mood": [1.5] * len(times), "mirror": [1.5] * len(times)}).write_csv(tmp_path / "mood" / "BTCUSDT.csv")
    home = tmp_path / "home"
    code, told, _ = msb("run", "--replay", "--twin", "--data", candles(), *WORDS, "--mood", str(tmp_path / "mood"), home=home)
    assert code == 0 and any("mirror_source" in line for line in told["alarms"])
    view = Journal.open(home).run("last")
    assert view.row.monitors == (*NAMES, *BESIDE_NAMES)
    kept = [row for row in view.alarms() if row["monitor"] == len(NAMES) + SOURCE]
    assert len(kept) == 1 and kept[0]["frame_ns"] == 300 * 10**9 and kept[0]["counted"] == 3 and kept[0]["observed"] >= kept[0]["limit"] == 1_000
    _, shown, _ = msb("monitors", "--run", "last", home=home)
    (alarm,) = [one for one in shown["alarms"] if one["monitor"] == "mirror_source"]
    assert (alarm["symbol"], alarm["severity"], alarm["at_ns"]) == ("BTCUSDT", "WARN", int(kept[0]["at_ns"]))
    answer = {one["monitor"]: one for one in shown["monitors"] if one["symbol"] is None}
    assert (answer["mirror_source"]["status"], answer["mirror_twin"]["status"]) == ("WARN", "OK")
    assert answer["mirror_twin"]["counted"] == told["decisions"]
    _, standing, _ = msb("status", home=home)
    assert any("mirror_source warns about BTCUSDT 5m" in line for line in standing["attention"])
    _, ready, _ = msb("readiness", home=home)
    (criterion,) = [one for one in ready["criteria"] if (one["stage"], one["criterion"]) == ("paper", "alarms")]
    assert criterion["status"] == "not met" and criterion["measured"] == f"{len(told['alarms'])} alarms"


def test_a_paper_run_tells_what_its_twin_saw(tmp_path: Path) -> None:
    code, told, _ = msb("run", "--replay", "--twin", "--data", candles(), *WORDS, home=tmp_path)
    assert code == 0
    assert told["twin"]["decisions"] == told["decisions"] and told["twin"]["alarm"] == ""
    _, shown, _ = msb("monitors", home=tmp_path)
    assert [one["status"] for one in shown["monitors"] if one["monitor"].startswith("mirror_")] == ["OK", "UNAVAILABLE"], "it had no mood"
    code, without, _ = msb("run", "--replay", "--data", candles(), *WORDS, home=tmp_path)
    _, shown, _ = msb("monitors", home=tmp_path)
    unlooked = [one for one in shown["monitors"] if one["monitor"].startswith("mirror_")]
    assert [one["status"] for one in unlooked] == ["UNAVAILABLE"] * 2 and "nobody looked" in unlooked[0]["evidence"]
    assert without["twin"] is None
    assert without["identity"] == told["identity"] and without["equity"] == told["equity"]
