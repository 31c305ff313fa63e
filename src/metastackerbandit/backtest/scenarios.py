"""Scenarios: made markets with known truth that show a failure of the predecessors, or its absence, in this program; never data.

A scenario brings candles, what a model says of them, what the mood says, and the settings that it is about. It runs through the same engine,
journal and views as any run, under the lineage `simulated`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import NotFound
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.prediction import IN_DOWN, IN_FLAT, IN_UP, Prediction
from metastackerbandit.domain.recording import MoodRow, Recording
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.training.leakage.generated import generated_market

FRAME_NS = 5 * MINUTE_NS
SEED = 137  # of every scenario; another is only another draw

# The incident: a 5m bot that bought 137 times and never sold (pain A01).
SIGNALS, DOWN, BOUGHT = 1_361, 190, 137
WARM_UP = 600  # bars before the first signal: volatility and volume must be known
_BARRIER_BPS, _EDGE_BPS, _ERROR_BPS = 80.0, 60.0, 2.0
_SURE, _UNSURE, _OTHER = 0.6, 0.5, 0.2  # probability of the side named, above and below the incident's CONF_MIN of 0.55; and of each other class


class Scenario(Struct, frozen=True, eq=False):
    """A made market ready to run: what it is, its recording, one array of predictions a book, and dotted settings that it needs."""

    name: str
    meaning: str
    expected: str
    recording: Recording
    predictions: tuple[np.ndarray[Any, Any], ...]
    settings: Mapping[str, Any]


def scenario_named(name: str) -> Scenario:
    """The scenario of a name; an unknown one is refused with the names there are."""
    if name not in SCENARIOS:
        raise NotFound(f"no scenario {name!r}", where="--scenario", mend=f"there are: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]()


def _consensus_kills_sells() -> Scenario:
    return _incident(
        "consensus-kills-sells",
        "1,361 signals of a model, 190 of them down; a mood that is always up, of the mirrored market too, may veto, though nobody ever asked "
        "whether it had earned that",
        "consensus alone stops 190 of 190 sells, and 137 buys are all that is traded; in the mirror the mood's source still says up, which turns "
        "the gate consensus",
        {"decision.consensus": "hard", "decision.veto_unearned": True},
    )


def _consensus_earned() -> Scenario:
    return _incident(
        "consensus-earned",
        "the same signals and the same mood, whose veto now has to be earned by balanced and skilful outputs",
        "the mood earns no veto, and sells are traded as buys are",
        {"decision.consensus": "hard"},
    )


def _consensus_soft() -> Scenario:
    return _incident(
        "consensus-soft",
        "the same signals and the same mood; disagreement makes a trade smaller",
        "sells are traded as buys are, at a smaller size",
        {"decision.consensus": "soft"},
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "consensus-kills-sells": _consensus_kills_sells,
    "consensus-earned": _consensus_earned,
    "consensus-soft": _consensus_soft,
}


def _incident(name: str, meaning: str, expected: str, settings: Mapping[str, Any]) -> Scenario:
    """The incident's signals on a walk without an edge: one signal after the other, each of them a chance to enter."""
    sides, sure = _signals()
    market = generated_market(SEED, WARM_UP + 3 * SIGNALS, FRAME_NS, FRAME_NS, holes=0.0, symbol="MADEUSDT")
    bars = market.candles
    mood = rows(MoodRow, len(bars))
    mood["at_ns"] = bars["known_ns"]
    mood["mood"] = 0.2 + np.abs(np.random.default_rng(SEED).normal(size=len(bars)))
    mood["mirror"] = _said_in_the_mirror(mood["mood"])
    recording = Recording(
        instruments=(market.instrument,),
        base_ns=FRAME_NS,
        bars=(bars,),
        funding=(None,),
        has_volume=(True,),
        has_flow=(True,),
        mood=(mood,),
        source=f"scenario {name}",
        digest=f"scenario {name} {SEED}",
        notices=(f"a made market, scenario {name}: {meaning}",),
    )
    own = {
        "run.arm": "model",
        "run.mood": f"scenario {name}",
        "decision.conformal": False,
        "decision.min_confidence": 0.55,
        "decision.confidence": "p_dir",
        "decision.min_mood": 0.12,
        "decision.max_volatility": 100.0,
        "risk.max_loss_streak": 1_000,  # the incident's bot had no breaker; here drift alone would end its trading within the first day
        "risk.max_excess_loss": 1_000.0,
        "execution.cooldown_bars": 0,
        "execution.flip_gap_bars": 0,
        "execution.max_orders_a_day": 10_000,
    }
    return Scenario(name, meaning, expected, recording, (_predictions(bars, sides, sure),), own | dict(settings))


def _said_in_the_mirror(mood: NDArray[np.float64]) -> NDArray[np.float64]:
    """The planted fault: a source that looks at the market turns around with it (-mood); this one says up, whatever the market does."""
    return mood.copy()


def _signals() -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sides (1,361,) of the signals in their order, and which of them are sure enough to be traded: 137 ups, and every down.

    The three kinds are spread evenly over the run, so that every stretch of it has the incident's shares.
    """
    groups = ((1, True, BOUGHT), (1, False, SIGNALS - DOWN - BOUGHT), (-1, True, DOWN))
    sides = np.concatenate([np.full(count, side) for side, _, count in groups])
    sure = np.concatenate([np.full(count, is_sure) for _, is_sure, count in groups])
    order = np.argsort(np.concatenate([(np.arange(count) + 0.5) / count for _, _, count in groups]), kind="stable")
    return sides[order], sure[order]


def _predictions(bars: np.ndarray[Any, Any], sides: NDArray[np.int64], sure: NDArray[np.bool_]) -> np.ndarray[Any, Any]:
    """A word on every bar: the signals on every third one, between them neutral, so that a trade of one bar has ended before the next signal."""
    said = rows(Prediction, len(bars))
    places = WARM_UP + 3 * np.arange(len(sides))
    side = np.zeros(len(bars), np.int64)
    side[places] = sides
    named = np.where(sure, _SURE, _UNSURE)
    lead = np.full(len(bars), 0.0)
    lead[places] = named
    said["frame_ns"], said["closed_ns"], said["at_ns"] = FRAME_NS, bars["closed_ns"], bars["known_ns"]
    up, down = np.random.default_rng((SEED, 2)).uniform(0.2, 0.4, (2, len(bars)))  # where neither side is named: no edge, whatever they are
    said["p_up"] = np.where(side > 0, lead, np.where(side < 0, _OTHER, up))
    said["p_down"] = np.where(side < 0, lead, np.where(side > 0, _OTHER, down))
    said["p_flat"] = 1.0 - said["p_up"] - said["p_down"]
    said["long_bps"], said["short_bps"] = side * _EDGE_BPS, -side * _EDGE_BPS
    said["error_bps"], said["barrier_bps"], said["horizon"] = _ERROR_BPS, _BARRIER_BPS, 1
    said["conformal_set"] = np.where(side > 0, IN_UP | IN_FLAT, np.where(side < 0, IN_DOWN | IN_FLAT, IN_DOWN | IN_FLAT | IN_UP))
    said["credibility"], said["size_scale"] = 0.5, 1.0
    for name in ("p_value_down", "p_value_flat", "p_value_up", "worth"):
        said[name] = np.nan  # the incident's models had neither
    return said
