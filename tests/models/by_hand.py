"""Learners whose answers a reader can work out: two features, of which the second is not used, and numbers chosen by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.models import exported, lightgbm
from metastackerbandit.models.learner import Learner
from metastackerbandit.models.logistic import Logistic
from metastackerbandit.models.persistence import Persistence
from metastackerbandit.models.prior import Prior
from metastackerbandit.models.scaling import Scaler

WIDTH = 2
SCALER = Scaler(np.array([1.0, 10.0]), np.array([2.0, 0.0]), 8.0)
ALL_SEEN = np.zeros(3)
FEATURES = st.one_of(st.just(np.nan), st.floats(-1e150, 1e150), st.floats(-5.0, 5.0))
ROWS = st.integers(0, 6).flatmap(lambda count: arrays(np.float64, (count, WIDTH), elements=FEATURES))

PRIOR = Prior(WIDTH, np.array([0.3, 0.3, 0.4]), "by hand")
PERSISTENCE = Persistence(WIDTH, 1, "log_return_12", np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]]), 2.0, "by hand")
LOGISTIC = Logistic(SCALER, np.array([[1.0, 5.0], [0.0, 5.0], [-1.0, 5.0]]), np.array([0.0, np.log(2.0), 0.0]), ALL_SEEN, 1.0, "by hand")

STUMPS = """tree
version=v4
num_class=3
num_tree_per_iteration=3
max_feature_idx=1
objective=multiclass num_class:3

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=1 -1
is_linear=0


Tree=1
num_leaves=1
num_cat=0
split_feature=
threshold=
decision_type=
left_child=
right_child=
leaf_value=0.25
is_linear=0


Tree=2
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-1 1
is_linear=0


end of trees
"""


def booster(unseen: np.ndarray = ALL_SEEN) -> lightgbm.Booster:
    """Scores (1, 1/4, -1) where the scaled first feature is at most a half, (-1, 1/4, 1) above."""
    return lightgbm.Booster(SCALER, unseen, STUMPS.encode(), 3.0, "by hand")


@cache
def graph_of(columns: int, width: int = WIDTH, name: str = exported.INPUT) -> bytes:
    """An ONNX graph that takes one row x and scores 1 + x0 * place, by the place of a column; two outputs before the scores do not count."""
    from onnx import TensorProto, checker, helper, numpy_helper

    slopes = np.zeros((width, columns), np.float32)
    slopes[0] = np.arange(columns)
    made = helper.make_graph(
        [
            helper.make_node("Neg", [name], ["first"]),
            helper.make_node("Abs", [name], ["second"]),
            helper.make_node("Gemm", [name, "slopes", "ones"], ["scores"]),
        ],
        "by_hand",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])],
        [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, many])
            for output, many in (("first", width), ("second", width), ("scores", columns))
        ],
        [numpy_helper.from_array(slopes, "slopes"), numpy_helper.from_array(np.ones(columns, np.float32), "ones")],
    )
    whole = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(whole)
    return bytes(whole.SerializeToString())


def graph(family: str, columns: tuple[int, ...] = (0, 1, 2), unseen: np.ndarray = ALL_SEEN) -> exported.Exported:
    """Scores 1, 1 + x and 1 + 2 x of the scaled first feature x, in this order of classes."""
    return exported.Exported(family, SCALER, columns, unseen, graph_of(len(columns)), 4.0, "by hand")


@cache
def one_of_each() -> dict[str, Learner]:
    """A learner of each family by its name."""
    all_: list[Learner] = [PRIOR, PERSISTENCE, LOGISTIC, booster(), graph(exported.EXTRA_TREES), graph(exported.MLP)]
    return {one.family: one for one in all_}


def plain(kernel: Any) -> Any:
    """The kernel as Python runs it."""
    return getattr(kernel, "py_func", kernel)


def facts_of(learner: Any) -> tuple[Any, ...]:
    """What a learner says of itself."""
    return learner.family, learner.n_features, learner.effective_dof, learner.note


@contextmanager
def refused(match: str, where: str) -> Iterator[None]:
    """Refused in such words, with its place and a mend."""
    with pytest.raises(ModelRefused, match=match) as caught:
        yield
    assert caught.value.where == where and caught.value.mend
