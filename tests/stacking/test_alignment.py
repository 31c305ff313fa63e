"""Frames aligned: forecasts are not counted twice, tables and rules are what they say, mirrors are exact, and late words change nothing."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows, struct_of
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.stacking.alignment import Aligned, Combined, align, combine
from metastackerbandit.stacking.alignment_rules import Vote
from metastackerbandit.stacking.frame_words import (
    AGREED,
    ALIGNMENT_RULES,
    ALONE,
    BASE_NEUTRAL,
    HIGHER_NEUTRAL,
    HIGHER_OPPOSES,
    HIGHER_UNAVAILABLE,
    HIGHER_VETOES,
    NO_BASE,
    NO_RULE,
    OUTWEIGHED,
    FrameWord,
    alignment_terms,
)
from metastackerbandit.stacking.settings import AlignmentRuleSettings, AlignmentSettings, AlignmentTable
from tests.covering import covers
from tests.stacking.frames import FORECASTS, HORIZON, LENGTHS, NOW, RULES, WEIGHTS, mirrored, only, votes, word


def aligned(words: list[FrameWord], settings: AlignmentSettings, now_ns: int = NOW, horizon_ns: int = HORIZON) -> Aligned:
    table, out = rows(FrameWord, len(words)), rows(Aligned, 1)
    for place, one in enumerate(words):
        table[place] = row(one)[0]
    align(table, now_ns, horizon_ns, row(alignment_terms(settings))[0], out[0], rows(Combined, 1)[0], rows(Vote, 1)[0])
    return struct_of(Aligned, out[0])


def same(one: Aligned, other: Aligned) -> bool:
    """Equal, NaN with NaN."""
    return all(a == b or (a != a and b != b) for a, b in zip(msgspec.structs.astuple(one), msgspec.structs.astuple(other), strict=True))


# -- forecasts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [-1, 1])
def test_frames_that_say_the_same_keep_its_side_and_are_not_counted_twice(side):
    """The mean stays what each says, and three equally correlated errors of 5 leave 5 sqrt((1 + 2 x .5) / 3), not 5 / sqrt(3)."""
    for count in (1, 2, 3):
        out = aligned(
            [word(place, side) for place in range(3)][:count],
            AlignmentSettings(frames=FORECASTS.frames[:count], weights=WEIGHTS[:count], agreement=("5m",), slow=FORECASTS.frames[count - 1]),
        )
        assert (out.side, out.scale, out.rule) == (side, 1.0, ALONE if count == 1 else AGREED)
        assert out.mu_bps == pytest.approx(side * 10.0)
        assert out.error_bps == pytest.approx(5.0 * math.sqrt((1 + (count - 1) * 0.5) / count))
        assert out.agreement == pytest.approx(1.0) and out.used == 2**count - 1


@given(
    mus=st.lists(st.floats(-50, 50), min_size=1, max_size=5),
    errors=st.lists(st.floats(0.5, 50), min_size=5, max_size=5),
    correlation=st.floats(0.0, 0.95),
)
def test_the_combination_is_that_of_the_inverse_covariance(mus, errors, correlation):
    """Against the matrix itself, with negative weights cut; weights sum to one, so the mean lies among the forecasts."""
    count, terms = len(mus), rows(type(alignment_terms(FORECASTS)), 1)
    terms[0] = row(msgspec.structs.replace(alignment_terms(FORECASTS), correlation=correlation))[0]
    table, out = rows(FrameWord, count), rows(Combined, 1)
    for place in range(count):
        table[place] = row(word(0, 1, mu_bps=mus[place], error_bps=errors[place]))[0]
    combine(table, NOW, HORIZON, terms[0], out[0])
    sd = np.array(errors[:count])
    covariance = np.outer(sd, sd) * (correlation + (1 - correlation) * np.eye(count))
    weights = np.maximum(np.linalg.solve(covariance, np.ones(count)), 0.0)
    weights /= weights.sum()
    assert out[0].mu_bps == pytest.approx(weights @ np.array(mus), abs=1e-7)
    assert out[0].error_bps == pytest.approx(math.sqrt(weights @ covariance @ weights), rel=1e-6)
    assert min(mus) - 1e-9 <= out[0].mu_bps <= max(mus) + 1e-9


def test_a_forecast_counts_for_what_is_left_of_it():
    """Over two hours and half an hour old, of a decision over one: half of it; ninety minutes old: the quarter that is left; outlived: nothing."""
    for age, mu in ((30, 5.0), (90, 2.5)):
        old = word(2, 1, closed_ns=NOW - age * MINUTE_NS, horizon_ns=2 * HORIZON)
        assert aligned([word(0, 1), word(1, 1), old], FORECASTS).mu_bps == pytest.approx((10.0 + 10.0 + mu) / 3)
    spent = word(2, 1, closed_ns=NOW - 70 * MINUTE_NS, horizon_ns=HORIZON)
    out = aligned([word(0, 1), word(1, 1), spent], FORECASTS)
    assert out.mu_bps == pytest.approx(10.0) and (out.used, out.rule) == (0b111, AGREED)
    slow = word(2, 1, closed_ns=NOW - 50 * MINUTE_NS, horizon_ns=12 * HORIZON)
    assert aligned([word(0, 1), word(1, 1), slow], FORECASTS).mu_bps == pytest.approx((10.0 + 10.0 + 10.0 / 12) / 3)


TABLE = [  # slower frame's word, multiplier, rule
    (word(2, 1), 1.0, AGREED),
    (word(2, 0), 0.6, HIGHER_NEUTRAL),
    (word(2, -1, mu_bps=-1.0), 0.4, HIGHER_OPPOSES),
    (word(2, -1, mu_bps=-1.0, skill=0.99), 0.4, HIGHER_OPPOSES),  # below its band it may not veto
    (word(2, -1, mu_bps=-8.0), 0.4, HIGHER_OPPOSES),  # beyond it, but without proven skill
    (word(2, -1, mu_bps=-8.0, skill=0.99), 0.0, HIGHER_VETOES),
    (word(2, 1, is_available=0), 0.6, HIGHER_UNAVAILABLE),
    (word(2, -1, is_available=0, skill=0.99), 0.6, HIGHER_UNAVAILABLE),
    (word(2, 1, closed_ns=NOW - 91 * MINUTE_NS), 0.6, HIGHER_UNAVAILABLE),  # older than 1.5 of its bars
]


@pytest.mark.parametrize(("slow", "scale", "rule"), TABLE)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_slower_frame_scales_by_the_table(slow, scale, rule, side):
    words = [word(0, 1), word(1, 1), slow]
    out = aligned(words if side == 1 else mirrored(words), FORECASTS)
    assert (out.side, out.scale, out.rule) == (side if scale > 0 else 0, scale, rule)
    assert out.keeps == (1 if scale == 0 else 0)
    assert out.stop_scale == (0.75 if rule in (HIGHER_OPPOSES, HIGHER_VETOES) else 1.0)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(TABLE, 2)))
def test_of_two_slower_frames_the_stricter_counts(one, other):
    """Where the forecasts still lean to the fast frame's side."""
    words = [word(0, 1, mu_bps=60.0), msgspec.structs.replace(one[0], frame_ns=LENGTHS[1]), other[0]]
    if words[1].closed_ns < NOW:
        words[1] = msgspec.structs.replace(words[1], closed_ns=NOW - 23 * MINUTE_NS)
    out = aligned(words, FORECASTS)
    assert out.scale == min(one[1], other[1]) and out.rule in (one[2], other[2])


