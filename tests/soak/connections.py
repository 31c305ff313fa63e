"""A month of faults in virtual time: how long books are live, how whole candles are, how quickly connections take over from each other.

    python -m tests.soak.connections --days 30 --seed 1

Two symbols on two connections, over the light venue. Held at every message: no best price is wrong while its book is said to be live, no trade comes
twice, and a candle that is told as heard whole has every trade of its minute. Faults come by chance, at the rates of `RATES`; those of single
connections one at a time, since one backup stands by.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import BarClosed, Input
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.exchanges.transport.ports import ABNORMAL, Closed
from metastackerbandit.market.bars import NEVER
from metastackerbandit.market.settings import BarSettings
from metastackerbandit.runtime.book_feed import Feeds
from metastackerbandit.runtime.live_market import LiveMarket
from metastackerbandit.runtime.live_take import Taken
from metastackerbandit.runtime.settings import HealthSettings
from tests.runtime.light_scene import LightScene
from tests.runtime.light_venue import Wire
from tests.runtime.test_live_market import plan

DAY_S = 86_400.0
QUIET_S, LIVELY_S = 5.0, 0.25  # a step of the market: far from any fault, and around one
_AROUND_S = 30.0  # for which the market is lively once a fault is over
_FRESH_S = 2.0  # within which a change must be in the book that is shown
_RATE = 0.1  # messages a second below which a connection is yellow: far from any fault the market says little
_LISTEN_S = 1.0  # from which on trades count as heard, behind the time from which a connection stands

# How often a day each fault comes. Of one connection: cut, closed, half open, held back for 2 to 20 s, late by 0.3 to 1.5 s for 1 to 5 minutes, a
# message lost, a message doubled. Of the venue: an old snapshot, all connections closed (a deployment), nobody let in for 1 to 60 s.
RATES = {
    "cut": 0.5,
    "closed": 0.25,
    "half open": 0.25,
    "held back": 0.5,
    "late": 0.5,
    "lost": 0.25,
    "doubled": 1.0,
    "old snapshot": 0.25,
    "all closed": 1 / 7,
    "shut": 1 / 15,
}


class Campaign(Struct, frozen=True):
    """What became of it: by symbol the share of time live, the share of steps shown within 2 s, the share of candles heard whole; failovers in ms."""

    days: float
    faults: dict[str, int]
    live: dict[str, float]
    fresh: dict[str, float]
    candles: dict[str, float]
    failover_ms: tuple[float, ...]
    happened: dict[str, int]
    compared: int
    wrong: int
    candles_wrong: int
    trades_twice: int

    def quantile_ms(self, share: float) -> float:
        """A quantile of the times that failovers took, 0 where there was none."""
        return float(np.quantile(self.failover_ms, share)) if self.failover_ms else 0.0


class _Soak:
    """A scene with a market of candles behind it, and its faults."""

    def __init__(self, market: Literal["spot", "perp"], seed: int, days: float, haste: float, symbols: tuple[str, ...]) -> None:
        self.scene = LightScene(market, seed, symbols=symbols, pace_s=self._pace_s, health=HealthSettings(yellow_rate=_RATE))
        self._haste = haste
        self.scene.venue.beats = (1,)
        self._days, self._chance = days, random.Random(seed + 1)
        self._lively_until_s = 0.0
        self._striking = 0  # faults under way
        self._alone = asyncio.Lock()
        self.faults = dict.fromkeys(RATES, 0)
        self.shown, self.steps = [0.0] * len(symbols), 0.0
        self.trades: list[dict[int, int]] = [{} for _ in symbols]  # minute -> how many
        self.candles_wrong = self.twice = 0
        self._newest = [0] * len(symbols)
        self.market: LiveMarket
        self.live: dict[str, float] = {}
        self.heard: dict[str, float] = {}
        self.failover_ms: tuple[float, ...] = ()

    def _pace_s(self) -> float:
        return LIVELY_S if self._striking or asyncio.get_running_loop().time() < self._lively_until_s else QUIET_S

    def run(self) -> None:
        """All of it."""
        self.scene.play(self._script)

    async def _script(self) -> None:
        scene, venue = self.scene, self.scene.venue
        symbols = tuple(venue.instruments)
        self.market = LiveMarket(plan(symbols, ("1m",)), scene.feed.desk, BarSettings(grace_s=2.0, fills_gaps=True), self._told, self._asked)
        for s in range(len(symbols)):
            before = rows(Bar, 1)
            before["closed_ns"] = venue.now_ns() // MINUTE_NS * MINUTE_NS
            before["opened_ns"] = before["closed_ns"] - MINUTE_NS
            self.market.begin(s, before)
        self._listen(NEVER)
        scene.feed._whole = lambda plan, from_ns: self._listen(from_ns)
        scene.feed.desk._passing = self.market.passing
        hear, step = scene.feed.desk._hear, venue.step
        scene.feed.desk._hear = lambda taken, market, received_ns: self._hear(hear, taken, market, received_ns)
        venue.step = lambda: self._step(step)  # type: ignore[method-assign]
        beside = [asyncio.ensure_future(work) for work in (self._look(), *(self._strike(name, self._haste * rate) for name, rate in RATES.items()))]
        await asyncio.sleep(self._days * DAY_S)
        for task in beside:
            task.cancel()
        self.live = scene.feed.live_shares()
        self.heard = {one.symbol: self.market.heard_share(s) or 0.0 for s, one in enumerate(symbols)}
        self.failover_ms = tuple(lasted for route in scene.feed.routes for lasted in route.facts().failover_ms)
        scene.venue.trades = [[] for _ in symbols]  # what was told is held against the minutes

    # -- what comes --------------------------------------------------------------------------------------------------

    def _listen(self, from_ns: int) -> None:
        for s in range(len(self.trades)):
            self.market.listens(s, NEVER if from_ns == NEVER else from_ns + round(_LISTEN_S * 1e9))

    def _hear(self, hear: Any, taken: Taken, market: Feeds, received_ns: int) -> None:
        hear(taken, market, received_ns)
        self.market.hear(taken, received_ns)
        for s, heard in enumerate(self.scene.heard):
            for number in heard:
                self.twice += number <= self._newest[s]
                self._newest[s] = max(self._newest[s], number)
            heard.clear()

    def _step(self, step: Any) -> None:
        """A step of the market, whose trades are counted by minute, and whose changes are to be shown soon."""
        venue, before = self.scene.venue, [len(told) for told in self.scene.venue.trades]
        step()
        minute = venue.now_ns() // 1_000_000 * 1_000_000 // MINUTE_NS
        for s, told in enumerate(venue.trades):
            self.trades[s][minute] = self.trades[s].get(minute, 0) + len(told) - before[s]
            told.clear()
        weight = self._pace_s()
        self.steps += weight
        asyncio.get_running_loop().call_later(_FRESH_S, self._was_shown, [book.update for book in venue.books], weight)

    def _was_shown(self, updates: list[int], weight: float) -> None:
        desk = self.scene.feed.desk
        for s, update in enumerate(updates):
            if desk.best(s) is not None and int(desk.market.book.row[s]["last_id"]) >= update:
                self.shown[s] += weight

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.market.look(self.scene.venue.now_ns())

    def _told(self, event: Input) -> None:
        """A candle that was heard whole has every trade of its minute."""
        if isinstance(event, BarClosed) and event.bar.close != 7:
            self.candles_wrong += event.bar.trades != self.trades[event.instrument].get(event.bar.opened_ns // MINUTE_NS, 0)
        if isinstance(event, BarClosed):
            self.trades[event.instrument].pop(event.bar.opened_ns // MINUTE_NS - 10, None)

    def _asked(self, s: int, opened_ns: int) -> None:
        """The venue gives every candle that is asked for, a second later; its close says that it is the venue's."""
        candle = rows(Bar, 1)
        candle["opened_ns"], candle["closed_ns"], candle["parts"], candle["parts_due"] = opened_ns, opened_ns + MINUTE_NS, 1, 1
        candle["open"] = candle["high"] = candle["low"] = candle["close"] = 7
        asyncio.get_running_loop().call_later(1.0, lambda: self.market.mended(s, candle, self.scene.venue.now_ns()))

    # -- faults ------------------------------------------------------------------------------------------------------

    async def _strike(self, name: str, rate: float) -> None:
        """One kind of fault, again and again."""
        while True:
            await asyncio.sleep(max(self._chance.expovariate(rate / DAY_S), 60.0))
            async with self._alone:
                self._striking = 1
                await asyncio.sleep(self._chance.uniform(QUIET_S, 2 * QUIET_S))  # the market has become lively
                self.faults[name] += 1
                await self._begin(name)
                self._lively_until_s, self._striking = self.scene.venue.now_s() + _AROUND_S, 0
                await asyncio.sleep(QUIET_S)  # and the connection has come back

    async def _begin(self, name: str) -> None:
        venue, chance = self.scene.venue, self._chance
        if name in ("all closed", "shut"):
            venue.is_shut = name == "shut"
            for wire in list(venue.wires):
                wire.end(Closed(1001, "maintenance", "venue"))
            if venue.is_shut:
                await asyncio.sleep(chance.uniform(1.0, 60.0))
                venue.is_shut = False
            return
        if name == "old snapshot":
            venue.stale = {s: venue.snapshot(s) for s in range(len(venue.books))}
            return
        if venue.wires:
            await self._begin_of_one(name, chance.choice(venue.wires))

    async def _begin_of_one(self, name: str, wire: Wire) -> None:
        chance = self._chance
        if name == "cut":
            wire.end(Closed(ABNORMAL, "the cable", "network"))
        elif name == "closed":
            wire.end(Closed(1001, "maintenance", "venue"))
        elif name == "half open":
            wire.is_mute = True
        elif name == "held back":
            wire.stall(True)
            await asyncio.sleep(chance.uniform(2.0, 20.0))
            wire.stall(False)
        elif name == "late":
            before, wire.delay_s = wire.delay_s, chance.uniform(0.3, 1.5)
            await asyncio.sleep(chance.uniform(60.0, 300.0))
            wire.delay_s = before
        elif name == "lost":
            wire.loses += 1
        else:
            wire.doubles += 1


