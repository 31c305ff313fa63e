"""K6 by the twin's own kernels: ten thousand random states of every kind of arm, and the mirrors that the twin is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.decision.settings import DecisionSettings
from metastackerbandit.domain.kernel import rows
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import KEEP
from metastackerbandit.engine.limits import Limits
from metastackerbandit.engine.mirror import mirror_prediction, mirror_world, swap_limits
from metastackerbandit.engine.plan import begin, plan_of
from metastackerbandit.engine.settings import EngineSettings
from metastackerbandit.engine.twin import SAME, STAGES
from metastackerbandit.engine.world import World
from metastackerbandit.risk.settings import SizingSettings
from metastackerbandit.runtime.twin import Twin
from metastackerbandit.stacking.ask import ask_arm, looks, mirror_arm, mirrored_word
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.settings import ArmSettings
from tests.covering import covers
from tests.engine.test_mirror import BAR_NS, PRICE, SETTINGS, put
from tests.markets import START_NS, generated

STATES = 10_000
LOOKING = [arm for arm in ARMS if arm.mirror is not None]


def opened(arm: str, decision: DecisionSettings, books: int = 1) -> tuple[Twin, World, int]:
    """A twin, a world of some books, and the money unit."""
    recording = generated(1, 5, symbols=books, moody=True, funded=True)
    sizing = SizingSettings() if decision.alpha != "edge" else SizingSettings(mode="fraction", fraction=0.5)
    plan = plan_of(recording, "5m", arm, EngineSettings(decision=decision, sizing=sizing), arms=("model", "momentum", "reversal"))
    return Twin(plan), begin(plan), plan.books[0].instrument.rules().unit


def shake(world: World, rng: np.random.Generator, unit: int) -> None:
    """A random moment of book 0 (tests.engine.test_mirror), of the other books' positions, of an order out, and of what arms say and have earned."""
    put(world, rng, unit)
    account = world.account[0]
    world.seats[0].mood_mirror = -world.seats[0].mood
    world.seats[0].position.mark = PRICE
    for place in range(1, len(world.seats)):
        other = world.seats[place].position
        other.lots, other.mark = int(rng.integers(-300, 301)), PRICE // 3
        other.value = other.lots * other.mark * unit
        if rng.random() < 0.9:  # else the volatility of what it holds is not known
            world.seats["activity"][place] = world.seats["activity"][0]
        account.marked += other.value
        account.cash -= other.value
        account.gross += abs(other.value)
    world.signals[0, :] = rng.choice([-1, 0, 1, KEEP], world.signals.shape[1])
    seat = world.seats[0]
    seat.working = seat.market_out = int(rng.integers(0, 2))
    order = world.working[0, 0]
    order.order, order.kind, order.lots, order.filled = 1, 0, int(rng.choice([-60, 60])), 0
    seat.holder = int(rng.integers(0, len(world.arms)))
    for a in range(len(world.arms)):
        shadow = world.shadows[0, a]
        shadow.held.side, shadow.wish.side = rng.integers(-1, 2, 2)
        shadow.held.horizon, shadow.bars, shadow.held.predicted = 6, int(rng.integers(0, 9)), int(rng.integers(0, 2))
        evidence = world.evidence[0, a]
        evidence["outcomes"] = rng.uniform(0, 60, 6)
        evidence["total"] = rng.normal(0.25, 0.3, 6) * evidence["outcomes"]
        evidence["squares"] = evidence["outcomes"] * 1.4


@covers("K6", "B09")
@pytest.mark.parametrize("arm", ["model", "posterior", "momentum"])
def test_the_decision_on_a_mirrored_state_is_the_mirrored_decision(arm: str) -> None:
    rng = np.random.default_rng(11)
    kinds: set[int] = set()
    each = STATES // (3 * len(SETTINGS)) + 1
    for decision in SETTINGS:
        twin, world, unit = opened(arm, decision, books=2)
        fresh = tuple(array.copy() for array in world)
        for _ in range(each):
            for array, kept in zip(world, fresh, strict=True):
                array[...] = kept
            shake(world, rng, unit)
            found = twin.look_at(world, 0, START_NS + BAR_NS)
            assert found.compared == 1
            assert found.stage == SAME, (STAGES[found.stage], found)
            kinds.add(int(twin._outs[0].decisions[0]["kind"]))
    assert len(kinds) >= 3


