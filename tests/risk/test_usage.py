"""The caps in use: as the gates have them, mirrored alike, and by hand."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.risk.settings import RiskSettings
from metastackerbandit.risk.usage import Bet, Use, heat_of, uses
from tests.covering import covers

RISK = RiskSettings()


BETS = st.lists(
    st.builds(
        Bet,
        symbol=st.integers(0, 2),
        notional=st.integers(-500, 500).filter(bool).map(float),
        to_stop=st.sampled_from((math.nan, 0.0, 12.0)),
        volatility=st.just(0.02),
        unstopped=st.sampled_from((1.0, 2.0)),
        cap=st.sampled_from((0.5, 1.0)),
    ),
    max_size=6,
)


def by_name(bets: list[Bet], equity: float = 1_000.0) -> dict[str, Use]:
    """The caps of some bets on three unrelated symbols."""
    return {use.name: use for use in uses(bets, 3, np.eye(3), equity, RISK)}


@covers("2.129")
@given(BETS)
def test_the_mirrored_account_uses_as_much_of_every_cap(bets: list[Bet]) -> None:
    mirrored = [msgspec.structs.replace(bet, notional=-bet.notional) for bet in bets]
    one, other = by_name(bets), by_name(mirrored)
    assert {name: use.used for name, use in one.items()} == pytest.approx({name: use.used for name, use in other.items()})
    assert one["net_exposure"].used <= one["side_exposure"].used <= one["gross_exposure"].used
    assert one["correlated_heat"].used <= one["heat"].used + 1e-12


def test_the_caps_by_hand() -> None:
    bets = [Bet(0, 400.0, 10.0, 0.02, 1.0, 1.0), Bet(0, -100.0, math.nan, 0.03, 1.0, 2.0), Bet(1, -200.0, 8.0, 0.05, 1.0, 1.0)]
    found = by_name(bets)
    assert (found["symbol_exposure"].used, found["symbol_exposure"].limit) == (0.4, 1.0)
    strict = by_name([*bets[:2], msgspec.structs.replace(bets[2], cap=0.25)])["symbol_exposure"]
    assert (strict.used, strict.limit, strict.share) == (0.2, 0.25, 0.8)  # the smaller position is nearer to its own cap
    assert found["gross_exposure"].used == 0.7
    assert found["side_exposure"].used == 0.4 and found["net_exposure"].used == pytest.approx(0.1)
    assert found["heat"].used == pytest.approx((10.0 + 3.0 + 8.0) / 1_000.0)  # without a stop: one deviation of a day
    assert found["correlated_heat"].used == pytest.approx(math.sqrt(7.0**2 + 8.0**2) / 1_000.0)
    assert found["gross_exposure"].share == pytest.approx(0.7 / RISK.max_gross_exposure)
    assert math.isinf(by_name(bets, equity=0.0)["gross_exposure"].used)
    assert math.isnan(by_name([Bet(0, 10.0, math.nan, math.nan, 1.0, 1.0)])["heat"].used)
    assert all(use.used == 0.0 for use in by_name([]).values())


def test_every_cap_is_held_against_its_own_limit() -> None:
    found = by_name([Bet(0, 100.0, 5.0, 0.02, 1.0, 0.75)])
    limits = {name: getattr(RISK, f"max_{name}") for name in found if name != "symbol_exposure"}
    assert {name: use.limit for name, use in found.items()} == {"symbol_exposure": 0.75, **limits}
    assert by_name([])["symbol_exposure"].limit == RISK.max_symbol_exposure


def test_a_stop_at_no_loss_counts_as_none_and_a_missing_one_as_days_of_movement() -> None:
    assert heat_of(Bet(0, -400.0, 0.0, 0.02, 3.0, 1.0)) == 0.0
    assert heat_of(Bet(0, -400.0, math.nan, 0.02, 3.0, 1.0)) == pytest.approx(24.0)


def test_two_positions_that_move_together_and_offset_are_hardly_a_bet() -> None:
    together = np.array([[1.0, 0.9], [0.9, 1.0]])
    long, short = Bet(0, 100.0, 10.0, 0.02, 1.0, 1.0), Bet(1, -100.0, 10.0, 0.02, 1.0, 1.0)
    apart = {use.name: use.used for use in uses([long, short], 2, together, 1_000.0, RISK)}
    joint = {use.name: use.used for use in uses([long, msgspec.structs.replace(short, notional=100.0)], 2, together, 1_000.0, RISK)}
    assert apart["heat"] == joint["heat"] == 0.02
    assert apart["correlated_heat"] == pytest.approx(math.sqrt(2 * 100.0 - 2 * 0.9 * 100.0) / 1_000.0)
    assert joint["correlated_heat"] == pytest.approx(math.sqrt(2 * 100.0 + 2 * 0.9 * 100.0) / 1_000.0)


def test_an_unknown_correlation_is_stressed_for_bets_that_add_up_and_no_hedge_for_others() -> None:
    unknown = np.array([[1.0, math.nan], [math.nan, 1.0]])
    stress = RISK.correlation_stress
    for side, expected in ((1.0, 200.0 + 2 * stress * 100.0), (-1.0, 200.0)):
        bets = [Bet(0, 100.0, 10.0, 0.02, 1.0, 1.0), Bet(1, side * 100.0, 10.0, 0.02, 1.0, 1.0)]
        used = {use.name: use.used for use in uses(bets, 2, unknown, 1_000.0, RISK)}
        assert used["correlated_heat"] == pytest.approx(math.sqrt(expected) / 1_000.0)


def test_without_equity_any_position_is_too_much_and_none_is_none() -> None:
    lost = by_name([Bet(0, 1.0, 0.0, 0.02, 1.0, 1.0)], equity=-5.0)
    assert math.isinf(lost["gross_exposure"].used) and lost["heat"].used == 0.0
    assert by_name([Bet(0, 1.0, 0.0, 0.02, 1.0, 1.0)], equity=1.0)["gross_exposure"].used == 1.0


def test_a_position_of_cents_has_a_side_too() -> None:
    found = by_name([Bet(0, 0.5, 0.25, 0.02, 1.0, 1.0), Bet(0, -0.25, 0.125, 0.02, 1.0, 1.0)], equity=1.0)
    assert (found["symbol_exposure"].used, found["side_exposure"].used, found["net_exposure"].used) == (0.5, 0.5, 0.25)
    assert found["correlated_heat"].used == pytest.approx(0.125)
