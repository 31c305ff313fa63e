"""A made market for tests of the standard input: books and trades by the second from a seed, and the same market mirrored.

Prices p are reflected to K - p, which over the few ticks that they move is C / p; a level's lots are such that it holds the same amount of money in
both markets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.market_rows import TradeRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.features.model_input import InputStream
from metastackerbandit.market.bar_ring import Bars
from metastackerbandit.market.bar_terms import bar_terms
from metastackerbandit.market.bars import BAR_FRAMES, empty_bars, listen, take
from metastackerbandit.market.book import BookRow
from metastackerbandit.market.cob import Cob, CobTerms, close_second, empty_cob
from metastackerbandit.market.settings import BarSettings
from tests.markets import instrument

SECOND = 10**9
FIRST = 1_700_006_403  # Unix second
MIDDLE = 1_000_000  # ticks
WIDTH = 4
UNIT = 0.1 * 0.001
ONE: Instrument = instrument()
REFLECTED = 2 * MIDDLE + WIDTH - 1  # p + its reflection: whole buckets change places

Sides = tuple[dict[int, int], dict[int, int]]


class Second(Struct, frozen=True):
    """One second: the book at its end (None: not to be trusted), and trades (ticks, money, side) made in it."""

    book: Sides | None
    trades: tuple[tuple[int, int, int], ...]


def made(seed: int, count: int, *, lost: float = 0.02, still: bool = False) -> list[Second]:
    """A market by the second: the middle walks on even ticks, levels of whole amounts of money come and go, some seconds cannot be trusted."""
    rng = np.random.default_rng(seed)
    middle, found = MIDDLE, []
    money = {ticks: int(rng.integers(1, 90)) for ticks in range(MIDDLE - 200, MIDDLE + 200)}
    for _ in range(count):
        if not still:
            middle += 2 * int(rng.integers(-2, 3))
            money |= {middle + int(away): int(rng.integers(0, 90)) for away in rng.integers(-60, 60, 8)}
        bids = {ticks: amount for ticks, amount in money.items() if middle - 150 < ticks < middle and amount} | {middle - 1: 5}
        asks = {ticks: amount for ticks, amount in money.items() if middle < ticks < middle + 150 and amount} | {middle + 1: 5}
        trades = [(middle + int(side), int(rng.integers(1, 60)), int(side)) for side in rng.choice((-1, 1), int(rng.integers(0, 5)))]
        found.append(Second(None if rng.random() < lost else (bids, asks), tuple(trades)))
    return found


def mirrored_seconds(seconds: list[Second]) -> list[Second]:
    """Bids become asks, buyers sellers, prices are reflected; amounts of money stay."""

    def turned(side: dict[int, int]) -> dict[int, int]:
        return {REFLECTED - ticks: amount for ticks, amount in side.items()}

    return [
        Second(
            None if one.book is None else (turned(one.book[1]), turned(one.book[0])),
            tuple((REFLECTED - ticks, amount, -side) for ticks, amount, side in one.trades),
        )
        for one in seconds
    ]


def lots_of(ticks: int, amount: int) -> int:
    """Lots of which ticks x lots is the same for a price and its reflection."""
    return amount * (REFLECTED - ticks)


def empty_market(fills: bool = False) -> tuple[Bars, Cob]:
    """Bars and book of one instrument, nothing heard; trades are heard from the first second on."""
    bars = empty_bars([bar_terms(ONE)], tuple(BAR_FRAMES.values()), BarSettings(fills_gaps=fills))
    terms = rows(CobTerms, 1)
    terms[0]["width"], terms[0]["unit"] = WIDTH, UNIT
    listen(bars, 0, FIRST * SECOND)
    return bars, empty_cob(terms)


def play(seconds: list[Second], bars: Bars, cob: Cob, each: Callable[[int], None] = lambda at_ns: None, first: int = FIRST) -> int:
    """Seconds one after the other into bars and book; `each` is called at the end of every one. The end of the last, ns."""
    trade, trade_id = rows(TradeRow, 1), 1_000 * (first - FIRST)
    for place, one in enumerate(seconds):
        second = first + place
        for n, (ticks, amount, side) in enumerate(one.trades):
            trade_id += 1
            at_ns = second * SECOND + (n + 1) * 10_000_000
            trade[0] = (0, trade_id, trade_id, at_ns, at_ns, at_ns, ticks, lots_of(ticks, amount), side)
            take(bars, trade[0])
        close(cob, second, one.book)
        each((second + 1) * SECOND)
    return (first + len(seconds)) * SECOND


def close(cob: Cob, second: int, book: Sides | None) -> None:
    """End a second with this book."""
    row, bids, asks = rows(BookRow, 1), np.zeros((1, 512, 2), np.int64), np.zeros((1, 512, 2), np.int64)
    for side, levels, sign in ((bids, (book or ({}, {}))[0], 1), (asks, (book or ({}, {}))[1], -1)):
        for n, ticks in enumerate(sorted(levels, key=lambda ticks: sign * ticks)):
            side[0, n] = ticks, lots_of(ticks, levels[ticks])
        row[0]["bids" if sign > 0 else "asks"] = len(levels)
    close_second(cob, 0, second, np.array([book is not None]), row, bids, asks)


def hearing(stream: InputStream, seed: int, sign: int = 1) -> Callable[[int], None]:
    """What is done at the end of each second: the stream is advanced, and told a second of its book by chance; of the mirrored market for -1."""
    rng, row = np.random.default_rng(seed), rows(SecondRow, 1)
    for name in ("mid", "microprice", "spread_bps", "spread_mean_bps", "bid_reach_5", "bid_reach_20", "ask_reach_5", "ask_reach_20"):
        row[name] = 20.0 if name.endswith("_20") else 5.0 if name.endswith("_5") else 1.0

    def each(at_ns: int) -> None:
        stream.advance(at_ns)
        sides = [rng.integers(1, 99, 3) for _ in range(2)]
        row[0]["second"], row[0]["closed_ns"], row[0]["is_trusted"] = at_ns // SECOND - 1, at_ns, rng.random() < 0.8
        row[0]["ofi_1"] = sign * int(rng.integers(-99, 99))
        for side, depths in zip(("bid", "ask")[::sign], sides, strict=True):
            for levels, depth in zip((1, 5, 20), depths, strict=True):
                row[0][f"{side}_depth_{levels}"] = depth
        stream.on_second(row, 0)

    return each
