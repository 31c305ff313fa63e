"""Trees read from LightGBM's text answer what the library answers, and nothing else is read."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.models.trees import read_trees, trees_over

WIDTH = 6


@cache
def grown(leaves: int, rounds: int, classes: tuple[int, ...] = (0, 1, 2)) -> Any:
    """A booster on a generated sample."""
    import lightgbm

    rng = np.random.default_rng(leaves)
    rows = rng.normal(size=(900, WIDTH))
    side = np.array(classes)[(np.abs(rows[:, 0] + rows[:, 1] * rows[:, 2] + rng.normal(size=900)) * 1.3).astype(int) % len(classes)]
    parameters = {"objective": "multiclass", "num_class": 3, "num_leaves": leaves, "min_data_in_leaf": 5, "num_threads": 1, "verbosity": -1}
    return lightgbm.train(parameters, lightgbm.Dataset(rows, side), num_boost_round=rounds)


def text_of(booster: Any) -> str:
    return str(booster.model_to_string())


@pytest.mark.parametrize(("leaves", "rounds", "classes"), [(2, 1, (0, 1, 2)), (7, 12, (0, 2)), (31, 30, (0, 1, 2)), (3, 4, (1, 2))])
def test_the_kernel_answers_what_the_library_answers(leaves: int, rounds: int, classes: tuple[int, ...]) -> None:
    booster = grown(leaves, rounds, classes)
    trees = read_trees(text_of(booster).encode(), "lightgbm", "trees.txt")
    asked = np.random.default_rng(1).normal(0.0, 2.0, (2_000, WIDTH))
    asked[:40] = np.resize(trees.threshold, (40, WIDTH))  # values that lie on a split
    found = trees.predict(asked)
    assert np.abs(found - booster.predict(asked, num_threads=1)).max() <= 4e-16  # one rounding of a probability: exp may be another library's
    assert np.array_equal(np.concatenate([trees.predict(asked[i : i + 1]) for i in range(100)]), found[:100])


def test_a_tree_that_found_no_split_says_the_same_of_every_row() -> None:
    import lightgbm

    rows, side = np.random.default_rng(0).normal(size=(30, WIDTH)), np.arange(30) % 3
    parameters = {"objective": "multiclass", "num_class": 3, "min_data_in_leaf": 30, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, side), num_boost_round=1)
    trees = read_trees(text_of(booster).encode(), "lightgbm", "trees.txt")
    assert len(trees.feature) == 0 and trees.predict(rows) == pytest.approx(1 / 3)


def test_the_kernel_gives_the_same_bits_without_compiling() -> None:
    trees = read_trees(text_of(grown(7, 12)).encode(), "lightgbm", "trees.txt")
    rows = np.random.default_rng(2).normal(size=(25, WIDTH))
    plain = np.empty((25, 3))
    uncompiled: Any = getattr(trees_over, "py_func", trees_over)
    uncompiled(rows, trees.feature, trees.threshold, trees.left, trees.right, trees.roots, trees.values, plain)
    assert np.array_equal(plain, trees.predict(rows))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("multiclass num_class:3", "binary sigmoid:1"),
        ("version=v4", "version=v9"),
        ("num_cat=0", "num_cat=1"),
        ("is_linear=0", "is_linear=1"),
        ("decision_type=2", "decision_type=3"),
        ("decision_type=2", "decision_type=4"),
        ("left_child=", "left_child=99 "),
        ("right_child=1", "right_child=0"),
        ("split_feature=", "split_feature=9"),
        ("max_feature_idx=5", "max_feature_idx=0"),
        ("leaf_value=", "leaf_value=nan "),
        ("threshold=", "threshold=x"),
        ("\nend of trees", "\nend of tre"),
        ("num_leaves=", "leaves="),
        ("Tree=2", "Trie=2"),
    ],
)
def test_text_of_another_kind_or_damaged_is_refused_by_name(old: str, new: str) -> None:
    text = text_of(grown(7, 12))
    if old == "right_child=1":  # a split whose child is itself
        old = next(line for line in text.splitlines() if line.startswith("right_child="))
        new = "right_child=0 " + old.partition("=")[2].partition(" ")[2]
    assert old in text
    with pytest.raises(ModelRefused, match=r"trees\.txt"):
        read_trees(text.replace(old, new, 1).encode(), "lightgbm", "trees.txt")


@pytest.mark.parametrize("name", ["leaf_value=", "threshold="])
def test_a_number_that_is_not_finite_is_refused(name: str) -> None:
    text = text_of(grown(7, 12))
    first = text.partition(name)[2].split()[0]
    with pytest.raises(ModelRefused, match="a number is not finite"):
        read_trees(text.replace(name + first, name + "inf", 1).encode(), "lightgbm", "trees.txt")


def test_bytes_that_are_no_text_are_refused() -> None:
    for broken in (b"", b"\xff\xfe", b"tree\nversion=v4\n"):
        with pytest.raises(ModelRefused, match="damaged"):
            read_trees(broken, "lightgbm", "trees.txt")
