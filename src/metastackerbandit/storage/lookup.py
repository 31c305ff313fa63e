"""Finding decisions of a run: the last, the last trade, the last blocked one, a number, what was in force for a book at a time; or many."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.domain.errors import NotFound, UsageError
from metastackerbandit.domain.kernel import struct_of
from metastackerbandit.domain.rows import ENTER, DecisionRow
from metastackerbandit.domain.timeframe import DAY_NS, frame_ns
from metastackerbandit.storage.decision_columns import Decisions
from metastackerbandit.storage.run_view import RunView

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WORDS = "say `last`, `last-trade`, `last-blocked`, a decision's number, SYMBOL@TIME such as BTCUSDT@2024-03-01T12:35, or SYMBOL/FRAME@TIME"
_COLUMNS = ("decision", "instrument", "closed_ns", "side", "kind", "sent", "asks_risk", "binding")


class Found(Struct, frozen=True, eq=False):
    """One decision with its trace: observed, limit, verdict (G,)."""

    row: DecisionRow
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray


class Among(Struct, frozen=True):
    """Which decisions are looked at: of some books (None: all), of one side (0: both), from a closing time on, up to a decision's number."""

    books: tuple[int, ...] | None = None
    side: int = 0
    since_ns: int | None = None
    until: int | None = None

    def mask(self, rows: np.ndarray) -> np.ndarray:
        """Which of the rows (N,) are among them."""
        kept = np.ones(len(rows), bool)
        if self.books is not None:
            kept &= np.isin(rows["instrument"], self.books)
        if self.side:
            kept &= rows["side"] == self.side
        if self.since_ns is not None:
            kept &= rows["closed_ns"] >= self.since_ns
        if self.until is not None:
            kept &= rows["decision"] <= self.until
        return kept


EVERY = Among()


def find_decision(view: RunView, which: str | int, among: Among = EVERY) -> Found:
    """The newest decision of a run that `which` names, among some."""
    wanted, missing = _meaning(view, str(which).strip())
    for rows, observed, limit, verdict in view.decisions_where(_COLUMNS, lambda rows: np.flatnonzero(wanted(rows) & among.mask(rows))[-1:]):
        return Found(struct_of(DecisionRow, rows[0]), observed[0], limit[0], verdict[0])
    raise NotFound(f"run {view.row.run} has no {missing}{'' if among == EVERY else ' among those asked for'}", where=str(view.home), mend=_WORDS)


def up_to(view: RunView, which: str, among: Among = EVERY) -> Among:
    """The same decisions, up to the one that `which` names, and of its book where it names a symbol; `last` leaves nothing out."""
    if which.strip() == "last":
        return among
    last = find_decision(view, which, among).row.decision
    book, at, _ = which.rpartition("@")
    books = _books_named(view, book.strip()) if at else None
    if books is not None and among.books is not None:
        books = tuple(place for place in books if place in among.books)
    return structs.replace(among, books=among.books if books is None else books, until=last)


def wishes(view: RunView, since_ns: int | None) -> Decisions:
    """Decisions that asked for new risk, from a closing time on, in the order of deciding."""
    names = ("closed_ns", "asks_risk")
    blocks = list(view.decisions_where(names, lambda rows: (rows["asks_risk"] != 0) & Among(since_ns=since_ns).mask(rows)))
    if not blocks:
        return view.no_decisions()
    return Decisions(*(np.concatenate(parts) for parts in zip(*reversed(blocks), strict=True)))


def among_of(view: RunView, symbol: str | None, frame: str | None, side: str | None, days: float | None) -> Among:
    """What flags narrow a look to; `days` count back from the run's last decision."""
    books: tuple[int, ...] | None = None
    if symbol is not None:
        books = view.places_of(symbol.upper(), None if frame is None else frame_ns(frame))
    elif frame is not None:
        books = tuple(place for place in range(len(view.row.instruments)) if view.row.frame_of(place) == frame_ns(frame))
        if not books:
            raise NotFound(f"run {view.row.run} does not trade on {frame}", where="journal", mend="`msb explain last` names a frame that it trades")
    if side is not None and side.upper() not in ("BUY", "SELL"):
        raise UsageError(f"{side!r} is no side", where="--side", mend="say BUY or SELL")
    return Among(books, {"BUY": 1, "SELL": -1}[side.upper()] if side else 0, _since(view, days))


def _since(view: RunView, days: float | None) -> int | None:
    if days is None:
        return None
    newest = next(view.decisions_where(("closed_ns",), _newest), None)
    return 0 if newest is None else int(newest.rows["closed_ns"][0]) - int(days * DAY_NS) + 1


def _newest(rows: np.ndarray) -> np.ndarray:
    return np.array([np.argmax(rows["closed_ns"])]) if len(rows) else np.zeros(0, np.int64)


def _meaning(view: RunView, which: str) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """-> (which rows are meant, what to call them)."""
    if which == "last":
        return lambda rows: np.ones(len(rows), bool), "decision"
    if which == "last-trade":
        return lambda rows: (rows["kind"] == ENTER) & (rows["sent"] != 0), "decision that entered a position"
    if which == "last-blocked":
        return lambda rows: (rows["asks_risk"] != 0) & (rows["binding"] >= 0), "wish for new risk that a gate stopped"
    if which.isdecimal() and len(which) < 19:
        number = int(which)
        return lambda rows: rows["decision"] == number, f"decision {number}"
    book, at, time = which.rpartition("@")
    if not at or not book:
        raise UsageError(f"{which!r} names no decision", mend=_WORDS)
    books, at_ns = _books_named(view, book), time_of(time)
    return lambda rows: np.isin(rows["instrument"], books) & (rows["closed_ns"] <= at_ns), f"decision on {book} at or before {time}"


def _books_named(view: RunView, book: str) -> tuple[int, ...]:
    """The books of SYMBOL or SYMBOL/FRAME."""
    symbol, over, frame = book.partition("/")
    return view.places_of(symbol.upper(), frame_ns(frame) if over else None)


def time_of(text: str) -> int:
    """An ISO date or time as ns; UTC where it says nothing."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time", mend="write it as 2024-03-01T12:35 (UTC)") from None
    known = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (known - _EPOCH) // timedelta(microseconds=1) * 1_000
