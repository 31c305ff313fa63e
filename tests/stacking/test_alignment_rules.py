"""The plans' rules of frames: what each says of signed alphas, the order in which they are asked, and that mirrored words give the mirrored vote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.kernel import row, rows, struct_of
from metastackerbandit.stacking.alignment_rules import Vote, by_rules, take_lean, weighted_lean
from metastackerbandit.stacking.frame_words import (
    AGREEMENT,
    AVERAGE,
    CONFLICT_SKIP,
    MAJORITY,
    NO_RULE,
    ON,
    OVERRIDE,
    SHADOWED,
    THRESHOLD,
    VETO,
    FrameWord,
    alignment_terms,
)
from metastackerbandit.stacking.settings import AlignmentRuleSettings, AlignmentSettings, AlignmentTable
from tests.covering import covers
from tests.stacking.frames import OFF, RULES, mirrored, only, votes, word

ALL = 0b111
MODES = ("off", "shadow", "on")
ALPHAS = st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.6])
SKILLS = st.sampled_from([0.5, 0.9, 0.95])
WORDS = st.tuples(
    *[st.builds(lambda side, alpha, skill, k=k: word(k, side, alpha, skill=skill), st.sampled_from([-1, 0, 1]), ALPHAS, SKILLS) for k in range(3)]
)
MANY_RULES = st.builds(
    AlignmentSettings,
    agreement=st.sampled_from([("5m", "15m"), ("5m",), ("15m", "1h"), ("5m", "15m", "1h"), ()]),
    slow=st.sampled_from(["5m", "15m", "1h"]),
    rules=st.builds(
        AlignmentRuleSettings,
        **{name: st.sampled_from(MODES) for name in OFF},
        neutral_alpha=st.sampled_from([0.0, 0.1]),
        threshold_alpha=st.sampled_from([0.0, 0.5]),
        halved=st.sampled_from([0.5, 0.25]),
    ),
)


def table_of(words: list[FrameWord]) -> Any:
    table = rows(FrameWord, len(words))
    for place, one in enumerate(words):
        table[place] = row(one)[0]
    return table


def voted(words: list[FrameWord], rules: AlignmentSettings, usable: int = ALL, least: int = ON) -> Vote:
    """What the chain comes to, whatever stood there before."""
    vote = row(Vote(-7, 7.0, 7.0, 77, 777))
    by_rules(table_of(words), usable, row(alignment_terms(rules))[0], least, vote[0])
    return struct_of(Vote, vote[0])


# -- the chain against the rules in plain words ------------------------------------------------------------------------


def told(words: list[FrameWord], given_: AlignmentSettings, usable: int, least: int) -> Vote:
    """The rules once more, over sets of frames."""
    rules = given_.rules
    heard = {k for k in range(3) if usable >> k & 1}
    agreeing, slow = {given_.frames.index(one) for one in given_.agreement}, given_.frames.index(given_.slow)
    side, alpha, rule, used = first_of(words, heard, agreeing, slow, rules, {name for name in OFF if MODES.index(getattr(rules, name)) >= least})
    scale = 1.0 if side else 0.0
    if side and MODES.index(rules.halving) >= least and slow in heard and words[slow].side == -side and words[slow].alpha >= rules.neutral_alpha:
        scale = rules.halved
    if side and MODES.index(rules.veto) >= least:
        against = [words[k] for k in heard if words[k].side == -side]
        if any(one.alpha >= rules.veto_alpha and one.skill > given_.table.proven for one in against):
            side, alpha, scale, rule = 0, 0.0, 0.0, VETO
    return Vote(side, alpha, scale, rule, sum(1 << k for k in used))


Found = tuple[int, float, int, set[int]]


def first_of(words: list[FrameWord], heard: set[int], agreeing: set[int], slow: int, rules: AlignmentRuleSettings, asked: set[str]) -> Found:
    """Side, alpha, rule and frames of the first rule that yields."""

    def of_lean(places: set[int], rule: int) -> Found | None:
        weights = [words[k].weight for k in sorted(places)]
        lean = sum(words[k].weight * (words[k].side * words[k].alpha) for k in sorted(places)) / sum(weights) if places else 0.0
        return (1 if lean > 0 else -1, abs(lean), rule, places) if lean and abs(lean) >= rules.neutral_alpha else None

    def of_mean(places: set[int], rule: int) -> Found:
        return words[min(places)].side, sum(words[k].alpha for k in sorted(places)) / len(places), rule, places

    named = {side: {k for k in heard if words[k].side == side} for side in (-1, 1)}
    contradict = all(agreeing & named[side] for side in named)
    if "conflict_skip" in asked and contradict and max(words[k].alpha for k in agreeing & heard) < rules.conflict_alpha:
        return 0, 0.0, CONFLICT_SKIP, agreeing & heard
    if "agreement" in asked and agreeing and any(agreeing <= named[side] for side in named):
        return of_mean(agreeing, AGREEMENT)
    if "override" in asked and slow in heard:
        is_neutral = words[slow].side == 0 or words[slow].alpha < rules.neutral_alpha
        dictated = of_lean(heard - {slow}, OVERRIDE) if is_neutral and rules.neutral_alpha > 0 else of_lean({slow}, OVERRIDE)
        if dictated:
            return dictated
    if "average" in asked and (averaged := of_lean(heard, AVERAGE)):
        return averaged
    for side in named:
        if "majority" in asked and 2 * len(named[side]) > len(heard):
            return of_mean(named[side], MAJORITY)
    surest = {side: max((words[k].alpha for k in named[side]), default=0.0) for side in named}
    side = 1 if surest[1] > surest[-1] else -1
    if "threshold" in asked and surest[1] != surest[-1] and surest[side] >= rules.threshold_alpha:
        return side, surest[side], THRESHOLD, {min(k for k in named[side] if words[k].alpha == surest[side])}
    return 0, 0.0, NO_RULE, set()


@settings(max_examples=150)
@given(words=WORDS.map(list), rules=MANY_RULES, usable=st.integers(0, ALL), least=st.sampled_from([SHADOWED, ON]))
def test_the_first_rule_that_yields_decides_then_halving_and_veto(words: list[FrameWord], rules: AlignmentSettings, usable: int, least: int) -> None:
    found, expected = voted(words, rules, usable, least), told(words, rules, usable, least)
    assert (found.side, found.scale, found.rule, found.used) == (expected.side, expected.scale, expected.rule, expected.used)
    assert found.alpha == pytest.approx(expected.alpha, abs=1e-12)


@covers("K6", "B09")
@given(words=WORDS.map(list), rules=MANY_RULES, usable=st.integers(0, ALL))
def test_mirrored_words_give_the_mirrored_vote_to_the_bit(words: list[FrameWord], rules: AlignmentSettings, usable: int) -> None:
    one, other = voted(words, rules, usable), voted(mirrored(words), rules, usable)
    assert (other.side, other.alpha, other.scale, other.rule, other.used) == (-one.side, one.alpha, one.scale, one.rule, one.used)
    assert (one.side == 0) == (one.scale == 0.0) and one.used & ~usable == 0


@given(words=WORDS.map(list), others=WORDS.map(list), rules=MANY_RULES, usable=st.integers(0, ALL))
def test_a_frame_that_may_not_speak_changes_nothing(words: list[FrameWord], others: list[FrameWord], rules: AlignmentSettings, usable: int) -> None:
    changed = [words[k] if usable >> k & 1 else others[k] for k in range(3)]
    assert voted(words, rules, usable) == voted(changed, rules, usable)


# -- by hand -----------------------------------------------------------------------------------------------------------


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
@pytest.mark.parametrize(("signed", "rules", "side", "alpha", "scale", "rule", "used"), EXAMPLES)
def test_the_plans_rules_in_their_order(
    signed: tuple[float, float, float], rules: AlignmentSettings, side: int, alpha: float, scale: float, rule: int, used: int, turn: int
) -> None:
    five, fifteen, hour = signed
    out = voted(votes(turn * five, turn * fifteen, turn * hour), rules)
    assert (out.side, out.scale, out.rule, out.used) == (turn * side, scale, rule, used)
    assert out.alpha == pytest.approx(alpha)


def test_a_lean_is_the_mean_of_signed_alphas_by_weight() -> None:
    words = table_of(votes(0.4, -0.2, 0.6))
    assert weighted_lean(words, ALL) == pytest.approx(0.5 * 0.4 - 0.3 * 0.2 + 0.2 * 0.6)
    assert weighted_lean(words, 0b101) == pytest.approx((0.5 * 0.4 + 0.2 * 0.6) / 0.7)
    assert weighted_lean(words, 0) == 0.0


@pytest.mark.parametrize(
    ("lean", "cut", "side"), [(0.1, 0.1, 1), (-0.1, 0.1, -1), (0.0999, 0.1, 0), (-0.0999, 0.1, 0), (0.0, 0.0, 0), (1e-9, 0.0, 1), (-1e-9, 0.0, -1)]
)
def test_a_lean_counts_from_the_neutral_cut(lean: float, cut: float, side: int) -> None:
    terms, vote = row(alignment_terms(AlignmentSettings(rules=AlignmentRuleSettings(neutral_alpha=cut)))), rows(Vote, 1)
    take_lean(vote[0], lean, AVERAGE, 0b110, terms[0])
    assert struct_of(Vote, vote[0]) == (Vote(side, abs(lean), 0.0, AVERAGE, 0b110) if side else Vote(0, 0.0, 0.0, 0, 0))


@pytest.mark.parametrize(
    ("signed", "rules", "rule"),
    [
        ((0.3, -0.2, 0.0), only(conflict_skip="on"), NO_RULE),  # one that is as sure as asked is no conflict
        ((0.29, -0.2, 0.0), only(conflict_skip="on"), CONFLICT_SKIP),
        ((0.2, 0.0, -0.2), only(conflict_skip="on"), NO_RULE),  # the slow one is none of the agreeing
        ((0.0, -0.2, 0.2), only(conflict_skip="on"), NO_RULE),
        ((0.2, 0.1, 0.0), only(conflict_skip="on"), NO_RULE),
        ((-0.2, -0.1, 0.0), only(conflict_skip="on"), NO_RULE),
        ((0.2, 0.0, 0.2), only(agreement="on"), NO_RULE),
        ((0.0, 0.0, 0.1), only(override="on"), OVERRIDE),
        ((0.0, 0.0, 0.0999), only(override="on"), NO_RULE),
        ((0.5, 0.4, 0.3), only(threshold="on"), THRESHOLD),
        ((0.4999, 0.4, 0.3), only(threshold="on"), NO_RULE),
        ((0.2, 0.1, 0.0), only(majority="on"), MAJORITY),
        ((0.2, -0.1, 0.0), only(majority="on"), NO_RULE),
    ],
)
def test_rules_begin_at_their_bounds(signed: tuple[float, float, float], rules: AlignmentSettings, rule: int) -> None:
    assert voted(votes(*signed), rules).rule == rule


@pytest.mark.parametrize(("signed", "used"), [((0.6, 0.6, 0.5), 0b001), ((0.5, -0.6, -0.6), 0b010), ((-0.6, 0.5, 0.7), 0b100)])
def test_of_frames_as_sure_as_each_other_the_fastest_decides(signed: tuple[float, float, float], used: int) -> None:
    assert voted(votes(*signed), only(threshold="on")).used == used


@pytest.mark.parametrize(("hour", "scale"), [(-0.1, 0.5), (-0.0999, 1.0), (0.5, 1.0), (0.0, 1.0)])
def test_the_slow_frame_halves_what_it_opposes_unless_it_is_neutral(hour: float, scale: float) -> None:
    words = votes(0.4, 0.4, hour)
    assert voted(words, only(agreement="on", halving="on")).scale == scale
    assert voted(words, only(agreement="on", halving="on"), usable=0b011).scale == 1.0
    assert voted(words, only(agreement="on")).scale == 1.0


@pytest.mark.parametrize(
    ("hour", "skill", "usable", "vetoes"),
    [
        (-0.3, 0.95, ALL, True),
        (-0.29, 0.95, ALL, False),  # not sure
        (-0.9, 0.9, ALL, False),  # not proven
        (0.9, 0.95, ALL, False),  # not opposed
        (-0.9, 0.95, 0b011, False),  # not heard
    ],
)
def test_a_veto_needs_to_be_sure_proven_opposed_and_heard(hour: float, skill: float, usable: int, vetoes: bool) -> None:
    out = voted(votes(0.4, 0.2, hour, skill=skill), only(agreement="on", veto="on"), usable)
    assert (out.side, out.scale, out.rule, out.used) == ((0, 0.0, VETO, 0b011) if vetoes else (1, 1.0, AGREEMENT, 0b011))
    assert out.alpha == pytest.approx(0.0 if vetoes else 0.3)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_frame_may_agree_with_itself_alone(side: int) -> None:
    rules = AlignmentSettings(mode="rules", agreement=("15m",), rules=only(agreement="on").rules)
    assert voted(votes(-0.4 * side, 0.2 * side, 0.0), rules) == Vote(side, 0.2, 1.0, AGREEMENT, 0b010)


def test_how_much_skill_is_proven_is_asked_of_the_table() -> None:
    words = votes(0.4, 0.2, -0.5, skill=0.6)
    rules = only(agreement="on", veto="on")
    for proven, rule in ((0.6, AGREEMENT), (0.5, VETO)):
        assert voted(words, AlignmentSettings(mode="rules", rules=rules.rules, table=AlignmentTable(proven=proven))).rule == rule


def test_a_rule_acts_from_the_mode_that_is_asked_for() -> None:
    words = votes(0.4, 0.2, 0.0)
    for mode, acting in (("off", ()), ("shadow", (SHADOWED,)), ("on", (SHADOWED, ON))):
        for least in (SHADOWED, ON):
            assert (voted(words, only(agreement=mode), least=least).rule == AGREEMENT) == (least in acting)
