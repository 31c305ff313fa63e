"""`msb diff`: two runs, or both drivers, compared to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market
from metastackerbandit.domain.errors import MsbError, UsageError

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session
    from metastackerbandit.domain.sink import Kept
    from metastackerbandit.storage.run_view import RunView


@on_market()
def diff(
    wanted: Wanted,
    runs: Annotated[list[str] | None, typer.Argument(help="Two runs of the journal: number, identity or `last`.", show_default=False)] = None,
    drivers: Annotated[bool, typer.Option("--drivers", help="Run the same inputs through both drivers and compare every row.")] = False,
    json: JsonFlag = False,
) -> None:
    """Compare two runs to the bit, and say by what they part; with --drivers, streaming against block."""
    with answering(json):
        if drivers == bool(runs) or (runs and len(runs) != 2):
            raise UsageError(
                "diff compares two runs, or both drivers", where="msb diff", mend="`msb diff 3 4`, or `msb diff --drivers --data FOLDER`"
            )
        if runs:
            payload = _diff_runs(wanted.home, runs)
        else:
            from metastackerbandit.cli.session import open_session

            payload = _diff_drivers(open_session(wanted))
        tell(payload, diff_text(payload), json)
        if not payload["identical"]:
            raise typer.Exit(MsbError.exit_code)


def _diff_drivers(session: Session) -> dict[str, Any]:
    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.backtest.run import run as run_block
    from metastackerbandit.backtest.warm_start import as_inputs
    from metastackerbandit.domain.sink import MemorySink
    from metastackerbandit.engine.engine import Engine
    from metastackerbandit.engine.gates import GATE_NAMES
    from metastackerbandit.engine.plan import deposit_row
    from metastackerbandit.runtime.replay import Driver, inputs_of
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue

    plan, simulation = session.plan, session.config.simulation
    predictions = session.predicted()
    block, by_block, by_stream = block_of(session.fed, (), predictions, as_inputs(session.past)), MemorySink(), MemorySink()
    run_block(plan, block, simulation, by_block)
    by_stream.ledger(deposit_row(plan))
    driver = Driver(Engine(plan), SimulatedBroker(open_venue(plan.instruments, plan.costs, simulation)), by_stream)
    for event in inputs_of(session.fed, block.order, (), predictions, block.outcomes):
        driver.take(event)
    return {**compared(by_block.kept(), by_stream.kept(), GATE_NAMES), "inputs": len(block.order), "compared": ["block", "streaming"]}


def _diff_runs(home: Path | None, runs: list[str]) -> dict[str, Any]:
    import os

    from metastackerbandit.backtest.compare import compared
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.journal import Journal

    with Journal.open(home_folder(home, os.environ), create=False) as journal:
        views = [journal.run(key) for key in runs]
        one, other = (kept_of(view) for view in views)
        gates = [gate.name for gate in views[0].row.gates]
        inputs = [view.row.digest for view in views]
        payload = compared(one, other, gates)
        return {**payload, "inputs": inputs[0] if inputs[0] == inputs[1] else inputs, "compared": [view.row.run for view in views]}


def kept_of(view: RunView) -> Kept:
    """Everything that a run left, from the journal."""
    from metastackerbandit.domain.sink import Kept

    decided = view.decisions()
    return Kept(
        decisions=decided.rows,
        observed=decided.observed,
        limit=decided.limit,
        verdict=decided.verdict,
        orders=view.orders(),
        fills=view.fills(),
        ledger=view.ledger(),
        trips=view.trips(),
        controls=view.controls(),
        predictions=view.predictions(),
        outcomes=view.outcomes(),
    )


def diff_text(payload: dict[str, Any]) -> str:
    counts = ", ".join(f"{payload[name]:,} {name}" for name in ("predictions", "decisions", "orders", "fills", "ledger", "trips", "controls"))
    if payload["identical"]:
        return f"identical, to the bit: {counts}"
    first = payload["first_difference"]
    fields = ", ".join(f"{name} {pair[0]} against {pair[1]}" for name, pair in list(first["fields"].items())[:6])
    return f"NOT identical ({counts})\n  first difference: {first['kind']} row {first['row']}, put down to {first['cause']}: {fields}"
