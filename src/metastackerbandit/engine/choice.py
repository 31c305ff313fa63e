"""Which of several arms is heard: each lives on in a portfolio of its own, and the one whose outcomes earned it speaks."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.gates import would_pass
from metastackerbandit.engine.regime import bar_volatility, context_cell
from metastackerbandit.engine.voices import is_predicted_still, present, speak
from metastackerbandit.stacking.posterior import NO_ARM, choose, is_ahead, learn
from metastackerbandit.stacking.shadow import advance, charge, want


@inlined
def live_on(world: Any, out: Any, s: int) -> None:
    """Every arm's own portfolio lives through the closed bar; what ended is learned from, and kept as a row."""
    seat = world.seats[s]
    limits = world.limits[s]
    bar = seat.done
    for a in range(len(world.arms)):
        count = advance(world.shadows[s, a], bar, limits.cost_bps / 1e4, world.posterior[s].bound, world.outcomes)
        for n in range(count):
            ended = world.outcomes[n]
            learn(world.evidence[s], a, ended.cell, ended.outcome, 1.0, world.posterior[s])
            cursor = out.cursor[0]
            kept = out.outcomes[cursor.outcomes]
            kept.at_ns = bar.known_ns
            kept.instrument = s
            kept.arm = world.arms[a]
            kept.cell = ended.cell
            kept.side = ended.side
            kept.bars = ended.bars
            kept.outcome = ended.outcome
            kept.gate = -1
            kept.decision = ended.decision
            kept.reason = -1
            kept.opened_ns = 0
            kept.lots = 0
            kept.net = 0
            kept.net_bps = ended.net * 1e4
            cursor.outcomes += 1


@inlined
def wish_on(world: Any, s: int, now_ns: int) -> None:
    """What every arm wants for its own portfolio from the next open on: a prediction's trade only where the gates of its opinion let it pass."""
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    cell = context_cell(seat, limits, world.terciles[s])
    volatility = bar_volatility(seat, limits) * math.sqrt(float(limits.horizon))
    for a in range(len(world.arms)):
        shadow = world.shadows[s, a]
        held = shadow.held.side
        shadow.wish.decision = world.account[0].decisions + 1
        side = speak(world, s, a, now_ns, held)
        word = world.spoken[a]
        if limits.rules.is_spot != 0 and side == -1:
            side = 0
        if word.is_predicted == 0:
            exits = limits.exits
            want(shadow, side, cell, volatility, exits.stop / 1e8, exits.target / 1e8, limits.horizon, 0)
            continue
        if side == 1 or side == -1:
            present(word, prediction, limits, seat.coverage.level, side, held, world.seen[0])
            if word.alpha == 0.0 or not would_pass(world.seen[0], limits, world.lenient):
                side = KEEP if held != 0 else 0
        if side == KEEP and is_predicted_still(prediction, limits, held):
            side = held
        barrier = prediction.barrier_bps / 1e4
        want(shadow, side, cell, volatility, barrier * word.stop_scale, barrier, prediction.horizon, 1)


@inlined
def choose_arm(world: Any, s: int, holder: int) -> int:
    """The place of the arm that is heard: the one that has earned it, else the position's own, else the likeliest, whom the gate then stops.

    `holder` is the arm that the position is of, NO_ARM without one.
    """
    seat = world.seats[s]
    cell = context_cell(seat, world.limits[s], world.terciles[s])
    for a in range(len(world.arms)):
        world.awake[a] = 1 if world.spoken[a].silence == 0 else 0
    chosen = choose(world.evidence[s], cell, world.awake, world.arms, holder, world.posterior[s], world.beliefs)
    if chosen != NO_ARM:
        return chosen
    if holder != NO_ARM:
        return holder
    best = 0
    for a in range(1, len(world.arms)):
        if world.awake[a] > world.awake[best] or (world.awake[a] == world.awake[best] and is_ahead(world.beliefs, world.arms, a, best)):
            best = a
    return best


@kernel
def charge_all(world: Any, s: int, rate: float) -> None:
    """A funding settlement reaches the arms' own portfolios."""
    for a in range(len(world.arms)):
        charge(world.shadows[s, a], rate)


@kernel
def on_outcome(world: Any, s: int, arm: int, cell: int, outcome: float) -> int:
    """An outcome from before this run is learned as if it had happened in it; arms that are not heard here learn nothing."""
    for a in range(len(world.arms)):
        if world.arms[a] == arm:
            learn(world.evidence[s], a, cell, outcome, 1.0, world.posterior[s])
    return 0


@kernel
def teach(world: Any, outcomes: Any) -> None:
    """Outcomes (N,) of OutcomeKnown from before the run, in their order."""
    for n in range(len(outcomes)):
        known = outcomes[n]
        on_outcome(world, known.instrument, known.arm, known.cell, known.outcome)
