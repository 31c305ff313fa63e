"""What the engine does where opinions need more than a rule: wait for a prediction, take it in or give it up, and conclude."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.prediction import LATE
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.agreement import follow_model
from metastackerbandit.engine.choice import choose_arm, live_on, wish_on
from metastackerbandit.engine.decide import decide, is_over, is_quiet
from metastackerbandit.engine.ghosts import bury, follow, is_ghost_over
from metastackerbandit.engine.voices import is_predicted_still, kelly_of, present, speak
from metastackerbandit.risk.rests import await_outcome
from metastackerbandit.stacking.ask import ask_arm
from metastackerbandit.stacking.consensus import MODEL_SOURCE
from metastackerbandit.stacking.coverage import issue_set, set_at, settle_sets
from metastackerbandit.stacking.names import RULE_ARMS
from metastackerbandit.stacking.posterior import NO_ARM


@inlined
def begin_waiting(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The frame's bar closed: the rules among the arms speak, the arms' own portfolios move on, and the decision waits for the prediction."""
    seat = world.seats[s]
    limits = world.limits[s]
    bar = seat.done
    for a in range(len(world.arms)):
        if world.arms[a] < RULE_ARMS:
            world.signals[s, a] = ask_arm(world.arms[a], world.memory[s, a], world.reals[s, a], bar.high, bar.low, bar.close)
    if limits.follows_sets != 0:
        settle_sets(world.sets[s], seat.coverage, bar, seat.bars_seen, limits.sets)
    if limits.chooses != 0:
        live_on(world, out, s)
    if limits.waits == 0 or world.predictions[s, 0].closed_ns == bar.closed_ns:
        return conclude_apart(world, out, s, now_ns, lean)
    seat.awaits = bar.closed_ns
    seat.due_ns = now_ns + limits.deadline_ns
    return 0


@inlined
def on_predicted(world: Any, out: Any, s: int, prediction: Any, lean: bool) -> int:
    """Keep a frame's newest prediction; the one that a decision waits for lets it be taken, too late or not. Older or foreign ones change nothing."""
    fault = 0
    if world.seats[s].awaits != 0 and prediction.at_ns >= world.seats[s].due_ns:
        fault = give_up(world, out, s, prediction.at_ns, lean)
    if fault == 0 and is_awaited(world.seats[s], world.predictions[s], world.frames[s], world.limits[s].frames, prediction):
        world.seats[s].awaits = 0
        fault = conclude(world, out, s, prediction.at_ns, lean)
    return fault


@kernel
def is_awaited(seat: Any, kept: Any, lengths: Any, frames: int, prediction: Any) -> bool:
    """Keep the prediction where it is the newest of one of the book's frames (K,); True where the decision waits for it."""
    awaited = False
    for k in range(frames):
        if lengths[k] == prediction.frame_ns and prediction.closed_ns > kept[k].closed_ns:
            kept[k] = prediction
            if k == 0 and seat.awaits == prediction.closed_ns:
                awaited = True
    return awaited


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
    return conclude_apart(world, out, s, now_ns, lean)


