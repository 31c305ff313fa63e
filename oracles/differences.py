"""Why a trade differs: the named rules by which peers differ from us, and which of them explains a difference."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.recording import Recording
from oracles.compare import Comparison, Difference
from oracles.scenes import Scene
from oracles.trades import Trades

KNOCK_ON = "after "


class Case(Struct, frozen=True, eq=False):
    """A difference where it happened, with all trades of both sides."""

    scene: Scene
    recording: Recording
    ours: Trades
    theirs: Trades
    difference: Difference

    def candle(self, opened_ns: int) -> np.void:
        """The candle that opened then."""
        return self.recording.bars[0][self._place(opened_ns)]

    def candle_before(self, opened_ns: int) -> np.void:
        """The last one before it."""
        return self.recording.bars[0][self._place(opened_ns) - 1]

    def _place(self, opened_ns: int) -> int:
        return int(np.searchsorted(self.recording.bars[0]["opened_ns"], opened_ns))


class Rule(Struct, frozen=True):
    """A rule of a peer that is not ours: what it says in a paragraph, whether a difference comes from it, and the smallest scene that shows it."""

    name: str
    says: str
    explains: Callable[[Case], bool]
    example: Scene


class Explained(Struct, frozen=True, eq=False):
    """A comparison with a rule's name for each difference; None where no rule explains it."""

    comparison: Comparison
    names: tuple[str | None, ...]

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """What no rule explains."""
        return tuple(found for found, name in zip(self.comparison.differences, self.names, strict=True) if name is None)


def explain(scene: Scene, recording: Recording, ours: Trades, theirs: Trades, comparison: Comparison, rules: tuple[Rule, ...]) -> Explained:
    """Name the rule of each difference; one that begins while an explained one was open, in either engine, comes after it."""
    names: list[str | None] = []
    until_ns, cause = -1, ""
    for difference in comparison.differences:
        case = Case(scene, recording, ours, theirs, difference)
        name = next((rule.name for rule in rules if rule.explains(case)), None)
        if name is None and difference.opened_ns <= until_ns:
            name = KNOCK_ON + cause
        if name is not None:
            cause = name.removeprefix(KNOCK_ON)
            until_ns = max(until_ns, difference.closed_ns)
        names.append(name)
    return Explained(comparison, tuple(names))
