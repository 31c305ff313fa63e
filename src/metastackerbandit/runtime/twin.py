"""The mirror twin beside a run: before every input it looks at what the engine is about to do, and counts what is not its own mirror image."""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import Effect
from metastackerbandit.domain.inputs import BarClosed, BarOpened, FundingSettled, Input, OrderReport
from metastackerbandit.domain.kernel import layout, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import FILLED, PARTLY_FILLED, AlarmRow
from metastackerbandit.domain.timeframe import frame_ns
from metastackerbandit.engine.engine import Engine
from metastackerbandit.engine.gates import GATE_NAMES, GATES
from metastackerbandit.engine.plan import Plan, begin
from metastackerbandit.engine.twin import (
    BY_ARM,
    BY_GATE,
    SAME,
    STAGES,
    Found,
    approach_closed,
    approach_opened,
    approach_predicted,
    look,
    look_at_fill,
    look_at_funding,
    turn_signals,
    turn_words,
)
from metastackerbandit.engine.world import HALTED, World, empty_out
from metastackerbandit.evaluation.fair_source import Fairness, heard
from metastackerbandit.evaluation.monitors.hearing import blank_alarms
from metastackerbandit.evaluation.monitors.mirror import BESIDE, SOURCE, TWIN
from metastackerbandit.runtime.replay import moment
from metastackerbandit.stacking.names import ARM_NAMES

_ROOM = 64  # rows that one input can cause, a kind, and more for each book
_NOT_COPIED = frozenset({"ghosts"})  # trades that gates prevented decide nothing
_NOT_CLONED = frozenset({"ghosts", "outputs", "sets", "memory", "reals"})  # nor does what is behind the arms' words once they are said


class Mismatch(Struct, frozen=True):
    """The first thing that was not its own mirror image: where, which numbers, and when."""

    stage: str
    what: str
    one: float
    mirrored: float
    book: int
    decision: int
    closed_ns: int


class Seen(Struct, frozen=True):
    """What a twin has seen. `mismatches` counts by stage, `first` is the first of them; `source_mismatches` are decisions that only the mood's
    own source turned, by stage in `source_stages`, the first in `source_first`.

    `alarm` is a sentence, empty where there is none; `alarm_decision` the run's decision at which it first stood (0: none). Any mismatch of the
    engine's own path is an alarm: it is exact, so a fair engine never raises one. The mood's source is judged by a test of its own
    (evaluation.fair_source).
    """

    decisions: int
    fills: int
    settlements: int
    mismatches: dict[str, int]
    source_mismatches: int
    source_stages: dict[str, int]
    mood: Fairness
    first: Mismatch | None
    source_first: Mismatch | None
    alarm: str
    alarm_decision: int


class Twinned(Engine):
    """An engine whose twin looks before every input; it decides as it would alone. `looked_s` are the seconds that looking took.

    `tell` hears the twin's alarms, in the layout of AlarmRow; `first_place` is where its monitors stand in the run's list of monitors.
    """

    def __init__(self, plan: Plan, tell: Callable[[np.ndarray], None] | None = None, first_place: int = 0) -> None:
        super().__init__(plan)
        self.twin = Twin(plan, first_place)
        self.looked_s = 0.0
        self._tell = tell

    def step(self, event: Input) -> list[Effect]:
        """Look, then take the input."""
        started = perf_counter()
        self.twin.before(self.world, event)
        raised = self.twin.raised()
        if len(raised) and self._tell is not None:
            self._tell(raised)
        self.looked_s += perf_counter() - started
        return super().step(event)


