"""The one typed configuration: a table for each part, each field with its unit in its name and its reason beside it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from msgspec import Meta, Struct

from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.profiles import DEFAULT
from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.engine.settings import AccountSettings, EngineSettings
from metastackerbandit.evaluation.settings import MonitorSettings, PreflightSettings, ReadinessSettings, RolloutSettings
from metastackerbandit.exchanges.settings import EndpointSettings, KeySettings, TransportSettings
from metastackerbandit.execution.settings import ExecutionSettings
from metastackerbandit.exits.settings import ExitSettings
from metastackerbandit.market.settings import BarSettings, CobSettings, MarketSettings, QualitySettings, UpkeepSettings
from metastackerbandit.risk.settings import RiskSettings, SizingSettings, TailSettings
from metastackerbandit.runtime.settings import (
    BackoffSettings,
    HealthSettings,
    LiveRunSettings,
    LiveSettings,
    OrderSettings,
    PriceSettings,
    UpkeepWorkerSettings,
)
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import AlignmentSettings, ArmSettings, ContextSettings, PosteriorSettings
from metastackerbandit.storage.settings import InputLogSettings, RawLogSettings
from metastackerbandit.training.settings import TrainingSettings


class RunSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a run trades when the command line does not say."""

    data: str = ""  # leaf folder of candles, or empty
    symbols: tuple[str, ...] = ()  # empty: every symbol of the folder
    frames: tuple[str, ...] = ("5m",)  # bar sizes of decisions; every symbol is traded on each of them, as a book of its own
    arm: str = "auto"  # a rule arm, model, aligned, posterior, or auto: the model where every symbol has one, else sma_cross
    higher_frames: tuple[str, ...] = ()  # frames that `aligned` hears above a book's own; empty: the next two that have models
    mood: str = ""  # folder of mood series named by symbol, or empty
    arms: tuple[str, ...] = ("model", "momentum", "sma_cross")  # what `posterior` chooses among
    pace: Annotated[float, Meta(ge=0)] = 0.0  # bars a second in a replay; 0 is as fast as it goes
    profile: str = DEFAULT  # named thresholds (decision/profiles.py), laid over the tables below; [frames.5m] profile is a frame's own


class ThresholdWaiver(Struct, frozen=True, forbid_unknown_fields=True):
    """A permission to break the rule of one threshold: explicit, expiring, shown in every run, and never in force in live mode."""

    key: str  # the threshold's dotted name, such as decision.thresholds or frames.5m.decision.thresholds
    until: date  # last UTC day on which it holds
    why: str  # the reason, shown wherever the waiver is


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a user can set."""

    run: RunSettings = RunSettings()
    account: AccountSettings = AccountSettings()
    market: MarketSettings = MarketSettings()
    quality: QualitySettings = QualitySettings()
    raw_log: RawLogSettings = RawLogSettings()
    input_log: InputLogSettings = InputLogSettings()
    bars: BarSettings = BarSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    upkeep_worker: UpkeepWorkerSettings = UpkeepWorkerSettings()
    cob: CobSettings = CobSettings()
    live: LiveSettings = LiveSettings()
    health: HealthSettings = HealthSettings()
    live_run: LiveRunSettings = LiveRunSettings()
    backoff: BackoffSettings = BackoffSettings()
    prices: PriceSettings = PriceSettings()
    orders: OrderSettings = OrderSettings()
    endpoints: EndpointSettings = EndpointSettings()
    keys: KeySettings = KeySettings()
    transport: TransportSettings = TransportSettings()
    arms: ArmSettings = ArmSettings()
    posterior: PosteriorSettings = PosteriorSettings()
    context: ContextSettings = ContextSettings()
    alignment: AlignmentSettings = AlignmentSettings()
    decision: DecisionSettings = DecisionSettings()
    sizing: SizingSettings = SizingSettings()
    risk: RiskSettings = RiskSettings()
    tail: TailSettings = TailSettings()
    exits: ExitSettings = ExitSettings()
    costs: CostSettings = CostSettings()
    execution: ExecutionSettings = ExecutionSettings()
    simulation: SimulationSettings = SimulationSettings()
    training: TrainingSettings = TrainingSettings()
    monitors: MonitorSettings = MonitorSettings()
    preflight: PreflightSettings = PreflightSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    rollout: RolloutSettings = RolloutSettings()
    overrides: dict[str, Any] = {}  # what differs by frame and symbol: "frames.5m.decision.min_alpha" -> value (config/scopes.py)
    waivers: tuple[ThresholdWaiver, ...] = ()

    def engine(self) -> EngineSettings:
        """The tables that the core reads."""
        return EngineSettings(**{name: getattr(self, name) for name in EngineSettings.__struct_fields__})
