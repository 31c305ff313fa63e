"""Which rows to train on and which to test: no training label lives while a test label does, and a moment is never on both sides.

Purge and embargo: Lopez de Prado 2018, ch. 7. Combinatorial splits and their paths: ch. 12. A row is a label from `start_ns` to `end_ns`; rows
may come in any order and of several symbols, and rows of one start belong together. Membership depends on times alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from metastackerbandit.domain.errors import TrainingRefused

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Fold(Struct, frozen=True, eq=False):
    """Places of the rows to train on (n,) and to test on (m,), both rising."""

    train: Ints
    test: Ints


def blocks_of(start_ns: Ints, blocks: int) -> Ints:
    """The block (0 .. blocks - 1) of each row (N,): runs of moments, equally many to within one."""
    moments = np.unique(start_ns)
    if not 2 <= blocks <= len(moments):
        raise TrainingRefused(f"{len(moments)} moments cannot be cut into {blocks} blocks", where="splits", mend="give a longer span or fewer folds")
    firsts = moments[np.arange(1, blocks) * len(moments) // blocks]
    return np.searchsorted(firsts, start_ns, side="right").astype(np.int64)


def purged_folds(start_ns: Ints, end_ns: Ints, folds: int, embargo_ns: int) -> tuple[Fold, ...]:
    """K folds, each block of time tested once; labels that meet [its first start, its last end + embargo] are not trained on."""
    return combinatorial_folds(start_ns, end_ns, folds, 1, embargo_ns)


def combinatorial_folds(start_ns: Ints, end_ns: Ints, blocks: int, tested: int, embargo_ns: int) -> tuple[Fold, ...]:
    """A fold for every choice of `tested` among `blocks` blocks of time, in the order of itertools.combinations."""
    start_ns, end_ns = _spans(start_ns, end_ns)
    block = blocks_of(start_ns, blocks)
    if not 1 <= tested < blocks:
        raise TrainingRefused(f"{tested} of {blocks} blocks cannot be tested", where="splits", mend="test at least one block, and leave one")
    rows = [np.flatnonzero(block == b) for b in range(blocks)]
    meeting = [_meets(start_ns, end_ns, start_ns[own].min(), end_ns[own].max() + embargo_ns) for own in rows]
    found = []
    for chosen in combinations(range(blocks), tested):
        barred = meeting[chosen[0]].copy()
        for b in chosen[1:]:
            barred |= meeting[b]
        fold = Fold(np.flatnonzero(~barred), np.sort(np.concatenate([rows[b] for b in chosen])))
        if not len(fold.train):
            raise TrainingRefused("purge and embargo leave nothing to train on", where="splits", mend="give a longer span or a shorter embargo")
        found.append(fold)
    return tuple(found)


def paths(blocks: int, tested: int) -> Ints:
    """Which fold of `combinatorial_folds` tests each block on each path (phi, blocks); phi = tested / blocks * C(blocks, tested).

    Every path goes through all blocks once, and every pair of fold and block that it tests lies on one path.
    """
    places: list[list[int]] = [[] for _ in range(blocks)]
    for fold, chosen in enumerate(combinations(range(blocks), tested)):
        for b in chosen:
            places[b].append(fold)
    return np.ascontiguousarray(np.array(places, np.int64).T)


def walk_forward(start_ns: Ints, end_ns: Ints, bounds_ns: Sequence[int] | Ints, *, window_ns: int | None = None) -> tuple[Fold, ...]:
    """Fold j tests the rows that start in [bounds[j], bounds[j + 1]), and trains on those whose label was known by bounds[j].

    With a window, those that start before bounds[j] - window are left out too. Either side may be empty where there are no such rows.
    """
    start_ns, end_ns = _spans(start_ns, end_ns)
    bounds = np.asarray(bounds_ns, np.int64)
    if (np.diff(bounds) <= 0).any():
        raise TrainingRefused("the bounds of a walk forward do not rise", where="splits", mend="give them in order of time")
    found = []
    for first, end in pairwise(bounds):
        trained = (end_ns <= first) & (start_ns < first)
        if window_ns is not None:
            trained &= start_ns >= first - window_ns
        found.append(Fold(np.flatnonzero(trained), np.flatnonzero((start_ns >= first) & (start_ns < end))))
    return tuple(found)


def _spans(start_ns: Ints, end_ns: Ints) -> tuple[Ints, Ints]:
    """Both as int64 side by side in memory; a label that ends before it starts is refused."""
    starts, ends = np.ascontiguousarray(start_ns, np.int64), np.ascontiguousarray(end_ns, np.int64)
    if len(starts) != len(ends) or (ends < starts).any():
        raise TrainingRefused("some labels end before they start", where="splits", mend="leave out rows whose label is not known")
    return starts, ends


def _meets(start_ns: Ints, end_ns: Ints, first_ns: int, last_ns: int) -> Bools:
    """Which spans share a moment with [first, last], ends included."""
    return (start_ns <= last_ns) & (end_ns >= first_ns)
