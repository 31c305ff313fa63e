"""Books: what a frame and a symbol inherit, what they have of their own, and where each value came from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.books import book_config, book_sources, engine_settings, profile_name
from metastackerbandit.config.loading import examine, examine_text
from metastackerbandit.config.outline import keys, value_at
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import EVERYWHERE, Scope, book_keys, children, find_key, is_table, split
from metastackerbandit.decision.profiles import PROFILES
from metastackerbandit.domain.timeframe import FRAMES
from tests.config.strategies import configs, values
from tests.covering import covers

SCOPES = (Scope("", "5m"), Scope("BTCUSDT", ""), Scope("BTCUSDT", "5m"))  # weakest first


@covers("A12", "1.05", "C16")
@given(st.sampled_from(book_keys()), st.sets(st.sampled_from(SCOPES)), st.data())
def test_the_nearest_scope_that_writes_a_key_decides(key: str, chosen: set[Scope], data: st.DataObject) -> None:
    written = {scope: data.draw(values(key).filter(lambda value: value is not None)) for scope in SCOPES if scope in chosen}
    config = Config(overrides={f"{scope.prefix}.{key}": value for scope, value in written.items()})
    book = book_config(config, "BTCUSDT", "5m")
    own = [written[scope] for scope in SCOPES if scope in written]
    assert value_at(book, key) == (own[-1] if own else keys()[key].default)
    for other in keys():
        assert other == key or value_at(book, other) == value_at(config, other)
    stranger = engine_settings(config, "ETHUSDT", "1h")
    assert stranger == Config().engine()


@covers("A12")
@given(configs())
def test_every_value_of_a_book_has_the_source_that_brought_it(config: Config) -> None:
    sources = {**{name: f"file:{name}" for name in (*keys(), *config.overrides)}}
    for symbol, frame in (("", ""), ("BTCUSDT", "5m"), ("BTC/USDT", "5m"), ("ETHUSDT", "1h"), ("BTCUSDT", "12h")):
        book, told = book_config(config, symbol, frame), book_sources(config, sources, symbol, frame)
        assert list(told) == list(keys())
        for key, source in told.items():
            if source.startswith("profile "):
                name = profile_name(config, frame)[0]
                assert source.startswith(f"profile {name} (")
                assert value_at(book, key) == PROFILES[name].values()[key]
            elif source.endswith("]"):
                place, _, scope = source.removesuffix("]").rpartition(" [")
                assert value_at(book, key) == config.overrides[place.removeprefix("file:")]
                assert place == f"file:{scope}.{key}"
            else:
                assert value_at(book, key) == value_at(config, key)


@covers("0.01", "0.02", "0.03", "0.05", "0.07", "0.08", "0.09", "3.13")
@pytest.mark.parametrize(
    ("name", "confidence", "alpha", "band", "signal", "mood", "asked"),
    [
        ("metastacker-5m", 0.55, 0.02, 0.10, 0.05, 0.12, "off"),
        ("metastacker-15m", 0.55, 0.02, 0.10, 0.05, 0.12, "hard"),
        ("metastacker-1h", 0.60, 0.10, 0.10, 0.12, 0.12, "hard"),
        ("metastacker-12h", 0.65, 0.10, 0.10, 0.12, 0.12, "hard"),
        ("metastacker-24h", 0.70, 0.10, 0.10, 0.12, 0.12, "hard"),
        ("metastacker-overlay", 0.60, 0.10, 0.05, 0.12, 0.12, "soft"),
        ("metastacker-5m-plan3", 0.60, 0.02, 0.10, 0.05, 0.12, "off"),
        ("metastacker-5m-before-fix", 0.55, 0.02, 0.10, 0.05, 0.12, "hard"),
    ],
)
def test_a_profile_holds_the_plans_own_values(
    name: str, confidence: float, alpha: float, band: float, signal: float, mood: float, asked: str
) -> None:
    examined = examine(sets=[f"run.profile={name}"])
    assert examined.problems == []
    seen = engine_settings(examined.config, "BTCUSDT", "5m").decision
    assert (seen.min_confidence, seen.min_alpha, seen.neutral_band) == (confidence, alpha, band)
    assert (seen.min_model_signal, seen.min_mood, seen.consensus) == (signal, mood, asked)
    assert seen.thresholds == "stricter"


def test_every_profile_sets_keys_that_exist_to_values_that_they_take() -> None:
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert not profile.frame or profile.frame in FRAMES
        for key, value in profile.values().items():
            assert key in book_keys()
            assert examine(sets=[f"{key}={value}"]).problems == []


def test_a_frame_has_a_profile_of_its_own() -> None:
    text = b'[run]\nprofile = "metastacker-1h"\n[frames.5m]\nprofile = "metastacker-5m"\n[frames.5m.decision]\nmin_alpha = 0.3\n'
    examined = examine_text(text, "f")
    assert examined.problems == []
    five, hour = (engine_settings(examined.config, "X", frame).decision for frame in ("5m", "1h"))
    assert (five.min_confidence, five.min_alpha, hour.min_confidence, hour.min_alpha) == (0.55, 0.3, 0.6, 0.1)
    told = book_sources(examined.config, examined.sources, "X", "5m")
    assert told["decision.min_confidence"] == "profile metastacker-5m (frames.5m.profile, f:4)"
    assert told["decision.min_alpha"] == "f:6 [frames.5m]"
    assert book_sources(examined.config, examined.sources, "X", "1h")["decision.min_alpha"] == "profile metastacker-1h (run.profile, f:2)"
    assert engine_settings(examined.config, "X", "1d") == engine_settings(examined.config, "X", "24h")


@covers("0.15")
def test_file_environment_and_flags_may_write_for_a_frame_or_symbol() -> None:
    environment = {"MSB_FRAMES__5M__DECISION__NEUTRAL_BAND": "0.1", "MSB_SYMBOLS__BTCUSDT__FRAMES__1H__EXITS__STOP_BPS": "50"}
    examined = examine(environment=environment, sets=["symbols.BTCUSDT.decision.min_alpha=.1", "frames.5m.decision.neutral_band=0.2"])
    assert examined.problems == []
    assert examined.config.overrides == {
        "frames.5m.decision.neutral_band": 0.2,
        "symbols.BTCUSDT.decision.min_alpha": 0.1,
        "symbols.BTCUSDT.frames.1h.exits.stop_bps": 50.0,
    }
    assert examined.sources["frames.5m.decision.neutral_band"] == "flag --set"
    assert examined.sources["symbols.BTCUSDT.frames.1h.exits.stop_bps"] == "environment MSB_SYMBOLS__BTCUSDT__FRAMES__1H__EXITS__STOP_BPS"
    unset = examine(environment=environment, sets=["frames.5m.decision.neutral_band=null"])
    assert "frames.5m.decision.neutral_band" not in unset.config.overrides
    assert "frames.5m.decision.neutral_band" not in unset.sources


def test_waivers_are_written_in_the_file_alone() -> None:
    (problem,) = examine(sets=["waivers=3"]).problems
    assert "in the file alone" in problem.what


@covers("0.18", "A04")
@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("[frames.7m.decision]\nmin_alpha = 1", "unknown timeframe '7m'", "use one of 1s, 1m, 5m"),
        ("[symbols.BTCUSDT.frames.24.decision]\nmin_alpha = 1", "unknown timeframe '24'", 'did you mean "24h"?'),
        ("[frames.5m.decision]\nmin_alfa = 1", "unknown key", "did you mean frames.5m.decision.min_alpha?"),
        ("[symbols.BTCUSDT.decison]\nmin_alpha = 1", "symbols.BTCUSDT.decison", "did you mean symbols.BTCUSDT.decision"),
        ("[symbols.BTCUSDT.frames.5m.exits]\nstop = 1", "unknown key", "did you mean symbols.BTCUSDT.frames.5m.exits.stop_bps?"),
        ('[frames.5m.account]\ndeposit = "1"', "one for the whole run", "[account]"),
        ("[frames.5m.risk]\nmax_drawdown = 0.1", "risk.max_drawdown is one for the whole run", "[risk]"),
        ('[symbols."A B".decision]\nmin_alpha = 1', "'A B' is no symbol", "[symbols.BTCUSDT.decision]"),
        ('[symbols."A.B".decision]\nmin_alpha = 1', "'A.B' is no symbol", "[symbols.BTCUSDT.decision]"),
        ('[symbols.BTCUSDT]\nprofile = "metastacker-5m"', "no profile of its own", "[frames.5m]"),
        ('[frames.5m]\nprofile = "metastaker-5m"', "unknown profile", 'did you mean "metastacker-5m"?'),
        ('[run]\nprofile = "x"', "unknown profile 'x'", "metastacker-overlay"),
        ("[frames]\n5m = 3", "frames.5m is a table", "frames.5m.decision.min_alpha"),
        ("[frames.5m.decision]\nmin_alpha = 2", "frames.5m.decision.min_alpha = 2", "a number from 0 to 1"),
        ("[frames.5m.decision]\nmin_volatility = 5", "(for 5m)", "lower the minimum"),
        ("[symbols.X]\nframes = 3", "symbols.X.frames is a table", "symbols.X.frames.5m.decision.min_alpha"),
        ("[frames.5m]\nexits = 3", "frames.5m.exits is a table", "frames.5m.exits.stop_bps"),
        ("[symbols]\nX = 3", "symbols.X is a table", "symbols.X.decision.min_alpha"),
        ("[frames.1d.decision]\nmin_alpha = 0.1", "unknown timeframe '1d'", 'did you mean "24h"?'),
        ("frames = 3", "frames is a table", "frames.5m.decision.min_alpha"),
        ("overrides = 3", "unknown table or key 'overrides'", ""),
    ],
)
def test_what_a_scope_may_not_say_is_refused_with_its_mend(text: str, what: str, mend: str) -> None:
    problems = examine_text(text.encode(), "f").problems
    assert problems, text
    assert what in problems[0].what
    assert mend in problems[0].mend
    assert problems[0].where.startswith("f:")


def test_a_contradiction_of_two_scopes_together_is_found() -> None:
    text = b"[symbols.A.decision]\nmin_volatility = 2\n[frames.5m.decision]\nmax_volatility = 1\n"
    (problem,) = examine_text(text, "f").problems
    assert "(for A on 5m)" in problem.what
    assert problem.where == "f:2"


@given(st.sampled_from((EVERYWHERE, *SCOPES)))
def test_names_of_scopes_split_as_they_are_joined(scope: Scope) -> None:
    for key in book_keys():
        name = f"{scope.prefix}.{key}" if scope.prefix else key
        found = find_key(name)
        assert split(name) == (scope, key)
        assert found is not None and found.name == name and found.annotation == keys()[key].annotation
    if scope.prefix:
        assert is_table(scope.prefix) and "decision" in children(scope.prefix)


@given(st.text(max_size=30))
def test_any_name_is_a_key_a_table_or_neither(name: str) -> None:
    known: Any = find_key(name)
    assert known is None or not is_table(name)
