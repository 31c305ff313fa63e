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
    """One book's position: place of its symbol, signed notional (money), loss to its stop (money, NaN without one), deviation of a day (share).

    `unstopped` deviations stand for a stop that is not there, `cap` is what the book allows its symbol over equity: its own settings.
    """

    symbol: int
    notional: float
    to_stop: float
    volatility: float
    unstopped: float
    cap: float


class Use(Struct, frozen=True):
    """One cap, as the gate of that name has it: what stands over equity (`used`, NaN while not known), and the limit."""

    name: str
    used: float
    limit: float

    @property
    def share(self) -> float:
        """Part of the limit that is used."""
        return self.used / self.limit


def heat_of(bet: Bet) -> float:
    """What a position loses at its stop; without one, so many deviations of a day. NaN where neither is known."""
    return bet.to_stop if not math.isnan(bet.to_stop) else abs(bet.notional) * bet.unstopped * bet.volatility


def uses(bets: Sequence[Bet], symbols: int, correlation: Floats, equity: float, settings: RiskSettings) -> tuple[Use, ...]:
    """Every cap of the portfolio; `correlation` (Y, Y) of the symbols' returns, NaN for pairs that are not known.

    Of the symbols' own caps the one that is used most is told, with the strictest limit among the symbol's books.
    """
    longs, shorts, heats, caps = np.zeros(symbols), np.zeros(symbols), np.zeros(symbols), np.full(symbols, math.inf)
    heat = 0.0
    for bet in bets:
        (longs if bet.notional > 0.0 else shorts)[bet.symbol] += abs(bet.notional)
        caps[bet.symbol] = min(caps[bet.symbol], bet.cap)
        own = heat_of(bet)
        heat += own
        heats[bet.symbol] += own if bet.notional > 0.0 else -own
    correlated = math.sqrt(max(float(heats @ linked_under(correlation, heats, settings.correlation_stress) @ heats), 0.0))
    long, short = float(longs.sum()), float(shorts.sum())
    one_side = np.maximum(longs, shorts)
    fullest = int((one_side / caps).argmax())
    found = (
        ("symbol_exposure", float(one_side[fullest]), float(caps[fullest]) if bets else settings.max_symbol_exposure),
        ("gross_exposure", long + short, settings.max_gross_exposure),
        ("side_exposure", max(long, short), settings.max_side_exposure),
        ("net_exposure", abs(long - short), settings.max_net_exposure),
        ("heat", heat, settings.max_heat),
        ("correlated_heat", correlated, settings.max_correlated_heat),
    )
    return tuple(Use(name, money / equity if equity > 0.0 else math.inf if money > 0.0 else 0.0, limit) for name, money, limit in found)
