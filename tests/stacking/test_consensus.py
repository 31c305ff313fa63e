"""A veto is earned: by both sides fairly, and by having been right; and nothing is learned before it has happened."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import kernel, row, rows, struct_of
from metastackerbandit.stacking.consensus import (
    OUTPUTS,
    Output,
    Standing,
    VetoTerms,
    judge_outputs,
    least_side_of,
    log_unfairness,
    may_veto,
    put_out,
    skill_chance,
    veto_terms,
)
from tests.covering import covers

HORIZON = 6
TERMS = veto_terms(HORIZON, 13.0, math.log(0.999))
NOTHING = Standing(outputs=0, matured=0, ups=0, downs=0, right_up=0.0, wrong_up=0.0, right_down=0.0, wrong_down=0.0)


@kernel
def live(outputs, standing, sides, closes, terms, earned):
    for t in range(len(sides)):
        judge_outputs(outputs, standing[0], closes[t], t, terms[0])
        put_out(outputs, standing[0], sides[t], closes[t], t, terms[0].horizon)
        earned[t] = 1 if may_veto(standing[0], terms[0].least_side) else 0


def lived(sides: np.ndarray, closes: np.ndarray, terms: VetoTerms = TERMS) -> tuple[Any, np.ndarray]:
    """What a source has shown after naming `sides` (T,) at `closes` (T,), and when it might have vetoed (T,)."""
    standing, earned = row(NOTHING), np.zeros(len(sides), np.int64)
    live(rows(Output, OUTPUTS), standing, sides.astype(np.int64), closes.astype(np.int64), row(terms), earned)
    return standing[0], earned


def walk(seed: int, count: int, drift: float = 0.0) -> np.ndarray:
    """Closes (T,) of a random walk, half a percent a bar."""
    return np.rint(5e5 * np.exp(np.random.default_rng(seed).normal(drift, 0.005, count).cumsum())).astype(np.int64)


def foresight(closes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Sides (T,) of a source that knows the next bars and tells them for stretches of them, right with a chance `share`."""
    ahead = np.concatenate((closes[HORIZON:], np.full(HORIZON, closes[-1])))
    right = np.sign(ahead - closes)
    honest = np.repeat(np.random.default_rng(seed).random(len(closes) // HORIZON + 1) < share, HORIZON)[: len(closes)]
    return np.where(honest, right, -right)


@covers("A01", "1.12")
@given(seed=st.integers(0, 1_000), drift=st.sampled_from([0.0, 0.002, -0.002]), side=st.sampled_from([1, -1]))
def test_a_source_that_says_one_side_alone_never_earns_a_veto(seed: int, drift: float, side: int) -> None:
    """Also in a market that goes its way, in which it is right most of the time."""
    standing, earned = lived(np.full(3_000, side), walk(seed, 3_000, drift))
    assert not earned.any()
    assert min(standing.ups, standing.downs) == 0


@covers("1.12")
def test_a_source_that_was_right_on_both_sides_earns_it_and_loses_it_again() -> None:
    closes = walk(3, 9_000)
    told = foresight(closes, 0.8, 1)
    turned = np.where(np.arange(len(closes)) < 4_500, told, -told)
    _, earned = lived(turned, closes)
    assert not earned[: OUTPUTS - 1].any() and earned[1_500:4_400].mean() > 0.95 and not earned[-500:].any()


def test_a_source_that_guesses_seldom_may_veto() -> None:
    """At one time its chance of skill is above .9 in one case of ten; over 60 guessers of independent sides the standard error is .04."""
    share = np.mean([lived(np.random.default_rng(seed).choice([-1, 1], 2_000), walk(seed + 900, 2_000))[1][-1] for seed in range(60)])
    assert share <= 0.10 + 3 * 0.04


@given(count=st.integers(1, 900), seed=st.integers(0, 1_000), quiet=st.sampled_from([0.0, 0.7]))
def test_what_is_remembered_is_what_the_last_outputs_and_the_matured_ones_were(count: int, seed: int, quiet: float) -> None:
    """Against lists: sides of the last 200, and every output whose horizon is over, judged once, at its close."""
    rng = np.random.default_rng(seed)
    closes, sides = walk(seed, count), np.where(rng.random(count) < quiet, 0, rng.choice([-1, 1], count))
    standing, _ = lived(sides, closes)
    named = np.flatnonzero(sides)
    last = sides[named[-OUTPUTS:]]
    assert (standing.ups, standing.downs) == (int((last > 0).sum()), int((last < 0).sum()))
    tallies = dict.fromkeys(((1, True), (1, False), (-1, True), (-1, False)), 0.0)
    matured = 0
    for place, at in enumerate(named):
        if at + HORIZON > count - 1:
            break
        matured += 1
        weight = 1.0 if place == 0 else min(1.0, (at - named[place - 1]) / HORIZON)
        judged = closes[at + HORIZON]
        gain = sides[at] * (int(judged) - int(closes[at])) / closes[at]
        if abs(gain) <= TERMS.least_return:
            continue
        for kind in tallies:
            tallies[kind] *= math.exp(weight * TERMS.log_keep)
        tallies[int(sides[at]), bool(gain > 0)] += weight
    assert standing.matured == matured and standing.outputs == len(named)
    found = (standing.right_up, standing.wrong_up, standing.right_down, standing.wrong_down)
    assert found == pytest.approx(tuple(tallies.values()), rel=1e-9)


@covers("A34")
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 500))
def test_what_comes_later_changes_nothing_before(seed: int, cut: int) -> None:
    closes = walk(seed, 600)
    poisoned = closes.copy()
    poisoned[cut:] = poisoned[cut:] * 3 + 17
    sides = foresight(closes, 0.7, seed)
    _, one = lived(sides, closes)
    _, other = lived(sides, poisoned)
    assert np.array_equal(one[:cut], other[:cut])
    clean, _ = lived(sides[:cut], closes[:cut])
    dirty, _ = lived(sides[:cut], poisoned[:cut])
    assert clean.tobytes() == dirty.tobytes()


