"""Rests: the breakers of one book, from its own trips, bars and predictions; a resting book takes no new risk.

loss streak        trips: `max_loss_streak` losing round trips in a row       lifts at the next UTC day, or after `loss_streak_hours`
volatility spike   trips: fast volatility at `max_volatility_ratio` of slow   lifts when the ratio is back at `resume` of the limit
data quality       trips: more than `max_bad_bars` of the newest bars bad     lifts when their number is back at `resume` of the limit
drift              trips: `max_excess_loss` nats lost to the base rate        lifts when the excess is back at `resume` of the limit,
                                                                              or another version answers
"""

from __future__ import annotations

import math
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.outcome import set_barriers, truth_of
from metastackerbandit.domain.prediction import IN_DOWN, IN_UP
from metastackerbandit.domain.timeframe import DAY_NS, HOUR_NS
from metastackerbandit.risk.settings import RiskSettings

STREAK, SPIKE, QUALITY, DRIFT = 1, 2, 4, 8  # bits of what tripped or lifted


class RestTerms(Struct, frozen=True):
    """The limits as kernels read them.

    More than `bad_share` of the newest `bars` is too many; a move below `flat_share` of the barrier at the end of a horizon is flat.
    """

    streak: int
    streak_ns: int
    ratio: float
    bars: int
    bad_share: float
    excess: float
    resume: float
    flat_share: float
    cost: float


class Scored(Struct, frozen=True):
    """The prediction whose outcome is awaited, one at a time so that outcomes are independent: its chances, the `bars` left (0: none is awaited),
    and its barriers as domain.outcome has them (`entry` 0 until the next bar's open)."""

    p_down: float
    p_flat: float
    p_up: float
    barrier: float
    entry: int
    upper: float
    lower: float
    bars: int


class Rests(Struct, frozen=True):
    """Where a book's breakers stand.

    `losses` in a row and when that rest ends (`until_ns`); the newest bars as bits, 1 for a bad one, `bad` of them; `excess` (nats) of
    `version`'s log loss over the base rate's since it was last ahead; `downs`, `flats`, `ups` count outcomes, whoever predicted them. `busy` is
    1 while any breaker has something to count or to lift.
    """

    tripped: int
    losses: int
    until_ns: int
    closed_ns: int
    bars: int
    bad: int
    excess: float
    version: int
    downs: int
    flats: int
    ups: int
    busy: int
    scored: Scored


def rest_terms(settings: RiskSettings, flat_share: float, cost_bps: float) -> RestTerms:
    """The settings; a move is up or down where it is worth `cost_bps`, as labels have it."""
    return RestTerms(
        streak=settings.max_loss_streak,
        streak_ns=round(settings.loss_streak_hours * HOUR_NS),
        ratio=settings.max_volatility_ratio,
        bars=settings.quality_bars,
        bad_share=settings.max_bad_bars,
        excess=settings.max_excess_loss,
        resume=settings.resume,
        flat_share=flat_share,
        cost=cost_bps / 1e4,
    )


