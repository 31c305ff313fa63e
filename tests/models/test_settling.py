"""Settled scores are probabilities: none is impossible, classes never seen keep their share, and mirrored scores mirror to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metastackerbandit.models.settling import FLOOR, settle, settled
from tests.covering import covers
from tests.models.by_hand import ALL_SEEN, plain

SCORES = arrays(np.float64, (5, 3), elements=st.floats(1e-300, 1e300))
NEVER_SEEN = st.sampled_from([(0.0, 0.0, 0.0), (0.2, 0.0, 0.0), (0.0, 0.3, 0.0), (0.0, 0.0, 0.1), (0.2, 0.1, 0.0), (0.1, 0.0, 0.4), (0.0, 0.5, 0.2)])


@covers("A21")
@given(raw=SCORES, unseen=NEVER_SEEN)
def test_settled_scores_are_probabilities_and_mirror_to_the_bit(raw: np.ndarray, unseen: tuple[float, ...]) -> None:
    shares = np.array(unseen)
    p = settled(raw, shares)
    assert np.abs(p.sum(axis=1) - 1.0).max() < 1e-12 and (p >= 0.999 * FLOOR).all()
    assert np.array_equal(settled(np.ascontiguousarray(raw[:, ::-1]), shares[::-1].copy()), p[:, ::-1])


@given(raw=arrays(np.float64, (4, 3), elements=st.floats(0.01, 100.0)), unseen=NEVER_SEEN, power=st.integers(-300, 300))
def test_classes_that_were_seen_divide_by_their_scores_what_the_others_leave(raw: np.ndarray, unseen: tuple[float, ...], power: int) -> None:
    shares = np.array(unseen)
    seen = np.where(shares > 0.0, 0.0, raw)
    expected = shares + (1.0 - shares.sum()) * seen / seen.sum(axis=1, keepdims=True)
    assert settled(raw, shares) == pytest.approx(expected, rel=1e-12)
    assert np.array_equal(settled(np.ldexp(raw, power), shares), settled(raw, shares))  # any scale a row
    wild = np.where(shares > 0.0, 123.0, raw)
    assert np.array_equal(settled(wild, shares), settled(raw, shares))


def test_a_class_never_seen_keeps_its_share_and_the_others_divide_the_rest() -> None:
    p = settled(np.array([[3.0, 123.0, 1.0]]), np.array([0.0, 0.2, 0.0]))
    assert p[0] == pytest.approx([0.6, 0.2, 0.2], abs=1e-15)


@covers("A21")
def test_nothing_is_less_likely_than_one_in_a_million() -> None:
    raw = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    p = settled(raw, ALL_SEEN)
    assert p[0] == pytest.approx(np.array([1.0, 1e-6, 1e-6]) / (1.0 + 2e-6), rel=1e-12)
    assert p[1] == pytest.approx(np.array([1e-6, 0.5, 0.5]) / (1.0 + 1e-6), rel=1e-12)
    assert raw.tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]


@given(raw=SCORES)
def test_the_kernel_gives_the_same_bits_without_compiling(raw: np.ndarray) -> None:
    out = np.empty_like(raw)
    plain(settle)(raw, ALL_SEEN, FLOOR, out)
    assert out.tobytes() == settled(raw, ALL_SEEN).tobytes()
