"""The market of `msb venue --source candles`: an installation's candles, or a folder's, from a moment in them on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metastackerbandit.cli.venue_asked import BOTH, Served, ServedMarkets, SideMarket, fees_of, generator_of
from metastackerbandit.domain.errors import DataRefused, NotFound, UsageError
from metastackerbandit.domain.quality import time_text
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS, frame_name, frame_ns
from metastackerbandit.simulation.candle_board import FIVE_NS
from metastackerbandit.simulation.settings import ListingSettings
from metastackerbandit.storage.candle_names import SUFFIXES, Market, files_by_symbol, frame_of, market_of, venue_of
from metastackerbandit.storage.candles import load_recording
from metastackerbandit.storage.store import leaf_folders, store_folder

if TYPE_CHECKING:
    from metastackerbandit.domain.recording import Recording

SPEED = 60.0
_FRAMES = ("1m", "5m")  # an exchange's past is kept by five minutes: longer candles cannot be cut
_OUR_OWN = "LOOPBACK"
_FEWEST = 4  # lots that a candle needs to be traded at four prices


def candle_markets(asked: Served, home: Path) -> ServedMarkets:
    """The markets that the candles have of those that were asked for.

    Raises:
        NotFound: there is no such folder, no market or no symbol.
        DataRefused: candles are missing in what would be traded, have no volume, or are too long; nothing is there at the time that was asked for.
        UsageError: several folders could be meant.
    """
    from metastackerbandit.practice.candle_source import CandleSource, SymbolCandles
    from metastackerbandit.practice.funding import FundingBoard
    from metastackerbandit.simulation.listing import Listing
    from metastackerbandit.simulation.made_market import MadeSymbol

    generator = generator_of(asked)
    found = {market: _loaded(folder, asked, market) for market, folder in _folders(asked, home).items()}
    begun_ns = _begun(list(found.values()), asked.since_ns)
    sides, said = {}, list[str]()
    for market, recording in found.items():
        parts = []
        for s, one in enumerate(recording.instruments):
            bars = _played(recording, s, begun_ns, asked.days, said)
            price = float(bars["open"][np.searchsorted(bars["opened_ns"], begun_ns)]) * float(one.tick_size)
            parts.append(SymbolCandles(MadeSymbol(one, ListingSettings(price=price)), bars, recording.funding[s]))
        board = FundingBoard(len(parts), generator.funding_hours * HOUR_NS, begun_ns) if market == "perp" else None
        listings = tuple(Listing(one, *fees_of(market)) for one in recording.instruments)
        sides[market] = SideMarket(listings, CandleSource(generator, parts, recording.base_ns, board), board)
    ends_ns = max(end for side in sides.values() for end in side.source.closing.ends)  # type: ignore[union-attr]
    symbols = dict.fromkeys(one.symbol for recording in found.values() for one in recording.instruments)
    said = [
        "each candle's trades are at its own prices and add up to its volume; when within it and which extreme first, and all of the book, are made",
        *(f"candles of {recording.source}, {frame_name(recording.base_ns)}" for recording in found.values()),
        *said,
        *(notice for recording in found.values() for notice in recording.notices),
        f"the venue's clock begins at {time_text(begun_ns)}; a symbol whose candles are over does not trade any more",
    ]
    heading = f"REPLAYED CANDLES, not live: {', '.join(symbols)}, {' and '.join(sides)}, from {time_text(begun_ns)} to {time_text(ends_ns)}"
    name = f"candles {' '.join(recording.digest for recording in found.values())} from {begun_ns}, seed {asked.seed}"
    told = {"seed": asked.seed, "flow": asked.preset, "begins": time_text(begun_ns), "ends": time_text(ends_ns), "said": said}
    return ServedMarkets(begun_ns, begun_ns, asked.speed or SPEED, name, heading, sides, told)


def _folders(asked: Served, home: Path) -> dict[str, Path]:
    """The folder of each market that is served: of those with the symbols the one of the shortest candles."""
    if len(asked.data) > 1:
        raise UsageError("candles are read from one folder", where="--data", mend="name the folder that holds the others, or serve one market")
    root = asked.data[0] if asked.data else store_folder(home)
    if not root.is_dir():
        raise NotFound(
            "there is no such folder of candles", where=str(root), mend="`msb data download` or `msb data import` fill it; or give --data FOLDER"
        )
    leaves = leaf_folders(root)
    if root in leaves:
        market = _market_said(root) or market_of(root, asked.markets[0] if len(asked.markets) == 1 else None)
        if market not in asked.markets:
            raise NotFound(f"these are candles of the {market} market", where=str(root), mend=f"leave --market {asked.markets[0]} out")
        return {market: root}
    found = {market: folder for market in asked.markets if (folder := _leaf(leaves, market, asked.symbols)) is not None}
    missing = [market for market in asked.markets if market not in found]
    if not found or (missing and asked.markets != BOTH):
        wanted = f"{' or '.join(missing)} candles of 1m or 5m" + (f" of {', '.join(asked.symbols)}" if asked.symbols else "")
        there = ", ".join(leaf.name for leaf in leaves) or "nothing"
        raise NotFound(f"no {wanted}", where=str(root), mend=f"there is {there}; `msb data download` gets more")
    return found


def _leaf(leaves: Sequence[Path], market: str, symbols: Sequence[str]) -> Path | None:
    """The folder of a market's shortest candles that has all the symbols; UsageError where several venues' could be meant."""
    fitting: dict[str, list[Path]] = {}
    for leaf in leaves:
        frame = frame_of(leaf)
        if frame in _FRAMES and _market_said(leaf) == market and venue_of(leaf) != _OUR_OWN and set(symbols) <= set(files_by_symbol(leaf)):
            fitting.setdefault(frame, []).append(leaf)
    if not fitting:
        return None
    shortest = fitting[min(fitting, key=frame_ns)]
    if len(shortest) > 1:
        names = ", ".join(leaf.name for leaf in shortest)
        raise UsageError(f"{len(shortest)} folders have {market} candles: {names}", where="--data", mend=f"name one: --data {shortest[0]}")
    return shortest[0]


def _market_said(leaf: Path) -> Market | None:
    """The market that a folder's name says, None where it says none."""
    try:
        return market_of(leaf, None)
    except DataRefused:
        return None


