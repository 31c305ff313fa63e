"""A change of one threshold, judged before anything is written: a number of the table of bounds, a small step, not looser than derived."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from metastackerbandit.config.books import book_config, book_sources, traded_frames
from metastackerbandit.config.bounds import BOUNDS
from metastackerbandit.config.editing import with_number
from metastackerbandit.config.files import read_whole
from metastackerbandit.config.home import config_file
from metastackerbandit.config.loading import Examined, examine, examine_text, load_home
from metastackerbandit.config.outline import value_at
from metastackerbandit.config.problems import closest, refusal, shown
from metastackerbandit.config.scopes import Scope, is_symbol, may_differ
from metastackerbandit.config.thresholds import Threshold, thresholds, typical
from metastackerbandit.config.writing import config_text
from metastackerbandit.domain.errors import ConfigRefused, NotFound, SettingRefused
from metastackerbandit.domain.timeframe import frame_name, frame_ns

_ROUNDING = 1e-9  # a step of exactly the bound is allowed, however its difference rounds


class Change(Struct, frozen=True):
    """A change that may be made: the key as it is written, its scope, both values (None: not set), and the new text of the file."""

    name: str
    scope: Scope
    old: float | None
    new: float | None
    content: bytes


def planned(home: Path, environment: Mapping[str, str], key: str, text: str, symbol: str, frame: str) -> Change:
    """The change, or SettingRefused and its kind with what is wrong and the mend; nothing is written."""
    scope = Scope(symbol, frame_name(frame_ns(frame)) if frame else "")
    _check_key(key, scope)
    name = f"{scope.prefix}.{key}" if scope.prefix else key
    file = config_file(home)
    before = examine([file] if file.exists() else [])
    if before.problems:
        raise refusal(before.problems)
    new = _number(key, name, text)
    on = scope.frame or traded_frames(before.config)[0]
    old = value_at(book_config(before.config, symbol, scope.frame), key)
    judged = {one.key: one for one in thresholds(before.config, before.sources, symbol, on)}
    standing = judged.get(key) or judged.get(key.removesuffix("_buy").removesuffix("_sell"))
    _check_bounds(key, new, old, standing, str(typical(before.config, symbol, on)))
    change = Change(name, scope, old, new, _content(file, before, name, new))
    _check_effect(home, environment, change, key)
    return change


def _check_key(key: str, scope: Scope) -> None:
    if key not in BOUNDS:
        meant = closest(key, BOUNDS) or next((name for name in BOUNDS if name.endswith(f".{key}")), None)
        mend = f"did you mean {meant}?" if meant else f"these can be set: {', '.join(BOUNDS)}; write others in the file, then `msb config check`"
        raise NotFound(f"{shown(key)} is no threshold that can be set so", where="msb set", mend=mend)
    if scope.symbol and (not is_symbol(scope.symbol) or "." in scope.symbol):
        raise SettingRefused(f"{shown(scope.symbol)} is no symbol", where="--symbol", mend="name one such as BTCUSDT")
    if scope.prefix and not may_differ(key):
        raise SettingRefused(f"{key} is one for the whole run", where="msb set", mend="leave --symbol and --frame out")


def _number(key: str, name: str, text: str) -> float | None:
    """The value as the key's type; null unsets."""
    examined = examine(sets=[f"{name}={text}"])
    if examined.problems:
        first = examined.problems[0]
        raise SettingRefused(first.what, where="msb set", mend=first.mend)
    if text.strip().lower() in ("", "none", "null"):
        return None
    value: float = value_at(examined.config, name)
    bound = BOUNDS[key]
    if not bound.low <= value <= bound.high:
        raise SettingRefused(f"{key} = {value}", where="msb set", mend=f"it takes {bound.low:g} to {bound.high:g} here")
    return value


def _check_bounds(key: str, new: float | None, old: float | None, standing: Threshold | None, at: str) -> None:
    """Not looser than derived, and not further than a step from what decides now (a side's own limit: from the one of both)."""
    derived = standing.derived if standing else None
    now = standing.effective if standing else old
    if new is None:
        return
    if derived is not None and new < derived:
        what = f"{key} = {new:g} is looser than the derived limit {derived:.4g} and would change nothing"
        raise SettingRefused(f"{what} ({at})", where="msb set", mend=f"write at least {derived:.4g}, or null to leave it to the derived limit")
    step = BOUNDS[key].step
    if now is not None and abs(new - now) > step + _ROUNDING:
        what = f"{key} from {now:.4g} to {new:g} is more than {step:g} at once"
        mend = f"go by steps: {now + math.copysign(step, new - now):.4g} first, and look at `msb funnel` in between"
        raise SettingRefused(what, where="msb set", mend=mend)


def _content(file: Path, before: Examined, name: str, new: float | None) -> bytes:
    """The file's text with the change: one line where that says it, else the whole text afresh."""
    text = read_whole(file).decode("utf-8-sig") if file.exists() else ""
    wanted = examine([file] if file.exists() else [], None, [f"{name}={'null' if new is None else repr(new)}"])
    if wanted.problems:
        raise refusal(wanted.problems)
    edited = with_number(text, name, new)
    for content in ([] if edited is None else [edited.encode()]) + [config_text(wanted.config).encode()]:
        examined = examine_text(content, str(file))
        if not examined.problems and examined.config == wanted.config:
            return content
    raise ConfigRefused(f"{name} cannot be written", where=str(file), mend="change it by hand, then `msb config check`")


def _check_effect(home: Path, environment: Mapping[str, str], change: Change, key: str) -> None:
    """The change must be what a run would see: no variable, profile or nearer table may hide it."""
    place = load_home(home, environment).sources.get(change.name, "")
    if place.startswith("environment"):
        raise SettingRefused(f"{place} decides {change.name}", where="msb set", mend="remove the variable first")
    if change.new is None:
        return
    after = load_home(home, environment, [f"{change.name}={change.new!r}"])
    symbol, frame = change.scope.symbol, change.scope.frame or traded_frames(after.config)[0]
    if value_at(book_config(after.config, symbol, frame), key) != change.new:
        source = book_sources(after.config, after.sources, symbol, frame)[key]
        mend = f"set it nearer: --frame {frame}" + (f" --symbol {symbol}" if symbol else "")
        raise SettingRefused(f"{change.name} would have no effect on {frame}: {source} decides there", where="msb set", mend=mend)
