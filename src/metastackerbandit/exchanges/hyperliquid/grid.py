"""The finest steps of a coin's prices and sizes, from the one number that the venue tells of it."""

from __future__ import annotations

from metastackerbandit.domain.errors import InstrumentRefused

PERP_DECIMALS, SPOT_DECIMALS = 6, 8


def is_spot_coin(coin: str) -> bool:
    """Whether a coin's name is of a spot pair: `@107`, or PURR/USDC."""
    return coin.startswith("@") or "/" in coin


def grid_of_coin(coin: str, size_decimals: int) -> tuple[str, str]:
    """(tick size, lot size) as text, of the venue's `szDecimals`.

    Prices have at most five significant figures and at most 6 (spot: 8) less `szDecimals` decimals; whole numbers are always allowed. The tick is
    the finest step that any price can have, so every price is on the grid, and an order's must still be cut to five figures.
    """
    most = SPOT_DECIMALS if is_spot_coin(coin) else PERP_DECIMALS
    if not 0 <= size_decimals <= most:
        raise InstrumentRefused(f"szDecimals {size_decimals} is not between 0 and {most}", where=coin, mend="take it from the venue's meta")
    return _step(most - size_decimals), _step(size_decimals)


def _step(decimals: int) -> str:
    """One of the last of so many decimals."""
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"