class Twin:
    """Looks at copies of an engine's world; it can change nothing.

    Its two monitors (evaluation.monitors.mirror) stand at `first_place` and behind it in the run's list.
    """

    def __init__(self, plan: Plan, first_place: int = 0) -> None:
        self._copies = [begin(plan) for _ in range(3)]
        room = _ROOM + len(GATES) + 16 * len(plan.books)
        self._outs = [empty_out(len(GATES), 4, room, 4) for _ in range(2)]
        self._found = np.zeros(1, layout(Found))
        self._bars, self._reports, self._turned = np.zeros(1, layout(Bar)), np.zeros(1, layout(OrderReport)), np.zeros(1, layout(OrderReport))
        self._predictions = np.zeros(1, layout(Prediction))
        self._own = _bytes_of(self._copies[0], _NOT_COPIED)
        self._clones = [_bytes_of(copy, _NOT_CLONED) for copy in self._copies]
        self._source: World | None = None
        self._has_mood = [book.has_mood for book in plan.books]
        self._frame_ns = [frame_ns(book.frame) for book in plan.books]
        self._mood_ns: dict[int, int] = {}
        self._decisions = self._fills = self._settlements = self._turned_by_source = 0
        self._mismatches: dict[str, int] = {}
        self._by_source: dict[str, int] = {}
        self._mood = Fairness()
        self._first: Mismatch | None = None
        self._first_by_source: Mismatch | None = None
        self._first_place = first_place
        self._raised: list[AlarmRow] = []
        self._alarm_decision = 0
        self._event: Input | None = None
        self._source_alarmed = False

    def before(self, world: World, event: Input) -> None:
        """Look at what `event` will make of the engine's world, which has not taken it yet."""
        self._event = event
        match event:
            case BarClosed(instrument=s, bar=bar):
                if not self._completes(bar, s) and world.seats[s]["awaits"] == 0:
                    return
                self._bars[0] = msgspec.structs.astuple(bar)
                self._copy(world)
                self._decide(world, s, bar.known_ns, approach_closed(self._copies[0], self._outs[0], s, self._bars, 0))
            case BarOpened(instrument=s, at_ns=at_ns, price=price):
                seat = world.seats[s]
                forming = seat["forming"]
                if (forming["parts"] != 0 and at_ns >= forming["ends_ns"]) or seat["awaits"] != 0:
                    self._copy(world)
                    self._decide(world, s, at_ns, approach_opened(self._copies[0], self._outs[0], s, at_ns, price))
            case Prediction(instrument=s, at_ns=at_ns):
                self._predictions[0] = msgspec.structs.astuple(event)
                self._copy(world)
                self._decide(world, s, at_ns, approach_predicted(self._copies[0], self._outs[0], self._predictions, 0))
            case OrderReport(lots=lots, state=state) if lots != 0 and state in (FILLED, PARTLY_FILLED):
                self._reports[0] = msgspec.structs.astuple(event)
                self._copy(world)
                self._fill(event.instrument)
            case FundingSettled(instrument=s, at_ns=at_ns, rate=rate, mark=mark):
                self._copy(world)
                self._settle(s, at_ns, rate, mark)

    def look_at(self, world: World, s: int, now_ns: int) -> Found:
        """Look at the decision that book `s` of a world would take now, its bar closed and its arms' words said."""
        self._copy(world)
        self._forget()
        return self._weigh(s, now_ns)

    def seen(self) -> Seen:
        """What was seen so far."""
        return Seen(
            decisions=self._decisions,
            fills=self._fills,
            settlements=self._settlements,
            mismatches=dict(self._mismatches),
            source_mismatches=self._turned_by_source,
            source_stages=dict(self._by_source),
            mood=self._mood,
            first=self._first,
            source_first=self._first_by_source,
            alarm=self._alarm(),
            alarm_decision=self._alarm_decision,
        )

    def raised(self) -> np.ndarray:
        """Alarms (N,) that were raised since the last call, in the layout of AlarmRow."""
        rows = blank_alarms(len(self._raised))
        for place, alarm in enumerate(self._raised):
            rows[place] = msgspec.structs.astuple(alarm)
        self._raised.clear()
        return rows

    def _completes(self, bar: Bar, s: int) -> bool:
        """Whether a candle is the last of its book's bar."""
        return bar.closed_ns >= (bar.opened_ns // self._frame_ns[s] + 1) * self._frame_ns[s]

    def _decide(self, world: World, s: int, now_ns: int, code: int) -> None:
        plain = self._copies[0]
        closed = int(plain.seats[s]["bars_seen"]) != int(world.seats[s]["bars_seen"])
        if code != HALTED and not closed:
            return
        self._forget()
        self._clone(1)
        if closed:
            turn_words(self._copies[1], world.memory[s], world.reals[s], s, self._found[0])
        if self._found[0].stage != SAME:
            self._count(s)
            return
        if code == HALTED:
            self._weigh(s, now_ns)
            self._decisions += 1
            self._hear_mood(s)
            self._count(s)

    def _weigh(self, s: int, now_ns: int) -> Found:
        """Compare the decision of the first copy with its mirror image."""
        plain, mirrored, sourced = self._copies
        self._clone(1)
        turn_signals(mirrored, s)
        if self._has_mood[s]:
            self._clone(2)
            turn_signals(sourced, s)
        look(plain, mirrored, sourced, self._outs[0], self._outs[1], s, now_ns, self._found[0])
        found: Found = struct_of(Found, self._found[0])
        return found

    def _fill(self, s: int) -> None:
        self._forget()
        self._clone(1)
        look_at_fill(self._copies[0], self._copies[1], self._outs[0], self._outs[1], self._reports, self._turned, self._found[0])
        self._fills += int(self._found[0].compared)
        self._count(s)

    def _settle(self, s: int, at_ns: int, rate: int, mark: int) -> None:
        self._forget()
        self._clone(1)
        look_at_funding(self._copies[0], self._copies[1], self._outs[0], self._outs[1], s, at_ns, rate, mark, self._found[0])
        self._settlements += int(self._found[0].compared)
        self._count(s)

    def _hear_mood(self, s: int) -> None:
        """Every mood once, where the book has a source of it."""
        found = self._found[0]
        at_ns = int(found.mood_ns)
        if self._has_mood[s] and self._mood_ns.get(s, 0) != at_ns:
            self._mood_ns[s] = at_ns
            self._mood = heard(self._mood, float(found.mood), float(found.mirror))
            if self._mood.is_alarm() and not self._source_alarmed:
                self._source_alarmed = True
                self._raise(SOURCE, s, int(found.decision), math.exp(self._mood.log_evidence), self._mood.answers)

    def _count(self, s: int) -> None:
        found: Found = struct_of(Found, self._found[0])
        if found.stage == SAME:
            return
        stage = _name(found)
        what = _WHAT.get(STAGES[found.stage], ())
        named = what[found.place] if found.place < len(what) else ""
        first = Mismatch(stage, named, found.one, found.other, s, found.decision, found.closed_ns)
        if found.source:
            self._turned_by_source += 1
            self._by_source[stage] = self._by_source.get(stage, 0) + 1
            self._first_by_source = self._first_by_source or first
            return
        self._mismatches[stage] = self._mismatches.get(stage, 0) + 1
        if self._first is None:
            self._first = first
            self._raise(TWIN, s, found.decision or int(self._copies[0].account[0].decisions), 1.0, max(self._decisions, 1))

    def _raise(self, which: int, s: int, decision: int, observed: float, counted: int) -> None:
        """Raise an alarm once, at the moment of the event that is looked at."""
        monitor = BESIDE[which]
        place = self._first_place + which
        at_ns = moment(self._event) if self._event is not None else 0
        self._raised.append(AlarmRow(at_ns, s, place, monitor.severity, observed, monitor.limit, self._frame_ns[s], counted))
        self._alarm_decision = self._alarm_decision or decision

    def _alarm(self) -> str:
        if self._first is not None:
            return f"the engine treats the sides differently: {self._first.stage}"
        if self._source_alarmed:
            said = f"the mood's source names the same side on the mirrored market: {self._mood.unmirrored:,} of {self._mood.answers:,} answers"
            gates = [stage for stage in self._by_source if stage.startswith(STAGES[BY_GATE])]
            return f"{said}, which turns {', '.join(gates)}" if gates else said
        return ""

    def _forget(self) -> None:
        self._found.view(np.uint8)[:] = 0

    def _copy(self, world: World) -> None:
        """The engine's world into the first copy."""
        if self._source is not world:
            self._source, self._theirs = world, _bytes_of(world, _NOT_COPIED)
        for mine, theirs in zip(self._own, self._theirs, strict=True):
            mine[:] = theirs
        self._copies[0].seats["ghosts"] = 0

    def _clone(self, place: int) -> None:
        """The first copy into another."""
        for other, first in zip(self._clones[place], self._clones[0], strict=True):
            other[:] = first


_WHAT = {
    "opinion": ("signal", "side", "scale"),
    "sizing": ("alpha", "Kelly bound", "equity", "position", "change of position", "legal lots"),
    "verdict": ("kind", "reason", "asks for new risk", "binding gate", "gates that block", "arm", "wanted position"),
    "order": ("lots sent", "orders", "request", "kind", "lots", "trigger", "reduce-only"),
    "fill": ("equity", "position", "fees", "funding", "round trips", "realised", "net of the trip", "", "", "legality"),
    "funding": ("cash",),
}


def _name(found: Found) -> str:
    """A stage by name, with its gate or arm."""
    stage = STAGES[found.stage]
    if found.stage == BY_GATE:
        return f"{stage} {GATE_NAMES[found.place]}"
    if found.stage == BY_ARM:
        return f"{stage} {ARM_NAMES[found.place]}"
    return stage


def _bytes_of(world: World, without: frozenset[str]) -> list[np.ndarray[Any, Any]]:
    """The arrays of a world as their bytes: numpy copies records field by field, and bytes at once."""
    return [array.reshape(-1).view(np.uint8) for name, array in zip(World._fields, world, strict=True) if name not in without]
