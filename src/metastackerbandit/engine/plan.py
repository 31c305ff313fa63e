"""A plan: which books (a symbol on a frame) by which arm, under which settings; from it the world begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct, structs

from metastackerbandit.costs.rates import rates_of, round_trip_bps
from metastackerbandit.costs.settings import CostSettings
from metastackerbandit.decision.derived import CONFIDENCES, effective, full_net_edge_bps, least_net_edge_bps, of_side
from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.errors import ConfigRefused, DataRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.recording import Recording, spread
from metastackerbandit.domain.rows import DEPOSIT, LedgerRow
from metastackerbandit.domain.timeframe import DAY_NS, frame_name, frame_ns
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import World, empty_world
from metastackerbandit.exits.rules import rules_of
from metastackerbandit.market.activity import pace_of
from metastackerbandit.risk.correlation import correlation_terms
from metastackerbandit.risk.rests import rest_terms
from metastackerbandit.risk.sizing import SPOT_MOST
from metastackerbandit.stacking.arm import Prepared, prepared
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.consensus import veto_terms
from metastackerbandit.stacking.coverage import SetTerms
from metastackerbandit.stacking.frame_words import alignment_terms
from metastackerbandit.stacking.names import RULE_ARMS, arm_place
from metastackerbandit.stacking.posterior import posterior_terms
from metastackerbandit.stacking.settings import POSTERIOR, AlignmentSettings

SIZING_MODES = ("volatility", "fraction", "notional", "quantity")
ALPHA_MODES = ("edge", "confidence", "strength")
SHARE_SLACK = 1e-9  # shares written in decimals may add up to a little more than 1


class Book(Struct, frozen=True):
    """One symbol on one frame: a position, settings and a trace of its own, on the one account.

    `place` is the symbol's place in the recording; `higher` are the frames above whose predictions are aligned with this one's;
    `has_funding`, `has_volume`, `has_mood` say which inputs this wiring has.
    """

    instrument: Instrument
    frame: str
    settings: EngineSettings
    place: int
    has_funding: bool
    has_volume: bool
    has_mood: bool = False
    higher: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """What one engine trades: books, in the order in which rows count instruments.

    `arm` is a rule arm, `model`, `aligned` or `posterior`; `arms` are those that a posterior chooses among. `settings` are the account's;
    what a book may have of its own stands in the book.
    """

    books: tuple[Book, ...]
    base_ns: int
    arm: str
    settings: EngineSettings
    arms: tuple[str, ...] = ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """One a book; a symbol on two frames is there twice."""
        return tuple(book.instrument for book in self.books)

    @property
    def costs(self) -> tuple[CostSettings, ...]:
        """What each book is charged."""
        return tuple(book.settings.costs for book in self.books)

    @property
    def frames(self) -> tuple[str, ...]:
        """Every frame that is traded, the fastest first."""
        return tuple(sorted({book.frame for book in self.books}, key=frame_ns))

    @property
    def frame(self) -> str:
        """The fastest frame: the grid on which the account is looked at."""
        return self.frames[0]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol once, as first listed."""
        return tuple(dict.fromkeys(book.instrument.symbol for book in self.books))

    def spoken(self) -> tuple[int, ...]:
        """Places of the arms that speak, in stacking.names.ARM_NAMES."""
        if self.arm == POSTERIOR:
            return tuple(arm_place(name, "run.arms") for name in self.arms)
        return (arm_place(self.arm),)

    def waits(self) -> bool:
        """Whether decisions wait for predictions."""
        return any(place >= RULE_ARMS for place in self.spoken())

    def tuned(self, change: Callable[[EngineSettings], EngineSettings]) -> Plan:
        """The plan with every book's settings changed alike."""
        books = tuple(structs.replace(book, settings=change(book.settings)) for book in self.books)
        return structs.replace(self, books=books, settings=change(self.settings))


