"""Fractional Kelly on an edge that is only estimated: the estimate is shrunk by its own error before any of it is bet.

Source: Kelly 1956; Browne and Whitt 1996 for the Bayesian form; Baker and McHale 2013 for shrinkage under parameter uncertainty.
"""

from __future__ import annotations

import math

from metastackerbandit.domain.kernel import kernel


@kernel
def posterior_sharpe(sharpe: float, error: float, prior: float) -> float:
    """Mean of a trade's Sharpe ratio after an estimate with that standard error, before it normal around 0 with deviation `prior`."""
    return sharpe * (prior * prior) / (prior * prior + error * error)


@kernel
def kelly_fraction(net_edge_bps: float, error_bps: float, deviation_bps: float, prior: float, share: float) -> float:
    """Most of equity to put on a trade: `share` of the growth-optimal size for the shrunk edge.

    `deviation_bps` is the standard deviation of the trade's outcome, about its barrier. 0 where the edge is not positive (never floored
    up), NaN where a number is unknown.
    """
    if math.isnan(net_edge_bps) or math.isnan(error_bps) or not deviation_bps > 0.0:
        return math.nan
    expected = posterior_sharpe(net_edge_bps / deviation_bps, error_bps / deviation_bps, prior)
    return max(share * expected / (deviation_bps / 1e4), 0.0)
