"""Splits: nothing that is trained on lives while a test label does, no moment on both sides, every row tested as often as it should."""

from __future__ import annotations

import math
import time
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import TrainingRefused
from metastackerbandit.evaluation.splits import Fold, blocks_of, combinatorial_folds, paths, purged_folds, walk_forward
from tests.covering import covers


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of several symbols, some at the same moment, in any order."""
    seed, count = draw(st.integers(0, 10_000)), draw(st.integers(60, 160))
    rng = np.random.default_rng(seed)
    start = rng.integers(0, draw(st.sampled_from([80, 400, 5_000])), count)
    return start, start + rng.integers(0, draw(st.sampled_from([1, 8, 30])), count)


def refused_or(make, *arguments):
    """What was made; a sample too short for it is no case."""
    try:
        return make(*arguments)
    except TrainingRefused:
        assume(False)


def meets(start: np.ndarray, end: np.ndarray, first: int, last: int) -> bool:
    """Whether a span shares a moment with [first, last]."""
    return bool(((start <= last) & (end >= first)).any())


def runs(places: np.ndarray, block: np.ndarray) -> list[np.ndarray]:
    """The tested rows of each block."""
    return [places[block[places] == b] for b in np.unique(block[places])]


@covers("B20", "C20", "K13")
@given(sample=samples(), shape=st.sampled_from([(2, 1), (5, 1), (6, 2), (5, 3)]), embargo=st.integers(0, 12))
def test_no_training_label_meets_a_tested_block_or_its_embargo(sample, shape, embargo):
    start, end = sample
    folds = refused_or(combinatorial_folds, start, end, *shape, embargo)
    block = blocks_of(start, shape[0])
    assert len(folds) == math.comb(*shape)
    for fold in folds:
        for tested in runs(fold.test, block):
            assert not meets(start[fold.train], end[fold.train], start[tested].min(), end[tested].max() + embargo)
        assert not set(start[fold.train]) & set(start[fold.test])


@given(sample=samples(), shape=st.sampled_from([(2, 1), (5, 1), (6, 2), (5, 3)]), embargo=st.integers(0, 12))
def test_nothing_is_left_out_but_what_must_be(sample, shape, embargo):
    start, end = sample
    folds = refused_or(combinatorial_folds, start, end, *shape, embargo)
    block = blocks_of(start, shape[0])
    for fold in folds:
        left = np.setdiff1d(np.arange(len(start)), np.concatenate((fold.train, fold.test)))
        spans = [(start[tested].min(), end[tested].max() + embargo) for tested in runs(fold.test, block)]
        for row in left:
            assert any(meets(start[[row]], end[[row]], first, last) for first, last in spans)


@given(sample=samples(), folds=st.integers(2, 6), embargo=st.integers(0, 5))
def test_every_row_is_tested_once_in_whole_blocks_of_time(sample, folds, embargo):
    start, end = sample
    made = refused_or(purged_folds, start, end, folds, embargo)
    assert np.sort(np.concatenate([fold.test for fold in made])).tolist() == list(range(len(start)))
    for one, other in pairwise(made):
        assert start[one.test].max() < start[other.test].min()
    moments = [len(np.unique(start[fold.test])) for fold in made]
    assert max(moments) - min(moments) <= 1


@given(sample=samples(), shape=st.sampled_from([(4, 2), (6, 2), (5, 3)]))
def test_combinations_test_every_row_as_often_as_there_are_paths(sample, shape):
    start, end = sample
    folds = refused_or(combinatorial_folds, start, end, *shape, 0)
    counts = np.bincount(np.concatenate([fold.test for fold in folds]), minlength=len(start))
    assert (counts == shape[1] * math.comb(*shape) // shape[0]).all()


@given(sample=samples(), embargo=st.integers(0, 12), seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(sample, embargo, seed):
    start, end = sample
    order = np.random.default_rng(seed).permutation(len(start))
    bounds = np.quantile(start, [0.3, 0.6, 1.0]).astype(np.int64)
    assume((np.diff(bounds) > 0).all())

    def members(fold: Fold, places: np.ndarray) -> tuple[list[int], list[int]]:
        return sorted(places[fold.train].tolist()), sorted(places[fold.test].tolist())

    same = np.arange(len(start))
    for make in (
        lambda s, e: combinatorial_folds(s, e, 5, 2, embargo),
        lambda s, e: walk_forward(s, e, bounds),
    ):
        one, other = refused_or(make, start, end), refused_or(make, start[order], end[order])
        assert [members(fold, same) for fold in one] == [members(fold, order) for fold in other]


@given(blocks=st.integers(2, 9), tested=st.integers(1, 5))
def test_paths_use_every_tested_block_of_every_fold_once(blocks, tested):
    assume(tested < blocks)
    found = paths(blocks, tested)
    assert found.shape == (tested * math.comb(blocks, tested) // blocks, blocks)
    pairs = [(int(fold), block) for path in found for block, fold in enumerate(path)]
    assert sorted(pairs) == sorted((fold, block) for fold, chosen in enumerate(combinations(range(blocks), tested)) for block in chosen)


def test_six_blocks_two_tested_make_fifteen_fits_and_five_paths() -> None:
    start = np.arange(600)
    assert len(combinatorial_folds(start, start + 3, 6, 2, 10)) == 15
    assert paths(6, 2).shape == (5, 6) and paths(10, 2).shape == (9, 10)


@covers("B20", "A34")
@given(sample=samples(), window=st.sampled_from([None, 40, 300]))
def test_a_walk_forward_trains_only_on_what_was_known(sample, window):
    start, end = sample
    bounds = np.unique(np.quantile(start, [0.2, 0.5, 0.5, 0.8, 1.0]).astype(np.int64))
    assume(len(bounds) > 1)
    folds = walk_forward(start, end, bounds, window_ns=window)
    assert len(folds) == len(bounds) - 1
    for (first, last), fold in zip(pairwise(bounds.tolist()), folds, strict=True):
        assert fold.test.tolist() == np.flatnonzero((start >= first) & (start < last)).tolist()
        since = -(2**62) if window is None else first - window
        known = [row for row in range(len(start)) if end[row] <= first and start[row] < first and start[row] >= since]
        assert fold.train.tolist() == known
        assert not set(start[fold.train]) & set(start[fold.test])


def test_a_hand_drawn_fold() -> None:
    """Twenty labels of three bars: the middle block (rows 6 to 12) lives from 6 to 15, and nothing may begin before an embargo of one has passed."""
    start = np.arange(20)
    one, two, three = purged_folds(start, start + 3, 3, 1)
    assert (one.test.tolist(), one.train.tolist()) == (list(range(6)), list(range(10, 20)))  # 0 to 8, and 9
    assert (two.test.tolist(), two.train.tolist()) == (list(range(6, 13)), [0, 1, 2, 17, 18, 19])
    assert (three.test.tolist(), three.train.tolist()) == (list(range(13, 20)), list(range(10)))


def test_what_leaves_nothing_to_train_on_is_refused() -> None:
    start = np.arange(50)
    for arguments in ((start, start + 40, 5, 0), (start, start + 1, 5, 1_000), (np.zeros(50, np.int64), start, 2, 0), (start, start - 1, 5, 0)):
        with pytest.raises(TrainingRefused):
            purged_folds(*arguments)
    with pytest.raises(TrainingRefused):
        combinatorial_folds(start, start, 5, 5, 0)
    with pytest.raises(TrainingRefused):
        walk_forward(start, start, [10, 10])


@covers("K13", "B20", "C20")
def test_shuffled_folds_find_skill_in_a_random_walk_and_purged_ones_do_not() -> None:
    """Labels of 24 bars on a pure walk, features of the same path: neighbours of a test row, found by the slow features, know its label.

    Purged folds of one walk of 4,000 rows err by 0.042 (30 seeds), the mean of sixteen by 0.011.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    count, horizon, lags = 4_000, 24, (10, 50, 200, 800)
    shuffled, purged = [], []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        price = np.cumsum(rng.normal(size=lags[-1] + count + horizon))
        at = np.arange(lags[-1], lags[-1] + count)
        inputs, up = np.column_stack([price[at] - price[at - lag] for lag in lags]), price[at + horizon] > price[at]

        def score(train, test, inputs=inputs, up=up, seed=seed):
            forest = ExtraTreesClassifier(8, min_samples_leaf=3, random_state=seed, n_jobs=1).fit(inputs[train], up[train])
            return _auc(forest.predict_proba(inputs[test])[:, 1], up[test])

        start = np.arange(count)
        purged += [score(fold.train, fold.test) for fold in purged_folds(start, start + horizon, 4, horizon)]
        if seed < 2:
            mixed = rng.permutation(count) % 4
            shuffled += [score(np.flatnonzero(mixed != k), np.flatnonzero(mixed == k)) for k in range(4)]
    assert np.mean(shuffled) > 0.7
    assert abs(np.mean(purged) - 0.5) < 0.03


def _auc(score: np.ndarray, happened: np.ndarray) -> float:
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(len(score))
    ups = int(happened.sum())
    return float((ranks[happened].sum() - ups * (ups - 1) / 2) / (ups * (len(score) - ups)))


def test_a_million_rows_are_split_in_moments() -> None:
    start = np.repeat(np.arange(250_000), 4) * 300
    begun = time.process_time()
    folds = combinatorial_folds(start, start + 3_600, 6, 2, 36_000)
    walk_forward(start, start + 3_600, np.linspace(0, start[-1], 13).astype(np.int64))
    assert len(folds) == 15 and time.process_time() - begun < 5.0  # it takes about half a second
