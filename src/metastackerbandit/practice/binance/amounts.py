"""Prices and amounts as Binance's spot market writes them: always eight decimals."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.simulation.exchange_words import ASSET_DIGITS, ASSET_ONE
from metastackerbandit.simulation.listing import Listing, Sizes


def text8(amount: int) -> str:
    """1e-8 of something as text."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // ASSET_ONE}.{amount % ASSET_ONE:08d}"


ZERO = text8(0)


class Amounts(Struct, frozen=True):
    """What a tick, a lot, and a tick of a lot are in 1e-8."""

    symbol: str
    tick: int
    lot: int
    unit: int

    def price(self, ticks: int) -> str:
        """A price."""
        return text8(ticks * self.tick)

    def size(self, lots: int) -> str:
        """A quantity."""
        return text8(lots * self.lot)

    def quote(self, turnover: int) -> str:
        """An amount of the quote asset, of ticks times lots."""
        return text8(turnover * self.unit)

    def average(self, turnover: int, lots: int) -> str:
        """The price that lots were traded at."""
        return text8(turnover * self.unit * ASSET_ONE // (lots * self.lot)) if lots else ZERO

    def levels(self, levels: list[tuple[int, int]]) -> list[tuple[str, str]]:
        """Prices of a book with their sizes."""
        return [(text8(ticks * self.tick), text8(lots * self.lot)) for ticks, lots in levels]


def amounts_of(listing: Listing, sizes: Sizes) -> Amounts:
    """A listing's amounts."""
    one = listing.instrument
    return Amounts(one.symbol, int(Decimal(one.tick_size).scaleb(ASSET_DIGITS)), sizes.lot, sizes.unit)


def eighths(name: str, value: Decimal) -> int:
    """A parameter's value in 1e-8; raises WireRefusal where it is finer."""
    scaled = value.scaleb(ASSET_DIGITS)
    if scaled != scaled.to_integral_value():
        raise WireRefusal(400, -1111, f"Parameter '{name}' has too much precision.")
    return int(scaled)


def steps_of(name: str, value: Decimal, step: int, refused_by: str) -> int:
    """A parameter's value in steps of so many 1e-8; raises WireRefusal of the filter `refused_by` where it lies between two."""
    amount = eighths(name, value)
    if amount % step:
        raise WireRefusal(400, -1013, f"Filter failure: {refused_by}")
    return amount // step
