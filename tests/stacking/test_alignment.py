"""Frames aligned: forecasts are not counted twice, tables and rules are what they say, mirrors are exact, and late words change nothing."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import ConfigRefused
from metastackerbandit.domain.kernel import row, rows, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.timeframe import MINUTE_NS
from metastackerbandit.stacking.alignment import Aligned, Combined, align, combine
from metastackerbandit.stacking.alignment_rules import Vote
from metastackerbandit.stacking.frame_words import (
    AGREED,
    AGREEMENT,
    ALIGNMENT_RULES,
    ALONE,
    AVERAGE,
    BASE_NEUTRAL,
    CONFLICT_SKIP,
    HIGHER_NEUTRAL,
    HIGHER_OPPOSES,
    HIGHER_UNAVAILABLE,
    HIGHER_VETOES,
    MAJORITY,
    NO_BASE,
    NO_RULE,
    OUTWEIGHED,
    OVERRIDE,
    THRESHOLD,
    VETO,
    FrameWord,
    alignment_terms,
    hear,
)
from metastackerbandit.stacking.settings import AlignmentRuleSettings, AlignmentSettings, AlignmentTable
from tests.covering import covers

NOW = 1_000 * MINUTE_NS
HORIZON = 60 * MINUTE_NS
LENGTHS, WEIGHTS = (5 * MINUTE_NS, 15 * MINUTE_NS, 60 * MINUTE_NS), (0.5, 0.3, 0.2)
FORECASTS = AlignmentSettings()
RULES = AlignmentSettings(mode="rules")
OFF = dict.fromkeys(("conflict_skip", "agreement", "override", "average", "majority", "threshold", "halving", "veto"), "off")


def only(**modes: Any) -> AlignmentSettings:
    """Rules mode with these rules, all others off."""
    return AlignmentSettings(mode="rules", rules=AlignmentRuleSettings(**(OFF | modes)))


def word(place: int, side: int, alpha: float = 0.4, **changes: Any) -> FrameWord:
    """A frame's word of just now over the next hour, its return in its side's direction."""
    given_ = {
        "frame_ns": LENGTHS[place],
        "closed_ns": NOW,
        "at_ns": NOW,
        "horizon_ns": HORIZON,
        "is_available": 1,
        "side": side,
        "alpha": alpha,
        "mu_bps": side * 10.0,
        "error_bps": 5.0,
        "band_bps": 8.0,
        "skill": 0.5,
        "weight": WEIGHTS[place],
    }
    return FrameWord(**(given_ | changes))


def aligned(words: list[FrameWord], settings: AlignmentSettings, now_ns: int = NOW, horizon_ns: int = HORIZON) -> Aligned:
    table, out = rows(FrameWord, len(words)), rows(Aligned, 1)
    for place, one in enumerate(words):
        table[place] = row(one)[0]
    align(table, now_ns, horizon_ns, row(alignment_terms(settings))[0], out[0], rows(Combined, 1)[0], rows(Vote, 1)[0])
    return struct_of(Aligned, out[0])


def mirrored(words: list[FrameWord]) -> list[FrameWord]:
    return [msgspec.structs.replace(one, side=-one.side, mu_bps=-one.mu_bps) for one in words]


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


def votes(five: float, fifteen: float, hour: float, **changes: Any) -> list[FrameWord]:
    """Signed alphas of the three frames."""
    return [word(place, int(np.sign(a)), abs(a), **changes) for place, a in enumerate((five, fifteen, hour))]


EXAMPLES = [  # signed alphas, settings; side, alpha, scale, rule, used
    ((0.4, 0.2, 0.5), RULES, 1, 0.3, 1.0, AGREEMENT, 0b011),
    ((0.4, 0.2, -0.5), RULES, 1, 0.3, 0.5, AGREEMENT, 0b011),
    ((0.2, -0.29, 0.9), RULES, 0, 0.0, 0.0, CONFLICT_SKIP, 0b011),
    ((0.3, -0.2, 0.9), RULES, 1, 0.9, 1.0, OVERRIDE, 0b100),
    ((0.5, -0.3, 0.05), RULES, 1, (0.25 - 0.09) / 0.8, 1.0, OVERRIDE, 0b011),
    ((0.5, -0.3, -0.05), RULES, 1, (0.25 - 0.09) / 0.8, 1.0, OVERRIDE, 0b011),
    ((0.4, 0.2, -0.05), RULES, 1, 0.3, 1.0, AGREEMENT, 0b011),
    ((0.0, 0.3, 0.0), RULES, 1, 0.3 * 0.3 / 0.8, 1.0, OVERRIDE, 0b011),
    ((0.0, 0.0, 0.0), RULES, 0, 0.0, 0.0, NO_RULE, 0),
    ((0.6, -0.3, -0.2), only(average="on"), 1, 0.3 - 0.09 - 0.04, 1.0, AVERAGE, 0b111),
    ((0.3, -0.3, -0.1), only(average="on"), 0, 0.0, 0.0, NO_RULE, 0),
    ((0.6, -0.1, -0.2), only(majority="on"), -1, 0.15, 1.0, MAJORITY, 0b110),
    ((0.6, -0.1, 0.0), only(majority="on"), 0, 0.0, 0.0, NO_RULE, 0),
    ((0.6, -0.5, -0.55), only(threshold="on"), 1, 0.6, 1.0, THRESHOLD, 0b001),
    ((0.6, -0.6, 0.1), only(threshold="on"), 0, 0.0, 0.0, NO_RULE, 0),
    ((0.49, 0.1, 0.1), only(threshold="on"), 0, 0.0, 0.0, NO_RULE, 0),
]


@covers("B09")
@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(("signed", "settings", "side", "alpha", "scale", "rule", "used"), EXAMPLES)
def test_the_plans_rules_in_their_order(signed, settings, side, alpha, scale, rule, used, turn):
    out = aligned(votes(*(turn * a for a in signed)), settings)
    assert (out.side, out.scale, out.rule, out.used) == (turn * side, scale, rule, used)
    assert out.alpha == pytest.approx(alpha) and out.halved == (1 if scale == 0.5 else 0)


def test_a_frame_without_a_word_has_no_weight():
    gone = votes(0.4, 0.4, -0.9)
    gone[1] = msgspec.structs.replace(gone[1], is_available=0)
    assert aligned(gone, only(average="on")).rule == NO_RULE  # (.5 x .4 - .2 x .9) / .7 is within the neutral cut
    gone[2] = msgspec.structs.replace(gone[2], alpha=0.2)
    assert aligned(gone, only(average="on")).alpha == pytest.approx((0.5 * 0.4 - 0.2 * 0.2) / 0.7)
    assert aligned(gone, only(agreement="on")).rule == NO_RULE
    assert aligned(gone, only(majority="on")).rule == NO_RULE  # one of two is not more than half
    assert aligned([msgspec.structs.replace(one, is_available=0) for one in gone], RULES).keeps == 1


def test_a_veto_needs_to_be_sure_proven_and_opposed():
    settings = only(agreement="on", veto="on")
    for alpha, skill, vetoes in ((0.3, 0.95, True), (0.29, 0.95, False), (0.9, 0.9, False), (-0.9, 0.95, False)):
        words = votes(0.4, 0.4, -alpha)
        words[2] = msgspec.structs.replace(words[2], skill=skill)
        out = aligned(words, settings)
        assert (out.rule == VETO) == vetoes and (out.side == 0) == vetoes


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


def test_a_prediction_is_heard_and_a_silent_one_is_unavailable():
    one = Prediction(
        instrument=0, frame_ns=LENGTHS[1], closed_ns=NOW, at_ns=NOW + 5, silence=0, version=1, p_down=0.2, p_flat=0.3, p_up=0.5,
        long_bps=14.0, short_bps=-10.0, error_bps=4.0, barrier_bps=60.0, horizon=16, conformal_set=6, credibility=0.5, size_scale=1.0, worth=0.6,
    )  # fmt: skip
    heard = rows(FrameWord, 1)
    heard[0].weight = 0.3
    hear(heard[0], row(one)[0], 1, 0.35)
    assert struct_of(FrameWord, heard[0]) == FrameWord(LENGTHS[1], NOW, NOW + 5, 16 * LENGTHS[1], 1, 1, 0.35, 12.0, 4.0, 0.0, 0.0, 0.3)
    hear(heard[0], row(msgspec.structs.replace(one, silence=3))[0], 0, 0.0)
    assert heard[0].is_available == 0


@pytest.mark.parametrize(
    "settings",
    [
        AlignmentSettings(frames=("15m", "5m", "1h")),
        AlignmentSettings(frames=("5m", "5m", "1h")),
        AlignmentSettings(weights=(1.0,)),
        AlignmentSettings(slow="12h"),
        AlignmentSettings(agreement=("5m", "30m")),
        AlignmentSettings(frames=("5m", "15m", "7m")),
    ],
)
def test_frames_that_do_not_go_together_are_refused(settings):
    with pytest.raises(ConfigRefused):
        alignment_terms(settings)
