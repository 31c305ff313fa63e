"""What a threshold must be at least, from what a trade costs and how far its barriers are (method 1.4, 5.1).

A trade between symmetric barriers at `barrier_bps` wins about (p_up - p_down) barriers on average, so it pays its round trip of
`cost_bps` from the strength s* = cost / barrier on. Every other limit here says the same of another quantity. All comparisons admit
at equality, and a limit that is not known (NaN: no prediction, no barrier) stays NaN, which a gate answers with UNKNOWN.
"""

from __future__ import annotations

import math

import numpy as np

from metastackerbandit.domain.kernel import kernel
from metastackerbandit.domain.label import LabelSpec

CONFIDENCES = ("p_dir", "p_max3", "p_dir_cond", "strength")  # in the order of the places below
BY_P_DIR, BY_P_MAX3, BY_P_DIR_COND, BY_STRENGTH = 0, 1, 2, 3

EDGE_SHARE, EDGE_LEAST_BPS, EDGE_FULL = 0.25, 1.0, 3.0  # of the round trip; bps; round trips (method 5.1)

# A walk between barriers `width` volatilities away meets neither in half of all cases, and then ends where it stands at the horizon. Of the
# killed walk's modes (Cox and Miller 1965, ch. 5.7) the first is 99.9 % at that width: the walk is within +-x, alive, with _IDLE sin(_MODE x).
_WIDTH = LabelSpec().width  # of the barriers, in volatilities over the horizon
_MODE = math.pi / (2.0 * _WIDTH)
_IDLE = 4.0 / math.pi * math.exp(-0.5 * _MODE * _MODE)  # never meets a barrier: .54
REACH = (1.0 - _IDLE) + _IDLE * (1.0 - 2.0 / math.pi)  # mean distance that a trade has gone when it ends, of the barrier: .66
STAY = 0.5  # of the neutral band: what the opposite side must show to end a position (method 5.1)


@kernel
def break_even_strength(cost_bps: float, barrier_bps: float) -> float:
    """s* = c / b: the strength |p_up - p_down| from which a trade between symmetric barriers pays its cost; may exceed 1 (none pays)."""
    return cost_bps / barrier_bps if barrier_bps > 0.0 else math.nan


@kernel
def p_dir_at(strength: float, p_flat: float) -> float:
    """max(p_up, p_down) of a prediction with this strength and this chance of FLAT: the three sum to 1."""
    return 0.5 * (1.0 - p_flat + strength)


@kernel
def p_dir_cond_at(strength: float, p_flat: float) -> float:
    """p_dir / (p_up + p_down) at this strength: .5 + s / (2 (1 - p_flat)) (method 5.1); NaN where FLAT is certain."""
    return 0.5 + strength / (2.0 * (1.0 - p_flat)) if p_flat < 1.0 else math.nan


@kernel
def p_max3_at(strength: float, p_flat: float) -> float:
    """The largest of the three that a side with this strength must show: its p_dir, and more than p_flat.

    Just above p_flat at least: the quantity counts only once the side is known, and where FLAT is the largest class there is none,
    so that a confident neutral is blocked however large its p_max3.
    """
    if math.isnan(p_flat):
        return math.nan
    return max(p_dir_at(strength, p_flat), float(np.nextafter(p_flat, 2.0)))


@kernel
def confidence_towards(quantity: int, p_with: float, p_flat: float, p_against: float) -> float:
    """The quantity (a place in CONFIDENCES) as it speaks for one side; NaN where the prediction is asleep.

    For the side that a prediction leads to it is the quantity itself; for the other side it is less: no confidence is borrowed from a
    side that is not taken.
    """
    if math.isnan(p_flat):
        return math.nan
    if quantity == BY_P_MAX3:
        return max(p_with, p_flat)
    if quantity == BY_P_DIR_COND:
        total = p_with + p_against
        return p_with / total if total > 0.0 else 0.5
    if quantity == BY_STRENGTH:
        return p_with - p_against
    return p_with


