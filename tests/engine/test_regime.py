"""The context of a book: volatility against its own terciles, the close against an average of closes, and which contexts are allowed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.decision.settings import REGIMES
from metastackerbandit.domain.kernel import row, rows
from metastackerbandit.engine.regime import bar_volatility, context_cell, follow_regime, regime_allowed
from metastackerbandit.engine.world import ContextTerms, Seat
from metastackerbandit.stacking.context import NO_CELL, Terciles, observe_volatility
from tests.gated import LIMITS, limits_of

WARM_UP = LIMITS.pace.warm_up
A_YEAR = LIMITS.pace.a_year


def seated(volatility: float = math.nan, close: int = 1_000, level: float = 0.0) -> Any:
    """A book whose bars vary by this much (fraction; NaN: not known yet), with its last close and the average so far."""
    seat = rows(Seat, 1)[0]
    seat.done.close, seat.level = close, level
    moved(seat, volatility)
    return seat


def moved(seat: Any, volatility: float) -> None:
    """The activity of bars that vary by so much."""
    seat.activity.returns = 0 if math.isnan(volatility) else WARM_UP
    seat.activity.fast_weight = seat.activity.slow_weight = 0.5
    seat.activity.fast = seat.activity.slow = 0.0 if math.isnan(volatility) else 0.5 * volatility**2


def terciles_at(low: float, high: float, seen: int = 9) -> Any:
    """The bounds (fractions of price) between calm, usual and wild."""
    return row(Terciles(seen, math.log(low), math.log(high)))[0]


@settings(max_examples=30)
@given(fast=st.floats(1e-5, 0.2), slow=st.floats(1e-5, 0.2))
def test_a_bar_s_volatility_is_the_larger_of_the_two_whatever_bars_a_year_has(fast: float, slow: float) -> None:
    seat = seated(0.01)
    seat.activity.fast, seat.activity.slow = 0.5 * fast**2, 0.5 * slow**2
    for a_year in (A_YEAR, 365.25):
        assert bar_volatility(seat, limits_of(pace__a_year=a_year)) == pytest.approx(max(fast, slow), rel=1e-12)
    seat.activity.returns = WARM_UP - 1
    assert math.isnan(bar_volatility(seat, limits_of()))


@settings(max_examples=30)
@given(
    bars=st.lists(st.tuples(st.integers(1, 10**9), st.sampled_from([math.nan, 0.001, 0.002, 0.004, 0.03])), min_size=1, max_size=40),
    keep=st.sampled_from([0.0, 0.5, 0.9]),
    step=st.sampled_from([0.5, 2.0]),
    memory=st.sampled_from([5, 400]),
)
def test_the_level_is_an_average_from_the_first_close_on_and_volatility_is_followed_where_it_is_known(bars, keep, step, memory) -> None:
    seat, terciles, alone = seated(), rows(Terciles, 1)[0], rows(Terciles, 1)[0]
    context, limits = row(ContextTerms(step, memory))[0], limits_of(trend_keep=keep)
    for close, volatility in bars:
        seat.done.close = close
        moved(seat, volatility)
        follow_regime(seat, limits, terciles, context)
        if not math.isnan(volatility):
            observe_volatility(alone, bar_volatility(seat, limits), step, memory)
    closes, count = [close for close, _ in bars], len(bars)
    weights = [keep ** (count - 1), *((1.0 - keep) * keep ** (count - 1 - place) for place in range(1, count))]
    assert seat.level == pytest.approx(sum(w * c for w, c in zip(weights, closes, strict=True)), rel=1e-12)
    assert terciles.seen == sum(not math.isnan(volatility) for _, volatility in bars)
    assert terciles.tobytes() == alone.tobytes()


def test_a_flat_market_s_level_is_its_price() -> None:
    seat, terciles, context = seated(0.01, 777), rows(Terciles, 1)[0], row(ContextTerms(1.0, 100))[0]
    for _ in range(5):
        follow_regime(seat, limits_of(), terciles, context)
        assert seat.level == pytest.approx(777.0, rel=1e-15)


@pytest.mark.parametrize(
    ("volatility", "close", "name"),
    [
        (0.005, 999, "calm_falling"),
        (0.015, 999, "usual_falling"),
        (0.025, 999, "wild_falling"),
        (0.005, 1_001, "calm_rising"),
        (0.015, 1_001, "usual_rising"),
        (0.025, 1_001, "wild_rising"),
        (0.025, 1_000, "wild_rising"),  # at the level itself a market counts as rising
    ],
)
def test_a_context_is_named_by_volatility_and_trend_and_allowed_by_its_own_bit_alone(volatility: float, close: int, name: str) -> None:
    seat, terciles, place = seated(volatility, close, 1_000.0), terciles_at(0.01, 0.02), REGIMES.index(name)
    assert context_cell(seat, limits_of(), terciles) == place
    assert regime_allowed(seat, limits_of(regimes=1 << place), terciles) == 1.0
    assert regime_allowed(seat, limits_of(regimes=63), terciles) == 1.0
    assert regime_allowed(seat, limits_of(regimes=63 - (1 << place)), terciles) == 0.0


def test_a_context_is_not_known_before_volatility_is() -> None:
    for volatility, seen in ((math.nan, 9), (0.01, 0)):
        seat, terciles = seated(volatility, level=1_000.0), terciles_at(0.01, 0.02, seen)
        assert context_cell(seat, limits_of(), terciles) == NO_CELL
        assert math.isnan(regime_allowed(seat, limits_of(regimes=63), terciles))
