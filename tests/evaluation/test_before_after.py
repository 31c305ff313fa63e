"""Before and after a change: each figure as anybody counts it, and an interval that knows what the market did to both."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.evaluation.before_after import FIGURES, RESAMPLES, before_after, drawdown, net_return
from metastackerbandit.evaluation.blocks import block_bars
from metastackerbandit.evaluation.bootstrap import UNKNOWN, interval
from metastackerbandit.evaluation.outcome_blocks import COLUMNS, RETURN, Pairs, joined
from tests.covering import covers


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


def counted(table: np.ndarray) -> dict[str, float]:
    """The figures of one run, by the names of its columns."""
    sums = dict(zip(COLUMNS, table.sum(axis=0), strict=True))
    level = [1.0]
    for gain in table[:, RETURN]:
        level.append(level[-1] * (1.0 + gain))

    def share(part: float, whole: float) -> float:
        return part / whole if whole else math.nan

    return {
        "net_return": level[-1] - 1.0,
        "drawdown": max(1.0 - level[n] / max(level[: n + 1]) for n in range(len(level))),
        "opinions_buy": sums["opinions_buy"],
        "opinions_sell": sums["opinions_sell"],
        "wishes_buy": sums["wishes_buy"],
        "wishes_sell": sums["wishes_sell"],
        "trades_buy": sums["entries_buy"],
        "trades_sell": sums["entries_sell"],
        "sell_share": share(sums["entries_sell"], sums["entries_buy"] + sums["entries_sell"]),
        "pass_rate_buy": share(sums["entries_buy"], sums["wishes_buy"]),
        "pass_rate_sell": share(sums["entries_sell"], sums["wishes_sell"]),
    }


def drawn_again(pairs: Pairs, times: int, seed: int) -> list[list[int]]:
    """Places of blocks, walked one by one: on to the next, or with the chance of a new piece from anywhere; the end joins the start."""
    count = len(pairs.ended_ns)
    length = block_bars(pairs.challenger[:, RETURN] - pairs.champion[:, RETURN])
    rng, found = np.random.default_rng(seed), []
    for _ in range(times):
        anew, anywhere = rng.random(count) < 1.0 / length, rng.integers(0, count, count)
        walk = [int(anywhere[0])]
        for step in range(1, count):
            walk.append(int(anywhere[step]) if anew[step] else (walk[-1] + 1) % count)
        found.append(walk)
    return found


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
@settings(max_examples=20)
def test_figures_are_what_anybody_counts_and_differences_are_theirs(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    tables = [np.column_stack((rng.normal(0.0, 0.1, count), rng.integers(0, 2, (count, 6)))).astype(np.float64) for _ in range(2)]
    before, after = (counted(table) for table in tables)
    told = before_after(Pairs(np.arange(count), tables[0], tables[1]), resamples=2)
    assert [one.name for one in told] == list(before) == [name for name, *_ in FIGURES] and all(one.unit for one in told)
    for one in told:
        assert (one.before, one.after) == pytest.approx((before[one.name], after[one.name]), nan_ok=True)
        assert one.difference.value == pytest.approx(after[one.name] - before[one.name], nan_ok=True)
        assert math.isnan(one.difference.low) or count >= 20


def test_bounds_are_those_of_both_runs_drawn_together() -> None:
    slow = np.convolve(np.random.default_rng(9).normal(size=69), np.ones(10), "valid")
    for wave in (0.0, 1e-3):  # differences without memory, and with one of ten blocks
        pairs = history(np.random.default_rng(5), 60, 0.0005)
        pairs.challenger[:, RETURN] += wave * slow
        walks = drawn_again(pairs, 40, 7)
        for one in before_after(pairs, seed=7, resamples=40):
            draws = [counted(pairs.challenger[walk])[one.name] - counted(pairs.champion[walk])[one.name] for walk in walks]
            expected = interval(one.after - one.before, np.array(draws))
            assert (one.difference.low, one.difference.high) == pytest.approx((expected.low, expected.high)), one.name
            assert expected.low < expected.high or one.name.startswith("opinions"), "this history has none"


@covers("3.18")
def test_a_gain_that_the_market_would_hide_is_seen_in_the_paired_difference() -> None:
    changes = {change.name: change for change in before_after(history(np.random.default_rng(4), 500, 0.0005), resamples=200)}
    gain = changes["net_return"].difference
    assert gain.low > 0.0, gain
    assert gain.high - gain.low < 0.5  # a lone run's interval spans 2 x 1.96 x .01 x sqrt(500) = .88 of its level
    assert changes["trades_buy"].before > 0 and 0.0 < changes["pass_rate_sell"].after < 1.0


def test_intervals_of_no_change_cover_nothing_about_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(40):
        (first, *_) = before_after(history(np.random.default_rng(seed), 120, 0.0), seed=seed, resamples=150)
        covered += first.difference.low <= 0.0 <= first.difference.high
    assert covered >= 33  # of 400 seeds 92 to 93 % cover, percentiles of so few blocks being narrow; binomial(40, .925): at least 33 in 98.8 %


def test_a_drawdown_is_the_largest_loss_from_a_peak() -> None:
    table = np.zeros((4, 7))
    table[:, RETURN] = (0.1, -0.2, 0.0, 0.3)
    assert drawdown(table) == pytest.approx(0.2) and net_return(table) == pytest.approx(1.1 * 0.8 * 1.3 - 1.0)
    assert all(math.isnan(change.before) for change in before_after(joined([])))
    assert all(change.difference == UNKNOWN and math.isnan(change.after) for change in before_after(joined([])))
    assert [(change.name, change.unit) for change in before_after(joined([]))] == [(name, unit) for name, unit, _ in FIGURES]
    table[:, RETURN] = (-0.1, -0.2, 0.0, 0.0)
    assert drawdown(table) == pytest.approx(1.0 - 0.9 * 0.8), "the level before the first block is a peak too"


def test_fewer_than_twenty_blocks_have_a_difference_and_no_bounds() -> None:
    (short, *_), (enough, *_) = (before_after(history(np.random.default_rng(1), count, 0.001)) for count in (19, 20))
    assert math.isnan(short.difference.low) and math.isnan(short.difference.high) and not math.isnan(short.difference.value)
    assert enough.difference.low < enough.difference.value < enough.difference.high


def test_the_same_seed_draws_the_same_and_five_hundred_times_unless_said() -> None:
    pairs = history(np.random.default_rng(2), 30, 0.001)
    assert before_after(pairs) == before_after(pairs, seed=0, resamples=RESAMPLES) and RESAMPLES == 500
    assert before_after(pairs, seed=1, resamples=50) != before_after(pairs, resamples=50)
