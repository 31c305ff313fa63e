"""A connection's grade: never received, green, yellow or red, by its facts; it changes only when these stay so, for better and for worse. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from metastackerbandit.runtime.health import RATED_S, HealthFacts
from metastackerbandit.runtime.settings import HealthSettings

Grade = Literal["never received", "green", "yellow", "red"]
WORSE: dict[Grade, int] = {"green": 0, "yellow": 1, "never received": 2, "red": 3}  # the best first
_AT_EDGES = 2 / RATED_S  # messages a second that the edges of the rated minute cut off


class Judged(Struct, frozen=True):
    """A grade, and the fact that it is for."""

    grade: Grade
    why: str


def judged(facts: HealthFacts, stood_s: float, watched_s: float, limits: HealthSettings) -> Judged:
    """What the facts say of a connection that has stood for `stood_s`, watched for `watched_s`: rate and uptime count after a while."""
    if not facts.is_up:
        return Judged("red" if facts.frames else "never received", "it does not stand")
    if not facts.frames:
        return Judged("never received", "nothing has come")
    if facts.age_s is not None and facts.age_s > limits.red_silence_s:
        return Judged("red", f"silent for {facts.age_s:.0f} s")
    if facts.latency_ms is not None and facts.latency_ms > limits.yellow_latency_ms:
        return Judged("red" if facts.latency_ms > limits.red_latency_ms else "yellow", f"messages are {facts.latency_ms:.0f} ms late")
    if stood_s > RATED_S and facts.rate + _AT_EDGES < limits.yellow_rate:
        return Judged("yellow", f"{facts.rate:.2f} messages a second")
    if watched_s >= limits.uptime_after_s and facts.uptime is not None and facts.uptime < limits.yellow_uptime:
        return Judged("yellow", f"it stood {100 * facts.uptime:.1f} % of the time")
    return Judged("green", "all is within its limits")


class Grading(Struct):
    """Where a connection's grade stands: `since_ns` when it began, `pending` what the newest judgements say instead, `times` in a row."""

    grade: Grade = "never received"
    why: str = "nothing has come"
    since_ns: int = 0
    pending: Grade = "never received"
    times: int = 0

    def hear(self, found: Judged, now_ns: int, limits: HealthSettings) -> bool:
        """Another judgement; whether the grade is another one from now on.

        What is worse must be said `worse_after` times in a row, what is better `better_after` times; the first message of all counts at once.
        """
        if found.grade == self.grade:
            self.why, self.times = found.why, 0
            return False
        is_worse = WORSE[found.grade] > WORSE[self.grade]
        same = self.times > 0 and (WORSE[self.pending] > WORSE[self.grade]) == is_worse
        self.pending = found.grade if not same else min(self.pending, found.grade, key=lambda one: abs(WORSE[one] - WORSE[self.grade]))
        self.times = self.times + 1 if same else 1
        if self.grade != "never received" and self.times < (limits.worse_after if is_worse else limits.better_after):
            return False
        self.grade, self.why, self.since_ns, self.times = self.pending, found.why, now_ns, 0
        return True

    def green_s(self, now_ns: int) -> float:
        """For how long it has been green, in seconds."""
        return (now_ns - self.since_ns) / 1e9 if self.grade == "green" else 0.0
