"""A capture: what venues sent, byte for byte, and when it came."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.recording import QualityIssue


class Capture(Struct, frozen=True, eq=False):
    """Frames (F,) in the order of their arrival: frame `f` is text[starts[f]:ends[f]] (bytes as uint8), received at received_ns[f].

    `asked` (F,) is -1 for what a stream sent, and for the body of a REST reply the place in `urls` of what was asked for ("" where the recorder
    did not say). `issues` are what was found while reading (lines that are no frames); `source` names the files.
    """

    text: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    received_ns: np.ndarray
    asked: np.ndarray
    urls: tuple[str, ...]
    source: str
    issues: tuple[QualityIssue, ...] = ()

    def frame(self, place: int) -> bytes:
        """One frame's bytes."""
        return self.text[self.starts[place] : self.ends[place]].tobytes()
