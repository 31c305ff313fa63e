"""A capture gives each frame's bytes back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.capture import Capture


@given(frames=st.lists(st.binary(max_size=9), max_size=8), gap=st.integers(0, 3))
def test_frames_come_back_as_they_were_sent(frames: list[bytes], gap: int) -> None:
    text = b"".join(frame + b"#" * gap for frame in frames)
    lengths = np.array([len(frame) for frame in frames], np.int64)
    starts = np.cumsum(lengths + gap) - lengths - gap
    none = np.zeros(len(frames), np.int64)
    capture = Capture(np.frombuffer(text, np.uint8), starts, starts + lengths, none, none - 1, (), "made")
    assert [capture.frame(place) for place in range(len(frames))] == frames
