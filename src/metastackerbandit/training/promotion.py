"""A finished series is promoted to its slots if its card fits and its record shows a gain; else it stays a candidate, and says why."""

from __future__ import annotations

import math

from msgspec import Struct

from metastackerbandit.domain.card import ModelCard
from metastackerbandit.evaluation.verdict import Word
from metastackerbandit.storage.fitness import Use, binding
from metastackerbandit.storage.registry import Registry, Slot
from metastackerbandit.training.scoring import GAIN, TRADE, score_named
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.verdict import judge_skill

WHO = "msb train"


class Promoted(Struct, frozen=True):
    """The symbols whose slots a series serves now, and why it does not serve the others."""

    symbols: tuple[str, ...]
    reasons: tuple[str, ...]


def promote_series(registry: Registry, card: ModelCard, settings: TrainingSettings, now_ns: int) -> Promoted:
    """Promote a series by the card of its newest version, symbol by symbol."""
    lacking = shortfalls(card, settings)
    done: list[str] = []
    reasons = list(lacking)
    for symbol in card.symbols:
        use = use_of(card, symbol)
        found = binding(registry.refusals(card, use, now_ns))
        reasons += [reason for reason in (f"{refusal.check}: {refusal.what}" for refusal in found) if reason not in reasons]
        if not found and not lacking:
            registry.promote(Slot(symbol, card.frame), card.series, use, who=WHO, now_ns=now_ns)
            done.append(symbol)
    return Promoted(symbols=tuple(done), reasons=tuple(reasons))


def shortfalls(card: ModelCard, settings: TrainingSettings) -> tuple[str, ...]:
    """Why the walk-forward record is no reason to promote: no gain over the base rate (pain B08), skill below chance, trades that surely lose."""
    gain, trade, found = score_named(card.scores, GAIN), score_named(card.scores, TRADE), []
    if not gain.low > settings.least_gain_mnats:
        limit = f"more than {settings.least_gain_mnats:g} mnats over the base rate at its lower bound is asked"
        had = f"{gain.value:.1f} [{gain.low:.1f}, {gain.high:.1f}] mnats out of sample"
        found.append(f"gain: {'no earlier version was judged on later bars' if math.isnan(gain.value) else had}, where {limit}")
    verdict = judge_skill(card.scores)
    if verdict.word is Word.HARMFUL:
        found.append(f"skill: {verdict.reasons[0]}")
    if trade.high < 0.0:
        found.append(f"costs: its trades lose {-trade.value:.1f} [{-trade.high:.1f}, {-trade.low:.1f}] bps each")
    return tuple(found)


def use_of(card: ModelCard, symbol: str) -> Use:
    """The use that a version was made for."""
    return Use(symbol, card.frame, card.horizon, card.feature_hash, card.label_hash, card.venue, card.market)
