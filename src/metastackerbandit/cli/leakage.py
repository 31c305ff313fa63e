"""`msb leakage`: look for leaks in the shipped pipeline, and prove the looking by canaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.training.leakage.examine import Examined, Tried
    from metastackerbandit.training.leakage.pipeline import Market

FOUND = 1  # the exit code of an examination that found a leak, or missed a canary


@on_market("arm")
def leakage(
    wanted: Wanted,
    canaries: Annotated[bool, typer.Option("--canaries", help="Also plant leaks, eight known ones and eight at random: all must be found.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the moments examined, the canaries and the generated market.")] = 0,
    bars: Annotated[int, typer.Option("--bars", min=200, max=100_000, help="The newest bars of the frame to examine.")] = 1_500,
    json: JsonFlag = False,
) -> None:
    """Look for leaks in the shipped pipeline; without --data on a generated market. Exit code 1 when a leak is found or a canary missed."""
    with answering(json):
        from metastackerbandit.training.leakage.examine import examine, try_canaries
        from metastackerbandit.training.leakage.settings import LeakageSettings
        from metastackerbandit.training.leakage.shipped import shipped_pipeline

        markets, source, frame = _markets(wanted, bars, seed)
        settings, pipeline = LeakageSettings(), shipped_pipeline(frame)
        examined = examine(pipeline, markets, settings, seed)
        tried = try_canaries(pipeline, _with_gaps(markets[0], seed), settings, seed) if canaries else ()
        payload = _payload(examined, tried, markets, source, frame, seed)
        tell(payload, _text(payload), json)
        if not payload["clean"] or payload["found"] < payload["of"]:
            raise typer.Exit(FOUND)
