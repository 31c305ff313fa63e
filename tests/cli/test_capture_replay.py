"""`msb replay FILE`: a recorded capture drives the engine, and what it came to is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from tests.covering import covers
from tests.shared import shared_data


def asked(home: Path, *words: object) -> tuple[int, dict[str, Any], str]:
    """The exit code, the answer, and what stands on standard output."""
    result = CliRunner().invoke(app, ["replay", *map(str, words), "--home", str(home)])
    return result.exit_code, json.loads(result.stdout) if "--json" in words else {}, result.stdout


@pytest.fixture(scope="module")
def capture() -> Path:
    return shared_data() / "ws_captures" / "binance" / "usdm_btcusdt_20240718.gz"


@covers("2.095")
def test_a_capture_is_replayed_and_every_decision_can_be_explained(capture: Path, tmp_path: Path) -> None:
    code, told, _ = asked(tmp_path, capture, "--json")
    assert code == 0 and told["venue"] == "BINANCE" and told["lineage"] == "recorded" and told["reconciliation_differences"] == []
    market, features = told["market"]["BTCUSDT"], told["book_features"]["BTCUSDT"]
    assert market["bars"] == told["decisions"] > 150 and market["trades"] > 500 and market["trusted_seconds"] > 100
    assert features["features"] == 50 == len(features["last"]) and features["last"]["spread_bps"] > 0
    assert any("recorder's clock was behind" in notice for notice in told["notices"])
    explained = CliRunner().invoke(app, ["explain", "last", "--home", str(tmp_path), "--json"])
    gates = {gate["gate"]: gate for gate in json.loads(explained.stdout)["trace"]}
    assert {"book_live", "spread", "depth", "feed_quality"} <= set(gates) and gates["spread"]["verdict"] != "n/a"


def test_a_reader_is_told_and_another_arm_and_frame_can_be_asked_for(capture: Path, tmp_path: Path) -> None:
    code, _, text = asked(tmp_path, capture, "--arm", "momentum", "--frame", "1m", "--plain")
    assert code == 0 and "features of the book" in text and "the book could be trusted in" in text


@covers("2.085")
def test_columns_of_an_imported_capture_are_replayed_and_tested_as_the_capture(capture: Path, tmp_path: Path) -> None:
    home = ("--home", tmp_path)
    assert CliRunner().invoke(app, [*map(str, ("data", "import", capture, *home))]).exit_code == 0
    _, expected, _ = asked(tmp_path, capture, "--json")
    market = tmp_path / "market"
    code, found, _ = asked(tmp_path, market, "--json")
    assert code == 0 and expected["decisions"] > 150
    unlike = {"run", "seconds", "notices"}  # the number of the run, how long it took, and in which words the clock is told
    assert {name: value for name, value in found.items() if name not in unlike} == {
        name: value for name, value in expected.items() if name not in unlike
    }
    words = ("backtest", "--data", market, "--frame", "1s", "--arm", "book_pressure", "--json", *home)
    tested = json.loads(CliRunner().invoke(app, [*map(str, words)]).stdout)
    assert (tested["decisions"], tested["fills"]) == (expected["decisions"], expected["fills"])
    for refused, code, what in (
        ((market, capture), 2, "columns are read alone"),
        ((market, "--symbols", "ETHUSDT"), 6, "no columns of ETHUSDT"),
        ((market, "--until", "2001-01-01"), 2, "in that time"),
    ):
        got, told, _ = asked(tmp_path, *refused, "--json")
        assert got == code and what in told["error"]["what"] and told["error"]["mend"], told


def test_what_cannot_be_replayed_is_refused_with_the_mend(capture: Path, tmp_path: Path) -> None:
    second_day = capture.with_name("usdm_btcusdt_20240719.gz")
    inverse = capture.with_name("cm_btcusd_perp_20240808.gz")
    for words, code, what in (
        ((second_day,), 4, "there is no book of BTCUSDT"),
        ((inverse,), 4, "inverse contract"),
        ((capture, "--symbols", "ETHUSDT"), 6, "no ETHUSDT in the capture"),
        ((capture, "--until", "2001-01-01"), 2, "nothing was received in that time"),
        ((capture.with_name("none.gz"),), 6, "none.gz"),
    ):
        got, told, _ = asked(tmp_path, *words, "--json")
        assert got == code and what in json.dumps(told["error"]) and told["error"]["mend"], (words, told)
