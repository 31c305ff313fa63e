"""Thresholds as a user meets them: shown beside their profile and derivation, set with a reason, waived for a time, undone."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.cli.model_check import frames_with_profiles
from metastackerbandit.config.home import config_file
from metastackerbandit.config.loading import examine
from tests.cli.asking import RUNNER, candles
from tests.cli.asking import msb as asked
from tests.covering import covers

PROFILED = '[run]\nprofile = "metastacker-5m"\nsymbols = ["BTCUSDT"]\n[symbols.BTCUSDT.decision]\nmin_confidence_sell = 0.6\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation with a profile, and a limit of one symbol."""
    config_file(tmp_path).write_text(PROFILED)
    return tmp_path


def told(home: Path, *words: str, code: int = 0) -> Any:
    exit_code, answer, errors = asked(*words, home=home)
    assert exit_code == code, (answer, errors)
    return answer


def words(home: Path, *given: str) -> str:
    from metastackerbandit.cli.main import app

    return RUNNER.invoke(app, [*given, "--home", str(home)]).output


@covers("A11", "A12", "0.06")
def test_show_puts_profile_written_derived_and_effective_side_by_side(home: Path) -> None:
    answer = told(home, "config", "show", "decision", "--symbol", "BTCUSDT", "--frame", "5m")
    assert (answer["symbol"], answer["frame"], answer["thresholds"]["profile"]) == ("BTCUSDT", "5m", "metastacker-5m")
    rows = {row["key"]: row for row in answer["thresholds"]["rows"]}
    band = rows["decision.neutral_band"]
    assert (band["profile"], band["written"]) == (0.1, 0.1)
    assert band["derived"] == band["effective"] == pytest.approx(13 / 64, rel=0.01)
    assert band["source"] == "derived from costs and barrier" and band["varies"]
    sell = rows["decision.min_confidence_sell"]
    assert (sell["profile"], sell["effective"]) == (None, 0.6)
    assert sell["source"] == f"{config_file(home)}:5 [symbols.BTCUSDT]"
    assert rows["decision.min_confidence"]["source"].startswith("profile metastacker-5m (run.profile, ")
    values = {row["key"]: row for row in answer["values"]}
    assert values["decision.min_alpha"]["value"] == 0.02 and values["decision.min_alpha"]["source"].startswith("profile")
    text = words(home, "config", "show", "decision", "--symbol", "BTCUSDT", "--frame", "5m")
    for expected in ("thresholds of BTCUSDT on 5m, profile metastacker-5m", "~0.2029", "round trip 13 bps, barrier 64 bps (50% a year on 5m)"):
        assert expected in text
    other = told(home, "config", "show", "decision.min_confidence_sell", "--symbol", "ETHUSDT")
    assert other["values"][0]["value"] is None
    assert told(home, "config", "show", "symbols")["values"][0]["key"] == "symbols.BTCUSDT.decision.min_confidence_sell"
    assert told(home, "config", "show", "costs")["thresholds"] is None
    assert "did you mean" in told(home, "config", "show", "symbols.BTCUSDT.decison", code=6)["error"]["mend"]


@covers("0.12", "A12")
def test_a_change_is_journaled_shown_and_undone(home: Path) -> None:
    answer = told(home, "set", "decision.min_alpha", "0.1", "--frame", "5m", "--why", "too many small trades")
    assert (answer["key"], answer["old"], answer["new"], answer["changed"]) == ("frames.5m.decision.min_alpha", 0.02, 0.1, True)
    assert "next start" in answer["takes_effect"] and answer["backup"]
    assert told(home, "set", "decision.min_alpha", "0.1", "--frame", "5m", "--why", "again")["changed"] is False
    (change,) = told(home, "config", "history")["changes"]
    assert (change["kind"], change["old"], change["new"], change["why"]) == ("set", "0.02", "0.1", "too many small trades")
    assert change["who"]
    told(home, "config", "rollback")
    assert config_file(home).read_text() == PROFILED
    undone, done = told(home, "config", "history")["changes"]
    assert done == change
    assert (undone["kind"], undone["key"], undone["old"], undone["new"]) == ("rollback", change["key"], "0.1", "(not set)")
    told(home, "config", "restore", answer["backup"])
    assert "too many small trades" in words(home, "config", "history")


