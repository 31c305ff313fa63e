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
from metastackerbandit.config.outline import Key, join, keys
from metastackerbandit.config.problems import Problem, refusal, shown, shown_of
from metastackerbandit.config.schema import Config, ThresholdWaiver
from metastackerbandit.config.scopes import EVERYWHERE, SYMBOLS_TABLE, WAIVERS, find_key, is_table, split
from metastackerbandit.config.toml_lines import parse
from metastackerbandit.config.unknown import Spelling, is_a_table, predecessors_in, unknown
from metastackerbandit.config.waivers import waivers_in

PREFIX = "MSB_"
LARGEST_INTEGER = 2**63 - 1  # what a kernel can hold


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

    listed = waivers_in(values.pop(WAIVERS, []), where, problems)
    written = [Written(WAIVERS, waiver, place) for waiver, place in listed]
    return [*_flatten(values, "", (), where, problems), *written]


def _flatten(
    values: dict[str, Any], table: str, path: tuple[str, ...], where: Callable[[tuple[str, ...]], str], problems: list[Problem]
) -> Iterator[Written]:
    for name, value in values.items():
        dotted, below = join(table, name), (*path, name)
        if "." not in name and find_key(dotted):
            yield Written(dotted, value, where(below))
        elif "." in name or not is_table(dotted):
            problems += list(predecessors_in(value, below, where)) or [unknown(below, where(below), str)]
        elif isinstance(value, dict):
            yield from _flatten(value, dotted, below, where, problems)
        else:
            problems.append(is_a_table(dotted, value, where(below)))


def _from_environment(environment: Mapping[str, str], problems: list[Problem]) -> list[Written]:
    flat = {_variable(name).replace("__", "_"): name for name in keys()}
    written = []
    for variable in sorted(name for name in environment if name.startswith(PREFIX)):
        where = f"environment {variable}"
        name = _name_of(variable[len(PREFIX) :])
        if "__" in variable:
            written += _from_text(name, environment[variable], where, problems, _variable)
        elif variable in flat:
            meant = _variable(flat[variable])
            problems.append(Problem(flat[variable], f"unknown variable {variable}", where, f"did you mean {meant}? (tables end in __)"))
    return written


def _name_of(text: str) -> str:
    """The dotted name that a variable spells; a symbol keeps its letters."""
    parts = text.split("__")
    name = [part.lower() for part in parts]
    if name[0] == SYMBOLS_TABLE and len(parts) > 1:
        name[1] = parts[1]
    return ".".join(name)


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
    key = find_key(name)
    if key:
        return [Written(name, _read(text, inspect.type_info(key.annotation)), where)]
    if name and is_table(name):
        problems.append(is_a_table(name, text, where))
        return []
    problems.append(unknown(name.split("."), where, spelling))
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
    waivers: list[ThresholdWaiver] = []
    sources = dict.fromkeys(keys(), "default")
    for item in written:
        if item.name == WAIVERS:
            sources[f"{WAIVERS}.{len(waivers)}"] = item.where
            waivers.append(item.value)
            continue
        key = find_key(item.name)
        if key is None:
            raise LookupError(item.name)  # layers give names that exist
        try:
            values[item.name] = _typed(item.value, key)
            sources[item.name] = item.where
        except ValueError as error:
            problems.append(_refused_value(item, key, str(error)))
    config = _build(values, tuple(waivers))
    sources = {name: place for name, place in sources.items() if name in keys() or name in config.overrides or name.startswith(f"{WAIVERS}.")}
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


def _build(values: Mapping[str, Any], waivers: tuple[ThresholdWaiver, ...]) -> Config:
    """The configuration; a value of a frame or symbol that was unset again (null) is as if it had not been written."""
    nested: dict[str, Any] = {}
    overrides = {name: value for name, value in sorted(values.items()) if split(name)[0] != EVERYWHERE and value is not None}
    for name, value in values.items():
        if split(name)[0] != EVERYWHERE:
            continue
        *above, field = name.split(".")
        inner = nested
        for part in above:
            inner = inner.setdefault(part, {})
        inner[field] = value
    return msgspec.structs.replace(msgspec.convert(nested, Config), overrides=overrides, waivers=waivers)


def _where(names: Sequence[str], sources: Mapping[str, str]) -> str:
    """The place of the first name that somebody wrote; a default contradicts nothing by itself."""
    return next((sources[name] for name in names if sources[name] != "default"), "default")


def _refused_value(item: Written, key: Key, reason: str) -> Problem:
    why = f" ({reason})" if not reason.startswith(("Expected", "Invalid")) else ""
    default = "leaving it out" if key.default is None else shown(list(key.default) if isinstance(key.default, tuple) else key.default)
    what = f"{key.name} = {shown_of(key.name, item.value)}{why}, but it takes {key.allowed}"
    return Problem(key.name, what, item.where, f"write {key.allowed}; the default is {default}")
