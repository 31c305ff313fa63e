"""Defaults < files < environment < flags -> one typed configuration, with the source of every value and every problem at once."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, inspect

from metastackerbandit.config.checks import contradictions
from metastackerbandit.config.files import read_whole
from metastackerbandit.config.home import config_file
from metastackerbandit.config.outline import Key, children, join, keys, tables
from metastackerbandit.config.problems import Problem, closest, equally_close, refusal, shown
from metastackerbandit.config.schema import Config
from metastackerbandit.config.toml_lines import parse

PREFIX = "MSB_"
LARGEST_INTEGER = 2**63 - 1  # what a kernel can hold

Spelling = Callable[[str], str]  # a dotted name as its layer writes it


class Written(Struct, frozen=True):
    """One value as somebody wrote it: dotted name, value, and where."""

    name: str
    value: Any
    where: str


class Loaded(Struct, frozen=True):
    """A configuration and the source of each of its keys ("default", "file:line", "environment MSB_...", "flag --...")."""

    config: Config
    sources: dict[str, str]


class Examined(Struct, frozen=True):
    """Everything that loading finds; values with a problem are left at their default, so that the rest can be judged."""

    config: Config
    sources: dict[str, str]
    problems: list[Problem]


def load(
    files: Sequence[Path] = (), environment: Mapping[str, str] | None = None, sets: Sequence[str] = (), options: Mapping[str, Any] | None = None
) -> Loaded:
    """The configuration, or `ConfigRefused` with every problem; see `examine` for the layers."""
    examined = examine(files, environment, sets, options)
    if examined.problems:
        raise refusal(examined.problems)
    return Loaded(examined.config, examined.sources)


def load_home(home: Path, environment: Mapping[str, str], sets: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> Loaded:
    """An installation's configuration; without a file it is the defaults below environment and flags."""
    file = config_file(home)
    return load([file] if file.exists() else [], environment, sets, options)


def examine(
    files: Sequence[Path] = (), environment: Mapping[str, str] | None = None, sets: Sequence[str] = (), options: Mapping[str, Any] | None = None
) -> Examined:
    """Judge all layers without stopping at the first problem.

    `sets` are texts such as "costs.taker_fee_bps=4" (flag --set); `options` are values of a verb's own flags by dotted name
    ("run.arm" is flag --arm), where None means that the flag was not given. Later layers win, and are judged too.
    """
    problems: list[Problem] = []
    written: list[Written] = []
    for file in files:
        written += _from_file(read_whole(file), str(file), problems)
    written += _from_environment(environment or {}, problems)
    written += _from_sets(sets, problems)
    written += _from_options(options or {}, problems)
    return _judge(written, problems)


def examine_text(content: bytes, place: str) -> Examined:
    """Judge one text as if it were the only file."""
    problems: list[Problem] = []
    return _judge(_from_file(content, place, problems), problems)


# -- layers ----------------------------------------------------------------------------------------------------------


def _from_file(content: bytes, place: str, problems: list[Problem]) -> list[Written]:
    parsed = parse(content, place)
    if isinstance(parsed, Problem):
        problems.append(parsed)
        return []
    values, lines = parsed

    def where(path: tuple[str, ...]) -> str:
        while path and path not in lines:
            path = path[:-1]
        return f"{place}:{lines[path]}" if path else place

    return list(_flatten(values, "", (), where, problems))


def _flatten(
    values: dict[str, Any], table: str, path: tuple[str, ...], where: Callable[[tuple[str, ...]], str], problems: list[Problem]
) -> Iterator[Written]:
    for name, value in values.items():
        dotted, below = join(table, name), (*path, name)
        if "." not in name and dotted in keys():
            yield Written(dotted, value, where(below))
        elif "." in name or dotted not in tables():
            problems.append(_unknown(below, where(below), str))
        elif isinstance(value, dict):
            yield from _flatten(value, dotted, below, where, problems)
        else:
            problems.append(_is_a_table(dotted, value, where(below)))


def _from_environment(environment: Mapping[str, str], problems: list[Problem]) -> list[Written]:
    flat = {_variable(name).replace("__", "_"): name for name in keys()}
    written = []
    for variable in sorted(name for name in environment if name.startswith(PREFIX)):
        where = f"environment {variable}"
        name = variable[len(PREFIX) :].lower().replace("__", ".")
        if "__" in variable:
            written += _from_text(name, environment[variable], where, problems, _variable)
        elif variable in flat:
            meant = _variable(flat[variable])
            problems.append(Problem(flat[variable], f"unknown variable {variable}", where, f"did you mean {meant}? (tables end in __)"))
    return written


def _variable(name: str) -> str:
    """The environment's spelling of a dotted name."""
    return PREFIX + name.upper().replace(".", "__")


def _from_sets(sets: Sequence[str], problems: list[Problem]) -> list[Written]:
    written = []
    for text in sets:
        name, equals, value = text.partition("=")
        if equals:
            written += _from_text(name.strip(), value.strip(), "flag --set", problems, str)
        else:
            problems.append(Problem("", f"{shown(text)} sets nothing", "flag --set", "write --set KEY=VALUE, such as costs.taker_fee_bps=4"))
    return written


def _from_options(options: Mapping[str, Any], problems: list[Problem]) -> list[Written]:
    written = []
    for name, value in options.items():
        where = f"flag --{name.rpartition('.')[2].replace('_', '-')}"
        if isinstance(value, str):
            written += _from_text(name, value, where, problems, str)
        elif value is not None:
            written.append(Written(name, list(value) if isinstance(value, tuple) else value, where))
    return written


