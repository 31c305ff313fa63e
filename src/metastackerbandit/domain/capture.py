"""A capture: what venues sent, byte for byte, and when it came."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.recording import QualityIssue


class Capture(Struct, frozen=True, eq=False):
    """Frames (F,) in the order of their arrival: frame `f` is text[starts[f]:ends[f]] (bytes as uint8), received at received_ns[f].

    `asked` (F,) is -1 for what a stream sent, and for the body of a REST reply the place in `urls` of what was asked for ("" where the recorder
    did not say). `issues` are what was found while reading (lines that are no frames); `source` names the files.

    A reader of tables says what the frames cannot: which `instruments` there are, in which steps; `is_rows` where frames are not a venue's but
    rows that were read already (domain/row_frames.py); `lines` (F,) on which line of its file a frame begins, empty where lines do not tell.
    """

    text: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    received_ns: np.ndarray
    asked: np.ndarray
    urls: tuple[str, ...]
    source: str
    issues: tuple[QualityIssue, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    is_rows: bool = False
    lines: tuple[int, ...] = ()

    def frame(self, place: int) -> bytes:
        """One frame's bytes."""
        return self.text[self.starts[place] : self.ends[place]].tobytes()
