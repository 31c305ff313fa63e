"""A name that does not exist: what was probably meant, where it would have to stand, or what became of a predecessor's key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from metastackerbandit.config.outline import join, keys, tables
from metastackerbandit.config.predecessors import successor
from metastackerbandit.config.problems import Problem, closest, equally_close, shown, shown_of
from metastackerbandit.config.scopes import EVERYWHERE, FRAMES_TABLE, PROFILE, SYMBOLS_TABLE, WAIVERS, children, find_key, is_table, split
from metastackerbandit.domain.timeframe import FRAMES

Spelling = Callable[[str], str]  # a dotted name as its layer writes it


def unknown(parts: Sequence[str], where: str, spelling: Spelling) -> Problem:
    """The problem of a name that is neither a table nor a key."""
    dotted = ".".join(parts)
    known = successor(parts[-1])
    if known:
        return Problem(dotted, f"{shown(spelling(parts[-1]))} is a key of the predecessors: {known.why}", where, known.mend)
    scope, rest = split(dotted)
    if parts[0] == SYMBOLS_TABLE and len(parts) > 1 and (scope == EVERYWHERE or "." in parts[1]):
        return Problem(dotted, f"{shown(parts[1])} is no symbol", where, "name one without spaces and dots, such as [symbols.BTCUSDT.decision]")
    if scope.symbol and rest == PROFILE:
        return Problem(dotted, "a symbol has no profile of its own", where, f"choose it for the run, run.{PROFILE}, or for a frame: [frames.5m]")
    if rest.partition(".")[0] == FRAMES_TABLE and rest != FRAMES_TABLE:
        frame = rest.split(".")[1]
        meant = "24h" if frame == "1d" else closest(frame, FRAMES)
        return Problem(dotted, f"unknown timeframe {shown(frame)}", where, f'did you mean "{meant}"?' if meant else f"use one of {', '.join(FRAMES)}")
    if scope != EVERYWHERE and rest and (rest in keys() or rest in tables()):
        what = f"{rest} is one for the whole run: it cannot differ for {scope}"
        return Problem(dotted, what, where, f"write it in [{rest if rest in tables() else keys()[rest].table}]")
    if parts[0] == WAIVERS:
        return Problem(dotted, "waivers are written in the file alone, so that they are there to read", where, "add [[waivers]] to config.toml")
    table, near = _known_table(parts), _meant(parts)
    place = f"[{table}] has" if table else "there are"
    mend = f"did you mean {_choice(parts, near, spelling)}?" if near else f"{place} {', '.join(children(table)) or 'no keys'}"
    return Problem(near or dotted, f"unknown {'key' if table else 'table or key'} {shown(spelling(dotted))}", where, mend)


def predecessors_in(value: Any, path: tuple[str, ...], where: Callable[[tuple[str, ...]], str]) -> Iterator[Problem]:
    """Each of the plans' keys inside a table that does not exist here."""
    for name, below in value.items() if isinstance(value, dict) else ():
        if successor(name):
            yield unknown((*path, name), where((*path, name)), str)
        else:
            yield from predecessors_in(below, (*path, name), where)


def is_a_table(name: str, value: Any, where: str) -> Problem:
    """The problem of a value where a table should stand."""
    rest = split(name)[1]
    if rest in (FRAMES_TABLE, SYMBOLS_TABLE):
        example = f"{name}.{'5m' if rest == FRAMES_TABLE else 'BTCUSDT'}.decision.min_alpha"
    else:
        example = next((f"{name}{key.removeprefix(rest)}" for key in keys() if key.startswith(f"{rest}.")), f"{name}.decision.min_alpha")
    return Problem(name, f"{name} is a table, not the value {shown_of(name, value)}", where, f"set its keys, such as {example}")


def _choice(parts: Sequence[str], meant: str, spelling: Spelling) -> str:
    """What was probably meant, with the neighbours that are as close to what was written."""
    above, _, _ = meant.rpartition(".")
    close = [join(above, name) for name in equally_close(parts[-1], children(above))]
    return " or ".join(spelling(name) for name in (close if meant in close else [meant]))


def _known_table(parts: Sequence[str]) -> str:
    """The deepest table that the parts reach as they are written."""
    table = ""
    for part in parts:
        if "." in part or not is_table(join(table, part)):
            break
        table = join(table, part)
    return table


def _meant(parts: Sequence[str]) -> str | None:
    """The name with each part replaced by the closest that exists; failing that, a key of this name in another table."""
    found = ""
    for part in parts:
        below = children(found) if is_table(found) else []
        closer = part if part in below or (found == SYMBOLS_TABLE and is_table(join(found, part))) else closest(part, below)
        if closer is None:
            break
        found = join(found, closer)
    return found if found != _known_table(parts) else _elsewhere(parts)


def _elsewhere(parts: Sequence[str]) -> str | None:
    """The key of another table that has this name, or nearly; inside a scope, of a table of that scope."""
    prefix = split(".".join(parts))[0].prefix
    fields = {key.field: join(prefix, key.name) for key in reversed(keys().values()) if find_key(join(prefix, key.name))}
    found = closest(parts[-1], fields)
    return fields[found] if found else None
