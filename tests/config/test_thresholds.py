"""Thresholds: their domains, what decides, waivers with an end, the predecessors' keys, and what a user is told."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.config.books import book_config
from metastackerbandit.config.loading import examine, examine_text
from metastackerbandit.config.notices import dead_symbols, notices
from metastackerbandit.config.outline import value_at
from metastackerbandit.config.predecessors import SUCCESSORS
from metastackerbandit.config.schema import Config, ThresholdWaiver
from metastackerbandit.config.thresholds import thresholds, typical
from metastackerbandit.config.waivers import LIVE, LONGEST_DAYS, checked_mode, in_force, refuse_waivers, utc_day, waiver_problems
from metastackerbandit.decision.derived import CONFIDENCES
from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.errors import ConfigRefused, UsageError
from metastackerbandit.stacking.context import CELLS
from tests.config.strategies import configs
from tests.covering import covers

DAY_NS = 86_400_000_000_000
TODAY = date(2025, 7, 1)
NOW_NS = (TODAY - date(1970, 1, 1)).days * DAY_NS + 5 * DAY_NS // 24
WAIVER = '[[waivers]]\nkey = "{}"\nuntil = {}\nwhy = "a look at the old bot"\n'


def problems_of(text: str) -> list[Any]:
    return examine_text(text.encode(), "f.toml").problems


# -- domains ---------------------------------------------------------------------------------------------------------


@covers("A10", "A11", "0.17")
@pytest.mark.parametrize(
    ("quantity", "value", "is_vacuous"),
    [
        ("p_max3", 0.05, True),
        ("p_max3", 0.33, True),
        ("p_max3", 0.34, False),
        ("p_dir_cond", 0.40, True),
        ("p_dir_cond", 0.50, True),
        ("p_dir_cond", 0.51, False),
        ("p_dir", 0.05, False),
        ("strength", 0.05, False),
    ],
)
@pytest.mark.parametrize("side", ["", "_buy", "_sell"])
def test_a_limit_that_its_quantity_can_never_miss_is_refused(quantity: str, value: float, is_vacuous: bool, side: str) -> None:
    found = problems_of(f'[decision]\nconfidence = "{quantity}"\nmin_confidence{side} = {value}\n')
    assert bool(found) == is_vacuous
    for problem in found:
        assert f"decision.min_confidence{side} = {value} is vacuous: {quantity} is never below" in problem.what
        assert problem.where == "f.toml:3" and problem.mend


@covers("0.17", "A42")
@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("[decision]\nmin_alpha_buy = 1.5", "a number from 0 to 1", 2),
        ('[decision]\nconfidence = "p_dr"', "p_dir", 2),
        ('[decision]\nallowed_regimes = ["calm_rising", "wild_risng"]', "unknown regime 'wild_risng'", 2),
        ("[decision]\nallowed_regimes = []", "nothing could ever trade", 2),
        ("[risk]\nmax_symbol_exposure = 4", "is above risk.max_gross_exposure = 3.0", 2),
        ("[risk]\nmax_daily_loss = 0.2", "is above risk.max_drawdown = 0.15", 2),
        ("[posterior]\nstay = 0.9", "is above posterior.enter = 0.85", 2),
        ("[costs]\nslippage_bps = 160", "a round trip of 331 bps (3.31 %) is not plausible; costs.slippage_bps = 160.0", 2),
        ("[symbols.X.costs]\nslippage_bps = 160", "(for X)", 2),
        ('[frames.1h.decision]\nconfidence = "p_max3"\nmin_confidence = 0.05', "vacuous", 3),
        ('[decision]\nconfidence = "p_max3"\n[symbols.X.decision]\nmin_confidence = 0.05', "vacuous", 4),
        ('[decision]\nmin_confidence = 0.4\n[symbols.X.decision]\nconfidence = "p_dir_cond"', "vacuous", 4),
    ],
)
def test_a_limit_that_contradicts_another_names_what_where_and_the_mend(text: str, what: str, line: int) -> None:
    (problem,) = problems_of(text)
    assert what in f"{problem.what} {problem.mend}"
    assert problem.where == f"f.toml:{line}"
    assert problem.mend


def test_a_problem_is_told_once_for_all_the_books_that_share_it() -> None:
    text = '[symbols.X.decision]\nconfidence = "p_max3"\nmin_confidence = 0.05\n[frames.5m.decision]\nmin_alpha = 0.1\n'
    (problem,) = problems_of(text)
    assert "(for X)" in problem.what and problem.where == "f.toml:3"


def test_every_context_of_the_stacker_has_a_name_for_its_regime() -> None:
    assert len(REGIMES) == len(set(REGIMES)) == CELLS


@covers("A12", "E03", "E05", "3.09")
@pytest.mark.parametrize("key", sorted(SUCCESSORS))
@pytest.mark.parametrize("table", ["", "[decision]\n", "[thresholds]\n", "[overlay.signal_thresholds]\n", "[frames.5m.decision]\n"])
def test_a_key_of_the_predecessors_is_told_why_and_what_to_write(key: str, table: str) -> None:
    for written in {key, key.upper()}:
        (problem,) = problems_of(f"{table}{written} = 0.1\n")
        assert f"'{written}' is a key of the predecessors: {SUCCESSORS[key].why}" in problem.what
        assert problem.mend == SUCCESSORS[key].mend
        assert problem.where == f"f.toml:{2 if table else 1}"


@covers("A01", "E05", "3.12")
@pytest.mark.parametrize("key", ["flip_mood", "flip_model", "flip_model_bma"])
def test_no_flag_turns_a_models_sign_around(key: str) -> None:
    """flip_model made longs of every signal that said down."""
    (problem,) = problems_of(f"[decision]\n{key} = true\n")
    assert "predecessors" in problem.what and "sign" in problem.what + problem.mend


def test_the_predecessors_keys_are_told_in_variables_and_flags_too() -> None:
    for examined in (
        examine(environment={"MSB_DECISION__CONF_MIN": "0.5"}),
        examine(sets=["CONF_MIN=0.5"]),
        examine(sets=["decision.flip_model=true"]),
    ):
        (problem,) = examined.problems
        assert "predecessors" in problem.what and problem.mend


# -- what decides ----------------------------------------------------------------------------------------------------


@covers("A10", "A11", "0.06")
@given(configs(), st.sampled_from(["", "BTCUSDT"]), st.sampled_from(["5m", "1h", "24h"]))
def test_the_effective_limit_is_the_stricter_and_says_which_it_is(config: Config, symbol: str, frame: str) -> None:
    sources = {**dict.fromkeys(examine().sources, "default"), **dict.fromkeys(config.overrides, "f:1")}
    book = book_config(config, symbol, frame)
    for one in thresholds(config, sources, symbol, frame):
        assert one.written == value_at(book, one.key)
        known = [value for value in (one.written, one.derived) if value is not None]
        assert one.effective == (max(known) if known else None)
        assert (one.source == "derived from costs and barrier") == (one.derived is not None and one.derived == one.effective != one.written)
        if one.derived is not None and one.key.startswith(("decision.min_confidence", "decision.neutral_band")):
            assert one.low <= one.derived or one.quantity == "p_max3"
        assert one.quantity in (*CONFIDENCES, f"alpha ({book.decision.alpha})", "|mood|", "net edge", "worth")


def test_what_is_written_decides_alone_under_thresholds_profile() -> None:
    config = Config(overrides={"frames.5m.decision.thresholds": "profile", "frames.5m.decision.neutral_band": 0.1})
    sources = {**examine().sources, **dict.fromkeys(config.overrides, "f:1")}
    for frame, limit in (("5m", 0.1), ("15m", 13.0 / typical(config, "", "15m").barrier_bps)):
        (band,) = [one for one in thresholds(config, sources, "", frame) if one.key == "decision.neutral_band"]
        assert band.effective == pytest.approx(limit)
        assert band.varies


def test_a_side_has_a_row_of_its_own_only_where_it_is_written() -> None:
    rows = [one.key for one in thresholds(Config(), examine().sources, "", "5m")]
    assert rows == [f"decision.{name}" for name in rows_expected()]
    loaded = examine(sets=["decision.min_alpha_sell=0.3"])
    assert "decision.min_alpha_sell" in [one.key for one in thresholds(loaded.config, loaded.sources, "", "5m")]


def rows_expected() -> list[str]:
    return ["min_confidence", "min_alpha", "min_model_signal", "min_mood", "neutral_band", "min_net_edge_bps", "min_worth"]


# -- waivers ---------------------------------------------------------------------------------------------------------


@covers("A10")
def test_a_rule_is_broken_only_with_a_waiver_of_its_key() -> None:
    rule = '[frames.5m.decision]\nthresholds = "profile"\n'
    (problem,) = problems_of(rule)
    assert "nothing waives that" in problem.what and "[[waivers]]" in problem.mend and problem.where == "f.toml:2"
    for key in ("decision.thresholds", "frames.5m.decision.thresholds"):
        assert problems_of(rule + WAIVER.format(key, "2025-07-05")) == []
    for key in ("frames.1h.decision.thresholds", "decision.min_alpha"):
        assert problems_of(rule + WAIVER.format(key, "2025-07-05")) == [problem]
    vacuous = '[decision]\nconfidence = "p_max3"\nmin_confidence = 0.05\n'
    assert problems_of(vacuous) and not problems_of(vacuous + WAIVER.format("decision.min_confidence", "2025-07-05"))
    wide = "[decision]\nmin_volatility = 5\n"
    assert problems_of(wide + WAIVER.format("decision.min_volatility", "2025-07-05"))  # a contradiction is no rule


@given(st.integers(-40, 80), st.sampled_from(["backtest", "paper"]))
def test_a_waiver_holds_until_its_day_is_over_and_for_a_month_at_most(days: int, mode: str) -> None:
    config = Config(waivers=(ThresholdWaiver("decision.thresholds", TODAY + timedelta(days=days), "a look"),))
    holds = 0 <= days <= LONGEST_DAYS
    assert bool(in_force(config, NOW_NS, mode)) == holds
    problems = list(waiver_problems(config, {"waivers.0": "f:9"}, NOW_NS, mode))
    assert bool(problems) == (not holds)
    assert all(problem.where == "f:9" and "until =" in problem.mend for problem in problems)
    if not holds:
        with pytest.raises(ConfigRefused):
            refuse_waivers(config, {}, NOW_NS, mode)
    told = [str(notice) for notice in notices(config, ("5m",), NOW_NS, mode)]
    assert [f"waiver in force on decision.thresholds until {TODAY + timedelta(days=days)}: a look"] * holds == told


@given(configs(), st.integers(0, 2**62))
def test_nothing_is_ever_waived_in_live_mode(config: Config, now_ns: int) -> None:
    today = ThresholdWaiver("decision.thresholds", utc_day(now_ns), "a look")
    config = msgspec.structs.replace(config, waivers=(*config.waivers, today))
    assert today in in_force(config, now_ns, "paper")
    assert in_force(config, now_ns, LIVE) == ()
    assert len(list(waiver_problems(config, {}, now_ns, LIVE))) == len(config.waivers)


def test_a_mode_that_does_not_exist_is_refused() -> None:
    assert checked_mode(LIVE) == "live"
    with pytest.raises(UsageError, match="did you mean live"):
        checked_mode("lve")


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("waivers = 3", "a list of tables", "[[waivers]]"),
        ("waivers = [3]", "a waiver is a table, not 3", "[[waivers]]"),
        ('[[waivers]]\nkey = "decision.thresholds"\nuntil = 2030-01-01', "a waiver has no why", "[[waivers]]"),
        ('[[waivers]]\nkey = "decision.thresholds"\nuntil = 2030-01-01\nwhy = " "', "gives no reason", "in a line"),
        ('[[waivers]]\nkey = "decision.thresholds"\nuntil = "soon"\nwhy = "x"', "until = 'soon' is no date", "2030-01-31"),
        ('[[waivers]]\nkey = "decision.thresholds"\nuntil = 2030-01-01T00:00:00Z\nwhy = "x"', "is no date", "2030-01-31"),
        ('[[waivers]]\nkey = "decision.treshold"\nuntil = 2030-01-01\nwhy = "x"', "no threshold", "did you mean decision.thresholds?"),
        ('[[waivers]]\nkey = "account.deposit"\nuntil = 2030-01-01\nwhy = "x"', "no threshold", ""),
        ("[[waivers]]\nkey = 3\nuntil = 2030-01-01\nwhy = 'x'", "no threshold 3", "[[waivers]]"),
        ('[[waivers]]\nkey = "decision.thresholds"\nuntill = 2030-01-01\nwhy = "x"', "unknown key 'untill'", "did you mean until?"),
    ],
)
def test_a_waiver_that_says_too_little_is_refused(text: str, what: str, mend: str) -> None:
    found = problems_of(text)
    assert what in found[0].what and mend in found[0].mend
    assert found[0].where == "f.toml:1"


def test_each_waiver_has_the_line_of_its_own_header() -> None:
    text = WAIVER.format("decision.min_alpha", "2025-01-01") + "# a remark\n" + WAIVER.format("decision.neutral_band", "'2025-01-02'")
    examined = examine_text(text.encode(), "f")
    assert [(waiver.key, waiver.until) for waiver in examined.config.waivers] == [
        ("decision.min_alpha", date(2025, 1, 1)),
        ("decision.neutral_band", date(2025, 1, 2)),
    ]
    assert [problem.where for problem in waiver_problems(examined.config, examined.sources, NOW_NS, "paper")] == ["f:1", "f:6"]


# -- notices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sets", "frame", "said"),
    [
        ([], "5m", []),
        (["run.profile=metastacker-5m"], "5m", []),
        (["run.profile=metastacker-5m"], "1h", ["holds the plans' values of 5m, and 1h is traded"]),
        (["run.profile=metastacker-5m", "decision.min_alpha=0.3"], "5m", ["decision.min_alpha = 0.3 has no effect on 5m"]),
        (["run.profile=metastacker-5m", "frames.5m.decision.min_alpha=0.3"], "5m", []),
        (["decision.consensus=hard"], "5m", ["no mood is named"]),
        (["costs.taker_fee_bps=0", "costs.half_spread_bps=0", "costs.slippage_bps=0", "costs.maker_fee_bps=0"], "5m", ["trading costs nothing"]),
        (["costs.maker_fee_bps=7"], "5m", ["is above costs.taker_fee_bps"]),
    ],
)
def test_what_is_allowed_and_worth_knowing_is_told(sets: list[str], frame: str, said: list[str]) -> None:
    examined = examine(sets=sets)
    assert examined.problems == []
    told = [str(notice) for notice in notices(examined.config, (frame,), NOW_NS, "paper")]
    assert len(told) == len(said)
    assert all(words in notice for words, notice in zip(said, told, strict=True))


def test_a_table_of_a_symbol_that_is_not_traded_is_told() -> None:
    config = examine(sets=["symbols.BTCUSD.decision.min_alpha=0.2", "run.symbols=BTCUSDT,ETHUSDT"]).config
    (notice,) = dead_symbols(config)
    assert "BTCUSDT" in notice.mend
    assert not list(dead_symbols(examine(sets=["symbols.BTCUSD.decision.min_alpha=0.2"]).config))


def test_the_typical_circumstances_are_those_of_the_method() -> None:
    at = typical(Config(), "", "5m")
    assert (at.round_trip_bps, round(at.barrier_bps), at.p_flat) == (13.0, 64, 0.4)
    assert math.isclose(typical(Config(), "", "1h").barrier_bps / at.barrier_bps, math.sqrt(12.0))
