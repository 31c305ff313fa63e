"""`msb bench`: lists, refuses garbage with what was meant, and answers with one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from metastackerbandit.bench import peers
from metastackerbandit.cli.main import app

RUNNER = CliRunner()


def test_without_a_name_the_benchmarks_are_listed() -> None:
    listed = json.loads(RUNNER.invoke(app, ["bench", "--json"]).stdout)["benchmarks"]
    assert {"backtest", "features", "start"} <= {one["name"] for one in listed}
    shown = RUNNER.invoke(app, ["bench"]).stdout.splitlines()
    assert len(shown) == len(listed) and shown[0].startswith(listed[0]["name"])


@pytest.mark.parametrize(("word", "meant"), [("featurs", "did you mean features?"), ("zzz", "there are backtest, ")])
def test_a_name_that_does_not_exist_is_refused_with_what_was_meant(word: str, meant: str) -> None:
    answer = RUNNER.invoke(app, ["bench", word, "--json"])
    assert answer.exit_code == 6
    error = json.loads(answer.stdout)["error"]
    assert error["what"] == f"no benchmark '{word}'" and error["mend"].startswith(meant)


def test_too_few_rounds_and_an_absent_folder_are_refused(tmp_path: Path) -> None:
    assert RUNNER.invoke(app, ["bench", "start", "--rounds", "1"]).exit_code == 2
    answer = RUNNER.invoke(app, ["bench", "start", "--data", str(tmp_path / "none"), "--json"])
    assert answer.exit_code == 6 and "none" in json.loads(answer.stdout)["error"]["what"]


def test_a_time_is_refused_of_what_lasts_as_long_as_its_work() -> None:
    answer = RUNNER.invoke(app, ["bench", "start", "--for", "1m", "--json"])
    assert answer.exit_code == 2 and "--for" in json.loads(answer.stdout)["error"]["where"]


def test_a_time_that_is_too_short_for_a_median_is_refused() -> None:
    assert RUNNER.invoke(app, ["bench", "load", "--for", "20s", "--json"]).exit_code == 2


def test_outside_a_checkout_nothing_can_be_kept_and_the_reason_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(peers.ENVIRONMENT, str(tmp_path))
    answer = RUNNER.invoke(app, ["bench", "start", "--keep", "--json"])
    assert answer.exit_code == 2 and "run from a checkout" in json.loads(answer.stdout)["error"]["what"]
