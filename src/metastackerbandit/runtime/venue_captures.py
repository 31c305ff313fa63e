"""Files of several venues, told apart: each venue's and market's are one capture, and one instrument of each is of the asset that is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.errors import DataRefused, InstrumentRefused, NotFound, UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.runtime.capture_rules import instruments_in, is_by_prior_id, is_inverse, venue_in
from metastackerbandit.runtime.recorded.reading import read_recorded
from metastackerbandit.runtime.recorded.tables import Told
from metastackerbandit.storage.candle_names import base_and_quote

DOLLARS = ("USD", "USDT", "USDC", "FDUSD", "BUSD", "TUSD")  # added up one for one

_CHANGE = re.compile(rb'"e":"depthUpdate"')
_PICTURE = re.compile(rb'"data":\{"lastUpdateId":')  # of spot's best levels; futures tell an event
_DATED, _UNDATED = re.compile(rb'\{"lastUpdateId":\d+,"E":'), re.compile(rb'\{"lastUpdateId":\d+,"bids":')  # snapshots of futures, and of spot
_INVERSE = re.compile(rb'"(?:stream|s)":"[A-Za-z0-9]+(?:usd|USD)_(?:[a-z]{4}|[A-Z]{4}|\d{6})["@]')
_FUTURES_URL, _SPOT_URL = re.compile(r"//[fd]api[a-z0-9.-]*binance"), re.compile(r"//api[a-z0-9.-]*binance")


class VenueBook(Struct, frozen=True, eq=False):
    """A venue's capture with its instruments, and the place of the one whose book is consolidated."""

    capture: Capture
    instruments: tuple[Instrument, ...]
    place: int = 0

    @property
    def instrument(self) -> Instrument:
        """The one whose book is consolidated."""
        return self.instruments[self.place]

    @property
    def name(self) -> str:
        """Venue and market, such as binance-spot."""
        return f"{self.instrument.venue}-{self.instrument.market}".lower()


def named_in(capture: Capture) -> str:
    """The venue and market that a capture is of, such as binance-perp (binance-inverse: COIN-M); "" where its frames do not tell."""
    if capture.instruments:
        return f"{capture.instruments[0].venue}-{capture.instruments[0].market}".lower()
    venue = venue_in(capture)
    if venue != "BINANCE":
        return f"{venue}-{'perp' if venue == 'HYPERLIQUID' else 'spot'}".lower()
    text = capture.text.data
    if _INVERSE.search(text):
        return "binance-inverse"
    if is_by_prior_id(capture) or _DATED.search(text) or any(map(_FUTURES_URL.search, capture.urls)):
        return "binance-perp"
    is_spot = _CHANGE.search(text) or _PICTURE.search(text) or _UNDATED.search(text) or any(map(_SPOT_URL.search, capture.urls))
    return "binance-spot" if is_spot else ""


def captures_by_venue(paths: Sequence[Path], told: Told | None = None) -> dict[str, Capture]:
    """These files as one capture of each venue and market; files of the same one are laid into each other.

    Raises:
        NotFound, DataRefused, UsageError: as `read_recorded`.
        UsageError: the files are of several venues, and one does not tell of which it is.
    """
    if len(paths) == 1:
        capture = read_recorded(paths, told)
        return {named_in(capture): capture}
    files: dict[str, list[Path]] = {}
    alone: dict[str, Capture] = {}
    for path in paths:
        capture_or_none = _read(path, told)
        name = named_in(capture_or_none) if capture_or_none is not None else ""
        files.setdefault(name, []).append(path)
        if capture_or_none is not None:
            alone[name] = capture_or_none
    untold = files.pop("", [])
    if len(files) <= 1:
        return {next(iter(files), ""): read_recorded(paths, told)}
    if untold:
        raise UsageError(
            f"the files are of {', '.join(files)}, and this one does not tell of which",
            where=str(untold[0]),
            mend="leave it out, or join its lines to those of its venue in one file",
        )
    return {name: alone[name] if len(own) == 1 else read_recorded(own, told) for name, own in files.items()}


def _read(path: Path, told: Told | None) -> Capture | None:
    """A file alone; None where nothing in it is a frame, which may be well beside others."""
    try:
        return read_recorded([path], told)
    except DataRefused:
        return None


