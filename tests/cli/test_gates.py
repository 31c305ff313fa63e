"""`msb gates`, and what `msb explain` says of a prevented trade, as a user asks them."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.cli.main import app
from tests.cli.asking import RUNNER, candles, msb


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run whose gates stopped something."""
    home = tmp_path_factory.mktemp("gates")
    words = ("--data", candles(), "--symbols", "BTCUSDT", "--arm", "momentum", "--since", "2025-02-01", "--until", "2025-03-20")
    code, _, told = msb("backtest", *words, "--set", "execution.cooldown_bars=4", home=home)
    assert code == 0, told
    return home


def test_gates_tells_what_each_prevented_and_what_that_was_worth(home: Path) -> None:
    code, told, _ = msb("gates", home=home)
    assert code == 0
    lines = {line["gate"]: line for line in told["gates"]}
    assert {"flip_gap", "cooldown"} & set(lines)
    for line in lines.values():
        assert line["sole"] <= line["blocked"] + line["unknown"] <= line["asked"] <= line["wishes"]
        assert line["matured"] <= line["sole"]
        assert line["verdict"] in ("HARMFUL", "USEFUL", "UNPROVEN")
        if line["matured"]:
            assert line["value_bps"] == -line["mean_bps"]
    profit = told["profit"]
    assert profit["traded_all"] - sum(profit["taken"].values()) == pytest.approx(profit["realised"], abs=1e-9)
    assert profit["trips"] + profit["open_profit"] == pytest.approx(profit["realised"], abs=1e-9)
    text = RUNNER.invoke(app, ["gates", "--home", str(home)]).stdout
    assert "worth bps" in text and "= realised" in text


def test_gates_are_told_apart_by_side_and_frame(home: Path) -> None:
    _, whole, _ = msb("gates", home=home)
    code, apart, _ = msb("gates", "--by", "frame,side", home=home)
    assert code == 0 and apart["by"] == ["frame", "side"]
    for line in whole["gates"]:
        parts = [part for part in apart["gates"] if part["gate"] == line["gate"]]
        assert {part["side"] for part in parts} <= {"BUY", "SELL"} and {part["frame"] for part in parts} == {"5m"}
        assert sum(part["matured"] for part in parts) == line["matured"]
    code, answer, _ = msb("gates", "--by", "weather", home=home)
    assert code != 0 and "weather" in answer["error"]["what"]
    code, some, _ = msb("gates", "--days", "2", home=home)
    assert code == 0 and "profit" not in some and some["decisions"] < whole["decisions"]


def test_explain_says_what_a_prevented_trade_came_to(home: Path) -> None:
    from metastackerbandit.storage.journal import Journal

    outcomes = Journal.open(home).run().outcomes()
    ghost = next(row for row in outcomes if row["gate"] >= 0)
    code, told, _ = msb("explain", str(int(ghost["decision"])), home=home)
    assert code == 0
    assert told["prevented"]["net_bps"] == pytest.approx(ghost["net_bps"]) and told["prevented"]["gate"] == told["sole_blocker"]
    text = RUNNER.invoke(app, ["explain", str(int(ghost["decision"])), "--home", str(home)]).stdout
    assert "prevented by" in text and "bps net" in text
    assert msb("explain", "last-trade", home=home)[1]["prevented"] is None