def plan_of(
    recording: Recording,
    frame: str | Sequence[str],
    arm: str,
    settings: EngineSettings,
    *,
    frames: tuple[str, ...] = (),
    arms: tuple[str, ...] = (),
    own: Callable[[str, str], EngineSettings] | None = None,
) -> Plan:
    """The plan for a recording, every symbol on every `frame`; which inputs a book has follows from what was recorded.

    `frames` are the frames above that every book aligns where they are above its own; `own(symbol, frame)` gives a book's settings where
    they are not the account's.
    """
    traded = (frame,) if isinstance(frame, str) else tuple(frame)
    books = tuple(
        Book(
            instrument=instrument,
            frame=name,
            settings=settings if own is None else own(instrument.symbol, name),
            place=place,
            has_funding=recording.funding[place] is not None,
            has_volume=recording.has_volume[place],
            has_mood=bool(recording.mood) and recording.mood[place] is not None,
            higher=frames if len(traded) == 1 else tuple(other for other in frames if frame_ns(other) > frame_ns(name)),
        )
        for place, instrument in enumerate(recording.instruments)
        for name in traded
    )
    return Plan(books=books, base_ns=recording.base_ns, arm=arm, settings=settings, arms=arms)


def recording_of(plan: Plan, recording: Recording) -> Recording:
    """The recording as the plan's books read it: a symbol's columns once a book."""
    places = [book.place for book in plan.books]
    if places == list(range(len(recording.bars))):
        return recording
    return spread(recording, places)


def begin(plan: Plan) -> World:
    """The world before the first input: parameters set, the deposit in cash. Contradictions are refused here."""
    _check(plan)
    spoken = plan.spoken()
    starts = [[_start(book, place) for place in spoken] for book in plan.books]
    memory, reals = (max(len(getattr(start, name)) for own in starts for start in own) for name in ("memory", "reals"))
    frames = max(1 + len(book.higher) for book in plan.books)
    sets = max(label_spec(book.frame).horizon for book in plan.books)  # that can be open at once
    world = empty_world(len(starts), len(plan.symbols), len(spoken), frames, memory, reals, sets, len(GATE_NAMES))
    world.arms[:] = spoken
    shares = shares_of(plan.books)
    world.pairs["rho"] = math.nan
    for s, (book, own) in enumerate(zip(plan.books, starts, strict=True)):
        world.seats[s].exit_bar = -1
        world.seats[s].mood = math.nan
        world.seats[s].mood_mirror = math.nan
        world.seats[s].coverage.level = book.settings.decision.conformal_alpha
        world.seats[s].correlation = 1.0
        for a, start in enumerate(own):
            world.memory[s, a, : len(start.memory)] = start.memory
            world.reals[s, a, : len(start.reals)] = start.reals
        world.limits[s] = row(_limits(plan, book, own, shares[s]))[0]
        _prepare_choice(book, world, s)
    for name in plan.settings.decision.unknown_passes:
        world.lenient[GATE_NAMES.index(name)] = 1
    deposit = money_of(plan.settings.account.deposit, plan.settings.account.currency)
    account = world.account[0]
    account.cash = deposit
    account.entries = 1
    return world


def _prepare_choice(book: Book, world: World, s: int) -> None:
    """What alignment and posterior need: the book's frames, their weights, and the terms."""
    settings = book.settings
    names = (book.frame, *book.higher)
    aligning = alignment_of(settings.alignment, names)
    world.frames[s, : len(names)] = [frame_ns(name) for name in names]
    world.alignment[s] = row(alignment_terms(aligning))[0]
    world.words["weight"][s, : len(names)] = aligning.weights
    world.posterior[s] = row(posterior_terms(settings.posterior, _pieces_a_day(book)))[0]
    world.context[s].step, world.context[s].memory = settings.context.step, settings.context.memory


def _pieces_a_day(book: Book) -> float:
    """Independent outcomes of one arm a day: labels that do not overlap."""
    return DAY_NS / (frame_ns(book.frame) * label_spec(book.frame).horizon)


def alignment_of(settings: AlignmentSettings, frames: tuple[str, ...]) -> AlignmentSettings:
    """The settings where they are about these frames; else the same in kind: the first two agree, the last is slow, weights fall alike."""
    if settings.frames == frames:
        return settings
    weights = settings.weights[: len(frames)] + settings.weights[-1:] * (len(frames) - len(settings.weights))
    return structs.replace(settings, frames=frames, weights=weights, agreement=frames[:2], slow=frames[-1])


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


