"""`msb leakage`: look for leaks in the shipped pipeline, and prove the looking by leaks that were planted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell
from metastackerbandit.cli.wanted import Wanted, on_market

if TYPE_CHECKING:
    from metastackerbandit.training.leakage.examine import Examined, Tried
    from metastackerbandit.training.leakage.pipeline import Market, Pipeline

LEAKS = 1  # the exit code when a leak was found, or a canary was not
_GAPS = 0.01  # share of the candles taken out before canaries are planted: one of them shows in gaps only


@on_market("arm", "mood")
def leakage(
    wanted: Wanted,
    canaries: Annotated[bool, typer.Option("--canaries", help="Also plant leaks, eight known ones and eight at random: all must be found.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the moments looked at, the canaries, and the generated market.")] = 0,
    bars: Annotated[int, typer.Option("--bars", min=500, max=20_000, help="The newest bars of the frame that are looked at.")] = 3_000,
    json: JsonFlag = False,
) -> None:
    """Look for leaks in the shipped pipeline, on the candles named or a generated market; exit code 1 for a leak found or a canary missed."""
    with answering(json):
        from metastackerbandit.training.leakage.examine import examine, try_canaries
        from metastackerbandit.training.leakage.generated import with_holes
        from metastackerbandit.training.leakage.settings import LeakageSettings

        pipeline, markets, facts = _looked_at(wanted, bars, seed)
        settings = LeakageSettings()
        examined = examine(pipeline, markets, settings, seed)
        tried = try_canaries(pipeline, with_holes(markets[0], _GAPS, seed), settings, seed) if canaries else ()
        payload = _payload(examined, tried) | facts | {"seed": seed}
        if canaries:
            _keep(wanted, payload)
        tell(payload, _text(payload), json)
        if not payload["clean"] or payload["found"] < payload["of"]:
            raise typer.Exit(LEAKS)


def _keep(wanted: Wanted, payload: dict[str, Any]) -> None:
    """Leave the outcome in the installation: a backtest's verdict asks for it."""
    import os
    import time

    from metastackerbandit.cli.code_version import code_version
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.leak_checks import LeakCheck, keep_check

    check = LeakCheck(code_version(), time.time_ns(), payload["clean"], payload["found"], payload["of"])
    keep_check(home_folder(wanted.home, os.environ), check)


def _looked_at(wanted: Wanted, bars: int, seed: int) -> tuple[Pipeline, tuple[Market, ...], dict[str, Any]]:
    """The shipped pipeline, the markets it is looked at on, and what these are: recorded candles where a folder is named, else generated ones."""
    from metastackerbandit.domain.timeframe import frame_ns
    from metastackerbandit.training.leakage.shipped import market_of, refuse_short, shipped_pipeline

    if wanted.data is None:
        from metastackerbandit.training.leakage.generated import candle_ns, generated_market

        frame = wanted.frames or "5m"
        length = frame_ns(frame)
        made = generated_market(seed, bars * (length // candle_ns(length)), candle_ns(length), length)
        pipeline = shipped_pipeline(frame)
        refuse_short(pipeline, (made,))
        return pipeline, (made,), {"data": f"generated, seed {seed}", "symbols": [made.symbol], "frame": frame, "notices": []}
    from metastackerbandit.cli.market_data import costs_of, opened

    _, config, recording = opened(wanted)
    frame = config.run.frames[0]
    names = [instrument.symbol for instrument in recording.instruments]
    count = len(names) if wanted.symbols else 1
    notices = [f"{names[0]} was looked at, of {len(names)} symbols: name others with --symbols"] if count < len(names) else []
    markets = tuple(market_of(recording, place, frame_ns(frame), bars) for place in range(count))
    facts = {"data": recording.source, "symbols": names[:count], "frame": frame, "notices": notices}
    pipeline = shipped_pipeline(frame, costs_of(config, names[:count], frame))
    refuse_short(pipeline, markets)
    return pipeline, markets, facts


def _payload(examined: Examined, tried: tuple[Tried, ...]) -> dict[str, Any]:
    """The stable shape, and beside it every check and canary."""
    checks = [{"name": one.name, "passed": one.passed, "what": one.what, "evidence": one.evidence} for one in examined.checks]
    each = [
        {"name": one.name, "what": one.what, "found": one.is_found, "by": one.by, "expected": one.expected, "finding": one.finding} for one in tried
    ]
    missed = [one.name for one in tried if not one.is_found]
    return {
        "clean": examined.is_clean,
        "features": examined.features,
        "checked_bars": examined.bars,
        "leaks": examined.findings,
        "checks": checks,
        "canaries": {"seeded": len(tried), "found": len(tried) - len(missed), "missed": missed, "each": each},
        "found": len(tried) - len(missed),
        "of": len(tried),
    }


def _text(payload: dict[str, Any]) -> Any:
    from rich.console import Group
    from rich.table import Table

    seen = f"{payload['checked_bars']:,} bars, {payload['features']} features"
    head = f"{', '.join(payload['symbols'])}  {payload['frame']}  {seen}  ({payload['data']})"
    checks = Table(box=None, title_justify="left")
    for name in ("check", "", "what was looked at"):
        checks.add_column(name, overflow="fold")
    for check in payload["checks"]:
        checks.add_row(check["name"], "passed" if check["passed"] else "LEAK", check["what"])
    parts: list[Any] = [head, *(f"note: {notice}" for notice in payload["notices"]), "", checks, ""]
    for leak in payload["leaks"]:
        parts += [f"LEAK ({leak.check}): {leak.what}", f"  mend: {leak.mend}"]
    parts.append("no leak was found" if payload["clean"] else f"{len(payload['leaks'])} leaks were found")
    if payload["of"]:
        table = Table(box=None)
        for name in ("canary", "", "found by", "what was planted"):
            table.add_column(name, overflow="fold")
        for one in payload["canaries"]["each"]:
            table.add_row(one["name"], "found" if one["found"] else "MISSED", ", ".join(one["by"]), one["what"])
        parts += ["", table, "", f"{payload['found']} of {payload['of']} canaries were found"]
    return Group(*parts)
