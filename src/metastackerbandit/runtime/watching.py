"""Monitors beside a running engine: they hear the rows that go to the journal, and raise alarms; they change nothing by themselves."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import numpy as np

from metastackerbandit.domain.card import ModelCard
from metastackerbandit.domain.inputs import Control, Input
from metastackerbandit.domain.rows import HALT, WARN, AlarmRow
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.evaluation.monitors.answers import alarm_of
from metastackerbandit.evaluation.monitors.catalog import MONITORS, NAMES
from metastackerbandit.evaluation.monitors.hearing import HEAR, blank_alarms, watch_of, with_book
from metastackerbandit.evaluation.monitors.spec import (
    CONFIDENCES,
    DECISION,
    ENDED,
    FILL,
    LEDGER,
    LEFT,
    MATURED,
    OUTCOME,
    PREDICTION,
    TRIP,
    BookTerms,
)
from metastackerbandit.evaluation.monitors.whole_run import ENDS, Watched, own_outcomes, voice_of
from metastackerbandit.evaluation.settings import MonitorSettings
from metastackerbandit.runtime.outcomes import Maturing, Place
from metastackerbandit.runtime.paper import Writer
from metastackerbandit.runtime.replay import moment
from metastackerbandit.storage.run_record import RunRecord

_STALE = NAMES.index("stale_input")


def settings_of(record: RunRecord) -> MonitorSettings:
    """The limits that a run was configured with."""
    return msgspec.convert(tomllib.loads(record.config).get("monitors", {}), MonitorSettings)


def shares_up(record: RunRecord, cards: Iterable[ModelCard]) -> dict[Place, float]:
    """What cards say of UP among directional outputs out of fold, by place; of several for one place the last."""
    found: dict[Place, float] = {}
    for card in cards:
        for place, symbol in enumerate(record.symbols):
            if symbol in card.symbols:
                found[place, frame_ns(card.frame)] = card.share_up
    return found


def books_of(record: RunRecord, cards: Iterable[ModelCard] = ()) -> tuple[BookTerms, ...]:
    """What monitors must know of a run's books; `cards` are those of the versions that answer, the newest last."""
    decision = tomllib.loads(record.config).get("decision", {})
    named = decision.get("min_confidence")
    quantity = decision.get("confidence", CONFIDENCES[0])
    gates = [gate.name for gate in record.gates]
    lengths = getattr(record, "frames", ()) or (record.frame_ns,) * len(record.instruments)
    shares = shares_up(record, cards)
    return tuple(
        BookTerms(
            instrument=place,
            frame_ns=length,
            decides=1,
            unit=instrument.rules().unit,
            share_up=shares.get((place, length), math.nan),
            signal_sd=math.nan,
            fire_rate=math.nan,
            confidence=CONFIDENCES.index(quantity) if quantity in CONFIDENCES else 0,
            min_confidence=math.nan if named is None else float(named),
            confidence_gate=gates.index("confidence") if "confidence" in gates else -1,
        )
        for place, (instrument, length) in enumerate(zip(record.instruments, lengths, strict=True))
    )


