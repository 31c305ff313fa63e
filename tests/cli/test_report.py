"""`msb report` and `msb backtest --report` as a user asks them: the files, and figures that agree with what other verbs say of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.cli.main import app
from metastackerbandit.storage.journal import Journal
from tests.cli.asking import RUNNER, candles, msb

WORDS = ("--symbols", "BTCUSDT,ETHUSDT", "--arm", "sma_cross", "--frame", "1h", "--since", "2025-02-01", "--until", "2025-03-20")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one backtest, reported as it ended."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def told(home: Path) -> dict[str, Any]:
    """What the backtest answered."""
    code, answer, words = msb("backtest", "--data", candles(), *WORDS, "--report", home=home)
    assert code == 0, words
    return dict(answer)


@pytest.fixture(scope="module")
def reported(home: Path, told: dict[str, Any]) -> dict[str, Any]:
    """What the report answers."""
    code, answer, words = msb("report", "last", home=home)
    assert code == 0, words
    return dict(answer)


def test_a_backtest_writes_its_page_where_it_says(home: Path, told: dict[str, Any], reported: dict[str, Any]) -> None:
    assert told["report"]["page"] == reported["page"] == str(home / "reports" / "1" / "report.html")
    assert [Path(file["path"]).name for file in reported["files"]] == [
        "report.html", "equity.png", "funnel.png", "gates.png", "trades.png", "costs.png", "exposure.png",
    ]  # fmt: skip
    for file in reported["files"]:
        assert Path(file["path"]).stat().st_size == file["bytes"] < 8_000_000


def test_the_figures_are_those_of_the_backtest(told: dict[str, Any], reported: dict[str, Any]) -> None:
    for name in ("verdict", "verdict_text", "verdict_reasons", "headline", "equity", "costs", "baselines", "costs_curve", "equal_turnover", "scores"):
        assert reported[name] == told[name], name
    assert reported["evidence"]["n_trials"] == told["evidence"]["n_trials"]
    assert reported["max_drawdown"] == told["max_drawdown"]
    assert {name: reported["run"][name] for name in ("decisions", "orders", "fills", "round_trips")} == {
        name: told[name] for name in ("decisions", "orders", "fills", "round_trips")
    }
    page = Path(reported["page"]).read_text()
    assert told["verdict_text"].replace("'", "&#x27;") in page
    assert f"{told['equity']:,.2f}" in page and f"{told['evidence']['n_trials']:,} on this market" in page


def test_the_funnel_is_that_of_msb_funnel(home: Path, reported: dict[str, Any]) -> None:
    _, found, _ = msb("funnel", "--by", "gate,side", home=home)
    assert reported["waterfall"] == found["waterfall"]
    assert reported["pass_rates"] == found["symmetry"]
    for name in ("stages", "BUY", "SELL", "blocked_by", "findings"):
        assert reported["funnel"][name] == found[name]


def test_candles_are_found_where_the_run_found_them(home: Path, reported: dict[str, Any], tmp_path: Path) -> None:
    assert reported["notes"] == [] and all(one["candles"] > 500 for one in reported["drawn"])
    elsewhere = tmp_path / "none"
    elsewhere.mkdir()
    code, answer, _ = msb("report", "1", "--data", str(elsewhere), "--out", str(tmp_path / "out"), home=home)
    assert code == 0 and len(answer["notes"]) == 2 and answer["folder"] == str(tmp_path / "out")
    assert "no candles:" in (tmp_path / "out" / "report.html").read_text()


def test_curves_are_kept_for_the_page_and_clutter_no_answer(home: Path, told: dict[str, Any]) -> None:
    journal = Journal.open(home, create=False)
    kept = journal.run("1").row.summary["beside"]
    journal.close()
    assert set(kept["levels"]) == {"buy_and_hold", "momentum", "reversal", "0x", "2x"}
    assert kept["levels"]["0x"][-1] == pytest.approx(1.0 + told["costs_curve"]["0x"], abs=1e-6)
    assert kept["levels"]["2x"][-1] == pytest.approx(1.0 + told["costs_curve"]["2x"], abs=1e-6)
    assert "beside" not in told
    assert "beside" not in json.loads(RUNNER.invoke(app, ["status", "--home", str(home), "--json"]).stdout)["summary"]


def test_a_paper_run_has_a_page_too(home: Path, told: dict[str, Any]) -> None:
    words = ("--symbols", "BTCUSDT", "--arm", "momentum", "--frame", "1h", "--since", "2025-02-01", "--until", "2025-02-20")
    code, ended, words_of = msb("run", "--replay", "--data", candles(), *words, home=home)
    assert code == 0, words_of
    _, answer, _ = msb("report", "last", home=home)
    assert answer["run"]["mode"] == "paper" and answer["run"]["unfinished"] == ""
    assert answer["equity"] == ended["equity"] and answer["run"]["fills"] == ended["fills"]
    assert not answer["is_weighed"] and answer["verdict"] == "UNDERPOWERED"
    assert "are run by a backtest" in Path(answer["page"]).read_text()


def test_a_run_that_is_not_there_is_named(home: Path, told: dict[str, Any], tmp_path: Path) -> None:
    code, answer, _ = msb("report", "99", home=home)
    assert code == 6 and "99" in answer["error"]["what"]
    code, answer, _ = msb("report", home=tmp_path / "empty")
    assert code == 6 and answer["error"]["mend"]
