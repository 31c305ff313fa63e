"""What is fuzzed, and what must hold of any bytes at all: no crash, kinds and faults in their range, and no state changed by what was set aside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba.core import config

from metastackerbandit.domain.errors import DataRefused, InstrumentRefused, MessageRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import DEPTH, LIQUIDATION, MARK, MARKET_KINDS, NOTHING, QUOTE, TRADES, USER, VENUE_BARS, FlowRow
from metastackerbandit.exchanges.account import Grids, grids_of
from metastackerbandit.exchanges.binance.user import read_user as read_binance_user
from metastackerbandit.exchanges.decoded import FAULTS, empty_decoded
from metastackerbandit.exchanges.hyperliquid.fills import read_fills, traders_of
from metastackerbandit.exchanges.mexc.user import read_user as read_mexc_user
from metastackerbandit.runtime.book_feed import Feeds, feeds_of, take_of
from metastackerbandit.runtime.capture_rules import instruments_in
from metastackerbandit.storage.captures import read_capture
from tests.exchanges.hyperliquid.test_fills import TRADERS
from tests.markets import instrument
from tools.fuzz.corpus import PACKED, SEPARATOR

LEVELS, ROWS, MOST_FRAMES = 40, 4, 12
RECEIVED_NS = 77
ROOM = {TRADES: "trades", QUOTE: "quotes", VENUE_BARS: "bars", MARK: "marks", LIQUIDATION: "liquidations"}


class Guarded(np.ndarray[Any, Any]):
    """Bytes that refuse a place before the first one, which an array takes for one from its end."""

    def __getitem__(self, place: Any) -> Any:
        if not isinstance(place, slice) and place < 0:
            raise IndexError(f"byte {place} of a frame")
        return super().__getitem__(place)


class Scanned:
    """A venue's frames through scanner, continuity and book. A frame that begins with a byte 1 answers a request for the first instrument."""

    def __init__(self, venue: str, *instruments: Instrument) -> None:
        self.venue, self.market = venue, feeds_of(instruments, LEVELS)._replace(decoded=empty_decoded(LEVELS, ROWS))
        self._take, self._kept = take_of(venue), [array.copy() for array in remembered(self.market)]
        self._traders = traders_of(TRADERS)
        self._flows = rows(FlowRow, ROWS)

    def __call__(self, data: bytes) -> None:
        """Hold what must hold of the frames in `data`, from the beginning of a feed."""
        for array, kept in zip(remembered(self.market), self._kept, strict=True):
            array[...] = kept
        for frame in data.split(SEPARATOR)[:MOST_FRAMES]:
            self._frame(frame.removeprefix(b"\x01"), 0 if frame[:1] == b"\x01" else -1)

    def _frame(self, frame: bytes, alone: int) -> None:
        text = np.frombuffer(frame or b" ", np.uint8)
        if config.DISABLE_JIT:
            text = text.view(Guarded)
        before = [array.tobytes() for array in remembered(self.market)]
        kind = int(self._take(text, len(frame), RECEIVED_NS, alone, self.market))
        found = self.market.decoded.found[0]
        assert 0 <= kind < len(MARKET_KINDS) and found.kind == kind, "a kind out of range"
        assert 0 <= found.fault < len(FAULTS), "a fault out of range"
        if found.fault:
            assert (kind, found.rows) == (NOTHING, 0), "something was told of a frame that was set aside"
        if kind != DEPTH:
            assert before == [array.tobytes() for array in remembered(self.market)], "a frame without a book has changed one"
        self._rows(kind, int(found.rows))
        if kind == DEPTH:
            hold_book(self.market)
        if kind == USER and self.venue == "HYPERLIQUID":
            fields, inner = self.market.fields, self.market.inner
            count = int(read_fills(text, len(frame), 77, self.market.symbols, self.market.routes, self._traders, self._flows, fields, inner, 0))
            assert -len(FAULTS) < count <= ROWS, "fills out of range"

    def _rows(self, kind: int, count: int) -> None:
        """Rows are of instruments that were asked for, and have the time at which they came."""
        if kind in ROOM:
            room = getattr(self.market.decoded, ROOM[kind])
            assert 0 < count <= len(room), "rows out of range"
            for row in room[:count]:
                assert 0 <= row["instrument"] < len(self.market.feeds) and row["received_ns"] == RECEIVED_NS
        elif kind == DEPTH:
            depth = self.market.decoded.depth[0]
            assert count == 1 and 0 <= depth["bids"] <= LEVELS and 0 <= depth["asks"] <= LEVELS
            for side, levels in ((self.market.decoded.bids, depth["bids"]), (self.market.decoded.asks, depth["asks"])):
                assert (side[:levels, 0] > 0).all() and (side[:levels, 1] >= 0).all(), "a level without a price"
        else:
            assert count == 0


