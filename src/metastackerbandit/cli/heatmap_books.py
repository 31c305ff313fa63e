"""The books behind `msb heatmap`: which captures are of which venue, their rings filled, and what part of it each venue has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from metastackerbandit.cli.market_data import received_between, time_ns
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.market.cob import RADIUS, Cob, Heatmap, bucket_width, newest
from metastackerbandit.market.common_steps import CommonSteps, common_steps
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.runtime.cob_feed import Consolidated, consolidated_of
from metastackerbandit.runtime.recorded.tables import Told
from metastackerbandit.runtime.venue_captures import VenueBook, asset_of, books_of_asset, captures_by_venue
from metastackerbandit.storage.candle_names import base_and_quote

if TYPE_CHECKING:
    from metastackerbandit.cli.heatmap import Wanted
    from metastackerbandit.domain.instrument import Instrument
    from metastackerbandit.market.settings import CobSettings


class Filled(NamedTuple):
    """The rings of a book over V venues (`books`), in ticks of `tick` and buckets of `bucket` of the quote currency."""

    books: tuple[VenueBook, ...]
    cob: Cob
    tick: float
    bucket: float


def books_in(paths: Sequence[Path], symbol: str | None, until: str | None) -> tuple[VenueBook, ...]:
    """The books in these files as far as they were received by then: one, or each venue's of one asset."""
    until_ns = time_ns(until, "--until")
    captures = captures_by_venue(paths, Told(symbol=symbol))
    captures = {name: received_between(capture, None, until_ns) for name, capture in captures.items()}
    if len(captures) > 1:
        return books_of_asset(captures, symbol)
    (capture,) = captures.values()
    instruments = instruments_in(capture)
    return (VenueBook(capture, instruments, _place(instruments, symbol)),)


def _place(instruments: Sequence[Instrument], symbol: str | None) -> int:
    names = [one.symbol for one in instruments]
    if symbol is None and len(names) > 1:
        raise UsageError(f"the capture has {len(names)} instruments", where="msb heatmap", mend=f"choose with --symbol: {', '.join(names)}")
    if symbol is not None and symbol.upper() not in names:
        raise NotFound(f"no {symbol} in the capture", where="--symbol", mend=f"it has {', '.join(names)}")
    return 0 if symbol is None else names.index(symbol.upper())


def chosen_of(books: Sequence[VenueBook], venues: str | None) -> tuple[int, ...]:
    """The places of the venues that are asked for; all where nobody asked."""
    if venues is None:
        return tuple(range(len(books)))
    names = [one.name for one in books]
    words = [word.strip().lower() for word in venues.split(",") if word.strip()]
    unknown = [word for word in words if word not in names]
    if unknown or not words:
        raise NotFound(f"no {', '.join(unknown) or 'venue'} among the captures", where="--venues", mend=f"there are {', '.join(names)}")
    return tuple(sorted({names.index(word) for word in words}))


