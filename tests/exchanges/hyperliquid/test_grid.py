"""The grid of a coin: every price that the venue allows is on it, and no coarser one would do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.exchanges.hyperliquid.grid import grid_of_coin, is_spot_coin


@given(coin=st.sampled_from(["BTC", "kPEPE", "@107", "PURR/USDC"]), sizes=st.integers(0, 6), figures=st.integers(1, 99_999), power=st.integers(-8, 8))
def test_every_price_of_five_figures_is_on_the_grid_where_it_has_no_more_decimals_than_are_allowed(
    coin: str, sizes: int, figures: int, power: int
) -> None:
    most = (8 if is_spot_coin(coin) else 6) - sizes
    tick, lot = (Decimal(text) for text in grid_of_coin(coin, sizes))
    price = Decimal(figures).scaleb(power)
    decimals = max(-int(price.normalize().as_tuple().exponent), 0)
    assert (price % tick == 0) == (decimals <= most)
    assert lot == Decimal(1).scaleb(-sizes)


@pytest.mark.parametrize(
    ("coin", "sizes", "grid"), [("BTC", 5, ("0.1", "0.00001")), ("ETH", 4, ("0.01", "0.0001")), ("@142", 0, ("0.00000001", "1"))]
)
def test_grids_as_the_venue_has_them(coin: str, sizes: int, grid: tuple[str, str]) -> None:
    assert grid_of_coin(coin, sizes) == grid


@pytest.mark.parametrize(("coin", "sizes"), [("BTC", 7), ("BTC", -1), ("@1", 9)])
def test_what_the_venue_cannot_tell_is_refused(coin: str, sizes: int) -> None:
    with pytest.raises(InstrumentRefused, match="szDecimals"):
        grid_of_coin(coin, sizes)
