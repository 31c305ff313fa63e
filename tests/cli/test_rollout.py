"""`msb rollout` as a user calls it: from shadow to adoption on recorded candles, back with one command, and everything it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metastackerbandit.cli.rollout_stages import AUTOMATIC, begin, promote_series, roll_back
from metastackerbandit.storage.registry import Registry, Slot
from metastackerbandit.storage.rollouts import RolloutEntry, keep_entry
from tests.cli.asking import candles, msb
from tests.covering import covers
from tests.storage.model_making import FILES, NOW_NS, USE, card

MARKET = ("--symbols", "BTCUSDT", "--arm", "sma_cross")
CHURNING = "# mine\n[arms.sma_cross]\nfast = 3\nslow = 8\n[rollout]\noutcomes = 100\nshares = [0.25]\n"
SLOWER = ("--set", "arms.sma_cross.fast=20", "--set", "arms.sma_cross.slow=200")


def home_with(folder: Path, text: str) -> Path:
    """A home with a configuration."""
    (folder / "config.toml").write_text(text)
    return folder


def rollout(*words: str, home: Path, code: int = 0) -> Any:
    """The answer of one rollout verb."""
    found, told, stderr = msb("rollout", *words, home=home)
    assert found == code, stderr
    return told


def observed(home: Path, since: str, until: str, code: int = 0) -> Any:
    """Champion and challenger over a stretch of recorded candles."""
    return rollout("observe", "--data", candles(), *MARKET, "--since", since, "--until", until, home=home, code=code)


@covers("0.54", "0.48", "3.14", "3.18", "3.24")
def test_a_change_goes_from_shadow_to_adoption_and_back_with_one_command(tmp_path: Path) -> None:
    home = home_with(tmp_path, CHURNING)
    told = rollout("start", *SLOWER, "--why", "fewer trades", "--who", "me", home=home)
    assert (told["stage"], told["may_advance"], told["change"]) == ("shadow", False, {"arms": {"sma_cross": {"fast": 20, "slow": 200}}})
    assert "outcomes" in rollout("advance", "--why", "now", home=home, code=4)["error"]["what"]

    told = observed(home, "2025-01-01", "2025-01-13")
    assert told["runs"] == [] and told["outcomes"] > 100 and told["may_advance"], told["checks"]
    assert not (home / "journal.sqlite").exists(), "what is computed in shadow is no run"
    assert "counts once" in observed(home, "2025-01-01", "2025-01-13", code=2)["error"]["mend"]

    assert rollout("advance", "--why", "it holds", home=home)["stage"] == "paper"
    assert (home / "config.toml").read_text() == CHURNING, "shadow and paper change nothing"
    told = observed(home, "2025-01-10", "2025-01-24")
    assert told["runs"] == [1, 2] and told["outcomes"] > told["outcomes_of_stage"] >= 100

    assert rollout("advance", "--why", "it holds on paper", home=home)["stage"] == "share 0.25"
    _, shown, _ = msb("config", "show", "sizing.volatility_target", home=home)
    assert shown["values"][0]["value"] == pytest.approx(0.15 * 0.25)
    observed(home, "2025-01-22", "2025-02-05")
    told = rollout("advance", "--why", "all of it", home=home)
    assert (told["stage"], told["speaks_for"], told["config_is_on_disk"]) == ("adopted", True, True)
    _, shown, _ = msb("config", "show", "arms.sma_cross.slow", home=home)
    assert shown["values"][0]["value"] == 200

    report = rollout("report", home=home)
    changes = {change["name"]: change for change in report["changes"]}
    assert changes["trades_buy"]["difference"]["high"] < 0 < changes["net_return"]["difference"]["low"]

    told = rollout("rollback", "--why", "back to what I know", "--who", "me", home=home)
    assert told["stage"] == "rolled back" and (home / "config.toml").read_text() == CHURNING
    assert [action["action"] for action in told["actions"]] == [
        "start", "observe", "advance", "observe", "advance", "observe", "advance", "rollback"
    ]  # fmt: skip
    assert told["actions"][0]["who"] == "me" and told["actions"][-1]["why"] == "back to what I know"
    assert "rolled back already" in rollout("rollback", "--why", "again", home=home, code=6)["error"]["what"]


@covers("0.51")
def test_a_change_for_the_worse_is_rolled_back_by_itself(tmp_path: Path) -> None:
    home = home_with(tmp_path, "[arms.sma_cross]\nfast = 20\nslow = 200\n")
    rollout("start", "--set", "arms.sma_cross.fast=3", "--set", "arms.sma_cross.slow=8", "--why", "more trades", home=home)
    told = observed(home, "2025-01-01", "2025-01-20")
    assert told["was_rolled_back"] and told["stage"] == "rolled back" and told["speaks_against"]
    assert told["actions"][-1]["who"] == AUTOMATIC and "against" in told["actions"][-1]["why"]


def test_one_rollout_at_a_time_and_only_on_the_configuration_that_it_left(tmp_path: Path) -> None:
    home = home_with(tmp_path, CHURNING)
    rollout("start", *SLOWER, "--why", "fewer trades", home=home)
    assert "one change at a time" in rollout("start", "--set", "decision.min_alpha=0.2", "--why", "another", home=home, code=4)["error"]["mend"]
    observed(home, "2025-01-01", "2025-01-13")
    (home / "config.toml").write_text(CHURNING + "[decision]\nmin_alpha = 0.3\n")
    assert not rollout("status", home=home)["config_is_on_disk"]
    assert "not the one" in rollout("advance", "--why", "on", home=home, code=4)["error"]["what"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("start", "--why", "nothing"), 2),
        (("start", "--set", "decision.min_alpha=0.02", "--why", "the default"), 4),
        (("start", "--set", "decision.min_alpha=9", "--why", "too much"), 4),
        (("start", "--set", "decison.min_alpha=0.1", "--why", "a slip"), 4),
        (("start", "--set", "decision.min_alpha=0.1", "--why", " "), 2),
        (("start", "--series", "stack-5m-NONE", "--why", "a series"), 6),
        (("start", "/nowhere/change.toml", "--why", "a file"), 6),
        (("start", "--set", "decision.min_alpha=0.1", "--after", "soon", "--why", "a time"), 2),
        (("advance", "--why", "nothing goes on"), 6),
        (("rollback", "--why", "nothing goes on"), 6),
        (("status",), 6),
        (("report",), 6),
    ],
)
def test_garbage_is_refused_with_a_mend_and_leaves_nothing(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    told = rollout(*words, home=tmp_path, code=code)
    assert told["error"]["mend"] and not (tmp_path / "rollouts.jsonl").exists()


@covers("1.38")
def test_a_series_is_promoted_with_the_first_share_and_demoted_by_a_rollback(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    old, new = "stack-5m-BTCUSDT-0a1b2c3d4e", "stack-5m-BTCUSDT-fffffffffe"
    slot = Slot("BTCUSDT", "5m")
    for series in (old, new):
        registry.add(card(series), FILES)
    registry.promote(slot, old, USE, who="test", now_ns=NOW_NS)
    story = begin(tmp_path, {}, (new,), after_ns=0, who="me", why="a later training")
    assert registry.promoted(slot) == old
    pairs = {"ended_ns": [1, 2], "champion": [[0.0] * 7] * 2, "challenger": [[0.1] * 7, [0.2] * 7]}
    keep_entry(tmp_path, RolloutEntry(1, "observe", "paper", 2, "me", "", {"preflight_errors": [], **pairs}), after=1)
    promoted = promote_series(tmp_path, story, "me")
    assert promoted == ["BTCUSDT 5m"] and registry.promoted(slot) == new
    about = {"share": 0.1, "config": story.start.about["config"], "promoted": promoted}
    keep_entry(tmp_path, RolloutEntry(1, "advance", "share 0.1", 3, "me", "", about), after=2)
    assert roll_back(tmp_path, who="me", why="no").story.stage == "rolled back"
    assert registry.promoted(slot) == old