def remembered(market: Feeds) -> list[np.ndarray[Any, Any]]:
    """All that a frame may change for the next one."""
    return [market.feeds, *market.book]


def hold_book(market: Feeds) -> None:
    """Each side is sorted, the best price last, and has a size at every price."""
    for s, row in enumerate(market.book.row):
        for side, count, sign in ((market.book.bids[s], row["bids"], 1), (market.book.asks[s], row["asks"], -1)):
            assert 0 <= count <= LEVELS
            assert (np.diff(side[:count, 0]) * sign > 0).all() and (side[:count, 1] > 0).all(), "a book out of order"


class Told:
    """User events: a message is read whole or refused by name."""

    def __init__(self, read: Callable[[bytes, Grids], Any], *instruments: Instrument) -> None:
        self._read, self._grids = read, grids_of(instruments)

    def __call__(self, data: bytes) -> None:
        """Hold what must hold of one message."""
        try:
            assert isinstance(self._read(data, self._grids), tuple)
        except MessageRefused as refused:
            assert refused.what and refused.where and refused.mend


class Captured:
    """A file that may be a capture: read, or refused by name."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="msb-fuzz-")

    def __call__(self, data: bytes) -> None:
        """Hold what must hold of a file with these bytes; the first says how it is packed."""
        suffix = {b"1": ".gz", b"2": ".bz2"}.get(data[:1], "")
        path = Path(self._folder.name) / f"capture{suffix}"
        path.write_bytes(data[1:] if data[:1] in PACKED else data)
        try:
            capture = read_capture([path])
        except DataRefused as refused:
            assert refused.what and refused.where and refused.mend
            return
        assert (capture.starts <= capture.ends).all() and (capture.ends <= len(capture.text)).all() and (capture.starts >= 0).all()
        assert (capture.asked >= -1).all() and (capture.asked < max(len(capture.urls), 1)).all()
        try:
            instruments_in(capture)
        except (DataRefused, InstrumentRefused) as refused:
            assert refused.what and refused.where and refused.mend


SPOT = tuple(instrument(name, "spot", "BINANCE", tick_size="0.0001", lot_size=lot) for name, lot in (("BNBBTC", "1"), ("BNBUSDT", "0.01")))
MEXC = tuple(instrument(name, "spot", "MEXC", tick_size="0.01", lot_size=lot) for name, lot in (("BTCUSDT", "0.00001"), ("ETHUSDT", "0.0001")))
COINS = (instrument("BTC", "perp", "HYPERLIQUID", lot_size="0.00001"), instrument("ETH", "perp", "HYPERLIQUID", tick_size="0.01", lot_size="0.0001"))
TARGETS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    "binance": lambda: Scanned("BINANCE", *SPOT),
    "mexc": lambda: Scanned("MEXC", *MEXC),
    "hyperliquid": lambda: Scanned("HYPERLIQUID", *COINS),
    "binance_user": lambda: Told(read_binance_user, *SPOT, instrument("BTCUSDT"), instrument("ETHBTC", tick_size="0.0000001", lot_size="0.0001")),
    "mexc_user": lambda: Told(read_mexc_user, *MEXC),
    "capture": Captured,
}
