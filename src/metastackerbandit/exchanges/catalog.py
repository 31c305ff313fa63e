"""Which scanner reads which venue, by which rule its book is followed, and what can be asked of it. A new venue is its files and lines here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.user_events import UserEvent
from metastackerbandit.exchanges.account import Grids
from metastackerbandit.exchanges.binance import streams as binance
from metastackerbandit.exchanges.binance.perp_orders import PERP_ORDERS as BINANCE_PERP_ORDERS
from metastackerbandit.exchanges.binance.scan import scan as scan_binance
from metastackerbandit.exchanges.binance.spot_orders import SPOT_ORDERS as BINANCE_SPOT_ORDERS
from metastackerbandit.exchanges.binance.user import read_user as read_binance_user
from metastackerbandit.exchanges.continuity import BY_FIRST, BY_PRIOR, WHOLE
from metastackerbandit.exchanges.hyperliquid import streams as hyperliquid
from metastackerbandit.exchanges.hyperliquid.scan import scan as scan_hyperliquid
from metastackerbandit.exchanges.mexc import streams as mexc
from metastackerbandit.exchanges.mexc.scan import scan as scan_mexc
from metastackerbandit.exchanges.mexc.user import read_user as read_mexc_user
from metastackerbandit.exchanges.orders import VenueOrders
from metastackerbandit.exchanges.rows.scan import scan as scan_rows
from metastackerbandit.exchanges.streams import VenueStreams


class Codec(Struct, frozen=True):
    """How a venue is read: `scan(text, end, received_ns, symbols, routes, decoded, fields, inner, alone)` and the rules of its books.

    `read_user(frame, grids)` gives the events of a frame that the scanner found to be USER (exchanges.account), None where nobody reads them so.
    `numbers_trades` says whether a trade's number is one more than that of the trade before, so that a lost one is seen.
    """

    venue: str
    scan: Any
    spot_rule: int
    perp_rule: int
    numbers_trades: bool
    read_user: Callable[[bytes, Grids], tuple[UserEvent, ...]] | None = None

    def rule_of(self, instrument: Instrument) -> int:
        """The rule of continuity (exchanges.continuity) of an instrument's book."""
        return self.spot_rule if instrument.market == "spot" else self.perp_rule


CODECS = (
    Codec("BINANCE", scan_binance, BY_FIRST, BY_PRIOR, True, read_binance_user),
    Codec("MEXC", scan_mexc, BY_FIRST, BY_FIRST, False, read_mexc_user),
    Codec("HYPERLIQUID", scan_hyperliquid, WHOLE, WHOLE, False),
    Codec("ROWS", scan_rows, BY_FIRST, BY_FIRST, False),  # of any venue: rows that were read already, whose ids follow one another
)

STREAMS = (binance.SPOT, binance.PERP, mexc.SPOT, hyperliquid.SPOT, hyperliquid.PERP)

ORDERS = (BINANCE_SPOT_ORDERS, BINANCE_PERP_ORDERS)


def codec_of(venue: str) -> Codec:
    """The codec of a venue; UsageError where there is none."""
    for codec in CODECS:
        if codec.venue == venue:
            return codec
    known = ", ".join(codec.venue for codec in CODECS)
    raise UsageError(f"venue {venue!r} cannot be read", mend=f"the venues that can be are {known}")


def codec_for(instruments: Sequence[Instrument]) -> Codec:
    """The codec of these instruments, which are of one venue; UsageError where they are of several, or of none that can be read."""
    venues = sorted({one.venue for one in instruments})
    if len(venues) != 1:
        raise UsageError(f"instruments are of {len(venues)} venues ({', '.join(venues)})", mend="name instruments of one venue, one or more")
    return codec_of(venues[0])


def streams_of(venue: str, market: str) -> VenueStreams:
    """What can be asked of a venue's market; UsageError where it is not known."""
    for one in STREAMS:
        if one.venue == venue and one.market == market:
            return one
    known = ", ".join(f"{one.venue.lower()} {one.market}" for one in STREAMS)
    raise UsageError(f"{venue.lower()} {market} cannot be asked", mend=f"what can be is {known}")


def orders_of(venue: str, market: str) -> VenueOrders:
    """How orders are sent to a venue's market; UsageError where nobody can."""
    for one in ORDERS:
        if one.venue == venue and one.market == market:
            return one
    known = ", ".join(f"{one.venue.lower()} {one.market}" for one in ORDERS)
    raise UsageError(f"orders cannot be sent to {venue.lower()} {market}", mend=f"they can to {known}")
