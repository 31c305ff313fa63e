"""How a report looks: colours that are told apart without red and green, names in words, and numbers as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Okabe and Ito 2008: told apart by readers of any colour vision.
COLOURS = {"BUY": "#0072B2", "SELL": "#D55E00", "won": "#009E73", "lost": "#CC79A7", "band": "#999999"}
PALE = {"BUY": "rgba(0,114,178,0.28)", "SELL": "rgba(213,94,0,0.28)"}
LINES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#0072B2", "#D55E00")
DASHES = ("dash", "dot", "dashdot", "longdash", "longdashdot", "solid")

BASELINES = {
    "flat": "doing nothing",
    "random_entries": "the arm of random entries",
    "buy_and_hold": "buy and hold",
    "sma_cross": "average cross 10/50",
    "momentum": "30-day momentum",
    "reversal": "last-bar reversal",
    "0x": "the same, free of costs",
    "2x": "the same, at twice the costs",
}
SCORES = (  # name, words, whether it is a share
    ("total_return", "net return", True),
    ("annual_return", "net return a year", True),
    ("sharpe", "Sharpe ratio, annual", False),
    ("sortino", "Sortino ratio, annual", False),
    ("volatility", "volatility a year", True),
    ("max_drawdown", "deepest drawdown", True),
    ("hit_rate", "hit rate", True),
    ("payoff", "mean win over mean loss", False),
    ("profit_factor", "won over lost", False),
    ("turnover", "turnover a year, x equity", False),
    ("exposure", "mean net exposure", True),
    ("in_market", "share of bars in the market", True),
)


def number(value: float | None, digits: int = 2) -> str:
    """With thousands apart; a dash for what is not known."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{digits}f}".replace("-", "−")


def share(value: float | None, digits: int = 2) -> str:
    """As percent."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.{digits}%}".replace("-", "−")


def signed(value: float | None, digits: int = 2) -> str:
    """As percent with its sign."""
    return "–" if value is None or not math.isfinite(value) else f"{value:+,.{digits}%}".replace("-", "−")


def count(value: int) -> str:
    """A whole number."""
    return f"{value:,}"


def chance(value: float | None) -> str:
    """A p-value."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def named(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:most])} and {more} more"


def counted(number_of: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def amount_words(value: float) -> str:
    """An amount of money in two or three digits, with k, M or G."""
    for scale, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= scale:
            return f"{value / scale:.3g}{letter}"
    return f"{value:.3g}"
