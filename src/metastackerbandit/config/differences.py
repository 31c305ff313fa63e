"""Every value that differs between two configurations: of the whole run, of a frame or symbol, and waivers."""

from __future__ import annotations

from typing import Any, NamedTuple

from metastackerbandit.config.outline import keys, value_at
from metastackerbandit.config.schema import Config
from metastackerbandit.config.scopes import WAIVERS


class Difference(NamedTuple):
    """A dotted name and its two values; None where one has none."""

    key: str
    before: Any
    after: Any


def differences_of(before: Config, after: Config) -> list[Difference]:
    """Keys in the order of the schema, then those of frames and symbols, then waivers by the key that they waive."""
    found = [Difference(name, value_at(before, name), value_at(after, name)) for name in keys()]
    for name in sorted({*before.overrides, *after.overrides}):
        found.append(Difference(name, before.overrides.get(name), after.overrides.get(name)))
    for key in sorted({waiver.key for config in (before, after) for waiver in config.waivers}):
        own = [tuple(waiver for waiver in config.waivers if waiver.key == key) for config in (before, after)]
        found.append(Difference(f"{WAIVERS} of {key}", _words(own[0]), _words(own[1])))
    return [one for one in found if one.before != one.after]


def _words(waivers: tuple[Any, ...]) -> str | None:
    return "; ".join(f"until {waiver.until}: {waiver.why}" for waiver in waivers) or None
