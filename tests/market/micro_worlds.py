"""A market in plain Python: dicts of levels, lists of events, and what a second of it should say, looked up with no state carried."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.market_rows import DepthRow, TradeRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.market.book import Book, change, empty_books, replace
from metastackerbandit.market.micro import Micro, close_second, empty_micro, on_depth, on_trade

SECOND = 1_700_000_000
SECOND_NS = 1_000_000_000
Levels = dict[int, int]


class Change(Struct, frozen=True):
    """Levels of both sides set to so many lots, 0 for gone."""

    at_ns: int
    bids: Levels
    asks: Levels


class Deal(Struct, frozen=True):
    """A trade: `side` 1 bought, -1 sold, 0 not told."""

    at_ns: int
    ticks: int
    lots: int
    side: int


Event = Change | Deal


def world(seed: int, count: int, *, seconds: int = 3, deep: int = 60) -> tuple[Change, list[Event]]:
    """A first picture, and events of so many seconds behind it: levels come and go around a middle that wanders, takers deal with the best."""
    rng = np.random.default_rng(seed)
    middle = 10_000
    bids = {middle - 1 - n: int(lots) for n, lots in enumerate(rng.integers(1, 60, deep)) if n == 0 or rng.random() < 0.8}
    asks = {middle + 1 + n: int(lots) for n, lots in enumerate(rng.integers(1, 60, deep)) if n == 0 or rng.random() < 0.8}
    first = Change(SECOND * SECOND_NS, dict(bids), dict(asks))
    events: list[Event] = []
    times = np.sort(rng.integers(0, seconds * SECOND_NS, count)) + SECOND * SECOND_NS
    for at_ns in times.tolist():
        bid, ask = max(bids), min(asks)
        if rng.random() < 0.3:
            side = int(rng.choice([1, -1, 0]))
            ticks = ask if side == 1 or (side == 0 and rng.random() < 0.5) else bid
            events.append(Deal(at_ns, ticks, int(rng.integers(1, 30)), side))
            continue
        changed: tuple[Levels, Levels] = ({}, {})
        for _ in range(int(rng.integers(1, 5))):
            place = int(rng.integers(0, 2))
            side_levels, sign, best, other = ((bids, 1, bid, ask), (asks, -1, ask, bid))[place]
            ticks = best - sign * int(rng.choice([-1, 0, 0, 1, 2, 5, 11, 19, 25]))
            lots = int(rng.choice([0, 0, 3, 20, 500])) if rng.random() < 0.8 else int(rng.integers(1, 90))
            if sign * ticks >= sign * other or (lots == 0 and len(side_levels) < 25):
                continue
            changed[place][ticks] = lots
            side_levels[ticks] = lots
            if lots == 0:
                del side_levels[ticks]
            bid, ask = max(bids), min(asks)
        events.append(Change(at_ns, *changed))
    return first, events


def reflected(event: Any, about: int) -> Any:
    """The event in a market whose prices p are about - p, with bids asks and buyers sellers."""
    if isinstance(event, Deal):
        return Deal(event.at_ns, about - event.ticks, event.lots, -event.side)
    sides = ({about - ticks: lots for ticks, lots in side.items()} for side in (event.asks, event.bids))
    return Change(event.at_ns, *sides)


class Driven:
    """The kernels, driven as a feed drives them: a book, the micro behind it, the rows so far; `depth` levels a side as pictures (0: as changes)."""

    def __init__(self, first: Change, depth: int = 0) -> None:
        self.book: Book = empty_books(1, 256)
        self.micro: Micro = empty_micro(1)
        self.levels: tuple[Levels, Levels] = ({}, {})
        self.depth = depth
        self.rows = rows(SecondRow, 1_000)
        self.written = 0
        self.take(first)
        self.close(first.at_ns // SECOND_NS - 1)  # the second in which it begins is not whole: end it at once

    def take(self, event: Event) -> None:
        """One event."""
        if isinstance(event, Deal):
            on_trade(self.micro, row(TradeRow(0, 1, 1, 0, 0, event.at_ns, event.ticks, event.lots, event.side))[0])
            return
        for side, given in zip(self.levels, (event.bids, event.asks), strict=True):
            side.update(given)
            for ticks in [ticks for ticks, lots in side.items() if lots == 0]:
                del side[ticks]
        bids, asks = (event.bids, event.asks) if self.depth == 0 else self.picture()
        depth = row(DepthRow(0, 1 if self.depth else 0, 1, 1, 1, 0, 0, event.at_ns, len(bids), len(asks)))[0]
        put = replace if self.depth else change
        put(self.book.row[0], self.book.bids[0], self.book.asks[0], depth, pairs(bids), pairs(asks))
        on_depth(self.micro, 0, self.book.row[0], self.book.bids[0], self.book.asks[0], event.at_ns)

    def picture(self) -> tuple[Levels, Levels]:
        """The nearest levels."""
        bids, asks = self.levels
        return {t: bids[t] for t in sorted(bids, reverse=True)[: self.depth]}, {t: asks[t] for t in sorted(asks)[: self.depth]}

    def close(self, second: int, *, is_sound: bool = True) -> np.ndarray:
        """End a second."""
        close_second(self.micro, 0, second, (second + 1) * SECOND_NS + 5, is_sound, 0.9, 0.25, self.rows, self.written)
        self.written += 1
        return self.rows[self.written - 1 : self.written]


def pairs(side: Levels) -> np.ndarray:
    """Levels as codecs give them."""
    return np.array(list(side.items()) or [(0, 0)], np.int64).reshape(-1, 2)


def driven(first: Change, events: Sequence[Event], seconds: int, depth: int = 0) -> np.ndarray:
    """The seconds (N,) of a market, whole ones only."""
    market = Driven(first, depth)
    for second in range(SECOND, SECOND + seconds):
        for event in events:
            if event.at_ns // SECOND_NS == second:
                market.take(event)
        market.close(second)
    return market.rows[1 : market.written]


def best(side: Levels, sign: int, count: int) -> list[tuple[int, int]]:
    """The nearest levels of a side, best first."""
    return [(ticks, side[ticks]) for ticks in sorted(side, key=lambda ticks: -sign * ticks)[:count]]


def flow(before: list[tuple[int, int]], after: list[tuple[int, int]], sign: int, m: int) -> float:
    """Cont, Kukanov and Stoikov's e of one side, written with its indicators."""
    (p0, q0), (p1, q1) = before[m], after[m]
    return (sign * p1 >= sign * p0) * q1 - (sign * p1 <= sign * p0) * q0


