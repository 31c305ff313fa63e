"""Residuals of pooled outcomes: what they are, that they teach more where symbols share a factor, and that nothing looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.domain.label import DOWN, FLAT, UP
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.timeframe import HOUR_NS
from metastackerbandit.evaluation.skill import auc_up
from metastackerbandit.features.catalog import NAMES
from metastackerbandit.training.dataset import DataSet, dataset_of, sample_until
from metastackerbandit.training.fitting.logistic import fit
from metastackerbandit.training.fitting.settings import FittingSettings, LogisticSettings
from metastackerbandit.training.mirroring import with_mirror
from metastackerbandit.training.residual import moment_ends, outcomes_for_one, residuals, taught
from metastackerbandit.training.sample import Sample
from metastackerbandit.training.settings import TrainingSettings
from tests.markets import instrument
from tests.training.worlds import candles

SYMBOLS, ROWS, WIDTH = 20, 218, 40
ONE_PENALTY = FittingSettings(logistic=LogisticSettings(inverse_penalties=(3e-3,)))


def pooled(seed: int, *, shared: float = 0.8, rows: int = ROWS, symbols: int = SYMBOLS) -> Sample:
    """Symbols whose returns share a factor; six features of forty say a little, half of each shared by all symbols (method 2.6)."""
    rng = np.random.default_rng(seed)
    features = np.sqrt(0.5) * (rng.normal(size=(rows, 1, WIDTH)) + rng.normal(size=(rows, symbols, WIDTH)))
    noise = np.sqrt(shared) * rng.normal(size=(rows, 1)) + np.sqrt(1.0 - shared) * rng.normal(size=(rows, symbols))
    outcome = (0.1 * features[:, :, :6].sum(axis=2) / np.sqrt(6.0) + np.sqrt(0.99) * noise).reshape(-1)
    start = np.repeat(np.arange(rows, dtype=np.int64), symbols) * HOUR_NS
    return Sample(
        rows=features.reshape(-1, WIDTH),
        side=np.where(outcome > 0.4, UP, np.where(outcome < -0.4, DOWN, FLAT)).astype(np.int8),
        weight=np.ones(len(outcome)),
        long=outcome,
        short=-outcome,
        net_long=0.01 * outcome - 0.001,
        net_short=-0.01 * outcome - 0.001,
        volatility=np.full(len(outcome), 0.01),
        start_ns=start,
        end_ns=start + HOUR_NS,
        symbol=np.tile(np.arange(symbols, dtype=np.int64), rows),
        names=tuple(f"f{j}" for j in range(WIDTH)),
        residual=residuals(outcome, start, 8),
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-10.0, 10.0)), min_size=1, max_size=60), st.integers(2, 6))
def test_residuals_of_a_moment_cancel_and_those_of_a_small_one_are_unknown(given_rows: list[tuple[int, float]], least: int) -> None:
    start, outcome = np.array([row[0] for row in given_rows]), np.array([row[1] for row in given_rows])
    found = residuals(outcome, start, least)
    for moment in np.unique(start):
        own = start == moment
        assert np.isnan(found[own]).all() == (np.count_nonzero(own) < least) == np.isnan(found[own]).any()
        if np.count_nonzero(own) >= least:
            assert abs(found[own].sum()) < 1e-9
            assert np.allclose(np.diff(found[own]), np.diff(outcome[own]))


def test_a_residual_is_known_when_the_last_label_of_its_moment_is() -> None:
    assert moment_ends(np.array([5, 9, 7, 6]), np.array([1, 1, 2, 2])).tolist() == [9, 9, 7, 7]
    assert not len(moment_ends(np.zeros(0, np.int64), np.zeros(0, np.int64)))


@given(st.integers(0, 2**31))
def test_the_lesson_has_as_many_flat_rows_and_mirrors(seed: int) -> None:
    sample = pooled(seed, rows=12)
    rng = np.random.default_rng(seed)
    sample = structs.replace(sample, weight=rng.uniform(0.2, 2.0, len(sample)), rows=rng.normal(size=(len(sample), len(NAMES))), names=NAMES)
    lesson = taught(sample)
    shares = [float(one.weight[one.side == FLAT].sum() / one.weight.sum()) for one in (sample, lesson)]
    assert shares[1] == pytest.approx(shares[0], abs=2.0 / len(sample) * 2.0)
    signs = np.where(lesson.side == FLAT, 0, np.where(lesson.side == UP, 1, -1))
    assert ((signs == 0) | (signs == np.sign(lesson.long))).all() and np.array_equal(lesson.short, -lesson.long)
    assert np.abs(lesson.long[signs == 0]).max(initial=0.0) <= np.abs(lesson.long[signs != 0]).min(initial=np.inf)
    straight, turned = with_mirror(lesson), taught(with_mirror(sample))
    for name in ("long", "short"):
        assert np.array_equal(getattr(straight, name), getattr(turned, name)), name


def test_rows_without_a_residual_are_taught_what_became_of_them_and_trades_stay_what_they_were() -> None:
    sample = pooled(1)
    assert sample.residual is not None
    few = structs.replace(sample, residual=np.where(np.arange(len(sample)) < 400, np.nan, sample.residual))
    lesson = taught(few)
    for name in ("side", "long", "short"):
        assert np.array_equal(getattr(lesson, name)[:400], getattr(sample, name)[:400])
        assert not np.array_equal(getattr(lesson, name)[400:], getattr(sample, name)[400:])
    for name in ("net_long", "net_short", "weight", "rows"):
        assert getattr(lesson, name) is getattr(few, name)
    alone = structs.replace(sample, residual=None)
    assert taught(alone) is alone and outcomes_for_one(alone) == 1.0


def test_what_is_left_of_symbols_that_move_together_is_many_outcomes() -> None:
    """A factor of .8 makes 20 symbols count as 1.2 (1 + 19 x .8 = 16.2 of them as one); their residuals do not move together."""
    assert outcomes_for_one(pooled(2)) == pytest.approx(16.2, rel=0.1)
    assert outcomes_for_one(pooled(2, shared=0.0)) == pytest.approx(1.0, abs=0.3)  # their signals move together a little


def aucs(seed: int) -> tuple[float, float]:
    """AUC on the whole outcomes of later bars, taught on outcomes and taught on residuals."""
    sample, later = pooled(seed), pooled(100 + seed, rows=500)
    n_eff = len(sample) / 16.2
    found = []
    for lesson, outcomes in ((sample, n_eff), (taught(sample), n_eff * outcomes_for_one(sample))):
        p = fit(lesson, ONE_PENALTY, outcomes, 7).learner.predict(later.rows)
        found.append(auc_up(p, later.side, later.weight, later.start_ns, later.end_ns).value)
    return found[0], found[1]


def test_a_model_taught_on_residuals_foresees_whole_outcomes_better() -> None:
    """Six worlds: over twenty the difference is .033 with a deviation of .024 from world to world, so that its mean is above .005 in nearly every
    such six (three standard errors)."""
    gains = [taught_on_residuals - whole for whole, taught_on_residuals in map(aucs, range(6))]
    assert np.mean(gains) > 0.005


# -- in a data set -------------------------------------------------------------------------------------------------------

SETTINGS = TrainingSettings(residual_from=3)


def data_of(*arrays: np.ndarray) -> DataSet:
    names = tuple(f"S{place}USDT" for place in range(len(arrays)))
    recording = Recording(
        instruments=tuple(instrument(name) for name in names),
        base_ns=HOUR_NS,
        bars=arrays,
        funding=(None,) * len(arrays),
        has_volume=(True,) * len(arrays),
        source="generated",
        digest="generated",
    )
    return dataset_of(recording, names, "1h", SETTINGS, CostSettings())


def test_pooled_symbols_have_residuals_of_what_was_known_and_one_symbol_has_none() -> None:
    hours = [candles(seed, 400, base_ns=HOUR_NS, step=0.006) for seed in range(4)]
    data = data_of(*hours[:3], hours[3][:200])
    until_ns = data.span_ns[1] - 20 * HOUR_NS
    sample, facts = sample_until(data, until_ns, SETTINGS)
    assert sample.residual is not None and facts.residuals == np.count_nonzero(~np.isnan(sample.residual)) > 100
    assert (sample.end_ns <= until_ns).all()
    for start in np.unique(sample.start_ns):
        own = sample.start_ns == start
        if np.count_nonzero(own) >= 3:
            assert abs(sample.residual[own].sum()) < 1e-9 and len(set(sample.end_ns[own].tolist())) == 1
    poisoned = [bars.copy() for bars in hours]
    for bars in poisoned:
        after = bars["closed_ns"] > until_ns
        for name in ("open", "high", "low", "close"):
            bars[name][after] *= 2
    other, _ = sample_until(data_of(*poisoned[:3], poisoned[3][:200]), until_ns, SETTINGS)
    assert other.residual is not None and other.residual.tobytes() == sample.residual.tobytes()
    alone, none = sample_until(data_of(hours[0]), until_ns, SETTINGS)
    assert alone.residual is None and none.residuals == 0
