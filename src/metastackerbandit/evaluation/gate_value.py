"""What a gate is worth: minus the mean net outcome of the trades that it alone prevented, with inference that may be looked at any time.

Evidence is the wealth of a gambler who bets on the outcomes, each in units of the volatility at its decision and cut at +-BOUND: if no trade is
expected to earn, his wealth is not expected to grow, so wealth w is evidence w against that (Ville 1939; Waudby-Smith and Ramdas 2024,
"Estimating means of bounded random variables by betting"). A stake is fixed when a trade begins, from wealth that no open trade could
lose and from outcomes that were known by then, so that trades of several books may overlap. A gate is HARMFUL where the e-values of all
gates, put through e-BH (Wang and Ramdas 2022), reject "its trades would not have earned"; USEFUL where they reject the opposite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.evaluation.effective import effective_trades

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOUND = 6.0  # outcomes count for at most so many volatilities of the horizon (method 4.2); a bounded bet needs it
BOLDEST = 0.9  # of the wealth that is free, the most that one trade can lose
PRIOR_OUTCOMES = 1.0  # outcomes of mean 0 and variance 1 that the first bets are reckoned from
FALSE_DISCOVERIES = 0.05  # share of gates called harmful (or useful) that are not, at most, in expectation
MIXTURE = 0.04  # rho^2 of the normal mixture: tightest near 200 trades, what a gate prevents in months
MOST_WEALTH = 1e12  # what is above it is given away, which keeps the bets fair and the numbers finite
MEANS = 481  # candidates for the mean between -BOUND and +BOUND: steps of 0.025 volatilities

HARMFUL, USEFUL, UNPROVEN = "HARMFUL", "USEFUL", "UNPROVEN"


class Prevented(Struct, frozen=True, eq=False):
    """Trades that one gate alone prevented, all (N,): when each was decided on and ended (ns), net bps, and net in volatilities (NaN: not known)."""

    began_ns: Ints
    ended_ns: Ints
    net_bps: Floats
    outcome: Floats


class GateValue(Struct, frozen=True):
    """What is known of a gate's worth.

    `mean_bps` with `low_bps`, `high_bps` is the mean net return of the trades it prevented, basis points (at any time, asymptotically: Waudby-Smith
    et al. 2024); `value_bps` is minus it. `mean`, `low`, `high` are the same in volatilities, cut at BOUND, by betting. `harmful_e` is evidence that
    the trades would have earned, `useful_e` that they would have lost. NaN where nothing has matured.
    """

    matured: int
    mean_bps: float
    low_bps: float
    high_bps: float
    value_bps: float
    mean: float
    low: float
    high: float
    harmful_e: float
    useful_e: float
    verdict: str


def gate_values(prevented: Mapping[str, Prevented], *, false_discoveries: float = FALSE_DISCOVERIES) -> dict[str, GateValue]:
    """Judge gates together; one that prevented nothing counts among the tests all the same, and proves nothing."""
    harmful = {gate: wealth(trades, 1.0) for gate, trades in prevented.items()}
    useful = {gate: wealth(trades, -1.0) for gate, trades in prevented.items()}
    found = rejected(harmful, false_discoveries), rejected(useful, false_discoveries)
    return {gate: _value(trades, harmful[gate], useful[gate], gate in found[0], gate in found[1]) for gate, trades in prevented.items()}


def rejected(evidence: Mapping[str, float], rate: float) -> set[str]:
    """e-BH: of K e-values the k largest are rejected, k the most with k-th largest >= K / (rate k); any dependence between them."""
    ordered = sorted(evidence, key=lambda name: -evidence[name])
    most = max((k for k, name in enumerate(ordered, 1) if evidence[name] >= len(ordered) / (rate * k)), default=0)
    return set(ordered[:most])


def wealth(trades: Prevented, side: float) -> float:
    """The e-value for "the mean outcome has this sign" (side +1 or -1): what 1 became by bets on it alone."""
    return float(_wealth_at(trades, np.zeros(1), side)[0])


def confidence_interval(trades: Prevented, error: float = 0.05) -> tuple[float, float]:
    """Means in volatilities that neither gambler makes 2 / error of; (-BOUND, BOUND) where nothing is known."""
    means = np.linspace(-BOUND, BOUND, MEANS)
    kept = means[np.maximum(_wealth_at(trades, means, 1.0), _wealth_at(trades, means, -1.0)) < 2.0 / error]
    if not len(kept):  # between two candidates
        centre = float(np.mean(_known(trades)[2]))
        return centre, centre
    step = 2.0 * BOUND / (MEANS - 1)
    return max(float(kept[0]) - step, -BOUND), min(float(kept[-1]) + step, BOUND)


def mixture_interval(values: Floats, independent: float, error: float = 0.05, rho2: float = MIXTURE) -> tuple[float, float]:
    """Asymptotic confidence sequence of a mean of values (N,): mean +- sd sqrt((n r + 1) / (n^2 r) (2 log(1 / error) + log(n r + 1))).

    `independent` is n, how many of them count: trades that overlap in time share the moment (evaluation.effective).

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory", with the form of method 10.4; NaN below two values.
    """
    n = independent
    if len(values) < 2 or not n > 0.0:
        return math.nan, math.nan
    grown = n * rho2 + 1.0
    reach = float(np.std(values, ddof=1)) * math.sqrt(grown / (n * n * rho2) * (2.0 * math.log(1.0 / error) + math.log(grown)))
    centre = float(np.mean(values))
    return centre - reach, centre + reach


def _known(trades: Prevented) -> tuple[Ints, Ints, Floats]:
    """Beginnings, ends and cut outcomes (N,) of trades whose volatility was known."""
    known = ~np.isnan(trades.outcome)
    return trades.began_ns[known], trades.ended_ns[known], np.clip(trades.outcome[known], -BOUND, BOUND)


def _wealth_at(trades: Prevented, means: Floats, side: float) -> Floats:
    """What 1 became by betting that the mean is above (side +1) or below each of `means` (M,) -> (M,).

    At one instant trades end before others begin. A stake is Kelly's share mean / (variance + mean^2) of the outcomes that have ended, no
    more than BOLDEST of what the open trades leave.
    """
    began, ended, outcomes = _known(trades)
    count = len(outcomes)
    is_start = np.repeat((0, 1), count)
    order = np.lexsort((is_start, np.concatenate((ended, began))))
    grown, reserved = np.ones(len(means)), np.zeros(len(means))
    stakes = np.zeros((count, len(means)))
    worst = BOUND + np.abs(means)  # the most that an outcome can lie on the wrong side
    seen, total, squares = 0, 0.0, 0.0
    for event in order.tolist():
        place = event % count
        if event >= count:
            mean = total / (seen + PRIOR_OUTCOMES)
            variance = (PRIOR_OUTCOMES + squares - 2.0 * mean * total + seen * mean * mean) / (seen + PRIOR_OUTCOMES)
            lead = np.maximum(side * (mean - means), 0.0)
            share = np.minimum(lead / (variance + lead * lead), BOLDEST / worst)
            stakes[place] = share * np.maximum(grown - reserved, 0.0)
            reserved += stakes[place] * worst
        else:
            x = float(outcomes[place])
            reserved -= stakes[place] * worst
            grown = np.minimum(grown + stakes[place] * side * (x - means), MOST_WEALTH)
            seen, total, squares = seen + 1, total + x, squares + x * x
    return grown


def _value(trades: Prevented, harmful: float, useful: float, is_harmful: bool, is_useful: bool) -> GateValue:
    bps, (_, _, outcomes) = trades.net_bps, _known(trades)
    mean_bps = float(np.mean(bps)) if len(bps) else math.nan
    low_bps, high_bps = mixture_interval(bps, effective_trades(trades.began_ns, trades.ended_ns))
    low, high = confidence_interval(trades) if len(outcomes) else (math.nan, math.nan)
    return GateValue(
        matured=len(bps),
        mean_bps=mean_bps,
        low_bps=low_bps,
        high_bps=high_bps,
        value_bps=-mean_bps,
        mean=float(np.mean(outcomes)) if len(outcomes) else math.nan,
        low=low,
        high=high,
        harmful_e=harmful,
        useful_e=useful,
        verdict=HARMFUL if is_harmful else USEFUL if is_useful else UNPROVEN,
    )
