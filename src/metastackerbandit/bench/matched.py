"""The engine as other engines are: one rule, a fixed quantity, fees; every gate is asked, with limits so wide that none binds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from metastackerbandit.backtest.run import Block, block_of, run
from metastackerbandit.bench.candles import INSTRUMENT, Market
from metastackerbandit.bench.spec import Unequal
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.money import money_digits
from metastackerbandit.domain.sink import MemorySink
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.plan import Plan, plan_of
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import ArmSettings, Breakout, SmaCross

CASH = 10_000_000
QUANTITY = "100"
FEE_BPS = 5.0
MONEY = 1e-7  # currency a trade that floats and our rounding of fees may differ by
WIDE = RiskSettings(
    max_symbol_exposure=20.0,
    max_gross_exposure=20.0,
    max_side_exposure=20.0,
    max_net_exposure=20.0,
    max_heat=1.0,
    max_correlated_heat=1.0,
    max_daily_loss=1.0,
    max_weekly_loss=1.0,
    max_drawdown=1.0,
    max_loss_streak=1_000,
    max_volatility_ratio=100.0,
    max_bad_bars=1.0,
)


class Rule(Struct, frozen=True):
    """A rule arm, its lengths in bars, and its exits in basis points of the entry price, 0 for none."""

    arm: Literal["sma_cross", "breakout"]
    fast: int = 10
    slow: int = 50
    length: int = 48
    stop_bps: float = 0.0
    target_bps: float = 0.0


class Trades(Struct, frozen=True, eq=False):
    """Closed round trips (N,) in order of entry: when the candles of entry and exit opened, side, prices, fee and profit in currency."""

    opened_ns: np.ndarray
    closed_ns: np.ndarray
    side: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    fee: np.ndarray
    profit: np.ndarray


def settings_of(rule: Rule) -> EngineSettings:
    """What the rule is played under."""
    return EngineSettings(
        account=AccountSettings(deposit=str(CASH)),
        arms=ArmSettings(sma_cross=SmaCross(rule.fast, rule.slow), breakout=Breakout(rule.length)),
        decision=DecisionSettings(
            min_completeness=0.0, min_volatility=0.0, max_volatility=100.0, max_funding_bps=1_000.0, reversal="flip", unknown_passes=GATE_NAMES
        ),
        sizing=SizingSettings(mode="quantity", quantity=QUANTITY),
        risk=WIDE,
        exits=ExitSettings(stop_bps=rule.stop_bps, target_bps=rule.target_bps),
        costs=CostSettings(taker_fee_bps=FEE_BPS, maker_fee_bps=FEE_BPS, half_spread_bps=0.0, slippage_bps=0.0, impact_coefficient=0.0),
        execution=ExecutionSettings(
            flip_gap_bars=0, min_change_bps=0.0, max_impact_bps=1_000.0, max_orders_a_day=1_000_000, max_order_volume=1.0, max_day_volume=1.0
        ),
    )


def job_of(rule: Rule, candles: str, bars: int) -> dict[str, Any]:
    """The same, as a peer is handed it."""
    return {
        "candles": candles,
        "first": 0,
        "bars": bars,
        "frame_ns": MINUTE_NS,
        "tick": INSTRUMENT.tick_size,
        "step": INSTRUMENT.lot_size,
        "strategy": {
            "arm": rule.arm,
            "fast": rule.fast,
            "slow": rule.slow,
            "length": rule.length,
            "stop_bps": rule.stop_bps,
            "target_bps": rule.target_bps,
            "reversal": "flip",
            "sides": "both",
        },
        "fee_bps": FEE_BPS,
        "slippage_bps": 0.0,
        "cash": float(CASH),
        "quantity": QUANTITY,
        "funding": None,
    }


def playing(rule: Rule, market: Market) -> Callable[[], Trades]:
    """The block driver over the market, ready: `run()` plays from the first bar to the last, and gives the trades."""
    recording = market.recording()
    plan, block = plan_of(recording, "1m", rule.arm, settings_of(rule)), block_of(recording)
    return lambda: played(plan, block)


def played(plan: Plan, block: Block) -> Trades:
    """One lean run; its round trips."""
    sink = MemorySink()
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
