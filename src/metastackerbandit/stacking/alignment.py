"""What several frames say together: one side, one multiplier, one expected return, and the rule that made them.

Two modes. `forecast` combines calibrated forecasts over the decision's horizon by the covariance of their errors, and lets slower frames
scale or stop the fastest one's trade by a table (method 6.2, 6.3); they never give it a side. `rules` are the plans' votes, tried in order.
Everything is a function of the words known at `now_ns`: one that arrives later cannot change it.
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.stacking.alignment_rules import by_rules
from metastackerbandit.stacking.frame_words import (
    AGREED,
    ALONE,
    BASE_NEUTRAL,
    FORECAST,
    HIGHER_NEUTRAL,
    HIGHER_OPPOSES,
    HIGHER_UNAVAILABLE,
    HIGHER_VETOES,
    NO_BASE,
    ON,
    OUTWEIGHED,
    SHADOWED,
    is_usable,
)


class Combined(Struct, frozen=True):
    """Forecasts made one: expected return of a long over the decision's horizon, its standard error (bps; NaN for none), and whose (bits)."""

    mu_bps: float
    error_bps: float
    used: int


class Aligned(Struct, frozen=True):
    """The frames' common word.

    `side` is what may be entered; `keeps` is 1 where that is 0 but a held position need not be left. `alpha` is how sure, before `scale`, the
    multiplier in [0, 1]; `stop_scale` that of the stop's distance. `mu_bps`, `error_bps` are the combined forecast over the decision's horizon
    (NaN without any). `rule` is a place in ALIGNMENT_RULES, `halved` 1 where the slow frame cost half. `agreement` is the weight share of
    usable frames that name the side (NaN for side 0), `usable` and `used` are bits of frames. `shadow_*` is what would be if the rules
    in shadow mode acted too.
    """

    side: int
    keeps: int
    alpha: float
    scale: float
    stop_scale: float
    mu_bps: float
    error_bps: float
    rule: int
    halved: int
    agreement: float
    usable: int
    used: int
    shadow_side: int
    shadow_alpha: float
    shadow_scale: float
    shadow_rule: int


@kernel
def share_left(word: Any, now_ns: int, horizon_ns: int) -> float:
    """Of a frame's expected return, what falls into the decision's horizon: min(H, h - age) / h, 0 when nothing does (docs/decisions/0018)."""
    return max(0.0, min(horizon_ns, word.horizon_ns - (now_ns - word.closed_ns)) / word.horizon_ns)


@kernel
def combine(words: Any, now_ns: int, horizon_ns: int, terms: Any, combined: Any) -> None:
    """The forecast of least variance of usable words (K,) under equally correlated errors, with no negative weight; weights sum to 1.

    The inverse of an equicorrelation matrix has a closed form, so nothing is solved or allocated.
    """
    count, sharpness = 0, 0.0
    for k in range(len(words)):
        if is_usable(words[k], now_ns, terms) and share_left(words[k], now_ns, horizon_ns) > 0.0:
            count += 1
            sharpness += 1.0 / words[k].error_bps
    common = terms.correlation * sharpness / (1.0 + (count - 1) * terms.correlation)
    mass, mean, squares, straight = 0.0, 0.0, 0.0, 0.0
    combined.used = 0
    for k in range(len(words)):
        share = share_left(words[k], now_ns, horizon_ns) if is_usable(words[k], now_ns, terms) else 0.0
        if share > 0.0:
            error = words[k].error_bps
            weight = max((1.0 / error - common) / error, 0.0)
            if weight > 0.0:
                combined.used |= 1 << k
            mass += weight
            mean += weight * (words[k].mu_bps * share)
            squares += weight * error * (weight * error)
            straight += weight * error
    combined.mu_bps = math.nan
    combined.error_bps = math.nan
    if mass > 0.0:
        combined.mu_bps = mean / mass
        combined.error_bps = math.sqrt((1.0 - terms.correlation) * squares + terms.correlation * straight * straight) / mass


