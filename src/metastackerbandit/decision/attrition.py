"""Attrition: the funnel taken apart by gate, side, frame, symbol, arm or day, and whether a gate treats both sides alike.

A group without `gate` counts stages; a group with it counts one gate's answers to the wishes for new risk. BLOCK and UNKNOWN are
counted apart. Whether a gate passes BUY and SELL alike is Fisher's exact test on its 2 x 2 table (Fisher 1935, The Design of
Experiments), two-sided; a gate is named where that is beyond chance on enough wishes of each side (method 5.5).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from msgspec import Struct, field

from metastackerbandit.decision.attrition_groups import DIMENSIONS, Group, Words, gate_groups, stage_groups
from metastackerbandit.decision.funnel import NOTABLE_SHARE
from metastackerbandit.domain.errors import UsageError

CHANCE = 1e-4  # p below which a difference between the sides is not put down to chance
LEAST_WISHES = 50  # of each side, for that
LEAST_GROUP = 10  # wishes of a group below which a kill is not worth a sentence


class Passed(Struct, frozen=True):
    """How many of those asked passed."""

    passed: int
    asked: int


class Symmetry(Struct, frozen=True):
    """A gate's pass rate by side; `p` is Fisher's exact two-sided chance of such a difference, null where a side was not asked."""

    of: dict[str, str]
    buy: Passed = field(name="BUY")
    sell: Passed = field(name="SELL")
    p: float | None


class Attrition(Struct, frozen=True):
    """Groups in the order of `by`; the sides of each gate compared, where gates are told apart."""

    by: tuple[str, ...]
    groups: tuple[Group, ...]
    symmetry: tuple[Symmetry, ...]
    findings: tuple[str, ...]


def dimensions_of(text: str) -> tuple[str, ...]:
    """The dimensions that `gate,side,frame` names."""
    wanted = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    strange = [word for word in wanted if word not in DIMENSIONS]
    if strange or not wanted:
        raise UsageError(f"{', '.join(strange) or 'nothing'!r} is nothing to group by", where="--by", mend=f"use some of {', '.join(DIMENSIONS)}")
    return wanted


def attrition(
    rows: np.ndarray, orders: np.ndarray, verdict: np.ndarray, words: Words, by: tuple[str, ...], *, predictions: np.ndarray | None = None
) -> Attrition:
    """Group decisions (N,) with verdicts (N, G) and the last states of orders (M,).

    `predictions` (P,) have instrument, closed_ns and side, awake ones of the decisions' own frames; None without any. They have no arm.
    """
    if "gate" not in by:
        return Attrition(by, stage_groups(rows, orders, words, by, predictions), (), ())
    wishes = rows["asks_risk"] != 0
    groups = gate_groups(rows[wishes], verdict[wishes], words, by)
    apart = groups if "side" in by else gate_groups(rows[wishes], verdict[wishes], words, (*by, "side"))
    symmetry = _symmetry(apart)
    return Attrition(by, groups, symmetry, (*_kills(groups), *_unequal(symmetry)))


def fisher(one: Passed, other: Passed) -> float | None:
    """Fisher's exact two-sided p of two pass rates; None where nothing was asked of one."""
    from scipy.stats import fisher_exact

    if one.asked == 0 or other.asked == 0:
        return None
    return float(fisher_exact([[one.passed, one.asked - one.passed], [other.passed, other.asked - other.passed]]).pvalue)


def _symmetry(groups: Iterable[Group]) -> tuple[Symmetry, ...]:
    """The two sides of each gate, group by group."""
    sides: dict[tuple[str, ...], dict[str, Passed]] = {}
    places: dict[tuple[str, ...], dict[str, str]] = {}
    for group in groups:
        of = {name: value for name, value in group.of.items() if name != "side"}
        if group.answers is not None:
            places[tuple(of.values())] = of
            sides.setdefault(tuple(of.values()), {})[group.of["side"]] = Passed(group.answers.passed, group.answers.asked)
    none = Passed(0, 0)
    pairs = ((places[key], found.get("BUY", none), found.get("SELL", none)) for key, found in sides.items())
    return tuple(Symmetry(of, buy, sell, fisher(buy, sell)) for of, buy, sell in pairs if buy.asked or sell.asked)


def _kills(groups: Iterable[Group]) -> list[str]:
    """Gates that alone stopped a group, or nearly."""
    found = []
    for group in groups:
        answers = group.answers
        if answers is not None and answers.wishes >= LEAST_GROUP and answers.sole >= NOTABLE_SHARE * answers.wishes:
            rest = " ".join(value for name, value in group.of.items() if name != "gate")
            found.append(f"{group.of['gate']} alone stopped {answers.sole} of {answers.wishes} {rest}".rstrip())
    return found


def _unequal(symmetry: Iterable[Symmetry]) -> list[str]:
    """Gates that do not treat the sides alike, beyond chance."""
    found = []
    for one in symmetry:
        if one.p is not None and one.p < CHANCE and min(one.buy.asked, one.sell.asked) >= LEAST_WISHES:
            rest = "".join(f" on {value}" for name, value in one.of.items() if name != "gate")
            passed = f"{one.buy.passed} of {one.buy.asked} BUY and {one.sell.passed} of {one.sell.asked} SELL"
            found.append(f"{one.of['gate']} passes {passed}{rest}: not by chance (Fisher exact p {one.p:.2g})")
    return found
