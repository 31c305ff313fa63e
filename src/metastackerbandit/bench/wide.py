"""The engine as engines without gates are: one rule, a fixed quantity, costs; every gate is asked, with limits so wide that none binds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.settings import ArmSettings, Breakout, SmaCross

CASH = 10_000_000  # of the quote currency: so much that no cap of any engine is met
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
    """A rule arm, its lengths in bars, and how it is followed; distances in basis points of the entry price, 0 for none."""

    arm: Literal["sma_cross", "breakout"]
    fast: int = 10
    slow: int = 50
    length: int = 48
    stop_bps: float = 0.0
    target_bps: float = 0.0
    reversal: Literal["flip", "through_flat"] = "flip"


def settings_of(rule: Rule, quantity: str, fee_bps: float, slippage_bps: float = 0.0, currency: str = "USDT") -> EngineSettings:
    """What a rule is played under: `quantity` base units a trade, `fee_bps` for takers and makers alike, CASH of `currency` to begin with."""
    return EngineSettings(
        account=AccountSettings(currency=currency, deposit=str(CASH)),
        arms=ArmSettings(sma_cross=SmaCross(rule.fast, rule.slow), breakout=Breakout(rule.length)),
        decision=DecisionSettings(
            min_completeness=0.0,
            min_volatility=0.0,
            max_volatility=100.0,
            max_funding_bps=1_000.0,
            reversal=rule.reversal,
            unknown_passes=GATE_NAMES,  # the first bars have no volatility or volume to judge by; a fixed size needs none
        ),
        sizing=SizingSettings(mode="quantity", quantity=quantity),
        risk=WIDE,
        exits=ExitSettings(stop_bps=rule.stop_bps, target_bps=rule.target_bps),
        costs=CostSettings(taker_fee_bps=fee_bps, maker_fee_bps=fee_bps, half_spread_bps=0.0, slippage_bps=slippage_bps, impact_coefficient=0.0),
        execution=ExecutionSettings(
            flip_gap_bars=0, min_change_bps=0.0, max_impact_bps=1_000.0, max_orders_a_day=1_000_000, max_order_volume=1.0, max_day_volume=1.0
        ),
    )
