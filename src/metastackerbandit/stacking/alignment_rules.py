"""The plans' votes of frames, tried in order: conflict, agreement, override, average, majority, threshold; then halving and veto."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.frame_words import AGREEMENT, AVERAGE, CONFLICT_SKIP, MAJORITY, NO_RULE, OVERRIDE, THRESHOLD, VETO


class Vote(Struct, frozen=True):
    """What a chain of rules came to."""

    side: int
    alpha: float
    scale: float
    rule: int
    used: int


@kernel
def weighted_lean(words: Any, places: int) -> float:
    """Weighted mean of signed alphas of the frames in `places` (bits); 0 without any."""
    total, lean = 0.0, 0.0
    for k in range(len(words)):
        if places & (1 << k) != 0:
            total += words[k].weight
            lean += words[k].weight * (words[k].side * words[k].alpha)
    return lean / total if total > 0.0 else 0.0


@kernel
def take_lean(vote: Any, lean: float, rule: int, used: int, terms: Any) -> None:
    """A signed alpha as a vote, when it is beyond the neutral cut."""
    if abs(lean) >= terms.neutral_alpha and lean != 0.0:
        vote.side = 1 if lean > 0.0 else -1
        vote.alpha = abs(lean)
        vote.rule = rule
        vote.used = used


@kernel
def skip_conflict(words: Any, usable: int, terms: Any, vote: Any) -> None:
    """The agreeing frames stand on both sides and none is sure: neutral, and no later rule is asked."""
    ups, downs, surest = 0, 0, 0.0
    for k in range(len(words)):
        if terms.agreeing & usable & (1 << k) != 0:
            ups += 1 if words[k].side > 0 else 0
            downs += 1 if words[k].side < 0 else 0
            surest = max(surest, words[k].alpha)
    if ups > 0 and downs > 0 and surest < terms.conflict_alpha:
        vote.rule = CONFLICT_SKIP
        vote.used = terms.agreeing & usable


@kernel
def vote_agreement(words: Any, usable: int, terms: Any, vote: Any) -> None:
    """All agreeing frames are usable and name one side: their mean alpha."""
    if terms.agreeing == 0 or terms.agreeing & usable != terms.agreeing:
        return
    sides, count, alpha = 0, 0, 0.0
    for k in range(len(words)):
        if terms.agreeing & (1 << k) != 0:
            sides += words[k].side
            count += 1
            alpha += words[k].alpha
    if abs(sides) == count:
        vote.side = 1 if sides > 0 else -1
        vote.alpha = alpha / count
        vote.rule = AGREEMENT
        vote.used = terms.agreeing


@kernel
def vote_override(words: Any, usable: int, terms: Any, vote: Any) -> None:
    """The slow frame dictates; where it is neutral the weighted average of the others does."""
    bit = 1 << terms.slow
    if usable & bit == 0:
        return
    lean = words[terms.slow].side * words[terms.slow].alpha
    if abs(lean) < terms.neutral_alpha:
        take_lean(vote, weighted_lean(words, usable & ~bit), OVERRIDE, usable & ~bit, terms)
    else:
        take_lean(vote, lean, OVERRIDE, bit, terms)


@kernel
def vote_majority(words: Any, usable: int, vote: Any) -> None:
    """More than half of the usable frames name one side: their mean alpha."""
    count, ups, downs, up_alpha, down_alpha, up_bits, down_bits = 0, 0, 0, 0.0, 0.0, 0, 0
    for k in range(len(words)):
        if usable & (1 << k) != 0:
            count += 1
            if words[k].side > 0:
                ups += 1
                up_alpha += words[k].alpha
                up_bits |= 1 << k
            elif words[k].side < 0:
                downs += 1
                down_alpha += words[k].alpha
                down_bits |= 1 << k
    if 2 * ups > count:
        vote.side = 1
        vote.alpha = up_alpha / ups
        vote.used = up_bits
        vote.rule = MAJORITY
    elif 2 * downs > count:
        vote.side = -1
        vote.alpha = down_alpha / downs
        vote.used = down_bits
        vote.rule = MAJORITY


@kernel
def vote_threshold(words: Any, usable: int, terms: Any, vote: Any) -> None:
    """The surest frame decides alone when it is sure enough; the two sides equally sure are neutral."""
    up, down, up_place, down_place = 0.0, 0.0, -1, -1
    for k in range(len(words)):
        if usable & (1 << k) != 0:
            if words[k].side > 0 and words[k].alpha > up:
                up = words[k].alpha
                up_place = k
            elif words[k].side < 0 and words[k].alpha > down:
                down = words[k].alpha
                down_place = k
    if max(up, down) < terms.threshold_alpha or up == down:
        return
    vote.rule = THRESHOLD
    vote.side = 1 if up > down else -1
    vote.alpha = max(up, down)
    vote.used = 1 << (up_place if up > down else down_place)


@kernel
def by_rules(words: Any, usable: int, terms: Any, least: int, vote: Any) -> None:
    """The plans' rules in their order, those of mode `least` and above: the first that yields wins, then halving and veto."""
    vote.side = 0
    vote.alpha = 0.0
    vote.scale = 0.0
    vote.rule = NO_RULE
    vote.used = 0
    if terms.conflict_skip >= least:
        skip_conflict(words, usable, terms, vote)
    if vote.rule == NO_RULE and terms.agreement >= least:
        vote_agreement(words, usable, terms, vote)
    if vote.rule == NO_RULE and terms.override >= least:
        vote_override(words, usable, terms, vote)
    if vote.rule == NO_RULE and terms.average >= least:
        take_lean(vote, weighted_lean(words, usable), AVERAGE, usable, terms)
    if vote.rule == NO_RULE and terms.majority >= least:
        vote_majority(words, usable, vote)
    if vote.rule == NO_RULE and terms.threshold >= least:
        vote_threshold(words, usable, terms, vote)
    if vote.side == 0:
        return
    vote.scale = 1.0
    if terms.halving >= least and usable & (1 << terms.slow) != 0:
        slow = words[terms.slow]
        if slow.side == -vote.side and slow.alpha >= terms.neutral_alpha:
            vote.scale = terms.halved
    if terms.veto >= least:
        for k in range(len(words)):
            opposes = usable & (1 << k) != 0 and words[k].side == -vote.side
            if opposes and words[k].alpha >= terms.veto_alpha and words[k].skill > terms.proven:
                vote.rule = VETO
    if vote.rule == VETO:
        vote.side = 0
        vote.alpha = 0.0
        vote.scale = 0.0
