"""The test that decides on a change: may be looked at after every outcome, promotes nothing by luck, and finds what is there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.evaluation.before_after import before_after, drawdown, net_return
from metastackerbandit.evaluation.outcome_blocks import RETURN, Blocks, Pairs, blocks_of, joined, paired
from metastackerbandit.evaluation.paired_test import PairedEvidence, log_e, paired_evidence
from metastackerbandit.evaluation.rollout_rules import ADOPTED, checks, share_of, stages
from metastackerbandit.evaluation.settings import RolloutSettings
from tests.covering import covers
from tests.evaluation.traces import replayed

SETTINGS = RolloutSettings()
RUNS, OUTCOMES = 400, 2_000


def promoted(differences: np.ndarray) -> np.ndarray:
    """Which runs (R,) of differences (R, N) are promoted by one who looks after every outcome, vectorised from the same formula."""
    count = np.arange(1, differences.shape[1] + 1)
    mean = np.cumsum(differences, axis=1) / count
    variance = (np.cumsum(differences * differences, axis=1) - count * mean * mean) / np.maximum(count - 1, 1)
    z = mean * np.sqrt(count) / np.sqrt(np.maximum(variance, 1e-300))
    known = count * SETTINGS.spread
    e = -0.5 * np.log1p(known) + 0.5 * z * z * known / (1.0 + known)
    return np.asarray(((e >= math.log(SETTINGS.evidence)) & (mean > 0) & (count >= SETTINGS.outcomes)).any(axis=1))


@covers("K17")
@pytest.mark.parametrize("shape", ["normal", "heavy", "trades"])
def test_a_change_of_nothing_is_promoted_by_luck_in_less_than_one_run_of_twenty(shape: str) -> None:
    rng = np.random.default_rng(17)
    size = (RUNS, OUTCOMES)
    worthless = {
        "normal": lambda: rng.normal(size=size),
        "heavy": lambda: rng.standard_t(3, size=size),
        "trades": lambda: (rng.random(size) < 0.2) * rng.choice([-1.0, 1.0], size=size) * rng.gamma(1.0, 1.0, size),
    }[shape]()
    assert promoted(worthless).mean() <= 0.05  # measured .005 to .01 in 2,000 runs


def test_one_who_looks_after_every_outcome_sees_what_the_evidence_says() -> None:
    differences = np.random.default_rng(19).normal(0.12, 1.0, 600)
    spoke = [paired_evidence(differences[:n], SETTINGS.spread).speaks_for(SETTINGS) for n in range(2, 601)]
    assert any(spoke) == promoted(differences[None, :])[0]


@covers("K17")
def test_a_change_that_earns_a_tenth_of_a_deviation_an_outcome_is_found_within_2000() -> None:
    assert promoted(np.random.default_rng(18).normal(0.1, 1.0, (RUNS, OUTCOMES))).mean() >= 0.90  # measured .957 in 2,000 runs


def test_a_change_for_the_worse_speaks_against_itself() -> None:
    worse = paired_evidence(np.random.default_rng(1).normal(-0.3, 1.0, 500), SETTINGS.spread)
    assert worse.speaks_against(SETTINGS) and not worse.speaks_for(SETTINGS) and worse.chance_better < 0.01


def test_few_outcomes_say_nothing_however_good() -> None:
    few = paired_evidence(np.random.default_rng(1).normal(5.0, 1.0, 99), SETTINGS.spread)
    assert few.e_value > SETTINGS.evidence and not few.speaks_for(SETTINGS)
    for alike in (np.zeros(0), np.ones(1), np.ones(500)):
        found = paired_evidence(alike, SETTINGS.spread)
        assert math.isnan(found.e_value) and not found.speaks_for(SETTINGS) and not found.speaks_against(SETTINGS)


def test_the_e_value_has_the_known_answer() -> None:
    # n = 400, rho^2 = .0025: n rho^2 = 1, so E = 2^-1/2 exp(z^2 / 4)
    assert log_e(4.0, 400, 0.0025) == pytest.approx(-0.5 * math.log(2.0) + 4.0)


@given(st.lists(st.floats(-100.0, 100.0), min_size=2, max_size=60), st.floats(0.01, 100.0))
def test_the_sign_and_the_unit_of_the_outcomes_do_not_matter(values: list[float], unit: float) -> None:
    differences = np.round(np.array(values), 3)
    one, other = paired_evidence(differences, SETTINGS.spread), paired_evidence(-differences, SETTINGS.spread)
    scaled = paired_evidence(differences * unit, SETTINGS.spread)
    if math.isnan(one.e_value):
        assert math.isnan(other.e_value)
        return
    assert other.e_value == pytest.approx(one.e_value, rel=1e-6) and other.mean == -one.mean
    assert other.chance_better == pytest.approx(1.0 - one.chance_better, abs=1e-9)
    assert scaled.e_value == pytest.approx(one.e_value, rel=1e-6)


# -- outcomes and stages -------------------------------------------------------------------------------------------------


def test_blocks_are_whole_do_not_overlap_and_lose_no_return() -> None:
    count, bar = 100, 300 * 10**9
    rows = replayed(np.tile((1, -1, 0, 1), 25), np.ones(count), 0.5).rows
    times, equity = rows["closed_ns"].astype(np.int64), (1_000_000 + np.cumsum(np.random.default_rng(2).integers(-500, 500, count))).astype(np.int64)
    blocks = blocks_of(rows, times, equity, 12 * bar)
    assert np.all(np.diff(blocks.ended_ns) == 12 * bar) and blocks.ended_ns[-1] <= times[-1]
    first = equity[np.searchsorted(times, blocks.ended_ns[0] - 12 * bar, side="right") - 1]
    last = equity[np.searchsorted(times, blocks.ended_ns[-1], side="right") - 1]
    assert net_return(blocks.table) == pytest.approx(last / first - 1.0)
    inside = (times > blocks.ended_ns[0] - 12 * bar) & (times <= blocks.ended_ns[-1])
    assert blocks.table[:, 1].sum() == np.count_nonzero(rows["side"][inside] == 1)
    assert blocks_of(rows[:0], times[:0], equity[:0], bar).table.shape == (0, 7)


def test_each_outcome_counts_once_and_blocks_without_a_difference_do_not() -> None:
    table = np.zeros((10, 7))
    table[:, RETURN] = np.arange(10) * 1e-4
    one, other = Blocks(np.arange(10), table), Blocks(np.arange(5, 15), table)
    pairs = paired(one, other)
    assert pairs.ended_ns.tolist() == [5, 6, 7, 8, 9]
    assert pairs.differences_bps() == pytest.approx(np.full(5, -5.0))
    assert len(pairs.after(7).ended_ns) == 2
    assert len(paired(one, one).differences_bps()) == 0
    assert len(joined([pairs.after(7), pairs.after(8)]).ended_ns) == 3 and len(joined([]).ended_ns) == 0


def test_every_stage_asks_for_outcomes_and_a_clean_preflight_and_the_last_for_a_gain() -> None:
    assert stages((0.1, 0.5)) == ("shadow", "paper", "share 0.1", "share 0.5", ADOPTED)
    assert [share_of(stage) for stage in stages((0.1, 0.5))] == [0.0, 0.0, 0.1, 0.5, 1.0]
    rng = np.random.default_rng(3)
    nothing, better, worse = (paired_evidence(rng.normal(mean, 1.0, 800), SETTINGS.spread) for mean in (0.0, 0.3, -0.3))

    def met(evidence: PairedEvidence, outcomes: int, errors: tuple[str, ...] | None, is_last: bool = False) -> bool:
        return all(check.is_met for check in checks(evidence, outcomes, errors, SETTINGS, is_last=is_last))

    assert met(nothing, 100, ()) and not met(nothing, 99, ()) and not met(nothing, 100, None) and not met(nothing, 100, ("vacuous",))
    assert not met(worse, 500, ())
    assert met(better, 100, (), is_last=True) and not met(nothing, 100, (), is_last=True)
    for_safety = RolloutSettings(adopt="not_worse")
    assert all(check.is_met for check in checks(nothing, 100, (), for_safety, is_last=True))


# -- before and after ----------------------------------------------------------------------------------------------------


def history(rng: np.random.Generator, count: int, shift: float) -> Pairs:
    """A market common to both, and what the change does beside it."""
    market = rng.normal(0.0, 0.01, count)
    tables = []
    for gain in (0.0, shift):
        table = np.zeros((count, 7))
        table[:, RETURN] = market + rng.normal(gain, 0.001, count)
        table[:, 3:5], table[:, 5:7] = rng.integers(5, 9, (count, 2)), rng.integers(1, 5, (count, 2))
        tables.append(table)
    return Pairs(np.arange(count), *tables)


@covers("3.18")
def test_a_gain_that_the_market_would_hide_is_seen_in_the_paired_difference() -> None:
    changes = {change.name: change for change in before_after(history(np.random.default_rng(4), 500, 0.0005), resamples=200)}
    gain = changes["net_return"].difference
    assert gain.low > 0.0, gain
    assert gain.high - gain.low < 0.5  # a lone run's interval spans 2 x 1.96 x .01 x sqrt(500) = .88 of its level
    assert changes["trades_buy"].before > 0 and 0.0 < changes["pass_rate_sell"].after < 1.0


def test_intervals_of_no_change_cover_nothing_in_nineteen_of_twenty() -> None:
    covered = 0
    for seed in range(60):
        (first, *_) = before_after(history(np.random.default_rng(seed), 120, 0.0), seed=seed, resamples=150)
        covered += first.difference.low <= 0.0 <= first.difference.high
    assert covered >= 51  # binomial(60, .95): at least 51 in 99.8 % of samples


def test_a_drawdown_is_the_largest_loss_from_a_peak() -> None:
    table = np.zeros((4, 7))
    table[:, RETURN] = (0.1, -0.2, 0.0, 0.3)
    assert drawdown(table) == pytest.approx(0.2) and net_return(table) == pytest.approx(1.1 * 0.8 * 1.3 - 1.0)
    assert all(math.isnan(change.before) for change in before_after(joined([])))


def test_rows_and_layout_are_those_of_decisions() -> None:
    assert {"side", "asks_risk", "sent", "closed_ns"} <= set(DecisionRow.__struct_fields__)
