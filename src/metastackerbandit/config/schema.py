"""The one typed configuration: a table for each part, each field with its unit in its name and its reason beside it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.evaluation.settings import MonitorSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.market.settings import MarketSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import AlignmentSettings, ArmSettings, ContextSettings, PosteriorSettings
from metastackerbandit.training.settings import TrainingSettings


class RunSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a run trades when the command line does not say."""

    data: str = ""  # leaf folder of candles, or empty
    symbols: tuple[str, ...] = ()  # empty: every symbol of the folder
    frame: str = "5m"  # bar size of decisions
    arm: str = "auto"  # a rule arm, model, aligned, posterior, or auto: the model where every symbol has one, else sma_cross
    frames: tuple[str, ...] = ()  # higher frames that `aligned` hears beside `frame`; empty: the next two that have models
    arms: tuple[str, ...] = ("model", "momentum", "sma_cross")  # what `posterior` chooses among
    pace: Annotated[float, Meta(ge=0)] = 0.0  # bars a second in a replay; 0 is as fast as it goes


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a user can set."""

    run: RunSettings = RunSettings()
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
    simulation: SimulationSettings = SimulationSettings()
    training: TrainingSettings = TrainingSettings()
    monitors: MonitorSettings = MonitorSettings()

    def engine(self) -> EngineSettings:
        """The tables that the core reads."""
        return EngineSettings(**{name: getattr(self, name) for name in EngineSettings.__struct_fields__})
