"""What a run held at a moment, as its journal has it: positions by the fills, marks and equity by the decisions, stops by the orders."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import NotFound
from metastackerbandit.domain.money import money_digits
from metastackerbandit.domain.rows import CANCELLED, EXPIRED, FILLED, REJECTED, STOP
from metastackerbandit.domain.timeframe import DAYS_A_YEAR
from metastackerbandit.storage.run_view import RunView

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENDED = (FILLED, CANCELLED, REJECTED, EXPIRED)


class BookHolding(Struct, frozen=True):
    """One book's position: signed lots, mark (ticks) and when it was seen, signed notional (account currency).

    `volatility` is the deviation of a day as a share of price, NaN while not known; `to_stop` what the position loses from its mark to its working
    stop (account currency, 0 where the stop is in profit), NaN where none stands.
    """

    book: int
    lots: int
    mark: int
    marked_ns: int
    notional: float
    volatility: float
    to_stop: float


class Holdings(Struct, frozen=True):
    """The account at a moment: equity at the newest decision, its peak until then (account currency), and the books that hold anything."""

    at_ns: int
    equity: float
    peak: float
    books: tuple[BookHolding, ...]


class Course(Struct, frozen=True, eq=False):
    """A run's course, read once: decisions (D,) with their times, equity and close, fills (N,) and orders (O,), in the journal's layouts."""

    decisions: np.ndarray
    fills: np.ndarray
    orders: np.ndarray
    units: Floats  # (B,) account currency for one tick of one lot, by book
    digits: int


def course_of(view: RunView) -> Course:
    """Everything that holdings are made from; NotFound where the run decided nothing."""
    rows = view.decided()
    if not len(rows):
        raise NotFound(f"run {view.row.run} has decided nothing", where=str(view.home), mend="name a run that has traded: `msb risk 3`")
    digits = money_digits(view.row.instruments[0].quote)
    units = np.array([instrument.rules().unit / 10**digits for instrument in view.row.instruments])
    return Course(rows[np.argsort(rows["at_ns"], kind="stable")], view.fills(), view.orders(), units, digits)


def holdings_at(course: Course, at_ns: int) -> Holdings:
    """The account as it stood then."""
    known = course.decisions[: int(np.searchsorted(course.decisions["at_ns"], at_ns, "right"))]
    if not len(known):
        raise NotFound("the run had decided nothing by then", where="--at", mend="name a later time")
    equity = known["equity"].astype(np.float64) / 10**course.digits
    fills = course.fills[course.fills["at_ns"] <= at_ns]
    books = []
    for book in range(len(course.units)):
        lots = int(fills["lots"][fills["instrument"] == book].sum())
        own = known[known["instrument"] == book]
        if lots and len(own):
            books.append(_holding(course, book, lots, own[-1], at_ns))
    return Holdings(at_ns, float(equity[-1]), float(equity.max()), tuple(books))


def _holding(course: Course, book: int, lots: int, seen: Any, at_ns: int) -> BookHolding:
    mark, unit = int(seen["close"]), float(course.units[book])
    stop = _stop_of(course.orders, book, lots, at_ns)
    side = 1 if lots > 0 else -1
    return BookHolding(
        book=book,
        lots=lots,
        mark=mark,
        marked_ns=int(seen["closed_ns"]),
        notional=lots * mark * unit,
        volatility=float(seen["volatility"]) / math.sqrt(DAYS_A_YEAR),
        to_stop=math.nan if stop == 0 else max(abs(lots) * side * (mark - stop) * unit, 0.0),
    )


def _stop_of(orders: np.ndarray, book: int, lots: int, at_ns: int) -> int:
    """Trigger (ticks) of the stop that stood then, 0 for none; of one that was moved later, as it was at its end."""
    own = orders[(orders["instrument"] == book) & (orders["kind"] == STOP) & (orders["sent_ns"] <= at_ns)]
    stands = ~np.isin(own["state"], ENDED) | (own["at_ns"] > at_ns)
    own = own[stands & (np.sign(own["lots"]) == -np.sign(lots))]
    return int(own["trigger"][-1]) if len(own) else 0


def notionals_at(course: Course, times: Ints) -> Floats:
    """Signed notionals (M, B) of the books at rising times (M,), each at the newest close that was decided on by then; 0 before any."""
    found = np.zeros((len(times), len(course.units)))
    for book, unit in enumerate(course.units):
        fills = course.fills[course.fills["instrument"] == book]
        own = course.decisions[course.decisions["instrument"] == book]
        lots = np.concatenate(([0], np.cumsum(fills["lots"])))[np.searchsorted(fills["at_ns"], times, "right")]
        place = np.searchsorted(own["at_ns"], times, "right") - 1
        if len(own):
            found[:, book] = np.where(place >= 0, lots * own["close"][place] * unit, 0.0)
    return found


def equity_at(course: Course, times: Ints) -> Floats:
    """Equity (M,) at the newest decision by each time; NaN before the first."""
    place = np.searchsorted(course.decisions["at_ns"], times, "right") - 1
    equity = course.decisions["equity"].astype(np.float64) / 10**course.digits
    return np.where(place >= 0, equity[np.maximum(place, 0)], math.nan)


def largest_exposure_ns(course: Course, until_ns: int) -> int:
    """When gross notional was largest over the decisions until then; 0 where nothing was ever held."""
    times = np.unique(course.decisions["at_ns"])
    times = times[times <= until_ns]
    gross = np.abs(notionals_at(course, times)).sum(axis=1)
    place = int(gross.argmax()) if len(gross) else 0
    return int(times[place]) if len(gross) and gross[place] > 0.0 else 0