def _start(book: Book, place: int) -> Prepared:
    """What an arm starts with; an arm that speaks from predictions keeps nothing here."""
    if place >= RULE_ARMS:
        return prepared([], 0, [], 0)
    spec = ARMS[place]
    return spec.prepare(getattr(book.settings.arms, spec.name), book.instrument.rules().max_ticks)


def _check(plan: Plan) -> None:
    for book in plan.books:
        _check_frames(book, plan.base_ns)
    doubled = [book for place, book in enumerate(plan.books) if (book.place, book.frame) in {(one.place, one.frame) for one in plan.books[:place]}]
    if doubled:
        raise ConfigRefused(f"{doubled[0].frame} is named twice", where="run.frames", mend="name each frame once")
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


def _check_frames(book: Book, base_ns: int) -> None:
    frame = frame_ns(book.frame)
    for name in book.higher:
        if frame_ns(name) <= frame:
            raise ConfigRefused(
                f"{name} is not a higher frame than {book.frame}", where="run.higher_frames", mend="align higher frames with the decision's"
            )
    if frame < base_ns or frame % base_ns:
        raise DataRefused(
            f"bars of {book.frame} cannot be made from candles of {frame_name(base_ns)}",
            where="run.frames",
            mend=f"ask for {frame_name(base_ns)} or a multiple of it, or give finer candles",
        )


