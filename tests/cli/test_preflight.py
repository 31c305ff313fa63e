"""`msb preflight` as a user calls it: the stable shape, exit codes, what is kept in the home, and bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from metastackerbandit.cli.main import app
from metastackerbandit.storage.preflights import last_preflight
from tests.cli.asking import RUNNER, candles, msb
from tests.covering import covers

FEW = ("--symbols", "BTCUSDT", "--arm", "sma_cross", "--until", "2025-02-01", "--days", "7")


@covers("0.53", "A11", "3.22", "3.23", "0.55")
def test_preflight_answers_in_the_stable_shape_and_leaves_no_run(tmp_path: Path) -> None:
    code, told, _ = msb("preflight", "--data", candles(), *FEW, home=tmp_path)
    assert code == 0 and told["ok"] is True and told["problems"] == []
    for gate in told["gates"]:
        assert {"gate", "passes", "unknown", "reachable", "vacuous", "limit", "observed"} <= set(gate)
        assert set(gate["passes"]) == {"BUY", "SELL"} and {"p05", "p50", "p95", "max"} <= set(gate["observed"])
    (book,) = told["books"]
    assert (book["symbol"], book["frame"], book["decisions"]) == ("BTCUSDT", "5m", 7 * 288)
    assert book["entries"]["BUY"] > 0 and book["entries"]["SELL"] > 0
    assert {risk["id"] for risk in told["risks"]} == {"configuration", "instability", "reduced_activity", "data_loss"}
    kept = last_preflight(tmp_path)
    assert kept is not None and kept.is_ready and (kept.setup, kept.code) == (told["setup"], told["code"])
    assert not (tmp_path / "journal.sqlite").exists()


@covers("A10")
def test_a_limit_nothing_passes_is_refused_with_its_mend_and_exit_code_4(tmp_path: Path) -> None:
    code, told, _ = msb("preflight", "--data", candles(), *FEW, "--set", "decision.max_volatility=0.02", home=tmp_path)
    assert code == 4 and told["ok"] is False
    (problem,) = told["problems"]
    assert (problem["gate"], problem["kind"], problem["severity"]) == ("volatility_cap", "unreachable", "critical")
    assert "decision.max_volatility" in problem["mend"]
    kept = last_preflight(tmp_path)
    assert kept is not None and kept.errors == ("unreachable.volatility_cap.BTCUSDT.5m",)


def test_the_text_can_be_read_and_ends_with_the_word(tmp_path: Path) -> None:
    answer = RUNNER.invoke(app, ["preflight", "--data", candles(), *FEW, "--home", str(tmp_path)]).stdout
    assert answer.splitlines()[-1].startswith("READY")
    assert "would have traded" in answer and "volatility_cap" in answer


@pytest.mark.parametrize("words", [("--days", "0"), ("--days", "-3"), ("--days", "nan"), ("--frame", "7m"), ("--arm", "modell")])
def test_garbage_is_refused_with_a_mend(words: tuple[str, str], tmp_path: Path) -> None:
    code, told, _ = msb("preflight", "--data", candles(), *FEW, *words, home=tmp_path)
    assert code in (2, 4) and told["error"]["mend"]
