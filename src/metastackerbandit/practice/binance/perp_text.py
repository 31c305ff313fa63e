"""Prices, sizes and amounts as Binance USD-M writes them: plain decimals, each with as many digits as its step has, made of whole numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.practice.binance.decimals import ZERO, fixed, text8, whole
from metastackerbandit.simulation.exchange_words import ASSET_ONE


def share(units: int) -> str:
    """A rate in 1e-8 as text, without zeros at its end."""
    return text8(units).rstrip("0").rstrip(".")


class Steps(Struct, frozen=True):
    """An instrument's steps: a tick is `tick` of 10**-`price_digits` of the quote asset, a lot `lot` of 10**-`size_digits` of the base asset."""

    symbol: str
    tick: int
    price_digits: int
    lot: int
    size_digits: int

    @property
    def unit(self) -> int:
        """1e-8 of the quote asset for one tick of one lot."""
        return int(self.tick * self.lot * ASSET_ONE // 10 ** (self.price_digits + self.size_digits))

    def price(self, ticks: int) -> str:
        """A price of the grid."""
        return fixed(ticks * self.tick, self.price_digits)

    def size(self, lots: int) -> str:
        """A size of the grid, of either sign."""
        return fixed(lots * self.lot, self.size_digits)

    def turnover(self, turnover: int) -> str:
        """Ticks times lots in the quote asset."""
        return text8(turnover * self.unit)

    def mean(self, turnover: int, lots: int) -> str:
        """A mean price with eight digits: ticks times lots over lots; 0 without lots."""
        if not lots:
            return ZERO
        return text8((turnover * self.tick * ASSET_ONE // 10**self.price_digits + lots // 2) // lots)

    def levels(self, levels: Sequence[tuple[int, int]]) -> list[tuple[str, str]]:
        """Levels (ticks, lots) as [price, size]."""
        return [(self.price(ticks), self.size(lots)) for ticks, lots in levels]


def steps_of(one: Instrument) -> Steps:
    """The steps of an instrument."""
    tick, price_digits = _step(one.tick_size)
    lot, size_digits = _step(one.lot_size)
    return Steps(one.symbol, tick, price_digits, lot, size_digits)


def _step(text: str) -> tuple[int, int]:
    """A step as a whole number of 10**-digits, and the digits that it is written with."""
    digits = max(-int(Decimal(text).as_tuple().exponent), 0)
    return whole(Decimal(text), digits) or 0, digits
