"""What each arm says about a bar: a rule its signal, the model its frame's prediction, the overlay what several frames say together."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.costs.expected import expected_funding
from metastackerbandit.decision.derived import STAY, worth_scale
from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.agreement import band_of
from metastackerbandit.risk.kelly import kelly_fraction
from metastackerbandit.stacking.alignment import align
from metastackerbandit.stacking.frame_words import hear
from metastackerbandit.stacking.names import ALIGNED_ARM, RULE_ARMS
from metastackerbandit.stacking.opinion import edge_of, predicted_side, scale_of, wanted_side


@inlined
def speak(world: Any, s: int, a: int, now_ns: int, held: int) -> int:
    """Fill the arm's word for a portfolio that holds `held` (-1, 0, +1), and return its target."""
    arm = world.arms[a]
    if arm < RULE_ARMS:
        target = say_rule(world.spoken[a], world.signals[s, a])
    elif arm == ALIGNED_ARM:
        target = say_aligned(world, s, a, now_ns, held)
    else:
        target = say_model(world.spoken[a], world.predictions[s, 0], world.seats[s], world.limits[s], held)
    return target


@kernel
def say_rule(word: Any, signal: int) -> int:
    """A rule is as sure of its side as it ever is, and knows nothing of its edge."""
    word.signal = signal
    word.is_predicted = 0
    word.silence = 0
    word.credibility = math.nan
    word.edge_bps = math.nan
    word.error_bps = math.nan
    word.scale = 0.0 if signal == 0 or signal == KEEP else 1.0
    word.alpha = word.scale
    word.has_frames = 0
    word.alignment = math.nan
    word.stop_scale = 1.0
    return signal


@kernel
def say_model(word: Any, prediction: Any, seat: Any, limits: Any, held: int) -> int:
    """The decision's own frame alone."""
    signal = wanted_side(prediction, STAY * band_of(prediction, limits), held)
    word.has_frames = 0
    word.alignment = math.nan
    word.stop_scale = 1.0
    weigh(word, prediction, seat, limits, signal, edge_of(prediction, signal), prediction.error_bps, 1.0)
    return signal


@kernel
def say_aligned(world: Any, s: int, a: int, now_ns: int, held: int) -> int:
    """The frames together; like a single model's, their word ends a position only for the other side."""
    limits = world.limits[s]
    base = world.predictions[s, 0]
    for k in range(limits.frames):
        prediction = world.predictions[s, k]
        side = 0
        strength = math.nan
        if prediction.silence == 0 and prediction.closed_ns > 0:
            side = predicted_side(prediction.p_down, prediction.p_up, prediction.long_bps, prediction.short_bps)
            strength = abs(prediction.p_up - prediction.p_down)
        hear(world.words[s, k], prediction, side, strength)
        if prediction.closed_ns == 0:
            world.words[s, k].is_available = 0
        world.words[s, k].band_bps = limits.cost_bps
        world.words[s, k].skill = 0.5  # nothing has proven it yet, so no frame may veto
    scratch = world.scratch[0]
    aligned = scratch.aligned
    align(world.words[s, : limits.frames], now_ns, base.horizon * limits.frame_ns, world.alignment[s], aligned, scratch.combined, scratch.vote)
    signal = aligned.side
    if base.silence != 0:
        signal = KEEP
    elif held != 0:
        is_opposite = signal == -held and abs(base.p_up - base.p_down) >= STAY * band_of(base, limits)
        signal = signal if is_opposite else KEEP
    edge = signal * aligned.mu_bps if signal == 1 or signal == -1 else math.nan
    word = world.spoken[a]
    word.has_frames = 1
    word.alignment = aligned.scale
    word.stop_scale = aligned.stop_scale
    weigh(word, base, world.seats[s], limits, signal, edge, aligned.error_bps, aligned.scale)
    return signal


@kernel
def weigh(word: Any, prediction: Any, seat: Any, limits: Any, signal: int, edge_bps: float, error_bps: float, multiplier: float) -> None:
    """How much of a position a predicted side is worth: funding off its edge, its scale, and the alpha that sizes it."""
    word.signal = signal
    word.is_predicted = 1
    word.silence = prediction.silence
    word.credibility = prediction.credibility
    word.edge_bps = math.nan
    word.error_bps = error_bps
    word.scale = 0.0
    word.alpha = 0.0
    if signal == 1 or signal == -1:
        hold_ns = prediction.horizon * limits.frame_ns
        funding = expected_funding(seat.funding_bps, signal, hold_ns) if limits.has_funding != 0 else 0.0
        word.edge_bps = edge_bps - funding
        net_edge_bps = word.edge_bps - limits.cost_bps
        word.scale = scale_of(limits.alpha_mode, net_edge_bps, limits.min_net_edge_bps, limits.full_edge_bps, prediction, signal)
        kept = worth_scale(worth_of(prediction, signal), net_edge_bps, limits.cost_bps, prediction.barrier_bps)
        word.alpha = max(word.scale, limits.alpha_floor) * prediction.size_scale * multiplier * kept


@kernel
def worth_of(prediction: Any, side: int) -> float:
    """The meta-label's chance for a trade on `side`; it speaks of the predicted side alone, and is NaN for another."""
    return prediction.worth if side * (prediction.p_up - prediction.p_down) > 0.0 else math.nan


@kernel
def present(word: Any, prediction: Any, limits: Any, level: float, side: int, held: int, seen: Any) -> None:
    """Put a word before the gates of opinion, for the side that it would take from `held` (-1, 0, +1)."""
    seen.side = 0 if side == KEEP else side
    seen.held_side = held
    seen.has_model = word.is_predicted
    seen.silence = word.silence
    seen.credibility = word.credibility
    seen.edge_bps = word.edge_bps
    seen.net_edge_bps = word.edge_bps - limits.cost_bps
    seen.has_frames = word.has_frames
    seen.alignment = word.alignment
    seen.stop_scale = word.stop_scale
    seen.alpha = word.scale
    if word.is_predicted != 0:
        is_up = side > 0
        seen.p_with = prediction.p_up if is_up else prediction.p_down
        seen.p_flat = prediction.p_flat
        seen.p_against = prediction.p_down if is_up else prediction.p_up
        seen.p_value_against = prediction.p_value_down if is_up else prediction.p_value_up
        seen.barrier_bps = prediction.barrier_bps
        seen.conformal_level = min(max(level, 0.0), 1.0)  # beyond its ends the level excludes nothing, or all, as it does at them
        seen.worth = worth_of(prediction, side)


@kernel
def kelly_of(word: Any, prediction: Any, limits: Any) -> float:
    """Most of equity that the word's edge is worth; infinity for a rule, which has no estimate of its own."""
    if word.is_predicted == 0:
        return math.inf
    return kelly_fraction(word.edge_bps - limits.cost_bps, word.error_bps, prediction.barrier_bps, limits.kelly_prior, limits.kelly_share)


@kernel
def is_predicted_still(prediction: Any, limits: Any, held: int) -> bool:
    """Whether the side held is predicted strongly enough to stay for another horizon."""
    if prediction.silence != 0 or held == 0:
        return False
    side = predicted_side(prediction.p_down, prediction.p_up, prediction.long_bps, prediction.short_bps)
    return side == held and abs(prediction.p_up - prediction.p_down) >= STAY * band_of(prediction, limits)
