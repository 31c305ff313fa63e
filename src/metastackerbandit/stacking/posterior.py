"""Which arm has earned the right to trade: a posterior of each arm's mean net outcome, and the choice by its chance to be positive.

Every arm's outcome is known, chosen or not (shadow.py), so nothing is tried out at random: a normal-inverse-gamma posterior per arm and
context cell, forgetting per independent outcome, and the best awake arm acts when P(mean > 0) is high enough (method 4.2). Outcomes of
other contexts count as a power prior (Ibrahim and Chen 2000) of at most `strength` outcomes.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.kernel import kernel, rows
from metastackerbandit.stacking.context import CELLS
from metastackerbandit.stacking.settings import PosteriorSettings
from metastackerbandit.stacking.student import student_chance

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NO_ARM = -1  # nobody has earned it: no new risk


class Belief(Struct, frozen=True):
    """What is believed of an arm in a context: mean outcome, its scale, degrees of freedom, the chance that the mean is positive, evidence used."""

    centre: float
    scale: float
    freedom: float
    chance: float
    outcomes: float


class Evidence(Struct, frozen=True):
    """Discounted outcomes of an arm in a cell: how many, their sum, the sum of their squares; and the belief that follows, kept until the next
    outcome while `is_believed` is 1, since most bars bring none."""

    outcomes: float
    total: float
    squares: float
    is_believed: int
    belief: Belief


class PosteriorTerms(Struct, frozen=True):
    """Settings as kernels read them: `keep` is left of evidence per independent outcome, `log_keep` its logarithm; b0 = (a0 - 1) var0."""

    keep: float
    log_keep: float
    prior_count: float
    prior_shape: float
    prior_scale: float
    strength: float
    enter: float
    stay: float
    bound: float


def outcomes_needed(settings: PosteriorSettings) -> float:
    """Outcomes after which a mean of `target_edge` is told from zero: ((z_alpha + z_power) sd / edge)^2."""
    normal = NormalDist()
    reach = normal.inv_cdf(1.0 - settings.false_alarm) + normal.inv_cdf(settings.power)
    return settings.prior_variance * (reach / settings.target_edge) ** 2


def half_life(settings: PosteriorSettings, outcomes_a_day: float) -> float:
    """In outcomes of one arm: the days asked for, and never shorter than what detecting the target edge needs."""
    return max(settings.half_life_days * outcomes_a_day, outcomes_needed(settings))


def posterior_terms(settings: PosteriorSettings, outcomes_a_day: float) -> PosteriorTerms:
    """Settings resolved for arms that end so many pieces a day."""
    log_keep = -math.log(2.0) / half_life(settings, outcomes_a_day)
    return PosteriorTerms(
        keep=math.exp(log_keep),
        log_keep=log_keep,
        prior_count=settings.prior_count,
        prior_shape=settings.prior_shape,
        prior_scale=(settings.prior_shape - 1.0) * settings.prior_variance,
        strength=settings.strength,
        enter=settings.enter,
        stay=settings.stay,
        bound=settings.bound,
    )


def no_evidence(arms: int) -> np.ndarray[Any, Any]:
    """Evidence (A, 6) of arms that have shown nothing."""
    return rows(Evidence, arms * CELLS).reshape(arms, CELLS)


@kernel
def learn(evidence: Any, arm: int, cell: int, outcome: float, uniqueness: float, terms: Any) -> None:
    """One matured outcome of `arm`, decided on in `cell`; all its cells in evidence (A, 6) forget by it, so that they age alike.

    `outcome` is the net return in units of volatility, cut at +-bound; `uniqueness` in (0, 1] its share of an independent one.
    """
    keep = terms.keep if uniqueness == 1.0 else math.exp(uniqueness * terms.log_keep)
    for c in range(CELLS):
        evidence[arm, c].outcomes *= keep
        evidence[arm, c].total *= keep
        evidence[arm, c].squares *= keep
        evidence[arm, c].is_believed = 0
    x = min(max(outcome, -terms.bound), terms.bound)
    evidence[arm, cell].outcomes += uniqueness
    evidence[arm, cell].total += uniqueness * x
    evidence[arm, cell].squares += uniqueness * x * x


@kernel
def believe(evidence: Any, arm: int, cell: int, terms: Any, belief: Any) -> None:
    """Fill `belief` with the posterior of `arm` in `cell`: mu ~ Student-t(2a, m, b / (a k)) of the normal-inverse-gamma (0, k0, a0, b0).

    In a context that is not known (NO_CELL) every outcome counts as one of another context.
    """
    n, total, squares = 0.0, 0.0, 0.0
    for c in range(CELLS):
        if c != cell:
            n += evidence[arm, c].outcomes
            total += evidence[arm, c].total
            squares += evidence[arm, c].squares
    share = 1.0 if n <= terms.strength else terms.strength / n
    n *= share
    total *= share
    squares *= share
    if cell >= 0:
        n += evidence[arm, cell].outcomes
        total += evidence[arm, cell].total
        squares += evidence[arm, cell].squares
    k = terms.prior_count + n
    a = terms.prior_shape + 0.5 * n
    b = terms.prior_scale
    if n > 0.0:
        mid = total / n
        b += 0.5 * max(squares - total * mid, 0.0) + 0.5 * terms.prior_count * n * mid * mid / k
    belief.centre = total / k
    belief.scale = math.sqrt(b / (a * k))
    belief.freedom = 2.0 * a
    belief.chance = student_chance(belief.centre / belief.scale, belief.freedom)
    belief.outcomes = n


@kernel
def recall(evidence: Any, arm: int, cell: int, terms: Any, belief: Any) -> None:
    """`believe`, worked out anew only where an outcome came since."""
    if cell < 0:
        believe(evidence, arm, cell, terms, belief)
        return
    known = evidence[arm, cell]
    if known.is_believed == 0:
        believe(evidence, arm, cell, terms, known.belief)
        known.is_believed = 1
    belief.centre = known.belief.centre
    belief.scale = known.belief.scale
    belief.freedom = known.belief.freedom
    belief.chance = known.belief.chance
    belief.outcomes = known.belief.outcomes


@kernel
def is_ahead(beliefs: Any, order: Any, one: int, other: int) -> bool:
    """Whether arm `one` is preferred to `other`: by chance, then mean, then its own number, never its place."""
    if beliefs[one].chance != beliefs[other].chance:
        return beliefs[one].chance > beliefs[other].chance
    if beliefs[one].centre != beliefs[other].centre:
        return beliefs[one].centre > beliefs[other].centre
    return order[one] < order[other]


@kernel
def choose(evidence: Any, cell: int, awake: Integers, order: Integers, held: int, terms: Any, beliefs: Any) -> int:
    """The arm to act on in `cell`, or NO_ARM; beliefs (A,) are filled for all arms, asleep ones too.

    The best awake arm acts when its chance reaches `enter`; else the arm `held` (NO_ARM: none) is kept while it is awake and its chance
    reaches `stay`. `awake` (A,) is 0 for asleep or frozen arms, `order` (A,) each arm's own number, which settles ties. NO_ARM means no new
    risk; it does not flatten.
    """
    best = NO_ARM
    for arm in range(len(awake)):
        recall(evidence, arm, cell, terms, beliefs[arm])
        if awake[arm] != 0 and (best == NO_ARM or is_ahead(beliefs, order, arm, best)):
            best = arm
    if best != NO_ARM and beliefs[best].chance >= terms.enter:
        return best
    if held != NO_ARM and awake[held] != 0 and beliefs[held].chance >= terms.stay:
        return held
    return NO_ARM
