"""Captures of one venue or several as the consolidated book of an asset: each venue's frames through its own feeds, all up to the same second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.errors import DataRefused
from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.exchanges.continuity import LIVE
from metastackerbandit.market.book import Book, empty_books
from metastackerbandit.market.cob import LENGTH, Cob, CobTerms, close_second, empty_cob
from metastackerbandit.market.common_steps import CommonSteps, common_steps, lay_book
from metastackerbandit.runtime.book_feed import Feeds, feeds_of
from metastackerbandit.runtime.capture_rules import codec_in
from metastackerbandit.runtime.frame_walk import Frames, after, before, frames_of, walking_to
from metastackerbandit.runtime.venue_captures import VenueBook


class Consolidated(NamedTuple):
    """The consolidated book of one asset (place 0 of `cob`) over V venues as it stands at the end, in common `steps`; each venue's own feeds."""

    cob: Cob
    steps: CommonSteps
    markets: tuple[Feeds, ...]


class _Followed(NamedTuple):
    """One venue on its way: its frames and feeds, the loop, the second of each frame (F,), and which instrument of it counts."""

    frames: Frames
    market: Feeds
    walk: Any
    seconds: np.ndarray
    place: int


@kernel
def lay_venue(market: Any, s: int, ticks: int, lots: int, v: int, laid: Any, live: Any) -> None:
    """Venue v's book as it stands, in the common steps."""
    live[v] = market.feeds[s].state == LIVE
    if live[v]:
        row, bids, asks = market.book.row[s], market.book.bids[s], market.book.asks[s]
        live[v] = lay_book(row, bids, asks, ticks, lots, laid.row[v], laid.bids[v], laid.asks[v])


def consolidated_of(books: Sequence[VenueBook], width: int = 0) -> Consolidated:
    """The consolidated book of these venues' books of one asset, from the first frame of any to the end of the capture that ends first.

    A venue counts in the seconds at whose end its book can be trusted. `width` is of a bucket, in common ticks (0: by the first middle price, in
    whole ticks of every venue).

    Raises:
        DataRefused: there is no second in which all captures were being recorded.
    """
    steps = common_steps([one.instrument for one in books])
    terms = rows(CobTerms, 1)
    terms[0] = (width, steps.unit, steps.step)
    cob = empty_cob(terms, len(books))
    followed = [_followed(one) for one in books]
    _refuse_apart(books, followed)
    laid, live = empty_books(len(books), max(one.market.book.bids.shape[1] for one in followed)), np.zeros(len(books), np.bool_)
    for ended, until in _seconds([one.seconds for one in followed]):
        for second in ended:
            _close(cob, second, steps, followed, laid, live)
        for one in followed:
            one.walk(one.frames, one.market, None, int(np.searchsorted(one.seconds, until, "right")))
    _close(cob, until, steps, followed, laid, live)
    return Consolidated(cob, steps, tuple(one.market for one in followed))


def _followed(book: VenueBook) -> _Followed:
    capture, instruments = book.capture, book.instruments
    codec = codec_in(capture, instruments)
    seconds = np.maximum.accumulate(capture.received_ns) // SECOND_NS
    market = feeds_of(instruments, codec=codec)
    return _Followed(frames_of(capture, instruments), market, walking_to(codec.venue, after, before), seconds, book.place)


def _seconds(of: Sequence[np.ndarray]) -> Iterator[tuple[range, int]]:
    """The seconds that end before a frame of a newer one comes (of a long silence the last that are kept), and that newer one; to the first end."""
    open_second, last = 0, min(int(seconds[-1]) for seconds in of)
    for second in np.unique(np.concatenate(of)).tolist():
        if second > last:
            return
        yield range(max(open_second, second - LENGTH) if open_second else second, second), second
        open_second = second


def _close(cob: Cob, second: int, steps: CommonSteps, followed: Sequence[_Followed], laid: Book, live: np.ndarray) -> None:
    """Write a second that ended."""
    for v, one in enumerate(followed):
        lay_venue(one.market, one.place, int(steps.ticks[v]), int(steps.lots[v]), v, laid, live)
    close_second(cob, 0, second, live, laid.row, laid.bids, laid.asks)


def _refuse_apart(books: Sequence[VenueBook], followed: Sequence[_Followed]) -> None:
    """Captures of different times have no book in common."""
    begin = max(range(len(books)), key=lambda v: int(followed[v].seconds[0]))
    end = min(range(len(books)), key=lambda v: int(followed[v].seconds[-1]))
    if followed[begin].seconds[0] > followed[end].seconds[-1]:
        first, last = (np.datetime64(int(second), "s") for second in (followed[begin].seconds[0], followed[end].seconds[-1]))
        raise DataRefused(
            f"they do not overlap in time: {books[end].name} ends at {last} UTC, {books[begin].name} begins at {first} UTC",
            where=f"{books[end].capture.source} and {books[begin].capture.source}",
            mend="give captures that were recorded at the same time",
        )
