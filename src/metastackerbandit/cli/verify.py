"""`msb verify`: what a live run was told, run again through the block driver, and held against what its journal has, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, answering, tell
from metastackerbandit.cli.looking import RunArgument

if TYPE_CHECKING:
    from metastackerbandit.domain.sink import Kept
    from metastackerbandit.engine.plan import Plan
    from metastackerbandit.storage.run_view import RunView


def verify(run: RunArgument = "last", home: HomeFlag = None, json: JsonFlag = False) -> None:
    """Replay a live run's input log in the block driver: the same decisions, orders and fills, or where they part (exit 1)."""
    with answering(json):
        from metastackerbandit.cli.diff import diff_text
        from metastackerbandit.cli.looking import journal_of
        from metastackerbandit.domain.errors import MsbError

        with journal_of(home) as journal:
            payload = verified(journal.run(run))
        tell(payload, f"run {payload['run']}, {payload['inputs']:,} inputs: {diff_text(payload)}", json)
        if not payload["identical"]:
            raise typer.Exit(MsbError.exit_code)


def verified(view: RunView) -> dict[str, Any]:
    """The shape of `msb verify --json`.

    Raises:
        NotFound: no inputs were kept.
        StorageFailed: the plan or the log cannot be read, or the log of a run that ended in order is not whole.
    """
    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.backtest.logged import logged_of, run_logged
    from metastackerbandit.cli.diff import kept_of
    from metastackerbandit.domain.errors import StorageFailed
    from metastackerbandit.domain.sink import MemorySink
    from metastackerbandit.storage.input_log import input_log_path, read_inputs, whole_part

    path = input_log_path(view.home, view.row.run)
    whole, events = whole_part(path), list(read_inputs(path))
    if whole.torn and view.row.state in ("finished", "stopped"):
        what = f"behind its {whole.records:,} whole inputs stand {whole.torn:,} bytes that are none, and the run ended in order"
        raise StorageFailed(what, where=str(path), mend="the log was changed or its disk failed: take it from a copy")
    sink = MemorySink()
    run_logged(plan_kept(view), logged_of(events), sink)
    kept = kept_of(view)
    again = _as_journaled(sink.kept())
    gates = [gate.name for gate in view.row.gates]
    return {"run": view.row.run, "inputs": len(events), "torn": whole.torn, **compared(kept, again, gates), "compared": ["journal", "block"]}


def plan_kept(view: RunView) -> Plan:
    """The plan that a live run was begun with. Raises StorageFailed where it cannot be read."""
    import msgspec

    from metastackerbandit.domain.errors import StorageFailed
    from metastackerbandit.engine.plan import Plan
    from metastackerbandit.storage.input_log import plan_path

    path = plan_path(view.home, view.row.run)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError) as error:
        mend = "read it with the version that wrote it"
        raise StorageFailed(f"the run's plan cannot be read: {error}", where=str(path), mend=mend) from None


def _as_journaled(whole: Kept) -> Kept:
    """The rows as a journal keeps them: of an order its last state."""
    from msgspec import structs

    last = {int(number): place for place, number in enumerate(whole.orders["order"])}
    return structs.replace(whole, orders=whole.orders[[last[number] for number in sorted(last)]])
