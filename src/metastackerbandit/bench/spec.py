"""A benchmark: what is measured, beside whom, and what must be equal before anything is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import MsbError

OURS = "ours"  # our own side among those of a benchmark


class Unequal(MsbError):
    """A peer's answer is not ours: its time would be that of other work."""


class Asked(Struct, frozen=True):
    """What a peer is asked: `kind` and `job` go to the `script` in its `home` (a folder of benchmarks/peers).

    `check` is the job whose answer is compared, where the timed one tells less. `amount` is how much of the work the peer is given, where it
    would take minutes over all of it: rates are compared, and its answer is held against ours over that part.
    """

    home: str
    kind: str
    job: dict[str, Any]
    script: str = "play.py"
    check: dict[str, Any] | None = None
    amount: float | None = None


class Prepared(Struct, frozen=True, eq=False):
    """A benchmark ready to run: data read, kernels compiled, nothing timed yet.

    `run` does all of the work once; `amount` is how much that is, in `unit`s. `peers` are those who can do the same. `equal` compares a peer's
    answer with ours, says what was compared, or raises Unequal. `steps_ms`, asked after the last run, are the times of single steps where the
    work is made of them (else a percentile is one of runs). `facts`, asked then too, are further figures by name; `notes` say what a reader
    must know of the data. `waits_ms(side, answer)`, where the work is done at the market's pace, are the waits (N,) that a run of a side has
    measured: the time of a run is then their median, its CPU time that of one of them, and percentiles are of all waits of a side.
    `cpu_s`, where the work is done by other processes that go on, tells their processor seconds so far.
    """

    run: Callable[[], Any]
    amount: float
    unit: str
    peers: Mapping[str, Asked] = {}
    equal: Callable[[str, Any, Any], str] | None = None
    steps_ms: Callable[[], np.ndarray] | None = None
    facts: Callable[[], dict[str, float]] | None = None
    notes: Sequence[str] = ()
    waits_ms: Callable[[str, Any], np.ndarray] | None = None
    cpu_s: Callable[[], float] | None = None


class Target(Struct, frozen=True):
    """What a result must show: `figure` (ratio, rate or the name of a fact) at least, or at most, `limit`; `text` says it in words."""

    figure: str
    limit: float
    text: str
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether a figure shows it; NaN does not."""
        return value <= self.limit if self.at_most else value >= self.limit


class Benchmark(Struct, frozen=True):
    """One line of the catalog. `prepare` is given a stack that outlives the runs, and the folder of recorded candles (None: there is none).

    `round_s` is how long a round lasts on any machine (0: as long as its work takes); for how long to measure can then be asked for.
    """

    name: str
    work: str
    prepare: Callable[[ExitStack, Path | None], Prepared]
    target: Target | None = None
    is_long: bool = False
    rounds: int = 7
    round_s: float = 0.0