def _limits(plan: Plan, book: Book, starts: list[Prepared], share: float = 1.0) -> Limits:
    settings, instrument = book.settings, book.instrument
    decision, risk, sizing, execution = settings.decision, settings.risk, settings.sizing, settings.execution
    frame = frame_ns(book.frame)
    spec = label_spec(book.frame)
    rules = instrument.rules()
    lots = Decimal(sizing.quantity) / Decimal(instrument.lot_size)
    if sizing.mode == "quantity" and (lots != lots.to_integral_value() or lots < 1):
        raise ConfigRefused(
            f"{sizing.quantity} {instrument.base} is not a whole number of lots of {instrument.lot_size}", where="sizing.quantity", mend="round it"
        )
    hears = plan.waits() or plan.arm == POSTERIOR
    arm = starts[0]
    rates = rates_of(settings.costs)
    cost_bps = round_trip_bps(settings.costs)
    most = SPOT_MOST if rules.is_spot else float("inf")
    spec = label_spec(book.frame)
    alone = int(decision.thresholds == "profile")
    posterior = posterior_terms(settings.posterior, _pieces_a_day(book))
    return Limits(
        min_completeness=decision.min_completeness,
        max_age_bars=decision.max_age_bars,
        warm_up=float(max(start.warm_up for start in starts)),
        min_alpha_buy=of_side(decision.min_alpha, decision.min_alpha_buy),
        min_alpha_sell=of_side(decision.min_alpha, decision.min_alpha_sell),
        alpha_mode=ALPHA_MODES.index(decision.alpha),
        alpha_floor=decision.alpha_floor,
        min_net_edge_bps=effective(of_side(decision.min_net_edge_bps, None), least_net_edge_bps(cost_bps), alone),
        full_edge_bps=full_net_edge_bps(cost_bps) if decision.full_edge_bps is None else decision.full_edge_bps,
        min_credibility=decision.min_credibility,
        min_alignment=decision.min_alignment,
        min_chance=settings.posterior.enter,
        min_signal_buy=of_side(decision.min_model_signal, decision.min_model_signal_buy),
        min_signal_sell=of_side(decision.min_model_signal, decision.min_model_signal_sell),
        confidence=CONFIDENCES.index(decision.confidence),
        min_confidence_buy=of_side(decision.min_confidence, decision.min_confidence_buy),
        min_confidence_sell=of_side(decision.min_confidence, decision.min_confidence_sell),
        neutral_band=of_side(decision.neutral_band, None),
        min_worth=of_side(decision.min_worth, None),
        alone=alone,
        min_mood=decision.min_mood,
        neutral_mood_passes=int(decision.allow_model_only_when_mood_neutral),
        max_mood_age_ns=round(decision.max_mood_age_bars * frame),
        has_consensus=int(decision.consensus != "off"),
        is_hard=int(decision.consensus == "hard"),
        veto_unearned=int(decision.veto_unearned),
        consensus_penalty=0.0 if decision.consensus == "off" else decision.consensus_penalty,
        follows_mood=int(book.has_mood),
        follows_model=int(plan.arm == POSTERIOR and plan.waits()),
        veto=veto_terms(spec.horizon, cost_bps, posterior.log_keep),
        asks_conformal=int(decision.conformal),
        follows_sets=int(plan.waits()),
        sets=SetTerms(decision.conformal_alpha, decision.conformal_gamma, cost_bps / 1e4, spec.vertical_share / spec.width),
        asks_regime=int(set(decision.allowed_regimes) != set(REGIMES)),
        follows_regime=int(plan.arm == POSTERIOR or set(decision.allowed_regimes) != set(REGIMES)),
        regimes=sum(1 << REGIMES.index(name) for name in set(decision.allowed_regimes)),
        has_book=0,
        max_book_age_s=decision.max_book_age_s,
        max_spread_bps=decision.max_spread_bps,
        min_depth=decision.min_depth,
        cost_bps=cost_bps,
        hears=int(hears),
        waits=int(plan.waits()),
        chooses=int(plan.arm == POSTERIOR),
        horizon=spec.horizon,
        trend_keep=1.0 - 2.0 / (settings.context.trend_bars + 1.0),
        deadline_ns=round(decision.prediction_deadline * frame),
        stop_by_model=int(hears and settings.exits.stop_bps is None),
        target_by_model=int(hears and settings.exits.target_bps is None),
        time_by_model=int(hears and settings.exits.max_bars is None),
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
        kelly_share=sizing.kelly_share,
        kelly_prior=sizing.kelly_prior,
        fraction=sizing.fraction,
        notional=money_of(sizing.notional, instrument.quote),
        lots=int(lots),
        share=share,
        resizes=int(sizing.mode == "volatility"),
        resize_band=sizing.resize_band,
        flips=int(decision.reversal == "flip"),
        has_funding=int(book.has_funding),
        has_volume=int(book.has_volume),
        has_mood=int(book.has_mood),
        frames=1 + len(book.higher),
        lot_size=float(instrument.lot_size),
        base_ns=plan.base_ns,
        frame_ns=frame,
        rules=rules,
        rates=rates,
        exits=rules_of(settings.exits, arm.stop_bps, arm.target_bps),
        pace=pace_of(settings.market, frame),
        symbol=plan.symbols.index(instrument.symbol),
        feeds=int(len(plan.symbols) > 1 and book.frame == fastest_frame(plan, instrument.symbol)),
        grid_ns=grid_ns(plan),
        books=len(plan.books),
        max_side_exposure=risk.max_side_exposure,
        max_net_exposure=risk.max_net_exposure,
        max_heat=risk.max_heat,
        max_correlated_heat=risk.max_correlated_heat,
        unstopped_deviations=risk.unstopped_deviations,
        max_weekly_loss=risk.max_weekly_loss,
        drawdown_floor=sizing.drawdown_floor,
        correlation_weight=sizing.correlation_weight,
        correlation_band=sizing.correlation_band,
        correlation=correlation_terms(plan.settings.risk, grid_ns(plan)),
        rests=rest_terms(risk, spec.vertical_share / spec.width, cost_bps),
    )


def shares_of(books: Sequence[Book]) -> tuple[float, ...]:
    """The part of the account that each book may use: its own setting, or an equal part of what the named shares leave."""
    named = [book.settings.sizing.share for book in books]
    given = sum(share for share in named if share is not None)
    open_ = named.count(None)
    left = 1.0 - given
    if left < -SHARE_SLACK or (open_ and left <= SHARE_SLACK):
        rest = f", which leaves nothing for the other {open_}" if open_ else ""
        raise ConfigRefused(f"the shares of the books add up to {given:.6g}{rest}", where="sizing.share", mend="name shares that add up to at most 1")
    return tuple(left / open_ if share is None else share for share in named)


def fastest_frame(plan: Plan, symbol: str) -> str:
    """The fastest frame on which a symbol is traded; the closes of that book are the symbol's."""
    return min((book.frame for book in plan.books if book.instrument.symbol == symbol), key=frame_ns)


def grid_ns(plan: Plan) -> int:
    """The fastest bars that every symbol has: the common grid of the correlations."""
    return max(frame_ns(fastest_frame(plan, symbol)) for symbol in plan.symbols)
