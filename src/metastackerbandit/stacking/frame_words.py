"""A frame's word for alignment: what its model says, whether it may speak now, and the settings under which frames are aligned."""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.prediction import AWAKE
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.stacking.settings import AlignmentSettings, RuleMode

FORECAST, BY_RULES = 0, 1  # modes
OFF, SHADOWED, ON = 0, 1, 2  # of a rule

# What made the result.
NO_BASE, BASE_NEUTRAL, OUTWEIGHED, ALONE, AGREED, HIGHER_NEUTRAL, HIGHER_OPPOSES, HIGHER_UNAVAILABLE, HIGHER_VETOES = 0, 1, 2, 3, 4, 5, 6, 7, 8
NO_RULE, CONFLICT_SKIP, AGREEMENT, OVERRIDE, AVERAGE, MAJORITY, THRESHOLD, VETO = 9, 10, 11, 12, 13, 14, 15, 16
ALIGNMENT_RULES = (
    "the decision's own frame is unavailable",
    "the decision's own frame is neutral",
    "slower frames outweigh it",
    "no slower frame is configured",
    "slower frames agree",
    "a slower frame is neutral",
    "a slower frame opposes",
    "a slower frame is unavailable",
    "a slower frame vetoes",
    "no rule applies",
    "conflict skip",
    "agreement",
    "override by the slow frame",
    "weighted average",
    "majority",
    "threshold",
    "veto",
)


class FrameWord(Struct, frozen=True):
    """What one frame's model says: for the bar that closed at `closed_ns`, known at `at_ns`, over `horizon_ns` from its close.

    `is_available` is 0 where it is asleep, quarantined or missing: it then has no weight. `side` is -1, 0 (neutral) or +1, `alpha` in
    [0, 1] how sure it is; `mu_bps` the signed expected gross return of a long, `error_bps` > 0 its standard error, `band_bps` what the
    return must reach to count as more than a lean; `skill` the chance that the frame has any; `weight` its share of votes.
    """

    frame_ns: int
    closed_ns: int
    at_ns: int
    horizon_ns: int
    is_available: int
    side: int
    alpha: float
    mu_bps: float
    error_bps: float
    band_bps: float
    skill: float
    weight: float


class AlignmentTerms(Struct, frozen=True):
    """Settings as kernels read them: modes and rules as numbers, frames as bits or places."""

    mode: int
    fresh_bars: float
    correlation: float
    agrees: float
    neutral: float
    opposes: float
    vetoes: float
    unavailable: float
    stop_scale: float
    proven: float
    conflict_skip: int
    agreement: int
    override: int
    average: int
    majority: int
    threshold: int
    halving: int
    veto: int
    conflict_alpha: float
    neutral_alpha: float
    threshold_alpha: float
    veto_alpha: float
    halved: float
    agreeing: int
    slow: int


def alignment_terms(settings: AlignmentSettings) -> AlignmentTerms:
    """Settings resolved; frames that are unknown, out of order, doubled or not listed are refused."""
    lengths = [frame_ns(frame) for frame in settings.frames]
    if not lengths or sorted(set(lengths)) != lengths or len(settings.weights) != len(lengths):
        raise ConfigRefused(
            f"frames {settings.frames} with {len(settings.weights)} weights",
            where="alignment.frames",
            mend="name each once, fastest first, with its weight",
        )
    places = {length: place for place, length in enumerate(lengths)}
    named = [frame_ns(frame) for frame in (*settings.agreement, settings.slow)]
    missing = [frame for frame in (*settings.agreement, settings.slow) if frame_ns(frame) not in places]
    if missing:
        raise ConfigRefused(f"{', '.join(missing)} is no aligned frame", where="alignment", mend=f"use some of {', '.join(settings.frames)}")
    table, rules = settings.table, settings.rules
    return AlignmentTerms(
        mode=FORECAST if settings.mode == "forecast" else BY_RULES,
        fresh_bars=settings.fresh_bars,
        correlation=settings.correlation,
        agrees=table.agrees,
        neutral=table.neutral,
        opposes=table.opposes,
        vetoes=table.vetoes,
        unavailable=table.unavailable,
        stop_scale=table.stop_scale,
        proven=table.proven,
        conflict_skip=_mode(rules.conflict_skip),
        agreement=_mode(rules.agreement),
        override=_mode(rules.override),
        average=_mode(rules.average),
        majority=_mode(rules.majority),
        threshold=_mode(rules.threshold),
        halving=_mode(rules.halving),
        veto=_mode(rules.veto),
        conflict_alpha=rules.conflict_alpha,
        neutral_alpha=rules.neutral_alpha,
        threshold_alpha=rules.threshold_alpha,
        veto_alpha=rules.veto_alpha,
        halved=rules.halved,
        agreeing=sum(1 << places[length] for length in set(named[:-1])),
        slow=places[named[-1]],
    )


def _mode(mode: RuleMode) -> int:
    return ("off", "shadow", "on").index(mode)


@kernel
def hear(word: Any, prediction: Any, side: int, alpha: float) -> None:
    """Take a frame's newest Prediction into its word; weight, band and skill stay as they were set."""
    word.frame_ns = prediction.frame_ns
    word.closed_ns = prediction.closed_ns
    word.at_ns = prediction.at_ns
    word.horizon_ns = prediction.horizon * prediction.frame_ns
    word.is_available = 1 if prediction.silence == AWAKE else 0
    word.side = side
    word.alpha = alpha
    word.mu_bps = 0.5 * (prediction.long_bps - prediction.short_bps)
    word.error_bps = prediction.error_bps


@kernel
def is_usable(word: Any, now_ns: int, terms: Any) -> bool:
    """Whether a frame may speak at `now_ns`: awake, already known, and not older than so many of its own bars."""
    if word.is_available == 0 or word.at_ns > now_ns or word.closed_ns > now_ns:
        return False
    if not word.error_bps > 0.0 or math.isnan(word.mu_bps) or math.isnan(word.alpha):
        return False
    return now_ns - word.closed_ns <= terms.fresh_bars * word.frame_ns