@covers("B09", "K6")
@given(shown=st.tuples(*[st.floats(0, 500) for _ in range(4)]), ups=st.integers(0, 200))
def test_the_mirrored_source_has_the_mirrored_right(shown: tuple[float, ...], ups: int) -> None:
    one = Standing(400, 300, ups, OUTPUTS - ups, *shown)
    other = Standing(400, 300, OUTPUTS - ups, ups, shown[2], shown[3], shown[0], shown[1])
    assert skill_chance(row(one)[0]) == pytest.approx(skill_chance(row(other)[0]), abs=1e-12)
    assert may_veto(row(one)[0], 48) == may_veto(row(other)[0], 48)


def test_one_side_may_have_three_quarters_of_the_outputs_and_no_more() -> None:
    """The e-value against shares up to .65 reaches 20 at 152 of 200: by hand 152 ln(.76/.65) + 48 ln(.24/.35) - ln(sqrt(100 pi)) ~ 3.0."""
    least = least_side_of()
    assert least == 48
    assert log_unfairness(least, OUTPUTS) < math.log(20.0) <= log_unfairness(least - 1, OUTPUTS)
    assert 152 * math.log(0.76 / 0.65) + 48 * math.log(0.24 / 0.35) - 0.5 * math.log(100 * math.pi) == pytest.approx(
        log_unfairness(48, OUTPUTS), abs=0.15
    )
    fair = struct_of(Standing, row(NOTHING)[0])
    right = {"right_up": 90.0, "wrong_up": 10.0, "right_down": 90.0, "wrong_down": 10.0, "outputs": 300, "matured": 290}
    for downs, may in ((48, True), (47, False)):
        standing = {name: getattr(fair, name) for name in fair.__struct_fields__} | right | {"ups": OUTPUTS - downs, "downs": downs}
        assert may_veto(row(Standing(**standing))[0], least) is may


def test_the_chance_of_skill_is_that_of_the_mean_hit_rate() -> None:
    """Against a million draws of the two beta posteriors: standard error .0005, and the normal form costs less than .01."""
    rng = np.random.default_rng(5)
    for shown in ((30.0, 20.0, 22.0, 18.0), (60.0, 40.0, 20.0, 30.0), (0.0, 0.0, 0.0, 0.0)):
        up = rng.beta(1 + shown[0], 1 + shown[1], 1_000_000)
        down = rng.beta(1 + shown[2], 1 + shown[3], 1_000_000)
        assert skill_chance(row(Standing(0, 0, 0, 0, *shown))[0]) == pytest.approx(float(np.mean(up + down > 1.0)), abs=0.01)
