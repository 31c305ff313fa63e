"""Which of several arms is heard: each lives on in a portfolio of its own, and the one whose outcomes earned it speaks."""

from __future__ import annotations

import math
from typing import Any

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.voices import is_predicted_still, speak
from metastackerbandit.market.activity import annual_volatility
from metastackerbandit.stacking.context import cell_of, observe_volatility
from metastackerbandit.stacking.posterior import NO_ARM, choose, is_ahead, learn
from metastackerbandit.stacking.shadow import advance, charge, want


@kernel
def bar_volatility(seat: Any, limits: Any) -> float:
    """Forecast volatility of one bar of the frame, fraction; NaN until it is known."""
    return annual_volatility(seat.activity, limits.pace) / math.sqrt(limits.pace.a_year)


@kernel
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
            cursor.outcomes += 1
    observe_volatility(world.terciles[s], bar_volatility(seat, limits), world.context[s].step, world.context[s].memory)
    close = float(bar.close)
    seat.level = close if seat.level == 0.0 else limits.trend_keep * seat.level + (1.0 - limits.trend_keep) * close


@kernel
def context_cell(seat: Any, limits: Any, terciles: Any) -> int:
    """The context of the bar in the seat: tercile of volatility, side of the trend."""
    return cell_of(terciles, bar_volatility(seat, limits), float(seat.done.close) - seat.level)


@kernel
def wish_on(world: Any, s: int, now_ns: int) -> None:
    """What every arm wants for its own portfolio from the next open on: a prediction's trade only where its edge pays."""
    seat = world.seats[s]
    limits = world.limits[s]
    prediction = world.predictions[s, 0]
    cell = context_cell(seat, limits, world.terciles[s])
    volatility = bar_volatility(seat, limits) * math.sqrt(float(limits.horizon))
    for a in range(len(world.arms)):
        shadow = world.shadows[s, a]
        held = shadow.held.side
        side = speak(world, s, a, now_ns, held)
        word = world.spoken[a]
        if limits.rules.is_spot != 0 and side == -1:
            side = 0
        if word.is_predicted == 0:
            exits = limits.exits
            want(shadow, side, cell, volatility, exits.stop / 1e8, exits.target / 1e8, limits.horizon, 0)
            continue
        if (side == 1 or side == -1) and not pays(word, limits):
            side = KEEP if held != 0 else 0
        if side == KEEP and is_predicted_still(prediction, limits, held):
            side = held
        barrier = prediction.barrier_bps / 1e4
        want(shadow, side, cell, volatility, barrier * word.stop_scale, barrier, prediction.horizon, 1)


@kernel
def pays(word: Any, limits: Any) -> bool:
    """Whether the gates of the opinion itself would let a predicted trade pass."""
    return word.edge_bps - limits.cost_bps >= limits.min_net_edge_bps and word.credibility >= limits.min_credibility and word.alpha > 0.0


@kernel
def choose_arm(world: Any, s: int, held: int) -> int:
    """The place of the arm that is heard: the one that has earned it, else the position's own, else the likeliest, whom the gate then stops."""
    seat = world.seats[s]
    cell = max(context_cell(seat, world.limits[s], world.terciles[s]), 0)
    for a in range(len(world.arms)):
        world.awake[a] = 1 if world.spoken[a].silence == 0 else 0
    holder = seat.holder if held != 0 else NO_ARM
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
