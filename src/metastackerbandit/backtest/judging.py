"""Gathers the evidence for a verdict: the same plan at other costs, beside fixed baselines, at other times, and as one of many trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from metastackerbandit.backtest.holding import holding_of
from metastackerbandit.backtest.run import Block, Result, run
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.sink import Kept
from metastackerbandit.domain.timeframe import DAY_NS, bars_a_year, frame_ns
from metastackerbandit.engine.plan import Plan
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.evaluation.coarse import coarse
from metastackerbandit.evaluation.effective import effective_trades
from metastackerbandit.evaluation.evidence import CostCurve, Evidence
from metastackerbandit.evaluation.sharpe import moments_of
from metastackerbandit.evaluation.weighing import weigh
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.stacking.settings import ArmSettings, Momentum
from metastackerbandit.storage.trials import Kind, Trial, family_of, returns_text

Floats = NDArray[np.float64]

BASELINES = ("buy_and_hold", "sma_cross", "momentum", "reversal")  # with doing nothing; fixed before any result was seen
MOMENTUM_DAYS = 30  # look-back of the momentum baseline
_LONGEST = 100_000  # bars that an arm may look back


class Curve(Struct, frozen=True, eq=False):
    """An account by closed bar, all (T,): times of the closes, equity in money, net returns a bar; nothing is earned after ruin."""

    times: NDArray[np.int64]
    equity: NDArray[np.int64]
    returns: Floats


def curve_of(result: Result, capital: int) -> Curve:
    """The equity curve of a run after `capital` (money): one point a closing time, the last one with all that came after it."""
    order = np.argsort(result.curve["at_ns"], kind="stable")
    at, equity = result.curve["at_ns"][order], result.curve["equity"][order]
    last = np.append(at[1:] != at[:-1], True)[: len(at)]
    times, levels = at[last].astype(np.int64), equity[last].astype(np.int64)
    if len(levels):
        levels[-1] = final_of(result)
    return Curve(times, levels, _returns(levels, capital))


def on_bars_of(curve: Curve, times: NDArray[np.int64], capital: int) -> Floats:
    """A curve's net returns on another run's closing times (T,): what it earned since the time before."""
    places = np.searchsorted(curve.times, times, side="right") - 1
    levels = np.where(places >= 0, curve.equity[np.maximum(places, 0)], capital) if len(curve.times) else np.full(len(times), capital)
    return _returns(levels, capital)


def _returns(levels: NDArray[np.int64], capital: int) -> Floats:
    """Simple returns (T,) of equity in money; the ruinous bar loses all, and no bar after it earns."""
    before = np.concatenate((np.array([capital], np.int64), levels[:-1]))[: len(levels)]
    ruined = np.minimum.accumulate(before) <= 0 if len(levels) else before <= 0
    return np.where(ruined, 0.0, np.maximum((levels - before) / np.where(ruined, 1, before), -1.0))


def final_of(result: Result) -> int:
    """Equity in money when a run ended."""
    account = result.world.account[0]
    return int(account.cash + account.marked)


def trial_of(plan: Plan, result: Result, *, identity: str, now_ns: int, kind: Kind = "backtest") -> Trial | None:
    """A run as the registry of trials keeps it; None where no bar closed."""
    curve = curve_of(result, _capital(plan))
    if not len(curve.times):
        return None
    length = frame_ns(plan.frame)
    moments = moments_of(curve.returns)
    return Trial(
        at_ns=now_ns,
        kind=kind,
        family=family_of(plan.instruments, *(frame_ns(name) for name in plan.frames)),
        identity=identity,
        name=plan.arm,
        from_ns=int(curve.times[0]) - length,
        to_ns=int(curve.times[-1]),
        bars=moments.count,
        sharpe=moments.sharpe,
        skew=moments.skew,
        kurtosis=moments.kurtosis,
        annual_sharpe=moments.sharpe * math.sqrt(bars_a_year(length)),
        returns=returns_text(coarse(curve.returns)),
    )


class Beside(Struct, frozen=True, eq=False):
    """What ran beside a run: net returns (T,) of its baselines on its own closes, and its plan's curves without costs and at twice them."""

    rivals: dict[str, Floats]
    free: Curve
    double: Curve


