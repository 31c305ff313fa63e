"""Completeness: the mean of shares, none above one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.completeness import completeness_of, share_of
from tests.covering import covers


@covers("2.033")
@given(blocks=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), max_size=6))
def test_completeness_is_the_mean_share_of_frames_that_are_there(blocks: list[tuple[int, int]]) -> None:
    frames, required = (np.array([block[side] for block in blocks], np.int64) for side in (0, 1))
    shares = [min(1.0, have / need) if need else 1.0 for have, need in blocks]
    assert [share_of(have, need) for have, need in blocks] == shares
    assert completeness_of(frames, required) == pytest.approx(sum(shares) / len(shares) if shares else 1.0)
    assert 0.0 <= completeness_of(frames, required) <= 1.0
