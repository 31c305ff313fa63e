"""What a book's settings come to: limits as kernels read them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from metastackerbandit.costs.rates import rates_of, round_trip_bps
from metastackerbandit.decision.derived import CONFIDENCES, effective, full_net_edge_bps, least_net_edge_bps, of_side
from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.instrument import Rules
from metastackerbandit.domain.label import label_spec
from metastackerbandit.domain.money import money_of
from metastackerbandit.domain.timeframe import DAY_NS, frame_ns
from metastackerbandit.engine.limits import Limits
from metastackerbandit.exits.rules import rules_of
from metastackerbandit.market.activity import pace_of
from metastackerbandit.risk.correlation import correlation_terms
from metastackerbandit.risk.rests import rest_terms
from metastackerbandit.risk.sizing import SPOT_MOST
from metastackerbandit.stacking.arm import Prepared
from metastackerbandit.stacking.consensus import veto_terms
from metastackerbandit.stacking.coverage import SetTerms
from metastackerbandit.stacking.posterior import posterior_terms
from metastackerbandit.stacking.settings import POSTERIOR

if TYPE_CHECKING:
    from metastackerbandit.engine.plan import Book, Plan

SIZING_MODES = ("volatility", "fraction", "notional", "quantity")
ALPHA_MODES = ("edge", "confidence", "strength")


def limits_of(plan: Plan, book: Book, starts: list[Prepared], share: float) -> Limits:
    """The limits of one of the plan's books with its arms' beginnings, which may use `share` of the account.

    A limit that a setting holds as it is has the setting's name; the rest is made here.
    """
    rules = book.instrument.rules()
    cost_bps = round_trip_bps(book.settings.costs)
    made = {
        **_held(book),
        **_of_opinions(book, cost_bps),
        **_learned(plan, book, cost_bps),
        **_of_hearing(plan, book),
        **_of_sizes(book, rules, share),
        **_of_portfolio(plan, book, cost_bps),
        "warm_up": float(max(start.warm_up for start in starts)),
        "rules": rules,
        "rates": rates_of(book.settings.costs),
        "cost_bps": cost_bps,
        "exits": rules_of(book.settings.exits, starts[0].stop_bps, starts[0].target_bps),
        "pace": pace_of(book.settings.market, frame_ns(book.frame)),
    }
    return Limits(**made)


def _held(book: Book) -> dict[str, Any]:
    """What decision, execution, risk and sizing hold as it is."""
    own = book.settings
    tables = (own.decision, own.execution, own.risk, own.sizing)
    return {name: getattr(table, name) for table in tables for name in table.__struct_fields__ if name in Limits.__struct_fields__}


def _of_opinions(book: Book, cost_bps: float) -> dict[str, Any]:
    """What an opinion must show: the written limits by side, NaN where nobody wrote one, and which gates are asked."""
    decision = book.settings.decision
    alone = int(decision.thresholds == "profile")
    return {
        "min_alpha_buy": of_side(decision.min_alpha, decision.min_alpha_buy),
        "min_alpha_sell": of_side(decision.min_alpha, decision.min_alpha_sell),
        "alpha_mode": ALPHA_MODES.index(decision.alpha),
        "min_net_edge_bps": effective(of_side(decision.min_net_edge_bps, None), least_net_edge_bps(cost_bps), alone),
        "full_edge_bps": full_net_edge_bps(cost_bps) if decision.full_edge_bps is None else decision.full_edge_bps,
        "min_chance": book.settings.posterior.enter,
        "min_signal_buy": of_side(decision.min_model_signal, decision.min_model_signal_buy),
        "min_signal_sell": of_side(decision.min_model_signal, decision.min_model_signal_sell),
        "confidence": CONFIDENCES.index(decision.confidence),
        "min_confidence_buy": of_side(decision.min_confidence, decision.min_confidence_buy),
        "min_confidence_sell": of_side(decision.min_confidence, decision.min_confidence_sell),
        "neutral_band": of_side(decision.neutral_band, None),
        "min_worth": of_side(decision.min_worth, None),
        "alone": alone,
        "neutral_mood_passes": int(decision.allow_model_only_when_mood_neutral),
        "max_mood_age_ns": round(decision.max_mood_age_bars * frame_ns(book.frame)),
        "has_consensus": int(decision.consensus != "off"),
        "is_hard": int(decision.consensus == "hard"),
        "veto_unearned": int(decision.veto_unearned),
        "consensus_penalty": 0.0 if decision.consensus == "off" else decision.consensus_penalty,
        "asks_conformal": int(decision.conformal),
        "asks_regime": int(_asks_regime(book)),
        "regimes": sum(1 << REGIMES.index(name) for name in set(decision.allowed_regimes)),
        "has_book": int(book.has_book),
    }


def _learned(plan: Plan, book: Book, cost_bps: float) -> dict[str, Any]:
    """What is learned from closed bars, and by which terms."""
    decision, spec = book.settings.decision, label_spec(book.frame)
    posterior = posterior_terms(book.settings.posterior, pieces_a_day(book))
    return {
        "follows_mood": int(book.has_mood),
        "follows_model": int(plan.arm == POSTERIOR and plan.waits()),
        "veto": veto_terms(spec.horizon, cost_bps, posterior.log_keep),
        "follows_sets": int(plan.waits() and decision.conformal),
        "sets": SetTerms(decision.conformal_alpha, decision.conformal_gamma, cost_bps / 1e4, spec.vertical_share / spec.width),
        "follows_regime": int(plan.arm == POSTERIOR or _asks_regime(book)),
        "trend_keep": 1.0 - 2.0 / (book.settings.context.trend_bars + 1.0),
    }


def _of_hearing(plan: Plan, book: Book) -> dict[str, Any]:
    """What the book hears, how long it waits for it, and which exits follow it."""
    own, frame = book.settings, frame_ns(book.frame)
    hears = plan.waits() or plan.arm == POSTERIOR
    return {
        "hears": int(hears),
        "waits": int(plan.waits()),
        "chooses": int(plan.arm == POSTERIOR),
        "horizon": label_spec(book.frame).horizon,
        "deadline_ns": round(own.decision.prediction_deadline * frame),
        "stop_by_model": int(hears and own.exits.stop_bps is None),
        "target_by_model": int(hears and own.exits.target_bps is None),
        "time_by_model": int(hears and own.exits.max_bars is None),
        "has_funding": int(book.has_funding),
        "has_volume": int(book.has_volume),
        "has_mood": int(book.has_mood),
        "frames": 1 + len(book.higher),
        "base_ns": plan.base_ns,
        "frame_ns": frame,
    }


def _of_sizes(book: Book, rules: Rules, share: float) -> dict[str, Any]:
    """How large a trade is wished for; spot pays in full."""
    instrument, sizing, execution, risk = book.instrument, book.settings.sizing, book.settings.execution, book.settings.risk
    lots = Decimal(sizing.quantity) / Decimal(instrument.lot_size)
    if sizing.mode == "quantity" and (lots != lots.to_integral_value() or lots < 1):
        raise ConfigRefused(
            f"{sizing.quantity} {instrument.base} is not a whole number of lots of {instrument.lot_size}", where="sizing.quantity", mend="round it"
        )
    most = SPOT_MOST if rules.is_spot else float("inf")
    return {
        "sizing": SIZING_MODES.index(sizing.mode),
        "notional": money_of(sizing.notional, instrument.quote),
        "lots": int(lots),
        "share": share,
        "resizes": int(sizing.mode == "volatility"),
        "flips": int(book.settings.decision.reversal == "flip"),
        "lot_size": float(instrument.lot_size),
        "cooldown_bars": float(execution.cooldown_bars),
        "flip_gap_bars": float(execution.flip_gap_bars),
        "max_orders_a_day": float(execution.max_orders_a_day),
        "max_gross_exposure": min(risk.max_gross_exposure, most),
        "max_symbol_exposure": min(risk.max_symbol_exposure, most),
    }


def _of_portfolio(plan: Plan, book: Book, cost_bps: float) -> dict[str, Any]:
    """The book's place among the account's books, and its own breakers."""
    spec = label_spec(book.frame)
    return {
        "symbol": plan.symbols.index(book.instrument.symbol),
        "feeds": int(len(plan.symbols) > 1 and book.frame == plan.fastest_frame(book.instrument.symbol)),
        "grid_ns": plan.grid_ns(),
        "books": len(plan.books),
        "correlation": correlation_terms(plan.settings.risk, plan.grid_ns()),
        "rests": rest_terms(book.settings.risk, spec.vertical_share / spec.width, cost_bps),
    }


def _asks_regime(book: Book) -> bool:
    return set(book.settings.decision.allowed_regimes) != set(REGIMES)


def pieces_a_day(book: Book) -> float:
    """Independent outcomes of one arm a day: labels that do not overlap."""
    return DAY_NS / (frame_ns(book.frame) * label_spec(book.frame).horizon)