def plain_second(first: Change, events: Sequence[Event], second: int) -> dict[str, float]:
    """What a second should say, from the whole history."""
    sides: list[Levels] = [dict(first.bids), dict(first.asks)]
    found: dict[str, float] = {f"ofi_{m}": 0.0 for m in range(1, 6)}
    found |= {f"{side}_{what}": 0.0 for side in ("bid", "ask") for what in ("added", "removed")}
    found |= dict.fromkeys(("updates", "bought_lots", "sold_lots", "unsided_lots", "trades"), 0.0)
    then: list[Levels] = [dict(side) for side in sides]
    traded: dict[tuple[int, int], int] = {}
    area, stood_ns = 0.0, second * SECOND_NS
    for event in events:
        if event.at_ns >= (second + 1) * SECOND_NS:
            break
        is_in = event.at_ns >= second * SECOND_NS
        if isinstance(event, Deal):
            if is_in:
                name = {1: "bought_lots", -1: "sold_lots", 0: "unsided_lots"}[event.side]
                found[name] += event.lots
                found["trades"] += 1
                for place in {1: (1,), -1: (0,), 0: (0, 1)}[event.side]:
                    traded[place, event.ticks] = traded.get((place, event.ticks), 0) + event.lots
            continue
        if is_in:
            area += (min(sides[1]) - max(sides[0])) / (min(sides[1]) + max(sides[0])) * 2e4 * (event.at_ns - stood_ns)
            stood_ns = event.at_ns
            found["updates"] += 1
        for place, (name, sign, given) in enumerate((("bid", 1, event.bids), ("ask", -1, event.asks))):
            before = best(sides[place], sign, 20)
            sides[place].update(given)
            sides[place] = {ticks: lots for ticks, lots in sides[place].items() if lots}
            after = best(sides[place], sign, 20)
            if is_in:
                for m in range(5):
                    found[f"ofi_{m + 1}"] += sign * flow(before, after, sign, m)
                floor = max(sign * before[-1][0], sign * after[-1][0])
                for ticks in {ticks for ticks, _ in before + after if sign * ticks >= floor}:
                    change = dict(after).get(ticks, 0) - dict(before).get(ticks, 0)
                    found[f"{name}_added" if change > 0 else f"{name}_removed"] += abs(change)
            else:
                then[place] = dict(sides[place])
    found |= _ended(sides, then, traded)
    spread = found["spread_bps"]
    found["spread_mean_bps"] = (area + spread * ((second + 1) * SECOND_NS - stood_ns)) / SECOND_NS
    return found


def _ended(sides: list[Levels], then: list[Levels], traded: dict[tuple[int, int], int]) -> dict[str, float]:
    """How the book stands at the end, and what was pulled since the second before."""
    (bid, bid_lots), (ask, ask_lots) = best(sides[0], 1, 1)[0], best(sides[1], -1, 1)[0]
    middle = (bid + ask) / 2
    found: dict[str, float] = {"mid": middle, "spread_bps": (ask - bid) / middle * 1e4}
    found["microprice"] = bid * ask_lots / (bid_lots + ask_lots) + ask * bid_lots / (bid_lots + ask_lots)
    for place, (name, sign) in enumerate((("bid", 1), ("ask", -1))):
        near, old = best(sides[place], sign, 20), best(then[place], sign, 20)
        for count in (1, 5, 10, 20):
            found[f"{name}_depth_{count}"] = float(sum(lots for _, lots in near[:count]))
        for count in (5, 20):
            found[f"{name}_reach_{count}"] = abs(middle - near[count - 1][0])
        usual = float(np.median([lots for _, lots in old]))
        drops = [
            math.log((lots + usual) / (sides[place].get(ticks, 0) + traded.get((place, ticks), 0) + usual))
            for ticks, lots in old
            if sign * ticks >= sign * near[-1][0]
        ]
        found[f"{name}_pulled"] = max([0.0, *drops])
        sizes = np.array([lots for _, lots in near], float)
        spread = float(np.median(np.abs(sizes - np.median(sizes))))
        found[f"{name}_wall"] = float((sizes.max() - np.median(sizes)) / spread) if spread else math.nan
    return found
