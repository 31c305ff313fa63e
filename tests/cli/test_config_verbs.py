"""`msb init` and `msb config ...` as a user and as a script meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from metastackerbandit.cli import init
from metastackerbandit.cli.main import app
from metastackerbandit.config.backups import backups
from metastackerbandit.config.home import config_file
from metastackerbandit.config.loading import load
from metastackerbandit.config.outline import keys
from metastackerbandit.config.schema import Config
from metastackerbandit.config.writing import config_hash
from tests.covering import covers

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of this test's own, with nothing set in the environment."""
    monkeypatch.setenv("MSB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def msb(*words: str, answer: str | None = None) -> Result:
    return RUNNER.invoke(app, list(words), input=answer)


def told(*words: str, code: int = 0) -> Any:
    """The JSON answer of a verb."""
    result = msb(*words, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


# -- init ------------------------------------------------------------------------------------------------------------


def test_init_writes_a_commented_configuration_that_loads(home: Path, tmp_path: Path) -> None:
    (tmp_path / "candles").mkdir()
    answer = told("init", "--data", "candles", "--symbols", "BTCUSDT, ETHUSDT", "--frame", "1h", "--arm", "breakout", "--deposit", "2500.50")
    config = load([config_file(home)]).config
    assert config.run.data == str(tmp_path / "candles")
    assert (config.run.symbols, config.run.frames, config.run.arm) == (("BTCUSDT", "ETHUSDT"), ("1h",), "breakout")
    assert config.account.deposit == "2500.50"
    assert (answer["config_hash"], answer["backup"]) == (config_hash(config), None)
    assert "# fee for taking, of notional" in config_file(home).read_text()


@covers("0.12")
def test_init_refuses_to_overwrite_and_with_force_backs_up_first(home: Path) -> None:
    told("init", "--deposit", "1")
    before = config_file(home).read_bytes()
    error = told("init", "--deposit", "2", code=4)["error"]
    assert (error["type"], error["where"]) == ("ConfigRefused", str(config_file(home)))
    assert "--force" in error["mend"]
    assert config_file(home).read_bytes() == before
    kept = told("init", "--deposit", "2", "--force")["backup"]
    assert backups(home)[0].name == kept
    assert backups(home)[0].path.read_bytes() == before


def test_init_leaves_nothing_behind_when_an_answer_is_wrong(home: Path) -> None:
    assert "did you mean" in told("init", "--arm", "sma_crss", code=4)["error"]["mend"]
    assert told("init", "--data", "nowhere", code=6)["error"]["where"] == "flag --data"
    assert told("init", "--deposit", "-5", code=4)["error"]["where"] == "flag --deposit"
    assert not home.exists()


def test_init_asks_for_what_no_flag_gives_and_asks_again_after_a_wrong_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "is_asking", lambda silenced: not silenced)
    result = msb("init", "--frame", "15m", answer="\nBTCUSDT\nsma\nema_cross\n\n")
    assert result.exit_code == 0, result.output
    assert "unknown arm 'sma'" in result.stderr
    run = load([config_file(home)]).config.run
    assert (run.data, run.symbols, run.frames, run.arm) == ("", ("BTCUSDT",), ("15m",), "ema_cross")


def test_init_with_yes_asks_nothing(home: Path) -> None:
    assert msb("init", "--yes").exit_code == 0
    assert load([config_file(home)]).config == Config()


# -- show ------------------------------------------------------------------------------------------------------------


@covers("A12", "0.18")
def test_show_tells_value_source_and_meaning_of_every_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    config_file(home).write_text("[costs]\ntaker_fee_bps = 4\n")
    monkeypatch.setenv("MSB_EXITS__STOP_BPS", "50")
    answer = told("config", "show", "--set", "run.pace=2")
    rows = {row["key"]: row for row in answer["values"]}
    assert list(rows) == list(keys())
    assert (rows["costs.taker_fee_bps"]["value"], rows["costs.taker_fee_bps"]["source"]) == (4.0, f"{config_file(home)}:2")
    assert (rows["exits.stop_bps"]["value"], rows["exits.stop_bps"]["source"]) == (50.0, "environment MSB_EXITS__STOP_BPS")
    assert rows["run.pace"]["source"] == "flag --set"
    assert rows["costs.slippage_bps"]["source"] == "default"
    assert rows["costs.slippage_bps"]["meaning"] == "beyond the touch, market and stop orders"
    assert len(answer["config_hash"]) == 16
    text = msb("config", "show").stdout
    assert "taker_fee_bps = 4.0" in text and f"{config_file(home)}:2" in text


def test_show_can_be_asked_for_one_table_or_key() -> None:
    assert {row["key"].split(".")[0] for row in told("config", "show", "costs")["values"]} == {"costs"}
    assert len(told("config", "show", "costs.slippage_bps")["values"]) == 1
    assert "did you mean costs?" in told("config", "show", "csts", code=6)["error"]["mend"]


# -- check -----------------------------------------------------------------------------------------------------------


@covers("0.15", "0.18", "A04")
def test_check_refuses_a_misspelt_key_with_a_suggestion_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[costs]\ntaker_fe_bps = 4\n[run]\nframes = ['7m']\n")
    answer = told("config", "check", "mine.toml", code=4)
    assert (answer["ok"], answer["file"]) == (False, "mine.toml")
    first, second = answer["problems"]
    assert (first["where"], first["mend"]) == ("mine.toml:2", "did you mean costs.taker_fee_bps?")
    assert second["key"] == "run.frames"
    assert answer["error"]["type"] == "ConfigRefused"
    words = msb("config", "check", "mine.toml").stderr
    assert "mine.toml:2" in words and "did you mean costs.taker_fee_bps?" in words and "mine.toml:4" in words


def test_check_accepts_what_init_wrote_and_an_installation_without_a_file() -> None:
    assert told("config", "check")["ok"] is True
    told("init")
    assert told("config", "check")["problems"] == []
    assert told("config", "check", "--set", "run.frames=7m", code=4)["problems"][0]["where"] == "flag --set"


def test_check_of_the_installation_sees_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSB_COSTS__TAKER", "4")
    assert "MSB_COSTS__TAKER_FEE_BPS" in told("config", "check", code=4)["problems"][0]["mend"]


def test_check_of_an_absent_or_broken_file_is_a_typed_error(tmp_path: Path) -> None:
    assert told("config", "check", "absent.toml", code=6)["error"]["type"] == "NotFound"
    assert told("config", "check", ".", code=4)["error"]["type"] == "ConfigRefused"
    (tmp_path / "garbage.toml").write_bytes(bytes(range(256)))
    assert told("config", "check", "garbage.toml", code=4)["problems"][0]["mend"] == "save the file as UTF-8"


# -- diff, backup, restore, rollback ---------------------------------------------------------------------------------


def test_diff_compares_defaults_file_and_backups(home: Path, tmp_path: Path) -> None:
    told("init", "--deposit", "1")
    kept = told("init", "--deposit", "2", "--force")["backup"]
    (change,) = told("config", "diff")["differences"]
    assert (change["key"], change["a"], change["b"], change["source_a"]) == ("account.deposit", "10000", "2", "default")
    (change,) = told("config", "diff", kept)["differences"]
    assert (change["a"], change["b"]) == ("1", "2")
    (tmp_path / "mine.toml").write_text("[account]\ndeposit = '2'\n")
    assert told("config", "diff", "current", "mine.toml")["identical"] is True
    assert 'account.deposit: "10000" -> "2"' in msb("config", "diff").stdout
    assert told("config", "diff", "nothing", code=6)["error"]["mend"]


@covers("0.12", "0.13")
def test_backup_restore_and_rollback_bring_back_exact_files(home: Path) -> None:
    assert told("config", "backup", code=6)["error"]["mend"] == "`msb init` writes one"
    told("init", "--deposit", "1")
    first = config_file(home).read_bytes()
    kept = told("config", "backup")
    assert Path(kept["file"]).read_bytes() == first
    config_file(home).write_text("[account]\ndeposit = '3'\n")
    told("config", "restore", kept["backup"])
    assert config_file(home).read_bytes() == first
    told("config", "rollback")
    assert load([config_file(home)]).config.account.deposit == "3"
    told("config", "rollback")
    assert config_file(home).read_bytes() == first
    assert all(row["intact"] for row in told("config", "backups")["backups"])


@covers("0.13")
def test_a_corrupted_backup_is_refused_with_exit_code_4(home: Path) -> None:
    told("init", "--deposit", "1")
    kept = told("init", "--deposit", "2", "--force")["backup"]
    backups(home)[0].path.write_text("[account]\ndeposit = '9'\n")
    before = config_file(home).read_bytes()
    error = told("config", "restore", kept, code=4)["error"]
    assert "corrupted" in error["what"] and error["mend"]
    assert told("config", "rollback", code=4)["error"]["type"] == "ConfigRefused"
    assert told("config", "backups")["backups"][0]["intact"] is False
    assert config_file(home).read_bytes() == before


def test_schema_is_json_schema() -> None:
    assert "$defs" in told("config", "schema")


def test_the_home_flag_wins_over_the_variable(tmp_path: Path) -> None:
    told("init", "--home", str(tmp_path / "other"))
    assert (tmp_path / "other" / "config.toml").exists()
    assert told("config", "show", "--home", str(tmp_path / "other"))["file"] == str(tmp_path / "other" / "config.toml")
