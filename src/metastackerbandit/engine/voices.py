"""What each arm says about a bar: a rule its signal, the model its frame's prediction, the overlay what several frames say together."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.costs.expected import expected_funding
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.risk.kelly import kelly_fraction
from metastackerbandit.stacking.alignment import align
from metastackerbandit.stacking.frame_words import hear
from metastackerbandit.stacking.names import ALIGNED_ARM, RULE_ARMS
from metastackerbandit.stacking.opinion import STAY, break_even, edge_of, predicted_side, scale_of, wanted_side


@kernel
def speak(world: Any, s: int, a: int, now_ns: int, held: int) -> int:
    """Fill the arm's word for a portfolio that holds `held` (-1, 0, +1), and return its target."""
    arm = world.arms[a]
    if arm < RULE_ARMS:
        return say_rule(world, s, a)
    if arm == ALIGNED_ARM:
        return say_aligned(world, s, a, now_ns, held)
    return say_model(world, s, a, held)


@kernel
def say_rule(world: Any, s: int, a: int) -> int:
    """A rule is as sure of its side as it ever is, and knows nothing of its edge."""
    word = world.spoken[a]
    signal = world.signals[s, a]
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
def say_model(world: Any, s: int, a: int, held: int) -> int:
    """The decision's own frame alone."""
    prediction = world.predictions[s, 0]
    signal = wanted_side(prediction, world.limits[s].cost_bps, held)
    weigh(world, s, a, signal, edge_of(prediction, signal), prediction.error_bps, 1.0)
    world.spoken[a].has_frames = 0
    world.spoken[a].alignment = math.nan
    world.spoken[a].stop_scale = 1.0
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
    overlay = world.overlay[0]
    aligned = overlay.aligned
    align(world.words[s, : limits.frames], now_ns, base.horizon * limits.frame_ns, world.alignment[s], aligned, overlay.combined, overlay.vote)
    signal = aligned.side
    if base.silence != 0:
        signal = KEEP
    elif held != 0:
        is_opposite = signal == -held and abs(base.p_up - base.p_down) >= STAY * break_even(limits.cost_bps, base.barrier_bps)
        signal = signal if is_opposite else KEEP
    edge = signal * aligned.mu_bps if signal == 1 or signal == -1 else math.nan
    weigh(world, s, a, signal, edge, aligned.error_bps, aligned.scale)
    world.spoken[a].has_frames = 1
    world.spoken[a].alignment = aligned.scale
    world.spoken[a].stop_scale = aligned.stop_scale
    return signal


@kernel
def weigh(world: Any, s: int, a: int, signal: int, edge_bps: float, error_bps: float, multiplier: float) -> None:
    """How much of a position a predicted side is worth: funding off its edge, its scale, and the alpha that sizes it."""
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    word = world.spoken[a]
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
        funding = expected_funding(world.seats[s].funding_bps, signal, hold_ns) if limits.has_funding != 0 else 0.0
        word.edge_bps = edge_bps - funding
        word.scale = scale_of(limits.alpha_mode, word.edge_bps - limits.cost_bps, limits.min_net_edge_bps, limits.full_edge_bps, prediction, signal)
        word.alpha = max(word.scale, limits.alpha_floor) * prediction.size_scale * multiplier


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
    return side == held and abs(prediction.p_up - prediction.p_down) >= STAY * break_even(limits.cost_bps, prediction.barrier_bps)
