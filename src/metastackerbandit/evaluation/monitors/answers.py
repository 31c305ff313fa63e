"""What every monitor says of every book at the end of what it heard, in numbers and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from metastackerbandit.domain.rows import HALT, WARN
from metastackerbandit.domain.timeframe import frame_name
from metastackerbandit.evaluation.monitors.catalog import MONITORS
from metastackerbandit.evaluation.monitors.mirror import BESIDE, NOBODY_LOOKED, SOURCE, TWIN, Beside
from metastackerbandit.evaluation.monitors.spec import LEVELS, OK, PREDICTION, UNAVAILABLE, BookTerms, Context, Figures, MonitorSpec
from metastackerbandit.evaluation.monitors.whole_run import Watched


class Answer(Struct, frozen=True):
    """One monitor about one book (`instrument` -1: about the whole run): UNAVAILABLE with a reason, OK, WARN or HALT.

    `observed` is compared with `limit` in `unit`; `counted` says of how many `counts`. NaN where there is no number.
    """

    monitor: str
    question: str
    instrument: int
    frame: str
    status: str
    observed: float
    limit: float
    unit: str
    sense: str
    counted: int
    counts: str
    evidence: str
    figures: Figures
    false_alarm_rate: float
    rate_of: str
    rate_by: str
    heard_ns: int


class Alarm(Struct, frozen=True):
    """When a monitor began to warn, or to call for a halt: at which trade, prediction or decision."""

    monitor: str
    instrument: int
    frame: str
    severity: str
    at_ns: int
    observed: float
    limit: float
    unit: str
    counted: int
    counts: str

    @property
    def text(self) -> str:
        """Such as: WARN execution_side at executed trade 46: 21.4 (limit 20 e-value)."""
        return f"{self.severity} {self.monitor} at {self.counts} {self.counted:,}: {self.observed:,.4g} (limit {self.limit:,.4g} {self.unit})"


def answers(watched: Watched) -> tuple[Answer, ...]:
    """Every monitor about every book, and about a higher frame those that need predictions alone."""
    found = []
    for s, book in enumerate(watched.books):
        for m, monitor in enumerate(MONITORS):
            if book.decides or any(kind == PREDICTION for kind, _ in monitor.hears):
                found.append(_answer(watched, s, m, book, monitor))
    return tuple(found)


def alarms(watched: Watched) -> tuple[Alarm, ...]:
    """Every alarm of the run, in the order in which they were raised."""
    return tuple(alarm_of(row) for row in watched.alarms)


def alarm_of(row: Any, names: tuple[str, ...] = ()) -> Alarm:
    """An alarm row in words; `names` are the run's monitors, today's where none are given."""
    name = (names or tuple(monitor.name for monitor in MONITORS))[int(row["monitor"])]
    listening: tuple[MonitorSpec | Beside, ...] = (*MONITORS, *BESIDE)
    spec = next((monitor for monitor in listening if monitor.name == name), None)
    return Alarm(
        monitor=name,
        instrument=int(row["instrument"]),
        frame=frame_name(int(row["frame_ns"])),
        severity=LEVELS[int(row["severity"])],
        at_ns=int(row["at_ns"]),
        observed=float(row["observed"]),
        limit=float(row["limit"]),
        unit=spec.unit if spec else "",
        counted=int(row["counted"]),
        counts=spec.counts if spec else "count",
    )


def mirror_answers(seen: Mapping[str, Any] | None, raised: Sequence[Alarm]) -> tuple[Answer, ...]:
    """What a run's twin says of the whole run; `seen` is what it told at the run's end (None: nothing), `raised` its alarms until now."""
    twin, source = BESIDE[TWIN], BESIDE[SOURCE]
    if seen is None:
        return tuple(_beside(one, next((alarm for alarm in raised if alarm.monitor == one.name), None)) for one in BESIDE)
    differences = sum(seen["mismatches"].values())
    looked = f"{seen['decisions']:,} decisions, {seen['fills']:,} fills and {seen['settlements']:,} settlements of funding looked at"
    mood, turned = seen["mood"], ", ".join(f"{count:,} at {stage}" for stage, count in seen["source_stages"].items())
    answered = f"{mood['unmirrored']:,} of {mood['answers']:,} answers not mirrored; decisions that they turned: {turned or 'none'}"
    by_source = math.exp(min(mood["log_evidence"], _MOST)) if mood["answers"] else math.nan
    return (
        _beside(twin, None, float(differences), seen["decisions"], f"{looked}; not mirrored: {_counted(seen['mismatches'])}", seen["mismatches"]),
        _beside(source, None, by_source, mood["answers"], answered if mood["answers"] else "no mood was heard", seen["source_stages"]),
    )


_MOST = 27.6  # the logarithm of the largest e-value that is told, 1e12: a larger one says no more


def _counted(by_stage: Mapping[str, int]) -> str:
    return ", ".join(f"{stage}, {count:,} times" for stage, count in by_stage.items()) or "none"


def _beside(
    one: Beside, alarm: Alarm | None, observed: float = math.nan, counted: int = 0, evidence: str = NOBODY_LOOKED, figures: Figures | None = None
) -> Answer:
    if alarm is not None:
        observed, counted, evidence = alarm.observed, alarm.counted, f"as it stood at {alarm.counts} {alarm.counted:,}; the run has not ended"
    level = UNAVAILABLE if math.isnan(observed) else one.severity if observed >= one.limit else OK
    return Answer(
        monitor=one.name,
        question=one.question,
        instrument=-1,
        frame="",
        status=LEVELS[level],
        observed=observed,
        limit=one.limit,
        unit=one.unit,
        sense="at least",
        counted=counted,
        counts=one.counts,
        evidence=evidence,
        figures=dict(figures or {}),
        false_alarm_rate=one.false_alarm_rate,
        rate_of="a run",
        rate_by=one.rate_by,
        heard_ns=alarm.at_ns if alarm is not None else 0,
    )


def _answer(watched: Watched, s: int, m: int, book: BookTerms, monitor: MonitorSpec) -> Answer:
    reading = watched.watch.readings[s, m]
    level, observed, limit = _standing(watched, s, book, monitor, reading)
    evidence: str = monitor.missing
    figures: Figures = {}
    if level != UNAVAILABLE:
        state = getattr(watched.watch, f"state_{monitor.name}")[s]
        memory = getattr(watched.watch, f"memory_{monitor.name}")[s]
        evidence, figures = monitor.told(state, memory, Context(watched.gates, watched.watch.books[s], watched.watch.limits[0]))
    return Answer(
        monitor=monitor.name,
        question=monitor.question,
        instrument=book.instrument,
        frame=frame_name(book.frame_ns),
        status=LEVELS[level],
        observed=observed,
        limit=limit,
        unit=monitor.unit,
        sense=monitor.sense,
        counted=int(reading.counted),
        counts=monitor.counts,
        evidence=evidence,
        figures=figures,
        false_alarm_rate=monitor.false_alarm_rate,
        rate_of=monitor.rate_of,
        rate_by=monitor.rate_by,
        heard_ns=int(reading.heard_ns),
    )


def _standing(watched: Watched, s: int, book: BookTerms, monitor: MonitorSpec, reading: Any) -> tuple[int, float, float]:
    """Level, number and limit at the end; a book that fell silent before the run's last moment is stale, though nothing of it was heard since."""
    level, observed, limit = int(reading.level), float(reading.observed), float(reading.limit)
    if monitor.name == "stale_input" and level != UNAVAILABLE:
        age = (watched.last_ns - int(watched.watch.state_stale_input[s].closed_ns)) / book.frame_ns
        if not observed >= age:
            limits = watched.settings
            level = HALT if age >= limits.stale_halt else (WARN if age >= limits.stale_warn else OK)
            observed, limit = age, limits.stale_halt if level == HALT else limits.stale_warn
    return level, observed, limit


def worst(found: tuple[Answer, ...]) -> str:
    """The worst status among answers; UNAVAILABLE where none of them had data."""
    ranks = {name: level for level, name in LEVELS.items()}
    return LEVELS[max((ranks[answer.status] for answer in found), default=UNAVAILABLE)]
