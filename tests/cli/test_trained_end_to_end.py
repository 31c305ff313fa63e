"""From candles to trades on trained models, as a user does it: train, look, backtest, run, compare, explain; on a market with a planted trend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from tests.covering import covers
from tests.training.worlds import candles

BARS = 14_000
QUICK = ["--set", "training.most_versions=2", "--set", "training.refit_days=8", "--set", "training.processes=1"]


def write_candles(folder: Path, bars: np.ndarray) -> Path:
    """Candles as a user has them: Parquet, prices as floats."""
    folder.mkdir(parents=True)
    columns = {name: bars[name] * 0.1 for name in ("open", "high", "low", "close")}
    columns = {name: np.round(column, 1) for name, column in columns.items()}
    times = pl.Series("open_time", bars["opened_ns"] // 1_000_000).cast(pl.Datetime("ms"))
    pl.DataFrame({"open_time": times, **columns, "volume": bars["volume"]}).write_parquet(folder / "BTCUSDT.parquet")
    return folder


def asked(*words: str, code: int = 0) -> dict[str, Any]:
    """The JSON answer of a command line."""
    answer = CliRunner().invoke(app, [*words, "--json"])
    assert answer.exit_code == code, answer.output
    told: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return told


class Trained:
    """A home with one trained series, and the flags that name its market."""

    def __init__(self, root: Path) -> None:
        data = write_candles(root / "planted_perp_5m", candles(5, BARS, trend=0.2))
        self.home = ["--home", str(root / "home")]
        self.market = ["--data", str(data), "--symbols", "BTCUSDT", "--market", "perp", *self.home]
        self.told = asked("train", *self.market, "--frames", "5m", *QUICK)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained once for the module."""
    return Trained(tmp_path_factory.mktemp("trained"))


@covers("1.43", "1.46", "A17", "A34")
def test_a_backtest_trades_on_versions_that_were_trained_before_their_bars(trained: Trained) -> None:
    (model,) = trained.told["models"]
    assert model["skill_mnats"]["low"] > 0 and model["promoted"] == ["BTCUSDT"], model["reasons"]
    told = asked("backtest", *trained.market, "--frame", "5m", *QUICK)
    assert told["arm"] == "model" and told["fills"] > 0
    assert {version["id"] for version in told["models"]} <= {f"{model['series']}-{number:04d}" for number in range(model["versions"])}
    cards = {name["id"]: asked("models", "show", name["id"], *trained.home) for name in told["models"]}
    for version in told["models"]:
        assert version["from_ns"] >= cards[version["id"]]["card"]["trained_until_ns"]
    assert sum(version["bars"] for version in told["models"]) + sum(told["silent"].values()) == BARS
    assert told["evidence"]["missing"] is not None and told["equal_turnover"]["shifts"] > 0


@covers("2.138")
def test_both_drivers_and_a_streamed_run_decide_the_same(trained: Trained) -> None:
    stretch = ["--since", "2025-02-04", "--until", "2025-02-10"]
    same = asked("diff", "--drivers", *trained.market, "--frame", "5m", *QUICK, *stretch)
    assert same["identical"] and same["predictions"] > 1_000
    block = asked("backtest", *trained.market, "--frame", "5m", *QUICK, *stretch)
    stream = asked("run", "--replay", *trained.market, "--frame", "5m", *QUICK, *stretch)
    assert block["identity"] == stream["identity"]
    told = asked("diff", str(block["run"]), str(stream["run"]), *trained.home)
    assert told["identical"] and told["predictions"] == same["predictions"]


def test_a_decision_is_explained_with_the_prediction_behind_it(trained: Trained) -> None:
    asked("backtest", *trained.market, "--frame", "5m", *QUICK)
    told = asked("explain", "last-trade", *trained.home)
    (heard,) = told["predictions"]
    assert told["arm"] == "model" and told["models"] == [heard["model"]]
    assert heard["p_down"] + heard["p_flat"] + heard["p_up"] == pytest.approx(1.0)
    assert "expects" in told["text"]


@covers("K24", "A17")
def test_a_model_is_not_used_for_another_frame_or_other_costs(trained: Trained) -> None:
    other = asked("backtest", *trained.market, "--frame", "1h", "--arm", "model", code=6)
    assert "msb train" in other["error"]["mend"] and "1h" in other["error"]["mend"]
    costs = asked("backtest", *trained.market, "--frame", "5m", *QUICK, "--set", "costs.taker_fee_bps=9", code=4)
    assert costs["error"]["type"] == "ModelMismatch" and "labels" in costs["error"]["what"] + costs["error"]["where"]
    rule = asked("backtest", *trained.market, "--frame", "1h")
    assert rule["arm"] == "sma_cross" and any("msb train" in notice for notice in rule["notices"])


def test_training_again_trains_nothing_again(trained: Trained) -> None:
    again = asked("train", *trained.market, "--frames", "5m", *QUICK)
    (model,) = again["models"]
    assert model["reused"] == model["versions"] and model["id"] == trained.told["models"][0]["id"]


def test_models_are_compared_with_their_baselines_and_with_each_other(trained: Trained) -> None:
    (row,) = asked("compare", *trained.home)["models"]
    assert row["best_learner"] in row["learners"] and row["serves"] == ["BTCUSDT"]
    series = trained.told["models"][0]["series"]
    (pair,) = asked("compare", series, series, *trained.market)["pairs"]
    assert pair["agreement"] == 1.0 and pair["gain_mnats"]["value"] == 0.0 and pair["better"] is None


def test_arms_are_chosen_by_what_they_earned_before_and_in_a_run(trained: Trained) -> None:
    flags = [*trained.market, "--frame", "5m", *QUICK, "--arm", "posterior", "--set", 'run.arms=["model","reversal"]']
    whole = asked("backtest", *flags)
    assert whole["arm"] == "posterior" and whole["decisions"] == BARS
    stretch = ["--since", "2025-02-04", "--until", "2025-02-10"]
    late = asked("backtest", *flags, *stretch)
    assert any("outcomes of their own from before the run" in notice for notice in late["notices"])
    stream = asked("run", "--replay", *flags, *stretch)
    assert asked("diff", str(late["run"]), str(stream["run"]), *trained.home)["identical"]
    assert asked("diff", "--drivers", *flags, *stretch)["identical"]
