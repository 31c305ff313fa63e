"""Prices and amounts as Binance's spot market writes them: always eight decimals."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from metastackerbandit.domain.money import BOUND
from metastackerbandit.practice.binance.decimals import ZERO, text8, whole
from metastackerbandit.practice.replies import WireRefusal
from metastackerbandit.simulation.exchange_words import ASSET_DIGITS, ASSET_ONE
from metastackerbandit.simulation.listing import Listing, Sizes


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
    return Amounts(one.symbol, whole(Decimal(one.tick_size), ASSET_DIGITS) or 0, sizes.lot, sizes.unit)


def eighths(name: str, value: Decimal, refused_by: str) -> int:
    """A parameter's value in 1e-8; raises WireRefusal where it is finer, that of the filter `refused_by` where it is beyond what the venue counts."""
    amount = whole(value, ASSET_DIGITS)
    if amount is None:
        raise WireRefusal(400, -1111, f"Parameter '{name}' has too much precision.")
    if amount >= BOUND:
        raise filtered(refused_by)
    return amount


def filtered(name: str) -> WireRefusal:
    """A filter's refusal."""
    return WireRefusal(400, -1013, f"Filter failure: {name}")


def steps_of(name: str, value: Decimal, step: int, refused_by: str) -> int:
    """A parameter's value in steps of so many 1e-8; raises WireRefusal of the filter `refused_by` where it lies between two."""
    amount = eighths(name, value, refused_by)
    if amount % step:
        raise filtered(refused_by)
    return amount // step
