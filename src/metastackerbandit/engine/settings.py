"""The account that the engine trades, and the bundle of settings that the engine is built from."""

from __future__ import annotations

from msgspec import Struct

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.market.settings import MarketSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.stacking.settings import AlignmentSettings, ArmSettings, ContextSettings, PosteriorSettings


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Starting capital; every instrument of a run is quoted in its currency."""

    currency: str = "USDT"  # the quote currency of every symbol
    deposit: str = "10000"  # exact decimal text


class EngineSettings(Struct, frozen=True, kw_only=True):
    """Every table that the core reads."""

    account: AccountSettings = AccountSettings()
    market: MarketSettings = MarketSettings()
    arms: ArmSettings = ArmSettings()
    posterior: PosteriorSettings = PosteriorSettings()
    context: ContextSettings = ContextSettings()
    alignment: AlignmentSettings = AlignmentSettings()
    decision: DecisionSettings = DecisionSettings()
    sizing: SizingSettings = SizingSettings()
    risk: RiskSettings = RiskSettings()
    exits: ExitSettings = ExitSettings()
    costs: CostSettings = CostSettings()
    execution: ExecutionSettings = ExecutionSettings()
