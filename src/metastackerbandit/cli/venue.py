"""`msb venue`: a loopback exchange on this machine, to rehearse on with any client of Binance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from metastackerbandit.cli.answer import JsonFlag, answering, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metastackerbandit.practice.faults import Fault
    from metastackerbandit.practice.server import Venue

_MARKETS = {"spot": ("spot",), "usdm": ("usdm",), "both": ("spot", "usdm")}


def venue(
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, metavar="N", help="Where to serve http and ws; 0: a free one.")] = 18_800,
    tls_port: Annotated[
        int | None,
        typer.Option("--tls-port", min=0, max=65_535, metavar="N", help="Serve https and wss here too; 0: a free one.", show_default=False),
    ] = None,
    market: Annotated[Literal["spot", "usdm", "both"], typer.Option("--market", help="Which markets of Binance.")] = "both",
    symbols: Annotated[str, typer.Option("--symbols", metavar="NAME,...", help="What is listed.")] = "BTCUSDT,ETHUSDT,SOLUSDT",
    speed: Annotated[float, typer.Option("--speed", min=0.1, max=1_000, metavar="N", help="Venue seconds a second.")] = 60.0,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed makes the same market.")] = 1,
    faults: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME[=VALUE]", help="Switch a fault on from the start; repeatable.", show_default=False),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Stop after this long, such as 5m. [default: until stopped]", show_default=False)
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Serve Binance's protocols on 127.0.0.1: a made market, an account with play money, faults on demand.

    Orders of any client of Binance meet a simulated order book; nothing leaves this machine. Faults are switched while it runs at
    /practice/faults.
    """
    with answering(json):
        import asyncio

        import uvloop

        from metastackerbandit.cli.record import seconds_of

        wanted = [fault_of(text) for text in faults or ()]
        seconds = None if duration is None else seconds_of(duration, "--for")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            made = made_of(_MARKETS[market], symbols.split(","), speed, seed)
            runner.run(_serve(made, wanted, port, tls_port, seconds, json))


def made_of(markets: Sequence[str], symbols: Sequence[str], speed: float, seed: int) -> Venue:
    """The venue that is asked for; UsageError where a symbol's rules are not shipped."""
    import time

    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.practice.made_venue import made_venue
    from metastackerbandit.practice.settings import PracticeSettings
    from metastackerbandit.storage.instruments import shipped_rules

    listed = {}
    for market in markets:
        found = [(symbol, shipped_rules(symbol, "spot" if market == "spot" else "perp", "BINANCE")) for symbol in dict.fromkeys(symbols)]
        unknown = [symbol for symbol, rules in found if rules is None]
        if unknown:
            raise UsageError(f"no rules are shipped for {', '.join(unknown)} ({market})", where="--symbols", mend="name symbols such as BTCUSDT")
        listed[market] = [rules for _, rules in found if rules is not None]
    return made_venue(listed, PracticeSettings(speed=speed, seed=seed), time.time_ns())


def fault_of(text: str) -> Fault:
    """A fault by NAME or NAME=VALUE; UsageError where there is none of that name, or the value is no number."""
    from metastackerbandit.domain.errors import UsageError
    from metastackerbandit.practice.faults import FAULTS, Fault

    name, is_given, value = text.partition("=")
    if name not in FAULTS:
        raise UsageError(f"no fault is called {name}", where="--fault", mend=f"one of {', '.join(FAULTS)}")
    try:
        return Fault(name, value=float(value) if is_given else None)
    except ValueError:
        raise UsageError(f"{value!r} is no number", where=f"--fault {name}", mend=FAULTS[name]) from None


async def _serve(made: Venue, faults: Sequence[Fault], port: int, tls_port: int | None, seconds: float | None, json: bool) -> None:
    """Serve until the time is over, or somebody stops it."""
    import asyncio
    import signal
    from tempfile import TemporaryDirectory

    from metastackerbandit.practice.tls import made_certificate, serving_context

    loop, is_over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, is_over.set)
    with TemporaryDirectory(prefix="msb-venue-") as folder:
        certificate = None if tls_port is None else made_certificate(Path(folder))
        bound, tls_bound = await started(made, port, certificate and serving_context(certificate), tls_port or 0)
        for fault in faults:
            made.faults.switch_on(fault)
        payload = told_of(made, bound, tls_bound, certificate)
        tell(payload, _text(payload), json)
        over, ended = asyncio.create_task(is_over.wait()), asyncio.create_task(made.ended())
        await asyncio.wait([over, ended], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if ended.done():
            await ended
        await made.stop()
        await asyncio.gather(ended, return_exceptions=True)


async def started(made: Venue, port: int, tls: Any, tls_port: int) -> tuple[int, int]:
    """Start serving; UsageError where a port is taken."""
    from metastackerbandit.domain.errors import UsageError

    try:
        return await made.start(port, tls=tls, tls_port=tls_port)
    except OSError as error:
        await made.stop()
        raise UsageError(f"cannot serve there: {error.strerror or error}", where="--port", mend="name another port, or 0 for a free one") from None


def told_of(made: Venue, port: int, tls_port: int, certificate: Path | None) -> dict[str, Any]:
    """The shape of `msb venue --json`: where it serves, what, how quickly, and the key of its account."""
    from metastackerbandit.practice.made_venue import KEY
    from metastackerbandit.practice.server import HOST

    at = f"{HOST}:{port}"
    addresses = {
        "spot": {"rest": f"http://{at}/api/v3", "streams": f"ws://{at}/ws", "api": f"ws://{at}/ws-api/v3"},
        "usdm": {"rest": f"http://{at}/fapi/v1", "streams": f"ws://{at}/public/ws", "api": f"ws://{at}/ws-fapi/v1"},
    }
    return {
        "port": port,
        "tls_port": tls_port or None,
        "certificate": certificate,
        "markets": {side.name: addresses[side.name] for side in made.sides},
        "symbols": sorted({one.symbol for side in made.sides for one in side.desk.floor.instruments}),
        "lineage": made.sides[0].desk.floor.source.lineage,
        "speed": made.time.speed,
        "api_key": KEY.api_key,
        "secret": KEY.secret,
        "faults": [fault.name for fault in made.faults.all()],
        "switchboard": f"http://{at}/practice/faults",
    }


def _text(payload: dict[str, Any]) -> str:
    lines = [f"the practice exchange serves {', '.join(payload['symbols'])} at {payload['speed']:g} times the clock's speed ({payload['lineage']})"]
    lines += [f"  {name}: {', '.join(addresses.values())}" for name, addresses in payload["markets"].items()]
    if payload["tls_port"]:
        lines.append(f"  with TLS on port {payload['tls_port']}, trusting {payload['certificate']}")
    lines += [
        f"  key {payload['api_key']}",
        f"  secret {payload['secret']}",
        f"  faults: {', '.join(payload['faults']) or 'none'}; {payload['switchboard']}",
    ]
    return "\n".join([*lines, "stop it with Ctrl-C"])
