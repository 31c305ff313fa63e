"""Tables of order books: pictures of the best levels (a row a picture), changes (a row a level), best prices (a row a quote)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from metastackerbandit.domain.capture import Capture
from metastackerbandit.domain.kernel import layout
from metastackerbandit.domain.market_rows import DEPTH, QUOTE, DepthRow, QuoteRow
from metastackerbandit.domain.row_frames import frames_of_rows
from metastackerbandit.runtime.recorded.recorded_rows import capture_of_rows, instrument_of
from metastackerbandit.runtime.recorded.steps import decimals_of, steps_of_values
from metastackerbandit.runtime.recorded.tables import Table, floats, left_out
from metastackerbandit.storage.candle_times import times_of


def read_pictures(table: Table) -> Capture:
    """`ts`, bid_px_0, bid_qty_0, ask_px_0, ask_qty_0 ...: the best levels, best first; its stamp stands for the time of arrival."""
    depth = sum(name.startswith("bid_px_") for name in table.rows.columns)
    names = [[f"{side}_{what}_{level}" for level in range(depth)] for side in ("bid", "ask") for what in ("px", "qty")]
    return _pictures(table, names, "ts", "ts", table.venue(), table.symbol())


def read_tardis_pictures(table: Table) -> Capture:
    """tardis book_snapshot_N: asks[0].price, asks[0].amount, bids[0].price ...; stamps in us."""
    depth = sum(name.startswith("bids[") and name.endswith(".price") for name in table.rows.columns)
    names = [[f"{side}[{level}].{what}" for level in range(depth)] for side in ("bids", "asks") for what in ("price", "amount")]
    first = table.rows.row(0, named=True)
    return _pictures(table, names, "timestamp", "local_timestamp", table.venue(first["exchange"]), table.symbol(first["symbol"]))


def _pictures(table: Table, names: Sequence[Sequence[str]], at: str, received: str, venue: str, symbol: str) -> Capture:
    """Pictures from columns of bid prices and sizes, ask prices and sizes, each best first; levels without a number are not there."""
    values = [np.stack([floats(table.rows[name]) for name in side], axis=1) for side in names]
    prices, sizes = np.concatenate(values[0::2], axis=1), np.concatenate(values[1::2], axis=1)
    there = np.isfinite(prices) & np.isfinite(sizes)
    price_decimals, size_decimals = decimals_of(prices[there & (prices > 0)]), decimals_of(sizes[there & (sizes > 0)])
    ticks, bad_ticks = steps_of_values(prices, price_decimals)
    lots, bad_lots = steps_of_values(sizes, size_decimals)
    times, no_time, _ = times_of(table.rows[at], str(table.path))
    bad = no_time | (there & (bad_ticks | bad_lots | (ticks <= 0) | (lots <= 0))).any(axis=1)
    rows = np.zeros(table.rows.height, layout(DepthRow))
    rows["is_whole"] = 1
    for name in ("first_id", "last_id", "prior_id"):
        rows[name] = -1
    rows["exchange_ns"] = times
    rows["received_ns"] = times if received == at else times_of(table.rows[received], str(table.path))[0]
    depth = there.shape[1] // 2
    rows["bids"], rows["asks"] = there[:, :depth].sum(axis=1), there[:, depth:].sum(axis=1)
    used = ~bad
    levels = np.stack((ticks[used][there[used]], lots[used][there[used]]), axis=1)
    issues = left_out(table, bad, "broken_row", "a price, a size or the time is none")
    instrument = instrument_of(table, symbol, table.market(_futures(venue)), venue, price_decimals, size_decimals)
    return capture_of_rows(table, instrument, [(frames_of_rows(DEPTH, rows[used], levels), np.flatnonzero(used))], issues)


def read_tardis_changes(table: Table) -> Capture:
    """tardis incremental_book_L2: a row a level; rows of one arrival are one message, those of a snapshot begin a book."""
    first = table.rows.row(0, named=True)
    price, size = floats(table.rows["price"]), floats(table.rows["amount"])
    price_decimals, size_decimals = decimals_of(price[price > 0]), decimals_of(size)
    ticks, bad_price = steps_of_values(price, price_decimals)
    lots, bad_size = steps_of_values(size, size_decimals)
    at, no_time, _ = times_of(table.rows["timestamp"], str(table.path))
    received = times_of(table.rows["local_timestamp"], str(table.path))[0]
    side = table.rows["side"].to_numpy()
    bad = bad_price | bad_size | no_time | (ticks <= 0) | (lots < 0) | ~np.isin(side, ("bid", "ask"))
    whole = table.rows["is_snapshot"].str.to_lowercase().to_numpy() == "true"
    kept = np.flatnonzero(~bad)
    begins = np.flatnonzero(np.concatenate(([True], (np.diff(received[kept]) != 0) | (whole[kept][1:] != whole[kept][:-1]))))[: len(kept)]
    message = np.cumsum(np.isin(np.arange(len(kept)), begins)) - 1
    is_ask = side[kept] == "ask"
    rows = np.zeros(len(begins), layout(DepthRow))
    rows["is_whole"] = np.where(whole[kept][begins], 2, 0)
    rows["first_id"] = rows["last_id"] = np.arange(1, len(begins) + 1)  # the venue's are not told: as they came, none is missing
    rows["prior_id"] = -1
    rows["exchange_ns"], rows["received_ns"] = at[kept][begins], received[kept][begins]
    rows["bids"], rows["asks"] = np.bincount(message[~is_ask], minlength=len(begins)), np.bincount(message[is_ask], minlength=len(begins))
    order = np.lexsort((np.arange(len(kept)), is_ask, message))
    levels = np.stack((ticks[kept], lots[kept]), axis=1)[order]
    venue = table.venue(first["exchange"])
    instrument = instrument_of(table, table.symbol(first["symbol"]), table.market(_futures(venue)), venue, price_decimals, size_decimals)
    issues = left_out(table, bad, "broken_row", "a price, a size, the side or the time is none")
    return capture_of_rows(table, instrument, [(frames_of_rows(DEPTH, rows, levels), kept[begins])], issues)


def read_tardis_quotes(table: Table) -> Capture:
    """tardis quotes: the best bid and ask with their sizes."""
    first = table.rows.row(0, named=True)
    columns = [floats(table.rows[name]) for name in ("bid_price", "bid_amount", "ask_price", "ask_amount")]
    price_decimals = decimals_of(np.concatenate(columns[0::2]))
    size_decimals = decimals_of(np.concatenate(columns[1::2]))
    steps = [steps_of_values(column, size_decimals if place % 2 else price_decimals) for place, column in enumerate(columns)]
    times, no_time, _ = times_of(table.rows["timestamp"], str(table.path))
    bad = no_time | np.any([wrong | (found < 0) for found, wrong in steps], axis=0)
    rows = np.zeros(table.rows.height, layout(QuoteRow))
    rows["update_id"], rows["exchange_ns"] = -1, times
    rows["received_ns"] = times_of(table.rows["local_timestamp"], str(table.path))[0]
    for name, (found, _) in zip(("bid", "bid_lots", "ask", "ask_lots"), steps, strict=True):
        rows[name] = found
    venue = table.venue(first["exchange"])
    instrument = instrument_of(table, table.symbol(first["symbol"]), table.market(_futures(venue)), venue, price_decimals, size_decimals)
    issues = left_out(table, bad, "broken_row", "a price, a size or the time is none")
    return capture_of_rows(table, instrument, [(frames_of_rows(QUOTE, rows[~bad]), np.flatnonzero(~bad))], issues)


def _futures(venue: str) -> str:
    """What tardis's name of a venue says of its market, "" where it does not."""
    words = set(venue.lower().split("-"))
    return "perp" if words & {"futures", "swap", "perpetual", "derivatives", "delivery", "dm"} or words & {"bitmex", "deribit"} else ""
