"""The block driver over an input log: what a run was told, its venue's reports among it, in the order in which it was told, in one compiled loop.

No venue stands behind it: what orders came to is in the log. The rows it gives are those of the run that wrote the log, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from metastackerbandit.backtest.block import SPARE
from metastackerbandit.backtest.run import flush, refuse
from metastackerbandit.domain.bar import Bar
from metastackerbandit.domain.inputs import (
    CLOSE_EVENT,
    CONTROL_EVENT,
    FUNDING_EVENT,
    MOOD_EVENT,
    OPEN_EVENT,
    PREDICTION_EVENT,
    REPORT_EVENT,
    SECOND_EVENT,
    BarClosed,
    BarOpened,
    Control,
    FundingSettled,
    Input,
    MoodSeen,
    OrderReport,
    OutcomeKnown,
    SecondSeen,
)
from metastackerbandit.domain.kernel import kernel, layout
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.rows import CONTROLS, PAUSE, RESUME
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.sink import Sink
from metastackerbandit.engine.choice import teach
from metastackerbandit.engine.fills import on_report
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.on_market import on_closed, on_control, on_funding, on_mood, on_opened, on_second
from metastackerbandit.engine.on_prediction import on_predicted
from metastackerbandit.engine.plan import Plan, begin, deposit_row
from metastackerbandit.engine.world import Out, World, empty_out

_ROWS = 16_384


class Logged(NamedTuple):
    """An input log as columns: rows of each kind in the order of the log, and which comes when, row << 17 | book << 3 | kind (E,)."""

    order: Any  # (E,) int64
    bars: Any  # (N,) Bar
    opens: Any  # (N, 2) int64 of time and price
    predictions: Any  # (N,) Prediction
    moods: Any  # (N,) MoodSeen
    seconds: Any  # (N,) SecondRow
    funding: Any  # (N,) FundingSettled
    reports: Any  # (N,) OrderReport
    controls: Any  # (N, 2) int64 of time and word
    outcomes: Any  # (N,) OutcomeKnown, from before the first of the others


def logged_of(events: Iterable[Input]) -> Logged:
    """Inputs in the order in which a run took them, as columns."""
    kept: dict[int, list[Any]] = {kind: [] for kind in range(8)}
    order: list[int] = []
    outcomes: list[Any] = []
    for event in events:
        kind, book, values = _row_of(event)
        if kind is None:
            outcomes.append(values)
            continue
        order.append(len(kept[kind]) << 17 | book << 3 | kind)
        kept[kind].append(values)
    return Logged(
        order=np.array(order, np.int64),
        bars=np.array(kept[CLOSE_EVENT], layout(Bar)),
        opens=np.array(kept[OPEN_EVENT], np.int64).reshape(-1, 2),
        predictions=np.array(kept[PREDICTION_EVENT], layout(Prediction)),
        moods=np.array(kept[MOOD_EVENT], layout(MoodSeen)),
        seconds=np.array(kept[SECOND_EVENT], layout(SecondRow)),
        funding=np.array(kept[FUNDING_EVENT], layout(FundingSettled)),
        reports=np.array(kept[REPORT_EVENT], layout(OrderReport)),
        controls=np.array(kept[CONTROL_EVENT], np.int64).reshape(-1, 2),
        outcomes=np.array(outcomes, layout(OutcomeKnown)),
    )


def run_logged(plan: Plan, logged: Logged, sink: Sink) -> World:
    """Run a log from its start; the final world. What was heard only to be warm leaves no rows, as in the run that wrote the log."""
    world = begin(plan)
    teach(world, logged.outcomes)
    out = empty_out(len(GATES), _ROWS, _ROWS, 2 * SPARE)
    sink.ledger(deposit_row(plan))
    first = live_from(logged)
    _taken(world, out, logged._replace(order=logged.order[:first]), None)
    own = logged.order[first:]
    said = logged.predictions[own[own & 7 == PREDICTION_EVENT] >> 17]
    if len(said):
        sink.predictions(said)
    _taken(world, out, logged._replace(order=own), sink)
    return world


def live_from(logged: Logged) -> int:
    """The event with which trading began: behind the first resume of a log that begins with a pause, else the first."""
    if not len(logged.order) or logged.order[0] & 7 != CONTROL_EVENT or logged.controls[0, 1] != PAUSE:
        return 0
    words = np.flatnonzero(logged.order & 7 == CONTROL_EVENT)
    resumed = words[logged.controls[logged.order[words] >> 17, 1] == RESUME]
    return int(resumed[0]) + 1 if len(resumed) else len(logged.order)


def _taken(world: World, out: Out, logged: Logged, sink: Sink | None) -> None:
    """Take every event; the rows of it go to the sink, or to nobody."""
    done = 0
    while done < len(logged.order):
        done, fault = take_logged(world, out, logged, done)
        flush(out, sink)
        out.cursor[0].curve = 0  # nobody asks for a curve of it
        refuse(fault, done)


def _row_of(event: Input) -> tuple[int | None, int, Any]:
    """An input's kind (None for an outcome from before the run), book and row."""
    match event:
        case OutcomeKnown():
            return None, 0, msgspec.structs.astuple(event)
        case Control(at_ns=at_ns, word=word):
            return CONTROL_EVENT, 0, (at_ns, CONTROLS.index(word))
        case MoodSeen(instrument=s):
            return MOOD_EVENT, s, msgspec.structs.astuple(event)
        case SecondSeen(instrument=s, second=second):
            return SECOND_EVENT, s, msgspec.structs.astuple(second)
        case BarClosed(instrument=s, bar=bar):
            return CLOSE_EVENT, s, msgspec.structs.astuple(bar)
        case Prediction(instrument=s):
            return PREDICTION_EVENT, s, msgspec.structs.astuple(event)
        case FundingSettled(instrument=s):
            return FUNDING_EVENT, s, msgspec.structs.astuple(event)
        case BarOpened(instrument=s, at_ns=at_ns, price=price):
            return OPEN_EVENT, s, (at_ns, price)
        case OrderReport(instrument=s):
            return REPORT_EVENT, s, msgspec.structs.astuple(event)


