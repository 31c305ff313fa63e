"""The block driver: a recording through engine and venue in one compiled loop, giving the rows that streaming gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metastackerbandit.domain.inputs import CLOSE_EVENT, CONTROL_EVENT, FUNDING_EVENT, MOOD_EVENT, OPEN_EVENT, PREDICTION_EVENT, SECOND_EVENT
from metastackerbandit.domain.kernel import inlined, kernel
from metastackerbandit.domain.recording import Recording
from metastackerbandit.engine.fills import on_report
from metastackerbandit.engine.on_market import on_closed, on_control, on_funding, on_mood, on_opened, on_second
from metastackerbandit.engine.on_prediction import on_predicted
from metastackerbandit.engine.world import AMEND, CANCEL, SUBMIT
from metastackerbandit.simulation.venue import amend, at_close, at_open, cancel, inside, submit

SPARE = 256  # rows that must be free before the next event is taken


def order_events(recording: Recording, controls: np.ndarray, predictions: Sequence[np.ndarray]) -> np.ndarray:
    """Every event of a recording (E,) int64 in order of time, kind, book, row: row << 17 | book << 3 | kind.

    At one instant controls come first, then moods, seconds of the order book, closes, predictions, funding, opens: what closed is decided
    on before the next price trades. Rows count within the book's own array; `controls` (C, 2) int64 holds time and word, `predictions` one
    array a book in the layout of Prediction, in order of `at_ns` and at one instant the highest frame first.
    """
    times, codes = [], []
    for s, bars in enumerate(recording.bars):
        count = np.arange(len(bars), dtype=np.int64) << 17 | s << 3
        times += [bars["known_ns"], bars["opened_ns"]]
        codes += [count | CLOSE_EVENT, count | OPEN_EVENT]
        mood = recording.mood[s] if recording.mood else None
        said = predictions[s] if predictions else None
        seconds = recording.seconds_at(s)
        for series, kind in ((mood, MOOD_EVENT), (seconds, SECOND_EVENT), (recording.funding[s], FUNDING_EVENT), (said, PREDICTION_EVENT)):
            if series is not None:
                times.append(series["known_ns" if kind == SECOND_EVENT else "at_ns"])
                codes.append(np.arange(len(series), dtype=np.int64) << 17 | s << 3 | kind)
    times.append(controls[:, 0])
    codes.append(np.arange(len(controls), dtype=np.int64) << 17 | CONTROL_EVENT)
    at, code = np.concatenate(times), np.concatenate(codes)
    return code[np.lexsort((code & 0x1FFFF, code & 7, at))]


@inlined
def pump(world: Any, out: Any, venue: Any) -> int:
    """Act on every effect, oldest first, and hand each answer back at once."""
    cursor = out.cursor[0]
    done = 0
    while done < cursor.effects:
        effect = out.effects[done]
        done += 1
        n = 0
        if effect.what == SUBMIT:
            n = submit(
                venue, effect.instrument, effect.order, effect.kind, effect.lots, effect.trigger, effect.reduce_only, effect.impact, effect.at_ns
            )
        elif effect.what == CANCEL:
            n = cancel(venue, effect.instrument, effect.order, effect.at_ns)
        elif effect.what == AMEND:
            n = amend(venue, effect.instrument, effect.order, effect.lots, effect.trigger)
        for k in range(n):
            fault = on_report(world, out, venue.answers[k])
            if fault != 0:
                return fault
    cursor.effects = 0
    return 0


@kernel
def pump_apart(world: Any, out: Any, venue: Any) -> int:
    """pump, compiled once for where little is asked for."""
    return pump(world, out, venue)


@inlined
def deliver(world: Any, out: Any, venue: Any, n: int) -> int:
    """Hand the venue's first `n` reports to the engine, then act on what it asks for."""
    fault = 0
    for k in range(n):
        if fault == 0:
            fault = on_report(world, out, venue.reports[k])
    if fault == 0 and out.cursor[0].effects > 0:
        fault = pump(world, out, venue)
    return fault


@kernel
def run_block(
    world: Any,
    out: Any,
    venue: Any,
    bars: Any,
    starts: Any,
    funding: Any,
    funding_starts: Any,
    predictions: Any,
    prediction_starts: Any,
    mood: Any,
    mood_starts: Any,
    seconds: Any,
    second_starts: Any,
    controls: Any,
    order: Any,
    first: int,
    lean: bool,
) -> tuple[int, int]:
    """Take events from `first` until all are taken or a row array is nearly full -> (next event, fault).

    `bars`, `funding`, `predictions`, `mood` and `seconds` hold all books one after the other, `starts` (S,) where each begins. `lean`
    leaves out the rows of decisions that change nothing; everything else is the same.
    """
    cursor = out.cursor[0]
    spare = 256
    most = min(len(out.orders), len(out.effects)) - spare
    for e in range(first, len(order)):
        if (
            cursor.orders > most
            or cursor.ledger > most
            or cursor.controls > most
            or cursor.outcomes > most
            or cursor.curve + 4 > len(out.curve)
            or cursor.decisions + 4 > len(out.decisions)
        ):
            return e, 0
        code = order[e]
        kind = code & 7
        s = code >> 3 & 0x3FFF
        place = code >> 17
        fault = 0
        reports = 0
        if kind == OPEN_EVENT:
            bar = bars[starts[s] + place]
            fault = on_opened(world, out, s, bar.opened_ns, bar.open, lean)
            if fault == 0 and cursor.effects > 0:
                fault = pump_apart(world, out, venue)
            if fault == 0 and venue.desks[s].resting > 0:
                reports = at_open(venue, s, bar.opened_ns, bar.open)
        elif kind == CLOSE_EVENT:
            bar = bars[starts[s] + place]
            if venue.desks[s].resting > 0:
                fault = deliver(world, out, venue, inside(venue, s, bar.closed_ns, bar.open, bar.low, bar.high))
            if fault == 0:
                fault = on_closed(world, out, s, bar, lean)
            if fault == 0 and venue.desks[s].at_close != 0:
                if cursor.effects > 0:
                    fault = pump_apart(world, out, venue)
                reports = at_close(venue, s, bar.known_ns, bar.close)
        elif kind == PREDICTION_EVENT:
            fault = on_predicted(world, out, s, predictions[prediction_starts[s] + place], lean)
        elif kind == MOOD_EVENT:
            seen = mood[mood_starts[s] + place]
            on_mood(world.seats[s], seen.at_ns, seen.mood, seen.mirror)
        elif kind == SECOND_EVENT:
            on_second(world, s, seconds[second_starts[s] + place])
        elif kind == FUNDING_EVENT:
            settled = funding[funding_starts[s] + place]
            fault = on_funding(world, out, s, settled.at_ns, settled.rate, settled.mark)
        else:
            fault = on_control(world, out, controls[place, 0], controls[place, 1])
        if fault == 0 and (reports > 0 or cursor.effects > 0):
            fault = deliver(world, out, venue, reports)
        if fault != 0:
            return e, fault
    return len(order), 0
