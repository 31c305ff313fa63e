"""`msb data list`, `check` and `import`: shapes, exit codes, and a store that only sound candles enter."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from metastackerbandit.cli.data import app
from metastackerbandit.runtime import self_test
from metastackerbandit.storage.candles import load_recording
from tests.shared import shared_data
from tests.storage.candle_making import candle_table, write

SHAPE = ("file", "kind", "frames", "gaps", "resyncs", "crossed_while_live", "bookticker", "issues")


def msb(*words: object, home: Path) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, [*map(str, words), "--home", str(home), "--json"])
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return result.exit_code, answer


def content(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


@settings(deadline=None, max_examples=30)
@given(garbage=st.binary(max_size=200), ending=st.sampled_from([".parquet", ".csv", ".csv.gz"]))
def test_a_refused_import_leaves_the_store_as_it_was(garbage: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        home, source = Path(made) / "home", Path(made) / "x_spot_5m"
        write(candle_table(), source / "BTCUSDT.parquet")
        assert msb("import", source, home=home)[0] == 0
        before = content(home)
        write(candle_table(60), source / "AAVEUSDT.parquet")
        (source / f"ETHUSDT{ending}").write_bytes(garbage)
        code, answer = msb("import", source, home=home)
        assert code == 4 and answer["error"]["type"] == "DataRefused" and all(answer["error"].values())
        assert content(home) == before


def test_imported_candles_load_as_they_were(tmp_path: Path) -> None:
    source = tmp_path / "binance_usdm_5m"
    write(candle_table(50, tick=0.01), source / "XYZUSDT.csv.gz")
    code, answer = msb("import", source, home=tmp_path / "home")
    done = answer["imported"][0]
    assert code == 0 and (done["rows"], done["added"], done["shared"], done["frame"], done["market"]) == (50, 50, 0, "5m", "perp")
    stored = tmp_path / "home" / "data" / "binance_perp_5m"
    assert Path(done["file"]) == stored / "XYZUSDT.parquet"
    assert _load(stored).digest == _load(source).digest


def test_a_second_import_adds_only_what_is_new(tmp_path: Path) -> None:
    table = candle_table(60)
    write(table[:40], tmp_path / "a_spot" / "BTCUSDT.parquet")
    write(table[30:], tmp_path / "b_spot" / "BTCUSDT.csv")
    msb("import", tmp_path / "a_spot", home=tmp_path / "home")
    code, answer = msb("import", tmp_path / "b_spot" / "BTCUSDT.csv", home=tmp_path / "home")
    assert code == 0 and [(one["rows"], one["added"], one["shared"]) for one in answer["imported"]] == [(60, 20, 10)]
    held = pl.read_parquet(tmp_path / "home" / "data" / "recorded_spot_5m" / "BTCUSDT.parquet")
    assert held.equals(table)


def test_contradicting_candles_do_not_enter(tmp_path: Path) -> None:
    write(candle_table(40), tmp_path / "a_spot" / "BTCUSDT.parquet")
    write(candle_table(40, seed=2), tmp_path / "b_spot" / "BTCUSDT.parquet")
    msb("import", tmp_path / "a_spot", home=tmp_path / "home")
    before = content(tmp_path / "home")
    code, answer = msb("import", tmp_path / "b_spot", home=tmp_path / "home")
    assert code == 4 and "for the same candle" in answer["error"]["what"] and content(tmp_path / "home") == before


def test_import_asks_for_the_market_and_takes_it(tmp_path: Path) -> None:
    write(candle_table(), tmp_path / "candles" / "BTCUSDT.csv")
    assert msb("import", tmp_path / "candles", home=tmp_path / "home")[0] == 4
    assert not (tmp_path / "home").exists()
    assert msb("import", tmp_path / "candles", "--market", "spot", "--frame", "5m", home=tmp_path / "home")[0] == 0
    assert msb("import", tmp_path / "candles", "--market", "spot", "--frame", "15m", home=tmp_path / "home")[0] == 4
    assert msb("import", tmp_path / "nothing", home=tmp_path / "home")[0] == 6


def test_check_answers_in_the_stable_shape(tmp_path: Path) -> None:
    table = candle_table(40)
    path = write(pl.concat([table[:10], table[13:]]), tmp_path / "x" / "BTCUSDT.parquet")
    code, answer = msb("check", path, home=tmp_path / "home")
    assert code == 0 and set(SHAPE) <= set(answer)
    assert (answer["kind"], answer["frames"], answer["gaps"], answer["missing"]) == ("candles", 37, 1, 3)
    assert answer["resyncs"] is answer["crossed_while_live"] is answer["bookticker"] is None
    assert {"type", "severity", "where", "what"} <= set(answer["issues"][0]) and answer["issues"][0]["type"] == "gap"


def test_check_names_every_problem_of_every_file(tmp_path: Path) -> None:
    table = candle_table()
    write(table.with_columns(-pl.col("volume"), low=pl.lit(500.0)), tmp_path / "x" / "BTCUSDT.parquet")
    (tmp_path / "x" / "ETHUSDT.csv").write_text("open_time,open\n1,2\n")
    write(table, tmp_path / "x" / "SOLUSDT.csv")
    code, answer = msb("check", tmp_path / "x", home=tmp_path / "home")
    assert code == 4 and set(SHAPE) <= set(answer)
    assert "lacks column high, low, close" in answer["error"]["what"] and "BTCUSDT.parquet" in answer["error"]["what"]
    assert {issue["type"] for issue in answer["issues"]} >= {"bad_volume", "price_order", "unreadable"}
    assert len(answer["files"]) == 3


def test_check_sees_files_of_one_symbol_that_contradict_each_other(tmp_path: Path) -> None:
    write(candle_table(40), tmp_path / "x" / "BTCUSDT_2023.parquet")
    write(candle_table(40, seed=2), tmp_path / "x" / "BTCUSDT_2024.parquet")
    code, answer = msb("check", tmp_path / "x", home=tmp_path / "home")
    assert code == 4 and "for the same candle" in answer["error"]["what"]


def test_list_shows_folders_and_the_installation(tmp_path: Path) -> None:
    write(candle_table(40), tmp_path / "binance_spot_5m" / "BTCUSDT.parquet")
    (tmp_path / "binance_spot_5m" / "ETHUSDT.parquet").write_bytes(b"broken")
    assert msb("list", home=tmp_path / "home")[1]["candles"] == []
    code, answer = msb("list", "--data", tmp_path / "binance_spot_5m", home=tmp_path / "home")
    sound, broken = answer["candles"]
    assert code == 0 and (sound["symbol"], sound["market"], sound["frame"], sound["rows"], sound["missing"]) == ("BTCUSDT", "spot", "5m", 40, 0)
    assert sound["from"] == "2023-11-14T22:15:00Z" and sound["rules"] == "shipped" and sound["problem"] is None
    assert broken["symbol"] == "ETHUSDT" and "cannot be read" in broken["problem"]
    msb("import", tmp_path / "binance_spot_5m" / "BTCUSDT.parquet", home=tmp_path / "home")
    assert [one["rows"] for one in msb("list", home=tmp_path / "home")[1]["candles"]] == [40]
    assert msb("list", "--data", tmp_path / "nowhere", home=tmp_path / "home")[0] == 6


@pytest.mark.parametrize("verb", [["list"], ["check"]])
def test_people_get_words(verb: list[str], tmp_path: Path) -> None:
    write(candle_table(40), tmp_path / "x_spot" / "BTCUSDT.parquet")
    where = ["--data", str(tmp_path / "x_spot")] if verb == ["list"] else [str(tmp_path / "x_spot")]
    result = CliRunner().invoke(app, [*verb, *where, "--home", str(tmp_path)])
    assert result.exit_code == 0 and "BTCUSDT" in result.stdout and "40" in result.stdout


def test_a_recorded_folder_checks_and_lists(tmp_path: Path) -> None:
    folder = shared_data() / "klines" / "binance_spot_30m"
    code, answer = msb("check", folder, home=tmp_path)
    assert code == 0 and answer["frames"] == 67_200 and answer["gaps"] == 0
    assert [one["rules"] for one in msb("list", "--data", folder, home=tmp_path)[1]["candles"]] == ["shipped", "shipped"]


def test_help_needs_no_numbers() -> None:
    code = "import sys; import metastackerbandit.cli.data; sys.exit(any(name in sys.modules for name in ('numpy', 'polars', 'numba', 'pyarrow')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _load(folder: Path) -> Any:
    return load_recording(folder, None, market=None, instruments_file=None)


def test_the_self_test_tells_each_defect_and_leaves_with_five_where_one_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def selftested() -> tuple[int, Any]:
        result = CliRunner().invoke(app, ["selftest", "--json"])
        return result.exit_code, json.loads(result.stdout)

    code, answer = selftested()
    assert (code, answer["missed"], len(answer["defects"])) == (0, 0, 12)
    assert {"defect", "issue", "severity", "within_seconds", "detected", "after_seconds", "how"} == set(answer["defects"][0])
    told = CliRunner().invoke(app, ["selftest"])
    assert told.exit_code == 0 and "told   gap" in told.stdout and "all 12 as they should be" in told.stdout
    monkeypatch.setattr(self_test, "look", lambda *_: None)  # nobody looks at what time alone brings: silence, and calm
    code, answer = selftested()
    assert (code, answer["missed"]) == (5, 5)
    assert "MISSED stale" in CliRunner().invoke(app, ["selftest"]).stdout
