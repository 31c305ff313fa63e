"""What a codec leaves of a frame: rows of domain.market_rows in arrays made once, or what is wrong with the frame."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import layout, rows
from metastackerbandit.domain.market_rows import DepthRow, LiquidationRow, MarkRow, QuoteRow, TradeRow, VenueBarRow

MOST_LEVELS = 10_000  # a side of one message; venues send 5,000 at the most
MOST_ROWS = 1_000  # trades, quotes, bars, marks or liquidations of one message

# What can be wrong with a frame: its number, a word, and what it means.
SOUND, TRUNCATED, MALFORMED, MISSING, MISTYPED, OFF_GRID, TOO_LARGE, NEGATIVE, TOO_MANY, TOO_DEEP, UNREADABLE, FOREIGN = range(12)
FAULTS = (
    ("sound", "nothing is wrong"),
    ("truncated", "the frame ends before its message does"),
    ("malformed", "the frame is not of the format that the venue speaks"),
    ("missing", "a field that the message must have is not there"),
    ("mistyped", "a field is not of its type, or not a number"),
    ("off_grid", "a price or size is no multiple of the instrument's step"),
    ("too_large", "a number does not fit 64 bits"),
    ("negative", "a price or size is below zero"),
    ("too_many", "the message has more levels or rows than there is room for"),
    ("too_deep", "objects are nested deeper than any message is"),
    ("unreadable", "text is not UTF-8"),
    ("foreign", "the message is of an instrument that nobody asked for"),
)


class Steps(Struct, frozen=True):
    """How decimal text becomes whole steps: as many `decimals` count, and one step is `step` of the last of them."""

    decimals: int
    step: int


class Route(Struct, frozen=True):
    """An instrument as codecs read it: the steps of its prices and sizes."""

    price: Steps
    amount: Steps


class FoundRow(Struct, frozen=True):
    """What the frame was: `kind` (domain.market_rows), how many rows of it, and where (byte) what `fault` was seen."""

    kind: int
    rows: int
    fault: int
    at: int


class Decoded(NamedTuple):
    """The newest frame's rows; only those of its kind mean anything."""

    found: Any  # (1,) FoundRow
    depth: Any  # (1,) DepthRow
    bids: Any  # (M, 2) int64 of ticks and lots
    asks: Any  # (M, 2)
    trades: Any  # (K,) TradeRow
    quotes: Any  # (K,) QuoteRow
    bars: Any  # (K,) VenueBarRow
    marks: Any  # (K,) MarkRow
    liquidations: Any  # (K,) LiquidationRow


def empty_decoded(levels: int = MOST_LEVELS, count: int = MOST_ROWS) -> Decoded:
    """Room for one frame of at most so many levels a side, or rows."""
    return Decoded(
        found=rows(FoundRow, 1),
        depth=rows(DepthRow, 1),
        bids=np.zeros((levels, 2), np.int64),
        asks=np.zeros((levels, 2), np.int64),
        trades=rows(TradeRow, count),
        quotes=rows(QuoteRow, count),
        bars=rows(VenueBarRow, count),
        marks=rows(MarkRow, count),
        liquidations=rows(LiquidationRow, count),
    )


def steps_of(size: str) -> Steps:
    """The steps of a tick or lot size, such as 0.10 -> one decimal by one; 0.25 -> two by 25; 10 -> none by ten."""
    digits = Decimal(size).normalize()
    sign, figures, exponent = digits.as_tuple()
    if sign or not isinstance(exponent, int) or not digits:
        raise ValueError(f"{size!r} is no step")
    number = int("".join(map(str, figures)))
    return Steps(max(-exponent, 0), number * 10 ** max(exponent, 0))


def routes_of(instruments: Sequence[Instrument]) -> np.ndarray:
    """Routes (S,) in the order of the instruments."""
    made = np.zeros(len(instruments), layout(Route))
    for place, one in enumerate(instruments):
        for name, size in (("price", one.tick_size), ("amount", one.lot_size)):
            found = steps_of(size)
            made[place][name] = (found.decimals, found.step)
    return made