@pytest.mark.parametrize(
    ("given", "code", "where"),
    [
        (("decision.min_alpha", "0.4", "--frame", "5m", "--why", "x"), 4, "msb set"),
        (("decision.min_alpha", "0.1", "--frame", "5m", "--why", " "), 4, "--why"),
        (("decision.min_alpha", "0.1", "--frame", "7m", "--why", "x"), 4, ""),
        (("decision.min_alfa", "0.1", "--why", "x"), 6, "msb set"),
        (("decision.min_alpha", "0.1"), 2, "msb set"),
    ],
)
def test_a_change_that_is_refused_writes_nothing(home: Path, given: tuple[str, ...], code: int, where: str) -> None:
    error = told(home, "set", *given, code=code)["error"]
    assert (error["where"], bool(error["mend"])) == (where, True)
    assert config_file(home).read_text() == PROFILED
    assert told(home, "config", "history")["changes"] == []


@covers("A10")
def test_check_tells_waivers_and_refuses_those_that_ended(home: Path) -> None:
    rule = PROFILED + '[frames.5m.decision]\nthresholds = "profile"\n'
    config_file(home).write_text(rule)
    assert "nothing waives that" in told(home, "config", "check", code=4)["problems"][0]["what"]
    today = datetime.now(UTC).date()
    for days, code in ((5, 0), (-1, 4), (60, 4)):
        waiver = f'[[waivers]]\nkey = "decision.thresholds"\nuntil = {today + timedelta(days=days)}\nwhy = "a look"\n'
        config_file(home).write_text(rule + waiver)
        answer = told(home, "config", "check", code=code)
        assert answer["ok"] == (code == 0)
        if code == 0:
            assert any("waiver in force on decision.thresholds" in notice["what"] for notice in answer["notices"])
            assert "does not hold in live mode" in told(home, "config", "check", "--mode", "live", code=4)["problems"][0]["what"]
        else:
            assert "until = " in answer["problems"][0]["mend"]
    assert "did you mean live?" in told(home, "config", "check", "--mode", "lve", code=2)["error"]["mend"]


@covers("A10")
def test_a_waiver_is_a_notice_of_every_run_and_an_ended_one_stops_it(home: Path) -> None:
    folder = candles()
    waiver = '[[waivers]]\nkey = "decision.thresholds"\nuntil = {}\nwhy = "a look at the old bot"\n'
    flags = ("backtest", "--data", folder, "--symbols", "BTCUSDT", "--since", "2025-01-01", "--until", "2025-01-02", "--arm", "sma_cross")
    config_file(home).write_text(PROFILED + waiver.format(datetime.now(UTC).date()))
    assert any("a look at the old bot" in notice for notice in told(home, *flags)["notices"])
    config_file(home).write_text(PROFILED + waiver.format("2025-01-01"))
    assert "ended on 2025-01-01" in told(home, *flags, code=4)["error"]["what"]


def test_frames_that_need_models_are_those_of_their_profiles() -> None:
    def needed(*sets: str) -> dict[str, tuple[str, str]]:
        return frames_with_profiles(examine(sets=sets).config)

    assert needed() == {}
    assert needed("run.profile=metastacker-12h") == {"12h": ("metastacker-12h", "run.profile")}
    assert needed("run.profile=metastacker-12h", "run.arm=sma_cross") == {}
    assert needed("run.profile=metastacker-overlay") == {"5m": ("metastacker-overlay", "run.profile")}
    assert needed("frames.1h.profile=metastacker-1h") == {"1h": ("metastacker-1h", "frames.1h.profile")}
    assert needed("run.profile=metastacker-1h", "frames.5m.profile=default") == {}


@covers("1.01", "E07")
def test_a_profile_of_a_frame_without_a_model_is_refused_where_the_models_are_known(home: Path) -> None:
    config_file(home).write_text('[frames.12h]\nprofile = "metastacker-12h"\n')
    assert told(home, "config", "check")["ok"]  # nothing is known of models yet
    (home / "models").mkdir()
    (problem,) = told(home, "config", "check", code=4)["problems"]
    assert "no model of 12h" in problem["what"] and "msb train --frames 12h" in problem["mend"]
    assert problem["where"] == f"{config_file(home)}:2"
    shutil.rmtree(home / "models")
