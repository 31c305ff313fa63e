"""The settings of one book, a symbol on a frame: base tables < profile < its frame's < its symbol's < its symbol's on that frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from metastackerbandit.config.outline import join, keys
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import EVERYWHERE, PROFILE, Scope, scopes_of, split
from metastackerbandit.decision.profiles import PROFILES
from metastackerbandit.domain.timeframe import frame_name, frame_ns
from metastackerbandit.engine.settings import EngineSettings


class Layered(NamedTuple):
    """A value that is laid over the base: the base key, the value, and the dotted name that brought it."""

    key: str
    value: Any
    name: str


def engine_settings(config: Config, symbol: str, frame: str) -> EngineSettings:
    """Every table that the core reads, as it is for this book."""
    return book_config(config, symbol, frame).engine()


def book_config(config: Config, symbol: str, frame: str) -> Config:
    """The configuration of one book, with nothing left that differs; an empty symbol or frame has no values of its own."""
    tables = config
    for layer in layers(config, symbol, frame):
        tables = _with(tables, layer.key.split("."), layer.value)
    return msgspec.structs.replace(tables, overrides={})


def book_sources(config: Config, sources: Mapping[str, str], symbol: str, frame: str) -> dict[str, str]:
    """Where the value of each base key comes from for this book; `sources` are those that loading gave."""
    found = {name: sources[name] for name in keys()}
    for layer in layers(config, symbol, frame):
        if layer.name == profile_name(config, frame)[1]:
            found[layer.key] = f"profile {profile_name(config, frame)[0]} ({layer.name}, {sources[layer.name]})"
        else:
            found[layer.key] = f"{sources[layer.name]} [{split(layer.name)[0].prefix}]"
    return found


def traded_frames(config: Config) -> tuple[str, ...]:
    """The frames that the configuration trades, by their one name; the first is shown where none is asked for."""
    return tuple(_frame(frame) for frame in config.run.frames)


def layers(config: Config, symbol: str, frame: str) -> Iterator[Layered]:
    """What is laid over the base for this book, weakest first."""
    name, key = profile_name(config, frame)
    if name in PROFILES:  # an unknown one is a problem of its own (config/checks.py)
        for threshold in PROFILES[name].thresholds:
            yield Layered(threshold.key, threshold.value, key)
    frame = _frame(frame)
    for scope in dict.fromkeys((Scope("", frame), Scope(symbol, ""), Scope(symbol, frame))):
        if scope != EVERYWHERE:
            yield from _of_scope(config, scope)


def profile_name(config: Config, frame: str) -> tuple[str, str]:
    """The profile of a frame, and the key that names it: the frame's own, else the run's."""
    key = join(Scope("", _frame(frame)).prefix, PROFILE)
    return (config.overrides[key], key) if key in config.overrides else (config.run.profile, "run.profile")


def own_scopes(config: Config) -> list[Scope]:
    """The scopes that may differ from the base: everything named in the overrides, each alone and together."""
    return scopes_of(config.overrides)


def _of_scope(config: Config, scope: Scope) -> Iterator[Layered]:
    for name, value in config.overrides.items():
        own, key = split(name)
        if own == scope and key != PROFILE:
            yield Layered(key, value, name)


def _frame(frame: str) -> str:
    """The one name of a frame's length; empty stays empty."""
    return frame_name(frame_ns(frame)) if frame else ""


def _with(table: Any, path: list[str], value: Any) -> Any:
    """The table with one value replaced, however deep."""
    name, *rest = path
    inner: Struct | Any = _with(getattr(table, name), rest, value) if rest else value
    return msgspec.structs.replace(table, **{name: inner})