@pytest.mark.parametrize("books", [1, 2])
def test_mirroring_twice_changes_nothing_and_equity_never(books: int) -> None:
    _, world, unit = opened("posterior", SETTINGS[3], books)
    rng = np.random.default_rng(3)
    for _ in range(50):
        shake(world, rng, unit)
        before = [array.tobytes() for array in world]
        equity, gross = int(world.account[0].cash + world.account[0].marked), int(world.account[0].gross)
        mirror_world(world, PRICE, 0)
        assert int(world.account[0].cash + world.account[0].marked) == equity and int(world.account[0].gross) == gross
        assert [array.tobytes() for array in world] != before
        mirror_world(world, PRICE, 0)
        after = [array.tobytes() for array in world]
        changed = [name for name, one, other in zip(World._fields, before, after, strict=True) if one != other]
        assert set(changed) <= {"seats"}  # the level of the trend, to a rounding
        assert world.seats[0].level == pytest.approx(np.frombuffer(before[1], world.seats.dtype)[0]["level"], rel=1e-12)


def test_every_limit_that_differs_by_side_is_swapped_and_no_other() -> None:
    limits = rows(Limits, 1)
    names = [name for name in limits.dtype.names or () if limits.dtype[name].kind == "f"]
    for place, name in enumerate(names):
        limits[name] = place + 1.0
    before = limits.copy()
    swap_limits(limits[0])
    swapped = {name for name in names if limits[name][0] != before[name][0]}
    assert swapped == {name for name in names if name.endswith(("_buy", "_sell"))} and len(swapped) >= 6
    assert limits["min_alpha_buy"][0] == before["min_alpha_sell"][0]


@given(bits=st.integers(0, 7), told=st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_prediction_in_the_mirror(bits: int, told: list[float]) -> None:
    row = rows(Prediction, 1)
    row["p_down"], row["p_flat"], row["p_up"] = told
    row["long_bps"], row["short_bps"], row["conformal_set"] = 3.0, -4.0, bits
    before = row.copy()
    mirror_prediction(row[0])
    assert (row["p_down"], row["p_up"], row["p_flat"]) == (before["p_up"], before["p_down"], before["p_flat"])
    assert (row["long_bps"], row["short_bps"]) == (-4.0, 3.0)
    assert [int(row["conformal_set"][0]) >> n & 1 for n in (2, 1, 0)] == [bits >> n & 1 for n in range(3)]


def path(seed: int, count: int = 160) -> list[tuple[int, int, int]]:
    """High, low and close of a random walk that now and then stands still."""
    rng = np.random.default_rng(seed)
    closes = 65_536 + np.cumsum(rng.integers(-64, 65, count) * (rng.random(count) < 0.9))
    highs, lows = closes + rng.integers(0, 60, count), closes - rng.integers(0, 60, count)
    return list(zip(highs.tolist(), lows.tolist(), closes.tolist(), strict=True))


@covers("B09", "K6")
@given(seed=st.integers(0, 9_999), arm=st.sampled_from(LOOKING))
def test_every_arm_that_looks_turns_around_in_the_mirror_from_any_memory(seed: int, arm: Any) -> None:
    """At every bar: the word in the mirror is the other side, and so is the memory that it leaves."""
    place = ARMS.index(arm)
    start = arm.prepare(getattr(ArmSettings(), arm.name), 2**20)
    memory, reals = start.memory, start.reals
    for high, low, close in path(seed):
        image, image_reals = memory.copy(), reals.copy()
        twice = mirror_arm(place, image, image_reals)
        word = int(ask_arm(place, memory, reals, high, low, close))
        turned = int(ask_arm(place, image, image_reals, twice - low, twice - high, twice - close))
        assert turned == (word if word == KEEP else -word)
        if arm.name != "reversal":  # the others mirror about zero, and twice is no change
            back, back_reals = image.copy(), image_reals.copy()
            mirror_arm(place, back, back_reals)
            assert (back == memory).all() and (back_reals == reals).all()


def test_an_arm_that_does_not_look_says_the_opposite_in_the_mirror() -> None:
    blind = [place for place in range(len(ARMS)) if not looks(place)]
    assert {ARMS[place].name for place in blind} == {"buy_and_hold", "random_entries"}
    memory, reals = np.zeros(4, np.int64), np.zeros(4)
    for place in blind:
        assert [mirrored_word(place, memory, reals, 1, 1, 1, word) for word in (-1, 0, 1, KEEP)] == [1, 0, -1, KEEP]


def test_a_twin_leaves_the_world_as_it_found_it() -> None:
    twin, world, unit = opened("posterior", SETTINGS[2], 2)
    shake(world, np.random.default_rng(1), unit)
    before = [array.tobytes() for array in world]
    twin.look_at(world, 0, START_NS + BAR_NS)
    assert [array.tobytes() for array in world] == before
