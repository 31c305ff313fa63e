"""What every look at the journal shares: its flags, the run that is meant, and what the run's configuration says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metastackerbandit.decision.change import Holder
    from metastackerbandit.storage.journal import Journal
    from metastackerbandit.storage.run_view import RunView

RunFlag = Annotated[str, typer.Option("--run", metavar="RUN", help="`last`, a run's number, or the start of its identity.")]
RunArgument = Annotated[str, typer.Argument(metavar="[RUN]", help="`last`, a run's number, or the start of its identity.", show_default=False)]
TradedFlag = Annotated[
    Path | None, typer.Option("--data", metavar="FOLDER", help="The candles that the run traded. [default: those it names]", show_default=False)
]
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
    """Settings as a run had them, for one of its books: which of them holds a value in force, and which values this version takes."""

    def __init__(self, config: str, symbol: str, frame: str) -> None:
        import tomllib

        from metastackerbandit.decision.profiles import PROFILES

        told = tomllib.loads(config)
        own, frames = _below(told, "symbols", symbol), _below(told, "frames", frame)
        name = frames.get("profile", told.get("run", {}).get("profile", ""))
        thresholds = PROFILES[name].values() if name in PROFILES else {}
        # Nearest first: the table, its scope as keys write it, and where a value in it stands, in words.
        self._layers: tuple[tuple[dict[str, Any], str, str], ...] = (
            (_below(own, "frames", frame), f"symbols.{symbol}.frames.{frame}.", f"[symbols.{symbol}.frames.{frame}]"),
            (own, f"symbols.{symbol}.", f"[symbols.{symbol}]"),
            (frames, f"frames.{frame}.", f"[frames.{frame}]"),
            (_nested(thresholds), f"frames.{frame}.", f"profile {name}"),
            (told, "", "configuration"),
        )

    def value(self, key: str) -> Any:
        """What the configuration says for this book; None where it leaves the value to be derived."""
        given = self._given(key)
        return None if given is None else given[0]

    def holder(self, keys: Sequence[str], value: float, sense: str) -> Holder:
        """The setting that holds a value in force; of several keys the first that is given."""
        from metastackerbandit.decision.change import Holder

        for key in keys:
            given = self._given(key)
            if given is None:
                continue
            told, scope, source = given
            note = f"of {source}" if source.startswith("profile ") else ""
            if told == value or not isinstance(told, (int, float)):
                return Holder(f"{scope}{key}", source, note)
            is_stricter = value > told if sense == "at least" else value < told
            more = f"the setting says {told}, and what decides is {'stricter' if is_stricter else 'looser'}: {value:.6g}"
            return Holder(f"{scope}{key}", "derived" if is_stricter else source, more, is_held=not is_stricter)
        if self.value("decision.thresholds") == "profile":  # then what is written decides alone
            return Holder(keys[-1], "derived", "derived, since the setting is not given")
        return Holder(keys[-1], "derived", "not given; the limit is derived from costs and barrier, and a looser one would not decide", is_held=False)

    def refusal(self, key: str, value: float) -> str:
        """Empty where the setting takes the value, else what it takes."""
        import msgspec

        from metastackerbandit.config.outline import keys
        from metastackerbandit.config.scopes import base_name

        known = keys().get(base_name(key))
        if known is None:
            return "nothing: this version has no such setting"
        for given in (int(value) if value == int(value) else value, value):
            try:
                msgspec.convert(given, known.annotation)
            except msgspec.ValidationError:
                continue
            return ""
        return known.allowed

    def _given(self, key: str) -> tuple[Any, str, str] | None:
        """The nearest value of a key, with its scope and where it stands; None where no table gives one."""
        path = key.split(".")
        for table, scope, source in self._layers:
            found: Any = table
            for part in path:
                found = found.get(part) if isinstance(found, dict) else None
            if found is not None:
                return found, scope, source
        return None


def _below(table: Any, *path: str) -> dict[str, Any]:
    """A table inside a table; empty where there is none."""
    for name in path:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    return table if isinstance(table, dict) else {}


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted key as tables."""
    tables: dict[str, Any] = {}
    for key, value in values.items():
        *path, name = key.split(".")
        table = tables
        for part in path:
            table = table.setdefault(part, {})
        table[name] = value
    return tables
