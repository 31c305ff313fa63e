"""A live run whose process was killed, or which left its positions where they were, is taken up by the next one of the same kind in its home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from metastackerbandit.domain.errors import ConfigRefused, Fault, StorageFailed

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session
    from metastackerbandit.domain.sink import Sink
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.plan import Plan
    from metastackerbandit.runtime.recovery import Past, Snapshot
    from metastackerbandit.runtime.replay import Oracle
    from metastackerbandit.storage.input_log import Place
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.run_record import RunRecord, RunRow
    from metastackerbandit.storage.run_view import RunView

_MEND = "run it as it was begun to take it up, `msb flatten` to leave what it holds, or --anew to begin another run beside it"


class Standing(Struct, frozen=True, eq=False):
    """A run that is to be taken up: as its journal has it, the plan it was begun with, and where it trades. `is_checked`: an input was set aside."""

    view: RunView
    plan: Plan
    place: Place
    is_paused: bool


def standing(journal: Journal, session: Session, record: RunRecord, place: Place, leaves: int = 0) -> Standing | None:
    """The newest live run of this venue and market, where it is to be taken up; None where a new one may begin.

    The run `leaves` is taken up only to leave what it holds, whatever is asked for today.

    Raises:
        ConfigRefused: it holds something, and was begun otherwise than this one is.
    """
    from metastackerbandit.cli.verify import plan_kept
    from metastackerbandit.storage.input_log import aside_path, input_log_path, place_kept

    view = newest_live(journal, record.source)
    if view is None:
        return None
    row, kept = view.row, place_kept(journal.home, view.row.run)
    if kept is None or kept.at != place.at or not input_log_path(journal.home, row.run).exists():
        return None  # what it held is gone with its exchange, or nobody can know what it was
    if not has_begun(journal.home, row.run):
        return None  # it was killed before it could ask for anything
    if row.state in ("finished", "stopped") and not holds(view):
        return None
    plan = plan_kept(view)
    why = "" if leaves == row.run else _otherwise(row, record, plan, session.plan, kept, place)
    if why and holds(view):
        raise ConfigRefused(f"run {row.run} holds positions or orders, and {why}", where=f"run {row.run}", mend=_MEND)
    return None if why else Standing(view, plan, kept, aside_path(journal.home, row.run).exists())


def restored(standing: Standing, home: Path, engine: Engine) -> Snapshot | None:
    """Bring a new engine to where the run's newest snapshot was taken; None where there is none that fits its log and today's program."""
    import msgspec

    from metastackerbandit.runtime.recovery import Snapshot
    from metastackerbandit.storage.input_log import input_log_path, snapshot_path

    run = standing.view.row.run
    try:
        kept = msgspec.msgpack.decode(snapshot_path(home, run).read_bytes(), type=Snapshot)
        if kept.end > input_log_path(home, run).stat().st_size:
            return None  # its log lost what it was taken behind
        engine.restore(kept.engine)
    except (OSError, msgspec.DecodeError, Fault):
        return None
    return kept


def replayed(
    standing: Standing, snapshot: Snapshot | None, home: Path, engine: Engine, sink: Sink, predictor: Oracle | None, begins: Callable[[], None]
) -> Past:
    """What the run had come to, by its log behind the snapshot; a predictor hears the candles before that, too.

    Raises:
        StorageFailed: its newest input ends the engine, as it did before; it was set aside.
        Fault: an older one does.
    """
    import msgspec

    from metastackerbandit.runtime.recovery import past_of, replay_log
    from metastackerbandit.storage.input_log import input_log_path, leg_log_path, read_inputs, read_legs, set_last_aside, whole_part

    run = standing.view.row.run
    path, legs = input_log_path(home, run), tuple(read_legs(leg_log_path(home, run)))
    past, start = past_of(standing.plan, legs), 0
    if snapshot is not None:
        past, start = msgspec.structs.replace(snapshot.past, legs=legs), snapshot.end
        if predictor is not None:
            for event in read_inputs(path, stop=start, but_seconds=True):
                predictor.hear(event)
    try:
        replay_log(read_inputs(path, start), past, engine, sink, predictor, begins)
    except Fault as error:
        if past.taken < whole_part(path).records:
            raise
        beside = set_last_aside(path)
        mend = "run again: it is taken up without that input, and paused until `msb resume`"
        raise StorageFailed(f"the newest input of run {run} ends the engine: {error.what}", where=str(beside), mend=mend) from error
    return past


def has_begun(home: Path, run: int) -> bool:
    """Whether a run had come behind the pause of its warm-up."""
    from metastackerbandit.domain.inputs import Control
    from metastackerbandit.storage.input_log import input_log_path, read_inputs, snapshot_path

    if snapshot_path(home, run).exists():
        return True
    events = read_inputs(input_log_path(home, run), but_seconds=True)
    first = next(events, None)
    if not (isinstance(first, Control) and first.word == "pause"):
        return first is not None
    return any(isinstance(one, Control) and one.word == "resume" for one in events)


def newest_live(journal: Journal, source: str = "") -> RunView | None:
    """The newest run on live data, of this source where one is named."""
    from metastackerbandit.storage.input_log import place_path

    found = (one for one in reversed(journal.runs()) if place_path(journal.home, one.run).exists())
    row = next((one for one in found if source in ("", one.source)), None)
    return None if row is None else journal.run(row.run)


def holds(view: RunView) -> bool:
    """Whether a run holds positions, or orders of it work, as far as its journal knows."""
    from metastackerbandit.domain.rows import FILLED

    return bool(view.positions()) or bool((view.orders()["state"] < FILLED).any())


def _otherwise(row: RunRow, record: RunRecord, plan: Plan, today: Plan, kept: Place, place: Place) -> str:
    """In what a run differs from what is asked for today; "" where it is the same."""
    from metastackerbandit.domain.timeframe import frame_name

    if row.symbols != record.symbols or row.frames != record.frames:
        books = ", ".join(f"{symbol}/{frame_name(row.frame_of(b))}" for b, symbol in enumerate(row.symbols))
        return f"it trades {books}"
    if row.mode != record.mode:
        return "its orders go to the account as real money's (--live)" if row.mode == "live" else "it is a paper run (no --live)"
    if row.mode != record.mode:
        return f"it is a {row.mode} run"
    if kept.has_account != place.has_account:
        return f"its orders go to {'an account at the venue' if kept.has_account else 'our own books'}"
    if row.config_hash != record.config_hash:
        return "its configuration was another one"
    if row.models != record.models or row.arm != record.arm:
        return f"{row.arm} of {', '.join(row.models) or 'no models'} decides in it"
    return "" if _bare(plan) == _bare(today) else "its plan was another one"


def _bare(plan: Plan) -> Plan:
    """A plan without what today's price says of the largest order."""
    from msgspec import structs

    books = tuple(structs.replace(book, instrument=structs.replace(book.instrument, max_quantity="1")) for book in plan.books)
    return structs.replace(plan, books=books)
