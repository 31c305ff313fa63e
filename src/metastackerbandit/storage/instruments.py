"""Instrument rules: from a file the user gives, from those shipped, else inferred from the candles."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.errors import InstrumentRefused, NotFound
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.domain.money import money_digits
from metastackerbandit.storage.candle_names import Market, base_and_quote, did_you_mean
from metastackerbandit.storage.price_grid import Floats, grid_of, ticks_of
from metastackerbandit.storage.whole_files import write_whole

RULES = "instruments.toml"  # beside candles that a venue gave
_SHIPPED = Path(__file__).with_name("instruments.toml")
_SHIPPED_VENUE = "BINANCE"
_UNNAMED_VENUE = "RECORDED"
_FIELDS = tuple(field for field in Instrument.__struct_fields__ if field != "source")
_ROOM = 20  # times the highest recorded price that must still fit 64-bit money, so that a rally cannot overflow it
_LEAST_ROOM = 4  # where the most ticks a price may have, and not the quantity, is what limits it
_MOST_NOTIONAL = Decimal(10) ** 8  # quote currency a order, of inferred rules
_MIN_NOTIONAL = Decimal(5)  # quote currency, of inferred rules; Binance's for most pairs


def rules_for(symbol: str, market: Market, venue: str, prices: Sequence[Floats], instruments_file: Path | None) -> tuple[Instrument, tuple[str, ...]]:
    """Rules that every recorded price (open, high, low, close columns) obeys, and what a report must say about them."""
    filed = _named(instruments_of(instruments_file, "file"), symbol, market, venue) if instruments_file is not None else None
    if filed is not None:
        _refuse_off_grid(filed, prices, instruments_file)
        if _room(filed, prices) < _LEAST_ROOM:
            what = "max_quantity leaves no room for 64-bit money at the recorded prices"
            raise InstrumentRefused(what, where=f"{instruments_file}, {symbol}", mend="lower max_quantity")
        return filed, ()
    shipped = _named(_shipped(), symbol, market, _SHIPPED_VENUE) if venue in (_SHIPPED_VENUE, _UNNAMED_VENUE) else None
    if shipped is None:
        made = _inferred(symbol, market, venue, prices)
        return made, (f"{symbol}: rules inferred from the candles (tick {made.tick_size}, lot {made.lot_size})",)
    rules = msgspec.structs.replace(shipped, venue=venue)
    notices = () if venue == _SHIPPED_VENUE else (f"{symbol}: the folder names no venue, so the rules are those of Binance",)
    if _first_off(rules, prices) is not None:
        rules, notice = _finer(rules, prices)
        notices = (*notices, notice)
    return _with_room(rules, prices, notices)


def rules_of_capture(seen: Instrument, price: float, instruments_file: Path | None, *, is_exact: bool = False) -> tuple[Instrument, tuple[str, ...]]:
    """Rules for an instrument of which a capture shows the steps (`seen`) and a price: those of the file, those shipped, else as far as it shows
    them; and what a report must say about them. `is_exact` asks for the very steps of `seen`, as a table that was read in them does.

    Raises:
        InstrumentRefused: the file's rules have coarser prices than the capture.
    """
    filed = _named(instruments_of(instruments_file, "file"), seen.symbol, seen.market, seen.venue) if instruments_file is not None else None
    shipped = shipped_rules(seen.symbol, seen.market, seen.venue)
    for known in (filed, shipped):
        if known is not None and _is_fit(known, seen, is_exact=is_exact):
            return known, ()
    if filed is not None:
        what = f"the capture's prices go in steps of {seen.tick_size}, which are finer than tick_size {filed.tick_size}"
        raise InstrumentRefused(what, where=f"{instruments_file}, {seen.symbol}", mend=f'set tick_size = "{seen.tick_size}"')
    base, quote = (seen.symbol, seen.quote) if seen.quote else base_and_quote(seen.symbol)
    bound = Decimal(2**62).scaleb(-money_digits(quote)) / (_ROOM * 2)
    lot = Decimal(seen.lot_size)
    most = Decimal(1).scaleb((min(_MOST_NOTIONAL, bound) / Decimal(price)).adjusted())
    made = msgspec.structs.replace(
        seen, base=base, quote=quote, min_quantity=f"{lot:f}", max_quantity=f"{max(most, lot):f}", min_notional=f"{_MIN_NOTIONAL:f}"
    )
    return made, (f"{seen.symbol}: rules inferred from the capture (tick {made.tick_size}, lot {made.lot_size}, limits as of most pairs)",)


def _is_fit(known: Instrument, seen: Instrument, *, is_exact: bool) -> bool:
    """Whether every price that a capture shows lies on known rules; sizes at rest may be finer than a lot."""
    if is_exact:
        return all(Decimal(getattr(seen, name)) == Decimal(getattr(known, name)) for name in ("tick_size", "lot_size"))
    return Decimal(seen.tick_size) % Decimal(known.tick_size) == 0


def rules_beside(folder: Path) -> Path | None:
    """The file of rules that a venue's candles were downloaded with, None where there is none."""
    found = folder / RULES
    return found if found.is_file() else None


