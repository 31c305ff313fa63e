"""What the engine does with predictions: wait for one after each bar, take it in, or give it up, and form the opinion decided on."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.costs.expected import expected_funding
from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.prediction import LATE
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.decide import decide, is_over, is_quiet
from metastackerbandit.risk.kelly import kelly_fraction
from metastackerbandit.stacking.ask import ask_arm
from metastackerbandit.stacking.names import RULE_ARMS
from metastackerbandit.stacking.opinion import STAY, break_even, edge_of, predicted_side, scale_of, wanted_side


@kernel
def begin_waiting(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The frame's bar closed: the rules among the arms speak, and the decision waits for the bar's prediction."""
    seat = world.seats[s]
    bar = seat.done
    for a in range(len(world.arms)):
        if world.arms[a] < RULE_ARMS:
            world.signals[s, a] = ask_arm(world.arms[a], world.memory[s, a], world.reals[s, a], bar.high, bar.low, bar.close)
    if world.predictions[s, 0].closed_ns == bar.closed_ns:
        return conclude(world, out, s, now_ns, lean)
    seat.awaits = bar.closed_ns
    seat.due_ns = now_ns + world.limits[s].deadline_ns
    return 0


@kernel
def on_predicted(world: Any, out: Any, s: int, prediction: Any, lean: bool) -> int:
    """Keep a frame's newest prediction; the one that a decision waits for lets it be taken, too late or not. Older or foreign ones change nothing."""
    if world.seats[s].awaits != 0 and prediction.at_ns >= world.seats[s].due_ns:
        fault = give_up(world, out, s, prediction.at_ns, lean)
        if fault != 0:
            return fault
    for k in range(len(world.frames)):
        if world.frames[k] == prediction.frame_ns and prediction.closed_ns > world.predictions[s, k].closed_ns:
            world.predictions[s, k] = prediction
            if k == 0 and world.seats[s].awaits == prediction.closed_ns:
                world.seats[s].awaits = 0
                return conclude(world, out, s, prediction.at_ns, lean)
    return 0


@kernel
def give_up(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The prediction did not come in time: the model counts as silent for this bar, and the decision is taken without it."""
    seat = world.seats[s]
    missing = world.predictions[s, 0]
    missing.frame_ns = world.frames[0]
    missing.closed_ns = seat.awaits
    missing.at_ns = now_ns
    missing.silence = LATE
    missing.version = -1
    seat.awaits = 0
    return conclude(world, out, s, now_ns, lean)


@kernel
def conclude(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """Form the opinion from what the arms said, and decide on it."""
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    lots = seat.position.lots
    held = 0
    if lots != 0:
        held = 1 if lots > 0 else -1
    signal = wanted_side(prediction, limits.cost_bps, held)
    if signal == KEEP and held != 0 and prediction.silence == 0 and is_over(seat, limits):
        renew(seat, limits, prediction, held)
    side = 0 if signal == -1 and limits.rules.is_spot != 0 else signal
    seen = world.seen[0]
    seen.has_model = 1
    seen.silence = prediction.silence
    seen.credibility = prediction.credibility
    seen.edge_bps = math.nan
    scale = 0.0
    alpha = 0.0
    kelly = math.inf
    if side == 1 or side == -1:
        hold_ns = prediction.horizon * limits.frame_ns
        funding = expected_funding(seat.funding_bps, side, hold_ns) if limits.has_funding != 0 else 0.0
        seen.edge_bps = edge_of(prediction, side) - funding
        scale = scale_of(limits.alpha_mode, seen.edge_bps - limits.cost_bps, limits.min_net_edge_bps, limits.full_edge_bps, prediction, side)
        alpha = max(scale, limits.alpha_floor) * prediction.size_scale
        kelly = kelly_fraction(
            seen.edge_bps - limits.cost_bps, prediction.error_bps, prediction.barrier_bps, limits.kelly_prior, limits.kelly_share
        )
    fault = 0
    if lean and is_quiet(world.account[0], seat, limits, side):
        world.account[0].decisions += 1
        seat.last_decision = world.account[0].decisions
    else:
        fault = decide(world, out, s, now_ns, signal, side, scale, alpha, kelly)
        if lean:
            out.cursor[0].decisions = 0
    keep_point(out.cursor[0], out.curve[out.cursor[0].curve], world.account[0], s, seat.done.closed_ns)
    return fault


@kernel
def renew(seat: Any, limits: Any, prediction: Any, held: int) -> None:
    """A position whose time is up begins a new one where its side is still predicted: closing it only to open it again would cost."""
    side = predicted_side(prediction.p_down, prediction.p_up, prediction.long_bps, prediction.short_bps)
    if side == held and abs(prediction.p_up - prediction.p_down) >= STAY * break_even(limits.cost_bps, prediction.barrier_bps):
        seat.position.bars = 0
        seat.horizon = prediction.horizon


@kernel
def keep_point(cursor: Any, point: Any, account: Any, s: int, at_ns: int) -> None:
    """Append to the equity curve."""
    point.at_ns = at_ns
    point.instrument = s
    point.equity = account.cash + account.marked
    point.gross = account.gross
    cursor.curve += 1
