"""What may differ by frame, by symbol, and by symbol on a frame, and how such values are named.

[frames.5m.decision]                    frames.5m.decision.min_alpha
[symbols.BTCUSDT.decision]              symbols.BTCUSDT.decision.min_alpha
[symbols.BTCUSDT.frames.5m.decision]    symbols.BTCUSDT.frames.5m.decision.min_alpha
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import msgspec

from metastackerbandit.config.outline import Key, join, keys, tables
from metastackerbandit.config.outline import children as base_children
from metastackerbandit.domain.timeframe import FRAMES

FRAMES_TABLE, SYMBOLS_TABLE, WAIVERS = "frames", "symbols", "waivers"
PROFILE = "profile"  # the key that a frame has beside its tables
TABLES = ("decision", "sizing", "exits", "costs", "execution", "alignment", "posterior")  # that a book may have of its own
RISK_KEYS = (  # of one book; the others are of the account
    "risk.max_symbol_exposure",
    "risk.unstopped_deviations",
    "risk.max_loss_streak",
    "risk.loss_streak_hours",
    "risk.max_volatility_ratio",
    "risk.quality_bars",
    "risk.max_bad_bars",
    "risk.max_excess_loss",
)


class Scope(NamedTuple):
    """Where a value holds: an empty symbol or frame means every one."""

    symbol: str
    frame: str

    def __str__(self) -> str:
        return " on ".join(part for part in self if part) or "every book"

    @property
    def prefix(self) -> str:
        """The dotted name of its table."""
        parts = ([SYMBOLS_TABLE, self.symbol] if self.symbol else []) + ([FRAMES_TABLE, self.frame] if self.frame else [])
        return ".".join(parts)


EVERYWHERE = Scope("", "")


def book_keys() -> tuple[str, ...]:
    """The base keys that a book may have of its own."""
    return tuple(name for name in keys() if may_differ(name))


def may_differ(name: str) -> bool:
    """Whether a base key or table, by dotted name, may be set for a frame or symbol."""
    return name.split(".")[0] in TABLES or name in RISK_KEYS or name == "risk"


def split(name: str) -> tuple[Scope, str]:
    """The scope of a dotted name, and what stands behind it; an incomplete scope (`symbols`) is no scope."""
    parts = name.split(".")
    symbol = frame = ""
    if parts[0] == SYMBOLS_TABLE and len(parts) > 1 and is_symbol(parts[1]):
        symbol, parts = parts[1], parts[2:]
    if parts[:1] == [FRAMES_TABLE] and len(parts) > 1 and parts[1] in FRAMES:
        frame, parts = parts[1], parts[2:]
    return Scope(symbol, frame), ".".join(parts)


def base_name(name: str) -> str:
    """The key of the whole run that a scope's key is a version of."""
    scope, rest = split(name)
    return "run.profile" if rest == PROFILE and scope != EVERYWHERE else rest


def is_symbol(text: str) -> bool:
    """Whether a name can stand for a symbol: something without spaces or control characters (a dot would end it)."""
    return bool(text) and text.isprintable() and not any(letter.isspace() for letter in text)


@cache
def find_key(name: str) -> Key | None:
    """The key of a dotted name, of the whole run or of one scope."""
    scope, rest = split(name)
    if scope == EVERYWHERE:
        return keys().get(name)
    base = keys().get(base_name(name))
    is_own = not scope.symbol if rest == PROFILE else may_differ(rest)
    return msgspec.structs.replace(base, name=name) if base and is_own else None


def is_table(name: str) -> bool:
    """Whether a dotted name is a table, of the whole run or of one scope."""
    scope, rest = split(name)
    if scope == EVERYWHERE:
        return name in tables() or name in (FRAMES_TABLE, SYMBOLS_TABLE)
    if scope.symbol and not scope.frame and rest == FRAMES_TABLE:
        return True
    return not rest or (rest in tables() and may_differ(rest))


def children(table: str) -> list[str]:
    """Names directly below a table; of `symbols` none, since every symbol may stand there."""
    scope, rest = split(table)
    if scope == EVERYWHERE and not table:
        return [*base_children(""), FRAMES_TABLE, SYMBOLS_TABLE, WAIVERS]
    if rest in (FRAMES_TABLE, SYMBOLS_TABLE):
        return list(FRAMES) if rest == FRAMES_TABLE else []
    if scope == EVERYWHERE:
        return base_children(table)
    if not rest:
        own = [PROFILE] if not scope.symbol else [] if scope.frame else [FRAMES_TABLE]
        return [*own, *(name for name in base_children("") if may_differ(name))]
    return [name for name in base_children(rest) if may_differ(join(rest, name))] if rest == "risk" else base_children(rest)


def scopes_of(names: Iterable[str]) -> list[Scope]:
    """The books that values with these dotted names tell apart: every symbol named with every frame named, and each alone."""
    found = {split(name)[0] for name in names} - {EVERYWHERE}
    symbols = sorted({"", *(scope.symbol for scope in found)})
    frames = sorted({"", *(scope.frame for scope in found)})
    return [Scope(symbol, frame) for symbol in symbols for frame in frames if symbol or frame]
