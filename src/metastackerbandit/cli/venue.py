"""`msb venue`: the loopback exchange, served on this machine until it is stopped; `msb venue fault` switches faults of one that runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metastackerbandit.cli.answer import HomeFlag, JsonFlag, SetFlags, Verbs, answering, tell
from metastackerbandit.cli.venues import PORT

if TYPE_CHECKING:
    from metastackerbandit.practice.faults import Fault

app = typer.Typer(
    cls=Verbs,
    invoke_without_command=True,
    help="The loopback exchange: Binance's own protocols on this machine, over a made or a recorded market, with faults on demand.",
    rich_markup_mode=None,
)
FaultFlags = Annotated[
    list[str] | None, typer.Option("--fault", metavar="NAME[=VALUE]", help="Switch a fault on; `msb venue fault` lists them.", show_default=False)
]
UrlFlag = Annotated[str, typer.Option("--url", help="Where the exchange is.")]


@app.callback()
def venue(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", help="Where it listens; 0 takes a free port.", min=0, max=65_535)] = PORT,
    tls_port: Annotated[
        int | None,
        typer.Option("--tls-port", help="Serve https and wss here too; 0 takes a free port.", min=0, max=65_535, show_default=False),
    ] = None,
    source: Annotated[str, typer.Option("--source", metavar="made|candles|captures", help="Where its market comes from.")] = "made",
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data", metavar="PATH", help="Of candles the folder, of captures the files. [default: the store's candles]", show_default=False
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Where it begins in what was recorded, UTC. [default: the last day]", show_default=False),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option("--speed", help="Seconds of the venue in one of ours. [default: 60, of captures 1]", min=0.01, max=1_000, show_default=False),
    ] = None,
    market: Annotated[str, typer.Option("--market", metavar="both|spot|perp", help="What it serves.")] = "both",
    step: Annotated[
        float, typer.Option("--step", metavar="SECONDS", help="Of the venue, between two moments at which its market moves.", min=0.01, max=1.0)
    ] = 1.0,
    preset: Annotated[str, typer.Option("--flow", metavar="NAME", help="normal, high-volatility or high-volume.")] = "normal",
    volatility: Annotated[float, typer.Option("--volatility", metavar="X", help="Times that of the flow.", min=0.1, max=10.0)] = 1.0,
    volume: Annotated[float, typer.Option("--volume", metavar="X", help="Times the trades and changes of the flow.", min=0.1, max=100.0)] = 1.0,
    symbols: Annotated[
        str | None, typer.Option("--symbols", metavar="A,B", help="Symbols. [default: five large ones, or all there are]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the market: one seed is one market.", min=0)] = 1,
    days: Annotated[int, typer.Option("--days", help="How much past it has.", min=2, max=2_000)] = 400,
    span: Annotated[str | None, typer.Option("--for", metavar="3m", help="Stop after so long. [default: at Ctrl-C]", show_default=False)] = None,
    faults: FaultFlags = None,
    home: HomeFlag = None,
    sets: SetFlags = None,
    json: JsonFlag = False,
) -> None:
    """Serve the exchange until Ctrl-C; --json writes one object when it serves and one when it ends."""
    if context.invoked_subcommand is not None:
        return
    with answering(json):
        from metastackerbandit.cli.market_data import config_of, time_ns
        from metastackerbandit.cli.record import seconds_of
        from metastackerbandit.cli.venue_asked import Served
        from metastackerbandit.cli.venue_process import served, start_text
        from metastackerbandit.config.home import home_folder

        config = config_of(home, sets)
        asked = Served(
            port=port,
            tls_port=tls_port,
            speed=speed,
            step_s=step,
            markets=_markets(market),
            preset=preset,
            volatility=volatility,
            volume=volume,
            symbols=tuple(one.strip().upper() for one in (symbols or "").split(",") if one.strip()),
            seed=seed,
            days=days,
            seconds=None if span is None else seconds_of(span, "--for"),
            faults=tuple(fault_of(text) for text in faults or ()),
            source=source,
            data=tuple(path.expanduser() for path in data or ()),
            since_ns=time_ns(since, "--since"),
        )

        def told(payload: dict[str, Any]) -> None:
            tell(payload, start_text(payload), json)
            sys.stdout.flush()

        def hear(line: str) -> None:
            typer.echo(line, err=json)

        ended = served(asked, home_folder(home, os.environ), config, told, hear)
        tell(ended, f"served {ended['requests']:,} requests and {ended['connections']:,} connections in {ended['seconds']:.1f} s", json)


@app.command()
def fault(
    switches: Annotated[list[str] | None, typer.Argument(metavar="[NAME[=VALUE]...]", help="Faults to switch on; none: list all.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Switch them off; without names, all.")] = False,
    share: Annotated[float, typer.Option("--share", help="How often it strikes.", min=0.0001, max=1.0)] = 1.0,
    count: Annotated[int, typer.Option("--count", help="How often at most; 0: no bound.", min=0)] = 0,
    span: Annotated[str | None, typer.Option("--for", metavar="10s", help="For so long. [default: until switched off]", show_default=False)] = None,
    symbol: Annotated[str, typer.Option("--symbol", help="Of this symbol only.")] = "",
    url: UrlFlag = f"http://127.0.0.1:{PORT}",
    json: JsonFlag = False,
) -> None:
    """Switch faults of an exchange that runs, or list them and what is on."""
    with answering(json):
        from msgspec import structs

        from metastackerbandit.cli.record import seconds_of
        from metastackerbandit.cli.venue_faults import fault_text, switched

        seconds = 0.0 if span is None else seconds_of(span, "--for")
        wished = [structs.replace(fault_of(text), share=share, count=count, seconds=seconds, symbol=symbol.upper()) for text in switches or ()]
        payload = switched(url, wished, is_off=off)
        tell(payload, fault_text(payload), json)


def fault_of(text: str) -> Fault:
    """NAME or NAME=VALUE; UsageError where there is no such fault, or no number."""
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.practice.faults import FAULTS, Fault
    from metastackerbandit.storage.candle_names import did_you_mean

    name, has_value, value = text.partition("=")
    if name not in FAULTS:
        raise UsageError(f"there is no fault {name!r}", where="--fault", mend=did_you_mean(name, FAULTS))
    try:
        return Fault(name, value=float(value) if has_value else None)
    except ValueError:
        raise UsageError(f"{value!r} is no number", where=f"--fault {name}", mend=f"{name}: {FAULTS[name]}") from None


def _markets(word: str) -> tuple[str, ...]:
    """The markets that are served."""
    from metastackerbandit.domain.errors import UsageError

    known = {"both": ("spot", "perp"), "spot": ("spot",), "perp": ("perp",)}
    if word not in known:
        raise UsageError(f"no market {word!r}", where="--market", mend="it is both, spot or perp")
    return known[word]
