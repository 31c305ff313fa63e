"""What a replay's traces say about one gate of one book: who was asked, who passed, by side, and where the limit lies among what was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, field

from metastackerbandit.domain.gate import BLOCK, NA, PASS, UNKNOWN, GateSpec

SIDES = (("BUY", 1), ("SELL", -1))


class Replayed(Struct, frozen=True, eq=False):
    """The decisions (N,) of a replay in the layout of DecisionRow, with their traces (N, G) in the order of the gates."""

    rows: np.ndarray
    observed: np.ndarray
    limit: np.ndarray
    verdict: np.ndarray

    def taken(self, where: np.ndarray) -> Replayed:
        """The decisions chosen by a mask or by places."""
        return Replayed(self.rows[where], self.observed[where], self.limit[where], self.verdict[where])

    def joined(self, other: Replayed) -> Replayed:
        """The decisions of both."""
        return Replayed(*(np.concatenate((getattr(self, name), getattr(other, name))) for name in self.__struct_fields__))


class BySide(Struct, frozen=True):
    """A count of each side."""

    buy: int = field(name="BUY")
    sell: int = field(name="SELL")

    @property
    def both(self) -> int:
        """The two together."""
        return self.buy + self.sell


class Spread(Struct, frozen=True):
    """Where observed values lie; NaN where nothing was observed."""

    min: float
    p05: float
    p50: float
    p95: float
    max: float


NOTHING = Spread(math.nan, math.nan, math.nan, math.nan, math.nan)


class GateRecord(Struct, frozen=True):
    """One gate in one replay.

    Opinion gates are counted on decisions with an opinion, safety gates on decisions that asked for new risk: `asked`, `passes`, `alone` (this
    gate was the only one in the way), `unknown` and `not_applicable` among them. `clear` counts those asked whose opinion no other gate of
    opinion stopped, and `clear_passes` those among them that passed: only there do sizes mean anything. Opinions on neighbouring bars say
    much the same: `spells` counts stretches of so many bars in which a side asked, `spell_passes` those in which it passed. `fired` counts
    BLOCK on any decision. `limit` is the median of what was compared with, `limit_low` and `limit_high` its range (books and sides may differ,
    derived limits move); `off` says that the whole range is where the gate is switched off, and that it did stop nothing. `observed` is what was
    seen on decisions with an opinion, `percentile` the share of it below the limit, 0 to 1.
    """

    gate: str
    kind: str
    unit: str
    sense: str
    asked: BySide
    passes: BySide
    alone: BySide
    unknown: int
    not_applicable: int
    clear: int
    clear_passes: int
    spells: BySide
    spell_passes: BySide
    fired: int
    limit: float
    limit_low: float
    limit_high: float
    off: bool
    observed: Spread
    percentile: float


def gate_records(replayed: Replayed, gates: Sequence[GateSpec], spell_bars: int) -> tuple[GateRecord, ...]:
    """Every gate, in the order of the trace."""
    opinions = np.array([gate.kind == "opinion" for gate in gates], bool)
    stopped = ((replayed.verdict == BLOCK) | (replayed.verdict == UNKNOWN)) & opinions[None, :]
    by_opinion = stopped.sum(axis=1)
    return tuple(_record(replayed, place, gate, by_opinion == stopped[:, place], spell_bars) for place, gate in enumerate(gates))


def _record(replayed: Replayed, place: int, gate: GateSpec, is_clear: np.ndarray, spell_bars: int) -> GateRecord:
    """Count one gate, at its place in the trace; `is_clear` (N,) where no other gate of opinion stopped."""
    rows, verdict = replayed.rows, replayed.verdict[:, place]
    matters = rows["side"] != 0 if gate.kind == "opinion" else (rows["asks_risk"] != 0) & (rows["side"] != 0)
    judged = matters & ((verdict == PASS) | (verdict == BLOCK))
    limits = replayed.limit[matters & (verdict != NA), place]
    limits = limits[np.isfinite(limits)]
    seen, against = _seen(replayed, place)
    return GateRecord(
        gate=gate.name,
        kind=gate.kind,
        unit=gate.unit,
        sense=gate.sense,
        asked=_by_side(rows, judged),
        passes=_by_side(rows, judged & (verdict == PASS)),
        alone=_by_side(rows, matters & (rows["asks_risk"] != 0) & (rows["sole"] == place)),
        unknown=_count(matters & (verdict == UNKNOWN)),
        not_applicable=_count(matters & (verdict == NA)),
        clear=_count(judged & is_clear),
        clear_passes=_count(judged & is_clear & (verdict == PASS)),
        spells=_spells(rows, judged, spell_bars),
        spell_passes=_spells(rows, judged & (verdict == PASS), spell_bars),
        fired=_count(verdict == BLOCK),
        limit=float(np.median(limits)) if len(limits) else math.nan,
        limit_low=float(limits.min()) if len(limits) else math.nan,
        limit_high=float(limits.max()) if len(limits) else math.nan,
        off=len(limits) > 0 and not np.any(verdict == BLOCK) and gate.is_off(float(limits.max() if gate.sense == "at least" else limits.min())),
        observed=spread_of(seen),
        percentile=float(np.mean(seen < against)) if len(seen) else math.nan,
    )


def spread_of(values: np.ndarray) -> Spread:
    """Percentiles of finite values (N,)."""
    known = values[np.isfinite(values)]
    if not len(known):
        return NOTHING
    low, p05, p50, p95, high = np.quantile(known, (0.0, 0.05, 0.5, 0.95, 1.0))
    return Spread(float(low), float(p05), float(p50), float(p95), float(high))


def _seen(replayed: Replayed, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Observed values and the limits beside them, where both are known and there was an opinion."""
    there = (replayed.rows["side"] != 0) & (replayed.verdict[:, place] != NA)
    observed, limit = replayed.observed[there, place], replayed.limit[there, place]
    known = np.isfinite(observed) & ~np.isnan(limit)
    return observed[known], limit[known]


def _by_side(rows: np.ndarray, where: np.ndarray) -> BySide:
    return BySide(*(_count(where & (rows["side"] == sign)) for _, sign in SIDES))


def _spells(rows: np.ndarray, where: np.ndarray, bars: int) -> BySide:
    """Stretches of `bars` bars of one book in which a side is chosen by the mask."""
    spell = rows["closed_ns"] // (bars * np.maximum(rows["frame_ns"], 1))
    found = []
    for _, sign in SIDES:
        chosen = where & (rows["side"] == sign)
        found.append(len(np.unique(np.stack((rows["instrument"][chosen], spell[chosen])), axis=1).T))
    return BySide(*found)


def _count(where: np.ndarray) -> int:
    return int(np.count_nonzero(where))
