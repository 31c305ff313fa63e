"""Which layouts of recorded market data are known, and how each is recognised: by its columns. A new one is its reader and a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from metastackerbandit.domain.capture import Capture
from metastackerbandit.runtime.recorded.binance_export import read_depth_export
from metastackerbandit.runtime.recorded.binance_recorder import read_recorder
from metastackerbandit.runtime.recorded.bitstamp_orders import read_order_table
from metastackerbandit.runtime.recorded.book_tables import read_pictures, read_tardis_changes, read_tardis_pictures, read_tardis_quotes
from metastackerbandit.runtime.recorded.tables import Table
from metastackerbandit.runtime.recorded.trade_tables import TAPES, read_tape

CANDLES = frozenset(("open", "high", "low", "close"))  # read by storage/candles.py


class Layout(Struct, frozen=True):
    """A layout: its name, the columns that a file of it has (more may be there), and what makes a capture of its table."""

    name: str
    columns: frozenset[str]
    read: Callable[[Table], Capture]


def _layout(name: str, columns: str, read: Callable[[Table], Capture]) -> Layout:
    return Layout(name, frozenset(columns.split()), read)


# Of several that fit, the first counts.
LAYOUTS = (
    _layout("recorder of Binance's book or trades", "TimestampOfReceive Stream EventTime Price Quantity", read_recorder),
    _layout("recorder of Binance's depth snapshots", "TimestampOfReceive TimestampOfRequest LastUpdateId IsAsk Price Quantity", read_recorder),
    _layout("Binance depth export (T_DEPTH)", "symbol timestamp first_update_id last_update_id side update_type price qty pu", read_depth_export),
    _layout("tardis book_snapshot", "exchange symbol timestamp local_timestamp asks[0].price asks[0].amount bids[0].price", read_tardis_pictures),
    _layout("tardis incremental_book_L2", "exchange symbol timestamp local_timestamp is_snapshot side price amount", read_tardis_changes),
    _layout("tardis quotes", "exchange symbol timestamp local_timestamp ask_amount ask_price bid_price bid_amount", read_tardis_quotes),
    _layout("pictures of the best levels", "ts bid_px_0 bid_qty_0 ask_px_0 ask_qty_0", read_pictures),
    _layout("orders of Bitstamp", "id timestamp price volume action direction", read_order_table),
    *(Layout(tape.name, tape.columns(), partial(read_tape, tape=tape)) for tape in TAPES),
)


def layout_of(columns: frozenset[str]) -> Layout | None:
    """The layout that has these columns, None where none is known."""
    return next((one for one in LAYOUTS if one.columns <= columns), None)