@kernel
def take_logged(world: Any, out: Any, logged: Any, first: int) -> tuple[int, int]:
    """Take events from `first` until all are taken or a row array is nearly full -> (next event, fault)."""
    cursor = out.cursor[0]
    most = min(len(out.orders), len(out.decisions)) - 256
    for e in range(first, len(logged.order)):
        is_full = max(cursor.orders, cursor.ledger, cursor.controls, cursor.outcomes, cursor.decisions, cursor.effects) > most
        if is_full or cursor.curve + 4 > len(out.curve):
            return e, 0
        code = logged.order[e]
        kind = code & 7
        s = code >> 3 & 0x3FFF
        place = code >> 17
        fault = 0
        if kind == OPEN_EVENT:
            fault = on_opened(world, out, s, logged.opens[place, 0], logged.opens[place, 1], False)
        elif kind == CLOSE_EVENT:
            fault = on_closed(world, out, s, logged.bars[place], False)
        elif kind == PREDICTION_EVENT:
            fault = on_predicted(world, out, s, logged.predictions[place], False)
        elif kind == MOOD_EVENT:
            seen = logged.moods[place]
            on_mood(world.seats[s], seen.at_ns, seen.mood, seen.mirror)
        elif kind == SECOND_EVENT:
            on_second(world, s, logged.seconds[place])
        elif kind == FUNDING_EVENT:
            settled = logged.funding[place]
            fault = on_funding(world, out, s, settled.at_ns, settled.rate, settled.mark)
        elif kind == REPORT_EVENT:
            fault = on_report(world, out, logged.reports[place])
        else:
            fault = on_control(world, out, logged.controls[place, 0], logged.controls[place, 1])
        cursor.effects = 0  # what was asked for, and what became of it, is in the log
        if fault != 0:
            return e, fault
    return len(logged.order), 0