@kernel
def confidence_of(quantity: int, p_down: float, p_flat: float, p_up: float) -> float:
    """The quantity (a place in CONFIDENCES) of a prediction, whichever side it leads to; NaN when it is asleep."""
    return confidence_towards(quantity, max(p_down, p_up), p_flat, min(p_down, p_up))


@kernel
def least_confidence(quantity: int, cost_bps: float, barrier_bps: float, p_flat: float) -> float:
    """The break-even strength, said in the quantity (a place in CONFIDENCES) of a prediction with this chance of FLAT."""
    strength = break_even_strength(cost_bps, barrier_bps)
    if quantity == BY_P_MAX3:
        return p_max3_at(strength, p_flat)
    if quantity == BY_P_DIR_COND:
        return p_dir_cond_at(strength, p_flat)
    if quantity == BY_STRENGTH:
        return strength
    return p_dir_at(strength, p_flat)


@kernel
def least_net_edge_bps(cost_bps: float) -> float:
    """What must be left after costs: a quarter of the round trip, at least 1 bp (method 5.1)."""
    return max(EDGE_SHARE * cost_bps, EDGE_LEAST_BPS)


@kernel
def full_net_edge_bps(cost_bps: float) -> float:
    """The net edge above the least where alpha is 1: three round trips, at least 1 bp."""
    return max(EDGE_FULL * cost_bps, EDGE_LEAST_BPS)


@kernel
def idle_share(cost_bps: float, barrier_bps: float) -> float:
    """Share of trades that end within their cost of where they began, so that neither side is paid: of a walk, first mode; NaN: no barrier."""
    if not barrier_bps > 0.0:
        return math.nan
    return _IDLE * math.sin(0.5 * math.pi * min(cost_bps / barrier_bps, 1.0))


@kernel
def least_worth(cost_bps: float, barrier_bps: float) -> float:
    """Chance of a net win from which a trade pays; above 1 where none pays.

    A trade goes REACH barriers on average, so its side must be right with the chance p at which (2 p - 1) REACH b = c. It wins where it is
    right and moves by more than its cost.
    """
    right = 0.5 + 0.5 * break_even_strength(cost_bps, barrier_bps) / REACH
    return right if right > 1.0 else right * (1.0 - idle_share(cost_bps, barrier_bps))


@kernel
def worth_bps(worth: float, cost_bps: float, barrier_bps: float) -> float:
    """Net return that a trade with this chance of a net win is expected to have, bps: 0 at `least_worth`; NaN: not known."""
    right = min(worth / (1.0 - idle_share(cost_bps, barrier_bps)), 1.0)
    return (2.0 * right - 1.0) * REACH * barrier_bps - cost_bps


@kernel
def worth_scale(worth: float, net_edge_bps: float, cost_bps: float, barrier_bps: float) -> float:
    """Share of the size in [0, 1] that a meta-label leaves: what it expects of the trade over what the stack expects (method 1.6).

    0 at break-even and below, rising with `worth` to 1 where both expect the same; 1 without a meta-label (NaN).
    """
    if math.isnan(worth):
        return 1.0
    expected = worth_bps(worth, cost_bps, barrier_bps)
    if not expected > 0.0:
        return 0.0
    return expected / net_edge_bps if net_edge_bps > expected else 1.0


@kernel
def effective(given: float, derived: float, alone: int) -> float:
    """The limit that decides: the stricter of what a user or a profile wrote (NaN: nothing) and what is derived.

    With `alone` (1: thresholds = "profile") what is written decides by itself; where nothing is written the derived limit does.
    """
    if math.isnan(given):
        return derived
    if alone != 0:
        return given
    if math.isnan(derived):
        return derived
    return max(given, derived)


def of_side(either: float | None, own: float | None) -> float:
    """A side's own limit, else the one of both; NaN where neither is written."""
    given = either if own is None else own
    return math.nan if given is None else given


def typical_barrier_bps(volatility: float, horizon_ns: int, year_ns: int, width: float) -> float:
    """Distance of a label's barriers, bps, at an annual volatility (fraction): width volatilities over the horizon (method 1.4)."""
    return 1e4 * width * volatility * math.sqrt(horizon_ns / year_ns)
