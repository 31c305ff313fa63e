"""Which of several connections of the same streams is to be taken from: whoever stands and speaks; back to the first only after a while. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from metastackerbandit.runtime.health_grade import WORSE, Grade


class Candidate(Struct, frozen=True):
    """A connection as the choice sees it: its rank (0 is the first), whether it stands and keeps up, grade, lateness, how long it was green, and
    whether it has stood and spoken for long enough that nothing is lost by taking from it."""

    rank: int
    is_up: bool
    is_behind: bool
    grade: Grade
    latency_ms: float | None
    green_s: float
    is_ready: bool = True

    @property
    def is_usable(self) -> bool:
        """Whether anything can be expected of it."""
        return self.is_up and not self.is_behind


class Chosen(Struct, frozen=True):
    """The place of the connection to take from, None where there is none, why it is another one than before ("" where it is not), whether it is the
    first one that is gone back to, and whether the former could have gone on."""

    place: int | None
    why: str = ""
    is_return: bool = False
    is_free: bool = False


def choose(candidates: Sequence[Candidate], active: int | None, failback_s: float) -> Chosen:
    """What to do now. A connection that is down, behind or red is left where another one is better: the least late of the best grade.

    One that has only just come to stand is taken from where there is no other, never by choice.
    """
    usable = [place for place, one in enumerate(candidates) if one.is_usable]
    if not usable:
        return Chosen(None, "" if active is None else _failing(candidates[active]))
    best = min(usable, key=lambda place: _order(candidates[place]))
    if active is None:
        return Chosen(best, "it stands")
    now = candidates[active]
    if not now.is_usable:
        return Chosen(best, _failing(now))
    if now.grade == "red" and candidates[best].is_ready and WORSE[candidates[best].grade] < WORSE["never received"]:
        return Chosen(best, "the former is red", is_free=True)
    if now.rank != 0:
        for place in usable:
            one = candidates[place]
            if one.rank == 0 and one.is_ready and one.grade == "green" and one.green_s >= failback_s:
                return Chosen(place, f"it has been green for {one.green_s:.0f} s", is_return=True, is_free=True)
    return Chosen(active)


def _failing(one: Candidate) -> str:
    return "the former is behind" if one.is_up else "the former ended"


def _order(one: Candidate) -> tuple[bool, int, float, int]:
    return not one.is_ready, WORSE[one.grade], math.inf if one.latency_ms is None else one.latency_ms, one.rank
