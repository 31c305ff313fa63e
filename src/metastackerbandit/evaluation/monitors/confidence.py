"""How often does confidence reach its limit, and is that often enough to trade and seldom enough to filter?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.evaluation.monitors.spec import DECISION, PREDICTION, Context, Figures, MonitorSpec, reaching, unavailable
from metastackerbandit.evaluation.shares import Share, evidence, share_step

BINS = 100  # of a probability: quantiles are told to one hundredth
MEMORY = 500.0  # outputs that the bet on another share remembers
BAND = 3.0  # a fire rate within a factor of this of the card's is as expected


class Confidence(Struct, frozen=True):
    """Outputs, those that reached the limit, the largest, the limit as last told by its gate, and the share of those that count."""

    outputs: int
    fires: int
    largest: float
    limit: float
    told: int
    share: Share


@kernel
def confidence_of(which: int, prediction: Any) -> float:
    """The quantity that the limit is about: p_dir, p_max3, p_dir_cond or strength."""
    best = max(prediction.p_up, prediction.p_down)
    if which == 1:
        return max(best, prediction.p_flat)
    if which == 2:
        total = prediction.p_up + prediction.p_down
        return best / total if total > 0.0 else 0.5
    if which == 3:
        return abs(prediction.p_up - prediction.p_down)
    return best


@kernel
def asked(state: Any, memory: Any, book: Any, limits: Any, row: Any, observed: Any, limit: Any, verdict: Any) -> None:
    """Remember the limit that was in force."""
    if book.confidence_gate >= 0 and not math.isnan(limit[book.confidence_gate]):
        state.limit = limit[book.confidence_gate]
        state.told = 1


@kernel
def fire_band(book: Any, limits: Any) -> tuple[float, float]:
    """The least and the most share that may reach the limit: around the card's, else what makes sense at all."""
    if math.isnan(book.fire_rate):
        return limits.least_fire, limits.most_fire
    return book.fire_rate / BAND, min(book.fire_rate * BAND, 1.0)


@kernel
def heard(state: Any, memory: Any, book: Any, limits: Any, prediction: Any) -> None:
    """Count an output under its confidence; one in every horizon is evidence."""
    if prediction.silence != 0:
        return
    confidence = confidence_of(book.confidence, prediction)
    memory[min(int(confidence * BINS), BINS - 1)] += 1.0
    state.largest = max(state.largest, confidence)
    against = state.limit if state.told != 0 else book.min_confidence
    fires = confidence >= against
    if not math.isnan(against) and state.outputs % max(prediction.horizon, 1) == 0:
        least, most = fire_band(book, limits)
        share_step(state.share, fires, least, 1.0 - most, limits.prior, MEMORY)
    state.outputs += 1
    state.fires += 1 if fires else 0


@kernel
def read(state: Any, memory: Any, book: Any, limits: Any) -> tuple[float, float, int, int]:
    """The most evidence that the share lies outside its band."""
    if state.share.seen == 0:
        return unavailable(limits.warn_evidence, state.outputs)
    return reaching(evidence(state.share.most), limits.warn_evidence, math.inf, state.outputs)


def quantile(memory: Any, share: float) -> float:
    """Middle of the bin that holds a quantile of the outputs; NaN of none."""
    counts = np.cumsum(memory[:BINS])
    return float((np.searchsorted(counts, share * counts[-1]) + 0.5) / BINS) if counts[-1] else math.nan


def told(state: Any, memory: Any, context: Context) -> tuple[str, Figures]:
    """Quantiles, the limit, and the share that reaches it beside what is expected; and whether the frame needs work."""
    outputs, fires = int(state.outputs), int(state.fires)
    against = float(state.limit) if state.told else float(context.book.min_confidence)
    least, most = fire_band(context.book, context.limits)
    share = fires / outputs if outputs else math.nan
    middle, high, largest = quantile(memory, 0.5), quantile(memory, 0.95), float(state.largest)
    needs = "" if least <= share <= most else ("; too few: the limit or the model needs work" if share < least else "; the limit filters little")
    text = (
        f"confidence p50 {middle:.2f}, p95 {high:.2f}, largest {largest:.3f}; limit {against:.3f}: "
        f"{share:.2%} of {outputs:,} outputs reach it, {least:.2%} to {most:.0%} expected{needs}"
    )
    figures = {"outputs": outputs, "p50": middle, "p95": high, "max": largest, "limit": against, "fire_rate": share}
    return text, figures | {"expected_from": float(least), "expected_to": float(most), "needs_work": bool(needs)}


MONITOR = MonitorSpec(
    name="confidence",
    question="Does confidence reach its limit as often as expected?",
    statistic="e-value of the share of outputs (one a label horizon) that reach the limit, against a third to three times the card's share",
    null="that share lies in the band",
    unit="e-value",
    warn="warn_evidence",
    false_alarm_rate=0.05,
    rate_by="Ville's bound of 1/20, at any time",
    counts="prediction",
    needs=("predictions",),
    missing="no confidence limit is in force, or no model has said anything",
    state=Confidence,
    memory=lambda gates: BINS,
    hears=((PREDICTION, heard), (DECISION, asked)),
    read=read,
    told=told,
)
