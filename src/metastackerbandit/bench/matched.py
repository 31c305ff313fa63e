"""A rule played by our engine and by a peer on the benchmarks' market, and the trades of both held against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.backtest.run import Block, block_of, run
from metastackerbandit.bench.candles import INSTRUMENT, Market
from metastackerbandit.bench.spec import Unequal
from metastackerbandit.bench.wide import CASH, Rule, settings_of
from metastackerbandit.domain.money import money_digits
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.plan import Plan, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.simulation.settings import SimulationSettings

QUANTITY = "100"
FEE_BPS = 5.0
MONEY = 1e-7  # currency a trade that floats and our rounding of fees may differ by


class Trades(Struct, frozen=True, eq=False):
    """Closed round trips (N,) in order of entry: when the candles of entry and exit opened, side, prices, fee and profit in currency."""

    opened_ns: np.ndarray
    closed_ns: np.ndarray
    side: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    fee: np.ndarray
    profit: np.ndarray


def matched_settings(rule: Rule) -> EngineSettings:
    """What the rule is played under."""
    return settings_of(rule, QUANTITY, FEE_BPS)


def job_of(rule: Rule, candles: str, bars: int) -> dict[str, Any]:
    """The same, as a peer is handed it."""
    return {
        "candles": candles,
        "first": 0,
        "bars": bars,
        "frame_ns": MINUTE_NS,
        "tick": INSTRUMENT.tick_size,
        "step": INSTRUMENT.lot_size,
        "strategy": {**structs.asdict(rule), "sides": "both"},
        "fee_bps": FEE_BPS,
        "slippage_bps": 0.0,
        "cash": float(CASH),
        "quantity": QUANTITY,
        "funding": None,
    }


def playing(rule: Rule, market: Market) -> Callable[[], Trades]:
    """The block driver over the market, ready: `run()` plays from the first bar to the last, and gives the trades."""
    recording = market.recording()
    plan, block = plan_of(recording, "1m", rule.arm, matched_settings(rule)), block_of(recording)
    return lambda: played(plan, block)


def played(plan: Plan, block: Block) -> Trades:
    """One lean run; its round trips."""
    sink = MemorySink("trips")
    run(plan, block, SimulationSettings(), sink, lean=True)
    trips = sink.kept().trips
    money = 10.0 ** -money_digits(INSTRUMENT.quote)
    value = trips["lots"] * plan.instruments[0].rules().unit
    tick = float(INSTRUMENT.tick_size)
    return Trades(
        opened_ns=trips["opened_ns"],
        closed_ns=trips["closed_ns"],
        side=trips["side"],
        entry=trips["entry_value"] / value * tick,
        exit=trips["exit_value"] / value * tick,
        fee=trips["fees"] * money,
        profit=trips["net"] * money,
    )


def equal(name: str, ours: Trades, answer: dict[str, Any], until_ns: int, most_different: float) -> str:
    """Hold a peer's trades against ours up to a time: entry, side, both prices, fee, profit, and the exit to the candle.

    A trade inside a candle is stamped with its opening by some and its close by others, so exits may lie one candle apart.

    Raises:
        Unequal: more than `most_different` of the trades differ.
    """
    theirs = np.array(answer["trades"], np.float64).reshape(-1, 9)
    kept = theirs[:, 1] < until_ns
    theirs, mine = theirs[kept], np.flatnonzero(ours.closed_ns < until_ns)
    theirs = theirs[np.lexsort((theirs[:, 1], theirs[:, 0]))]
    left = {(int(ours.opened_ns[n]), int(ours.side[n])): int(n) for n in mine}
    right = {(int(row[0]), int(row[2])): row for row in theirs}
    different = [key for key in left.keys() | right.keys() if not _same(ours, left.get(key), right.get(key))]
    both = len(left.keys() | right.keys())
    if len(different) > most_different * both:
        first = min(different)
        raise Unequal(
            f"{name} differs from ours in {len(different):,} of {both:,} trades; the first at {first[0]}, side {first[1]}: "
            f"ours {_told(ours, left.get(first))}, theirs {right[first].tolist() if first in right else None}"
        )
    return f"{both - len(different):,} of {both:,} trades equal" if different else f"all {both:,} trades equal"


def _same(ours: Trades, n: int | None, row: Any) -> bool:
    if n is None or row is None:
        return False
    prices = abs(ours.entry[n] - row[4]) < 1e-6 and abs(ours.exit[n] - row[5]) < 1e-6
    money = abs(ours.fee[n] - row[6]) < MONEY and abs(ours.profit[n] - row[8]) < MONEY
    return bool(prices and money and abs(int(ours.closed_ns[n]) - int(row[1])) <= MINUTE_NS)


def _told(ours: Trades, n: int | None) -> list[float] | None:
    return (
        None
        if n is None
        else [float(column[n]) for column in (ours.opened_ns, ours.closed_ns, ours.side, ours.entry, ours.exit, ours.fee, ours.profit)]
    )