def beside_of(plan: Plan, block: Block, simulation: SimulationSettings, result: Result) -> Beside:
    """The plan's rivals and the plan at other costs, over the block that `result` ran over. Six runs are made, without rows."""
    free, double = (curve_of(run(at_costs(plan, times), block, simulation, None, lean=True), _capital(plan)) for times in (0.0, 2.0))
    return Beside(_baselines(plan, block, simulation, curve_of(result, _capital(plan))), free, double)


def evidence_of(
    plan: Plan,
    block: Block,
    simulation: SimulationSettings,
    result: Result,
    kept: Kept,
    tried: Sequence[Trial],
    *,
    canaries_green: bool | None = None,
    seed: int = 0,
    beside: Beside | None = None,
) -> Evidence | None:
    """What tests beside a run of `plan` over `block` found; None where no bar closed.

    `result` and `kept` are the run's own, `tried` every trial of its family, itself among them; `beside` what `beside_of` made of them,
    made here where it is not given.
    """
    curve = curve_of(result, _capital(plan))
    if not len(curve.times):
        return None
    if beside is None:
        beside = beside_of(plan, block, simulation, result)
    length = frame_ns(plan.frame)
    holding = holding_of(plan, block, kept, curve.times, curve.equity)
    return weigh(
        curve.returns,
        frame_ns=length,
        exposure=holding.exposure,
        market=holding.returns,
        charge=holding.charge,
        baselines=beside.rivals,
        sharpes=np.array([trial.sharpe for trial in tried], np.float64),
        trials=_matrix(tried, curve, length),
        n_eff=effective_trades(kept.trips["opened_ns"], kept.trips["closed_ns"]) if len(kept.trips) else 0.0,
        costs=_costs_curve(plan, beside, result),
        canaries_green=canaries_green,
        seed=seed,
    )


def _costs_curve(plan: Plan, beside: Beside, result: Result) -> CostCurve:
    """Net return of the same plan without costs, as it ran, and at twice every cost but funding; the plan knows what it is charged."""
    return CostCurve(free=_net(plan, _last(plan, beside.free)), own=_net(plan, final_of(result)), double=_net(plan, _last(plan, beside.double)))


def at_costs(plan: Plan, times: float) -> Plan:
    """The plan with fees, spread, slippage and impact multiplied."""

    def scaled(settings: EngineSettings) -> EngineSettings:
        costs = settings.costs
        return structs.replace(settings, costs=structs.replace(costs, **{name: times * getattr(costs, name) for name in costs.__struct_fields__}))

    return plan.tuned(scaled)


def baseline_plan(plan: Plan, arm: str) -> Plan:
    """The plan with a baseline's arm under its parameters of always: average cross 10/50, momentum of 30 days, the last bar's reversal."""
    look_back = max(1, min(_LONGEST, MOMENTUM_DAYS * DAY_NS // frame_ns(plan.frame)))
    arms = ArmSettings(momentum=Momentum(length=look_back))
    return structs.replace(plan.tuned(lambda settings: structs.replace(settings, arms=arms)), arm=arm)


def _baselines(plan: Plan, block: Block, simulation: SimulationSettings, own: Curve) -> dict[str, Floats]:
    """Net returns (T,) of the baselines; the run's arm is no baseline of itself."""
    found = {"flat": np.zeros(len(own.returns))}
    for arm in BASELINES:
        if arm != plan.arm:
            rival = curve_of(run(baseline_plan(plan, arm), block, simulation, None, lean=True), _capital(plan))
            found[arm] = on_bars_of(rival, own.times, _capital(plan))
    return found


def _matrix(tried: Sequence[Trial], own: Curve, length: int) -> Floats:
    """Returns (B, M) of the trials over exactly the run's own bars."""
    span = (int(own.times[0]) - length, int(own.times[-1]), len(own.times))
    series = [trial.series for trial in tried if (trial.from_ns, trial.to_ns, trial.bars) == span and trial.returns]
    return np.stack(series, axis=1) if series else np.zeros((0, 0))


def _last(plan: Plan, curve: Curve) -> int:
    """Equity in money at a curve's end."""
    return int(curve.equity[-1]) if len(curve.equity) else _capital(plan)


def _net(plan: Plan, final: int) -> float:
    capital = _capital(plan)
    return (final - capital) / capital


def _capital(plan: Plan) -> int:
    return money_of(plan.settings.account.deposit, plan.settings.account.currency)
