"""`msb leakage` as a user calls it: clean on shipped features, every canary found, and an exit code that a script can trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from metastackerbandit.cli.main import app
from metastackerbandit.evaluation.splits import Fold
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.training.leakage import shipped
from metastackerbandit.training.leakage.canaries import CANARIES
from metastackerbandit.training.leakage.generated import generated_market
from metastackerbandit.training.leakage.pipeline import Learnt, Pipeline
from metastackerbandit.training.sample import Sample
from tests.cli.asking import RUNNER, msb
from tests.covering import covers
from tests.shared import shared_data


@covers("B20", "C20", "A34")
def test_canaries_are_all_found_and_the_shipped_pipeline_is_clean(tmp_path: Path) -> None:
    code, answer, _ = msb("leakage", "--canaries", "--seed", "3", "--bars", "2000", home=tmp_path)
    assert code == 0, answer
    assert answer["clean"] and answer["leaks"] == [] and answer["data"] == "generated, seed 3"
    assert answer["features"] == len(NAMES) and answer["checked_bars"] > 1_900
    assert answer["canaries"]["seeded"] == answer["canaries"]["found"] == answer["found"] == answer["of"] == 16
    assert answer["canaries"]["missed"] == []
    assert all(set(one["by"]) & set(one["expected"]) and one["finding"] for one in answer["canaries"]["each"])
    assert all(check["passed"] and check["what"] and check["evidence"] for check in answer["checks"])
    assert {check["name"] for check in answer["checks"]} >= {"bars", "features", "labels", "inputs", "serving", "folds", "fitting", "predictions"}


def with_one_feature(pipeline: Pipeline) -> Pipeline:
    """The pipeline with a learner that takes no time: it follows the feature that went with the label."""

    def learn(sample: Sample, fold: Fold, seed: int) -> Learnt:
        rows = np.nan_to_num(sample.rows)
        centred = rows[fold.train] - rows[fold.train].mean(axis=0)
        went = (sample.side[fold.train] - 1.0) @ centred / (np.sqrt((centred * centred).sum(axis=0)) + 1e-12)
        best = int(np.argmax(np.abs(went)))
        up = 0.5 + 0.4 * np.tanh(rows[fold.test, best] / (centred[:, best].std() + 1e-12) * np.sign(went[best]))
        return Learnt(went.tobytes(), np.column_stack([1.0 - up, 0.0 * up, up]))

    return replace(pipeline, learn=learn, stacked=None, version=None, predict=None)


def test_recorded_candles_are_clean_and_the_text_says_what_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = shipped.shipped_pipeline
    monkeypatch.setattr(shipped, "shipped_pipeline", lambda *words: with_one_feature(honest(*words)))
    data = shared_data() / "klines" / "binance_usdm_5m"
    flags = ("--frame", "5m", "--symbols", "SOLUSDT,BTCUSDT", "--bars", "1000")
    answer = RUNNER.invoke(app, ["leakage", "--data", str(data), *flags, "--home", str(tmp_path)])
    assert answer.exit_code == 0, answer.stdout
    words = " ".join(answer.stdout.split())
    assert "no leak was found" in words and "2,000 bars" in words and "SOLUSDT, BTCUSDT" in words
    assert "shuffled" in words and "canaries" not in words


def test_a_leak_is_an_exit_code_and_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = shipped.shipped_pipeline

    def broken(*words: Any) -> Pipeline:
        return next(canary for canary in CANARIES if canary.name == "one_bar_shift").broken(with_one_feature(honest(*words)), made)

    made = generated_market(0, 10, 60 * 10**9, 300 * 10**9, holes=0.0)
    monkeypatch.setattr(shipped, "shipped_pipeline", broken)
    code, answer, _ = msb("leakage", "--bars", "2000", home=tmp_path)
    assert code == 1 and not answer["clean"]
    assert {leak["check"] for leak in answer["leaks"]} == {"features", "serving"}
    assert all(leak["what"] and leak["mend"] and leak["evidence"] for leak in answer["leaks"])
    text = RUNNER.invoke(app, ["leakage", "--bars", "2000", "--home", str(tmp_path)])
    assert text.exit_code == 1 and "LEAK (features): feature log_return_1 at" in " ".join(text.stdout.split())


def test_candles_too_coarse_for_the_frame_are_refused(tmp_path: Path) -> None:
    data = shared_data() / "klines" / "binance_usdm_5m"
    code, answer, _ = msb("leakage", "--data", str(data), "--symbols", "BTCUSDT", "--frame", "1m", home=tmp_path)
    assert code == 4 and "5m" in answer["error"]["what"] + answer["error"]["mend"]


def test_a_span_too_short_to_fit_on_is_refused_with_how_to_ask_for_more(tmp_path: Path) -> None:
    data = shared_data() / "klines" / "binance_usdm_5m"
    code, answer, _ = msb("leakage", "--data", str(data), "--bars", "500", home=tmp_path)
    assert code == 4 and "--bars" in answer["error"]["mend"]
