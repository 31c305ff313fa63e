"""The engine as a protocol: step(state, input) -> effects, over the same kernels that the block driver loops."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import numpy as np

from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.effects import AmendOrder, CancelOrder, Decided, Effect, Journaled, SubmitOrder
from metastackerbandit.domain.errors import Fault, IllegalReport
from metastackerbandit.domain.inputs import BarClosed, BarOpened, Control, FundingSettled, Input, MoodSeen, OrderReport, OutcomeKnown, SecondSeen
from metastackerbandit.domain.kernel import kernel, layout, struct_of
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import CONTROLS, ControlRow, DecisionRow, FillRow, LedgerRow, OrderRow, OutcomeRow, TripRow
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.engine.choice import on_outcome
from metastackerbandit.engine.fills import ILLEGAL_STEP, UNKNOWN_ORDER, on_report
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.on_market import on_closed, on_control, on_funding, on_mood, on_opened, on_second
from metastackerbandit.engine.on_prediction import on_predicted
from metastackerbandit.engine.plan import Plan, begin
from metastackerbandit.engine.world import CANCEL, SUBMIT, Cursor, EffectRow, Out, World, empty_out

_ROOM = 64  # rows that one input can cause, a kind: bounded by the working orders of every symbol after a kill


@kernel
def step_closed(world: World, out: Out, s: int, bars: Any, place: int) -> int:
    """A closed candle, from a row of bars."""
    return on_closed(world, out, s, bars[place], False)


@kernel
def step_opened(world: World, out: Out, s: int, at_ns: int, price: int) -> int:
    """A new candle's open."""
    return on_opened(world, out, s, at_ns, price, False)


@kernel
def step_predicted(world: World, out: Out, predictions: Any, place: int) -> int:
    """A prediction, from a row of predictions."""
    return on_predicted(world, out, predictions[place].instrument, predictions[place], False)


@kernel
def step_mood(world: World, s: int, at_ns: int, mood: float, mirror: float) -> None:
    """A mood."""
    on_mood(world.seats[s], at_ns, mood, mirror)


@kernel
def step_second(world: World, s: int, seconds: Any, place: int) -> None:
    """A second of the order book, from a row of seconds."""
    on_second(world, s, seconds[place])


@kernel
def step_report(world: World, out: Out, reports: Any, place: int) -> int:
    """A venue's report, from a row of reports."""
    return on_report(world, out, reports[place])