@kernel
def count_trip(rests: Any, net: int, now_ns: int, terms: Any) -> int:
    """Take a closed round trip's net money; STREAK where it is the loss too many, else 0. A trip that earned nothing ends no streak of losses."""
    if net > 0:
        rests.losses = 0
    elif net < 0:
        rests.losses += 1
    if rests.losses < terms.streak or rests.tripped & 1 != 0:
        return 0
    rests.until_ns = now_ns + terms.streak_ns if terms.streak_ns > 0 else (now_ns // DAY_NS + 1) * DAY_NS
    rests.tripped |= 1
    rests.busy = 1
    return 1


@kernel
def rested(rests: Any, now_ns: int) -> int:
    """STREAK where its time is over just now, else 0; the streak is counted anew."""
    if rests.tripped & 1 == 0 or now_ns < rests.until_ns:
        return 0
    rests.tripped &= ~1
    rests.losses = 0
    rests.until_ns = 0
    return 1


@kernel
def is_routine(rests: Any, bar: Any, frame_ns: int, activity: Any, terms: Any) -> bool:
    """Whether a closed bar follows the one before it, is whole, is no spike, and finds nothing to count or to lift: most bars are so."""
    late = bar.closed_ns - rests.closed_ns
    rests.closed_ns = bar.closed_ns
    calm = activity.fast * activity.slow_weight < terms.ratio * terms.ratio * (activity.slow * activity.fast_weight)
    return late == frame_ns and bar.parts >= bar.parts_due and rests.busy == 0 and calm


@kernel
def look_at_bar(rests: Any, bar: Any, frame_ns: int, late: int, now_ns: int, activity: Any, warm_up: int, terms: Any) -> int:
    """Take a bar that is not routine, `late` after the one before it (0: the first): bits of the breakers that tripped or lifted."""
    count_bad(rests, late // frame_ns - 1, bar.parts >= bar.parts_due, terms.bars)
    changed = watch_bar(rests, activity, warm_up, terms) | rested(rests, now_ns)
    idle = rests.tripped == 0 and rests.bars == 0 and rests.excess < terms.excess and rests.until_ns == 0
    rests.busy = 0 if idle else 1
    return changed


@kernel
def count_bad(rests: Any, missing: int, whole: bool, count: int) -> None:
    """Count a bar, bad where candles of it are missing, and before it a bad one for every bar that never came."""
    for _ in range(min(missing, count)):
        push_bar(rests, 1, count)
    push_bar(rests, 0 if whole else 1, count)


@kernel
def push_bar(rests: Any, bad: int, count: int) -> None:
    """Put the newest bar in, and let the oldest of `count` fall out."""
    rests.bad += bad - (rests.bars >> (count - 1) & 1)
    rests.bars = (rests.bars << 1 | bad) & ((1 << count) - 1)


@kernel
def turned(rests: Any, bit: int, observed: float, over: bool, limit: float, resume: float) -> int:
    """The bit where a breaker that watches a number tripped (it is over its limit) or lifted (back at `resume` of it) just now, else 0.

    While the number is not known nothing changes.
    """
    if rests.tripped & bit == 0:
        if not over:
            return 0
    elif not observed <= resume * limit:
        return 0
    rests.tripped ^= bit
    return bit


@kernel
def volatility_ratio(activity: Any, warm_up: int) -> float:
    """Fast over slow volatility; NaN until the volatility is known."""
    if activity.returns < warm_up or not (activity.fast > 0.0 and activity.slow > 0.0):
        return math.nan
    return math.sqrt(activity.fast * activity.slow_weight / (activity.slow * activity.fast_weight))


@kernel
def watch_bar(rests: Any, activity: Any, warm_up: int, terms: Any) -> int:
    """Bits of what tripped or lifted at a closed bar, of spike, quality and drift."""
    ratio = volatility_ratio(activity, warm_up)
    bad = rests.bad / terms.bars
    changed = turned(rests, 2, ratio, ratio >= terms.ratio, terms.ratio, terms.resume)
    changed |= turned(rests, 4, bad, bad > terms.bad_share, terms.bad_share, terms.resume)
    changed |= turned(rests, 8, rests.excess, rests.excess >= terms.excess, terms.excess, terms.resume)
    return changed


@kernel
def score_bar(rests: Any, bar: Any, terms: Any) -> None:
    """Let the awaited prediction live through a closed bar; where its horizon ends, its log loss is compared with the base rate's.

    The excess is Page's cumulative sum of ln(base rate / model) of what
    happened, the base rate from outcomes before it (Krichevsky and Trofimov 1981, half an outcome of each class to begin with). While the
    model's chances are true each term's exponential has mean 1 or less, so that a limit of ln(a) is reached by chance once in a outcomes
    or more rarely (Lorden 1971; Shin, Ramdas and Rinaldo 2024).
    """
    scored = rests.scored
    if scored.bars == 0:
        return
    if scored.entry == 0:
        set_barriers(scored, bar.open)
    scored.bars -= 1
    truth = truth_of(scored, bar.high, bar.low, bar.close, scored.bars == 0, terms)
    if truth == 0:
        return
    seen = rests.downs + rests.flats + rests.ups + 1.5
    if truth == IN_UP:
        told, base = scored.p_up, rests.ups + 0.5
        rests.ups += 1
    elif truth == IN_DOWN:
        told, base = scored.p_down, rests.downs + 0.5
        rests.downs += 1
    else:
        told, base = scored.p_flat, rests.flats + 0.5
        rests.flats += 1
    rests.excess = max(rests.excess + math.log(base / seen / max(told, 1e-6)), 0.0)
    if rests.excess >= terms.excess:
        rests.busy = 1
    scored.bars = 0


@kernel
def await_outcome(rests: Any, prediction: Any) -> None:
    """Take the bar's prediction as the next to be judged, where none is; another version begins with a clean record."""
    if prediction.silence != 0:
        return
    scored = rests.scored
    if prediction.version != rests.version:
        rests.version = prediction.version
        rests.excess = 0.0
        scored.bars = 0
    if scored.bars != 0 or not prediction.barrier_bps > 0.0:
        return
    scored.p_down = prediction.p_down
    scored.p_flat = prediction.p_flat
    scored.p_up = prediction.p_up
    scored.barrier = prediction.barrier_bps / 1e4
    scored.entry = 0
    scored.bars = prediction.horizon
