"""The contract of base learners, on every family of the catalog."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.models.catalog import FAMILIES, unpack
from metastackerbandit.models.settling import FLOOR
from metastackerbandit.training.fitting.catalog import FITTERS, fitted
from tests.covering import covers
from tests.models.planted import SEED, SMALL, gappy, one_of

WIDTH = 8
NAMES = [spec.name for spec in FAMILIES]
VALUES = st.one_of(st.just(np.nan), st.floats(-1e150, 1e150), st.floats(-5.0, 5.0))
ROWS = st.integers(0, 6).flatmap(lambda count: arrays(np.float64, (count, WIDTH), elements=VALUES))

each_family = pytest.mark.parametrize("family", NAMES)


def test_every_family_that_serves_can_be_fitted():
    assert list(FITTERS) == NAMES and len(set(NAMES)) == len(NAMES)
    assert all(spec.meaning for spec in FAMILIES)


@each_family
@covers("A21")
@settings(max_examples=40)
@given(rows=ROWS)
def test_answers_are_probabilities_whatever_the_features(family, rows):
    learner = one_of(family).learner
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = learner.predict(rows)
    assert p.shape == (len(rows), 3) and p.dtype == np.float64
    assert (p >= 0.999 * FLOOR).all() and (p < 1.0).all()
    assert np.abs(p.sum(axis=1) - 1.0).max(initial=0.0) < 1e-9


@each_family
def test_a_rows_answer_does_not_depend_on_the_others_to_the_bit(family):
    learner, rows = one_of(family).learner, gappy(300, seed=9).rows
    together = learner.predict(rows)
    order = np.random.default_rng(1).permutation(len(rows))
    assert np.array_equal(learner.predict(rows[order]), together[order])
    for count in (1, 2, 3, 7, 64):
        apart = np.concatenate([learner.predict(rows[i : i + count]) for i in range(0, len(rows), count)])
        assert np.array_equal(apart, together)


@each_family
@covers("A19")
def test_a_learner_comes_back_from_its_files_with_the_same_answers(family):
    learner, rows = one_of(family).learner, gappy(100, seed=9).rows
    files = learner.pack()
    again = unpack(family, files)
    assert np.array_equal(again.predict(rows), learner.predict(rows))
    assert again.pack() == files
    told = (learner.family, learner.n_features, learner.effective_dof, learner.note)
    assert (again.family, again.n_features, again.effective_dof, again.note) == told == (family, WIDTH, one_of(family).effective_dof, learner.note)


@each_family
def test_the_same_sample_settings_and_seed_give_the_same_bytes(family):
    first = one_of(family).learner.pack()
    assert fitted(family, gappy(), SMALL, 1_000.0, SEED).learner.pack() == first


@each_family
@covers("A19")
def test_serving_gives_what_training_computed(family):
    # exact but for the exported graphs, which add 40 trees, or 8 to 64 products, in float32
    most = {"logistic": 1e-12, "extra_trees": 1e-6, "mlp": 1e-6}.get(family, 0.0)
    assert one_of(family).parity <= most


@each_family
@covers("A19")
def test_rows_of_another_width_are_refused_with_both_shapes(family):
    learner = one_of(family).learner
    for rows in (np.zeros((3, WIDTH + 1)), np.zeros((3, WIDTH - 1)), np.zeros(WIDTH)):
        with pytest.raises(ModelRefused, match=rf"{family}.*{str(rows.shape)[1:-1]}.*\(N, {WIDTH}\)"):
            learner.predict(rows)


@each_family
def test_infinite_features_are_refused_by_place(family):
    rows = np.zeros((4, WIDTH))
    rows[2, 5] = -np.inf
    with pytest.raises(ModelRefused, match="feature 5 of row 2 is infinite"):
        one_of(family).learner.predict(rows)


@each_family
@covers("A20")
def test_damaged_files_are_refused_by_name(family):
    files = one_of(family).learner.pack()
    for name, body in files.items():
        turned = bytes(body[: len(body) // 2]) + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
        for damaged in (body[:-1], turned, b"", body + b" ", None):
            left = {other: content for other, content in files.items() if other != name}
            with pytest.raises(ModelRefused, match=name) as caught:
                unpack(family, left if damaged is None else {**left, name: damaged})
            assert caught.value.mend and caught.value.where == family


@each_family
@covers("A21")
def test_a_missing_value_is_the_samples_median(family):
    learner, rows = one_of(family).learner, gappy(50, seed=9).rows
    medians = np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0 for column in gappy().rows.T])
    if family == "persistence":
        medians[-1] = 0.0  # a return that is not known is neither a rise nor a fall
    filled = np.where(np.isnan(rows), medians, rows)
    assert np.isnan(rows).any()
    assert np.abs(learner.predict(rows) - learner.predict(filled)).max() <= 1e-12


@each_family
@covers("A22")
def test_columns_that_taught_nothing_change_nothing_and_are_named(family):
    found = one_of(family)
    rows = gappy(50, seed=9).rows
    wild = rows.copy()
    wild[:, 3:5] = np.random.default_rng(2).normal(size=(50, 2)) * 1e200
    assert np.array_equal(found.learner.predict(wild), found.learner.predict(rows))
    if family not in ("prior", "persistence"):
        assert found.dropped == ("f3", "f4")
        assert any("2 of 8 columns" in note and "f3, f4" in note for note in found.notes)


@covers("A22")
@pytest.mark.parametrize("family", ["logistic", "mlp", "lightgbm", "extra_trees"])
def test_one_wild_feature_counts_no_more_than_a_large_one(family):
    learner, rows = one_of(family).learner, np.zeros((2, WIDTH))
    rows[0, 0], rows[1, 0] = 2e5, 2e8
    p = learner.predict(rows)
    assert np.array_equal(p[0], p[1])


@each_family
def test_fitting_leaves_the_sample_alone(family):
    sample = gappy()
    one_of(family)
    kept = {name: getattr(sample, name).copy() for name in ("rows", "side", "weight")}
    fitted(family, sample, SMALL, 1_000.0, SEED)
    assert all(np.array_equal(getattr(sample, name), value, equal_nan=name == "rows") for name, value in kept.items())
