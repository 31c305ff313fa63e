"""`msb readiness` as a user calls it: evidence is gathered from the journal, and only that of this code and setup counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.cli.asking import candles, msb
from tests.covering import covers

FLAGS = ("--symbols", "BTCUSDT", "--arm", "sma_cross", "--until", "2025-01-12")


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Criteria by stage and name."""
    return {f"{one['stage']}/{one['criterion']}": one for one in told["criteria"]}


@covers("0.53", "0.60", "3.21", "A37")
def test_each_verb_adds_its_evidence_and_another_setup_adds_none(tmp_path: Path) -> None:
    code, told, _ = msb("readiness", home=tmp_path)
    assert code == 4 and not told["ok"] and {one["status"] for one in told["criteria"]} == {"unknown"}

    for verb in (("backtest",), ("run", "--replay"), ("preflight", "--days", "5")):
        assert msb(*verb, "--data", candles(), *FLAGS, home=tmp_path)[0] == 0
    page = tmp_path / "readiness.md"
    code, told, _ = msb("readiness", "--markdown", str(page), home=tmp_path)
    found = by_name(told)
    assert code == 4 and not told["ok"]
    for name in ("preflight/gates", "replay/drivers agree", "paper/decisions", "two-sided/both sides"):
        assert found[name]["status"] == "met", found[name]
    assert "identical" in found["replay/drivers agree"]["measured"] and "run 1" in found["replay/drivers agree"]["evidence"]
    assert found["verdict/backtest"]["status"] == "not met" and found["trained/leaks"]["status"] == "unknown"
    assert "| replay | drivers agree | met |" in page.read_text() and told["setup"] in page.read_text()

    assert msb("backtest", "--data", candles(), *FLAGS, "--set", "arms.sma_cross.slow=70", home=tmp_path)[0] == 0
    _, told, _ = msb("readiness", home=tmp_path)
    other = by_name(told)
    assert {other[name]["status"] for name in ("preflight/gates", "replay/drivers agree", "paper/decisions")} == {"unknown"}
    _, told, _ = msb("readiness", "--run", "2", home=tmp_path)
    assert by_name(told)["preflight/gates"]["status"] == "met", "a setup is judged by its own evidence"


def test_a_run_that_is_not_there_and_a_page_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    assert msb("backtest", "--data", candles(), *FLAGS, home=tmp_path)[0] == 0
    code, told, _ = msb("readiness", "--run", "9", home=tmp_path)
    assert code == 6 and told["error"]["mend"]
    code, told, _ = msb("readiness", "--markdown", "/proc/nowhere/page.md", home=tmp_path)
    assert code == 1 and told["error"]["type"] == "StorageFailed"
