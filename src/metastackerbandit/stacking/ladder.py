"""What so many independent outcomes allow: which families, what size, and when the next rung is reached (method 2.6)."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PRIOR_ROWS = 500.0  # kappa: effective rows that the prior is worth where a small model's output is shrunk
_GAIN_A_SQUARE = 0.64  # nats of log loss that an information coefficient can gain, times two: .32 ic^2 a row against p / (2 n) lost


class Rung(Struct, frozen=True):
    """One step of the ladder: from `least` effective rows (after overlap and design effect) to the next rung's.

    `families` of learners that may be fitted, `size` the share of a full position that may be traded on them, `is_pooled` whether
    symbols must share one model, `is_tried` whether it may be tried without money.
    """

    name: str
    least: float
    families: tuple[str, ...]
    size: float
    is_pooled: bool
    is_tried: bool


_BASELINES = ("prior", "persistence")

RUNGS: tuple[Rung, ...] = (
    Rung("prior", 0.0, ("prior",), 0.0, is_pooled=True, is_tried=False),
    Rung("pooled, paper only", 100.0, (*_BASELINES, "logistic"), 0.0, is_pooled=True, is_tried=True),
    Rung("pooled", 500.0, (*_BASELINES, "logistic"), 0.25, is_pooled=True, is_tried=True),
    Rung("small booster", 2_000.0, (*_BASELINES, "logistic", "lightgbm"), 0.5, is_pooled=True, is_tried=True),
    Rung("full stack", 10_000.0, (*_BASELINES, "logistic", "lightgbm", "extra_trees", "mlp"), 1.0, is_pooled=False, is_tried=True),
    Rung("networks", 50_000.0, (*_BASELINES, "logistic", "lightgbm", "extra_trees", "mlp", "network"), 1.0, is_pooled=False, is_tried=True),
)


def rung_of(n_eff: float) -> Rung:
    """The rung that n_eff stands on; NaN and negative counts stand on the lowest."""
    found = RUNGS[0]
    for rung in RUNGS:
        if n_eff >= rung.least:
            found = rung
    return found


def next_rung(n_eff: float) -> Rung | None:
    """The rung above, None at the top."""
    return next((rung for rung in RUNGS if rung.least > n_eff), None)


def most_coefficients(ic: float, n_eff: float) -> float:
    """Free coefficients at which what they cost (p / 2n nats a row) eats what a signal of this information coefficient can give (.32 ic^2)."""
    return _GAIN_A_SQUARE * ic * ic * n_eff


def shrink_to_prior(probabilities: Floats, prior: Floats, n_eff: float, kappa: float = PRIOR_ROWS) -> Floats:
    """(n p + kappa prior) / (n + kappa), for probabilities (N, 3) and prior (3,) or (N, 3); n_eff 0 gives the prior."""
    return (n_eff * probabilities + kappa * prior) / (n_eff + kappa)


def years_to(n_eff_now: float, n_eff_next: float, per_year: float) -> float:
    """Years until a count is reached at so many independent outcomes a year: 0 when it is, inf at none."""
    due = n_eff_next - n_eff_now
    if not due > 0.0:
        return 0.0
    return due / per_year if per_year > 0.0 else math.inf


def climb_text(n_eff: float, per_year: float) -> str:
    """Where a model stands, what the next rung asks for, and how long that takes."""
    here, above = rung_of(n_eff), next_rung(n_eff)
    stands = f"{n_eff:,.0f} independent outcomes: {here.name}, size x {here.size:g}"
    if above is None:
        return f"{stands}; there is no higher rung"
    years = years_to(n_eff, above.least, per_year)
    when = "never, at no new outcomes" if math.isinf(years) else f"in {years:.1f} years at {per_year:,.0f} a year"
    return f"{stands}; {above.name} (size x {above.size:g}) from {above.least:,.0f}, {when}"