@inlined
def conclude(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """What is learned from the prediction is noted, and the decision taken."""
    prediction = world.predictions[s, 0]
    if world.limits[s].follows_sets != 0:
        note_set(world.seats[s], prediction, world.sets[s])
    if world.limits[s].follows_model != 0:
        follow_model(world.seats[s], world.limits[s], prediction, world.outputs[s, MODEL_SOURCE])
    if prediction.closed_ns == world.seats[s].done.closed_ns:
        await_outcome(world.seats[s].rests, prediction)
    fault = -1
    if world.draft[0].halts == 0:
        fault = answer(world, out, s, now_ns, lean)
    return fault


@inlined
def answer(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """The arms speak; one of them is heard; and its word is decided on."""
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    seen = world.seen[0]
    held = 0
    if seat.position.lots != 0:
        held = 1 if seat.position.lots > 0 else -1
    speaker = 0
    seen.has_posterior = 0
    seen.chance = math.nan
    if limits.chooses != 0:
        wish_on(world, s, now_ns)
        speaker = choose_arm(world, s, seat.holder if held != 0 else NO_ARM)
        seen.has_posterior = 1
        seen.chance = world.beliefs[speaker].chance
    signal = speak(world, s, speaker, now_ns, held)
    word = world.spoken[speaker]
    goes_on = limits.time_by_model != 0 and signal == KEEP and word.is_predicted != 0 and is_predicted_still(prediction, limits, held)
    if goes_on and is_over(seat, limits):
        seat.position.bars = 0  # closing it only to open it again would pay a round trip for nothing; a written limit of bars stands
        seat.horizon = prediction.horizon
    seat.arm = speaker
    side = 0 if signal == -1 and limits.rules.is_spot != 0 else signal
    fault = 0
    if lean and is_quiet(world.account[0], seat, limits, side):
        world.account[0].decisions += 1
        seat.last_decision = world.account[0].decisions
    else:
        present(word, prediction, limits, seat.coverage.level, side, held, seen)
        names = side == 1 or side == -1
        scale = word.scale if names else 0.0
        alpha = word.alpha if names else 0.0
        kelly = kelly_of(word, prediction, limits) if names else math.inf
        fault = decide(world, out, s, now_ns, signal, side, scale, alpha, kelly)
        if lean:
            out.cursor[0].decisions = 0
    if seat.ghosts != 0:
        hear_ghosts(world, s, now_ns)
    keep_point(out.cursor[0], out.curve[out.cursor[0].curve], world.account[0], s, seat.done.closed_ns)
    return fault


@kernel
def conclude_apart(world: Any, out: Any, s: int, now_ns: int, lean: bool) -> int:
    """conclude, compiled once for where no prediction has just come."""
    return conclude(world, out, s, now_ns, lean)


@kernel
def note_set(seat: Any, prediction: Any, sets: Any) -> None:
    """Remember what the prediction could not exclude at the level in force, to be held against what comes."""
    coverage = seat.coverage
    if prediction.silence == 0:
        bits = set_at(coverage.level, prediction.p_value_down, prediction.p_value_flat, prediction.p_value_up)
        issue_set(sets, coverage, bits, seat.bars_seen, prediction.horizon, prediction.barrier_bps / 1e4)


@inlined
def hear_ghosts(world: Any, s: int, now_ns: int) -> None:
    """What the arms say to trades that gates prevented: to each what they would say to a position of its side and arm (see `conclude`).

    A trade that still waits for its open is an order to them: they speak as to the book as it stands.
    """
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    stands = 0
    if seat.position.lots != 0:
        stands = 1 if seat.position.lots > 0 else -1
    for g in range(seat.ghosts):
        ghost = world.ghosts[s, g]
        held = ghost.held.side
        if held == 0 and (ghost.wish.side == 0 or ghost.wish.decision == world.account[0].decisions):
            continue
        side, holder = stands, seat.holder if stands != 0 else NO_ARM
        if held != 0:
            side, holder = held, ghost.held.holder
        speaker = choose_arm(world, s, holder) if limits.chooses != 0 else 0
        signal = speak(world, s, speaker, now_ns, side)
        goes_on = limits.time_by_model != 0 and signal == KEEP and world.spoken[speaker].is_predicted != 0
        if held != 0 and goes_on and is_ghost_over(ghost) and is_predicted_still(prediction, limits, held):
            ghost.bars = 0
            ghost.held.horizon = prediction.horizon
        follow(ghost, seat, limits, world.account[0], signal, 0 if signal == -1 and limits.rules.is_spot != 0 else signal, now_ns)
    bury(world.ghosts[s], seat)


@kernel
def keep_point(cursor: Any, point: Any, account: Any, s: int, at_ns: int) -> None:
    """Append to the equity curve."""
    point.at_ns = at_ns
    point.instrument = s
    point.equity = account.cash + account.marked
    point.gross = account.gross
    cursor.curve += 1