def campaign(
    market: Literal["spot", "perp"], seed: int, days: float, haste: float = 1.0, symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
) -> Campaign:
    """Play so many days, with faults `haste` times as often as is realistic; one seed is one history."""
    soak = _Soak(market, seed, days, haste, symbols)
    soak.run()
    happened: dict[str, int] = {}
    for event in soak.scene.events:
        happened[event.what] = happened.get(event.what, 0) + 1
    return Campaign(
        days=days,
        faults=soak.faults,
        live=soak.live,
        fresh={symbol: soak.shown[s] / soak.steps for s, symbol in enumerate(symbols)},
        candles=soak.heard,
        failover_ms=soak.failover_ms,
        happened=happened,
        compared=soak.scene.compared,
        wrong=len(soak.scene.wrong),
        candles_wrong=soak.candles_wrong,
        trades_twice=soak.twice,
    )


def lines_of(found: Campaign) -> list[str]:
    """The campaign in words."""
    faults = ", ".join(f"{count} {name}" for name, count in found.faults.items())
    lines = [f"{found.days:g} days; faults: {faults}"]
    for symbol, live in found.live.items():
        fresh, candles = found.fresh[symbol], found.candles[symbol]
        lines.append(f"{symbol}: live {100 * live:.4f} %, shown within 2 s {100 * fresh:.4f} %, candles heard whole {100 * candles:.3f} %")
    times = ", ".join(f"{name} {found.quantile_ms(share):.0f} ms" for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)))
    lines.append(f"{len(found.failover_ms)} failovers: {times}")
    count = found.happened.get
    lines.append(f"{count('closed', 0)} drops, {count('rotated', 0)} rotations, {count('uncarried', 0)} outages, {count('gap', 0)} gaps")
    lines.append(f"{count('returned', 0)} times back to the first connection, {count('rotation_failed', 0)} rotations tried again")
    wrong = f"{found.wrong} wrong; {found.candles_wrong} candles wrong; {found.trades_twice} trades twice"
    lines.append(f"{found.compared:,} best prices compared, {wrong}")
    return lines


def is_good(found: Campaign) -> bool:
    """Whether it keeps what the design promises: nothing wrong, books live for more than 99.9 % of the time, failovers within 2 s."""
    is_right = found.wrong == found.candles_wrong == found.trades_twice == 0
    return is_right and min(found.live.values()) > 0.999 and min(found.fresh.values()) > 0.999 and found.quantile_ms(1.0) < 2_000.0


def main() -> int:
    """Play a month of each market and print what became of it; 1 where a promise is not kept."""
    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("--days", type=float, default=30.0)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--market", choices=("spot", "perp"), action="append")
    given, is_kept = asked.parse_args(), True
    for market in given.market or ("spot", "perp"):
        began = time.monotonic()
        found = campaign(market, given.seed, given.days)
        sys.stdout.write("\n".join([f"{market}, seed {given.seed}, {time.monotonic() - began:.0f} s", *lines_of(found), ""]) + "\n")
        is_kept = is_kept and is_good(found)
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