@kernel
def agreement_of(words: Any, usable: int, side: int) -> float:
    """Weight share of the usable words that name `side`; NaN for side 0 or without weight."""
    total, same = 0.0, 0.0
    for k in range(len(words)):
        if usable & (1 << k) != 0:
            total += words[k].weight
            if words[k].side == side:
                same += words[k].weight
    return same / total if side != 0 and total > 0.0 else math.nan


@kernel
def by_forecast(words: Any, usable: int, terms: Any, aligned: Any, combined: Any) -> None:
    """The table: the fastest frame's side at the smallest multiplier that a slower one gives it, where the combined forecast has that side too."""
    aligned.used = combined.used
    aligned.side = 0
    aligned.alpha = 0.0
    aligned.scale = 0.0
    if usable & 1 == 0:
        aligned.rule = NO_BASE
        aligned.keeps = 1
        return
    base = words[0]
    if base.side == 0:
        aligned.rule = BASE_NEUTRAL
        for k in range(1, len(words)):
            if usable & (1 << k) != 0 and words[k].side != 0:
                aligned.keeps = 1
        return
    aligned.alpha = base.alpha
    scale = 1.0
    rule = ALONE if len(words) == 1 else AGREED
    for k in range(1, len(words)):
        given, code = terms.agrees, AGREED
        if usable & (1 << k) == 0:
            given, code = terms.unavailable, HIGHER_UNAVAILABLE
        else:
            aligned.used |= 1 << k
            if words[k].side == 0:
                given, code = terms.neutral, HIGHER_NEUTRAL
            elif words[k].side != base.side:
                given, code = terms.opposes, HIGHER_OPPOSES
                aligned.stop_scale = terms.stop_scale
                if abs(words[k].mu_bps) >= words[k].band_bps and words[k].skill > terms.proven:
                    given, code = terms.vetoes, HIGHER_VETOES
        if given < scale or (given == scale and code > rule):
            scale = given
            rule = code
    aligned.rule = rule
    if not combined.mu_bps * base.side > 0.0:
        aligned.rule = OUTWEIGHED
        return
    if scale == 0.0:
        aligned.keeps = 1
        return
    aligned.side = base.side
    aligned.scale = scale


@kernel
def align(words: Any, now_ns: int, horizon_ns: int, terms: Any, aligned: Any, combined: Any, vote: Any) -> None:
    """Fill `aligned` from words (K,), fastest frame first, for a decision over `horizon_ns`; `combined` and `vote` are filled on the way."""
    usable = 0
    for k in range(len(words)):
        if is_usable(words[k], now_ns, terms):
            usable |= 1 << k
    combine(words, now_ns, horizon_ns, terms, combined)
    aligned.usable = usable
    aligned.mu_bps = combined.mu_bps
    aligned.error_bps = combined.error_bps
    aligned.keeps = 0
    aligned.halved = 0
    aligned.stop_scale = 1.0
    if terms.mode == FORECAST:
        by_forecast(words, usable, terms, aligned, combined)
        aligned.shadow_side = aligned.side
        aligned.shadow_alpha = aligned.alpha
        aligned.shadow_scale = aligned.scale
        aligned.shadow_rule = aligned.rule
    else:
        by_rules(words, usable, terms, SHADOWED, vote)
        aligned.shadow_side = vote.side
        aligned.shadow_alpha = vote.alpha
        aligned.shadow_scale = vote.scale
        aligned.shadow_rule = vote.rule
        by_rules(words, usable, terms, ON, vote)
        aligned.side = vote.side
        aligned.alpha = vote.alpha
        aligned.scale = vote.scale
        aligned.rule = vote.rule
        aligned.used = vote.used
        aligned.halved = 1 if vote.side != 0 and vote.scale < 1.0 else 0
        aligned.keeps = 1 if usable == 0 else 0
    aligned.agreement = agreement_of(words, usable, aligned.side)
