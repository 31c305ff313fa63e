"""`msb train` as a user calls it: the stable shape, the page, what is asleep, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.cli.main import app
from tests.cli.asking import RUNNER, candles, msb
from tests.covering import covers


@covers("1.33", "1.45")
def test_two_symbols_are_trained_side_by_side_and_a_second_run_trains_nothing_again(tmp_path: Path) -> None:
    words = ("train", "--data", candles(), "--symbols", "BTCUSDT,ETHUSDT", "--frames", "1h", "--until", "2025-03-15")
    code, answer, _ = msb(*words, home=tmp_path)
    assert code == 0
    assert {(tuple(model["symbols"]), model["frame"]) for model in answer["models"]} == {(("BTCUSDT",), "1h"), (("ETHUSDT",), "1h")}
    for model in answer["models"]:
        assert {"id", "symbols", "frame", "family", "n_rows", "n_eff", "skill_mnats", "verdict", "card"} <= set(model)
        assert set(model["skill_mnats"]) == set(model["auc"]) == {"value", "low", "high"}
        assert Path(model["card"]).is_file() and model["id"].startswith(model["series"])
        assert model["verdict"] in ("NO_EVIDENCE", "UNDERPOWERED", "WEAK", "HARMFUL")
        assert 500 < model["n_rows"] < 3_000 and 50 < model["n_eff"] < 500
        assert model["size"] == 0.0 and model["promoted"] == [] and model["reasons"]
    assert {tuple(one["symbols"]) for one in answer["asleep"]} == {("BTCUSDT",), ("ETHUSDT",)}
    alone = (*words, "--set", "training.processes=1")
    code, again, _ = msb(*alone, home=tmp_path)
    assert code == 0
    assert [model["reused"] for model in again["models"]] == [model["versions"] for model in again["models"]]
    plain = RUNNER.invoke(app, [*alone, "--home", str(tmp_path)])
    assert plain.exit_code == 0
    assert "BTCUSDT" in plain.stdout and "not promoted" in plain.stdout and "independent outcomes" in plain.stdout


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (("--frames", "7m"), "ConfigRefused", "7m"),
        (("--frames", "1m"), "UsageError", "cannot be made"),
        (("--frames", ""), "UsageError", "no frame"),
        (("--frames", "1h", "--until", "2025-01-04"), "TrainingRefused", ""),
        (("--set", "training.folds=1"), "ConfigRefused", "folds"),
        (("--symbols", "NOPE"), "NotFound", "NOPE"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_mend(tmp_path: Path, words: tuple[str, ...], kind: str, said: str) -> None:
    symbols = () if "--symbols" in words else ("--symbols", "BTCUSDT")
    code, answer, told = msb("train", "--data", candles(), *symbols, *words, home=tmp_path)
    assert code != 0 and answer["error"]["type"] == kind and said in answer["error"]["what"]
    assert answer["error"]["mend"] and told.startswith("error:")


def test_without_candles_nothing_is_trained(tmp_path: Path) -> None:
    code, answer, _ = msb("train", home=tmp_path)
    assert code == 2 and answer["error"]["where"] == "--data"
