"""The configuration as an ordered outline: every table, every key with its type, default and what it allows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct, inspect

from metastackerbandit.config.schema import Config


class Key(Struct, frozen=True):
    """One setting: its dotted name, its annotation (for msgspec), its default, and its allowed values in words."""

    name: str
    annotation: Any
    default: Any
    allowed: str

    @property
    def table(self) -> str:
        """Dotted name of the table that holds it."""
        return self.name.rpartition(".")[0]

    @property
    def field(self) -> str:
        """Its name inside the table."""
        return self.name.rpartition(".")[2]


@cache
def tables() -> dict[str, type[Struct]]:
    """Every table by dotted name, parents first, in the order of the schema; the root is the empty name."""
    return {"": Config, **dict(_tables_below(Config, ""))}


@cache
def keys() -> dict[str, Key]:
    """Every key by dotted name, in the order of the schema."""
    return {key.name: key for name, table in tables().items() for key in _keys_of(table, name)}


def children(table: str) -> list[str]:
    """Names directly below a table, tables and keys alike."""
    return [name for name in tables()[table].__struct_fields__ if join(table, name) in tables() or join(table, name) in keys()]


def join(table: str, name: str) -> str:
    """Dotted name of a child."""
    return f"{table}.{name}" if table else name


def value_at(config: Config, name: str) -> Any:
    """The value of a dotted name: a key or a table, or a value of one frame or symbol."""
    if name in config.overrides:
        return config.overrides[name]
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _tables_below(table: type[Struct], prefix: str) -> Iterator[tuple[str, type[Struct]]]:
    for name, annotation in get_type_hints(table).items():
        if _is_table(annotation):
            yield join(prefix, name), annotation
            yield from _tables_below(annotation, join(prefix, name))


def _keys_of(table: type[Struct], prefix: str) -> Iterator[Key]:
    if not prefix:
        return  # the root holds tables, and what is written in other forms: overrides by scope, waivers as a list
    annotations = get_type_hints(table, include_extras=True)
    defaults = table()
    for name in table.__struct_fields__:
        if not _is_table(annotations[name]):
            allowed = _allowed(inspect.type_info(annotations[name]))
            yield Key(join(prefix, name), annotations[name], getattr(defaults, name), allowed)


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Struct)


def _allowed(kind: inspect.Type) -> str:
    """What a type takes, in words that fit after "it takes"."""
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_allowed(member) for member in kind.types)
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(msgspec.json.encode(value).decode() for value in kind.values)
    if isinstance(kind, inspect.FloatType):
        return "a number" + _range(kind)
    if isinstance(kind, inspect.IntType):
        return "a whole number" + _range(kind)
    if isinstance(kind, inspect.VarTupleType):
        return "a list of texts" if isinstance(kind.item_type, inspect.StrType) else "a list"
    if isinstance(kind, inspect.DictType):
        return f"a table by symbol, each {_allowed(kind.value_type)}"
    if isinstance(kind, inspect.NoneType):
        return "no value"
    return "true or false" if isinstance(kind, inspect.BoolType) else "text"


def _range(kind: inspect.FloatType | inspect.IntType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    low = f" above {kind.gt}" if kind.gt is not None else f" at least {kind.ge}" if kind.ge is not None else ""
    high = f" below {kind.lt}" if kind.lt is not None else f" at most {kind.le}" if kind.le is not None else ""
    return ",".join(bound for bound in (low, high) if bound)
