"""How much of each cap an account uses as it stands: exposures and heats over equity, beside their limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.risk.joint_correlation import linked_under
from metastackerbandit.risk.settings import RiskSettings

Floats = NDArray[np.float64]


class Bet(Struct, frozen=True):
    """One book's position: place of its symbol, signed notional (money), loss to its stop (money, NaN without one), deviation of a day (share)."""

    symbol: int
    notional: float
    to_stop: float
    volatility: float


class Use(Struct, frozen=True):
    """One cap, as the gate of that name has it: what stands over equity (`used`, NaN while not known), and the limit."""

    name: str
    used: float
    limit: float

    @property
    def share(self) -> float:
        """Part of the limit that is used."""
        return self.used / self.limit


def heat_of(bet: Bet, settings: RiskSettings) -> float:
    """What a position loses at its stop; without one, so many deviations of a day. NaN where neither is known."""
    return bet.to_stop if not math.isnan(bet.to_stop) else abs(bet.notional) * settings.unstopped_deviations * bet.volatility


def uses(bets: Sequence[Bet], symbols: int, correlation: Floats, equity: float, settings: RiskSettings) -> tuple[Use, ...]:
    """Every cap of the portfolio; `correlation` (Y, Y) of the symbols' returns, NaN for pairs that are not known."""
    longs, shorts, heats = np.zeros(symbols), np.zeros(symbols), np.zeros(symbols)
    heat = 0.0
    for bet in bets:
        (longs if bet.notional > 0.0 else shorts)[bet.symbol] += abs(bet.notional)
        own = heat_of(bet, settings)
        heat += own
        heats[bet.symbol] += own if bet.notional > 0.0 else -own
    correlated = math.sqrt(max(float(heats @ linked_under(correlation, heats, settings.correlation_stress) @ heats), 0.0))
    long, short = float(longs.sum()), float(shorts.sum())
    found = (
        ("symbol_exposure", max(float(longs.max(initial=0.0)), float(shorts.max(initial=0.0))), settings.max_symbol_exposure),
        ("gross_exposure", long + short, settings.max_gross_exposure),
        ("side_exposure", max(long, short), settings.max_side_exposure),
        ("net_exposure", abs(long - short), settings.max_net_exposure),
        ("heat", heat, settings.max_heat),
        ("correlated_heat", correlated, settings.max_correlated_heat),
    )
    return tuple(Use(name, money / equity if equity > 0.0 else math.inf if money > 0.0 else 0.0, limit) for name, money, limit in found)