class Watching:
    """A sink that listens: every row is heard once, as it is written; state is bounded, and an alarm is told at once.

    `labels` (by instrument and frame, in the layout of LabelRow) are what became of the bars, handed on only once they were known;
    without them the monitors that need outcomes stay UNAVAILABLE. A HALT asks for a pause where the settings say so.
    """

    def __init__(
        self,
        record: RunRecord,
        tell: Callable[[np.ndarray], None],
        labels: Mapping[Place, np.ndarray] | None = None,
        cards: Iterable[ModelCard] = (),
    ) -> None:
        self.settings = settings_of(record)
        self.books: tuple[BookTerms, ...] = books_of(record, cards)
        self.gates = tuple(gate.name for gate in record.gates)
        self.watch = watch_of(self.books, len(self.gates), self.settings)
        self._tell = tell
        self._room = blank_alarms(len(MONITORS))
        self._places: dict[Place, int] = {(book.instrument, book.frame_ns): s for s, book in enumerate(self.books)}
        self._maturing = Maturing(labels or {})
        self._raised: list[np.ndarray] = []
        self._asks_pause = False
        self._newest_order = 0
        self._decided = 0
        self._last_ns = 0

    # -- rows, as a sink takes them ----------------------------------------------------------------------------------

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Hear decisions (N,) with their traces (N, G)."""
        trace = [np.ascontiguousarray(part, kind) for part, kind in ((observed, np.float64), (limit, np.float64), (verdict, np.int8))]
        self._decided += len(rows)
        for n in range(len(rows)):
            self._mature(int(rows["at_ns"][n]))
            self._hear(DECISION, rows, n, int(rows["instrument"][n]), int(rows["at_ns"][n]), *trace)

    def predictions(self, rows: np.ndarray) -> None:
        """Hear predictions; a higher frame that was not heard before gets listeners of its own."""
        for n in range(len(rows)):
            place = (int(rows["instrument"][n]), int(rows["frame_ns"][n]))
            if place not in self._places:
                book = voice_of(self.books, *place)
                self.books, self._places[place] = (*self.books, book), len(self.books)
                self.watch = with_book(self.watch, book)
            self._maturing.hear(rows[n])
            self._hear(PREDICTION, rows, n, self._places[place], int(rows["at_ns"][n]))

    def orders(self, rows: np.ndarray) -> None:
        """Hear that an order left, and how it ended."""
        for n in range(len(rows)):
            book = int(rows["instrument"][n])
            if rows["order"][n] > self._newest_order:
                self._newest_order = int(rows["order"][n])
                self._hear(LEFT, rows, n, book, int(rows["sent_ns"][n]))
            if rows["state"][n] in ENDS:
                self._hear(ENDED, rows, n, book, int(rows["at_ns"][n]))

    def fills(self, rows: np.ndarray) -> None:
        """Hear fills."""
        self._all(FILL, rows, "at_ns")

    def ledger(self, rows: np.ndarray) -> None:
        """Hear postings to books; deposits belong to none."""
        self._all(LEDGER, rows[rows["instrument"] >= 0], "at_ns")

    def trips(self, rows: np.ndarray) -> None:
        """Hear closed round trips."""
        self._all(TRIP, rows, "closed_ns")

    def outcomes(self, rows: np.ndarray) -> None:
        """Hear what arms' own portfolios earned."""
        self._all(OUTCOME, own_outcomes(rows), "at_ns")

    def controls(self, rows: np.ndarray) -> None:
        """Controls are no evidence of anything."""

    def alarms(self, rows: np.ndarray) -> None:
        """Alarms are what monitors say, not what they hear."""

    # -- what comes of it --------------------------------------------------------------------------------------------

    def look(self, now_ns: int) -> None:
        """Raise the alarm of books whose newest bar is too old by now: for a clock that goes on when feeds do not."""
        for s, book in enumerate(self.books):
            heard = self.watch.state_stale_input[s]
            age = (now_ns - int(heard["closed_ns"])) / book.frame_ns
            reading = self.watch.readings[s, _STALE]
            level = HALT if age >= self.settings.stale_halt else WARN
            if not book.decides or heard["decisions"] == 0 or age < self.settings.stale_warn or reading["alarmed"] >= level:
                continue
            reading["alarmed"], reading["level"], reading["quiet"], reading["observed"] = level, level, 0, age
            limit = self.settings.stale_halt if level == HALT else self.settings.stale_warn
            alarm = blank_alarms(1)
            values = AlarmRow(now_ns, book.instrument, _STALE, level, age, limit, book.frame_ns, int(heard["decisions"]))
            alarm[0] = msgspec.structs.astuple(values)
            self._raise(alarm)

    def beside(self, rows: np.ndarray) -> None:
        """Alarms of what looks on beside the rows, such as a twin: told and counted like any, but no row would raise them again."""
        self._pass_on(rows)

    def asks_pause(self) -> bool:
        """Whether a HALT was raised since the last call that is to pause the run; never where `monitors.halt` is false."""
        asked, self._asks_pause = self._asks_pause, False
        return asked

    def watched(self) -> Watched:
        """All that was heard so far, for answers."""
        raised = np.concatenate(self._raised) if self._raised else blank_alarms(0)
        return Watched(self.watch, self.books, self.gates, self.settings, raised, self._decided, self._last_ns)

    def _all(self, kind: int, rows: np.ndarray, time: str) -> None:
        given = np.ascontiguousarray(rows)
        for n in range(len(given)):
            self._hear(kind, given, n, int(given["instrument"][n]), int(given[time][n]))

    def _mature(self, now_ns: int) -> None:
        rows = self._maturing.until(now_ns)
        for n in range(len(rows)):
            place = self._places[int(rows["instrument"][n]), int(rows["frame_ns"][n])]
            self._hear(MATURED, rows, n, place, int(rows["at_ns"][n]))

    def _hear(self, kind: int, rows: np.ndarray, n: int, book: int, at_ns: int, *trace: np.ndarray) -> None:
        self._last_ns = max(self._last_ns, at_ns)
        count = HEAR[kind](self.watch, book, rows, n, *trace, self._room, 0)
        if count:
            self._raise(self._room[:count].copy())

    def _raise(self, alarms: np.ndarray) -> None:
        self._raised.append(alarms)
        self._pass_on(alarms)

    def _pass_on(self, alarms: np.ndarray) -> None:
        self._tell(alarms)
        if self.settings.halt and (alarms["severity"] == HALT).any():
            self._asks_pause = True


