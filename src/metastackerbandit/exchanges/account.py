"""What readers of user events share: instruments by their symbol, and text to ticks, lots and exact amounts, by the scanners' own kernels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.errors import MessageRefused
from metastackerbandit.domain.instrument import Instrument
from metastackerbandit.exchanges.decoded import FAULTS, MISTYPED, OFF_GRID, routes_of
from metastackerbandit.exchanges.json_fields import nanoseconds
from metastackerbandit.exchanges.mexc.decimals import read_decimal

MOST_DIGITS = 64  # letters of an amount; venues write some thirty at most
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
MEND = "ask the venue for the account's state, and report the message: its form is not the documented one"


class Grids(Struct, frozen=True, eq=False):
    """A venue's instruments: the place of each symbol, and the steps (S,) Route of its prices and sizes."""

    places: dict[str, int]
    routes: np.ndarray[Any, Any]

    def place(self, symbol: str) -> int:
        """The place of a symbol, -1 for one that nobody asked for."""
        return self.places.get(symbol.upper(), -1)

    def ticks(self, place: int, text: str, where: str) -> int:
        """A price in ticks, 0 for none; MessageRefused where it is not on the grid."""
        return _sound(_steps(text, self.routes[place]["price"]), text, where)

    def ticks_or_none(self, place: int, text: str, where: str) -> int:
        """A price in ticks, 0 where it lies between two of them."""
        found = _steps(text, self.routes[place]["price"])
        return 0 if found == -OFF_GRID else _sound(found, text, where)

    def lots(self, place: int, text: str, where: str) -> int:
        """A size in lots, below zero where the text is; MessageRefused where it is not on the grid."""
        sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
        return sign * _sound(_steps(digits, self.routes[place]["amount"]), text, where)


def grids_of(instruments: Sequence[Instrument]) -> Grids:
    """The grids of these instruments of one venue, in their order."""
    return Grids({one.symbol.upper(): place for place, one in enumerate(instruments)}, routes_of(instruments))


def amount_of(text: str, where: str) -> Decimal:
    """An amount, exact; MessageRefused where the text is none."""
    if len(text) > MOST_DIGITS or not _AMOUNT.fullmatch(text):
        refuse(text, "mistyped", where)
    return Decimal(text)


def stamp_ns(stamp: int, where: str) -> int:
    """A venue's stamp (ms or us) in ns; MessageRefused where it is neither."""
    if not 0 <= stamp < 2**62:
        refuse(stamp, "mistyped", where)
    found = int(nanoseconds(stamp))
    if found < 0:
        refuse(stamp, FAULTS[-found][0], where)
    return found


def refuse(what: object, fault: str, where: str) -> NoReturn:
    """Set a message aside, with the fault's word (exchanges.decoded.FAULTS)."""
    raise MessageRefused(f"{what!r:.80} is {fault}: {dict(FAULTS)[fault]}", where=where, mend=MEND)


def _steps(text: str, steps: Any) -> int:
    """A text's whole steps, or minus the fault."""
    if not 0 < len(text) <= MOST_DIGITS:
        return -MISTYPED
    raw = np.frombuffer(text.encode(), np.uint8)
    decimals, step = (int(number) for number in steps.item())
    return int(read_decimal(raw, 0, len(raw), decimals, step, False))


def _sound(found: int, text: str, where: str) -> int:
    """Steps, which are refused where they are a fault."""
    if found < 0:
        refuse(text, FAULTS[-found][0], where)
    return found
