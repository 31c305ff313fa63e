"""What kinds of market data are kept as columns: of which Struct, by which time a row belongs to a day, and what makes two rows the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.errors import UsageError
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.market_rows import DepthRow, LiquidationRow, MarkRow, QuoteRow, TradeRow, VenueBarRow
from metastackerbandit.domain.seconds import SecondRow


class Kind(Struct, frozen=True):
    """One kind. `days` are times of a row, the first of which that is told says its UTC day.

    Rows are the same where all of `key` is; a row whose key is not told (below 0), or of a kind without one, is the same as another of all the same
    values, and as many of these are kept as any one import had. `ticks` and `lots` are the columns in steps.
    """

    name: str
    row: type[Struct]
    days: tuple[str, ...]
    key: tuple[str, ...] = ()
    ticks: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    has_levels: bool = False

    def dtype(self) -> np.dtype[Any]:
        """The layout of its rows."""
        return layout(self.row)

    def columns(self) -> tuple[str, ...]:
        """The columns of a file: all but the instrument, which the file is of."""
        return tuple(name for name in self.row.__struct_fields__ if name != "instrument")


_PRICES = ("open", "high", "low", "close")
KINDS = (
    Kind("trades", TradeRow, ("traded_ns", "received_ns"), ("first_id", "last_id"), ("ticks",), ("lots",)),
    Kind("quotes", QuoteRow, ("exchange_ns", "received_ns"), ("update_id",), ("bid", "ask"), ("bid_lots", "ask_lots")),
    Kind("depth", DepthRow, ("exchange_ns", "received_ns"), ("last_id", "first_id", "is_whole", "received_ns"), has_levels=True),
    Kind("venue_bars", VenueBarRow, ("opened_ns",), ("frame_ns", "opened_ns", "exchange_ns", "received_ns"), _PRICES),
    Kind("marks", MarkRow, ("exchange_ns", "received_ns"), ("exchange_ns",)),
    Kind("liquidations", LiquidationRow, ("exchange_ns", "received_ns"), (), ("ticks",), ("lots", "filled")),
    Kind("bars", Bar, ("opened_ns",), ("opened_ns",), _PRICES),
    Kind("seconds", SecondRow, ("closed_ns",), ("second",)),
    Kind("replay_bars", Bar, ("opened_ns",), ("opened_ns",), _PRICES),  # as a replay hears them: storage/replay_columns.py
    Kind("replay_seconds", SecondRow, ("closed_ns",), ("second",)),
)


def kind_of(name: str) -> Kind:
    """The kind of a name; UsageError where there is none."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise UsageError(f"market data has no kind {name!r}", mend=f"kinds are {', '.join(kind.name for kind in KINDS)}")


def unit_of(kind: Kind, column: str) -> str:
    """What a column counts."""
    if column.endswith("_ns"):
        return "ns UTC"
    if column in kind.ticks or column.endswith("_ticks"):
        return "ticks"
    if column in kind.lots or column.endswith("_lots"):
        return "lots"
    if column == "rate":
        return "1e-8 of notional"
    return (
        "base currency" if column in ("volume", "taker_volume") else "quote currency" if column.endswith("_price") or column == "quote_volume" else ""
    )