class Engine:
    """One account trading a plan. Not thread-safe; it does no I/O and knows no clock: time is in the inputs.

    `step` takes one input and returns effects in order: rows for the journal, and orders to act on. Inputs must come in
    time order; a candle's BarOpened comes before its BarClosed.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = begin(plan)
        self._room = _ROOM + len(GATES) + 16 * len(plan.books)
        self._out = empty_out(len(GATES), 4, self._room, 4)
        self._counts = self._out.cursor.view(np.int64)  # one read of all counters: fields of a record are slow to reach from Python
        self._bars = np.zeros(1, layout(Bar))
        self._reports = np.zeros(1, layout(OrderReport))
        self._predictions = np.zeros(1, layout(Prediction))
        self._seconds = np.zeros(1, layout(SecondRow))
        self._now_ns = 0

    def step(self, event: Input) -> list[Effect]:
        """Advance by one input; raises Fault when a promise of a venue or of the caller is broken."""
        fault = self._take(event)
        if fault:
            raise self._fault(fault, event)
        return self._drain()

    @property
    def equity(self) -> int:
        """Cash and the positions at their last marks, money."""
        account = self.world.account[0]
        return int(account.cash + account.marked)

    def snapshot(self) -> bytes:
        """Everything the engine remembers; restoring it and going on equals never having stopped."""
        parts = {name: np.ascontiguousarray(array).tobytes() for name, array in zip(World._fields, self.world, strict=True)}
        return msgspec.msgpack.encode({"plan": _plan_digest(self.plan), "now_ns": self._now_ns, "world": parts})

    def restore(self, snapshot: bytes) -> None:
        """Take up a snapshot of an engine with the same plan; anything else is refused and changes nothing."""
        kept = msgspec.msgpack.decode(snapshot)
        if kept.get("plan") != _plan_digest(self.plan):
            raise Fault(
                "the snapshot was taken under another plan or another version of the engine",
                where="snapshot",
                mend="start anew, or with its own config",
            )
        arrays = {name: np.frombuffer(kept["world"][name], getattr(self.world, name).dtype) for name in World._fields}
        for name, array in arrays.items():
            getattr(self.world, name)[...] = array.reshape(getattr(self.world, name).shape)
        self._now_ns = kept["now_ns"]

    def _take(self, event: Input) -> int:
        world, out = self.world, self._out
        match event:
            case BarOpened(instrument=s, at_ns=at_ns, price=price):
                self._order(at_ns, event)
                return int(step_opened(world, out, s, at_ns, price))
            case BarClosed(instrument=s, bar=bar):
                self._order(bar.known_ns, event)
                self._bars[0] = msgspec.structs.astuple(bar)
                return int(step_closed(world, out, s, self._bars, 0))
            case Prediction():
                self._order(event.at_ns, event)
                self._predictions[0] = msgspec.structs.astuple(event)
                return int(step_predicted(world, out, self._predictions, 0))
            case OutcomeKnown(instrument=s, at_ns=at_ns, arm=arm, cell=cell, outcome=outcome):
                self._order(at_ns, event)
                return int(on_outcome(world, s, arm, cell, outcome))
            case OrderReport():
                self._order(event.at_ns, event)
                self._reports[0] = msgspec.structs.astuple(event)
                return int(step_report(world, out, self._reports, 0))
            case MoodSeen(instrument=s, at_ns=at_ns, mood=mood, mirror=mirror):
                self._order(at_ns, event)
                step_mood(world, s, at_ns, mood, mirror)
                return 0
            case SecondSeen(instrument=s, second=second):
                self._order(second.known_ns, event)
                self._seconds[0] = msgspec.structs.astuple(second)
                step_second(world, s, self._seconds, 0)
                return 0
            case FundingSettled(instrument=s, at_ns=at_ns, rate=rate, mark=mark):
                self._order(at_ns, event)
                return int(on_funding(world, out, s, at_ns, rate, mark))
            case Control(at_ns=at_ns, word=word):
                self._order(at_ns, event)
                return int(on_control(world, out, at_ns, CONTROLS.index(word)))

    def _order(self, at_ns: int, event: Input) -> None:
        if at_ns < self._now_ns:
            raise Fault(
                f"{type(event).__name__} at {at_ns} ns comes after an input at {self._now_ns} ns", where="input", mend="give inputs in time order"
            )
        self._now_ns = at_ns

    def _fault(self, code: int, event: Input) -> Fault:
        if code == UNKNOWN_ORDER:
            return IllegalReport(f"a report for an order that is not working: {event}", where="order", mend="reconcile with the venue")
        if code == ILLEGAL_STEP:
            return IllegalReport(f"a report that the order's life does not allow: {event}", where="order", mend="reconcile with the venue")
        return Fault(f"more working orders than slots after {event}", where="order")

    def _drain(self) -> list[Effect]:
        out = self._out
        counted = self._counts.tolist()
        effects: list[Effect] = []
        if not any(counted):
            return effects
        counts = Cursor(*counted)
        for n in range(counts.decisions):
            effects.append(Decided(struct_of(DecisionRow, out.decisions[n]), out.observed[n].copy(), out.limit[n].copy(), out.verdict[n].copy()))
        for kind, array, count in (
            (OrderRow, out.orders, counts.orders),
            (FillRow, out.fills, counts.fills),
            (LedgerRow, out.ledger, counts.ledger),
            (TripRow, out.trips, counts.trips),
            (ControlRow, out.controls, counts.controls),
            (OutcomeRow, out.outcomes, counts.outcomes),
        ):
            for n in range(count):
                effects.append(Journaled(struct_of(kind, array[n])))
        for n in range(counts.effects):
            effects.append(_effect(out.effects[n]))
        self._counts[:] = 0
        return effects


def _effect(row: Any) -> Effect:
    effect: EffectRow = struct_of(EffectRow, row)
    if effect.what == SUBMIT:
        return SubmitOrder(
            effect.instrument,
            effect.order,
            effect.decision,
            effect.kind,
            effect.lots,
            effect.trigger,
            effect.reduce_only,
            effect.impact,
            effect.at_ns,
        )
    if effect.what == CANCEL:
        return CancelOrder(effect.instrument, effect.order, effect.at_ns)
    return AmendOrder(effect.instrument, effect.order, effect.lots, effect.trigger, effect.at_ns)


def _plan_digest(plan: Plan) -> str:
    shapes = repr([array.dtype for array in begin(plan)])
    return hashlib.sha256(msgspec.json.encode(plan) + shapes.encode()).hexdigest()
