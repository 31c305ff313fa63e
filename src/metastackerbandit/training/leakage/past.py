"""The past may not depend on the future: whatever was known by a moment stays the same to the bit when all after it is replaced."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.quality import time_text
from metastackerbandit.training.leakage.cuts import cut_times
from metastackerbandit.training.leakage.finding import Checked, Finding
from metastackerbandit.training.leakage.pipeline import Ints, Market, Pipeline
from metastackerbandit.training.leakage.poison import MANNERS, Manner, poisoned
from metastackerbandit.training.leakage.settings import LeakageSettings
from metastackerbandit.training.leakage.watch import Watch, Watched

_LASTING = (Manner.OTHER, Manner.HOLES)
_EARLY = 0.25  # of the cuts, after which a market may also end: a shorter one could be too short for the pipeline
_ABSENT = -1  # as a column: the row itself came or went


class _Leak(Struct, frozen=True):
    """The first row of a column that changed: its place among the base's rows, and the cut and manner that showed it."""

    key: int
    column: int
    cut_ns: int
    manner: Manner


def judge_past(pipeline: Pipeline, market: Market, watch: Watch, settings: LeakageSettings, seed: int, *, cuts: Ints | None = None) -> Checked:
    """Replace the future at many moments, those of `cut_times` where none are given, and find what changed before them."""
    base = watch.of(pipeline, market)
    cuts = cut_times(market, pipeline.features(market, pipeline.bars(market)), settings, seed) if cuts is None else cuts
    leaks: dict[int, _Leak] = {}
    rows, early = 0, math.ceil(_EARLY * len(cuts))
    for place, cut_ns in enumerate(cuts.tolist()):
        manner = MANNERS[place % len(MANNERS)] if watch.may_end and place >= early else _LASTING[place % len(_LASTING)]
        other = watch.of(pipeline, poisoned(market, cut_ns, manner, seed))
        rows += int(np.count_nonzero(base.known_ns <= cut_ns))
        for key, column in _changes(base.until(cut_ns), other.until(cut_ns), watch.is_whole):
            leaks.setdefault(column, _Leak(key, column, cut_ns, manner))
    evidence = {"cuts": float(len(cuts)), "rows": float(len(base.keys)), "compared": float(rows), "columns": float(len(base.columns))}
    if leaks:
        evidence["columns_leaking"] = float(len(leaks))
    told = list(leaks.values())[: settings.told]
    findings = tuple(_told(pipeline, market, watch, base, leak, len(leaks) - len(told), seed) for leak in told)
    what = f"{watch.many} of {market.symbol} stay the same to the bit when all that comes after is replaced, at {len(cuts)} moments"
    return Checked(watch.check, what, evidence, findings)


def _changes(base: Watched, other: Watched, is_whole: bool) -> list[tuple[int, int]]:
    """Key and column of the first change in every column that changed."""
    if base.columns != other.columns:
        return [(int(base.keys[0]) if len(base.keys) else 0, _ABSENT)]
    common, left, right = np.intersect1d(base.keys, other.keys, assume_unique=True, return_indices=True)
    found = []
    if is_whole and not len(common) == len(base.keys) == len(other.keys):
        found.append((int(np.setxor1d(base.keys, other.keys, assume_unique=True)[0]), _ABSENT))
    differs = base.bits[left] != other.bits[right]
    for column in np.flatnonzero(differs.any(axis=0)).tolist():
        found.append((int(common[np.argmax(differs[:, column])]), column))
    return found


def _told(pipeline: Pipeline, market: Market, watch: Watch, base: Watched, leak: _Leak, more: int, seed: int) -> Finding:
    """A leak in words, with how far ahead it looked."""
    place = np.flatnonzero(base.keys == leak.key)
    known_ns = int(base.known_ns[place[0]]) if len(place) else leak.cut_ns
    until_ns = _reach(pipeline, market, watch, base, leak, seed)
    ahead = (until_ns - known_ns) / market.frame_ns
    name = "a row that comes or goes" if leak.column == _ABSENT else watch.words.format(column=base.columns[leak.column])
    what = f"{name} at {time_text(known_ns)} used candles until {time_text(until_ns)}"
    rest = f"; {more} more columns leak" if more else ""
    evidence = {"at_ns": float(known_ns), "used_until_ns": float(until_ns), "bars_ahead": float(ahead), "cut_ns": float(leak.cut_ns)}
    return Finding(watch.check, f"{what}, {ahead:g} bars ahead{rest}", evidence, watch.mend)


def _reach(pipeline: Pipeline, market: Market, watch: Watch, base: Watched, leak: _Leak, seed: int) -> int:
    """The close of the last candle that the leaking number depends on: beyond it, the future may be replaced without a change."""
    known: Ints = market.candles["known_ns"]
    low, high = int(np.searchsorted(known, leak.cut_ns, side="right")) - 1, len(known) - 1
    while high - low > 1:
        middle = (low + high) // 2
        other = watch.of(pipeline, poisoned(market, int(known[middle]), leak.manner, seed))
        if _is_changed(base, other, leak):
            low = middle
        else:
            high = middle
    return int(known[high])


def _is_changed(base: Watched, other: Watched, leak: _Leak) -> bool:
    left, right = _row(base, leak.key), _row(other, leak.key)
    if leak.column == _ABSENT or left is None or right is None:
        return (left is None) != (right is None)
    return bool(left[leak.column] != right[leak.column])


def _row(watched: Watched, key: int) -> NDArray[np.uint64] | None:
    place = np.flatnonzero(watched.keys == key)
    return watched.bits[place[0]] if len(place) else None
