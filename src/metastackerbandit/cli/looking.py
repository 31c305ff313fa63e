"""What every look at the journal shares: its flags, the run that is meant, and what the run's configuration says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.run_view import RunView

RunFlag = Annotated[str, typer.Option("--run", metavar="RUN", help="`last`, a run's number, or the start of its identity.")]
DaysFlag = Annotated[float | None, typer.Option("--days", min=0, help="Only the run's last days. [default: all]", show_default=False)]
SymbolFlag = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.", show_default=False)]
FrameFlag = Annotated[str | None, typer.Option("--frame", metavar="5m", help="Only books of this frame.", show_default=False)]
SideFlag = Annotated[str | None, typer.Option("--side", metavar="BUY|SELL", help="Only opinions of this side.", show_default=False)]


def journal_of(home: Path | None) -> Journal:
    """The journal of a home, which is not made where nothing has run."""
    from metastackerbandit.config.home import home_folder
    from metastackerbandit.storage.journal import Journal

    return Journal.open(home_folder(home, os.environ), create=False)


def lenient_gates(config: str) -> tuple[str, ...]:
    """Gates whose UNKNOWN the run let pass, from the configuration that it ran with."""
    import tomllib

    return tuple(tomllib.loads(config).get("decision", {}).get("unknown_passes", ()))


def with_notices(text: str, view: RunView) -> str:
    """The text, and under it what every look at this run must say."""
    return "\n".join([text, *(f"notice: {notice}" for notice in view.row.notices)])


class RecordedSettings:
    """Settings as a run had them, for one of its books: what the value in force came from, and which values this version takes."""

    def __init__(self, config: str, symbol: str, frame: str) -> None:
        import tomllib

        told = tomllib.loads(config)
        own = told.get("symbols", {}).get(symbol, {})
        own = own if isinstance(own, dict) else {}
        self._layers: tuple[dict[str, Any], ...] = (own.get("frames", {}).get(frame, {}), own, told.get("frames", {}).get(frame, {}), told)

    def value(self, key: str) -> Any:
        """What the configuration says for this book; None where it leaves the value to be derived."""
        table, _, name = key.rpartition(".")
        for layer in self._layers:
            found: Any = layer
            for part in table.split("."):
                found = found.get(part, {}) if isinstance(found, dict) else {}
            if isinstance(found, dict) and name in found:
                return found[name]
        return None

    def origin(self, key: str, value: float) -> str:
        """Empty where the setting itself holds the value in force, else where the limit came from."""
        told = self.value(key)
        if told is None:
            return "derived, since the setting is not given"
        return "" if told == value else f"not the setting's own {told}: derived, or of a profile"

    def refusal(self, key: str, value: float) -> str:
        """Empty where the setting takes the value, else what it takes."""
        import msgspec

        from metastackerbandit.config.outline import keys

        known = keys().get(key)
        if known is None:
            return "nothing: this version has no such setting"
        for given in (int(value) if value == int(value) else value, value):
            try:
                msgspec.convert(given, known.annotation)
            except msgspec.ValidationError:
                continue
            return ""
        return known.allowed
