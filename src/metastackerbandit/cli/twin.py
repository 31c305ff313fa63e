"""`msb twin`: a recorded market traded once, every decision beside its mirror image."""

from __future__ import annotations

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

ONE_SIDED = 1  # the exit code of a twin that alarms


@on_market()
def twin(wanted: Wanted, json: JsonFlag = False) -> None:
    """Trade a recorded market and look at every decision in a mirror; exit code 1 where the engine treats the sides differently."""
    with answering(json):
        from metastackerbandit.cli.mirrored import mirrored, twin_text
        from metastackerbandit.cli.session import open_session

        session = open_session(wanted)
        plan = session.plan
        told = {**mirrored(session)[0], "symbols": plan.symbols, "frames": plan.frames, "arm": plan.arm}
        head = f"{', '.join(plan.symbols)}  {', '.join(plan.frames)}  {plan.arm}  {session.recording.source}"
        tell(told, "\n".join([head, *twin_text(told)]), json)
        if told["alarm"]:
            raise typer.Exit(ONE_SIDED)
