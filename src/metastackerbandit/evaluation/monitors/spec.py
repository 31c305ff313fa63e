"""A monitor: one question about a run, a statistic with a stated rate of false alarms, and an answer that is never good for lack of data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import HALT, WARN

UNAVAILABLE, OK = -1, 0  # beside the severities of alarms
LEVELS = {UNAVAILABLE: "UNAVAILABLE", OK: "OK", WARN: "WARN", HALT: "HALT"}

# What a monitor can hear, in the order in which it is heard at one instant.
PREDICTION, MATURED, DECISION, LEFT, ENDED, FILL, LEDGER, TRIP, OUTCOME = range(9)
KINDS = ("prediction", "matured", "decision", "left", "ended", "fill", "ledger", "trip", "outcome")

Figures = dict[str, Any]


class BookTerms(Struct, frozen=True):
    """What monitors must know of a book (a symbol on a frame), or of a higher frame that a book hears (`decides` 0).

    `unit` is money units for one tick of one lot. `share_up`, `signal_sd` and `fire_rate` are what training saw out of fold: share of
    UP among directional outputs, spread of p_up - p_down, share that reaches the confidence limit; NaN where no card says so.
    `confidence` is a place in CONFIDENCES, `min_confidence` the limit where no gate tells one (NaN: none), `confidence_gate` that
    gate's place in the trace (-1: none).
    """

    instrument: int
    frame_ns: int
    decides: int
    unit: int
    share_up: float
    signal_sd: float
    fire_rate: float
    confidence: int
    min_confidence: float
    confidence_gate: int


CONFIDENCES = ("p_dir", "p_max3", "p_dir_cond", "strength")


class Context(Struct, frozen=True):
    """What a sentence about a book may name: the trace's gates, in order, and the records of its terms and of the limits."""

    gates: tuple[str, ...]
    book: Any
    limits: Any


class MonitorSpec(Struct, frozen=True, kw_only=True):
    """A monitor beside its kernels.

    `warn` and `halt` name the limits in MonitorSettings ("": this one never halts), `sense` the side of them that alarms.
    `false_alarm_rate` is the chance that a sound book is warned about, over `rate_of` (a run, a window); `rate_by` says how that is
    known. `needs` names what must be recorded; `missing` is the reason given while it is not. `counts` names what alarms count.

    `state` is a record a book, `memory(G)` the floats beside it for G gates. Each of `hears` is a kind and its step
    (state, memory, book, limits, row), and for decisions also the trace (observed (G,), limit (G,), verdict (G,));
    `read(state, memory, book, limits) -> (observed, limit, level, counted)`; `told(state, memory, context) -> (sentence, figures)`.
    """

    name: str
    question: str
    statistic: str
    null: str
    unit: str
    sense: str = "at least"
    warn: str
    halt: str = ""
    false_alarm_rate: float
    rate_of: str = "a run"
    rate_by: str
    counts: str
    needs: tuple[str, ...]
    missing: str
    state: type[Struct]
    memory: Callable[[int], int] = lambda gates: 0
    hears: tuple[tuple[int, Callable[..., None]], ...]
    read: Callable[..., Any]
    told: Callable[[Any, Any, Context], tuple[str, Figures]]


@kernel
def reaching(observed: float, warn: float, halt: float, counted: int) -> tuple[float, float, int, int]:
    """The reading of a number that alarms from a limit upwards; NaN is UNAVAILABLE."""
    if math.isnan(observed):
        return observed, warn, -1, counted
    if observed >= halt:
        return observed, halt, 2, counted
    if observed >= warn:
        return observed, warn, 1, counted
    return observed, warn, 0, counted


@kernel
def falling(observed: float, warn: float, halt: float, counted: int) -> tuple[float, float, int, int]:
    """The reading of a number that alarms from a limit downwards; NaN is UNAVAILABLE."""
    if math.isnan(observed):
        return observed, warn, -1, counted
    if observed <= halt:
        return observed, halt, 2, counted
    if observed <= warn:
        return observed, warn, 1, counted
    return observed, warn, 0, counted


@kernel
def unavailable(warn: float, counted: int) -> tuple[float, float, int, int]:
    """The reading without data."""
    return math.nan, warn, -1, counted