def test_a_neutral_fast_frame_enters_nothing_and_may_keep_what_a_slower_one_supports():
    for slow, keeps in ((word(2, 1), 1), (word(2, -1), 1), (word(2, 0), 0), (word(2, 1, is_available=0), 0)):
        out = aligned([word(0, 0), word(1, 0), slow], FORECASTS)
        assert (out.side, out.scale, out.keeps, out.rule) == (0, 0.0, keeps, BASE_NEUTRAL)


def test_without_the_fast_frame_nothing_is_entered_and_nothing_left():
    out = aligned([word(0, 1, is_available=0), word(1, 1), word(2, 1)], FORECASTS)
    assert (out.side, out.keeps, out.rule) == (0, 1, NO_BASE) and ALIGNMENT_RULES[out.rule].endswith("unavailable")


def test_slower_frames_that_expect_as_much_against_it_leave_it_flat():
    """Equal is flat; they never give it their side."""
    for mu, side in ((-10.0, 0), (-40.0, 0), (-5.0, 1)):
        out = aligned([word(0, 1), word(1, -1, mu_bps=mu), word(2, 0, is_available=0)], FORECASTS)
        assert out.side == side and (out.rule == OUTWEIGHED) == (side == 0)


def test_a_scale_of_zero_by_configuration_holds():
    settings = AlignmentSettings(table=AlignmentTable(neutral=0.0))
    out = aligned([word(0, 1), word(1, 1), word(2, 0)], settings)
    assert (out.side, out.keeps, out.rule) == (0, 1, HIGHER_NEUTRAL)


# -- rules -------------------------------------------------------------------------------------------------------------


