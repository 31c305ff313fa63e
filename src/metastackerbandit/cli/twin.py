"""`msb twin`: a recorded market traded once, every decision beside its mirror image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.cli.session import Session

ONE_SIDED = 1  # the exit code of a twin that alarms


@on_market()
def twin(wanted: Wanted, json: JsonFlag = False) -> None:
    """Trade a recorded market and look at every decision in a mirror; exit code 1 where the engine treats the sides differently."""
    with answering(json):
        from metastackerbandit.cli.replay import twin_text
        from metastackerbandit.cli.session import open_session

        session = open_session(wanted)
        told = _looked(session)
        head = f"{', '.join(session.plan.symbols)}  {', '.join(session.plan.frames)}  {session.plan.arm}  {session.recording.source}"
        tell(told, "\n".join([head, *twin_text(told)]), json)
        if told["alarm"]:
            raise typer.Exit(ONE_SIDED)


def _looked(session: Session) -> dict[str, Any]:
    """Replay the session with a twin; nothing is journaled."""
    from metastackerbandit.backtest.run import block_of
    from metastackerbandit.cli.replay import inputs_heard, twin_json
    from metastackerbandit.domain.sink import Tee
    from metastackerbandit.runtime.replay import Driver
    from metastackerbandit.runtime.twin import Twinned
    from metastackerbandit.simulation.broker import SimulatedBroker, open_venue

    plan = session.plan
    engine = Twinned(plan)
    broker = SimulatedBroker(open_venue(plan.instruments, plan.costs, session.config.simulation))
    driver = Driver(engine, broker, Tee())  # its rows go nowhere
    for event in inputs_heard(session, block_of(session.fed).order):
        driver.take(event)
    return {**twin_json(engine), "symbols": plan.symbols, "frames": plan.frames, "arm": plan.arm}
