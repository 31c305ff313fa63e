"""LightGBM's text model as arrays that a kernel walks: one row takes microseconds, where the library's own call takes most of a live answer.

Only what training here writes is read: three classes by the softmax, numerical splits, plain leaves; anything else is refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.models.packing import damaged

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES = 3
_OBJECTIVE = "multiclass num_class:3"
_CATEGORICAL, _MISSING_IS_ZERO = 1, 4  # bits of a decision_type that are not read here; the rest says where missing values go, and rows have none


class Trees(Struct, frozen=True, eq=False):
    """T trees, the k-th of every three for class k, with M splits and V leaves in all.

    A split (M,) sends rows with `feature` <= `threshold` to `left`, else to `right`; a place of 0 or more is a split, ~place a leaf. `roots`
    (T,) are places too; `values` (V,) what leaves add to the score of their tree's class.
    """

    n_features: int
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    roots: Ints
    values: Floats

    def predict(self, rows: Floats) -> Floats:
        """Softmax probabilities (N, 3) of contiguous rows (N, F) without NaN."""
        out = np.empty((len(rows), CLASSES))
        trees_over(rows, self.feature, self.threshold, self.left, self.right, self.roots, self.values, out)
        return out


@kernel
def trees_over(rows: Floats, feature: Ints, threshold: Floats, left: Ints, right: Ints, roots: Ints, values: Floats, out: Floats) -> None:
    """Scores of rows (N, F), tree by tree, and their softmax, into out (N, 3)."""
    for i in range(rows.shape[0]):
        for k in range(3):
            out[i, k] = 0.0
        for t in range(len(roots)):
            place = roots[t]
            while place >= 0:
                place = left[place] if rows[i, feature[place]] <= threshold[place] else right[place]
            out[i, t % 3] += values[~place]
        top = max(max(out[i, 0], out[i, 1]), out[i, 2])
        total = 0.0
        for k in range(3):
            out[i, k] = math.exp(out[i, k] - top)
            total += out[i, k]
        for k in range(3):
            out[i, k] /= total


def read_trees(text: bytes, where: str, name: str) -> Trees:
    """Trees from LightGBM's text; ModelRefused, naming the file, for what is not whole or not of the kind that is read."""
    try:
        told, ended, _ = text.decode("ascii").partition("\nend of trees")
        head, *bodies = told.split("\nTree=")
        facts = _facts(head)
        if not ended:
            raise damaged(name, where, "it ends before its trees do")
        if (facts["objective"], facts["num_tree_per_iteration"], facts["version"]) != (_OBJECTIVE, "3", "v4") or "average_output" in head.split():
            raise damaged(name, where, f"its objective is {facts['objective']}, version {facts['version']}, not {_OBJECTIVE}, version v4")
        trees = _joined(int(facts["max_feature_idx"]) + 1, [_facts(body) for body in bodies])
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise damaged(name, where, f"it is no tree model: {error!r}") from error
    wrong = _wrong(trees)
    if wrong:
        raise damaged(name, where, wrong)
    return trees


def _facts(block: str) -> dict[str, str]:
    """Lines of the form name=value."""
    return {key: value for key, found, value in (line.partition("=") for line in block.splitlines()) if found}


def _joined(n_features: int, trees: list[dict[str, str]]) -> Trees:
    """All trees' splits and leaves one after another; ValueError for a tree of another kind."""
    splits, leaves = 0, 0
    columns: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "left", "right", "roots", "values")}
    for facts in trees:
        count = int(facts["num_leaves"])
        parts = [_numbers(facts[key], kind, count - 1) for key, kind in _SPLIT]
        kinds = parts.pop()
        if facts["num_cat"] != "0" or facts["is_linear"] != "0" or ((kinds & (_CATEGORICAL | _MISSING_IS_ZERO)) != 0).any():
            raise ValueError("a tree has categories, linear leaves, or zeros that mean missing")
        for side, children in (("left", parts[2]), ("right", parts[3])):
            inner = children > np.arange(count - 1)  # a child is made after its parent, so no walk is endless
            if not (inner | ((children < 0) & (children >= -count))).all() or (children >= count - 1).any():
                raise ValueError("a split leads nowhere")
            columns[side].append(np.where(children >= 0, children + splits, children - leaves))
        columns["feature"].append(parts[0])
        columns["threshold"].append(parts[1])
        columns["roots"].append(splits if count > 1 else ~leaves)
        columns["values"].append(_numbers(facts["leaf_value"], np.float64, count))
        splits, leaves = splits + count - 1, leaves + count
    whole = {name: np.concatenate([*parts, np.zeros(0)]) for name, parts in columns.items() if name != "roots"}
    ints = {name: whole[name].astype(np.int64) for name in ("feature", "left", "right")}
    return Trees(n_features, threshold=whole["threshold"], values=whole["values"], roots=np.array(columns["roots"], np.int64), **ints)


_SPLIT: tuple[tuple[str, Any], ...] = (
    ("split_feature", np.int64),
    ("threshold", np.float64),
    ("left_child", np.int64),
    ("right_child", np.int64),
    ("decision_type", np.int64),
)


def _numbers(text: str, kind: Any, count: int) -> NDArray[Any]:
    found = np.array(text.split(), dtype=kind)
    if len(found) != count:
        raise ValueError(f"{len(found)} numbers where {count} are expected")
    return found


def _wrong(trees: Trees) -> str:
    """What in whole trees cannot be, "" where nothing."""
    if not len(trees.roots) or len(trees.roots) % CLASSES:
        return f"it has {len(trees.roots)} trees, not a multiple of {CLASSES}"
    if len(trees.feature) and not 0 <= int(trees.feature.min()) <= int(trees.feature.max()) < trees.n_features:
        return f"a split reads a feature that is not among its {trees.n_features}"
    if not (np.isfinite(trees.values).all() and np.isfinite(trees.threshold).all()):
        return "a number is not finite"
    return ""
