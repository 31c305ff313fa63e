"""K6: the decision on a mirrored state, under mirrored settings, is the mirrored decision; in one kernel, for ten thousand states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from metastackerbandit.decision.settings import REGIMES, DecisionSettings
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.gates import GATE_NAMES
from metastackerbandit.engine.on_prediction import conclude_apart
from metastackerbandit.engine.plan import Plan, begin, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.world import Out, World, empty_out
from tests.covering import covers
from tests.markets import START_NS, generated

STATES = 10_000
PRICE = 500_000
BAR_NS = 300 * 10**9
SETTINGS = (
    DecisionSettings(),
    DecisionSettings(consensus="hard", min_confidence_buy=0.5, min_confidence_sell=0.4, confidence="p_dir_cond", min_alpha_buy=0.2, reversal="flip"),
    DecisionSettings(consensus="hard", veto_unearned=True, min_mood=0.5, allow_model_only_when_mood_neutral=False, alpha="strength"),
    DecisionSettings(confidence="p_max3", min_confidence=0.5, min_model_signal_sell=0.3, conformal=False, allowed_regimes=REGIMES[:3]),
    DecisionSettings(confidence="strength", thresholds="profile", min_confidence=0.1, neutral_band=0.05, min_worth=0.55, alpha="confidence"),
)
SWAPPED = ("min_confidence", "min_alpha", "min_model_signal")


def turned_settings(given: DecisionSettings) -> DecisionSettings:
    """Buy and sell limits swapped, and the trend of every allowed context turned."""
    changes: dict[str, Any] = {}
    for name in SWAPPED:
        changes |= {f"{name}_buy": getattr(given, f"{name}_sell"), f"{name}_sell": getattr(given, f"{name}_buy")}
    changes["allowed_regimes"] = tuple(REGIMES[(REGIMES.index(name) + 3) % 6] for name in given.allowed_regimes)
    return structs.replace(given, **changes)


def plan_under(decision: DecisionSettings) -> Plan:
    """One perpetual on 5m whose decisions hear a model and a mood."""
    recording = generated(1, 5, symbols=1, moody=True, funded=True, booked=True)
    return plan_of(recording, "5m", "model", EngineSettings(decision=decision))


def put(world: World, rng: np.random.Generator, unit: int) -> None:
    """A random moment: a market that moves, a position or none, a mood and its past, a prediction, a level."""
    seat, account, prediction = world.seats[0], world.account[0], world.predictions[0, 0]
    bar = seat.done
    bar.open = bar.high = bar.low = bar.close = PRICE
    bar.closed_ns = bar.known_ns = START_NS + BAR_NS
    bar.parts = bar.parts_due = 1
    seat.bars_seen = int(rng.integers(1, 500))
    seat.awaits = 0
    activity = seat.activity
    activity.returns = int(rng.choice([3, 500]))
    activity.last_close = PRICE
    activity.fast = activity.slow = rng.choice([1e-7, 1e-5, 4e-5])
    activity.volume, activity.volume_weight = 50.0, 1.0
    activity.fast_weight = activity.slow_weight = 1.0
    lots = int(rng.choice([0, 0, 40, 900])) * int(rng.choice([-1, 1]))
    seat.position.lots = lots
    seat.position.value = account.marked = lots * PRICE * unit
    account.gross = abs(account.marked)
    account.cash = 10**12 - account.marked
    account.breakers.peak = account.breakers.day_equity = 10**12
    seat.position.bars, seat.horizon = int(rng.integers(0, 8)), 6
    seat.exit_bar = int(rng.choice([-1, seat.bars_seen - 1, max(seat.bars_seen - 2, 0)]))
    seat.last_side, seat.spent_side = rng.choice([-1, 0, 1], 2)
    seat.funding_bps = rng.normal() * 3.0
    seat.level = PRICE * (1.0 + rng.choice([-1, 1]) * rng.uniform(0.001, 0.01))
    world.terciles[0].seen, world.terciles[0].low, world.terciles[0].high = 100, -8.0, -5.0
    seat.mood, seat.mood_ns = rng.choice([rng.normal(), 0.5, np.nan], p=[0.8, 0.1, 0.1]), START_NS + int(rng.choice([0, BAR_NS]))
    touch = seat.touch
    touch.bid = int(rng.choice([0, PRICE - int(rng.integers(1, 80))], p=[0.05, 0.95]))
    touch.ask = int(rng.choice([0, PRICE + int(rng.integers(1, 200))], p=[0.05, 0.95]))
    touch.bid_depth, touch.ask_depth = rng.choice([0.0, 50.0, 2_000.0, 80_000.0], 2)
    touch.changed_ns, touch.quality = bar.known_ns - int(rng.integers(0, 3 * 10**9)), rng.choice([0.7, 0.9, np.nan])
    standing = seat.mood_standing
    standing.ups = int(rng.integers(0, 201))
    standing.downs = 200 - standing.ups
    standing.right_up, standing.wrong_up, standing.right_down, standing.wrong_down = rng.gamma(2.0, 20.0, 4) * np.array([1.3, 1.0, 1.3, 1.0])
    seat.coverage.level = rng.uniform(0.0, 0.6)
    told = rng.dirichlet([2.0, 2.0, 2.0])
    prediction.p_down, prediction.p_flat, prediction.p_up = told
    lead = told[2] - told[0]
    prediction.long_bps = lead * 90.0 + rng.normal() * 5.0
    prediction.short_bps = -lead * 90.0 + rng.normal() * 5.0
    prediction.error_bps, prediction.barrier_bps, prediction.horizon = 10.0, rng.uniform(20.0, 300.0), 6
    prediction.silence = int(rng.choice([0, 0, 0, 0, 6]))
    prediction.frame_ns, prediction.closed_ns, prediction.at_ns = BAR_NS, bar.closed_ns, bar.closed_ns
    prediction.credibility, prediction.size_scale = rng.uniform(0.03, 1.0), 0.7
    prediction.p_value_down, prediction.p_value_flat, prediction.p_value_up = rng.random(3)
    prediction.worth = rng.choice([np.nan, rng.uniform(0.4, 1.0)])


def turn(world: World) -> None:
    """The same moment mirrored: sides, classes and whatever has a sign."""
    seat, account, prediction = world.seats[0], world.account[0], world.predictions[0, 0]
    account.cash += 2 * account.marked
    account.marked = -account.marked
    for name in ("lots", "value"):
        seat.position[name] = -seat.position[name]
    for name in ("last_side", "spent_side", "funding_bps", "mood"):
        seat[name] = -seat[name]
    seat.level = 2.0 * PRICE - seat.level
    touch = seat.touch
    if touch.bid and touch.ask:
        touch.bid, touch.ask = 2 * PRICE - touch.ask, 2 * PRICE - touch.bid
    touch.bid_depth, touch.ask_depth = touch.ask_depth, touch.bid_depth
    standing = seat.mood_standing
    for one, other in (("ups", "downs"), ("right_up", "right_down"), ("wrong_up", "wrong_down")):
        standing[one], standing[other] = standing[other].copy(), standing[one].copy()
    for one, other in (("p_down", "p_up"), ("long_bps", "short_bps"), ("p_value_down", "p_value_up")):
        prediction[one], prediction[other] = prediction[other].copy(), prediction[one].copy()


def decided(world: World, out: Out) -> tuple[Any, ...]:
    """What one decision leaves: its row, its trace and its orders."""
    for name in ("effects", "decisions", "orders", "curve"):
        out.cursor[0][name] = 0
    assert conclude_apart(world, out, 0, START_NS + BAR_NS, False) == 0
    orders = out.orders[: out.cursor[0].orders].copy()
    return out.decisions[0].copy(), out.observed[0].copy(), out.limit[0].copy(), out.verdict[0].copy(), orders


@covers("K6", "B09", "A01", "A15")
@pytest.mark.parametrize("which", range(len(SETTINGS)))
def test_the_decision_on_a_mirrored_state_is_the_mirrored_decision(which: int) -> None:
    rng = np.random.default_rng(which)
    plans = plan_under(SETTINGS[which]), plan_under(turned_settings(SETTINGS[which]))
    worlds = tuple(begin(plan) for plan in plans)
    empty = tuple(tuple(array.copy() for array in world) for world in worlds)
    out = empty_out(len(GATE_NAMES), 1, 8, 1)
    unit = plans[0].books[0].instrument.rules().unit
    kinds: dict[int, int] = {}
    traded = 0
    for _ in range(STATES // len(SETTINGS)):
        for world, kept in zip(worlds, empty, strict=True):
            for array, fresh in zip(world, kept, strict=True):
                array[...] = fresh
        put(worlds[0], rng, unit)
        for place in ("seats", "account", "predictions", "terciles"):
            getattr(worlds[1], place)[...] = getattr(worlds[0], place)
        turn(worlds[1])
        one, other = decided(worlds[0], out), decided(worlds[1], out)
        row, image = one[0], other[0]
        for name in ("kind", "alpha", "asks_risk", "reason", "binding", "sole", "blocked", "equity"):
            assert row[name] == image[name], name
        for name in ("position", "pending", "wanted", "sent"):
            assert row[name] == -image[name], name
        for name in ("side", "signal"):
            assert row[name] == (image[name] if image[name] == KEEP else -image[name]), name
        assert np.array_equal(one[3], other[3])
        asked = one[3] != 0
        assert np.array_equal(one[1][asked], other[1][asked], equal_nan=True) and np.array_equal(one[2][asked], other[2][asked], equal_nan=True)
        assert (one[4]["lots"] == -other[4]["lots"]).all()
        kinds[int(row["kind"])] = kinds.get(int(row["kind"]), 0) + 1
        traded += len(one[4])
    assert traded > 20 and len(kinds) >= 3  # the states reach what they are for
