"""A sink that begins in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metastackerbandit.domain.effects import Decided
from metastackerbandit.domain.sink import Sink


class FromNowOn:
    """A sink that lets nothing through until it is opened: what was heard only to be warm was not traded, and is not kept as if it were."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self.is_open = sink, False

    def open(self) -> None:
        """Let everything through from here on."""
        self.is_open = True

    def watched_by(self, decided: Callable[[Decided], None] | None) -> Callable[[Decided], None]:
        """Who looks on, from then on."""
        return lambda one: decided(one) if decided is not None and self.is_open else None

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Decisions with their traces."""
        if self.is_open:
            self._sink.decisions(rows, observed, limit, verdict)

    def __getattr__(self, name: str) -> Callable[[np.ndarray], None]:
        """Rows of any other kind."""
        pass_on: Callable[[np.ndarray], None] = getattr(self._sink, name)
        return lambda rows: pass_on(rows) if self.is_open else None
