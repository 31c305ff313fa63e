"""A gate looks at one number, compares it with one limit, and answers with a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.kernel import kernel

NA = 0  # the input cannot exist here: listed, never silently passed
PASS = 1
BLOCK = 2
UNKNOWN = 3  # the input should exist and does not: blocks new risk, and is counted

VERDICTS = ("n/a", "pass", "BLOCK", "UNKNOWN")


class GateSpec(Struct, frozen=True):
    """A gate beside its kernel.

    `ask(seen, limits) -> (observed, limit, verdict)`; `sense` says which side of the limit passes ("at most", "at least"),
    `kind` whether it guards safety or judges an opinion, `meaning` what a trader should read. `setting` is the dotted key that holds
    the limit, empty where none does; `by_side` says that the key has a _buy and a _sell beside it; `lead` is what the limit adds to
    the setting. `switch` is the key that turns the gate on, empty where it is always asked. A gate with `states` is no threshold: it blocks by
    what is the case, named by the place that it observed (the last name for larger numbers), and no other limit would let the trade pass.
    `domain` holds the least and the largest value that the observed quantity can have, both ends included: a limit outside of it admits
    everything, or nothing. `off` is the limit that switches the gate off; NaN where that is the end of the domain at which everything passes.
    """

    name: str
    unit: str
    sense: str
    kind: str
    meaning: str
    ask: Callable[..., Any]
    setting: str = ""
    by_side: bool = False
    lead: float = 0.0
    states: tuple[str, ...] = ()
    domain: tuple[float, float] = (-math.inf, math.inf)
    off: float = math.nan
    switch: str = ""

    def is_off(self, limit: float) -> bool:
        """Whether a limit lets everything pass on purpose; one that is not known does not."""
        low, high = self.domain
        if self.sense == "at least":
            return limit <= (low if math.isnan(self.off) else self.off)
        return limit >= (high if math.isnan(self.off) else self.off)


@kernel
def at_most(observed: float, limit: float) -> tuple[float, float, int]:
    """PASS at observed <= limit; NaN is UNKNOWN."""
    if math.isnan(observed) or math.isnan(limit):
        return observed, limit, UNKNOWN
    if observed <= limit:
        return observed, limit, PASS
    return observed, limit, BLOCK


@kernel
def at_least(observed: float, limit: float) -> tuple[float, float, int]:
    """PASS at observed >= limit; NaN is UNKNOWN."""
    if math.isnan(observed) or math.isnan(limit):
        return observed, limit, UNKNOWN
    if observed >= limit:
        return observed, limit, PASS
    return observed, limit, BLOCK


@kernel
def of_wanted(side: int, buy: float, sell: float) -> float:
    """The limit of the side that is wanted (+1, -1); the stricter of two "at least" limits where none is. NaN where nothing is given."""
    if side > 0:
        return buy
    if side < 0 or math.isnan(buy):
        return sell
    return buy if math.isnan(sell) else max(buy, sell)


@kernel
def not_asked(limit: float) -> tuple[float, float, int]:
    """N/A: there is nothing here that this gate could look at."""
    return math.nan, limit, NA
