"""The facts of a report are those of the run: made of its journal alone, they agree with what the driver had in memory."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metastackerbandit.domain.rows import ENTER
from metastackerbandit.evaluation.scores import as_dict
from metastackerbandit.report.account import scored, thinned
from metastackerbandit.report.charts_trades import BINS, bin_edges
from metastackerbandit.report.facts import as_json
from metastackerbandit.report.trades import ALL_CANDLES, MOST_CANDLES
from tests.report.kept_runs import KeptRun, keep_run


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> KeptRun:
    """Two symbols under a rule, with funding."""
    return keep_run(tmp_path_factory.mktemp("ruled"))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> KeptRun:
    """Two symbols under predictions by lot."""
    return keep_run(tmp_path_factory.mktemp("spoken"), 3, count=4_000, arm="model")


@pytest.mark.parametrize(("seed", "arm"), [(1, "sma_cross"), (2, "momentum"), (3, "buy_and_hold")])
def test_scores_from_the_journal_are_those_of_the_backtest_to_the_bit(tmp_path: Path, seed: int, arm: str) -> None:
    run = keep_run(tmp_path, seed, count=500, arm=arm)
    assert run.report.scores is not None
    assert as_dict(scored(run.reading())) == as_dict(run.report.scores)


def test_costs_counts_and_equity_are_those_of_the_backtest(ruled: KeptRun) -> None:
    told = as_json(ruled.facts())
    assert told["costs"] == ruled.report.costs
    assert told["equity"] == ruled.report.equity
    assert told["max_drawdown"] == pytest.approx(ruled.report.scores.max_drawdown.value, abs=1e-15)  # type: ignore[union-attr]
    assert told["profit_before_costs"] == pytest.approx(ruled.report.equity - 10_000.0 + sum(ruled.report.costs.values()))
    assert told["funnel"] == msgspec.to_builtins(ruled.report.funnel)
    assert told["run"]["fills"] == len(ruled.kept.fills) and told["run"]["round_trips"] == len(ruled.kept.trips) > 20


def test_every_trip_is_in_one_line_and_one_period(ruled: KeptRun) -> None:
    facts = ruled.facts()
    *books, buys, sells, both = facts.lines
    assert sum(line.trips for line in books) == both.trips == buys.trips + sells.trips == len(ruled.kept.trips)
    assert sum(line.net for line in books) == pytest.approx(both.net) == pytest.approx(sum(one.net for one in facts.periods))
    assert sum(one.trips for one in facts.periods) == both.trips
    growth = np.prod([1.0 + (one.net_return or 0.0) for one in facts.periods])
    assert growth == pytest.approx(facts.account.equity[-1] / facts.account.capital)


def test_cumulated_costs_end_at_their_totals_and_never_fall_but_for_funding(ruled: KeptRun) -> None:
    charges = ruled.facts().charges
    for kind, line in charges.paid.items():
        assert line[-1] == pytest.approx(charges.totals[kind])
        assert kind == "funding" or (np.diff(line) >= 0.0).all()


def test_net_exposure_is_what_the_backtest_scored(ruled: KeptRun) -> None:
    facts, scores = ruled.facts(), ruled.report.scores
    assert scores is not None
    assert (facts.account.gross >= np.abs(facts.account.net) - 1e-12).all()
    entered = ruled.kept.decisions[(ruled.kept.decisions["kind"] == ENTER) & (ruled.kept.decisions["sent"] != 0)]
    assert len(entered) and facts.account.gross.max() > 0.0


# -- prices and marks --------------------------------------------------------------------------------------------------------


def test_candles_of_a_picture_keep_the_extremes_of_the_market(ruled: KeptRun) -> None:
    for one in ruled.facts().traded:
        place = [instrument.symbol for instrument in ruled.recording.instruments].index(one.symbol)
        bars, tick = ruled.recording.bars[place], float(ruled.recording.instruments[place].tick_size)
        assert one.prices.candles and len(one.prices.times) <= MOST_CANDLES
        assert one.prices.high.max() == pytest.approx(bars["high"].max() * tick)
        assert one.prices.low.min() == pytest.approx(bars["low"].min() * tick)
        assert (one.prices.low <= one.prices.close).all() and (one.prices.close <= one.prices.high).all()


def test_a_long_run_is_drawn_in_longer_candles(tmp_path: Path) -> None:
    run = keep_run(tmp_path, count=7_000, symbols=1, arm="buy_and_hold")
    (one,) = run.facts().traded
    assert one.prices.length_ns == 15 * 60 * 10**9 and 2_000 < len(one.prices.times) <= MOST_CANDLES
    assert ALL_CANDLES >= MOST_CANDLES


def test_every_fill_is_a_mark_that_names_its_decision(ruled: KeptRun) -> None:
    traded = ruled.facts().traded
    assert sum(len(one.marks) for one in traded) == len(ruled.kept.fills)
    told = {int(number) for one in traded for mark in one.marks for number in re.findall(r"decision (\d+)", mark.text)}
    assert told == set(ruled.kept.fills["decision"].tolist())
    opening = [mark for one in traded for mark in one.marks if mark.opens]
    assert len(opening) >= len(ruled.kept.trips) and all("gates passed it" in mark.text for mark in opening)


def test_without_candles_the_closes_that_were_decided_on_are_drawn(ruled: KeptRun) -> None:
    facts = ruled.facts(candles=False)
    assert facts.no_candles == "none are at hand"
    for one in facts.traded:
        assert not one.prices.candles and len(one.prices.times)
        assert len(one.marks)


# -- models ------------------------------------------------------------------------------------------------------------------


def test_calibration_counts_what_was_known_by_the_end_and_no_more(spoken: KeptRun) -> None:
    found = spoken.facts().calibrations
    assert [(one.frame, one.of) for one in found] == [("5m", "up"), ("5m", "down")]
    awake = int((spoken.kept.predictions["silence"] == 0).sum())
    for one in found:
        assert one.awake == awake and 0 < one.bars < awake and one.outcomes < one.bars
        assert sum(each.bars for each in one.bins) == one.bars
        for each in one.bins:
            assert 0.0 <= each.said <= 1.0 and each.low is not None and each.high is not None
            assert each.low <= each.came <= each.high


def test_predictions_by_lot_are_found_out(spoken: KeptRun) -> None:
    """What is said has nothing to do with what comes: the slope of a line through the points is near 0, not 1."""
    for one in spoken.facts().calibrations:
        assert one.slope_high is not None and one.slope_high < 1.0


def test_without_candles_nobody_knows_what_came(spoken: KeptRun) -> None:
    found = spoken.facts(candles=False)
    assert all(one.bars == 0 and one.bins == () and one.awake for one in found.calibrations) and found.no_labels


def test_a_rule_has_no_calibration(ruled: KeptRun) -> None:
    assert ruled.facts().calibrations == ()


# -- runs without an end -----------------------------------------------------------------------------------------------------


def test_a_killed_run_says_so_and_is_judged_by_its_rows(tmp_path: Path) -> None:
    run = keep_run(tmp_path, count=400, ends=False)
    told = as_json(run.facts())
    assert told["run"]["state"] == "running" and "killed" in told["run"]["unfinished"]
    assert told["verdict"] == "UNDERPOWERED" and not told["is_weighed"] and told["baselines"] == {}


def test_a_run_that_decided_nothing_is_told_too(tmp_path: Path) -> None:
    run = keep_run(tmp_path, count=0, ends=False)
    assert len(run.kept.decisions) == 0
    told = as_json(run.facts())
    assert told["verdict"] == "UNDERPOWERED" and told["equity"] == 10_000.0 and told["run"]["since"] == ""


# -- drawing -----------------------------------------------------------------------------------------------------------------


@given(arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6)), st.integers(2, 60))
def test_thinning_keeps_ends_and_extremes(values: np.ndarray, most: int) -> None:
    kept = thinned(values, most)
    assert kept[0] == 0 and kept[-1] == len(values) - 1 and (np.diff(kept) > 0).all()
    assert values[kept].min() == values.min() and values[kept].max() == values.max()
    assert len(kept) <= most + 2


@given(arrays(np.float64, st.integers(0, 200), elements=st.floats(-5_000, 5_000, allow_subnormal=False)))
def test_bins_hold_every_result_and_never_gains_with_losses(values: np.ndarray) -> None:
    values = np.round(values, 6)
    edges = bin_edges(values)
    assert len(edges) <= BINS + 3 and (np.diff(edges) > 0.0).all()
    assert 0.0 in edges
    assert int(np.histogram(values, edges)[0].sum()) == len(values)
