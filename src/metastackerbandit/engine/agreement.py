"""What stands beside the opinion: the mood and, where a rule speaks, the model; whether they agree, and what they have shown so far."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.decision.derived import break_even_strength, effective
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.consensus import judge_outputs, may_veto, put_out
from metastackerbandit.stacking.opinion import predicted_side


@kernel
def band_of(prediction: Any, limits: Any) -> float:
    """Strength |p_up - p_down| within which a prediction means nothing: the stricter of what is written and of the break-even; NaN if unknown."""
    return effective(limits.neutral_band, break_even_strength(limits.cost_bps, prediction.barrier_bps), limits.alone)


@kernel
def mood_now(seat: Any, limits: Any, now_ns: int) -> float:
    """The mood that stands, z; NaN where there is none yet, its source did not know it, or it is too old."""
    return seat.mood if now_ns - seat.mood_ns <= limits.max_mood_age_ns else math.nan


@kernel
def side_beyond(lead: float, band: float) -> int:
    """The side of a signed quantity at its band or beyond, else 0; NaN has none."""
    if abs(lead) >= band and lead != 0.0:
        return 1 if lead > 0.0 else -1
    return 0


@kernel
def model_side(prediction: Any, limits: Any) -> int:
    """The side of an awake prediction at the neutral band or beyond, else 0."""
    if prediction.silence != 0:
        return 0
    side = predicted_side(prediction.p_down, prediction.p_up, prediction.long_bps, prediction.short_bps)
    return side if side_beyond(prediction.p_up - prediction.p_down, band_of(prediction, limits)) == side else 0


@kernel
def follow_mood(seat: Any, limits: Any, outputs: Any, now_ns: int) -> None:
    """The frame's bar closed: the mood's matured sides are judged by it, and the side that it names now is written down."""
    judge_outputs(outputs, seat.mood_standing, seat.done.close, seat.bars_seen, limits.veto)
    side = side_beyond(mood_now(seat, limits, now_ns), limits.min_mood)
    put_out(outputs, seat.mood_standing, side, seat.done.close, seat.bars_seen, limits.veto.horizon)


@kernel
def follow_model(seat: Any, limits: Any, prediction: Any, outputs: Any) -> None:
    """As follow_mood, for the model of a book that also hears rules."""
    judge_outputs(outputs, seat.model_standing, seat.done.close, seat.bars_seen, limits.veto)
    put_out(outputs, seat.model_standing, model_side(prediction, limits), seat.done.close, seat.bars_seen, limits.veto.horizon)


@kernel
def agree(seat: Any, limits: Any, prediction: Any, is_predicted: int, now_ns: int, seen: Any) -> float:
    """Fill what the gates of mood and consensus look at for `seen.side`; returns what disagreement leaves of the size, in [0, 1].

    A source that is asleep, or neutral, names no side; one asleep does not count.
    """
    seen.mood = math.nan
    seen.sources = 0
    seen.vetoes = 0
    awake, against = 1, 0
    if limits.has_mood != 0:
        seen.sources += 1
        seen.mood = mood_now(seat, limits, now_ns)
        if not math.isnan(seen.mood):
            awake += 1
            if seen.side != 0 and side_beyond(seen.mood, limits.min_mood) == -seen.side:
                against += 1
                if limits.veto_unearned != 0 or may_veto(seat.mood_standing, limits.veto.least_side):
                    seen.vetoes += 1
    if limits.follows_model != 0 and is_predicted == 0:
        seen.sources += 1
        if prediction.silence == 0:
            awake += 1
            if seen.side != 0 and model_side(prediction, limits) == -seen.side:
                against += 1
                if limits.veto_unearned != 0 or may_veto(seat.model_standing, limits.veto.least_side):
                    seen.vetoes += 1
    seen.agreement = (awake - against) / awake
    return 1.0 - limits.consensus_penalty * against / awake
