"""A plan: which instruments, on which frame, by which arm, under which settings; from it the world begins."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from msgspec import Struct

from metastackerbandit.costs.rates import rates_of
from metastackerbandit.domain.errors import ConfigRefused, DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.recording import Recording
from metastackerbandit.domain.rows import DEPOSIT, LedgerRow
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import World, empty_world
from metastackerbandit.exits.rules import rules_of
from metastackerbandit.market.activity import pace_of
from metastackerbandit.risk.sizing import SPOT_MOST
from metastackerbandit.stacking.arm import Prepared
from metastackerbandit.stacking.ask import arm_index
from metastackerbandit.stacking.catalog import ARMS

SIZING_MODES = ("volatility", "fraction", "notional", "quantity")


class Plan(Struct, frozen=True):
    """What one engine trades. `has_funding`, `has_volume` say which inputs this wiring has, a symbol each."""

    instruments: tuple[Instrument, ...]
    base_ns: int
    frame: str
    arm: str
    settings: EngineSettings
    has_funding: tuple[bool, ...]
    has_volume: tuple[bool, ...]


def plan_of(recording: Recording, frame: str, arm: str, settings: EngineSettings) -> Plan:
    """The plan for a recording: which inputs this wiring has follows from what was recorded."""
    return Plan(
        instruments=recording.instruments,
        base_ns=recording.base_ns,
        frame=frame,
        arm=arm,
        settings=settings,
        has_funding=tuple(series is not None for series in recording.funding),
        has_volume=recording.has_volume,
    )


def begin(plan: Plan) -> World:
    """The world before the first input: parameters set, the deposit in cash. Contradictions are refused here."""
    _check(plan)
    place = arm_index(plan.arm)
    starts = [ARMS[place].prepare(getattr(plan.settings.arms, plan.arm), instrument.rules().max_ticks) for instrument in plan.instruments]
    world = empty_world(len(starts), max(len(start.memory) for start in starts), max(len(start.reals) for start in starts), len(GATE_NAMES))
    for s, (instrument, start) in enumerate(zip(plan.instruments, starts, strict=True)):
        world.seats[s].arm = place
        world.seats[s].exit_bar = -1
        world.memory[s, : len(start.memory)] = start.memory
        world.reals[s, : len(start.reals)] = start.reals
        world.limits[s] = row(_limits(plan, s, instrument, start))[0]
    for name in plan.settings.decision.unknown_passes:
        world.lenient[GATE_NAMES.index(name)] = 1
    deposit = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    account = world.account[0]
    account.cash = deposit
    account.entries = 1
    return world


def deposit_row(plan: Plan) -> np.ndarray:
    """The ledger's first entry (1,): the starting capital."""
    deposit = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    entry = rows(LedgerRow, 1)
    entry[0].entry = 1
    entry[0].instrument = -1
    entry[0].kind = DEPOSIT
    entry[0].cash = deposit
    entry[0].transfers = -deposit
    return entry


def _check(plan: Plan) -> None:
    frame = frame_ns(plan.frame)
    if frame < plan.base_ns or frame % plan.base_ns:
        raise DataRefused(
            f"bars of {plan.frame} cannot be made from candles of {frame_name(plan.base_ns)}",
            where="run.frame",
            mend=f"ask for {frame_name(plan.base_ns)} or a multiple of it, or give finer candles",
        )
    for name in plan.settings.decision.unknown_passes:
        if name not in GATE_NAMES:
            raise ConfigRefused(f"unknown gate {name!r}", where="decision.unknown_passes", mend=f"use names of {', '.join(GATE_NAMES)}")
    currency = plan.settings.account.currency
    for instrument in plan.instruments:
        if instrument.quote != currency:
            raise ConfigRefused(
                f"{instrument.symbol} is quoted in {instrument.quote}, the account is in {currency}",
                where="account.currency",
                mend=f'set account.currency = "{instrument.quote}" or choose symbols quoted in {currency}',
            )
    if money_of(plan.settings.account.deposit, currency) <= 0:
        raise ConfigRefused(f"the deposit is {plan.settings.account.deposit}", where="account.deposit", mend="give a positive amount")


def _limits(plan: Plan, s: int, instrument: Instrument, start: Prepared) -> Limits:
    settings = plan.settings
    decision, risk, sizing, execution = settings.decision, settings.risk, settings.sizing, settings.execution
    frame = frame_ns(plan.frame)
    rules = instrument.rules()
    lots = Decimal(sizing.quantity) / Decimal(instrument.lot_size)
    if sizing.mode == "quantity" and (lots != lots.to_integral_value() or lots < 1):
        raise ConfigRefused(
            f"{sizing.quantity} {instrument.base} is not a whole number of lots of {instrument.lot_size}", where="sizing.quantity", mend="round it"
        )
    most = SPOT_MOST if rules.is_spot else float("inf")
    return Limits(
        min_completeness=decision.min_completeness,
        max_age_bars=decision.max_age_bars,
        warm_up=float(start.warm_up),
        min_alpha=decision.min_alpha,
        min_volatility=decision.min_volatility,
        max_volatility=decision.max_volatility,
        max_funding_bps=decision.max_funding_bps,
        cooldown_bars=float(execution.cooldown_bars),
        flip_gap_bars=float(execution.flip_gap_bars),
        min_change_bps=execution.min_change_bps,
        max_impact_bps=execution.max_impact_bps,
        max_orders_a_day=float(execution.max_orders_a_day),
        max_order_volume=execution.max_order_volume,
        max_day_volume=execution.max_day_volume,
        max_gross_exposure=min(risk.max_gross_exposure, most),
        max_symbol_exposure=min(risk.max_symbol_exposure, most),
        max_daily_loss=risk.max_daily_loss,
        max_drawdown=risk.max_drawdown,
        sizing=SIZING_MODES.index(sizing.mode),
        volatility_target=sizing.volatility_target,
        fraction=sizing.fraction,
        notional=money_of(sizing.notional, instrument.quote),
        lots=int(lots),
        share=1.0 / len(plan.instruments),
        resizes=int(sizing.mode == "volatility"),
        resize_band=sizing.resize_band,
        flips=int(decision.reversal == "flip"),
        has_funding=int(plan.has_funding[s]),
        has_volume=int(plan.has_volume[s]),
        lot_size=float(instrument.lot_size),
        base_ns=plan.base_ns,
        frame_ns=frame,
        rules=rules,
        rates=rates_of(settings.costs),
        exits=rules_of(settings.exits, start.stop_bps, start.target_bps),
        pace=pace_of(settings.market, frame),
    )