def filled_books(books: tuple[VenueBook, ...], chosen: tuple[int, ...], wanted: Wanted, settings: CobSettings) -> Filled:
    """The rings of these books; buckets as they are asked for, as configured, or by the rule.

    Where the books tell their best levels alone, buckets are as narrow as these reach.

    Raises:
        DataRefused: there is no book at the end, or none of its buckets is known.
    """
    steps = common_steps([one.instrument for one in books])
    width = _configured(books, steps, wanted.bucket, settings)
    made = consolidated_of(books, width)
    for v in range(len(books)):
        _refuse_bookless(books[v], made, v)
    if wanted.bucket is None and _seen(made.cob, chosen, wanted.seconds) < 0.5:  # none of the usual buckets is known to its end
        reach = min(_reach(books[v], made, v) for v in chosen)
        made = consolidated_of(books, max(reach // max(wanted.radius, 1), steps.step))
    if not _seen(made.cob, chosen, wanted.seconds):
        what = f"no bucket of {label_of(books)} is known to its end: the book tells its best levels alone"
        mend = f"give a smaller --bucket, {float(steps.tick) * steps.step:g} is the smallest"
        raise DataRefused(what, where=", ".join(one.capture.source for one in books), mend=mend)
    tick = float(steps.tick)
    return Filled(books, made.cob, tick, int(made.cob.terms[0]["width"]) * tick)


def _configured(books: Sequence[VenueBook], steps: CommonSteps, bucket: float | None, settings: CobSettings) -> int:
    """The width that somebody chose, in common ticks; 0: nobody did. What is configured for the first of the symbols counts."""
    named = [settings.bucket[one.instrument.symbol] for one in books if one.instrument.symbol in settings.bucket]
    fixed = bucket if bucket is not None else named[0] if named else None
    return 0 if fixed is None else bucket_width(0.0, float(steps.tick) * steps.step, fixed=fixed) * steps.step


def _refuse_bookless(book: VenueBook, made: Consolidated, v: int) -> None:
    row, symbol = made.markets[v].book.row[book.place], book.instrument.symbol
    if not row["bids"] or not row["asks"]:
        is_late = row["last_id"] == 0
        what = f"there is no book of {symbol}: changes came and no snapshot" if is_late else f"the book of {symbol} has an empty side"
        mend = "give the file with its depth snapshot first; `msb data check` tells more"
        raise DataRefused(what, where=book.capture.source, mend=mend)


def _reach(book: VenueBook, made: Consolidated, v: int) -> int:
    """How far a venue's book reaches on its shorter side, in common ticks."""
    market = made.markets[v]
    row, ticks = market.book.row[book.place], int(made.steps.ticks[v])
    sides = (market.book.bids[book.place], int(row["bids"])), (market.book.asks[book.place], int(row["asks"]))
    return min(abs(int(side[count - 1, 0]) - int(side[0, 0])) for side, count in sides) * ticks


def _seen(cob: Cob, chosen: tuple[int, ...], seconds: int) -> float:
    """The share of seconds with a book in which something that rests at these venues is in a bucket that is known to its end."""
    window = newest(cob, 0, seconds)
    told = int((cob.mids[0, window] > 0).sum())
    seen = (cob.bids[0, list(chosen), window] + cob.asks[0, list(chosen), window] > 0).any(axis=(0, -1))
    return int(seen.sum()) / max(told, 1)


def first_told(cob: Cob, shown: Heatmap) -> int:
    """The first second with a book, in buckets as wide as those of the last: what was before is not told."""
    is_told = ~np.isnan(shown.mids) & (cob.widths[0, newest(cob, 0, len(shown.mids))] == cob.terms[0]["width"])
    return int(is_told.argmax())


def resting_at(sides: np.ndarray) -> np.ndarray:
    """What rests at venues (V, T, C) together -> (T, C); NaN where none is known."""
    known = ~np.isnan(sides)
    total = np.where(known, sides, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total, np.nan)


def shares_of(filled: Filled, chosen: tuple[int, ...], seconds: int, radius: int) -> list[dict[str, Any]]:
    """Each venue's part of the newest seconds: in how many it has a book, and its share of what rests in the buckets that are known at all venues."""
    window, columns = newest(filled.cob, 0, seconds), slice(RADIUS - radius, RADIUS + radius + 1)
    sides = np.stack([side[0, :, window, columns] for side in (filled.cob.bids, filled.cob.asks)], axis=1)  # (V, 2, T, 2R + 1)
    shared = ~np.isnan(sides).any(axis=0)
    totals = [float(own[shared].sum()) for own in sides]
    whole = sum(totals)
    return [
        {
            "venue": one.name,
            "symbol": one.instrument.symbol,
            "source": one.capture.source,
            "seconds": int((~np.isnan(own)).any(axis=(0, 2)).sum()),
            "share": total / whole if whole > 0.0 else None,
            "shown": v in chosen,
        }
        for v, (one, own, total) in enumerate(zip(filled.books, sides, totals, strict=True))
    ]


def label_of(books: Sequence[VenueBook]) -> str:
    """The symbol of a book, or the asset of several."""
    return books[0].instrument.symbol if len(books) == 1 else asset_of(books[0].instrument)[0]


def quote_of(books: Sequence[VenueBook]) -> str:
    """What books are quoted in: as their venues say, or as their symbols end; several sorts of dollars are USD."""
    quotes = {_quote(one.instrument) if len(books) == 1 else asset_of(one.instrument)[1] for one in books}
    return quotes.pop() if len(quotes) == 1 else "USD"


def _quote(one: Instrument) -> str:
    if one.quote or one.venue == "HYPERLIQUID":  # whose names of coins do not say
        return one.quote or "quote currency"
    return base_and_quote(one.symbol)[1] or "quote currency"