class WatchedWriter:
    """A run's journal with monitors listening: rows are written first, then heard; alarms are written like all else."""

    def __init__(self, writer: Writer, watching: Watching) -> None:
        self._writer = writer
        self._watching = watching
        self.flush = writer.flush
        self.heartbeat = writer.heartbeat

    def decisions(self, rows: np.ndarray, observed: np.ndarray, limit: np.ndarray, verdict: np.ndarray) -> None:
        """Write and hear decisions."""
        self._writer.decisions(rows, observed, limit, verdict)
        self._watching.decisions(rows, observed, limit, verdict)

    def alarms(self, rows: np.ndarray) -> None:
        """Write alarms."""
        self._writer.alarms(rows)

    def orders(self, rows: np.ndarray) -> None:
        """Write and hear order states."""
        self._writer.orders(rows)
        self._watching.orders(rows)

    def fills(self, rows: np.ndarray) -> None:
        """Write and hear fills."""
        self._writer.fills(rows)
        self._watching.fills(rows)

    def ledger(self, rows: np.ndarray) -> None:
        """Write and hear postings."""
        self._writer.ledger(rows)
        self._watching.ledger(rows)

    def trips(self, rows: np.ndarray) -> None:
        """Write and hear round trips."""
        self._writer.trips(rows)
        self._watching.trips(rows)

    def controls(self, rows: np.ndarray) -> None:
        """Write and hear controls."""
        self._writer.controls(rows)
        self._watching.controls(rows)

    def outcomes(self, rows: np.ndarray) -> None:
        """Write and hear what arms' own portfolios earned."""
        self._writer.outcomes(rows)
        self._watching.outcomes(rows)

    def predictions(self, rows: np.ndarray) -> None:
        """Write and hear predictions."""
        self._writer.predictions(rows)
        self._watching.predictions(rows)


def with_pauses(inputs: Iterable[Input], watching: Watching) -> Iterator[Input]:
    """A run's inputs, with a pause before the next one where a HALT asks for it: an input like an operator's, and journaled like one."""
    for event in inputs:
        if watching.asks_pause():
            yield Control(moment(event), "pause")
        yield event


def alarm_lines(rows: np.ndarray, record: RunRecord) -> list[str]:
    """Alarm rows in words, one line each."""
    found = []
    for row in rows:
        alarm = alarm_of(row, record.monitors)
        found.append(f"{_when(alarm.at_ns)} {record.symbols[alarm.instrument]} {alarm.frame} {alarm.text}")
    return found


def alarm_summary(rows: np.ndarray, record: RunRecord) -> list[str]:
    """The first alarm of each monitor, book and severity in words, in order of time, and how often it came again: a reading that hovers about
    its limit says one thing, not twenty."""
    kinds = [(int(row["monitor"]), int(row["instrument"]), int(row["frame_ns"]), int(row["severity"])) for row in rows]
    found = []
    for place, line in enumerate(alarm_lines(rows, record)):
        again = [int(rows["at_ns"][k]) for k in range(place + 1, len(kinds)) if kinds[k] == kinds[place]]
        if kinds[place] not in kinds[:place]:
            found.append(line + (f"; {len(again):,} times again until {_when(again[-1])}" if again else ""))
    return found


def _when(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
