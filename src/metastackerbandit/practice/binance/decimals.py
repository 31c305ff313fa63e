"""Decimals as Binance writes and reads them, by whole numbers only: nothing is rounded, whatever the number of digits."""

from __future__ import annotations

from decimal import Decimal

from metastackerbandit.simulation.exchange_words import ASSET_DIGITS


def fixed(value: int, digits: int) -> str:
    """A whole number of 10**-digits as text, all digits written."""
    if digits == 0:
        return str(value)
    text = f"{abs(value):0{digits + 1}d}"
    return f"{'-' if value < 0 else ''}{text[:-digits]}.{text[-digits:]}"


def text8(units: int) -> str:
    """1e-8 of something, an asset's amount or a rate, as text."""
    return fixed(units, ASSET_DIGITS)


ZERO = text8(0)


def whole(value: Decimal, digits: int) -> int | None:
    """A finite value in 10**-digits, None where it is finer."""
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number, shift = int("".join(map(str, figures))), exponent + digits
    made, rest = (number * 10**shift, 0) if shift >= 0 else divmod(number, 10**-shift)
    return None if rest else -made if sign else made
