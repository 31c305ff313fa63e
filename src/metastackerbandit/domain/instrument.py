"""An instrument: what is traded, in which exact steps of price and quantity, within which limits."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Literal

from msgspec import Struct

from metastackerbandit.domain.errors import InstrumentRefused
from metastackerbandit.domain.money import BOUND, money_digits, money_text

MOST_TICKS = 2**40  # prices stay below this, so that sums over long windows stay exact


class Instrument(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules of one instrument as its venue states them; sizes are exact decimal text.

    `tick_size` is the price step in quote currency, `lot_size` the quantity step in base currency; quantities are limited
    to [min_quantity, max_quantity] a order and `min_notional` quote. `source` says where the rules come from: shipped, file,
    inferred (from the candles: shown on every report) or the venue's own word.
    """

    symbol: str
    base: str
    quote: str
    market: Literal["spot", "perp"]
    venue: str
    tick_size: str
    lot_size: str
    min_quantity: str
    max_quantity: str
    min_notional: str
    source: Literal["shipped", "file", "inferred", "venue"] = "file"

    @property
    def id(self) -> str:
        """Canonical id, such as BTC-USDT.PERP.BINANCE."""
        return f"{self.base}-{self.quote}.{self.market.upper()}.{self.venue}"

    def rules(self) -> Rules:
        """The same in integers, or InstrumentRefused where they are not exact or 64 bits could overflow."""
        tick, lot = self._decimal("tick_size"), self._decimal("lot_size")
        unit = (tick * lot).scaleb(money_digits(self.quote))
        if unit != unit.to_integral_value() or unit < 1:
            raise self._refused(
                f"one tick of one lot is {tick * lot:f} {self.quote}, not a whole number of money units of 1e-{money_digits(self.quote)}",
                "use a larger lot_size",
            )
        min_lots, max_lots = self._lots("min_quantity", lot), self._lots("max_quantity", lot)
        if max_lots < max(min_lots, 1):
            raise self._refused(f"max_quantity {self.max_quantity} is below min_quantity or one lot", "raise max_quantity")
        max_ticks = min(BOUND // (max_lots * int(unit)), MOST_TICKS)
        if max_ticks < 1_000:
            raise self._refused(
                f"64-bit money overflows at {max_ticks} ticks of {self.max_quantity} {self.base}", "lower max_quantity or use a larger lot_size"
            )
        least = self._decimal("min_notional", zero=True).scaleb(money_digits(self.quote))
        if least != least.to_integral_value():
            raise self._refused(f"min_notional {self.min_notional} is finer than the money unit", "round it")
        return Rules(
            unit=int(unit), min_lots=max(min_lots, 1), max_lots=max_lots, max_ticks=max_ticks, min_notional=int(least), is_spot=self.market == "spot"
        )

    def ticks(self, price: str | Decimal) -> int:
        """Exact price text -> ticks; off-grid, non-positive and overflowing prices are refused."""
        return self._steps(price, "tick_size", "price", self.rules().max_ticks)

    def lots(self, quantity: str | Decimal) -> int:
        """Exact quantity text -> lots (of either sign); off-grid and overflowing quantities are refused."""
        value = Decimal(quantity)
        steps = self._steps(abs(value), "lot_size", "quantity", BOUND, zero=True)
        return -steps if value < 0 else steps

    def price_text(self, ticks: int) -> str:
        """Ticks -> plain decimal text."""
        return format(Decimal(int(ticks)) * self._decimal("tick_size"), "f")

    def quantity_text(self, lots: int) -> str:
        """Lots -> plain decimal text."""
        return format(Decimal(int(lots)) * self._decimal("lot_size"), "f")

    def money_text(self, units: int) -> str:
        """Money units of the quote currency -> plain decimal text."""
        return money_text(units, self.quote)

    def _steps(self, value: str | Decimal, size: str, what: str, most: int, *, zero: bool = False) -> int:
        step = self._decimal(size)
        try:
            steps = Decimal(value) / step
        except InvalidOperation:
            raise self._refused(f"{what} {value!r} is not a number", "write a plain decimal number") from None
        if not steps.is_finite() or steps != steps.to_integral_value():
            raise self._refused(f"{what} {value} is not a multiple of {size} {step:f}", f"round it, or mend the instrument's {size}")
        if steps < 0 or (steps == 0 and not zero):
            raise self._refused(f"{what} {value} is not positive", "check the source")
        if steps > most:
            raise self._refused(f"{what} {value} is beyond what 64-bit money can hold ({most} steps)", "use larger steps")
        return int(steps)

    def _lots(self, field: str, lot: Decimal) -> int:
        lots = self._decimal(field) / lot
        if lots != lots.to_integral_value():
            raise self._refused(f"{field} {getattr(self, field)} is not a multiple of lot_size {self.lot_size}", "mend the rules")
        return int(lots)

    def _decimal(self, field: str, *, zero: bool = False) -> Decimal:
        text = getattr(self, field)
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self._refused(f"{field} {text!r} is not a number", "write a plain decimal number") from None
        if not value.is_finite() or value < 0 or (value == 0 and not zero):
            raise self._refused(f"{field} {text} is not positive", "mend the rules")
        return value

    def _refused(self, what: str, mend: str) -> InstrumentRefused:
        return InstrumentRefused(what, where=self.id, mend=mend)


class Rules(Struct, frozen=True):
    """An instrument's rules for kernels: `unit` is money units for one tick of one lot; the rest in lots, ticks, money."""

    unit: int
    min_lots: int
    max_lots: int
    max_ticks: int
    min_notional: int
    is_spot: bool