def keep_rules(path: Path, instrument: Instrument) -> None:
    """Write an instrument's rules into a file, in the place of those that it has of the same."""
    held = instruments_of(path) if path.exists() else ()
    kept = [one for one in held if one.id != instrument.id or one.symbol != instrument.symbol]
    tables = []
    for one in sorted([*kept, instrument], key=lambda one: one.symbol):
        tables.append("\n".join(["[[instruments]]", *(f'{field} = "{getattr(one, field)}"' for field in _FIELDS)]))
    told = "# As the venue stated them when its candles were downloaded."
    write_whole(path, ("\n\n".join([told, *tables]) + "\n").encode())


def shipped_rules(symbol: str, market: Market, venue: str) -> Instrument | None:
    """The rules that are shipped for an instrument of a venue, None where there are none."""
    return next((one for one in _shipped() if (one.symbol, one.market, one.venue) == (symbol, market, venue)), None)


def instruments_of(path: Path, source: str = "file") -> tuple[Instrument, ...]:
    """Every instrument of a TOML file, each checked; an unknown or missing key is refused with its place."""
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound("there is no such instruments file", where=str(path), mend="check --instruments") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InstrumentRefused(f"is no TOML: {error}", where=str(path), mend="mend the file") from None
    _check_keys(held, ("instruments",), str(path))
    if not isinstance(held["instruments"], list):
        raise InstrumentRefused("`instruments` is not a list of tables", where=str(path), mend="write instruments = [ { symbol = ... }, ... ]")
    made = tuple(_checked(entry, f"{path}, instrument {place}", source) for place, entry in enumerate(held["instruments"], start=1))
    seen: set[tuple[str, str, str]] = set()
    for one in made:
        key = (one.symbol, one.market, one.venue)
        if key in seen:
            raise InstrumentRefused(f"{one.symbol} is there twice", where=str(path), mend="keep one of them")
        seen.add(key)
    return made


@cache
def _shipped() -> tuple[Instrument, ...]:
    return instruments_of(_SHIPPED, "shipped")


def _checked(entry: Any, where: str, source: str) -> Instrument:
    if not isinstance(entry, dict):
        raise InstrumentRefused("is not a table", where=where, mend=f"write {{ {', '.join(_FIELDS)} }}")
    _check_keys(entry, _FIELDS, where)
    try:
        made = msgspec.convert({**entry, "source": source}, Instrument)
    except msgspec.ValidationError as error:
        raise InstrumentRefused(str(error), where=where, mend='values are text, such as tick_size = "0.01"; market is spot or perp') from None
    made.rules()
    return made


def _check_keys(held: dict[str, Any], wanted: tuple[str, ...], where: str) -> None:
    for key in held:
        if key not in wanted:
            raise InstrumentRefused(f"unknown key {key!r}", where=where, mend=did_you_mean(key, wanted))
    lacking = [key for key in wanted if key not in held]
    if lacking:
        raise InstrumentRefused(f"lacks {', '.join(lacking)}", where=where, mend="state every key of an instrument")


def _named(held: Sequence[Instrument], symbol: str, market: Market, venue: str) -> Instrument | None:
    """The entry of a symbol and market; where a file has several venues, that of the recording."""
    fitting = [one for one in held if one.symbol == symbol and one.market == market]
    return next((one for one in fitting if one.venue == venue), fitting[0] if len(fitting) == 1 else None)


def _first_off(rules: Instrument, prices: Sequence[Floats]) -> tuple[int, float] | None:
    """Row and value of the first recorded price that is no whole number of ticks."""
    for column in prices:
        _, row = ticks_of(column, Decimal(rules.tick_size))
        if row >= 0:
            return row, float(column[row])
    return None


