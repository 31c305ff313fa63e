"""A run cut into blocks of the clock: what was earned and done in each, once; and two runs side by side where both have a block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metastackerbandit.domain.rows import DecisionRow
from metastackerbandit.evaluation.outcome_blocks import COLUMNS, RETURN, Blocks, Pairs, blocks_of, joined, paired
from tests.evaluation.traces import replayed

ENDED = st.lists(st.integers(0, 30), max_size=20, unique=True).map(sorted)


def blocks(ended: list[int], gain: float = 0.0) -> Blocks:
    """Blocks with these ends, each told apart by its numbers."""
    return Blocks(np.array(ended, np.int64), np.array(ended, np.float64)[:, None] * np.ones(len(COLUMNS)) + gain)


@given(seed=st.integers(0, 10_000), length=st.integers(1, 60))
@settings(max_examples=25)
def test_every_block_holds_what_was_earned_and_decided_in_it(seed: int, length: int) -> None:
    """Each block begins after its first edge and ends at its last; equity at an edge is the last one known by then."""
    rng = np.random.default_rng(seed)
    times, equity = np.sort(rng.integers(1, 300, 25)), rng.integers(1_000, 2_000, 25)
    rows = replayed(rng.integers(-1, 2, 60), np.ones(60), 0.5).rows
    rows["closed_ns"], rows["asks_risk"], rows["sent"] = rng.integers(0, 320, 60), rng.integers(0, 2, 60), rng.integers(-2, 3, 60)
    found = blocks_of(rows, times, equity, length)
    edges = [edge for edge in range(0, 400, length) if times[0] <= edge <= times[-1]]
    assert found.ended_ns.tolist() == edges[1:] and found.ended_ns.dtype == np.int64
    for row, begin, end in zip(found.table, edges[:-1], edges[1:], strict=True):
        before, after = (equity[max(n for n in range(25) if times[n] <= edge)] for edge in (begin, end))
        inside = [one for one in rows if begin < one["closed_ns"] <= end]
        wished = [one for one in inside if one["asks_risk"]]
        sent = [one for one in wished if one["sent"]]
        counts = [sum(one["side"] == side for one in chosen) for chosen in (inside, wished, sent) for side in (1, -1)]
        assert row.tolist() == pytest.approx([after / before - 1.0, *counts])


@given(ENDED, ENDED, st.integers(-1, 31))
def test_pairs_are_the_blocks_of_both_and_stretches_follow_each_other(one: list[int], other: list[int], at: int) -> None:
    both = sorted(set(one) & set(other))
    pairs = paired(blocks(one), blocks(other, 0.5))
    assert pairs.ended_ns.tolist() == both
    assert pairs.champion.tolist() == blocks(both).table.tolist() and pairs.challenger.tolist() == blocks(both, 0.5).table.tolist()
    later = pairs.after(at)
    assert later.ended_ns.tolist() == [end for end in both if end > at] and later.differences_bps().tolist() == [5_000.0] * len(later.ended_ns)
    assert later.champion.tolist() == blocks(later.ended_ns.tolist()).table.tolist()
    whole = joined([pairs, later])
    assert whole.ended_ns.tolist() == [*both, *later.ended_ns.tolist()] and (whole.challenger - whole.champion == 0.5).all()


def test_blocks_are_whole_do_not_overlap_and_lose_no_return() -> None:
    count, bar = 100, 300 * 10**9
    rows = replayed(np.tile((1, -1, 0, 1), 25), np.ones(count), 0.5).rows
    times, equity = rows["closed_ns"].astype(np.int64), (1_000_000 + np.cumsum(np.random.default_rng(2).integers(-500, 500, count))).astype(np.int64)
    blocks = blocks_of(rows, times, equity, 12 * bar)
    assert np.all(np.diff(blocks.ended_ns) == 12 * bar) and blocks.ended_ns[-1] <= times[-1]
    first = equity[np.searchsorted(times, blocks.ended_ns[0] - 12 * bar, side="right") - 1]
    last = equity[np.searchsorted(times, blocks.ended_ns[-1], side="right") - 1]
    assert float(np.prod(1.0 + blocks.table[:, RETURN])) - 1.0 == pytest.approx(last / first - 1.0)
    inside = (times > blocks.ended_ns[0] - 12 * bar) & (times <= blocks.ended_ns[-1])
    assert blocks.table[:, 1].sum() == np.count_nonzero(rows["side"][inside] == 1)
    assert blocks_of(rows[:0], times[:0], equity[:0], bar).table.shape == (0, 7)


def test_each_outcome_counts_once_and_blocks_without_a_difference_do_not() -> None:
    table = np.zeros((10, 7))
    table[:, RETURN] = np.arange(10) * 1e-4
    one, other = Blocks(np.arange(10), table), Blocks(np.arange(5, 15), table)
    pairs = paired(one, other)
    assert pairs.ended_ns.tolist() == [5, 6, 7, 8, 9]
    assert pairs.differences_bps() == pytest.approx(np.full(5, -5.0))
    assert len(pairs.after(7).ended_ns) == 2
    assert len(paired(one, one).differences_bps()) == 0
    assert len(joined([pairs.after(7), pairs.after(8)]).ended_ns) == 3 and len(joined([]).ended_ns) == 0


def test_rows_and_layout_are_those_of_decisions() -> None:
    assert {"side", "asks_risk", "sent", "closed_ns"} <= set(DecisionRow.__struct_fields__)


def test_less_than_a_block_is_none_and_one_whole_block_is_one() -> None:
    rows, equity = replayed(np.array([1]), np.ones(1), 0.5).rows, np.array([100, 110], np.int64)
    for first, last, ended in ((1, 19, []), (10, 19, []), (10, 20, [20]), (11, 29, []), (11, 30, [30]), (1, 20, [20])):
        found = blocks_of(rows, np.array([first, last]), equity, 10)
        assert found.ended_ns.tolist() == ended and found.table.shape == (len(ended), 7), (first, last)
    nothing = joined([])
    assert nothing.ended_ns.dtype == np.int64 and nothing.champion.shape == nothing.challenger.shape == (0, 7)
    assert isinstance(nothing, Pairs) and blocks_of(rows, np.zeros(0, np.int64), equity[:0], 10).ended_ns.dtype == np.int64