def _from_text(name: str, text: str, where: str, problems: list[Problem], spelling: Spelling) -> list[Written]:
    if name in keys():
        return [Written(name, _read(text, inspect.type_info(keys()[name].annotation)), where)]
    if name in tables() and name:
        problems.append(_is_a_table(name, text, where))
        return []
    problems.append(_unknown(name.split("."), where, spelling))
    return []


def _read(text: str, kind: inspect.Type) -> Any:
    """Text of a variable or a flag as the value that a file would hold; what cannot be read stays text and is refused as such."""
    if isinstance(kind, inspect.UnionType):
        if text.lower() in ("", "none", "null"):
            return None
        kind = next(member for member in kind.types if not isinstance(member, inspect.NoneType))
    if isinstance(kind, (inspect.StrType, inspect.LiteralType)):
        return text
    if isinstance(kind, (inspect.VarTupleType, inspect.TupleType)) and not text.startswith("["):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_read(part, kind.item_type if isinstance(kind, inspect.VarTupleType) else kind.item_types[0]) for part in parts]
    if isinstance(kind, inspect.BoolType):
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        found = tomllib.loads(f"it = {text}")
    except (ValueError, RecursionError):
        return _number(text) if isinstance(kind, inspect.FloatType) else text
    return found["it"] if len(found) == 1 else text


def _number(text: str) -> float | str:
    """Numbers that TOML does not write, such as .5; anything else stays text."""
    try:
        return float(text)
    except ValueError:
        return text


# -- judgement -------------------------------------------------------------------------------------------------------


def _judge(written: list[Written], problems: list[Problem]) -> Examined:
    values: dict[str, Any] = {}
    sources = dict.fromkeys(keys(), "default")
    for item in written:
        key = keys()[item.name]
        try:
            values[item.name] = _typed(item.value, key)
            sources[item.name] = item.where
        except ValueError as error:
            problems.append(_refused_value(item, key, str(error)))
    config = _build(values)
    spoilt = {problem.key for problem in problems}
    problems += [
        Problem(found.keys[0], found.what, _where(found.keys, sources), found.mend)
        for found in contradictions(config)
        if not spoilt.intersection(found.keys)
    ]
    return Examined(config, sources, problems)


def _typed(value: Any, key: Key) -> Any:
    """The value as its key's type; a ValueError says why not (msgspec's own is one)."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a finite number")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError("beyond 64 bits")
    converted = msgspec.convert(value, key.annotation)
    for text in (converted,) if isinstance(converted, str) else converted if isinstance(converted, tuple) else ():
        if isinstance(text, str) and not _is_unicode(text):
            raise ValueError("not valid Unicode text")
    return converted


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _build(values: Mapping[str, Any]) -> Config:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *above, field = name.split(".")
        inner = nested
        for part in above:
            inner = inner.setdefault(part, {})
        inner[field] = value
    return msgspec.convert(nested, Config)


def _where(names: Sequence[str], sources: Mapping[str, str]) -> str:
    """The place of the first name that somebody wrote; a default contradicts nothing by itself."""
    return next((sources[name] for name in names if sources[name] != "default"), "default")


def _unknown(parts: Sequence[str], where: str, spelling: Spelling) -> Problem:
    table, dotted, meant = _known_table(parts), ".".join(parts), _meant(parts)
    place = f"[{table}] has" if table else "there are"
    mend = f"did you mean {_choice(parts, meant, spelling)}?" if meant else f"{place} {', '.join(children(table)) or 'no keys'}"
    return Problem(meant or dotted, f"unknown {'key' if table else 'table or key'} {shown(spelling(dotted))}", where, mend)


def _choice(parts: Sequence[str], meant: str, spelling: Spelling) -> str:
    """What was probably meant, with the neighbours that are as close to what was written."""
    above, _, _ = meant.rpartition(".")
    close = [join(above, name) for name in equally_close(parts[-1], children(above))]
    return " or ".join(spelling(name) for name in (close if meant in close else [meant]))


def _known_table(parts: Sequence[str]) -> str:
    """The deepest table that the parts reach as they are written."""
    table = ""
    for part in parts:
        if join(table, part) not in tables():
            break
        table = join(table, part)
    return table


def _meant(parts: Sequence[str]) -> str | None:
    """The name with each part replaced by the closest that exists; failing that, a key of this name in another table."""
    found = ""
    for part in parts:
        below = children(found) if found in tables() else []
        closer = part if part in below else closest(part, below)
        if closer is None:
            break
        found = join(found, closer)
    return found if found != _known_table(parts) else _elsewhere(parts[-1])


def _elsewhere(name: str) -> str | None:
    """The key of another table that has this name, or nearly."""
    fields = {key.field: key.name for key in reversed(keys().values())}
    found = closest(name, fields)
    return fields[found] if found else None


def _is_a_table(name: str, value: Any, where: str) -> Problem:
    example = next((key for key in keys() if key.startswith(f"{name}.")), name)
    return Problem(name, f"{name} is a table, not the value {shown(value)}", where, f"set its keys, such as {example}")


def _refused_value(item: Written, key: Key, reason: str) -> Problem:
    why = f" ({reason})" if not reason.startswith(("Expected", "Invalid")) else ""
    default = "leaving it out" if key.default is None else shown(list(key.default) if isinstance(key.default, tuple) else key.default)
    what = f"{key.name} = {shown(item.value)}{why}, but it takes {key.allowed}"
    return Problem(key.name, what, item.where, f"write {key.allowed}; the default is {default}")
