"""Which scanner reads which venue, and by which rule its book is followed. A new venue is its scanner and a line here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.binance.scan import scan as scan_binance
from metastackerbandit.exchanges.continuity import BY_FIRST, BY_PRIOR, WHOLE
from metastackerbandit.exchanges.hyperliquid.scan import scan as scan_hyperliquid
from metastackerbandit.exchanges.mexc.scan import scan as scan_mexc
from metastackerbandit.exchanges.rows.scan import scan as scan_rows


class Codec(Struct, frozen=True):
    """How a venue is read: `scan(text, end, received_ns, symbols, routes, decoded, fields, inner, alone)` and the rules of its books.

    `numbers_trades` says whether a trade's number is one more than that of the trade before, so that a lost one is seen.
    """

    venue: str
    scan: Any
    spot_rule: int
    perp_rule: int
    numbers_trades: bool

    def rule_of(self, instrument: Instrument) -> int:
        """The rule of continuity (exchanges.continuity) of an instrument's book."""
        return self.spot_rule if instrument.market == "spot" else self.perp_rule


CODECS = (
    Codec("BINANCE", scan_binance, BY_FIRST, BY_PRIOR, True),
    Codec("MEXC", scan_mexc, BY_FIRST, BY_FIRST, False),
    Codec("HYPERLIQUID", scan_hyperliquid, WHOLE, WHOLE, False),
    Codec("ROWS", scan_rows, BY_FIRST, BY_FIRST, False),  # of any venue: rows that were read already, whose ids follow one another
)


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
