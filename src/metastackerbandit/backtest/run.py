"""Run a plan over a recording with the block driver, chunk by chunk, so that memory does not grow with history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec import Struct

from metastackerbandit.backtest.block import order_events, run_block
from metastackerbandit.domain.errors import Fault
from metastackerbandit.domain.inputs import CLOSE_EVENT, PREDICTION_EVENT, Control, OutcomeKnown
from metastackerbandit.domain.kernel import joined, layout
from metastackerbandit.domain.prediction import Prediction
from metastackerbandit.domain.recording import FundingRow, MoodRow, Recording
from metastackerbandit.domain.rows import CONTROLS
from metastackerbandit.domain.seconds import SecondRow
from metastackerbandit.domain.sink import Sink
from metastackerbandit.engine.choice import teach
from metastackerbandit.engine.gates import GATES
from metastackerbandit.engine.plan import Plan, begin, deposit_row
from metastackerbandit.engine.world import Out, World, empty_out
from metastackerbandit.simulation.broker import open_venue
from metastackerbandit.simulation.settings import SimulationSettings
from metastackerbandit.simulation.venue import Venue

_DECISIONS = 8_192
_ROWS = 16_384
_SPARE_POINTS = 4  # that the loop wants free before it takes another event


class Block(Struct, frozen=True, eq=False):
    """A recording laid out for the compiled loop; made once, run under as many plans as wanted."""

    bars: np.ndarray
    starts: np.ndarray
    funding: np.ndarray
    funding_starts: np.ndarray
    predictions: np.ndarray
    prediction_starts: np.ndarray
    mood: np.ndarray
    mood_starts: np.ndarray
    seconds: np.ndarray
    second_starts: np.ndarray
    controls: np.ndarray
    outcomes: np.ndarray
    order: np.ndarray


class Result(Struct, frozen=True, eq=False):
    """What a block run leaves besides its rows: the equity curve (T,) in the layout of EquityRow, and the final world."""

    curve: np.ndarray
    world: World
    counts: dict[str, int]


def block_of(
    recording: Recording, controls: Iterable[Control] = (), predictions: Sequence[np.ndarray] = (), outcomes: np.ndarray | None = None
) -> Block:
    """Concatenate the books and order their events; `predictions` (one array a book, or none at all) as in `order_events`.

    `outcomes` (N,) in the layout of OutcomeKnown are what arms earned before the recording begins.
    """
    words = np.array([(control.at_ns, CONTROLS.index(control.word)) for control in controls], np.int64).reshape(-1, 2)
    funding = [series if series is not None else np.zeros(0, layout(FundingRow)) for series in recording.funding]
    predicted = list(predictions) or [np.zeros(0, layout(Prediction))] * len(recording.bars)
    mood = [series if series is not None else np.zeros(0, layout(MoodRow)) for series in recording.mood or (None,) * len(recording.bars)]
    seconds = [series if series is not None else np.zeros(0, layout(SecondRow)) for series in recording.seconds or (None,) * len(recording.bars)]
    return Block(
        bars=joined(recording.bars),
        starts=_starts(recording.bars),
        funding=joined(funding),
        funding_starts=_starts(funding),
        predictions=joined(predicted),
        prediction_starts=_starts(predicted),
        mood=joined(mood),
        mood_starts=_starts(mood),
        seconds=joined(seconds),
        second_starts=_starts(seconds),
        controls=words,
        outcomes=np.zeros(0, layout(OutcomeKnown)) if outcomes is None else outcomes,
        order=order_events(recording, words, predicted),
    )


def _as_they_enter(block: Block) -> np.ndarray:
    """The predictions in the order of events."""
    codes = block.order[block.order & 7 == PREDICTION_EVENT]
    return block.predictions[block.prediction_starts[codes >> 3 & 0x3FFF] + (codes >> 17)]


def _starts(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Where each book's rows begin once they stand one after the other."""
    return np.concatenate(([0], np.cumsum([len(array) for array in arrays])))[:-1].astype(np.int64)


def run(
    plan: Plan,
    block: Block,
    simulation: SimulationSettings,
    sink: Sink | None,
    *,
    lean: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Run from the start; `lean` leaves out the decisions that changed nothing and all traces. `progress(done, all)` counts events."""
    world = begin(plan)
    teach(world, block.outcomes)
    venue = open_venue(plan.instruments, plan.costs, simulation)
    out = empty_out(len(GATES), _DECISIONS, _ROWS, _most_points(block))  # the curve is kept whole, so it is written where it stays
    if sink is not None:
        sink.ledger(deposit_row(plan))
        if len(block.predictions):
            sink.predictions(_as_they_enter(block))
    done = 0
    while done < len(block.order):
        done, fault = advanced(world, out, venue, block, done, lean)
        flush(out, sink)
        refuse(fault, done)
        if progress is not None:
            progress(done, len(block.order))
    account = world.account[0]
    counts = {"decisions": int(account.decisions), "orders": int(account.orders), "fills": int(account.fills), "round_trips": int(account.trips)}
    return Result(out.curve[: out.cursor[0].curve], world, counts)


def _most_points(block: Block) -> int:
    """No book decides more often than its candles close."""
    return int(np.count_nonzero(block.order & 7 == CLOSE_EVENT)) + _SPARE_POINTS


def advanced(world: World, out: Out, venue: Venue, block: Block, first: int, lean: bool) -> tuple[int, int]:
    """Take events from `first` until all are taken or a row array is nearly full -> (next event, fault)."""
    done, fault = run_block(
        world,
        out,
        venue,
        block.bars,
        block.starts,
        block.funding,
        block.funding_starts,
        block.predictions,
        block.prediction_starts,
        block.mood,
        block.mood_starts,
        block.seconds,
        block.second_starts,
        block.controls,
        block.order,
        first,
        lean,
    )
    return done, fault


def refuse(fault: int, event: int) -> None:
    """A fault of engine.orders or engine.fills ends the run."""
    if fault:
        raise Fault(
            f"the engine and the simulated venue disagree (code {fault}) at event {event}",
            where="block driver",
            mend="report this with the run's inputs",
        )


def flush(out: Out, sink: Sink | None) -> None:
    """Hand what stands in the row arrays to a sink, and fill them from the start again."""
    cursor = out.cursor[0]
    if sink is not None:
        n = cursor.decisions
        if n:
            sink.decisions(out.decisions[:n], out.observed[:n], out.limit[:n], out.verdict[:n])
        for take, rows, count in (
            (sink.orders, out.orders, cursor.orders),
            (sink.fills, out.fills, cursor.fills),
            (sink.ledger, out.ledger, cursor.ledger),
            (sink.trips, out.trips, cursor.trips),
            (sink.controls, out.controls, cursor.controls),
            (sink.outcomes, out.outcomes, cursor.outcomes),
        ):
            if count:
                take(rows[:count])
    rewind(out)


def rewind(out: Out) -> None:
    """What stood in the row arrays was taken: they are filled from the start again. The equity curve goes on."""
    cursor = out.cursor[0]
    cursor.decisions = cursor.orders = cursor.fills = 0
    cursor.ledger = cursor.trips = cursor.controls = cursor.outcomes = 0
