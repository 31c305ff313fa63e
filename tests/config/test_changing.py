"""Changing one threshold: bounds, steps, derived limits, and a file that keeps everything else as it was."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.bounds import BOUNDS
from metastackerbandit.config.changing import planned
from metastackerbandit.config.editing import with_number
from metastackerbandit.config.home import config_file
from metastackerbandit.config.loading import examine_text, load
from metastackerbandit.config.outline import keys, value_at
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import book_keys
from metastackerbandit.config.writing import config_text
from metastackerbandit.domain.errors import ConfigRefused, NotFound, SettingRefused
from tests.config.strategies import configs, values
from tests.covering import covers

NUMBERS = st.sampled_from([name for name in book_keys() if isinstance(keys()[name].default, float) and name.startswith(("decision.", "exits."))])
SCOPES = st.sampled_from(["", "frames.5m.", "symbols.BTCUSDT.", "symbols.BTC/USDT.frames.1h."])
HAND_WRITTEN = """# my rules
[run] # what
symbols = ["BTCUSDT",
  "ETHUSDT"]
[decision]
min_alpha=0.05# tight
[frames."5m".decision]  # fast
neutral_band = 0.25
"""


def written(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    config_file(home).write_text(text)
    return home


@covers("0.12")
@given(configs(), SCOPES, NUMBERS, st.data())
def test_an_edit_changes_one_value_and_no_other_line(config: Config, scope: str, key: str, data: st.DataObject) -> None:
    text, name = config_text(config), scope + key
    value = data.draw(values(key))
    edited = with_number(text, name, value)
    assert edited is not None
    examined = examine_text(edited.encode(), "f")
    if not any("above" in problem.what for problem in examined.problems):  # of a pair: judged where the change is planned
        assert examined.problems == []
        expected = dict(config.overrides)
        if scope:
            expected[name] = value
        assert examined.config.overrides == expected
        assert scope or value_at(examined.config, key) == value
    before, after = text.split("\n"), edited.split("\n")
    assert len(set(after) - set(before)) <= 2  # the line, and a header where there was none
    assert with_number(edited, name, value) == edited


@given(st.sampled_from(["\n", "\r\n"]))
def test_remarks_and_line_ends_stay_as_they_are(end: str) -> None:
    text = HAND_WRITTEN.replace("\n", end)
    edited = with_number(text, "decision.min_alpha", 0.1)
    assert edited == text.replace("0.05#", "0.1#")
    assert with_number(text, "frames.5m.decision.neutral_band", None) == text.replace(f"neutral_band = 0.25{end}", "")
    added = with_number(text, "frames.5m.decision.min_worth", 0.7)
    assert added is not None
    assert tomllib.loads(added)["frames"]["5m"]["decision"] == {"neutral_band": 0.25, "min_worth": 0.7}
    fresh = with_number(text, "symbols.BTC/USDT.decision.min_alpha", 0.1)
    assert fresh is not None and fresh.startswith(text) and '[symbols."BTC/USDT".decision]' in fresh
    assert with_number("", "decision.min_alpha", 0.1) == "[decision]\nmin_alpha = 0.1\n"
    assert with_number("[decision]", "decision.min_alpha", 0.1) == "[decision]\nmin_alpha = 0.1\n"


@pytest.mark.parametrize("text", ["decision = { min_alpha = 0.05, alpha_floor = 0.2 }", "decision.min_alpha = 0.05", "[decision]\nmin_alpha = 5e-2"])
def test_a_file_in_another_form_is_changed_all_the_same(tmp_path: Path, text: str) -> None:
    home = written(tmp_path, text + "\n")
    before = load([config_file(home)]).config
    change = planned(home, {}, "decision.min_alpha", "0.1", "", "")
    after = examine_text(change.content, "f")
    assert after.problems == []
    assert after.config == msgspec.structs.replace(before, decision=msgspec.structs.replace(before.decision, min_alpha=0.1))
    assert (change.old, change.new) == (0.05, 0.1)
    assert config_file(home).read_text() == text + "\n"


@covers("E02")
@pytest.mark.parametrize(
    ("key", "value", "symbol", "frame", "what", "mend"),
    [
        ("decision.min_alpha", "0.2", "", "", "more than 0.1 at once", "0.15 first"),
        ("decision.min_alpha", "0.6", "", "", "decision.min_alpha = 0.6", "0 to 0.5"),
        ("decision.min_alpha", "-0.1", "", "", "a number from 0 to 1", "a number"),
        ("decision.min_alpha", "nan", "", "", "not a finite number", "a number"),
        ("decision.min_alpha", "much", "", "", "'much'", "a number"),
        ("decision.neutral_band", "0.2", "", "5m", "looser than the derived limit 0.2029", "at least 0.2029"),
        ("decision.neutral_band", "0.04", "", "1h", "looser than the derived limit", "null"),
        ("decision.min_net_edge_bps", "3", "", "", "looser than the derived limit 3.25", "at least 3.25"),
        ("decision.min_worth", "0.54", "ETHUSDT", "5m", "looser than the derived limit", "at least"),
        ("decision.min_confidence", "0.3", "", "5m", "looser than the derived limit", "at least 0.4"),
        ("decision.min_confidence_sell", "0.3", "", "5m", "looser than the derived limit", "at least 0.4"),
        ("decision.min_confidence", "0.6", "", "5m", "more than 0.15 at once", "0.55"),
        ("decision.min_alpha", "0.1", "A B", "", "no symbol", "BTCUSDT"),
        ("decision.min_alpha", "0.1", "A.B", "", "no symbol", "BTCUSDT"),
    ],
)
def test_a_change_beyond_its_bounds_is_refused_with_the_mend(
    tmp_path: Path, key: str, value: str, symbol: str, frame: str, what: str, mend: str
) -> None:
    home = written(tmp_path, HAND_WRITTEN)
    with pytest.raises(SettingRefused) as refused:
        planned(home, {}, key, value, symbol, frame)
    assert what in refused.value.what
    assert mend in refused.value.mend
    assert config_file(home).read_text() == HAND_WRITTEN


def test_steps_lead_everywhere_that_bounds_allow(tmp_path: Path) -> None:
    home = written(tmp_path, "")
    standing = 0.02
    while standing < BOUNDS["decision.min_alpha"].high:
        wanted = min(standing + BOUNDS["decision.min_alpha"].step, BOUNDS["decision.min_alpha"].high)
        change = planned(home, {}, "decision.min_alpha", repr(wanted), "", "")
        config_file(home).write_bytes(change.content)
        assert math.isclose(change.old or 0.0, standing)
        standing = wanted
    assert load([config_file(home)]).config.decision.min_alpha == BOUNDS["decision.min_alpha"].high


@pytest.mark.parametrize(
    ("key", "meant"), [("decision.min_alfa", "decision.min_alpha"), ("min_alpha", "decision.min_alpha"), ("run.frame", "the file")]
)
def test_only_what_the_table_of_bounds_names_can_be_set(tmp_path: Path, key: str, meant: str) -> None:
    with pytest.raises(NotFound) as refused:
        planned(tmp_path, {}, key, "0.1", "", "")
    assert meant in refused.value.mend


def test_every_bound_is_of_a_key_that_takes_it() -> None:
    for name, bound in BOUNDS.items():
        assert name in book_keys()
        assert 0.0 < bound.step < bound.high - bound.low
        for value in (bound.low, bound.high):
            problems = [problem for problem in examine_text(f"{name} = {value}".encode(), "f").problems if "above" not in problem.what]
            assert problems == []
        default = keys()[name].default
        assert default is None or bound.low <= default <= bound.high


@covers("A12")
def test_a_change_that_something_would_hide_is_refused(tmp_path: Path) -> None:
    home = written(tmp_path, '[run]\nprofile = "metastacker-5m"\n')
    with pytest.raises(SettingRefused) as refused:
        planned(home, {}, "decision.min_alpha", "0.1", "", "")
    assert "profile metastacker-5m" in refused.value.what and "--frame 5m" in refused.value.mend
    change = planned(home, {}, "decision.min_alpha", "0.1", "", "5m")
    assert (change.name, change.old, change.new) == ("frames.5m.decision.min_alpha", 0.02, 0.1)
    with pytest.raises(SettingRefused, match="environment MSB_DECISION__MIN_ALPHA decides"):
        planned(written(tmp_path, ""), {"MSB_DECISION__MIN_ALPHA": "0.3"}, "decision.min_alpha", "0.1", "", "")
    with pytest.raises(SettingRefused, match=r"\[symbols.BTCUSDT.frames.5m\] decides there"):
        planned(written(tmp_path, "[symbols.BTCUSDT.frames.5m.decision]\nmin_alpha = 0.05\n"), {}, "decision.min_alpha", "0.1", "BTCUSDT", "")


def test_a_broken_file_or_a_contradiction_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused):
        planned(written(tmp_path, "[decision]\nmin_alfa = 1\n"), {}, "decision.min_alpha", "0.1", "", "")
    with pytest.raises(ConfigRefused, match=r"is above decision.max_volatility"):
        planned(written(tmp_path, "[decision]\nmax_volatility = 0.1\n"), {}, "decision.min_volatility", "0.11", "", "")


def test_unsetting_leaves_the_threshold_to_what_is_derived(tmp_path: Path) -> None:
    home = written(tmp_path, HAND_WRITTEN)
    change = planned(home, {}, "decision.neutral_band", "null", "", "5m")
    assert (change.old, change.new) == (0.25, None)
    assert examine_text(change.content, "f").config.overrides == {}
