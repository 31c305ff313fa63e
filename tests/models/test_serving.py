"""Serving: known answers of the small kernels, the same bits without compiling, and nothing of the training libraries loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metastackerbandit.domain.errors import ModelRefused
from metastackerbandit.models import heads, logistic, scaling, settling
from metastackerbandit.models.heads import Heads
from metastackerbandit.models.logistic import Logistic
from metastackerbandit.models.persistence import Persistence
from metastackerbandit.models.scaling import Scaler
from metastackerbandit.training.fitting.heads import fit_heads
from tests.covering import covers
from tests.models.planted import SMALL, gappy

SCALER = Scaler(np.array([1.0, 10.0]), np.array([2.0, 0.0]), 8.0)
LOGISTIC = Logistic(SCALER, np.array([[1.0, 5.0], [0.0, 5.0], [-1.0, 5.0]]), np.array([0.0, np.log(2.0), 0.0]), np.zeros(3), 1.0, "by hand")
SCORES = arrays(np.float64, (5, 3), elements=st.floats(1e-300, 1e300))


def plain(kernel: Any) -> Any:
    """The kernel as Python runs it."""
    return getattr(kernel, "py_func", kernel)


def test_a_logistic_row_by_hand():
    x = np.log(3.0) / 2.0 + 1.0  # scaled: log 3
    p = LOGISTIC.predict(np.array([[x, 77.0]]))
    assert p[0] == pytest.approx(np.array([3.0, 2.0, 1 / 3]) / (5 + 1 / 3), abs=1e-15)


def test_scaling_by_hand():
    rows = np.array([[1.5, 3.0], [np.nan, 3.0], [100.0, 3.0], [-100.0, np.nan]])
    assert np.array_equal(SCALER.applied(rows), [[1.0, 0.0], [0.0, 0.0], [8.0, 0.0], [-8.0, 0.0]])
    unused = Scaler(np.array([1e308]), np.array([0.0]), 8.0)
    assert unused.applied(np.array([[-1e308]]))[0, 0] == 0.0  # their difference is infinite


def test_persistence_by_hand():
    table = np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6]])
    learner = Persistence(2, 1, "log_return_12", table, 2.0, "by hand")
    rows = np.array([[9.0, -1e-9], [9.0, 0.0], [9.0, np.nan], [-9.0, 1e-9]])
    assert np.array_equal(learner.predict(rows), table[[0, 1, 1, 2]])


@given(SCORES)
def test_settled_scores_are_probabilities_and_mirror_to_the_bit(raw):
    p = settling.settled(raw, np.zeros(3))
    assert np.abs(p.sum(axis=1) - 1.0).max() < 1e-12 and (p >= 0.999 * settling.FLOOR).all()
    assert np.array_equal(settling.settled(np.ascontiguousarray(raw[:, ::-1]), np.zeros(3)), p[:, ::-1])


def test_a_class_never_seen_keeps_its_share_and_the_others_divide_the_rest():
    p = settling.settled(np.array([[3.0, 123.0, 1.0]]), np.array([0.0, 0.2, 0.0]))
    assert p[0] == pytest.approx([0.6, 0.2, 0.2], abs=1e-15)


def test_kernels_give_the_same_bits_without_compiling():
    rows = gappy(40).rows[:, :2].copy()
    numbers = (SCALER.centre, SCALER.per_unit, SCALER.most, LOGISTIC.coefficients, LOGISTIC.intercepts)
    steps: tuple[tuple[Any, tuple[Any, ...], int], ...] = (
        (logistic.softmax_over, numbers, 3),
        (heads.lines_over, numbers, 2),
        (scaling.scale_over, numbers[:3], 2),
    )
    for kernel, given_to, width in steps:
        one, two = np.zeros((40, width)), np.zeros((40, width))
        kernel(rows, *given_to, one)
        plain(kernel)(rows, *given_to, two)
        assert np.array_equal(one, two)
    one, two = np.zeros((40, 3)), np.zeros((40, 3))
    raw = np.abs(np.random.default_rng(0).normal(size=(40, 3)))
    settling.settle(raw, np.zeros(3), settling.FLOOR, one)
    plain(settling.settle)(raw, np.zeros(3), settling.FLOOR, two)
    assert np.array_equal(one, two)


@covers("A19", "A20")
def test_heads_keep_the_contract_of_learners():
    found = fit_heads(gappy(), SMALL, 1_000.0)
    files, rows = found.pack(), gappy(60, seed=9).rows
    together = found.predict(rows)
    assert np.isfinite(together).all() and together.shape == (60, 2)
    assert np.array_equal(np.concatenate([found.predict(rows[i : i + 1]) for i in range(60)]), together)
    assert np.array_equal(Heads.unpack(files).predict(rows), together) and Heads.unpack(files).pack() == files
    assert fit_heads(gappy(), SMALL, 1_000.0).pack() == files
    with pytest.raises(ModelRefused, match="facts"):
        Heads.unpack({"facts": files["facts"][:-2]})
    with pytest.raises(ModelRefused, match=r"\(60, 7\).*\(N, 8\)"):
        found.predict(rows[:, :7])


_SERVE = """
import sys
from metastackerbandit.models import catalog, heads
import numpy as np
from metastackerbandit.models.prior import Prior
from metastackerbandit.models.persistence import Persistence
catalog.unpack("prior", Prior(2, np.full(3, 1 / 3), "").pack()).predict(np.zeros((1, 2)))
late = {"sklearn", "skl2onnx", "torch", "lightgbm", "onnx", "onnxruntime", "pandas"}
print(sorted({name.partition(".")[0] for name in sys.modules} & late))
"""


def test_serving_imports_no_library_before_it_needs_it():
    found = subprocess.run([sys.executable, "-c", _SERVE], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
