"""An arm is asked by its place, and so is its mirror: it says the opposite of the mirrored bar."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.rows import KEEP
from metastackerbandit.stacking.arm import ArmSpec, Prepared
from metastackerbandit.stacking.ask import ask_arm, hear_second, looks, mirror_arm, mirrored_word
from metastackerbandit.stacking.catalog import ARMS
from metastackerbandit.stacking.settings import ArmSettings, BookPressure, Breakout, EmaCross, Momentum, SmaCross
from tests.covering import covers
from tests.markets import seconds_of, walk

TABLES = ArmSettings(sma_cross=SmaCross(3, 8), ema_cross=EmaCross(3, 8), breakout=Breakout(5), momentum=Momentum(4), book_pressure=BookPressure(1.0))
LOOKING = [place for place, arm in enumerate(ARMS) if arm.mirror is not None]
each_arm = pytest.mark.parametrize(("place", "arm"), list(enumerate(ARMS)), ids=lambda one: getattr(one, "name", ""))


def started(arm: ArmSpec) -> Prepared:
    return arm.prepare(getattr(TABLES, arm.name), 2**20)


def words_of(place: int, arm: ArmSpec, start: Prepared, ask: Callable[..., int], hear: Callable[..., None] | None) -> list[int]:
    """What an arm says to a walk, told of a second of the order book before each bar."""
    words = []
    for second, bar in zip(seconds_of(place, walk(place, 10)), bars_of(place), strict=False):
        if hear is not None:
            hear(start.memory, start.reals, second)
        words.append(ask(start.memory, start.reals, *bar))
    return words


def bars_of(seed: int, count: int = 80) -> list[tuple[int, int, int]]:
    """High, low and close of a walk."""
    rng = np.random.default_rng(seed)
    closes = 65_536 + np.cumsum(rng.integers(-300, 301, count))
    return [(int(c + up), int(c - down), int(c)) for c, up, down in zip(closes, rng.integers(0, 90, count), rng.integers(0, 90, count), strict=True)]


@covers("2.104")
@each_arm
def test_the_arm_at_a_place_is_the_catalogs(place: int, arm: ArmSpec) -> None:
    by_place, itself = started(arm), started(arm)
    words = words_of(place, arm, by_place, partial(ask_arm, place), partial(hear_second, place))
    assert words == words_of(place, arm, itself, arm.step, arm.hears)
    assert by_place.memory.tolist() == itself.memory.tolist() and by_place.reals.tolist() == itself.reals.tolist()
    assert len(set(words)) > 1 or arm.name == "buy_and_hold"
    if arm.mirror is not None:
        assert mirror_arm(place, by_place.memory, by_place.reals) == arm.mirror(itself.memory, itself.reals)
        assert by_place.memory.tolist() == itself.memory.tolist() and by_place.reals.tolist() == itself.reals.tolist()


@each_arm
def test_an_arm_looks_at_the_market_where_it_has_a_mirror(place: int, arm: ArmSpec) -> None:
    assert bool(looks(place)) == (arm.mirror is not None)
    assert (arm.mirror is None) == (arm.name in ("buy_and_hold", "random_entries"))


def test_no_arm_has_no_word_and_does_not_look() -> None:
    nothing = np.zeros(9, np.int64), np.zeros(4)
    assert ask_arm(len(ARMS), *nothing, 3, 1, 2) == 0 == mirror_arm(len(ARMS), *nothing) and not looks(len(ARMS))


@covers("B09")
@settings(max_examples=25)
@given(seed=st.integers(0, 9_999), place=st.sampled_from(LOOKING))
def test_an_arm_that_looks_says_the_opposite_of_each_bars_mirror(seed: int, place: int) -> None:
    """Highs become lows about a level, every directed word its opposite, and what it remembers then is the mirror of what the arm does."""
    start = started(ARMS[place])
    for bar in bars_of(seed):
        before = start.memory.copy(), start.reals.copy()
        word = ask_arm(place, start.memory, start.reals, *bar)
        mirrored = mirrored_word(place, *before, *bar, 77)  # what it said of the bar itself does not matter
        assert mirrored == (KEEP if word == KEEP else -word)
        if ARMS[place].name != "reversal":  # its memory is one close, and its level moves with it
            mirror_arm(place, *before)
            assert before[0].tolist() == start.memory.tolist() and before[1].tolist() == start.reals.tolist()


@given(word=st.sampled_from([-1, 0, 1]))
def test_an_arm_that_does_not_look_says_the_opposite_of_its_word(word: int) -> None:
    for place in sorted(set(range(len(ARMS))) - set(LOOKING)):
        start = started(ARMS[place])
        before = start.memory.copy(), start.reals.copy()
        assert mirrored_word(place, start.memory, start.reals, 3, 1, 2, word) == -word
        assert mirrored_word(place, start.memory, start.reals, 3, 1, 2, KEEP) == KEEP
        assert np.array_equal(start.memory, before[0]) and np.array_equal(start.reals, before[1])