def _refuse_off_grid(rules: Instrument, prices: Sequence[Floats], path: Path | None) -> None:
    off = _first_off(rules, prices)
    if off is not None:
        what = f"price {off[1]!r} in row {off[0] + 1} of the candles is not a multiple of tick_size {rules.tick_size}"
        fits = grid_of(prices)
        mend = f'set tick_size = "{fits:f}", which the candles lie on' if fits is not None else "the candles are finer than any tick: check them"
        raise InstrumentRefused(what, where=f"{path}, {rules.symbol}", mend=mend)


def _finer(rules: Instrument, prices: Sequence[Floats]) -> tuple[Instrument, str]:
    """Shipped rules with the tick that older candles lie on."""
    tick = _grid(rules.symbol, prices)
    unit = tick * Decimal(rules.lot_size)
    if unit.scaleb(money_digits(rules.quote)) % 1 == 0:
        finer = msgspec.structs.replace(rules, tick_size=f"{tick:f}", source="inferred")
    else:
        finer = _inferred(rules.symbol, rules.market, rules.venue, prices)
    told = f"tick {finer.tick_size}, lot {finer.lot_size}"
    return finer, f"{rules.symbol}: the candles do not lie on the shipped tick {rules.tick_size}; rules inferred from them ({told})"


def _inferred(symbol: str, market: Market, venue: str, prices: Sequence[Floats]) -> Instrument:
    base, quote = base_and_quote(symbol)
    tick = _grid(symbol, prices)
    typical, highest = Decimal(float(np.median(prices[-1]))), _highest(prices)
    lot = Decimal(1).scaleb((1 / typical).adjusted())
    while (tick * lot).scaleb(money_digits(quote)) % 1 != 0:
        lot = lot.scaleb(1)
    bound = Decimal(2**62).scaleb(-money_digits(quote)) / (_ROOM * 2)
    most = Decimal(1).scaleb((min(_MOST_NOTIONAL, bound) / highest).adjusted())
    made = Instrument(
        symbol, base, quote, market, venue, f"{tick:f}", f"{lot:f}", f"{lot:f}", f"{max(most, lot):f}", f"{_MIN_NOTIONAL:f}", source="inferred"
    )
    if _room(made, prices) < _LEAST_ROOM:
        what = f"prices up to {highest.normalize():f} in steps of {tick:f} are more ticks than 64-bit money can hold"
        raise InstrumentRefused(what, where=symbol, mend="round the prices, or state the rules in --instruments FILE")
    return made


def _grid(symbol: str, prices: Sequence[Floats]) -> Decimal:
    tick: Decimal | None = grid_of(prices)
    if tick is None:
        raise InstrumentRefused("the candles' prices are finer than ten decimals", where=symbol, mend="round them to the venue's price step")
    return tick


def _with_room(rules: Instrument, prices: Sequence[Floats], notices: tuple[str, ...]) -> tuple[Instrument, tuple[str, ...]]:
    """Lower max_quantity until 64-bit money has room above the highest recorded price."""
    given = rules.max_quantity
    while _room(rules, prices) < _ROOM and Decimal(rules.max_quantity) / 10 >= Decimal(rules.min_quantity):
        lot = Decimal(rules.lot_size)
        fewer = Decimal(rules.max_quantity) / 10 // lot * lot
        rules = msgspec.structs.replace(rules, max_quantity=f"{fewer:f}")
    if _room(rules, prices) < _LEAST_ROOM:
        raise InstrumentRefused("the recorded prices are too high for 64-bit money", where=rules.symbol, mend="state the rules in --instruments FILE")
    if rules.max_quantity != given:
        notices = (*notices, f"{rules.symbol}: max_quantity lowered from {given} to {rules.max_quantity}, so that money stays exact")
    return rules, notices


def _room(rules: Instrument, prices: Sequence[Floats]) -> Decimal:
    """How many times the highest recorded price the rules can hold; 0 where they hold none."""
    try:
        most = rules.rules().max_ticks
    except InstrumentRefused:
        return Decimal(0)
    return most * Decimal(rules.tick_size) / _highest(prices)


def _highest(prices: Sequence[Floats]) -> Decimal:
    return Decimal(max(float(column.max()) for column in prices))
