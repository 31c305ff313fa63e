"""`msb leakage` as a user calls it: clean on shipped features, every canary found, and an exit code that a script can trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from metastackerbandit.cli.main import app
from tests.covering import covers
from tests.shared import shared_data

RUNNER = CliRunner()


def msb(*words: str, home: Path) -> tuple[int, Any, str]:
    """Exit code, JSON answer, and the words on stderr."""
    answer = RUNNER.invoke(app, [*words, "--home", str(home), "--json"])
    return answer.exit_code, json.loads(answer.stdout), answer.stderr


@covers("B20", "C20", "A34")
def test_canaries_are_all_found_and_the_shipped_pipeline_is_clean(tmp_path: Path) -> None:
    code, answer, _ = msb("leakage", "--canaries", "--seed", "3", home=tmp_path)
    assert code == 0, answer
    assert answer["clean"] and answer["leaks"] == [] and answer["data"] == "generated, seed 3"
    assert answer["features"] > 30 and answer["checked_bars"] > 1_000
    assert answer["canaries"]["seeded"] == answer["canaries"]["found"] == answer["found"] == answer["of"] == 16
    assert answer["canaries"]["missed"] == []
    assert all(set(one["by"]) & set(one["expected"]) and one["finding"] for one in answer["canaries"]["each"])
    assert all(check["passed"] and check["what"] and check["evidence"] for check in answer["checks"])


def test_recorded_candles_are_clean_and_say_what_was_looked_at(tmp_path: Path) -> None:
    data = str(shared_data() / "klines" / "binance_usdm_5m")
    code, answer, _ = msb("leakage", "--data", data, "--frame", "15m", "--bars", "1200", home=tmp_path)
    assert code == 0, answer["leaks"]
    assert answer["clean"] and answer["of"] == 0 and len(answer["symbols"]) == 1
    assert answer["frame"] == "15m" and "--symbols" in answer["notices"][0]
    text = RUNNER.invoke(app, ["leakage", "--data", data, "--frame", "15m", "--bars", "1200", "--home", str(tmp_path)])
    assert text.exit_code == 0 and "no leak was found" in text.stdout and "shuffled" in text.stdout


def test_a_leak_is_an_exit_code(tmp_path: Path, monkeypatch: Any) -> None:
    from msgspec.structs import replace

    from metastackerbandit.training.leakage import shipped
    from metastackerbandit.training.leakage.canaries import CANARIES

    honest = shipped.shipped_pipeline

    def broken(*words: Any) -> Any:
        pipeline = honest(*words)
        return replace(pipeline, features=CANARIES[0].broken(pipeline, None).features)  # type: ignore[arg-type]

    monkeypatch.setattr(shipped, "shipped_pipeline", broken)
    code, answer, _ = msb("leakage", "--bars", "600", home=tmp_path)
    assert code == 1 and not answer["clean"]
    assert {leak["check"] for leak in answer["leaks"]} == {"features", "serving"}