def asset_of(one: Instrument) -> tuple[str, str]:
    """What an instrument is of, and quoted in ("" where its name does not say)."""
    if one.venue == "HYPERLIQUID" and "/" not in one.symbol:
        return one.symbol.upper(), one.quote or "USD"
    if is_inverse(one):
        return one.symbol.partition("USD_")[0], "USD"
    if one.base != one.symbol:
        return one.base.upper(), one.quote.upper()
    try:
        return base_and_quote(one.symbol.upper())
    except InstrumentRefused:
        return one.symbol.upper(), ""


def books_of_asset(captures: dict[str, Capture], symbol: str | None) -> tuple[VenueBook, ...]:
    """The instrument of each venue that is of one asset: of the one that `symbol` names (as an asset, or by symbols between commas), else of the only
    one that all have.

    Quotes must be the same, or dollars, which are added up one for one.

    Raises:
        NotFound: no capture has what was asked for.
        UsageError: several assets or instruments are possible.
        DataRefused: the captures are of different assets, or quoted in different money.
        InstrumentRefused: a contract is inverse: what it is worth does not follow from its price.
    """
    seen = {name: instruments_in(capture) for name, capture in captures.items()}
    words = [word.strip().upper() for word in (symbol or "").split(",") if word.strip()]
    base = _base(seen, words)
    books = []
    for name, ones in seen.items():
        place = _place_of(name, ones, base, words)
        books.append(VenueBook(captures[name], ones, place))
        if is_inverse(ones[place]):
            raise InstrumentRefused(
                f"{ones[place].symbol} is an inverse contract, whose lots are not of {base}",
                where=captures[name].source,
                mend="leave it out; alone it can be looked at",
            )
    quotes = {asset_of(one.instrument)[1] for one in books}
    if len(quotes) > 1 and not quotes <= set(DOLLARS):
        told = "; ".join(f"{one.name} {one.instrument.symbol}" for one in books)
        where = ", ".join(capture.source for capture in captures.values())
        raise DataRefused(f"they are not quoted in the same money: {told}", where=where, mend="choose instruments of one quote with --symbol")
    return tuple(books)


def _base(seen: dict[str, tuple[Instrument, ...]], words: Sequence[str]) -> str:
    """The asset that is asked for; without words, the only one that all venues have."""
    if words:
        found = {asset_of(one)[0] for ones in seen.values() for one in ones if one.symbol.upper() in words or asset_of(one)[0] in words}
        if not found:
            raise NotFound(f"no {', '.join(words)} in the captures", where="--symbol", mend=f"they have {_told(seen)}")
        if len(found) > 1:
            raise UsageError(f"--symbol names {len(found)} assets: {', '.join(sorted(found))}", where="--symbol", mend="a book is of one asset")
        return found.pop()
    bases = [{asset_of(one)[0] for one in ones} for ones in seen.values()]
    common = sorted(set.intersection(*bases))
    if not common:
        raise DataRefused(f"the captures are of different assets: {_told(seen)}", where=", ".join(seen), mend="give captures of the same asset")
    if len(common) > 1:
        raise UsageError(f"all captures have {len(common)} assets", where="msb heatmap", mend=f"choose with --symbol: {', '.join(common)}")
    return common[0]


def _place_of(name: str, ones: Sequence[Instrument], base: str, words: Sequence[str]) -> int:
    """Which of a venue's instruments is of the asset: the one that is named, else the only one."""
    symbols = [one.symbol.upper() for one in ones]
    named = [symbols.index(word) for word in words if word in symbols]
    if named:
        return named[0]
    places = [place for place, one in enumerate(ones) if asset_of(one)[0] == base]
    if not places:
        raise DataRefused(f"it has no {base}: it has {', '.join(symbols)}", where=name, mend="give captures of the same asset, or another --symbol")
    if len(places) > 1:
        several = ", ".join(symbols[place] for place in places)
        mend = f"name the one that is meant, such as --symbol {symbols[places[0]]}"
        raise UsageError(f"{name} has {len(places)} instruments of {base}: {several}", where="--symbol", mend=mend)
    return places[0]


def _told(seen: dict[str, tuple[Instrument, ...]]) -> str:
    return "; ".join(f"{name} {', '.join(one.symbol for one in ones)}" for name, ones in seen.items())
