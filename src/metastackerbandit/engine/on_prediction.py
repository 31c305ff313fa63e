"""What the engine does where opinions need more than a rule: wait for a prediction, take it in or give it up, and conclude."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.prediction import LATE
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.choice import choose_arm, live_on, wish_on
from metastackerbandit.engine.decide import decide, is_over, is_quiet
from metastackerbandit.engine.voices import is_predicted_still, kelly_of, speak
from metastackerbandit.risk.rests import await_outcome
from metastackerbandit.stacking.ask import ask_arm
from metastackerbandit.stacking.names import RULE_ARMS


@kernel
def begin_waiting(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The frame's bar closed: the rules among the arms speak, the arms' own portfolios move on, and the decision waits for the prediction."""
    seat = world.seats[s]
    limits = world.limits[s]
    bar = seat.done
    for a in range(len(world.arms)):
        if world.arms[a] < RULE_ARMS:
            world.signals[s, a] = ask_arm(world.arms[a], world.memory[s, a], world.reals[s, a], bar.high, bar.low, bar.close)
    if limits.chooses != 0:
        live_on(world, out, s)
    if limits.waits == 0 or world.predictions[s, 0].closed_ns == bar.closed_ns:
        return conclude(world, out, s, now_ns, lean)
    seat.awaits = bar.closed_ns
    seat.due_ns = now_ns + limits.deadline_ns
    return 0


@kernel
def on_predicted(world: Any, out: Any, s: int, prediction: Any, lean: bool) -> int:
    """Keep a frame's newest prediction; the one that a decision waits for lets it be taken, too late or not. Older or foreign ones change nothing."""
    if world.seats[s].awaits != 0 and prediction.at_ns >= world.seats[s].due_ns:
        fault = give_up(world, out, s, prediction.at_ns, lean)
        if fault != 0:
            return fault
    for k in range(world.limits[s].frames):
        if world.frames[s, k] == prediction.frame_ns and prediction.closed_ns > world.predictions[s, k].closed_ns:
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
    missing.frame_ns = world.frames[s, 0]
    missing.closed_ns = seat.awaits
    missing.at_ns = now_ns
    missing.silence = LATE
    missing.version = -1
    seat.awaits = 0
    return conclude(world, out, s, now_ns, lean)


@kernel
def conclude(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The arms speak; one of them is heard; and its word is decided on."""
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    held = 0
    if seat.position.lots != 0:
        held = 1 if seat.position.lots > 0 else -1
    if prediction.closed_ns == seat.done.closed_ns:
        await_outcome(seat.rests, prediction, seat.done.close, limits.rests)
    seen = world.seen[0]
    speaker = 0
    seen.has_posterior = 0
    seen.chance = math.nan
    if limits.chooses != 0:
        wish_on(world, s, now_ns)
        speaker = choose_arm(world, s, held)
        seen.has_posterior = 1
        seen.chance = world.beliefs[speaker].chance
    signal = speak(world, s, speaker, now_ns, held)
    word = world.spoken[speaker]
    if signal == KEEP and word.is_predicted != 0 and is_over(seat, limits) and is_predicted_still(prediction, limits, held):
        seat.position.bars = 0  # closing it only to open it again would pay a round trip for nothing
        seat.horizon = prediction.horizon
    seat.arm = speaker
    side = 0 if signal == -1 and limits.rules.is_spot != 0 else signal
    seen.has_model = word.is_predicted
    seen.silence = word.silence
    seen.credibility = word.credibility
    seen.edge_bps = word.edge_bps
    seen.net_edge_bps = math.nan
    seen.has_frames = word.has_frames
    seen.alignment = word.alignment
    seen.stop_scale = word.stop_scale
    scale = word.scale if side == 1 or side == -1 else 0.0
    alpha = word.alpha if side == 1 or side == -1 else 0.0
    kelly = kelly_of(word, prediction, limits) if side == 1 or side == -1 else math.inf
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
def keep_point(cursor: Any, point: Any, account: Any, s: int, at_ns: int) -> None:
    """Append to the equity curve."""
    point.at_ns = at_ns
    point.instrument = s
    point.equity = account.cash + account.marked
    point.gross = account.gross
    cursor.curve += 1