def _loaded(folder: Path, asked: Served, market: str) -> Recording:
    """A folder's candles of the symbols that are served."""
    if venue_of(folder) == _OUR_OWN:
        raise DataRefused("these candles were made by this exchange: they are no recording", where=str(folder), mend="name a folder of a venue's")
    if not any(path.name.endswith(SUFFIXES) for path in folder.iterdir()):
        raise DataRefused("holds no candles", where=str(folder), mend="`msb data import` fills it")
    recording = load_recording(folder, asked.symbols or None, market=market, instruments_file=None)
    if frame_name(recording.base_ns) not in _FRAMES:
        what = f"its candles are of {frame_name(recording.base_ns)}, and an exchange's own begin at a minute"
        raise DataRefused(what, where=str(folder), mend="give candles of 1m or 5m")
    for one, has_volume, bars in zip(recording.instruments, recording.has_volume, recording.bars, strict=True):
        if not has_volume or not np.isfinite(bars["volume"]).all():
            raise DataRefused(f"the candles of {one.symbol} do not all say their volume", where=str(folder), mend="give candles with a volume")
    return recording


def _begun(found: Sequence[Recording], since_ns: int | None) -> int:
    """When the exchange begins: where it was asked for, else a day before the first symbol's candles end, or in the middle of less than two days."""
    own = [bars for recording in found for bars in recording.bars]
    first_ns, last_ns = max(int(bars["opened_ns"][0]) for bars in own), min(int(bars["closed_ns"][-1]) for bars in own)
    if last_ns - first_ns <= FIVE_NS:
        raise DataRefused("the symbols' candles have no time in common", where="--source candles", mend="choose some with --symbols")
    wanted = max(last_ns - DAY_NS, (first_ns + last_ns) // 2, -(-first_ns // FIVE_NS) * FIVE_NS) if since_ns is None else since_ns
    begun_ns = wanted // FIVE_NS * FIVE_NS
    if not first_ns <= begun_ns < last_ns:
        what = f"at {time_text(wanted)} not all symbols have candles"
        raise DataRefused(what, where="--since", mend=f"they have from {time_text(first_ns)} to {time_text(last_ns)}")
    return begun_ns


def _played(recording: Recording, s: int, begun_ns: int, days: int, said: list[str]) -> np.ndarray:
    """A symbol's candles (N,) without a gap around the beginning, at most so many days of them before it; what is worth saying goes to `said`.

    DataRefused where candles are missing from the beginning on.
    """
    bars, symbol = recording.bars[s], recording.instruments[s].symbol
    opened = bars["opened_ns"]
    place = int(np.searchsorted(opened, begun_ns))
    behind = np.flatnonzero(np.diff(opened) != recording.base_ns) + 1  # places of the candles behind a gap
    is_there = place < len(opened) and int(opened[place]) == begun_ns
    for hole in behind[behind > place] if is_there else (min(place, len(opened) - 1),):
        from_ns, to_ns = int(bars["closed_ns"][hole - 1]), int(opened[hole])
        what = f"{symbol} has no candles from {time_text(from_ns)} to {time_text(to_ns)}"
        mend = f"begin behind it with --since {time_text(-(-to_ns // FIVE_NS) * FIVE_NS)}, or fill the gap"
        raise DataRefused(what, where=recording.source, mend=mend)
    first = int(max(behind[behind <= place], default=0))
    if first:
        said.append(f"{symbol}: its past begins at {time_text(int(opened[first]))}, behind the newest gap in its candles")
    said += _thin_told(symbol, bars[place:], float(recording.instruments[s].lot_size))
    return bars[max(first, int(np.searchsorted(opened, begun_ns - days * DAY_NS))) :]


def _thin_told(symbol: str, bars: np.ndarray, lot: float) -> list[str]:
    """How many of the candles to come (N,) cannot be traded at all of their prices; nothing where all can."""
    lots = np.rint(bars["volume"] / lot)
    thin, untraded = int(((bars["high"] > bars["low"]) & (lots > 0) & (lots < _FEWEST)).sum()), int((lots == 0).sum())
    if not thin and not untraded:
        return []
    told = f"{untraded:,} have no volume and are not traded, {thin:,} too few lots to be traded at all four prices"
    return [f"{symbol}: of {len(bars):,} candles to come {told}"]
