"""Waivers of thresholds: read from the file, checked for their key, reason and date, and asked whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from metastackerbandit.config.problems import Problem, closest, refusal, shown
from metastackerbandit.config.schema import Config, ThresholdWaiver
from metastackerbandit.config.scopes import WAIVERS, book_keys, find_key, may_differ, split
from metastackerbandit.domain.errors import UsageError

LONGEST_DAYS = 30  # as for models: longer is a rule, and a rule is written down as one
LIVE = "live"  # the mode in which nothing is waived
MODES = ("backtest", "paper", LIVE)
_EXAMPLE = 'write [[waivers]] with key = "decision.thresholds", until = 2030-01-31 and why = "..."'


def in_force(config: Config, now_ns: int, mode: str) -> tuple[ThresholdWaiver, ...]:
    """The waivers that hold at a moment in a mode; none in live mode, whatever is written."""
    if mode == LIVE:
        return ()
    today = utc_day(now_ns)
    return tuple(waiver for waiver in config.waivers if today <= waiver.until <= today + timedelta(days=LONGEST_DAYS))


def waiver_problems(config: Config, sources: Mapping[str, str], now_ns: int, mode: str) -> Iterator[Problem]:
    """What makes waivers useless now: past their date, given for too long, or in live mode."""
    today = utc_day(now_ns)
    for place, waiver in enumerate(config.waivers):
        where = sources.get(f"{WAIVERS}.{place}", WAIVERS)
        if mode == LIVE:
            yield Problem(waiver.key, f"the waiver of {waiver.key} does not hold in live mode", where, "remove it, and what needed it")
        elif waiver.until < today:
            mend = f"remove it and what needed it, or decide again: until = {today + timedelta(days=LONGEST_DAYS)} at most"
            yield Problem(waiver.key, f"the waiver of {waiver.key} ended on {waiver.until}", where, mend)
        elif waiver.until > today + timedelta(days=LONGEST_DAYS):
            what = f"the waiver of {waiver.key} runs until {waiver.until}, more than {LONGEST_DAYS} days"
            yield Problem(waiver.key, what, where, f"until = {today + timedelta(days=LONGEST_DAYS)} at most")


def checked_mode(mode: str) -> str:
    """A mode that exists; UsageError otherwise."""
    if mode not in MODES:
        meant = closest(mode, MODES)
        raise UsageError(f"unknown mode {mode!r}", where="--mode", mend=f"did you mean {meant}?" if meant else f"use one of {', '.join(MODES)}")
    return mode


def refuse_waivers(config: Config, sources: Mapping[str, str], now_ns: int, mode: str) -> None:
    """Start nothing on a waiver that does not hold: ConfigRefused with every such waiver."""
    found = list(waiver_problems(config, sources, now_ns, mode))
    if found:
        raise refusal(found)


def waived(config: Config, key: str) -> bool:
    """Whether a waiver is written for a key, for it alone or for every frame and symbol; its date is judged where there is a clock."""
    return any(waiver.key in (key, split(key)[1]) for waiver in config.waivers)


def utc_day(now_ns: int) -> date:
    """The UTC date of a moment."""
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date()


def waivers_in(values: Any, where: Callable[[tuple[str, ...]], str], problems: list[Problem]) -> Iterator[tuple[ThresholdWaiver, str]]:
    """The waivers of a file with their places; those that say too little become problems."""
    if not isinstance(values, list):
        problems.append(Problem(WAIVERS, "waivers is a list of tables", where((WAIVERS,)), _EXAMPLE))
        return
    for place, given in enumerate(values):
        line = where((WAIVERS, str(place)))
        found = list(_faults(given, line))
        problems += found
        if not found:
            yield msgspec.convert(given, ThresholdWaiver), line


def _faults(given: Any, where: str) -> Iterator[Problem]:
    fields = ThresholdWaiver.__struct_fields__
    if not isinstance(given, dict):
        yield Problem(WAIVERS, f"a waiver is a table, not {shown(given)}", where, _EXAMPLE)
        return
    for name in given:
        if name not in fields:
            meant = closest(name, fields)
            mend = f"did you mean {meant}?" if meant else f"it has {', '.join(fields)}"
            yield Problem(WAIVERS, f"unknown key {shown(name)} of a waiver", where, mend)
    for name in fields:
        if name not in given:
            yield Problem(WAIVERS, f"a waiver has no {name}", where, _EXAMPLE)
    until, why, key = given.get("until"), given.get("why"), given.get("key")
    if until is not None and not _is_date(until):
        yield Problem(WAIVERS, f"until = {shown(until)} is no date", where, "write a UTC date such as 2030-01-31")
    if why is not None and not (isinstance(why, str) and why.strip() and why.isprintable()):
        yield Problem(WAIVERS, f"why = {shown(why)} gives no reason", where, "say in a line why the rule may be broken")
    if key is not None and not (isinstance(key, str) and _is_threshold(key)):
        meant = closest(key, book_keys()) if isinstance(key, str) else None
        yield Problem(WAIVERS, f"there is no threshold {shown(key)}", where, f"did you mean {meant}?" if meant else _EXAMPLE)


def _is_threshold(name: str) -> bool:
    return find_key(name) is not None and may_differ(split(name)[1])


def _is_date(value: Any) -> bool:
    if isinstance(value, datetime):
        return False
    try:
        msgspec.convert(value, date)
    except ValueError:
        return False
    return True