def test_the_vote_acts_and_says_where_the_slow_frame_cost_half():
    for signed, side, used, halved in (((0.4, 0.2, -0.5), 1, 0b011, 1), ((-0.4, -0.2, -0.5), -1, 0b011, 0), ((0.2, -0.29, 0.9), 0, 0b011, 0)):
        out = aligned(votes(*signed), RULES)
        assert (out.side, out.used, out.halved, out.keeps, out.usable) == (side, used, halved, 0, 0b111)


@pytest.mark.parametrize("settings", [FORECASTS, RULES])
def test_without_a_rule_in_shadow_its_word_is_what_acts(settings):
    for hour in (-0.5, 0.0, 0.5):
        out = aligned(votes(0.4, 0.2, hour), settings)
        assert (out.shadow_side, out.shadow_alpha, out.shadow_scale, out.shadow_rule) == (out.side, out.alpha, out.scale, out.rule)
        assert out.alpha == pytest.approx(0.3 if settings is RULES else 0.4) and 0.0 < out.scale <= 1.0


def test_a_frame_without_a_word_has_no_weight():
    gone = votes(0.4, 0.4, -0.9)
    gone[1] = msgspec.structs.replace(gone[1], is_available=0)
    assert aligned(gone, only(average="on")).rule == NO_RULE  # (.5 x .4 - .2 x .9) / .7 is within the neutral cut
    gone[2] = msgspec.structs.replace(gone[2], alpha=0.2)
    assert aligned(gone, only(average="on")).alpha == pytest.approx((0.5 * 0.4 - 0.2 * 0.2) / 0.7)
    assert aligned(gone, only(agreement="on")).rule == NO_RULE
    assert aligned(gone, only(majority="on")).rule == NO_RULE  # one of two is not more than half
    assert aligned([msgspec.structs.replace(one, is_available=0) for one in gone], RULES).keeps == 1


def test_a_rule_in_shadow_is_computed_and_does_not_act():
    """Each rule's shadow is what it would do when on, beside what is done without it."""
    for name in ("conflict_skip", "agreement", "override", "average", "majority", "threshold"):
        for signed in itertools.product((-0.6, -0.2, 0.0, 0.2, 0.6), repeat=3):
            words = votes(*signed)
            shadowed, on, off = (aligned(words, only(**{"threshold": "on"} | {name: mode})) for mode in ("shadow", "on", "off"))
            assert (shadowed.side, shadowed.alpha, shadowed.rule) == (off.side, off.alpha, off.rule)
            assert (shadowed.shadow_side, shadowed.shadow_alpha, shadowed.shadow_rule) == (on.side, on.alpha, on.rule)
    halving = aligned(votes(0.4, 0.4, -0.4), only(agreement="on", halving="shadow"))
    assert (halving.scale, halving.shadow_scale) == (1.0, 0.5)


# -- both --------------------------------------------------------------------------------------------------------------


@covers("K6", "B09")
@pytest.mark.parametrize("settings", [FORECASTS, RULES, AlignmentSettings(mode="rules", rules=AlignmentRuleSettings(veto="on", override="shadow"))])
def test_all_combinations_of_signs_mirror(settings):
    """3^3 signs at several strengths: the mirror image has the opposite side, and everything else to the bit."""
    for signs in itertools.product((-1, 0, 1), repeat=3):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            words = [
                word(place, sign, float(rng.random()), mu_bps=sign * float(rng.random()) * 20.0, skill=float(rng.choice([0.5, 0.95])))
                for place, sign in enumerate(signs)
            ]
            one, other = aligned(words, settings), aligned(mirrored(words), settings)
            turned = msgspec.structs.replace(other, side=-other.side, mu_bps=-other.mu_bps, shadow_side=-other.shadow_side)
            assert same(one, turned)
            assert 0.0 <= one.scale <= 1.0 and (one.side == 0) == (one.scale == 0.0)


@pytest.mark.parametrize("settings", [FORECASTS, RULES])
@given(places=st.lists(st.sampled_from([-1, 0, 1]), min_size=3, max_size=3), late=st.integers(0, 2), delay=st.integers(1, 10**12))
def test_a_word_that_arrives_later_changes_no_earlier_decision(settings, places, late, delay):
    """Whatever it says, until it is known it is as if it were not there."""
    words = [word(place, side) for place, side in enumerate(places)]
    without, answers = list(words), []
    without[late] = msgspec.structs.replace(words[late], is_available=0)
    for side in (-1, 0, 1):
        arriving = list(words)
        arriving[late] = word(late, side, 0.9, at_ns=NOW + delay)
        answers.append(aligned(arriving, settings))
    assert all(same(answer, aligned(without, settings)) for answer in answers)
