"""Every monitor over a whole run: its rows in the order of time, through the same ports that hear a live one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct, field

from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import (
    CANCELLED,
    EXPIRED,
    FILLED,
    REJECTED,
    DecisionRow,
    FillRow,
    LedgerRow,
    OrderRow,
    OutcomeRow,
    TripRow,
)
from metastackerbandit.evaluation.monitors.hearing import TIMES, blank_alarms, hear_all, watch_of
from metastackerbandit.evaluation.monitors.matured import Matured
from metastackerbandit.evaluation.monitors.spec import KINDS, BookTerms
from metastackerbandit.evaluation.settings import MonitorSettings

ENDS = (FILLED, CANCELLED, REJECTED, EXPIRED)
_ROOM = 4_096  # alarm rows at once


class Told(Struct, frozen=True, eq=False):
    """A run's rows, each kind in the order of the journal; orders by their last state. What was not recorded is empty."""

    decisions: np.ndarray = field(default_factory=lambda: rows(DecisionRow, 0))
    observed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    limit: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    verdict: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    predictions: np.ndarray = field(default_factory=lambda: rows(Prediction, 0))
    orders: np.ndarray = field(default_factory=lambda: rows(OrderRow, 0))
    fills: np.ndarray = field(default_factory=lambda: rows(FillRow, 0))
    ledger: np.ndarray = field(default_factory=lambda: rows(LedgerRow, 0))
    trips: np.ndarray = field(default_factory=lambda: rows(TripRow, 0))
    outcomes: np.ndarray = field(default_factory=lambda: rows(OutcomeRow, 0))
    matured: np.ndarray = field(default_factory=lambda: rows(Matured, 0))


class Watched(Struct, frozen=True, eq=False):
    """What the monitors remember at the end, of which books, and every alarm (N,) in the layout of AlarmRow."""

    watch: Any
    books: tuple[BookTerms, ...]
    gates: tuple[str, ...]
    settings: MonitorSettings
    alarms: np.ndarray
    decided: int
    last_ns: int


def watch_run(told: Told, books: Sequence[BookTerms], gates: Sequence[str], settings: MonitorSettings) -> Watched:
    """Hear a whole run; `books` in the order of `instrument`, higher frames of the predictions are added behind them."""
    all_books = (*books, *heard_frames(told.predictions, books))
    watch = watch_of(all_books, len(gates), settings)
    orders = last_states(told.orders)
    kinds: tuple[np.ndarray, ...] = (
        told.predictions,
        told.matured,
        told.decisions,
        orders,
        orders[np.isin(orders["state"], ENDS)],
        told.fills,
        told.ledger[told.ledger["instrument"] >= 0],
        told.trips,
        own_outcomes(told.outcomes),
    )
    order = order_of(kinds, all_books)
    trace = [np.ascontiguousarray(part, kind) for part, kind in ((told.observed, np.float64), (told.limit, np.float64), (told.verdict, np.int8))]
    alarms, done, found = blank_alarms(_ROOM), 0, []
    given = [np.ascontiguousarray(part) for part in kinds]
    while done < len(order):
        done, count = hear_all(watch, order, done, *given, *trace, alarms)
        found.append(alarms[:count].copy())
    last = max((int(part[TIMES[kind]].max()) for kind, part in enumerate(kinds) if len(part)), default=0)
    kept = np.concatenate(found) if found else blank_alarms(0)
    return Watched(watch, all_books, tuple(gates), settings, kept, len(told.decisions), last)


def heard_frames(predictions: np.ndarray, books: Sequence[BookTerms]) -> tuple[BookTerms, ...]:
    """Books without decisions for the higher frames that were predicted."""
    known = {(book.instrument, book.frame_ns) for book in books}
    found = sorted({(int(one["instrument"]), int(one["frame_ns"])) for one in np.unique(predictions[["instrument", "frame_ns"]])} - known)
    return tuple(voice_of(books, instrument, frame_ns) for instrument, frame_ns in found)


def voice_of(books: Sequence[BookTerms], instrument: int, frame_ns: int) -> BookTerms:
    """A higher frame that a book hears: it has no decisions, and no card or limit of its own is known."""
    nothing = float("nan")
    unit = next((book.unit for book in books if book.instrument == instrument), 1)
    return BookTerms(instrument, frame_ns, 0, unit, nothing, nothing, nothing, 0, nothing, -1)


def last_states(orders: np.ndarray) -> np.ndarray:
    """The last state of every order, by number; the journal has them so, a run in memory has all of them."""
    if not len(orders):
        return orders
    by_number = orders[np.argsort(orders["order"], kind="stable")]
    return by_number[np.append(by_number["order"][1:] != by_number["order"][:-1], True)]


def own_outcomes(outcomes: np.ndarray) -> np.ndarray:
    """Outcomes of arms' own portfolios; those of trades that a gate prevented are another matter. In today's layout."""
    names = outcomes.dtype.names or ()
    return outcomes[outcomes["gate"] < 0] if "gate" in names else outcomes


def order_of(kinds: Sequence[np.ndarray], books: Sequence[BookTerms]) -> np.ndarray:
    """Every row as (kind, place, book), in the order of time; at one instant in the order of spec.KINDS."""
    places = {(book.instrument, book.frame_ns): s for s, book in enumerate(books)}
    deciding = {book.instrument: s for s, book in reversed(tuple(enumerate(books))) if book.decides}
    times, parts = [], []
    for kind, part in enumerate(kinds):
        if not len(part):
            continue
        if KINDS[kind] in ("prediction", "matured"):
            pairs, inverse = np.unique(part[["instrument", "frame_ns"]], return_inverse=True)
            found = np.array([places.get((int(one["instrument"]), int(one["frame_ns"])), -1) for one in pairs], np.int64)
        else:
            numbers, inverse = np.unique(part["instrument"], return_inverse=True)
            found = np.array([deciding.get(int(number), -1) for number in numbers], np.int64)
        book = found[inverse]
        times.append(part[TIMES[kind]])
        parts.append(np.stack((np.full(len(part), kind, np.int64), np.arange(len(part), dtype=np.int64), book), axis=1))
    if not parts:
        return np.zeros((0, 3), np.int64)
    order, at = np.concatenate(parts), np.concatenate(times)
    order = order[np.lexsort((order[:, 1], order[:, 0], at))]
    return np.ascontiguousarray(order[order[:, 2] >= 0])
