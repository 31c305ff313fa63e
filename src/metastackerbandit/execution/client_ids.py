"""The names that our orders have at a venue: made of the run, the decision and the order, so that a replay gives the same ones.

    msb-<run, 8 letters>-<decision>-<order>-<leg>

Numbers are in base 36; a leg is one order at the venue, of which an order that was amended has several. The form keeps to the narrowest pattern of
any venue: 1 to 36 of the letters . A-Z : / a-z 0-9 _ -
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "msb-"
LONGEST = 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MARK = 8  # letters of a run's mark
_FORM = re.compile(rf"msb-([0-9a-z]{{{_MARK}}})-([0-9a-z]{{1,7}})-([0-9a-z]{{1,7}})-([0-9a-z]{{1,7}})")


def run_mark(run: str) -> str:
    """Eight letters that stand for a run's id."""
    number = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8], "big")
    return _text(number % 36**_MARK).rjust(_MARK, "0")


def client_id(mark: str, decision: int, order: int, leg: int) -> str:
    """The name of a leg; numbers are at least 0 and below 36**7 (78 billion), beyond which a ValueError says so."""
    for number in (decision, order, leg):
        if not 0 <= number < 36**7:
            raise ValueError(f"{number} does not fit a client order id")
    return f"{PREFIX}{mark}-{_text(decision)}-{_text(order)}-{_text(leg)}"


def numbers_of(name: str) -> tuple[str, int, int, int] | None:
    """(run's mark, decision, order, leg) of a name that we gave; None for one that somebody else gave."""
    found = _FORM.fullmatch(name)
    if found is None:
        return None
    mark, decision, order, leg = found.groups()
    return mark, int(decision, 36), int(order, 36), int(leg, 36)


def trade_number(trade_id: str) -> int:
    """A venue's id of a fill as a number above 0 that 64 bits hold: the number that it is, else 63 bits of its digest."""
    if trade_id.isdecimal() and 0 < int(trade_id) < 2**63:
        return int(trade_id)
    return int.from_bytes(hashlib.sha256(trade_id.encode()).digest()[:8], "big") >> 1 or 1


def _text(number: int) -> str:
    letters = _DIGITS[number % 36]
    while number := number // 36:
        letters = _DIGITS[number % 36] + letters
    return letters
