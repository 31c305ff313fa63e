"""From a venue's frame to its book, in one compiled call: scanned, followed, put in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import kernel, rebound, rows
from metastackerbandit.domain.market_rows import DEPTH
from metastackerbandit.exchanges.binance.scan import scan
from metastackerbandit.exchanges.catalog import Codec, codec_for, codec_of
from metastackerbandit.exchanges.continuity import ANEW, APPLY, FeedRow, offer
from metastackerbandit.exchanges.decoded import Decoded, empty_decoded, routes_of
from metastackerbandit.exchanges.json_fields import NEW_FIELDS
from metastackerbandit.exchanges.symbols import Symbols, symbols_of
from metastackerbandit.market.book import CAPACITY, Book, change, empty_books, replace


class Feeds(NamedTuple):
    """All that a venue's frames go through: who is who, the newest frame's rows, where each feed stands, and the books."""

    symbols: Symbols
    routes: Any  # (S,) Route
    decoded: Decoded
    fields: Any  # scratch
    inner: Any  # scratch
    feeds: Any  # (S,) FeedRow
    book: Book


def feeds_of(instruments: Sequence[Instrument], capacity: int = CAPACITY, codec: Codec | None = None) -> Feeds:
    """Feeds of these instruments of one venue, all waiting for a snapshot, by the rules of the codec that reads them (none given: the venue's).

    UsageError where the venue's messages cannot be read.
    """
    codec = codec or codec_for(instruments)
    feeds = rows(FeedRow, len(instruments))
    feeds["rule"] = [codec.rule_of(one) for one in instruments]
    fields, inner = np.zeros(NEW_FIELDS, np.int64), np.zeros(NEW_FIELDS, np.int64)
    symbols = symbols_of([one.symbol for one in instruments])
    return Feeds(symbols, routes_of(instruments), empty_decoded(), fields, inner, feeds, empty_books(len(instruments), capacity))


@kernel
def take(text: Any, end: int, received_ns: int, alone: int, market: Any) -> int:
    """One frame text[:end] (N,) uint8 of Binance -> its kind; what was done with a book message stands in its feed's `verdict`."""
    kind = scan(text, end, received_ns, market.symbols, market.routes, market.decoded, market.fields, market.inner, alone)
    if kind == DEPTH:
        depth = market.decoded.depth[0]
        s = depth.instrument
        feed = market.feeds[s]
        feed.verdict = offer(feed, depth)
        if feed.verdict == APPLY and depth.is_whole == 0:
            change(market.book.row[s], market.book.bids[s], market.book.asks[s], depth, market.decoded.bids, market.decoded.asks)
        elif feed.verdict == APPLY or feed.verdict == ANEW:
            replace(market.book.row[s], market.book.bids[s], market.book.asks[s], depth, market.decoded.bids, market.decoded.asks)
    return kind


@cache
def scanning(reader: Any, venue: str) -> Any:
    """A kernel that calls `scan`, for a venue's frames: its own scanner in it, chosen once and not at every frame."""
    codec = codec_of(venue)
    return reader if codec.scan is scan else rebound(reader, scan=codec.scan)


def take_of(venue: str) -> Any:
    """`take` for a venue's frames."""
    return scanning(take, venue)
