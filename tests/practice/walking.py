"""A market for tests: a seeded walk that quotes and trades, and venues on it with a clock that tests may turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.timeframe import SECOND_NS
from metastackerbandit.practice.allowance import Allowance, Limit
from metastackerbandit.practice.desk import Desk
from metastackerbandit.practice.doorkeeper import Doorkeeper
from metastackerbandit.practice.faults import Faults
from metastackerbandit.practice.floor import Floor
from metastackerbandit.practice.hub import Hub
from metastackerbandit.practice.keys import Key, KeyRing
from metastackerbandit.practice.settings import PracticeSettings
from metastackerbandit.practice.venue_time import VenueTime
from metastackerbandit.simulation.candle_board import CandleBoard
from metastackerbandit.simulation.exchange import Exchange
from metastackerbandit.simulation.exchange_words import ASSET_ONE
from metastackerbandit.simulation.flow import LEVEL, TAKE, Flow
from metastackerbandit.simulation.listing import Listing

BEGUN_NS = 1_790_000_000 * SECOND_NS
STEP_NS = SECOND_NS // 10
KEY = Key("k" * 64, "s" * 64, 1)
READER = Key("r" * 64, "t" * 64, 2, may_trade=False)
GIVEN = {"BTC": 50 * ASSET_ONE, "ETH": 500 * ASSET_ONE, "USDT": 1_000_000 * ASSET_ONE}


def instruments(market: str) -> list[Instrument]:
    """Two real symbols."""
    kind: Any = market
    return [
        Instrument("BTCUSDT", "BTC", "USDT", kind, "BINANCE", "0.01", "0.00001", "0.00001", "9000", "5"),
        Instrument("ETHUSDT", "ETH", "USDT", kind, "BINANCE", "0.01", "0.0001", "0.0001", "9000", "5"),
    ]


class Walk:
    """Quotes `levels` prices a side, and trades, around a price that walks by a tick at most every tenth of a venue second."""

    lineage = "a walk of tests"

    def __init__(self, seed: int = 1, middle: Sequence[int] = (6_000_000, 300_000), levels: int = 60) -> None:
        self._chance, self._middle, self._levels, self._now_ns = np.random.default_rng(seed), list(middle), levels, 0

    def begin(self, exchange: Exchange, board: CandleBoard, now_ns: int) -> None:
        """Fill the books."""
        self._now_ns = now_ns
        for s, middle in enumerate(self._middle):
            exchange.flow(
                self._rows([(LEVEL, side, middle + (k if side else -k), self._lots()) for k in range(1, self._levels + 1) for side in (0, 1)], s)
            )
            if exchange.is_perp:
                exchange.mark(s, middle, now_ns)

    def go_on(self, exchange: Exchange, to_ns: int) -> None:
        """Walk on."""
        while self._now_ns + STEP_NS <= to_ns:
            self._now_ns += STEP_NS
            for s in range(len(self._middle)):
                exchange.flow(self._rows(self._step(s), s))

    def _step(self, s: int) -> list[tuple[int, int, int, int]]:
        move = int(self._chance.integers(-1, 2))
        self._middle[s] += move
        middle, far = self._middle[s], self._levels
        acts = [(LEVEL, 1, middle, 0), (LEVEL, 0, middle, 0), (LEVEL, 0, middle - far - 1, 0), (LEVEL, 1, middle + far + 1, 0)]
        acts += [(LEVEL, side, middle + (1 if side else -1), self._lots()) for side in (0, 1)]
        acts += [(LEVEL, side, middle + (far if side else -far), self._lots()) for side in (0, 1)]
        for _ in range(4):
            side, k = int(self._chance.integers(0, 2)), int(self._chance.integers(2, far))
            acts.append((LEVEL, side, middle + (k if side else -k), self._lots()))
        if self._chance.random() < 0.6:
            acts.append((TAKE, int(self._chance.integers(0, 2)), 0, int(self._chance.integers(1, 3_000) if self._chance.random() < 0.8 else 400_000)))
        return acts

    def _lots(self) -> int:
        return int(self._chance.integers(1_000, 200_000))

    def _rows(self, wanted: Sequence[tuple[int, int, int, int]], s: int) -> np.ndarray:
        made = rows(Flow, len(wanted))
        for n, one in enumerate(wanted):
            made[n] = (self._now_ns, s, *one)
        return made


@dataclass
class Clock:
    """A wall clock that tests turn, ns."""

    at_ns: int = 0

    def __call__(self) -> int:
        return self.at_ns

    def turn(self, seconds: float) -> None:
        """Let wall time pass."""
        self.at_ns += round(seconds * SECOND_NS)


@dataclass
class Ground:
    """Everything that a side stands on, without a server."""

    market: str
    speed: float = 1.0
    clock: Any = field(default_factory=Clock)
    limits: Sequence[Limit] = ()
    terms: dict[str, Any] = field(default_factory=dict)
    settings: PracticeSettings = field(default_factory=PracticeSettings)

    def __post_init__(self) -> None:
        self.time = VenueTime(BEGUN_NS, self.speed, self.clock)
        self.exchange = Exchange([Listing(one, **self.terms) for one in instruments(self.market)], prices=512, orders=1_024)
        for owner in (1, 2):
            self.exchange.open(owner, GIVEN)
        self.faults = Faults(self.time)
        self.hub = Hub(self.time, self.faults)
        self.floor = Floor(self.exchange, Walk(), self.time.now_ns(), self.settings)
        self.keys = KeyRing([KEY, READER])
        self.allowance = Allowance(self.limits, self.time)
        self.doorkeeper = Doorkeeper(self.keys, self.time)
        self.desk = Desk(self.floor, self.doorkeeper, self.allowance, self.time, self.faults, self.settings)
