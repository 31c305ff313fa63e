"""All monitors as one listener: what they remember, and one compiled port for each kind of row, written from the catalog."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from metastackerbandit.domain.kernel import kernel, layout, row, rows, written
from metastackerbandit.domain.rows import AlarmRow
from metastackerbandit.evaluation.monitors.catalog import MONITORS
from metastackerbandit.evaluation.monitors.spec import DECISION, KINDS, UNAVAILABLE, BookTerms, MonitorSpec
from metastackerbandit.evaluation.settings import MonitorSettings


class Reading(Struct, frozen=True):
    """What a monitor last saw of a book, when it last heard anything, the level it was alarmed at, and readings without alarm since."""

    observed: float
    limit: float
    level: int
    counted: int
    heard_ns: int
    heard: int
    alarmed: int
    quiet: int


_FIELDS = ("limits", "books", "readings", *(f"{part}_{monitor.name}" for monitor in MONITORS for part in ("state", "memory")))
_made: Any = namedtuple  # its fields are known when the catalog is
Watch: Any = _made("Watch", _FIELDS)
"""Arrays only: limits (1,), books (S,), readings (S, M); of each monitor its states (S,) and floats (S, N)."""

# The field that says when a row of each kind happened, in the order of spec.KINDS.
TIMES = ("at_ns", "at_ns", "at_ns", "sent_ns", "at_ns", "at_ns", "at_ns", "closed_ns", "at_ns")


def watch_of(books: Sequence[BookTerms], gates: int, settings: MonitorSettings) -> Any:
    """Listeners that have heard nothing, one a book, for a trace of so many gates."""
    terms = rows(BookTerms, len(books))
    for place, book in enumerate(books):
        terms[place] = row(book)[0]
    arrays = [row(settings), terms, np.repeat(_unread(), len(books), axis=0)]
    for monitor in MONITORS:
        arrays.append(rows(monitor.state, len(books)))
        arrays.append(np.zeros((len(books), max(monitor.memory(gates), 1))))
    return Watch(*arrays)


def with_book(watch: Any, book: BookTerms) -> Any:
    """The same listeners, and one more that has heard nothing."""
    grown = [np.concatenate((array, np.zeros_like(array[:1]))) for array in watch[1:]]
    grown[0][-1] = row(book)[0]
    grown[1][-1] = _unread()[0]
    return Watch(watch.limits, *grown)


def _unread() -> np.ndarray:
    """Readings (1, M) of monitors that have heard nothing: without data no answer is good."""
    blank = np.zeros((1, len(MONITORS)), layout(Reading))
    blank["level"] = UNAVAILABLE
    blank["observed"] = blank["limit"] = math.nan
    return blank


@kernel
def weigh(readings: Any, book: Any, limits: Any, m: int, at_ns: int, reading: Any, alarms: Any, count: int) -> int:
    """Keep a reading; one that is worse than what was alarmed about is an alarm row, and long quiet makes the next one news again."""
    observed, limit, level, counted = reading
    kept = readings[m]
    kept.observed = observed
    kept.limit = limit
    kept.level = level
    kept.counted = counted
    kept.heard_ns = at_ns
    kept.heard += 1
    if level > 0:
        kept.quiet = 0
    else:
        kept.quiet += 1
        if kept.quiet >= limits.quiet_steps:
            kept.alarmed = 0
    if level <= kept.alarmed:
        return count
    kept.alarmed = level
    alarm = alarms[count]
    alarm.at_ns = at_ns
    alarm.instrument = book.instrument
    alarm.monitor = m
    alarm.severity = level
    alarm.observed = observed
    alarm.limit = limit
    alarm.frame_ns = book.frame_ns
    alarm.counted = counted
    return count + 1


def _steps(kind: int) -> list[tuple[int, MonitorSpec, Any]]:
    return [(m, monitor, step) for m, monitor in enumerate(MONITORS) for heard, step in monitor.hears if heard == kind]


def _port(kind: int) -> Any:
    """hear(watch, s, rows, n, alarms, count) -> count of alarm rows filled so far; a decision's also takes its trace (N, G)."""
    trace = ", observed, limit, verdict" if kind == DECISION else ""
    seen = ", observed[n], limit[n], verdict[n]" if kind == DECISION else ""
    lines = [f"def hear_{KINDS[kind]}(watch, s, rows, n{trace}, alarms, count):", "    event = rows[n]"]
    lines += ["    limits = watch.limits[0]", "    book = watch.books[s]", f"    at_ns = event.{TIMES[kind]}"]
    names: dict[str, Any] = {"weigh": weigh}
    for m, monitor, step in _steps(kind):
        held = f"watch.state_{monitor.name}[s], watch.memory_{monitor.name}[s], book, limits"
        lines.append(f"    step_{m}({held}, event{seen})")
        lines.append(f"    count = weigh(watch.readings[s], book, limits, {m}, at_ns, read_{m}({held}), alarms, count)")
        names |= {f"step_{m}": step, f"read_{m}": monitor.read}
    lines.append("    return count\n")
    return kernel(written(f"hear_{KINDS[kind]}", "\n".join(lines), names, __name__))


HEAR: tuple[Any, ...] = tuple(_port(kind) for kind in range(len(KINDS)))
"""One port for each kind of row, in the order of spec.KINDS; each fills at most as many alarm rows as there are monitors."""

_ARRAYS = ", ".join(KINDS)
_SOURCE = f"def hear_all(watch, order, first, {_ARRAYS}, observed, limit, verdict, alarms):\n    count = 0\n"
_SOURCE += f"    for e in range(first, len(order)):\n        if count + {len(MONITORS)} > len(alarms):\n            return e, count\n"
_SOURCE += "        kind = order[e, 0]\n        n = order[e, 1]\n        s = order[e, 2]\n"
for _kind, _name in enumerate(KINDS):
    _seen = ", observed, limit, verdict" if _kind == DECISION else ""
    _SOURCE += (
        f"        {'if' if _kind == 0 else 'elif'} kind == {_kind}:\n            count = hear_{_name}(watch, s, {_name}, n{_seen}, alarms, count)\n"
    )
_SOURCE += "    return len(order), count\n"

hear_all = kernel(written("hear_all", _SOURCE, {f"hear_{name}": port for name, port in zip(KINDS, HEAR, strict=True)}, __name__))
"""hear_all(watch, order (E, 3) of kind, place, book; first; rows of each kind; the trace; alarms) -> (next event, alarm rows filled)."""


def blank_alarms(count: int) -> np.ndarray:
    """Room for alarm rows."""
    return rows(AlarmRow, count)
