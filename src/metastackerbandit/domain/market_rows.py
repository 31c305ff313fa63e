"""What venues tell of a market, one Struct a kind of row: every codec writes these, and nothing behind a codec knows a wire format.

Times are UTC ns: `exchange_ns` as the venue stamps the message (0 where it does not), `received_ns` by our clock. Prices are ticks, sizes lots;
what rests at a venue may be finer than a lot (it was smaller once): that is left out, and less than one lot counts as one.
`instrument` is the place in the reader's list. What a venue sends finer than ticks (mark prices) is a float in quote currency.
"""

from __future__ import annotations

from msgspec import Struct

# Kinds of messages, as codecs name what they found.
NOTHING, DEPTH, TRADES, QUOTE, VENUE_BARS, MARK, LIQUIDATION, USER, ACK = 0, 1, 2, 3, 4, 5, 6, 7, 8
MARKET_KINDS = ("nothing", "depth", "trades", "quote", "bars", "mark", "liquidation", "user", "ack")


class DepthRow(Struct, frozen=True):
    """One book message; its levels stand beside it, bids (bids, 2) and asks (asks, 2) int64 of ticks and lots, 0 lots removing a level.

    `is_whole` is 0 for changes, 1 for a picture of the best levels (a top-N stream), 2 for a snapshot of the book that was asked for. Update
    ids as the venue counts: the message covers `first_id` to `last_id`, `prior_id` is the last one of the message before where the venue says
    so; -1 where it does not. `engine_ns` is when the matching engine made it, 0 where not told.
    """

    instrument: int
    is_whole: int
    first_id: int
    last_id: int
    prior_id: int
    exchange_ns: int
    engine_ns: int
    received_ns: int
    bids: int
    asks: int


class TradeRow(Struct, frozen=True):
    """One trade, or several of one taker at one price (`first_id` to `last_id`). `side` is the taker's: 1 bought, -1 sold, 0 not told.

    `traded_ns` is the time of the trade itself.
    """

    instrument: int
    first_id: int
    last_id: int
    exchange_ns: int
    traded_ns: int
    received_ns: int
    ticks: int
    lots: int
    side: int


class QuoteRow(Struct, frozen=True):
    """Best bid and ask with their sizes; 0 ticks and lots for an empty side. `update_id` is the book's, -1 where not told."""

    instrument: int
    update_id: int
    exchange_ns: int
    received_ns: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


class VenueBarRow(Struct, frozen=True):
    """The venue's own candle, whole or still forming (`is_closed` 0); it ends at `closed_ns`, the first instant that is not in it.

    Volumes are in base and quote currency, `taker_volume` what takers bought; NaN where the venue does not say, as -1 `trades` is. `first_id` and
    `last_id` are those of its first and last trade, -1 where there is none or they are not told.
    """

    instrument: int
    frame_ns: int
    opened_ns: int
    closed_ns: int
    exchange_ns: int
    received_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: float
    quote_volume: float
    taker_volume: float
    trades: int
    first_id: int
    last_id: int
    is_closed: int


class MarkRow(Struct, frozen=True):
    """A perpetual's mark and index price, its funding rate (1e-8) and when it is settled next (0: not told)."""

    instrument: int
    exchange_ns: int
    received_ns: int
    mark_price: float
    index_price: float
    rate: int
    settles_ns: int


class LiquidationRow(Struct, frozen=True):
    """A forced order: `side` 1 bought, -1 sold; its limit, average price (quote currency, finer than ticks) and filled size."""

    instrument: int
    exchange_ns: int
    received_ns: int
    side: int
    ticks: int
    average: float
    lots: int
    filled: int


class FlowRow(Struct, frozen=True):
    """One fill of a trader who is followed: `side` 1 bought, -1 sold; `trader` is the place in the reader's list of traders.

    `is_taker` is 1 where the trader took what rested, `is_old` 1 where the venue told it before (the list that a subscription begins with).
    """

    instrument: int
    trader: int
    trade_id: int
    traded_ns: int
    received_ns: int
    side: int
    ticks: int
    lots: int
    is_taker: int
    is_old: int
