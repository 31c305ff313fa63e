"""The flags that name a market, once for all verbs that need one: a verb takes `wanted` and gets them all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from metastackerbandit.cli.answer import HomeFlag, SetFlags


class Wanted(NamedTuple):
    """What the flags of a verb ask for; None was not given. (A tuple: msgspec would be loaded before a verb runs.)"""

    home: Path | None = None
    data: Path | None = None
    symbols: str | None = None
    frames: str | None = None
    arm: str | None = None
    market: str | None = None
    instruments: Path | None = None
    funding: Path | None = None
    mood: Path | None = None
    since: str | None = None
    until: str | None = None
    sets: tuple[str, ...] = ()
    instead: Path | None = None  # a configuration in place of the installation's; no flag gives it
    captures: tuple[Path, ...] = ()  # files of one capture in the place of candles; no flag gives them


_FLAGS: dict[str, Any] = {
    "data": Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Folder of candles named by symbol.", show_default=False)],
    "symbols": Annotated[str | None, typer.Option("--symbols", metavar="A,B", help="Symbols. [default: all of the folder]", show_default=False)],
    "frames": Annotated[
        str | None, typer.Option("--frames", "--frame", metavar="5m,1h", help="Bar sizes of decisions; each symbol on each.", show_default=False)
    ],
    "arm": Annotated[
        str | None,
        typer.Option("--arm", metavar="NAME", help="A rule arm, model, aligned, posterior, or auto: model where there is one.", show_default=False),
    ],
    "market": Annotated[str | None, typer.Option("--market", metavar="spot|perp", help="When the folder's name does not say.", show_default=False)],
    "instruments": Annotated[Path | None, typer.Option("--instruments", metavar="FILE", help="Instrument rules (TOML).", show_default=False)],
    "funding": Annotated[Path | None, typer.Option("--funding", metavar="FOLDER", help="Funding series named by symbol.", show_default=False)],
    "mood": Annotated[Path | None, typer.Option("--mood", metavar="FOLDER", help="Mood series named by symbol.", show_default=False)],
    "since": Annotated[str | None, typer.Option("--since", metavar="TIME", help="First candle, UTC.", show_default=False)],
    "until": Annotated[str | None, typer.Option("--until", metavar="TIME", help="Last candle closes by, UTC.", show_default=False)],
    "sets": SetFlags,
    "home": HomeFlag,
}


def on_market(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A verb `f(wanted, ...)` as the terminal sees it: its own parameters, and every market flag but those named."""

    def dressed(verb: Callable[..., None]) -> Callable[..., None]:
        own = [parameter for parameter in inspect.signature(verb, eval_str=True).parameters.values() if parameter.name != "wanted"]
        named = [name for name in _FLAGS if name not in without]
        flags = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_FLAGS[name]) for name in named]

        def said(**given: Any) -> None:
            taken = {name: given.pop(name) for name in named}
            taken["sets"] = tuple(taken.get("sets") or ())
            verb(wanted=Wanted(**taken), **given)

        said.__name__, said.__doc__, said.__module__ = verb.__name__, verb.__doc__, verb.__module__
        ordered = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        said.__signature__ = inspect.Signature([*flags, *ordered])  # type: ignore[attr-defined]
        said.__annotations__ = {}
        return said

    return dressed
