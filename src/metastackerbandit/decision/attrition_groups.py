"""Groups of decisions by any of their dimensions, and what is counted in each: stages, or a gate's answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.decision.funnel import PREDICTION, entries_of, is_admitted
from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN
from metastackerbandit.domain.rows import REJECTED
from metastackerbandit.domain.timeframe import DAY_NS, SECOND_NS, frame_name

DIMENSIONS = ("gate", "side", "frame", "symbol", "arm", "day")


class Answers(Struct, frozen=True):
    """One gate's answers to a group's `wishes`: `asked` of them got PASS, BLOCK or UNKNOWN, the rest N/A.

    `pass_rate` is passed over asked; `sole` wishes were stopped by it alone, `sole_share` of all wishes; null where there were none.
    """

    wishes: int
    asked: int
    passed: int
    blocked: int
    unknown: int
    not_applicable: int
    pass_rate: float | None
    sole: int
    sole_share: float | None


class Group(Struct, frozen=True):
    """One group: its place in each dimension, and either its stages or a gate's answers."""

    of: dict[str, str]
    stages: dict[str, int] | None
    answers: Answers | None


class Words(Struct, frozen=True):
    """Names of what rows count: gates in the trace's order, a symbol a book, arms."""

    gates: Sequence[str]
    symbols: Sequence[str]
    arms: Sequence[str]


def stage_groups(rows: np.ndarray, orders: np.ndarray, words: Words, by: tuple[str, ...], predictions: np.ndarray | None) -> tuple[Group, ...]:
    """Stages of every group: decisions (N,), the orders of some of them, and predictions where there are any."""
    opined = rows[rows["side"] != 0]
    entries = entries_of(orders)
    entries = entries[np.isin(entries["decision"], rows["decision"])]
    decided = rows[np.searchsorted(rows["decision"], entries["decision"])]
    stood = entries["state"] != REJECTED
    counted: list[tuple[str, np.ndarray]] = [
        ("opinion", opined),
        ("decision", opined[opined["asks_risk"] != 0]),
        ("intent", opined[is_admitted(opined)]),
        ("order", decided[stood]),
        ("fill", decided[stood & (entries["filled"] != 0)]),
    ]
    if predictions is not None and "arm" not in by:
        counted.insert(0, (PREDICTION, predictions[predictions["side"] != 0]))
    keys = [_keys(found, by, words) for _, found in counted]
    known, place = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    ends = np.cumsum([len(key) for key in keys])
    counts = {name: np.bincount(part, minlength=len(known)) for (name, _), part in zip(counted, np.split(place.ravel(), ends[:-1]), strict=True)}
    return tuple(Group(_names(key, by, words), {name: int(count[g]) for name, count in counts.items()}, None) for g, key in enumerate(known))


def gate_groups(wishes: np.ndarray, verdict: np.ndarray, words: Words, by: tuple[str, ...]) -> tuple[Group, ...]:
    """Every gate's answers in every group of wishes (N,) with verdicts (N, G); `by` has the gate among its dimensions."""
    rest = tuple(name for name in by if name != "gate")
    known, place = np.unique(_keys(wishes, rest, words), axis=0, return_inverse=True)
    place = place.ravel()
    size = np.bincount(place, minlength=len(known))
    counts: dict[tuple[int, int], Answers] = {}
    for g in range(len(words.gates)):
        by_verdict = {found: np.bincount(place[verdict[:, g] == found], minlength=len(known)) for found in (NA, PASS, BLOCK, UNKNOWN)}
        alone = np.bincount(place[wishes["sole"] == g], minlength=len(known))
        for group in range(len(known)):
            one = {found: int(count[group]) for found, count in by_verdict.items()}
            counts[g, group] = _answers(int(size[group]), one, int(alone[group]))
    where = by.index("gate")

    def order(cell: tuple[int, int]) -> tuple[int, ...]:
        key = [int(value) for value in known[cell[1]]]
        return (*key[:where], cell[0], *key[where:])

    cells = sorted(product(range(len(words.gates)), range(len(known))), key=order)
    return tuple(Group(_in_order({"gate": words.gates[g], **_names(known[n], rest, words)}, by), None, counts[g, n]) for g, n in cells)


def group_places(rows: np.ndarray, by: tuple[str, ...], words: Words) -> list[dict[str, str]]:
    """The group (dimension -> name) of every row (N,)."""
    return [_names(key, by, words) for key in _keys(rows, by, words)]


def _answers(wishes: int, counts: dict[int, int], sole: int) -> Answers:
    asked = counts[PASS] + counts[BLOCK] + counts[UNKNOWN]
    return Answers(
        wishes=wishes,
        asked=asked,
        passed=counts[PASS],
        blocked=counts[BLOCK],
        unknown=counts[UNKNOWN],
        not_applicable=counts[NA],
        pass_rate=counts[PASS] / asked if asked else None,
        sole=sole,
        sole_share=sole / wishes if wishes else None,
    )


def _keys(rows: np.ndarray, by: tuple[str, ...], words: Words) -> NDArray[np.int64]:
    """A whole number a dimension (N, D): BUY before SELL, frames in ns, symbols and arms by place, days since 1970."""
    found = np.zeros((len(rows), len(by)), np.int64)
    for place, name in enumerate(by):
        if name == "side":
            found[:, place] = rows["side"] == -1
        elif name == "symbol":
            found[:, place] = _symbol_places(words)[rows["instrument"]]
        else:
            found[:, place] = {"frame": lambda: rows["frame_ns"], "arm": lambda: rows["arm"], "day": lambda: rows["closed_ns"] // DAY_NS}[name]()
    return found


def _symbol_places(words: Words) -> NDArray[np.int64]:
    once = list(dict.fromkeys(words.symbols))
    return np.array([once.index(symbol) for symbol in words.symbols], np.int64)


def _names(key: Any, by: tuple[str, ...], words: Words) -> dict[str, str]:
    return {name: _name(name, int(value), words) for name, value in zip(by, key, strict=True)}


def _name(dimension: str, value: int, words: Words) -> str:
    match dimension:
        case "side":
            return "SELL" if value else "BUY"
        case "frame":
            return frame_name(value)
        case "symbol":
            return list(dict.fromkeys(words.symbols))[value]
        case "arm":
            return words.arms[value]
    return utc_day(value)


def utc_day(days: int) -> str:
    """A count of days since 1970 as a date."""
    return datetime.fromtimestamp(days * DAY_NS // SECOND_NS, UTC).strftime("%Y-%m-%d")


def _in_order(of: dict[str, str], by: tuple[str, ...]) -> dict[str, str]:
    return {name: of[name] for name in by}
