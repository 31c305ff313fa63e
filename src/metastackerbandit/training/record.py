"""The walk-forward record: what versions said of bars that came after them, beside what became of those bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.label import CLASSES
from metastackerbandit.evaluation.uniqueness import average_uniqueness, effective_count
from metastackerbandit.features.mirror import mirrored
from metastackerbandit.training.dataset import DataSet, completeness
from metastackerbandit.training.meta_label import Said
from metastackerbandit.training.pooling import pooled_effect
from metastackerbandit.training.settings import TrainingSettings
from metastackerbandit.training.stack import Stack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 20_000  # rows answered at a time, so that mirrored copies stay small


class Record(Struct, frozen=True, eq=False):
    """N bars answered by versions that were trained before them, in order of time.

    `p` (N, 3) are the answers, `base` (N, 3) the class shares that the version had learnt from, `parts` (by family) the probabilities (N, 3) of
    its single learners, NaN where it has none of that family; `long`, `short` (N,) expected gross returns, fractions; `worth` (N,) the chance that
    the proposed trade pays, and `worth_base` the share that paid in what the version had learnt from (NaN: none). What became of the bars:
    `side` (N,), `gross` of a long, `net_long`, `net_short` (fractions), over [`start_ns`, `end_ns`).
    """

    version: Ints
    symbol: Ints
    closed_ns: Ints
    start_ns: Ints
    end_ns: Ints
    p: Floats
    base: Floats
    parts: dict[str, Floats]
    long: Floats
    short: Floats
    worth: Floats
    worth_base: Floats
    side: NDArray[np.int8]
    gross: Floats
    net_long: Floats
    net_short: Floats

    def __len__(self) -> int:
        return len(self.side)

    def until(self, moment_ns: int) -> Record:
        """The bars whose outcome was known by then."""
        return self.taken(np.flatnonzero(self.end_ns <= moment_ns))

    def taken(self, places: Ints) -> Record:
        """The bars at `places`."""
        columns = {name: getattr(self, name)[places] for name in self.__struct_fields__ if name != "parts"}
        return Record(**columns, parts={name: part[places] for name, part in self.parts.items()})

    def weights(self, grid_ns: int) -> tuple[Floats, float]:
        """How much of each outcome is its own (N,), and how many independent ones there are in all."""
        own = np.zeros(len(self))
        symbols = np.unique(self.symbol)
        for symbol in symbols:
            rows = self.symbol == symbol
            own[rows] = average_uniqueness(self.start_ns[rows], self.end_ns[rows], grid_ns)
        markets = [self.symbol == symbol for symbol in symbols]
        effect = pooled_effect([self.closed_ns[rows] for rows in markets], [self.gross[rows] for rows in markets])
        return own, effective_count(own, effect)


def answered(data: DataSet, stack: Stack, version: int, since_ns: int, until_ns: int, settings: TrainingSettings) -> Record:
    """What one version says of the bars known in [since, until) whose outcome came to be known, was tradable, and whose features were complete."""
    pieces = [_of_market(data, place, stack, version, since_ns, until_ns, settings) for place in range(len(data.markets))]
    return joined(pieces)


def empty_record() -> Record:
    """No bars."""
    times, numbers, rows = np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(CLASSES)))
    return Record(
        version=times,
        symbol=times,
        closed_ns=times,
        start_ns=times,
        end_ns=times,
        p=rows,
        base=rows,
        parts={},
        long=numbers,
        short=numbers,
        worth=numbers,
        worth_base=numbers,
        side=np.zeros(0, np.int8),
        gross=numbers,
        net_long=numbers,
        net_short=numbers,
    )


def joined(pieces: Sequence[Record]) -> Record:
    """Records one after another, in order of time."""
    families = sorted({name for piece in pieces for name in piece.parts})
    columns = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in Record.__struct_fields__ if name != "parts"}
    parts = {name: np.concatenate([piece.parts.get(name, np.full((len(piece), len(CLASSES)), np.nan)) for piece in pieces]) for name in families}
    whole = Record(**columns, parts=parts)
    return whole.taken(np.lexsort((whole.symbol, whole.start_ns)))


def _of_market(data: DataSet, place: int, stack: Stack, version: int, since_ns: int, until_ns: int, settings: TrainingSettings) -> Record:
    market = data.markets[place]
    labels = market.labels
    asked = (market.known_ns >= since_ns) & (market.known_ns < until_ns) & (labels["known"] == 1) & (labels["tradable"] == 1)
    asked &= completeness(market.table.valid, stack.expects()) >= settings.min_valid
    rows = np.flatnonzero(asked)
    said, worth = _answers(stack, market.table.values, rows)
    base = math.nan if stack.meta_label is None else stack.meta_label.facts.base
    chosen = labels[rows]
    volatility = chosen["volatility"].astype(np.float64)
    return Record(
        version=np.full(len(rows), version, np.int64),
        symbol=np.full(len(rows), place, np.int64),
        closed_ns=market.closed_ns[rows],
        start_ns=chosen["entry_ns"].astype(np.int64),
        end_ns=chosen["exit_ns"].astype(np.int64),
        p=said.p,
        base=np.broadcast_to(np.asarray(stack.facts.prior), said.p.shape).copy(),
        parts=dict(zip(stack.facts.families, said.parts, strict=True)),
        long=said.long * volatility,
        short=said.short * volatility,
        worth=worth,
        worth_base=np.where(np.isnan(worth), math.nan, base),
        side=chosen["side"].astype(np.int8),
        gross=chosen["gross"].astype(np.float64),
        net_long=chosen["net_long"].astype(np.float64),
        net_short=chosen["net_short"].astype(np.float64),
    )


def _answers(stack: Stack, values: Floats, rows: Ints) -> tuple[Said, Floats]:
    """What the stack and every learner of it say of the named rows (n), and the worth (n,) of what it proposes."""
    parts, head = np.empty((len(stack.learners), len(rows), len(CLASSES))), np.empty(len(rows))
    p, worth = np.empty((len(rows), len(CLASSES))), np.empty(len(rows))
    long, short = np.empty(len(rows)), np.empty(len(rows))
    for begin in range(0, len(rows), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        given = np.ascontiguousarray(values[rows[part]], np.float64)
        images = mirrored(given) if stack.facts.is_mirrored else None
        parts[:, part], head[part] = stack.parts(given, images), stack.lean(given, images)
        said = stack.said(parts[:, part], head[part])
        p[part], long[part], short[part], worth[part] = said.p, said.long, said.short, stack.worth(given, said)
    return Said(parts, np.asarray(stack.facts.weights), p, long, short), worth
