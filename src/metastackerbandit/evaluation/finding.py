"""One row of an issue table: what was found where, how grave it is, the numbers behind it, the mend, and the waiver that lets it pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

CRITICAL, HIGH, MEDIUM, LOW = "critical", "high", "medium", "low"
SEVERITIES = (CRITICAL, HIGH, MEDIUM, LOW)  # the first two stand against a start
OPEN, WAIVED, NOTED = "open", "waived", "ok"

Evidence = dict[str, float | int | str | None]


class Book(Struct, frozen=True):
    """A symbol on a frame; on spot no position can be short."""

    symbol: str
    frame: str
    is_spot: bool = False

    def __str__(self) -> str:
        return f"{self.symbol} {self.frame}"


class Written(Struct, frozen=True):
    """The setting behind a gate's limit: its dotted key, its value (NaN: none is set), and whether somebody wrote it (a default is not)."""

    key: str
    value: float = math.nan
    by_hand: bool = True


class Waiver(Struct, frozen=True):
    """Permission to start with a finding: `key` is a finding's id, its kind and gate, a gate, or a setting; until when (UTC ns), and why."""

    key: str
    until_ns: int
    why: str


class Finding(Struct, frozen=True):
    """`kind` says what it is, `gate` whose (empty: of no gate), `symbol` and `frame` where. Status is open, waived, or ok: worth knowing."""

    id: str
    kind: str
    gate: str
    symbol: str
    frame: str
    severity: str
    status: str
    what: str
    evidence: Evidence
    mend: str
    waiver: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it stands against a start."""
        return self.status == OPEN and self.severity in (CRITICAL, HIGH)


def finding(
    kind: str, gate: str, books: Sequence[Book], severity: str, what: str, evidence: Mapping[str, float | int | str | None], mend: str
) -> Finding:
    """A finding of books of one frame; its id is made of what it is and where, so that the same finding has the same id tomorrow."""
    symbol, frame = ",".join(book.symbol for book in books), books[0].frame
    named = ".".join(part for part in (kind, gate, symbol, frame) if part)
    plain = {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in evidence.items()}
    return Finding(named, kind, gate, symbol, frame, severity, NOTED if severity == LOW else OPEN, what, plain, mend)


def waived(found: Finding, key: str, waivers: Sequence[Waiver], now_ns: int) -> Finding:
    """The finding as it stands now; `key` is the setting behind its limit ("" where none is known), for every book or as a book's own."""
    own = (f"frames.{found.frame}", f"symbols.{found.symbol}", f"symbols.{found.symbol}.frames.{found.frame}")
    keys = (key, *(f"{scope}.{key}" for scope in own)) if key else ()
    names = {found.id, found.kind, f"{found.kind}.{found.gate}", found.gate, *keys} - {""}
    waiver = next((one for one in waivers if one.key in names and now_ns < one.until_ns), None)
    if waiver is None or found.status != OPEN:
        return found
    return structs.replace(found, status=WAIVED, waiver=f"{waiver.key}: {waiver.why}")


def gravest_first(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """By severity, then by where it is."""
    return tuple(sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.frame, one.symbol, one.gate, one.kind)))
